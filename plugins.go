package troupe

import (
	"context"
	"strings"

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
			r, err := p.actions.builtin(finder.Peek, shortName(name))
			return err == nil && r != nil && (action.Find(r.FQCN) != nil || p.actions.native(r.FQCN))
		},
	}
}

// lookup runs lookups for templates: a plugin beside the playbook, one of ours, one of a collection.
func (p *Project) lookup(ctx context.Context) template.LookupFunc {
	native := p.lookups(ctx)
	return func(t *template.Templar, name string, terms []value.Value, options []value.Kwarg) (value.Value, error) {
		if !lookup.Has(name) && !strings.Contains(name, ".") { // the old short name of one that moved to a collection
			if to := collection.Redirect("lookup", name); lookup.Has(to) && p.Plugins.Search.Adjacent("lookup", name) == nil {
				name = to
			}
		}
		if lookup.Has(name) && p.Plugins.Search.Adjacent("lookup", name) == nil {
			return native.Lookup(t, name, terms, options)
		}
		results, found, err := p.Plugins.Lookup(ctx, t, name, terms, options)
		if found || err != nil {
			return results, err
		}
		return native.Lookup(t, p.Plugins.Search.Builtin("lookup", name), terms, options)
	}
}

// Callbacks loads the callbacks written in Python: the one for standard output when it is named, those that are enabled, and with
// adjacent those that lie beside the playbook. nil when there are none.
func (p *Project) Callbacks(ctx context.Context, stdout string, enabled []string, adjacent bool) (*pyhost.Callbacks, bool, error) {
	return p.Plugins.LoadCallbacks(ctx, pyhost.CallbackOptions{Stdout: stdout, Enabled: enabled, Adjacent: adjacent, Ask: p.askRun})
}

// askRun answers what plugins of the run ask: hosts with their variables, extra variables.
func (p *Project) askRun(op string, args *value.Dict) (value.Value, bool, error) {
	switch op {
	case "extra_vars":
		return p.ExtraVars, true, nil
	case "host":
		v, _ := args.GetStr("name")
		name, _ := value.AsString(v)
		h := p.Inventory.Host(name)
		if h == nil {
			return value.DictOf("vars", value.NewDict(), "groups", value.NewList()), true, nil
		}
		groups := value.NewList()
		for _, g := range h.GroupNames() {
			groups.Elems = append(groups.Elems, value.Str(g))
		}
		vars := h.Vars.Copy()
		if own, err := p.Vars.Host(h, p.Loader.Basedir); err == nil {
			vars = own.Groups.Vars.Copy()
			for k, e := range own.Host.Vars.All() {
				_ = vars.Set(k, e) // the key was hashable before
			}
		}
		return value.DictOf("vars", vars, "groups", groups), true, nil
	}
	return nil, false, nil
}
