package packages

import (
	"context"
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var dpkgSelections = &module.Module{
	Name: "ansible.builtin.dpkg_selections",
	Doc:  "Says what dpkg shall do with a package.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "name", Required: true},
			{Name: "selection", Required: true, Choices: []any{"install", "hold", "deinstall", "purge"}},
		},
		CheckMode: true,
	},
	Run: runDpkgSelections,
}

func runDpkgSelections(ctx context.Context, c *module.Call) (module.Result, error) {
	run := hostos.RunnerOf(ctx, c)
	bin, err := run.Need("dpkg")
	if err != nil {
		return nil, err
	}
	name, want := c.Str("name"), c.Str("selection")
	out, err := run.Must(bin, "--get-selections", name)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(out.Stdout)
	if len(words) < 2 {
		return nil, module.Fail(fmt.Sprintf("Failed to find package '%s' to perform selection '%s'.", name, want), nil)
	}
	have := words[1]
	r := module.Result{"changed": have != want, "before": have, "after": want}
	if have == want || c.Check {
		return r, nil
	}
	out, err = run.With(hostos.Cmd{Args: []string{bin, "--set-selections"}, Stdin: strings.NewReader(name + " " + want)})
	if err == nil && out.RC != 0 {
		err = module.Fail(out.Err(), module.Result{"rc": out.RC, "stdout": out.Stdout, "stderr": out.Stderr, "cmd": bin + " --set-selections"})
	}
	return r, err
}
