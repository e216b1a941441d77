package system

import (
	"context"
	"time"

	"github.com/troupe-automation/troupe/internal/target/facts"
	"github.com/troupe-automation/troupe/module"
)

var setup = &module.Module{
	Name:    "ansible.builtin.setup",
	Aliases: []string{"ansible.builtin.gather_facts"},
	Doc:     "Gathers facts about the target.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "gather_subset", Type: module.TypeList, Elements: module.TypeStr, Default: []any{"all"}},
			{Name: "gather_timeout", Type: module.TypeInt, Default: int64(10)},
			{Name: "filter", Type: module.TypeList, Elements: module.TypeStr, Default: []any{}},
			{Name: "fact_path", Type: module.TypePath, Default: "/etc/ansible/facts.d"},
		},
		CheckMode: true,
	},
	Run: func(ctx context.Context, c *module.Call) (module.Result, error) {
		found, warnings, err := facts.Gather(ctx, facts.Query{
			Subset: c.Strings("gather_subset"), Filter: c.Strings("filter"), Timeout: time.Duration(c.Int("gather_timeout")) * time.Second,
			FactPath: c.Str("fact_path"), Python: c.Python, Env: c.Env,
		})
		if err != nil {
			return nil, module.Fail(err.Error(), nil)
		}
		for _, w := range warnings {
			c.Warn(w)
		}
		return module.Result{"ansible_facts": found}, nil
	},
}
