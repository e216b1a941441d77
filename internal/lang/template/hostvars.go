package template

import (
	"fmt"
	"sync/atomic"

	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// noPos is the place of text that was made while rendering.
var noPos source.Pos

// HostVars is the variable hostvars: a mapping from host names to their variables, rendered when they are read.
type HostVars struct {
	Engine *Engine
	// VarsOf returns the variables of a host, or nil when there is no such host.
	VarsOf func(host string) Vars
	// Hosts lists the names.
	Hosts func() []string

	reads *reads
}

// reads is where a mapping that renders on demand tells the template that reads it that what it handed out is data. It is
// atomic because such a mapping may be kept in a variable, which other hosts read.
type reads struct{ data atomic.Bool }

func (r *reads) note(data bool) {
	if r != nil && data {
		r.data.Store(true)
	}
}

// bind makes a mapping that renders on demand report to this Templar.
func (t *Templar) bind(v value.Value) value.Value {
	switch v := v.(type) {
	case *HostVars:
		bound := *v
		bound.reads = t.lend()
		return &bound
	case *HostVarsVars:
		bound := *v
		bound.reads = t.lend()
		return &bound
	case *RawVars:
		bound := *v
		bound.reads = t.lend()
		return &bound
	}
	return v
}

func (t *Templar) lend() *reads {
	if t.lent == nil {
		t.lent = &reads{}
	}
	return t.lent
}

// readData reports whether the program in progress has read data.
func (t *Templar) readData() bool {
	t.tainted = t.tainted || t.lent != nil && t.lent.data.Load()
	return t.tainted
}

// onDemand reports whether v is or holds a mapping that renders on demand: what will be read from it is not known yet.
func onDemand(v value.Value) bool {
	switch v := v.(type) {
	case *HostVars, *HostVarsVars, *RawVars:
		return true
	case *value.List:
		for _, e := range v.Elems {
			if onDemand(e) {
				return true
			}
		}
	case *value.Tuple:
		for _, e := range v.Elems {
			if onDemand(e) {
				return true
			}
		}
	case *value.Dict:
		for _, e := range v.All() {
			if onDemand(e) {
				return true
			}
		}
	}
	return false
}

// TypeName is Ansible's class.
func (*HostVars) TypeName() string { return "HostVars" }

// QualifiedTypeName is how messages name the class.
func (*HostVars) QualifiedTypeName() string { return "ansible.vars.hostvars.HostVars" }

// GetItem returns the variables of a host; an unknown host is undefined.
func (h *HostVars) GetItem(key value.Value) (value.Value, bool, error) {
	name, ok := value.AsString(key)
	if !ok {
		return nil, false, nil
	}
	vars := h.VarsOf(name)
	if vars == nil {
		return &value.Undefined{Kind: Undefined, Hint: fmt.Sprintf("\"hostvars['%s']\" is undefined", name)}, true, nil
	}
	return &HostVarsVars{engine: h.Engine, vars: vars, reads: h.reads}, true, nil
}

// GetAttr is GetItem: hostvars.web1.
func (h *HostVars) GetAttr(name string) (value.Value, bool, error) {
	if m := mappingMethod(h, name); m != nil {
		return m, true, nil
	}
	return h.GetItem(value.Str(name))
}

// Keys lists the hosts.
func (h *HostVars) Keys() ([]value.Value, error) { return strs(h.Hosts()), nil }

// Len is the number of hosts.
func (h *HostVars) Len() (int, error) { return len(h.Hosts()), nil }

// Contains reports whether the host is known.
func (h *HostVars) Contains(x value.Value) (bool, error) {
	name, ok := value.AsString(x)
	return ok && h.VarsOf(name) != nil, nil
}

// Iterate walks the host names.
func (h *HostVars) Iterate() (value.Iterator, error) {
	return value.SliceIter(strs(h.Hosts())), nil
}

// HostVarsVars are the variables of one host, rendered one by one in the context of that host alone; what is undefined
// stays as written.
type HostVarsVars struct {
	engine *Engine
	vars   Vars
	reads  *reads
}

// HostView shows the variables of one host as a mapping.
func HostView(e *Engine, vars Vars) value.Value { return &HostVarsVars{engine: e, vars: vars} }

// TypeName is Ansible's class.
func (*HostVarsVars) TypeName() string { return "HostVarsVars" }

// QualifiedTypeName is how messages name the class.
func (*HostVarsVars) QualifiedTypeName() string { return "ansible.vars.hostvars.HostVarsVars" }

// GetItem returns one variable.
func (v *HostVarsVars) GetItem(key value.Value) (value.Value, bool, error) {
	name, ok := value.AsString(key)
	if !ok {
		return nil, false, nil
	}
	raw, data, ok := v.vars.Lookup(name)
	if !ok {
		return nil, false, nil
	}
	t := v.engine.New(v.vars)
	r, err := t.Lenient(raw)
	v.reads.note(data || t.readData())
	if tpl, ok := r.(*value.Template); ok && err == nil {
		r = value.Str(tpl.Text)
	}
	return r, err == nil, err
}

// GetAttr is GetItem.
func (v *HostVarsVars) GetAttr(name string) (value.Value, bool, error) {
	if m := mappingMethod(v, name); m != nil {
		return m, true, nil
	}
	return v.GetItem(value.Str(name))
}

// Keys lists the variables.
func (v *HostVarsVars) Keys() ([]value.Value, error) { return strs(v.vars.Names()), nil }

// Len is the number of variables.
func (v *HostVarsVars) Len() (int, error) { return len(v.vars.Names()), nil }

// Contains reports whether the host has the variable.
func (v *HostVarsVars) Contains(x value.Value) (bool, error) {
	name, ok := value.AsString(x)
	if !ok {
		return false, nil
	}
	_, _, ok = v.vars.Lookup(name)
	return ok, nil
}

// Iterate walks the names.
func (v *HostVarsVars) Iterate() (value.Iterator, error) {
	return value.SliceIter(strs(v.vars.Names())), nil
}

// Repr prints all variables as a dict.
func (v *HostVarsVars) Repr() (string, error) {
	d := value.NewDict()
	for _, n := range v.vars.Names() {
		e, ok, err := v.GetItem(value.Str(n))
		if err != nil {
			return "", err
		}
		if ok {
			d.SetStr(n, e)
		}
	}
	return value.Repr(d)
}

// RawVars is the variable vars: all variables as they are written, never rendered.
type RawVars struct {
	Vars  Vars
	reads *reads
}

// TypeName is "dict".
func (*RawVars) TypeName() string { return "dict" }

// GetItem returns a variable raw.
func (r *RawVars) GetItem(key value.Value) (value.Value, bool, error) {
	name, ok := value.AsString(key)
	if !ok {
		return nil, false, nil
	}
	v, data, ok := r.Vars.Lookup(name)
	r.reads.note(data || unsafeText(v))
	if t, isTemplate := v.(*value.Template); isTemplate {
		return value.Str(t.Text), ok, nil
	}
	return v, ok, nil
}

// GetAttr is GetItem: vars.name.
func (r *RawVars) GetAttr(name string) (value.Value, bool, error) {
	if m := mappingMethod(r, name); m != nil {
		return m, true, nil
	}
	return r.GetItem(value.Str(name))
}

// Keys lists the variables.
func (r *RawVars) Keys() ([]value.Value, error) { return strs(r.Vars.Names()), nil }

// Len is the number of variables.
func (r *RawVars) Len() (int, error) { return len(r.Vars.Names()), nil }

// Contains reports whether the variable is set.
func (r *RawVars) Contains(x value.Value) (bool, error) {
	name, ok := value.AsString(x)
	if !ok {
		return false, nil
	}
	_, _, ok = r.Vars.Lookup(name)
	return ok, nil
}

// Iterate walks the names.
func (r *RawVars) Iterate() (value.Iterator, error) {
	return value.SliceIter(strs(r.Vars.Names())), nil
}

// mappingMethod returns a method of Python's mappings for an object that is one: keys, values, items, get.
func mappingMethod(m value.Mapping, name string) value.Value {
	collect := func(pick func(k, v value.Value) value.Value) func([]value.Value, []value.Kwarg) (value.Value, error) {
		return func([]value.Value, []value.Kwarg) (value.Value, error) {
			ks, err := m.Keys()
			if err != nil {
				return nil, err
			}
			out := make([]value.Value, 0, len(ks))
			for _, k := range ks {
				v, ok, err := m.GetItem(k)
				if err != nil {
					return nil, err
				}
				if ok {
					out = append(out, pick(k, v))
				}
			}
			return value.NewList(out...), nil
		}
	}
	switch name {
	case "keys":
		return &value.Func{Name: name, Fn: func([]value.Value, []value.Kwarg) (value.Value, error) {
			ks, err := m.Keys()
			return value.NewList(ks...), err
		}}
	case "values":
		return &value.Func{Name: name, Fn: collect(func(_, v value.Value) value.Value { return v })}
	case "items":
		return &value.Func{Name: name, Fn: collect(func(k, v value.Value) value.Value { return value.NewTuple(k, v) })}
	case "get":
		return &value.Func{Name: name, Fn: func(args []value.Value, _ []value.Kwarg) (value.Value, error) {
			if len(args) < 1 || len(args) > 2 {
				return nil, value.TypeErrorf("get expected 1 or 2 arguments, got %d", len(args))
			}
			v, ok, err := m.GetItem(args[0])
			if err != nil {
				return nil, err
			}
			if _, undefined := v.(*value.Undefined); ok && !undefined {
				return v, nil
			}
			if len(args) == 2 {
				return args[1], nil
			}
			return value.None, nil
		}}
	}
	return nil
}

func strs(names []string) []value.Value {
	out := make([]value.Value, len(names))
	for i, n := range names {
		out[i] = value.Str(n)
	}
	return out
}
