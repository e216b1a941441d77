// Package vars is the ladder of variables: which layer wins, where a value came from, and the host_vars and group_vars
// files beside inventories and playbooks (BEHAVIOUR §1).
//
// A Scope is a list of layers that are shared between hosts and tasks: making one copies nothing. The engine builds a
// Scope for each task on each host; `troupe eval --explain` and `ansible-inventory` ask where values come from.
package vars

import (
	"slices"

	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
)

// Layer is one source of variables. Its dict must not change while a Scope uses it.
type Layer struct {
	Name string // what users call it: "play vars", "group_vars/web", "extra vars"
	Vars *value.Dict
	Data bool // the values come from outside the content (facts, results): never templates
	// Lookup and Names replace Vars for layers that are computed (magic variables). Each may be nil.
	Lookup func(name string) (value.Value, bool)
	Names  func() []string
	// IsData overrides Data for single variables; nil: Data holds for all.
	IsData func(name string) bool
	// Kind tells the kind of the texts of a variable; nil: by the layer.
	Kind func(name string) template.TextKind
}

// Get returns the raw value that the layer gives a variable.
func (l *Layer) Get(name string) (value.Value, bool) { return l.get(name) }

func (l *Layer) get(name string) (value.Value, bool) {
	if l.Lookup != nil {
		return l.Lookup(name)
	}
	return l.Vars.GetStr(name)
}

// Scope answers lookups over layers, the strongest first.
type Scope struct {
	Layers []Layer
	Merge  bool // hash_behaviour=merge: dicts of several layers are merged
}

// Lookup implements template.Vars.
func (s *Scope) Lookup(name string) (v value.Value, data, ok bool) {
	for i := range s.Layers {
		l := &s.Layers[i]
		v, found := l.get(name)
		if !found {
			continue
		}
		data := l.Data
		if l.IsData != nil {
			data = l.IsData(name)
		}
		if d, isDict := v.(*value.Dict); isDict && s.Merge {
			return s.mergeBelow(d, name, i+1, &data), data, true
		}
		return v, data, true
	}
	return nil, false, false
}

// mergeBelow merges a dict with those of weaker layers.
func (s *Scope) mergeBelow(top *value.Dict, name string, from int, data *bool) value.Value {
	var weaker []*value.Dict
	for i := from; i < len(s.Layers); i++ {
		v, ok := s.Layers[i].get(name)
		if !ok {
			continue
		}
		d, isDict := v.(*value.Dict)
		if !isDict {
			break
		}
		weaker = append(weaker, d)
		*data = *data || s.Layers[i].Data
	}
	out := value.Value(top)
	if len(weaker) > 0 {
		acc := weaker[len(weaker)-1]
		for i := len(weaker) - 2; i >= 0; i-- {
			acc = Merge(acc, weaker[i])
		}
		out = Merge(acc, top)
	}
	return out
}

// Merge lays b over a: dicts recursively, everything else replaced. Neither is changed.
func Merge(a, b *value.Dict) *value.Dict {
	out := a.Copy()
	for k, v := range b.All() {
		if old, ok, _ := out.Get(k); ok {
			od, wasDict := old.(*value.Dict)
			nd, isDict := v.(*value.Dict)
			if wasDict && isDict {
				v = Merge(od, nd)
			}
		}
		_ = out.Set(k, v) // the key was hashable before
	}
	return out
}

// Over lays b over a without looking inside. Neither is changed.
func Over(a, b *value.Dict) *value.Dict {
	if a.Len() == 0 {
		return b
	}
	out := a.Copy()
	for k, v := range b.All() {
		_ = out.Set(k, v) // the key was hashable before
	}
	return out
}

// Names implements template.Vars: every variable, weakest layers first.
func (s *Scope) Names() []string {
	var names []string
	seen := map[string]bool{}
	add := func(n string) {
		if !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	for _, l := range slices.Backward(s.Layers) {
		switch {
		case l.Names != nil:
			for _, n := range l.Names() {
				add(n)
			}
		case l.Vars != nil:
			for k := range l.Vars.All() {
				n, _ := value.AsString(k)
				add(n)
			}
		}
	}
	return names
}

// Where returns the layers that define a variable, the strongest first.
func (s *Scope) Where(name string) []*Layer {
	var out []*Layer
	for i := range s.Layers {
		if _, ok := s.Layers[i].get(name); ok {
			out = append(out, &s.Layers[i])
		}
	}
	return out
}

// TextKind implements template.Kinds: what the command line gives and what is computed is not read from YAML.
func (s *Scope) TextKind(name string) template.TextKind {
	for i := range s.Layers {
		l := &s.Layers[i]
		if _, ok := l.get(name); !ok {
			continue
		}
		if l.Kind != nil {
			return l.Kind(name)
		}
		if l.Name == "extra vars" || l.Lookup != nil {
			return template.PlainText
		}
		return template.YAMLText
	}
	return template.YAMLText
}
