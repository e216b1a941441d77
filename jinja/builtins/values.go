package builtins

import (
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var valueFilters = []jinja.Filter{
	{Name: "attr", Signature: "do_attr(~environment, obj, name)", Run: attr},
	{Name: "d", Signature: "do_default(value, default_value='', boolean=False)", Run: defaultTo},
	{Name: "default", Signature: "do_default(value, default_value='', boolean=False)", Run: defaultTo},
	{Name: "pprint", Signature: "do_pprint(value)", Run: pprint},
}

func attr(c *jinja.Call) (value.Value, error) {
	obj := c.Args[0]
	name, err := value.ToStr(c.Args[1])
	if err != nil {
		return nil, err
	}
	if u, ok := obj.(*value.Undefined); ok {
		if u.Chains() {
			return u, nil
		}
		return nil, u.Err()
	}
	v, ok, err := value.Attribute(obj, name)
	if ok || err != nil {
		return v, err
	}
	return &value.Undefined{Kind: c.Env.Undefined, Obj: obj, Name: value.Str(name)}, nil
}

func defaultTo(c *jinja.Call) (value.Value, error) {
	if _, undef := c.Args[0].(*value.Undefined); undef {
		return c.Args[1], nil
	}
	if c.Args[2] == value.Value(value.False) {
		return c.Args[0], nil
	}
	boolean, err := value.Truth(c.Args[2])
	if err != nil || !boolean {
		return c.Args[0], err
	}
	t, err := value.Truth(c.Args[0])
	if err != nil {
		return nil, err
	}
	if t {
		return c.Args[0], nil
	}
	return c.Args[1], nil
}

func pprint(c *jinja.Call) (value.Value, error) {
	if u, ok := c.Args[0].(*value.Undefined); ok {
		s, err := u.Repr()
		return value.Str(s), err
	}
	s, err := value.Pformat(c.Args[0], 80)
	return value.Str(s), err
}
