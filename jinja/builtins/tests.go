package builtins

import (
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

// Tests returns all tests of Jinja 3.1.
func Tests() []jinja.Filter {
	return []jinja.Filter{
		test("boolean", "test_boolean(value)", func(v value.Value) bool { _, ok := v.(value.Bool); return ok }),
		test("callable", "callable(obj, /)", value.IsCallable),
		test("defined", "test_defined(value)", isDefined),
		{Name: "divisibleby", Signature: "test_divisibleby(value, num)", Run: modulo(-1, 0)},
		test("escaped", "test_escaped(value)", func(v value.Value) bool {
			if u, ok := v.(*value.Undefined); ok {
				return u.Chains() // has every attribute
			}
			_, ok := v.(value.Markup)
			return ok
		}),
		{Name: "even", Signature: "test_even(value)", Run: modulo(2, 0)},
		test("false", "test_false(value)", func(v value.Value) bool { return v == value.Value(value.False) }),
		{Name: "filter", Signature: "test_filter(~env, value)", Run: known((*jinja.Environment).Filter)},
		test("float", "test_float(value)", func(v value.Value) bool { _, ok := v.(value.Float); return ok }),
		test("integer", "test_integer(value)", func(v value.Value) bool {
			switch v.(type) {
			case value.Int, *value.BigInt:
				return true
			}
			return false
		}),
		{Name: "iterable", Signature: "test_iterable(value)", Run: iterable},
		{Name: "lower", Signature: "test_lower(value)", Run: onStr(value.IsLower)},
		test("mapping", "test_mapping(value)", value.IsMapping),
		test("none", "test_none(value)", func(v value.Value) bool { return v == value.None }),
		test("number", "test_number(value)", func(v value.Value) bool {
			_, c := v.(value.Complex)
			return c || value.IsNumber(v)
		}),
		{Name: "odd", Signature: "test_odd(value)", Run: modulo(2, 1)},
		{Name: "sameas", Signature: "test_sameas(value, other)", Run: func(c *jinja.Call) (value.Value, error) {
			return value.Bool(value.Is(c.Args[0], c.Args[1])), nil
		}},
		test("sequence", "test_sequence(value)", func(v value.Value) bool {
			u, undefined := v.(*value.Undefined)
			return undefined && u.Kind == value.Lenient || isSequence(v)
		}),
		test("string", "test_string(value)", func(v value.Value) bool {
			_, vault := v.(*value.Encrypted)
			return value.IsString(v) && !vault
		}),
		{Name: "test", Signature: "test_test(~env, value)", Run: known((*jinja.Environment).Test)},
		test("true", "test_true(value)", func(v value.Value) bool { return v == value.Value(value.True) }),
		test("undefined", "test_undefined(value)", func(v value.Value) bool { return !isDefined(v) }),
		{Name: "upper", Signature: "test_upper(value)", Run: onStr(value.IsUpper)},
		{Name: "in", Signature: "test_in(value, seq)", Run: func(c *jinja.Call) (value.Value, error) {
			ok, err := value.Contains(c.Args[1], c.Args[0])
			return value.Bool(ok), err
		}},
		operator("==", "eq", "=="), operator("eq", "eq", "=="), operator("equalto", "eq", "=="),
		operator("!=", "ne", "!="), operator("ne", "ne", "!="),
		operator(">", "gt", ">"), operator("gt", "gt", ">"), operator("greaterthan", "gt", ">"),
		operator(">=", "ge", ">="), operator("ge", "ge", ">="),
		operator("<", "lt", "<"), operator("lt", "lt", "<"), operator("lessthan", "lt", "<"),
		operator("<=", "le", "<="), operator("le", "le", "<="),
	}
}

func test(name, sig string, is func(v value.Value) bool) jinja.Filter {
	return jinja.Filter{Name: name, Signature: sig, Run: func(c *jinja.Call) (value.Value, error) {
		v := c.Args[0]
		if l, ok := v.(value.Lazy); ok {
			f, err := l.Force()
			if err != nil {
				return nil, err
			}
			v = f
		}
		return value.Bool(is(v)), nil
	}}
}

func isDefined(v value.Value) bool {
	_, undef := v.(*value.Undefined)
	return !undef
}

// isSequence is Jinja's test: it has a length and items.
func isSequence(v value.Value) bool {
	switch v.(type) {
	case *value.List, *value.Tuple, *value.Dict, *value.Range, value.Bytes, value.Mapping:
		return true
	case *value.Undefined:
		return false
	}
	if value.IsString(v) {
		return true
	}
	_, sized := v.(value.Sized)
	_, indexed := v.(value.Indexed)
	return sized && indexed
}

func modulo(by, want int) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) {
		n := value.Value(value.Int(by))
		if by < 0 {
			n = c.Args[1]
		}
		m, err := value.Mod(c.Args[0], n)
		if err != nil {
			return nil, err
		}
		eq, err := value.Equal(m, value.Int(want))
		return value.Bool(eq), err
	}
}

func known[T any](find func(e *jinja.Environment, name string) (*T, error)) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) {
		name, ok := value.AsString(c.Args[0])
		if !ok {
			if u, isU := c.Args[0].(*value.Undefined); isU && u.Kind != value.Lenient {
				return nil, u.Err()
			}
			if _, err := value.SetOf(c.Args[0]); err != nil {
				return nil, err
			}
			return value.False, nil
		}
		f, err := find(c.Env, name)
		return value.Bool(f != nil), err
	}
}

func iterable(c *jinja.Call) (value.Value, error) {
	_, err := value.Iterate(c.Args[0])
	if value.ErrorClass(err) == "TypeError" {
		return value.False, nil
	}
	return value.Bool(err == nil), err
}

func onStr(is func(s string) bool) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) {
		s, err := value.ToStr(c.Args[0])
		return value.Bool(is(s)), err
	}
}

// operator is a test that is one of Python's operator functions, which read their arguments in C.
func operator(name, fn, op string) jinja.Filter {
	return jinja.Filter{Name: name, Run: func(c *jinja.Call) (value.Value, error) {
		if len(c.Kw) > 0 {
			return nil, value.TypeErrorf("_operator.%s() takes no keyword arguments", fn)
		}
		if len(c.Args) != 2 {
			return nil, value.TypeErrorf("%s expected 2 arguments, got %d", fn, len(c.Args))
		}
		a, b := c.Args[0], c.Args[1]
		switch op {
		case "==", "!=":
			eq, err := value.Equal(a, b)
			return value.Bool(eq == (op == "==")), err
		}
		ok, err := value.Compare(value.CompareOp(op), a, b)
		return value.Bool(ok), err
	}}
}
