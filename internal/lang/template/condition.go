package template

import (
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// Condition evaluates one entry of when, changed_when, failed_when, until, break_when or assert's that
// (template-semantics §6, BEHAVIOUR §1.8). Plain text is an expression here: the caller gives only conditions
// of the content.
func (t *Templar) Condition(c value.Value) (bool, error) {
	if t.Engine.Profile == Core219 {
		return t.strictCondition(c)
	}
	switch v := c.(type) {
	case nil, value.NoneType:
		return true, nil
	case value.Bool:
		return bool(v), nil
	}
	text, err := value.ToStr(c)
	if err != nil {
		return false, err
	}
	if text == "" {
		return true, nil
	}
	if data, ok := c.(value.Str); ok && hasClosedMarkers(string(data)) {
		return false, conditionError(unsafeCondition(), text)
	}
	if tpl, ok := c.(*value.Template); ok && hasClosedMarkers(tpl.Text) {
		if t.Warn != nil {
			t.Warn("conditional statements should not include jinja2 templating delimiters such as {{ }} or {% %}. Found: " + text)
		}
		was, lent := t.tainted, t.lent
		t.tainted, t.lent = false, nil
		r, err := t.Render(tpl)
		tainted := t.tainted
		t.tainted, t.lent = was || tainted, lent
		if err != nil {
			return false, conditionError(err, text)
		}
		if b, ok := r.(value.Bool); ok {
			return bool(b), nil
		}
		rendered, err := value.ToStr(r)
		if err != nil {
			return false, conditionError(err, text)
		}
		if rendered == "" {
			return false, nil
		}
		if tainted {
			return false, conditionError(unsafeCondition(), text)
		}
		return t.evaluate(rendered, text, source.Pos{})
	}
	var pos source.Pos
	if tpl, ok := c.(*value.Template); ok {
		pos = tpl.Pos
	}
	return t.evaluate(text, text, pos)
}

func unsafeCondition() error {
	return &Error{Class: "AnsibleError", Kind: "runtime", Msg: "Conditional is marked as unsafe, and cannot be evaluated.", Offset: -1}
}

// conditionPrefix stands before the pasted text of a condition; offsets in errors are counted without it.
const conditionPrefix = "{% if "

// evaluate asks for the truth of an expression. original is the condition as written, for messages.
func (t *Templar) evaluate(expr, original string, pos source.Pos) (bool, error) {
	text := conditionPrefix + expr + " %} True {% else %} False {% endif %}"
	p := t.Engine.compile(t.Engine.args, text)
	if p.err != nil {
		return false, conditionError(shift(t.wrap(p.err, text, pos), expr), original)
	}
	v, err := t.run(p, false)
	if err != nil {
		return false, conditionError(shift(t.wrap(err, text, pos), expr), original)
	}
	s, err := value.ToStr(v)
	if err != nil {
		return false, err
	}
	return strings.TrimSpace(s) == "True", nil
}

// shift makes the offset of an error count in the condition instead of the pasted text.
func shift(err error, expr string) error {
	var e *Error
	if errors.As(err, &e) && strings.HasPrefix(e.Text, conditionPrefix) {
		e.Text = expr
		if e.Offset >= 0 {
			e.Offset = min(max(0, e.Offset-len(conditionPrefix)), len(expr))
		}
	}
	return err
}

func conditionError(err error, text string) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	if !strings.HasPrefix(e.Class, "Ansible") {
		return err // raw Python errors are not worded anew
	}
	n := *e
	n.Class = "AnsibleError"
	n.Cause = err
	inner := e.Msg
	if e.Class == "AnsibleUndefinedVariable" {
		n.Kind = "undefined"
		inner = fmt.Sprintf("error while evaluating conditional (%s): %s", text, e.Msg)
	}
	n.Msg = fmt.Sprintf("The conditional check '%s' failed. The error was: %s", text, inner)
	return &n
}

// hasClosedMarkers reports whether text contains an opening marker with its closing one.
func hasClosedMarkers(text string) bool {
	for _, m := range [][2]string{{"{{", "}}"}, {"{%", "%}"}, {"{#", "#}"}} {
		if i := strings.Index(text, m[0]); i >= 0 && strings.Contains(text[i:], m[1]) {
			return true
		}
	}
	return false
}
