package files

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/troupe-automation/troupe/module"
)

var slurp = &module.Module{
	Name: "ansible.builtin.slurp",
	Doc:  "Returns a file's content in base64.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "src", Type: module.TypePath, Required: true, Aliases: []string{"path"}},
		},
		CheckMode: true,
	},
	Run: func(_ context.Context, c *module.Call) (module.Result, error) {
		src := c.Str("src")
		data, err := os.ReadFile(src)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, module.Fail("file not found: "+src, nil)
		case errors.Is(err, fs.ErrPermission):
			return nil, module.Fail("file is not readable: "+src, nil)
		case errors.Is(err, syscall.EISDIR):
			return nil, module.Fail("source is a directory and must be a file: "+src, nil)
		case err != nil:
			return nil, module.Fail(fmt.Sprintf("unable to slurp file: %s", err), nil)
		}
		return module.Result{"content": base64.StdEncoding.EncodeToString(data), "source": src, "encoding": "base64"}, nil
	},
}
