package session_test

import (
	"context"
	"os/user"

	"github.com/troupe-automation/troupe/module"
)

// probes are the native modules of the test agent.
var probes = []*module.Module{
	{
		Name: "test.probe",
		Spec: module.Spec{CheckMode: true, Options: []module.Option{{Name: "say"}}},
		Run: func(_ context.Context, c *module.Call) (module.Result, error) {
			u, err := user.Current()
			if err != nil {
				return nil, err
			}
			return module.Result{"said": c.Args["say"], "user": u.Username, "tmp": c.TmpDir, "env": toAny(c.Env)}, nil
		},
	},
}

func toAny(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
