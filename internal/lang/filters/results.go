package filters

import (
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var results = family{tests: []jinja.Filter{
	resultTest("failed", flag("failed", true)), resultTest("failure", flag("failed", true)),
	resultTest("succeeded", flag("failed", false)), resultTest("success", flag("failed", false)), resultTest("successful", flag("failed", false)),
	resultTest("unreachable", flag("unreachable", true)), resultTest("reachable", flag("unreachable", false)),
	resultTest("timedout", timedout),
	resultTest("changed", changed), resultTest("change", changed),
	resultTest("skipped", flag("skipped", true)), resultTest("skip", flag("skipped", true)),
	resultTest("finished", asyncState("finished")), resultTest("started", asyncState("started")),
	{Name: "truthy", Signature: "truthy(value, convert_bool=False)", Run: truthyTest(true)},
	{Name: "falsy", Signature: "falsy(value, convert_bool=False)", Run: truthyTest(false)},
	{Name: "nan", Signature: "isnotanumber(x)", Run: isNaN}, {Name: "isnan", Signature: "isnotanumber(x)", Run: isNaN},
}}

func isNaN(c *jinja.Call) (value.Value, error) {
	if err := undefinedArg(c.Args[0]); err != nil {
		return nil, err
	}
	f, ok := c.Args[0].(value.Float)
	return value.Bool(ok && f != f), nil
}

// rule is what a test of task results looks at; name is what its error calls the test.
type rule struct {
	name string
	run  func(d *value.Dict) (value.Value, error)
}

func resultTest(name string, r rule) jinja.Filter {
	return jinja.Filter{Name: name, Signature: r.name + "(result)", Run: func(c *jinja.Call) (value.Value, error) {
		if !value.IsMapping(c.Args[0]) {
			return nil, filterError("The '%s' test expects a dictionary", r.name)
		}
		d, ok := c.Args[0].(*value.Dict)
		if !ok {
			var err error
			if d, err = value.ToDict(c.Args[0]); err != nil {
				return nil, err
			}
		}
		return r.run(d)
	}}
}

func flag(key string, want bool) rule {
	return rule{key, func(d *value.Dict) (value.Value, error) {
		v, ok := d.GetStr(key)
		if !ok {
			return value.Bool(!want), nil
		}
		if want {
			return v, nil
		}
		t, err := truth(v)
		return value.Bool(!t), err
	}}
}

var timedout = rule{"timedout", func(d *value.Dict) (value.Value, error) {
	v, ok := d.GetStr("timedout")
	if !ok {
		return value.False, nil
	}
	if t, err := truth(v); err != nil || !t {
		return v, err
	}
	m, ok := v.(*value.Dict)
	if !ok {
		return nil, noMethod(v, "get")
	}
	if p, ok := m.GetStr("period"); ok {
		return p, nil
	}
	return value.False, nil
}}

var changed = rule{"changed", func(d *value.Dict) (value.Value, error) {
	if v, ok := d.GetStr("changed"); ok {
		return v, nil
	}
	rs, ok := d.GetStr("results")
	l, isL := rs.(*value.List)
	if !ok || !isL {
		return value.False, nil
	}
	if len(l.Elems) == 0 {
		return nil, value.Errorf("IndexError", "list index out of range")
	}
	if _, ok := l.Elems[0].(*value.Dict); !ok {
		return value.False, nil
	}
	for _, e := range l.Elems {
		m, ok := e.(*value.Dict)
		if !ok {
			return nil, noMethod(e, "get")
		}
		if v, ok := m.GetStr("changed"); ok {
			t, err := truth(v)
			if err != nil {
				return nil, err
			}
			if t {
				return value.True, nil
			}
		}
	}
	return value.False, nil
}}

// asyncState reads started and finished; a task that is not asynchronous counts as both.
func asyncState(key string) rule {
	return rule{key, func(d *value.Dict) (value.Value, error) {
		v, ok := d.GetStr(key)
		if !ok {
			return value.True, nil
		}
		eq, err := value.Equal(v, value.Int(1))
		return value.Bool(eq), err
	}}
}

// strictBool is the boolean() of module arguments: ok is false for what is neither.
func strictBool(v value.Value) (b, ok bool) {
	if s, isStr := value.AsString(v); isStr {
		switch value.Lower(s) {
		case "y", "yes", "on", "1", "true", "t":
			return true, true
		case "n", "no", "off", "0", "false", "f":
			return false, true
		}
		return false, false
	}
	if value.IsNumber(v) {
		f, _ := value.ToFloat(v)
		return f == 1, f == 0 || f == 1
	}
	return false, false
}

func truthyTest(want bool) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) {
		convert, err := truth(c.Args[1])
		if err != nil {
			return nil, err
		}
		if err := undefinedArg(c.Args[0]); err != nil {
			return nil, err
		}
		if convert {
			if b, ok := strictBool(c.Args[0]); ok {
				return value.Bool(b == want), nil
			}
		}
		t, err := truth(c.Args[0])
		return value.Bool(t == want), err
	}
}
