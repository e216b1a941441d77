package jmespath

import (
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/value"
)

// node evaluates itself against a value.
type node interface {
	eval(v value.Value) (value.Value, error)
}

// power is how strongly a token binds.
var power = map[string]int{
	"eof": 0, "unquoted_identifier": 0, "quoted_identifier": 0, "literal": 0, "rbracket": 0, "rparen": 0, "comma": 0, "rbrace": 0,
	"number": 0, "current": 0, "expref": 0, "colon": 0, "pipe": 1, "or": 2, "and": 3, "eq": 5, "gt": 5, "lt": 5, "gte": 5, "lte": 5,
	"ne": 5, "flatten": 9, "star": 20, "filter": 21, "dot": 40, "not": 45, "lbrace": 50, "lbracket": 55, "lparen": 60,
}

const projectionStop = 10

type parser struct {
	expr   string
	tokens []token
	i      int
	depth  int
}

// Expression is a compiled expression, safe for concurrent use.
type Expression struct{ root node }

// Compile parses an expression.
func Compile(expr string) (*Expression, error) {
	if expr == "" {
		return nil, &Error{"parse", "Invalid JMESPath expression: cannot be empty."}
	}
	ts, err := lex(expr)
	if err != nil {
		return nil, err
	}
	p := &parser{expr: expr, tokens: ts}
	n, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if p.cur().kind != "eof" {
		return nil, p.fail(p.cur(), "Unexpected token: "+p.cur().text)
	}
	return &Expression{n}, nil
}

// Search evaluates the expression on v; what does not exist is None.
func (e *Expression) Search(v value.Value) (value.Value, error) { return e.root.eval(v) }

func (p *parser) cur() token { return p.tokens[p.i] }

func (p *parser) next() token {
	t := p.tokens[p.i]
	if p.i < len(p.tokens)-1 {
		p.i++
	}
	return t
}

func (p *parser) fail(t token, msg string) error {
	if t.kind == "eof" {
		return &Error{"incomplete", fmt.Sprintf("Invalid jmespath expression: Incomplete expression:\n\"%s\"\n%s^", p.expr, strings.Repeat(" ", len(p.expr)+1))}
	}
	return p.failAt(t, msg)
}

func (p *parser) failAt(t token, msg string) error {
	return &Error{"parse", fmt.Sprintf("%s: Parse error at column %d, token \"%s\" (%s), for expression:\n\"%s\"\n%s^",
		msg, t.start, t.text, strings.ToUpper(t.kind), p.expr, strings.Repeat(" ", t.start+1))}
}

func (p *parser) expect(kind string) error {
	t := p.next()
	if t.kind != kind {
		return p.fail(t, fmt.Sprintf("Expecting: %s, got: %s", kind, t.kind))
	}
	return nil
}

func (p *parser) expression(bp int) (node, error) {
	if p.depth++; p.depth > 200 {
		return nil, &Error{"parse", "too deeply nested expression"}
	}
	defer func() { p.depth-- }()
	left, err := p.prefix(p.next())
	if err != nil {
		return nil, err
	}
	for bp < power[p.cur().kind] {
		if left, err = p.infix(p.next(), left); err != nil {
			return nil, err
		}
	}
	return left, nil
}

func (p *parser) prefix(t token) (node, error) {
	switch t.kind {
	case "literal":
		return literal{t.val}, nil
	case "unquoted_identifier":
		return field(t.text), nil
	case "quoted_identifier":
		if p.cur().kind == "lparen" {
			return nil, p.fail(t, "Quoted identifier not allowed for function names.")
		}
		return field(t.text), nil
	case "star":
		right, err := p.star()
		return valueProjection{identity{}, right}, err
	case "filter":
		return p.filter(identity{})
	case "lbrace":
		return p.multiHash()
	case "lparen":
		n, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		return n, p.expect("rparen")
	case "flatten":
		right, err := p.projectionRHS(power["flatten"])
		return projection{flatten{identity{}}, right}, err
	case "not":
		n, err := p.expression(power["not"])
		return not{n}, err
	case "lbracket":
		switch p.cur().kind {
		case "number", "colon":
			right, isSlice, err := p.index()
			if err != nil {
				return nil, err
			}
			return p.projectIfSlice(identity{}, right, isSlice)
		case "star":
			if p.tokens[p.i+1].kind == "rbracket" {
				p.next()
				p.next()
				right, err := p.projectionRHS(power["star"])
				return projection{identity{}, right}, err
			}
		}
		return p.multiList()
	case "current":
		return identity{}, nil
	case "expref":
		n, err := p.expression(power["expref"])
		return expref{n}, err
	}
	return nil, p.fail(t, "invalid token")
}

func (p *parser) star() (node, error) {
	if p.cur().kind == "rbracket" {
		return identity{}, nil
	}
	return p.projectionRHS(power["star"])
}

func (p *parser) infix(t token, left node) (node, error) {
	switch t.kind {
	case "dot":
		if p.cur().kind != "star" {
			right, err := p.dotRHS(power["dot"])
			return sub{left, right}, err
		}
		p.next()
		right, err := p.projectionRHS(power["dot"])
		return valueProjection{left, right}, err
	case "pipe":
		right, err := p.expression(power["pipe"])
		return sub{left, right}, err
	case "or", "and":
		right, err := p.expression(power[t.kind])
		return logic{t.kind == "or", left, right}, err
	case "eq", "ne", "lt", "lte", "gt", "gte":
		right, err := p.expression(power[t.kind])
		return compare{t.kind, left, right}, err
	case "flatten":
		right, err := p.projectionRHS(power["flatten"])
		return projection{flatten{left}, right}, err
	case "filter":
		return p.filter(left)
	case "lbracket":
		switch p.cur().kind {
		case "number", "colon":
			right, isSlice, err := p.index()
			if err != nil {
				return nil, err
			}
			return p.projectIfSlice(left, right, isSlice)
		}
		if err := p.expect("star"); err != nil {
			return nil, err
		}
		if err := p.expect("rbracket"); err != nil {
			return nil, err
		}
		right, err := p.projectionRHS(power["star"])
		return projection{left, right}, err
	case "lparen":
		name, ok := left.(field)
		if !ok {
			return nil, p.fail(p.tokens[max(p.i-2, 0)], "Invalid function name")
		}
		var args []node
		for p.cur().kind != "rparen" {
			a, err := p.expression(0)
			if err != nil {
				return nil, err
			}
			if p.cur().kind == "comma" {
				p.next()
			} else if p.cur().kind != "rparen" {
				return nil, p.fail(p.cur(), "Expecting: rparen, got: "+p.cur().kind)
			}
			args = append(args, a)
		}
		p.next()
		return call{string(name), args}, nil
	}
	return nil, p.fail(t, "Invalid token")
}

func (p *parser) projectIfSlice(left, right node, isSlice bool) (node, error) {
	n := sub{left, right}
	if !isSlice {
		return n, nil
	}
	rhs, err := p.projectionRHS(power["star"])
	return projection{n, rhs}, err
}

// index reads what follows a bracket: a number or a slice.
func (p *parser) index() (n node, isSlice bool, err error) {
	var parts [3]value.Value
	k := 0
	for p.cur().kind != "rbracket" && k < 3 {
		switch t := p.cur(); t.kind {
		case "colon":
			k++
			if k == 3 {
				return nil, false, p.fail(t, "Syntax error")
			}
			isSlice = true
			p.next()
		case "number":
			parts[k] = t.val
			p.next()
		default:
			return nil, false, p.fail(t, "Syntax error")
		}
	}
	if err := p.expect("rbracket"); err != nil {
		return nil, false, err
	}
	if isSlice {
		return slice(parts), true, nil
	}
	return index{parts[0]}, false, nil
}

func (p *parser) filter(left node) (node, error) {
	cond, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if err := p.expect("rbracket"); err != nil {
		return nil, err
	}
	var right node = identity{}
	if p.cur().kind != "flatten" {
		if right, err = p.projectionRHS(power["filter"]); err != nil {
			return nil, err
		}
	}
	return filterProjection{left, cond, right}, nil
}

func (p *parser) projectionRHS(bp int) (node, error) {
	t := p.cur()
	if power[t.kind] < projectionStop {
		return identity{}, nil
	}
	switch t.kind {
	case "lbracket", "filter":
		return p.expression(bp)
	case "dot":
		p.next()
		return p.dotRHS(bp)
	}
	return nil, p.fail(t, "syntax error")
}

func (p *parser) dotRHS(bp int) (node, error) {
	switch t := p.cur(); t.kind {
	case "quoted_identifier", "unquoted_identifier", "star":
		return p.expression(bp)
	case "lbracket":
		p.next()
		return p.multiList()
	case "lbrace":
		p.next()
		return p.multiHash()
	default:
		return nil, p.failAt(t, "Expecting: ['quoted_identifier', 'unquoted_identifier', 'lbracket', 'lbrace'], got: "+t.kind)
	}
}

func (p *parser) multiList() (node, error) {
	var items []node
	for {
		n, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		items = append(items, n)
		if p.cur().kind == "rbracket" {
			p.next()
			return multiList(items), nil
		}
		if err := p.expect("comma"); err != nil {
			return nil, err
		}
	}
}

func (p *parser) multiHash() (node, error) {
	var h multiHash
	for {
		t := p.next()
		if t.kind != "quoted_identifier" && t.kind != "unquoted_identifier" {
			return nil, p.fail(t, "Expecting: ['quoted_identifier', 'unquoted_identifier'], got: "+t.kind)
		}
		if err := p.expect("colon"); err != nil {
			return nil, err
		}
		n, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		h.keys, h.vals = append(h.keys, t.text), append(h.vals, n)
		switch p.cur().kind {
		case "comma":
			p.next()
		case "rbrace":
			p.next()
			return h, nil
		default:
			return nil, p.fail(p.cur(), "Expecting: rbrace, got: "+p.cur().kind)
		}
	}
}
