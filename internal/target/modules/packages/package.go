package packages

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/facts"
	"github.com/troupe-automation/troupe/module"
)

// packageModule hands its options on to the module of the machine's package manager.
var packageModule = &module.Module{
	Name: "ansible.builtin.package",
	Doc:  "Installs and removes packages with the machine's own package manager.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "use", Default: "auto"},
		},
		AnyArgs:   true,
		CheckMode: true,
	},
	Run: func(ctx context.Context, c *module.Call) (module.Result, error) {
		use := c.Str("use")
		if use == "" || use == "auto" {
			use = facts.PkgMgr()
		}
		short := use[strings.LastIndexByte(use, '.')+1:]
		if short == "unknown" {
			return nil, module.Fail(`Could not detect which package manager to use. Try gathering facts or setting the "use" option.`, nil)
		}
		for _, m := range managers {
			if !strings.HasSuffix(m.Name, "."+short) {
				continue
			}
			args := maps.Clone(c.Args)
			delete(args, "use")
			checked := m.Spec.Check(m.Name, args)
			if checked.Err != "" {
				return nil, module.Fail(checked.Err, nil)
			}
			own := *c
			own.Args = checked.Args
			r, err := m.Run(ctx, &own)
			c.Warnings = own.Warnings
			return r, err
		}
		return nil, module.Fail(fmt.Sprintf("Could not find a matching action for the \"%s\" package manager.", short), nil)
	},
}
