// Package argument reads the arguments of filters and tests as Ansible's Python code would, and makes the errors it
// raises.
//
// Called by internal/lang/filters and its sub-packages.
package argument

import "github.com/troupe-automation/troupe/value"

// FilterError is Ansible's AnsibleFilterError.
func FilterError(format string, args ...any) error {
	return value.Errorf("AnsibleFilterError", format, args...)
}

// FilterTypeError is Ansible's AnsibleFilterTypeError, which counts as a TypeError.
func FilterTypeError(format string, args ...any) error {
	return value.Errorf("AnsibleFilterTypeError", format, args...)
}

// Undefined raises an argument that is undefined.
func Undefined(v value.Value) error {
	if u, ok := v.(*value.Undefined); ok && u.Kind != value.Lenient {
		return u.Err()
	}
	return nil
}

// Class is Repr(type(v)) without the address: "<class 'list'>".
func Class(v value.Value) string {
	switch x := v.(type) {
	case *value.Datetime, *value.Date, *value.Time, *value.Timedelta:
		return "<class '" + value.CTypeName(v) + "'>"
	case *value.Undefined:
		return "<class 'ansible.template." + x.TypeName() + "'>"
	}
	return "<class '" + v.TypeName() + "'>"
}

// Text is to_text(v): text as it is, bytes decoded, everything else by Str().
func Text(v value.Value) (string, error) {
	if b, ok := v.(value.Bytes); ok {
		return string(b), nil
	}
	return value.ToStr(v)
}

// Repr is repr(v), or a stand-in for what cannot be printed.
func Repr(v value.Value) string {
	s, err := value.Repr(v)
	if err != nil {
		return "<" + v.TypeName() + ">"
	}
	return s
}

// Str reads an argument that Python would use as text; anything else, what is undefined too, gives bad's error: most often
// a TypeError, which Ansible words anew when it names AnsibleUndefined.
func Str(v value.Value, bad func(v value.Value) error) (string, error) {
	v, err := value.Norm(v)
	if err != nil {
		return "", err
	}
	if s, ok := value.AsString(v); ok {
		return s, nil
	}
	return "", bad(v)
}

// List reports a list or tuple: what Ansible calls a sequence.
func List(v value.Value) ([]value.Value, bool) {
	switch x := v.(type) {
	case *value.List:
		return x.Elems, true
	case *value.Tuple:
		return x.Elems, true
	}
	return nil, false
}

// NoMethod is the AttributeError of a method that v's type lacks.
func NoMethod(v value.Value, name string) error {
	return value.Errorf("AttributeError", "'%s' object has no attribute '%s'", value.CTypeName(v), name)
}
