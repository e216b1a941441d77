package commands

import (
	"context"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var raw = &module.Module{
	Name: "ansible.builtin.raw",
	Doc:  "Runs a command line with the shell and returns what it printed, untouched.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "_raw_params"},
			{Name: "executable"},
		},
		FreeForm:  true,
		CheckMode: true,
	},
	Run: func(ctx context.Context, c *module.Call) (module.Result, error) {
		if c.Check {
			return module.Result{"skipped": true}, nil
		}
		sh := c.Str("executable")
		if sh == "" {
			sh = c.Shell
		}
		if sh == "" {
			sh = "/bin/sh"
		}
		args := []string{sh, "-c", c.Str("_raw_params")}
		out, err := hostos.Run(ctx, hostos.Cmd{Args: args, Env: c.Env, Output: c.Output})
		if err != nil {
			return nil, hostos.StartFailure(args, err)
		}
		return ran(out)
	},
}

// ran is the result of raw and script.
func ran(out hostos.Output) (module.Result, error) {
	r := module.Result{"changed": true, "rc": out.RC, "stdout": out.Stdout, "stderr": out.Stderr}
	if out.RC != 0 {
		return r, module.Fail("non-zero return code", nil)
	}
	return r, nil
}
