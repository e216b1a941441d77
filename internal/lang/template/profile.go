package template

import (
	"errors"
	"strings"

	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// Profile is the release of ansible-core whose rules hold where releases differ (template-semantics §12).
type Profile string

// The profiles. Under Core219 results keep their types and no text becomes a list, an element of a variable that is
// undefined harms only who reads it, omit drops out of lists too, text that a template made is data for ever, and conditions
// must be boolean. Where 2.19 words errors anew, only those of conditions follow it.
const (
	Core218 Profile = "2.18"
	Core219 Profile = "2.19"
)

// concatKept joins output nodes by the rules of 2.19: a single one stays what it is.
func concatKept(nodes []value.Value) (value.Value, error) {
	switch len(nodes) {
	case 0:
		return value.None, nil
	case 1:
		switch n := nodes[0].(type) {
		case *value.Encrypted:
			return openVault(n)
		case value.NativeText:
			return value.Str(n), nil
		default:
			return n, nil
		}
	}
	var b strings.Builder
	for _, n := range nodes {
		if n == value.None {
			continue
		}
		s, err := nodeText(n)
		if err != nil {
			return nil, err
		}
		b.WriteString(s)
	}
	return value.Str(b.String()), nil
}

// element renders an element of a container. In a variable under Core219 one that is undefined stays so until it is read.
func (t *Templar) element(v value.Value) (value.Value, error) {
	r, err := t.Render(v)
	if err != nil && t.sealed && t.Engine.Profile == Core219 && IsUndefined(err) {
		return &value.Undefined{Kind: Undefined, Hint: err.Error(), From: err}, nil
	}
	return r, err
}

// strictCondition is Condition under Core219: an expression whose result is a bool.
func (t *Templar) strictCondition(c value.Value) (bool, error) {
	if b, ok := c.(value.Bool); ok {
		return bool(b), nil
	}
	text, ok := value.AsString(c)
	empty := c == nil || c == value.None || ok && text == ""
	switch {
	case empty && t.Engine.BrokenConditions:
		return true, nil
	case empty:
		return false, broken("Empty conditional expressions are not allowed.")
	case !ok && t.Engine.BrokenConditions:
		return value.Truth(c)
	case !ok:
		return false, broken("Conditional expressions must be strings.")
	}
	tpl, ok := c.(*value.Template)
	if !ok {
		return t.asked(t.expression(text, source.Pos{}))
	}
	if !allTemplate(text) {
		return t.asked(t.expression(text, tpl.Pos))
	}
	outer, lent := t.tainted, t.lent
	t.tainted, t.lent = false, nil
	v, err := t.Render(tpl)
	tainted := t.tainted
	t.tainted, t.lent = outer || tainted, lent
	if s, ok := value.AsString(v); err == nil && ok && !tainted && s != "" {
		return t.asked(t.expression(s, tpl.Pos)) // a variable of the content that holds a condition
	}
	return t.asked(v, err)
}

// asked is the answer that the result of a condition gives.
func (t *Templar) asked(v value.Value, err error) (bool, error) {
	if u, ok := v.(*value.Undefined); ok && err == nil {
		err = t.wrap(u.Err(), "", noPos)
	}
	if err != nil {
		var e *Error
		if errors.As(err, &e) && e.Class == "AnsibleUndefinedVariable" {
			n := *e
			n.Msg = "Error while evaluating conditional: " + e.Msg
			return false, &n
		}
		return false, err
	}
	if b, ok := v.(value.Bool); ok {
		return bool(b), nil
	}
	truth, err := value.Truth(v)
	if err != nil {
		return false, err
	}
	shown, err := value.Repr(v)
	if err != nil {
		return false, err
	}
	verdict := "False"
	if truth {
		verdict = "True"
	}
	msg := "Conditional result was " + shown + " of type '" + v.TypeName() + "', which evaluates to " + verdict + ". Conditionals must have a boolean result."
	if !t.Engine.BrokenConditions {
		return false, broken(msg)
	}
	if t.Warn != nil {
		t.Warn(msg)
	}
	return truth, nil
}

func broken(msg string) error {
	return &Error{Class: "AnsibleBrokenConditionalError", Kind: "runtime", Msg: msg, Offset: -1}
}

// expression evaluates the text of a condition.
func (t *Templar) expression(text string, pos source.Pos) (value.Value, error) {
	p := t.Engine.compileExpression(text)
	if p.err != nil {
		err := t.wrap(p.err, text, pos)
		var e *Error
		if errors.As(err, &e) && e.Kind == "syntax" {
			n := *e
			n.Msg = "Syntax error in expression: " + p.err.Error()
			if IsTemplate(text) {
				n.Msg = "Syntax error in expression. Template delimiters are not supported in expressions: " + p.err.Error()
			}
			return nil, &n
		}
		return nil, err
	}
	nodes, err := p.Nodes(t)
	if err != nil {
		return nil, t.wrap(err, text, pos)
	}
	return nodes[0], nil
}

// allTemplate reports whether text begins and ends with markers.
func allTemplate(text string) bool {
	text = strings.TrimSpace(text)
	return strings.HasPrefix(text, "{{") && strings.HasSuffix(text, "}}") || strings.HasPrefix(text, "{%") && strings.HasSuffix(text, "%}")
}
