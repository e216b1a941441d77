package module

import (
	"strconv"
	"strings"
)

// parseLiteral reads a Python literal of strings, numbers, True, False, None, lists, tuples and dicts with string keys.
func parseLiteral(s string) (any, bool) {
	p := &literalParser{s: s}
	v, ok := p.value(0)
	p.space()
	return v, ok && p.i == len(p.s)
}

type literalParser struct {
	s string
	i int
}

// maxLiteralDepth bounds the recursion on hostile input.
const maxLiteralDepth = 100

func (p *literalParser) space() {
	for p.i < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.i]) >= 0 {
		p.i++
	}
}

func (p *literalParser) eat(c byte) bool {
	p.space()
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *literalParser) value(depth int) (any, bool) {
	p.space()
	if p.i >= len(p.s) || depth > maxLiteralDepth {
		return nil, false
	}
	switch c := p.s[p.i]; {
	case c == '{':
		p.i++
		out := map[string]any{}
		for !p.eat('}') {
			k, ok := p.value(depth + 1)
			if !ok || !p.eat(':') {
				return nil, false
			}
			v, ok := p.value(depth + 1)
			if !ok {
				return nil, false
			}
			out[pyStr(k)] = v
			if !p.eat(',') {
				return out, p.eat('}')
			}
		}
		return out, true
	case c == '[' || c == '(':
		p.i++
		end := byte(']')
		if c == '(' {
			end = ')'
		}
		out := []any{}
		for !p.eat(end) {
			v, ok := p.value(depth + 1)
			if !ok {
				return nil, false
			}
			out = append(out, v)
			if !p.eat(',') {
				return out, p.eat(end)
			}
		}
		return out, true
	case c == '\'' || c == '"':
		return p.str(c)
	case c == 'u' && p.i+1 < len(p.s) && (p.s[p.i+1] == '\'' || p.s[p.i+1] == '"'):
		p.i++
		return p.str(p.s[p.i])
	}
	start := p.i
	for p.i < len(p.s) && strings.IndexByte(",:]}) \t\r\n", p.s[p.i]) < 0 {
		p.i++
	}
	switch word := p.s[start:p.i]; word {
	case "None":
		return nil, true
	case "True":
		return true, true
	case "False":
		return false, true
	default:
		if i, err := strconv.ParseInt(word, 10, 64); err == nil {
			return i, true
		}
		f, err := strconv.ParseFloat(word, 64)
		return f, err == nil
	}
}

func (p *literalParser) str(q byte) (any, bool) {
	p.i++
	var b strings.Builder
	for ; p.i < len(p.s); p.i++ {
		switch c := p.s[p.i]; c {
		case q:
			p.i++
			return b.String(), true
		case '\\':
			p.i++
			if p.i == len(p.s) {
				return nil, false
			}
			switch e := p.s[p.i]; e {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			case '\\', '\'', '"':
				b.WriteByte(e)
			default:
				b.WriteByte('\\')
				b.WriteByte(e)
			}
		default:
			b.WriteByte(c)
		}
	}
	return nil, false
}
