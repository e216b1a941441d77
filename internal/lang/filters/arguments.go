package filters

import (
	"strings"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

// filterError is Ansible's AnsibleFilterError.
func filterError(format string, args ...any) error {
	return value.Errorf("AnsibleFilterError", format, args...)
}

// filterTypeError is Ansible's AnsibleFilterTypeError, which counts as a TypeError.
func filterTypeError(format string, args ...any) error {
	return value.Errorf("AnsibleFilterTypeError", format, args...)
}

// undefinedArg raises an argument that is undefined.
func undefinedArg(v value.Value) error {
	if u, ok := v.(*value.Undefined); ok && u.Kind != value.Lenient {
		return u.Err()
	}
	return nil
}

// class is repr(type(v)) without the address: "<class 'list'>".
func class(v value.Value) string {
	switch x := v.(type) {
	case *value.Datetime, *value.Date, *value.Time, *value.Timedelta:
		return "<class '" + value.CTypeName(v) + "'>"
	case *value.Undefined:
		return "<class 'ansible.template." + x.TypeName() + "'>"
	}
	return "<class '" + v.TypeName() + "'>"
}

// toText is to_text(v): text as it is, bytes decoded, everything else by str().
func toText(v value.Value) (string, error) {
	if b, ok := v.(value.Bytes); ok {
		return string(b), nil
	}
	return value.ToStr(v)
}

func repr(v value.Value) string {
	s, err := value.Repr(v)
	if err != nil {
		return "<" + v.TypeName() + ">"
	}
	return s
}

func truth(v value.Value) (bool, error) { return value.Truth(v) }

// str reads an argument that Python would use as text; anything else gives bad's error.
func str(v value.Value, bad func(v value.Value) error) (string, error) {
	v, err := value.Norm(v)
	if err != nil {
		return "", err
	}
	if s, ok := value.AsString(v); ok {
		return s, nil
	}
	if err := undefinedArg(v); err != nil {
		return "", err
	}
	return "", bad(v)
}

// isList reports a list or tuple: what Ansible calls a sequence.
func isList(v value.Value) ([]value.Value, bool) {
	switch x := v.(type) {
	case *value.List:
		return x.Elems, true
	case *value.Tuple:
		return x.Elems, true
	}
	return nil, false
}

// textFilter makes a filter out of a function on text, with to_text of the argument.
func textFilter(fn func(s string) (string, error)) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) {
		s, err := toText(c.Args[0])
		if err != nil {
			return nil, err
		}
		s, err = fn(s)
		return value.Str(s), err
	}
}

// noMethod is the AttributeError of a method that v's type lacks.
func noMethod(v value.Value, name string) error {
	return value.Errorf("AttributeError", "'%s' object has no attribute '%s'", value.CTypeName(v), name)
}

func join(parts []string, sep string) string { return strings.Join(parts, sep) }
