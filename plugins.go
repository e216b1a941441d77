package troupe

import (
	"context"

	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/engine/lookup"
	"github.com/troupe-automation/troupe/internal/engine/pyhost"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
)

// pluginHost is the Python plugins of the project. Nothing is started before the first is met.
func (p *Project) pluginHost(finder *collection.Finder) *pyhost.Host {
	return &pyhost.Host{
		Search: &pyhost.Search{Config: p.Config, Finder: finder}, Config: p.Config, Secrets: p.Secrets, Templates: p.Templates,
		Output: p.opt.Output, Verbosity: p.opt.Verbosity, Args: p.opt.Flags,
		Native: func(kind, name string) bool {
			if kind == "lookup" {
				return lookup.Has(name)
			}
			r, err := p.actions.builtin(shortName(name))
			return err == nil && r != nil && (action.Find(r.FQCN) != nil || p.actions.native(r.FQCN))
		},
	}
}

// lookup runs lookups for templates: a plugin beside the playbook, one of ours, one of a collection.
func (p *Project) lookup(ctx context.Context) template.LookupFunc {
	native := p.lookups(ctx)
	return func(t *template.Templar, name string, terms []value.Value, options []value.Kwarg) ([]value.Value, error) {
		if lookup.Has(name) && p.Plugins.Search.Adjacent("lookup", name) == nil {
			return native.Lookup(t, name, terms, options)
		}
		results, found, err := p.Plugins.Lookup(ctx, t, name, terms, options)
		if found || err != nil {
			return results, err
		}
		return native.Lookup(t, name, terms, options)
	}
}
