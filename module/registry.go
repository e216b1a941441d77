package module

import "strings"

// Registry finds modules by name.
type Registry struct {
	byName map[string]*Module
}

// NewRegistry makes a registry of the lists. A later module of the same name wins.
func NewRegistry(lists ...[]*Module) *Registry {
	r := &Registry{byName: map[string]*Module{}}
	for _, list := range lists {
		for _, m := range list {
			r.byName[m.Name] = m
			for _, a := range m.Aliases {
				r.byName[a] = m
			}
		}
	}
	return r
}

// Lookup finds a module by its fully qualified name, or one of ansible.builtin by its short or ansible.legacy name. nil when
// there is none.
func (r *Registry) Lookup(name string) *Module {
	if m := r.byName[name]; m != nil {
		return m
	}
	short, legacy := strings.CutPrefix(name, "ansible.legacy.")
	if legacy || !strings.Contains(name, ".") {
		return r.byName["ansible.builtin."+short]
	}
	return nil
}

// Names lists the fully qualified names of all modules.
func (r *Registry) Names() []string {
	names := make([]string, 0, len(r.byName))
	for n := range r.byName {
		names = append(names, n)
	}
	return names
}
