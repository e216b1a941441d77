package template

import "github.com/troupe-automation/troupe/value"

// Over puts a few variables over others: loop variables, the result a condition looks at, the extras of a template file.
type Over struct {
	Locals *value.Dict
	Data   bool     // the values come from outside the content
	Kind   TextKind // of the values
	Base   Vars
}

// Lookup implements Vars.
func (o *Over) Lookup(name string) (value.Value, bool, bool) {
	if v, ok := o.Locals.GetStr(name); ok {
		return v, o.Data, true
	}
	return o.Base.Lookup(name)
}

// Names implements Vars.
func (o *Over) Names() []string {
	names := o.Base.Names()
	for k := range o.Locals.All() {
		s, _ := value.AsString(k)
		if _, _, ok := o.Base.Lookup(s); !ok {
			names = append(names, s)
		}
	}
	return names
}

// With returns a Templar that sees more variables. It shares nothing that was rendered.
func (t *Templar) With(locals *value.Dict) *Templar { return t.with(locals, false) }

// WithData is With for values that come from outside the content (a module's result).
func (t *Templar) WithData(locals *value.Dict) *Templar { return t.with(locals, true) }

// WithItem is With for the item of a loop whose list a template or lookup gave: its texts are of another kind.
func (t *Templar) WithItem(locals *value.Dict, kind TextKind) *Templar {
	n := t.with(locals, false)
	n.Vars.(*Over).Kind = kind
	return n
}

func (t *Templar) with(locals *value.Dict, data bool) *Templar {
	n := *t
	n.Vars = &Over{Locals: locals, Data: data, Base: t.Vars}
	n.memo, n.resolving, n.tainted, n.lent, n.fresh = nil, nil, false, nil, false
	return &n
}
