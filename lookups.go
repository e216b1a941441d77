package troupe

import (
	"context"

	"github.com/troupe-automation/troupe/internal/content/inventory"
	"github.com/troupe-automation/troupe/internal/engine/lookup"
)

// lookups are the lookup plugins of the project, for its templates.
func (p *Project) lookups(ctx context.Context) *lookup.Set {
	return &lookup.Set{
		Ctx: ctx, Config: p.Config, Secrets: p.Secrets, Warn: p.opt.Warn,
		Hosts: func(patterns []string) ([]string, error) {
			if p.Inventory == nil {
				return nil, nil
			}
			hosts, err := p.Inventory.Match(inventory.Query{Patterns: patterns, Mismatch: inventory.MismatchIgnore})
			if err != nil {
				return nil, err
			}
			names := make([]string, len(hosts))
			for i, h := range hosts {
				names[i] = h.Name
			}
			return names, nil
		},
	}
}
