package jinja

import (
	"errors"
	"strings"

	"github.com/troupe-automation/troupe/jinja/symbols"
	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/value"
)

// Classer is a Resolver whose texts have subclasses of str as their classes, known by where a text comes from. It is asked
// only for messages and by filters that are Classed, so ordinary texts carry nothing.
type Classer interface {
	// StrClass is the full name of the class of the text that e gives ("pkg.mod.SafeText"); "" for a plain str.
	StrClass(e syntax.Expr) string
}

// StrClass is the full name of the class of v, which e gave: "" unless v is text of a subclass that the Resolver knows.
// e may be nil: not known.
func (c *Context) StrClass(e syntax.Expr, v value.Value) string {
	if e == nil || v == nil {
		return ""
	}
	switch v.(type) {
	case value.Str, value.NativeText, *value.Template:
	default:
		return ""
	}
	k, ok := c.run.vars.(Classer)
	if !ok {
		return ""
	}
	return k.StrClass(e)
}

// traced is e when it is a path from a variable of the context (a.b[0] | first), or a literal; else nil: the value comes
// from a variable of the template or is computed.
func (c *compiler) traced(e syntax.Expr, sc *scope) syntax.Expr {
	for n := e; ; {
		switch x := n.(type) {
		case *syntax.Name:
			if v := sc.syms.Find(x.Name); v != nil && v.Load != symbols.Resolve {
				return nil
			}
			return e
		case *syntax.List:
			return e
		case *syntax.Getattr:
			n = x.Node
		case *syntax.Getitem:
			n = x.Node
		case *syntax.Call:
			n = x.Fn
		case *syntax.Filter:
			if x.Node == nil {
				return nil
			}
			n = x.Node
		default:
			return nil
		}
	}
}

// operand is an expression of an operation with the value it had.
type operand struct {
	expr syntax.Expr
	val  value.Value
}

// named puts the classes of texts into a TypeError or AttributeError that calls them str.
func (c *Context) named(err error, operands ...operand) error {
	var e *value.Error
	if !errors.As(err, &e) || !strings.Contains(e.Msg, "str") {
		return err
	}
	if !strings.HasSuffix(e.Class, "TypeError") && e.Class != "AttributeError" {
		return err
	}
	msg := e.Msg
	for _, o := range operands {
		full := c.StrClass(o.expr, o.val)
		if full == "" {
			continue
		}
		short := full[strings.LastIndexByte(full, '.')+1:]
		for _, p := range [][2]string{
			{"<class 'str'>", "<class '" + full + "'>"}, {"'str'", "'" + short + "'"}, {`(not "str")`, `(not "` + short + `")`},
			{"type str doesn't", "type " + short + " doesn't"},
		} {
			if strings.Contains(msg, p[0]) {
				msg = strings.Replace(msg, p[0], p[1], 1)
				break
			}
		}
		if before, ok := strings.CutSuffix(msg, ", not str"); ok {
			msg = before + ", not " + short
		}
	}
	if msg == e.Msg {
		return err
	}
	n := *e
	n.Msg = msg
	return &n
}
