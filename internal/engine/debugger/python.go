package debugger

import (
	"errors"
	"strings"

	"github.com/troupe-automation/troupe/value"
)

// eval is the value of an expression.
func (s *Session) eval(src string) (value.Value, error) {
	p, err := s.env.CompileExpression("<string>", src)
	if err != nil {
		return nil, syntaxError()
	}
	v, err := p.Value(s.names)
	if err != nil {
		return nil, pythonError(err)
	}
	if u, ok := v.(*value.Undefined); ok {
		return nil, missing(u)
	}
	return v, nil
}

func syntaxError() error { return &value.Error{Class: "SyntaxError", Msg: "invalid syntax"} }

// pythonError is the exception that Python would have for what Jinja refuses.
func pythonError(err error) error {
	var e *value.Error
	if errors.As(err, &e) && e.Undefined != nil {
		return missing(e.Undefined)
	}
	return err
}

// missing is the exception for a name, key, index or attribute that there is not.
func missing(u *value.Undefined) error {
	name, _ := value.AsString(u.Name)
	switch u.Obj.(type) {
	case nil:
		return &value.Error{Class: "NameError", Msg: "name '" + name + "' is not defined"}
	case value.Mapping, *value.Dict:
		return &value.Error{Class: "KeyError", Msg: name}
	case *value.List, *value.Tuple:
		return &value.Error{Class: "IndexError", Msg: "list index out of range"}
	}
	return &value.Error{Class: "AttributeError", Msg: "'" + u.Obj.TypeName() + "' object has no attribute '" + name + "'"}
}

// statement is an assignment, del, or an expression whose value is shown.
func (s *Session) statement(line string) error {
	if target, ok := strings.CutPrefix(line, "del "); ok {
		return s.assign(strings.TrimSpace(target), nil)
	}
	parts := split(line)
	if parts.equals < 0 {
		v, err := s.eval(line)
		if err != nil || v == value.None {
			return err
		}
		text, err := value.Repr(v)
		if err == nil {
			s.Say(text)
		}
		return err
	}
	target, expr := strings.TrimSpace(line[:parts.equals]), strings.TrimSpace(line[parts.equals+1:])
	if target != "" && strings.ContainsRune("+-*/%", rune(target[len(target)-1])) {
		op := target[len(target)-1:]
		target = strings.TrimSpace(target[:len(target)-1])
		expr = "(" + target + ")" + op + "(" + expr + ")"
	}
	v, err := s.eval(expr)
	if err != nil {
		return err
	}
	return s.assign(target, value.DeepCopy(v))
}

// assign sets a name, an item, or task.args; v nil deletes it.
func (s *Session) assign(target string, v value.Value) error {
	parts := split(target)
	switch {
	case parts.bracket > 0 && strings.HasSuffix(target, "]"):
		in, err := s.eval(target[:parts.bracket])
		if err != nil {
			return err
		}
		key, err := s.eval(target[parts.bracket+1 : len(target)-1])
		if err != nil {
			return err
		}
		return setItem(in, key, v)
	case target == "task.args" && v != nil:
		d, ok := v.(*value.Dict)
		if !ok {
			return &value.Error{Class: "TypeError", Msg: "task.args is a dict"}
		}
		for _, k := range s.Args.Shown.Keys() {
			_, _ = s.Args.Shown.Delete(k) // the key was hashable before
		}
		for k, e := range d.All() {
			_ = s.Args.Shown.Set(k, e) // the key was hashable before
		}
		return nil
	case parts.dot > 0:
		return &value.Error{Class: "AttributeError", Msg: "'" + target + "' cannot be set here, items of task.args and task_vars can"}
	case !isName(target):
		return syntaxError()
	case v == nil:
		if s.names[target] == nil {
			return &value.Error{Class: "NameError", Msg: "name '" + target + "' is not defined"}
		}
		delete(s.names, target)
		return nil
	}
	s.names[target] = v
	return nil
}

// setItem sets or, with v nil, deletes in[key].
func setItem(in, key, v value.Value) error {
	switch in := in.(type) {
	case *value.Dict:
		if v != nil {
			return in.Set(key, v)
		}
		if ok, err := in.Delete(key); err != nil || !ok {
			name, _ := value.ToStr(key)
			return &value.Error{Class: "KeyError", Msg: name}
		}
		return nil
	case *value.List:
		n, ok := key.(value.Int)
		i := int(n)
		if i < 0 {
			i += len(in.Elems)
		}
		if !ok || i < 0 || i >= len(in.Elems) {
			return &value.Error{Class: "IndexError", Msg: "list assignment index out of range"}
		}
		if v == nil {
			in.Elems = append(in.Elems[:i:i], in.Elems[i+1:]...)
			return nil
		}
		in.Elems[i] = v
		return nil
	}
	return &value.Error{Class: "TypeError", Msg: "'" + in.TypeName() + "' object does not support item assignment"}
}

// places are where, outside brackets and quotes, a statement has its = and the last [ and dot of its target.
type places struct{ equals, bracket, dot int }

func split(line string) places {
	p := places{-1, -1, -1}
	depth := 0
	var quote byte
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '[' || c == '(' || c == '{':
			if c == '[' && depth == 0 {
				p.bracket = i
			}
			depth++
		case c == ']' || c == ')' || c == '}':
			depth--
		case depth > 0:
		case c == '.':
			p.dot = i
		case c == '=' && (i+1 == len(line) || line[i+1] != '=') && (i == 0 || !strings.ContainsRune("=!<>", rune(line[i-1]))):
			p.equals = i
			return p
		}
	}
	return p
}

func isName(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// functions are Python's own that one uses at a prompt.
var functions = map[string]func([]value.Value, []value.Kwarg) (value.Value, error){
	"len": one(func(v value.Value) (value.Value, error) {
		n, err := value.Len(v)
		return value.Int(n), err
	}),
	"str": one(func(v value.Value) (value.Value, error) {
		t, err := value.ToStr(v)
		return value.Str(t), err
	}),
	"repr": one(func(v value.Value) (value.Value, error) {
		t, err := value.Repr(v)
		return value.Str(t), err
	}),
	"type": one(func(v value.Value) (value.Value, error) { return value.Str(v.TypeName()), nil }),
	"list": one(func(v value.Value) (value.Value, error) {
		elems, err := value.Collect(v)
		return value.NewList(elems...), err
	}),
	"sorted": one(func(v value.Value) (value.Value, error) {
		elems, err := value.Collect(v)
		if err != nil {
			return nil, err
		}
		return value.NewList(elems...), value.SortBy(elems, nil, false)
	}),
}

func one(f func(value.Value) (value.Value, error)) func([]value.Value, []value.Kwarg) (value.Value, error) {
	return func(args []value.Value, kw []value.Kwarg) (value.Value, error) {
		if len(args) != 1 || len(kw) > 0 {
			return nil, &value.Error{Class: "TypeError", Msg: "one argument is needed"}
		}
		return f(args[0])
	}
}
