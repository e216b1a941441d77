package system

import (
	"context"

	"github.com/troupe-automation/troupe/module"
)

var ping = &module.Module{
	Name: "ansible.builtin.ping",
	Doc:  "Answers pong when the target can run modules.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "data", Default: "pong"},
		},
		CheckMode: true,
	},
	Run: func(_ context.Context, c *module.Call) (module.Result, error) {
		if c.Str("data") == "crash" {
			// What the playbook sees of a Python module that raises.
			trace := "Traceback (most recent call last):\nException: boom\n"
			return nil, module.Fail("MODULE FAILURE: No start of json char found\nSee stdout/stderr for the exact error", module.Result{
				"module_stdout": "", "module_stderr": trace, "exception": trace, "rc": 1,
			})
		}
		return module.Result{"ping": c.Args["data"]}, nil
	},
}
