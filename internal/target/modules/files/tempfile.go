package files

import (
	"context"
	"os"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var tempfile = &module.Module{
	Name: "ansible.builtin.tempfile",
	Doc:  "Makes a temporary file or directory.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "path", Type: module.TypePath},
			{Name: "prefix", Default: "ansible."},
			{Name: "state", Default: "file", Choices: []any{"file", "directory"}},
			{Name: "suffix", Default: ""},
		},
	},
	Run: func(_ context.Context, c *module.Call) (module.Result, error) {
		pattern := strings.ReplaceAll(c.Str("prefix"), "*", "_") + "*" + strings.ReplaceAll(c.Str("suffix"), "*", "_")
		var path string
		var err error
		if c.Str("state") == "directory" {
			path, err = os.MkdirTemp(c.Str("path"), pattern)
		} else {
			var f *os.File
			if f, err = os.CreateTemp(c.Str("path"), pattern); err == nil {
				path = f.Name()
				err = f.Close()
			}
		}
		if err != nil {
			return nil, module.Fail(strings.Replace(hostos.Errno(err), ": b'", ": '", 1), nil)
		}
		r := module.Result{"changed": true, "path": path}
		hostos.AddPathInfo(r)
		return r, nil
	},
}
