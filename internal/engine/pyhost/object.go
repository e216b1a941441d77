package pyhost

import (
	"context"

	"github.com/troupe-automation/troupe/value"
)

// Object is a Python object that has no counterpart here: it stays in its process, which is asked for attributes.
type Object struct {
	proc             *proc
	id               int64
	class, str, repr string
}

// TypeName is the name of its class.
func (o *Object) TypeName() string { return o.class }

// Str implements value.Stringer.
func (o *Object) Str() (string, error) { return o.str, nil }

// Repr implements value.Reprer.
func (o *Object) Repr() (string, error) { return o.repr, nil }

// GetAttr implements value.Attributed.
func (o *Object) GetAttr(name string) (value.Value, bool, error) {
	if o.proc == nil {
		return nil, false, nil
	}
	v, err := o.proc.call(context.Background(), "attribute", value.DictOf("id", value.Int(o.id), "name", value.Str(name)), nil, false)
	if err != nil {
		return nil, false, raised(err)
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return nil, false, nil
	}
	if found, _ := d.GetStr("ok"); found != value.True {
		return nil, false, nil
	}
	a, _ := d.GetStr("v")
	return a, true, nil
}

// Call implements value.Callable.
func (o *Object) Call(args []value.Value, kw []value.Kwarg) (value.Value, error) {
	v, err := o.proc.call(context.Background(), "invoke", value.DictOf("id", value.Int(o.id), "args", value.NewList(args...), "kw", keywords(kw)), nil, false)
	return v, raised(err)
}

func keywords(kw []value.Kwarg) *value.Dict {
	d := value.NewDict()
	for _, k := range kw {
		d.SetStr(k.Name, k.Val)
	}
	return d
}
