package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// fetch is the target's half of the fetch action. The controller passes in _checksum the SHA-1 of what it has; the file is
// streamed with Call.Send when its own differs. The result tells file, checksum, size and whether it was sent.
var fetch = &module.Module{
	Name: "ansible.builtin.fetch",
	Doc:  "Copies a file from the target to the controller.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "src", Type: module.TypePath, Required: true},
			{Name: "dest"},
			{Name: "flat", Type: module.TypeBool, Default: false},
			{Name: "fail_on_missing", Type: module.TypeBool, Default: true},
			{Name: "validate_checksum", Type: module.TypeBool, Default: true},
			{Name: "_checksum"},
			{Name: "_become", Type: module.TypeBool, Default: false}, // Ansible reads in another way then, which words errors in another
		},
		CheckMode: true,
	},
	Run: func(_ context.Context, c *module.Call) (module.Result, error) {
		src := c.Str("src")
		info, err := os.Stat(src)
		missing := func(msg string) (module.Result, error) {
			r := module.Result{"file": src, "changed": false}
			if c.Bool("fail_on_missing") {
				return r, module.Fail(msg, nil)
			}
			r["msg"] = msg + ", not transferring, ignored"
			return r, nil
		}
		if errors.Is(err, fs.ErrNotExist) {
			return missing("the remote file does not exist")
		}
		if err != nil && !c.Bool("_become") { // its directory may not be entered
			return missing(fmt.Sprintf("Failed to get information on remote file (%s): %s", src, hostos.Strerror(err)))
		}
		if err != nil {
			return missing("file is not readable: " + src)
		}
		if info.IsDir() {
			return missing("remote file is a directory, fetch cannot work on directories")
		}
		f, err := os.Open(src)
		if err != nil {
			return missing("file is not readable: " + src)
		}
		defer f.Close()
		sum, err := hostos.Checksum(src, "sha1")
		if err != nil {
			return nil, module.Fail(hostos.Errno(err), nil)
		}
		r := module.Result{"file": src, "checksum": sum, "size": info.Size(), "changed": sum != c.Str("_checksum"), "sent": false}
		if sum == c.Str("_checksum") || c.Check || c.Send == nil {
			return r, nil
		}
		if err := c.Send(f); err != nil {
			return nil, err
		}
		r["sent"] = true
		return r, nil
	},
}
