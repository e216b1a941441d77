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
			return nil, module.Fail("boom", nil)
		}
		return module.Result{"ping": c.Args["data"]}, nil
	},
}
