package accounts

import (
	"context"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var getent = &module.Module{
	Name: "ansible.builtin.getent",
	Doc:  "Reads a system database, such as passwd or services, as facts.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "database", Required: true},
			{Name: "fail_key", Type: module.TypeBool, Default: true},
			{Name: "key"},
			{Name: "service"},
			{Name: "split"},
		},
		CheckMode: true,
	},
	Run: runGetent,
}

func runGetent(ctx context.Context, c *module.Call) (module.Result, error) {
	run := hostos.RunnerOf(ctx, c)
	bin, err := run.Need("getent")
	if err != nil {
		return nil, err
	}
	database, key := c.Str("database"), c.Str("key")
	args := []string{bin}
	if s := c.Str("service"); s != "" {
		args = append(args, "-s", s)
	}
	args = append(args, database)
	if key != "" {
		args = append(args, key)
	}
	split := c.Str("split")
	if !c.Has("split") {
		switch database {
		case "passwd", "shadow", "group", "gshadow":
			split = ":"
		}
	}
	out, err := run.Run(args...)
	if err != nil {
		return nil, err
	}
	facts := &module.Ordered{}
	r := module.Result{"ansible_facts": map[string]any{"getent_" + database: facts}}
	switch out.RC {
	case 0:
	case 1:
		return nil, module.Fail("Missing arguments, or database unknown.", nil)
	case 2:
		const msg = "One or more supplied key could not be found in the database."
		if c.Bool("fail_key") {
			return nil, module.Fail(msg, nil)
		}
		facts.Set(key, nil)
		r["msg"] = msg
		return r, nil
	case 3:
		return nil, module.Fail("Enumeration not supported on this database.", nil)
	default:
		return nil, module.Fail("Unexpected failure!", nil)
	}
	seen := map[string]int{}
	for line := range strings.Lines(out.Stdout) {
		line = strings.TrimRight(line, "\n")
		var f []string
		if split == "" {
			f = strings.Fields(line)
		} else {
			f = strings.Split(line, split)
		}
		if len(f) == 0 {
			continue
		}
		name, rest := f[0], f[1:]
		seen[name]++
		switch seen[name] {
		case 1:
			facts.Set(name, rest)
		case 2: // a name that comes again gets a list of all its records
			facts.Set(name, []any{facts.Get(name), rest})
		default:
			facts.Set(name, append(facts.Get(name).([]any), rest))
		}
	}
	return r, nil
}
