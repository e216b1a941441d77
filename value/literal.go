package value

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// LiteralEval is ast.literal_eval: it reads a Python literal (numbers, text, bytes, tuples, lists, dicts, sets, True, False,
// None, and sums with a complex number). The names true, false and null are not known; see LiteralEvalNames.
// The error is a ValueError or SyntaxError; callers that only want to know whether text is a literal ignore its text.
func LiteralEval(s string) (Value, error) { return LiteralEvalNames(s, nil) }

// LiteralEvalNames is LiteralEval with further names that stand for values.
func LiteralEvalNames(s string, names map[string]Value) (Value, error) {
	p := &literalParser{s: strings.TrimLeft(s, " \t"), names: names}
	v, err := p.tupleOrValue()
	if err != nil {
		return nil, err
	}
	p.space()
	if p.i < len(p.s) {
		return nil, p.bad()
	}
	return v, nil
}

type literalParser struct {
	s     string
	i     int
	depth int
	paren int
	names map[string]Value
}

func (p *literalParser) bad() error { return Errorf("SyntaxError", "invalid syntax") }

func (p *literalParser) malformed() error {
	return ValueErrorf("malformed node or string on line 1: %s", p.s)
}

// space skips blanks; newlines and comments count as blanks inside brackets and at the end.
func (p *literalParser) space() {
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == ' ' || c == '\t' || c == '\f':
			p.i++
		case c == '\\' && p.i+1 < len(p.s) && p.s[p.i+1] == '\n':
			p.i += 2
		case (c == '\n' || c == '\r') && (p.paren > 0 || strings.TrimSpace(p.s[p.i:]) == "" || strings.TrimSpace(p.s[:p.i]) == ""):
			p.i++
		case c == '#':
			for p.i < len(p.s) && p.s[p.i] != '\n' {
				p.i++
			}
		default:
			return
		}
	}
}

func (p *literalParser) peek() byte {
	p.space()
	if p.i >= len(p.s) {
		return 0
	}
	return p.s[p.i]
}

// tupleOrValue reads one value, or several with commas between as a tuple.
func (p *literalParser) tupleOrValue() (Value, error) {
	v, err := p.sum()
	if err != nil {
		return nil, err
	}
	if p.peek() != ',' {
		return v, nil
	}
	t := NewTuple(v)
	for p.peek() == ',' {
		p.i++
		if c := p.peek(); c == 0 || c == ')' {
			break
		}
		if v, err = p.sum(); err != nil {
			return nil, err
		}
		t.Elems = append(t.Elems, v)
	}
	return t, nil
}

// sum reads a value, or a number plus or minus a complex number.
func (p *literalParser) sum() (Value, error) {
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	for {
		c := p.peek()
		if c != '+' && c != '-' {
			return v, nil
		}
		if !isNumeric(v) {
			return nil, p.malformed()
		}
		if _, isBool := v.(Bool); isBool {
			return nil, p.malformed()
		}
		if _, isC := v.(Complex); isC {
			return nil, p.malformed()
		}
		p.i++
		w, err := p.value()
		if err != nil {
			return nil, err
		}
		if _, ok := w.(Complex); !ok {
			return nil, p.malformed()
		}
		if c == '+' {
			v, err = Add(v, w)
		} else {
			v, err = Sub(v, w)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *literalParser) value() (Value, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > 200 {
		return nil, Errorf("MemoryError", "too many nested parentheses")
	}
	c := p.peek()
	switch {
	case c == 0:
		return nil, p.bad()
	case c == '-' || c == '+':
		p.i++
		if n := p.peek(); n == '-' || n == '+' { // Python folds one sign only
			return nil, p.malformed()
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		switch v.(type) {
		case Int, *BigInt, Float, Complex:
		default:
			return nil, p.malformed()
		}
		if c == '+' {
			return v, nil
		}
		return Neg(v)
	case c == '[':
		elems, err := p.items(']')
		return NewList(elems...), err
	case c == '(':
		return p.parens()
	case c == '{':
		return p.braces()
	case c >= '0' && c <= '9' || c == '.':
		return p.number()
	case c == '\'' || c == '"':
		return p.strings()
	}
	start := p.i
	for p.i < len(p.s) && (p.s[p.i] == '_' || p.s[p.i] >= utf8.RuneSelf || isWord(p.s[p.i])) {
		p.i++
	}
	word := p.s[start:p.i]
	if word == "" {
		return nil, p.bad()
	}
	if p.i < len(p.s) && (p.s[p.i] == '\'' || p.s[p.i] == '"') {
		switch strings.ToLower(word) {
		case "b", "r", "u", "br", "rb":
			p.i = start
			return p.strings()
		}
		return nil, p.bad()
	}
	switch word {
	case "True":
		return True, nil
	case "False":
		return False, nil
	case "None":
		return None, nil
	case "set":
		if p.peek() == '(' {
			p.i++
			if p.peek() == ')' {
				p.i++
				return &Set{}, nil
			}
		}
	}
	if v, ok := p.names[word]; ok {
		return v, nil
	}
	return nil, p.malformed()
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func (p *literalParser) items(end byte) ([]Value, error) {
	p.i++
	p.paren++
	defer func() { p.paren-- }()
	elems := []Value{}
	for {
		if p.peek() == end {
			p.i++
			return elems, nil
		}
		if len(elems) > 0 {
			if p.peek() != ',' {
				return nil, p.bad()
			}
			p.i++
			if p.peek() == end {
				p.i++
				return elems, nil
			}
		}
		v, err := p.sum()
		if err != nil {
			return nil, err
		}
		elems = append(elems, v)
	}
}

func (p *literalParser) parens() (Value, error) {
	p.i++
	p.paren++
	defer func() { p.paren-- }()
	if p.peek() == ')' {
		p.i++
		return NewTuple(), nil
	}
	v, err := p.tupleOrValue()
	if err != nil {
		return nil, err
	}
	if p.peek() != ')' {
		return nil, p.bad()
	}
	p.i++
	return v, nil
}

func (p *literalParser) braces() (Value, error) {
	p.i++
	p.paren++
	defer func() { p.paren-- }()
	if p.peek() == '}' {
		p.i++
		return NewDict(), nil
	}
	d := NewDict()
	var set *Set
	for n := 0; ; n++ {
		if n > 0 {
			if p.peek() != ',' {
				break
			}
			p.i++
			if p.peek() == '}' {
				break
			}
		}
		k, err := p.sum()
		if err != nil {
			return nil, err
		}
		isPair := p.peek() == ':'
		if n == 0 && !isPair {
			set = &Set{}
		}
		if isPair == (set != nil) {
			return nil, p.bad()
		}
		if set != nil {
			if err := set.Add(k); err != nil {
				return nil, err
			}
			continue
		}
		p.i++
		v, err := p.sum()
		if err != nil {
			return nil, err
		}
		if err := d.Set(k, v); err != nil {
			return nil, err
		}
	}
	if p.peek() != '}' {
		return nil, p.bad()
	}
	p.i++
	if set != nil {
		return set, nil
	}
	return d, nil
}

func (p *literalParser) number() (Value, error) {
	start := p.i
	s := p.s
	if s[p.i] == '0' && p.i+1 < len(s) && strings.IndexByte("xXoObB", s[p.i+1]) >= 0 {
		p.i += 2
		for p.i < len(s) && (isWord(s[p.i]) || s[p.i] == '_') {
			p.i++
		}
		n, ok := new(big.Int).SetString(s[start:p.i], 0)
		if !ok {
			return nil, p.bad()
		}
		return NewBig(n), nil
	}
	float := false
	for p.i < len(s) {
		c := s[p.i]
		switch {
		case c >= '0' && c <= '9' || c == '_':
		case c == '.':
			float = true
		case c == 'e' || c == 'E':
			float = true
			if p.i+1 < len(s) && (s[p.i+1] == '+' || s[p.i+1] == '-') {
				p.i++
			}
		default:
			goto done
		}
		p.i++
	}
done:
	t := s[start:p.i]
	if strings.Contains(t, "__") || strings.HasSuffix(t, "_") || strings.HasPrefix(t, "_") || strings.Contains(t, "_.") || strings.Contains(t, "._") {
		return nil, p.bad()
	}
	t = strings.ReplaceAll(t, "_", "")
	imag := p.i < len(s) && (s[p.i] == 'j' || s[p.i] == 'J')
	if imag {
		p.i++
	}
	if p.i < len(s) && (isWord(s[p.i]) || s[p.i] == '_' || s[p.i] == '\'' || s[p.i] == '"') {
		return nil, p.bad()
	}
	if imag {
		v, ok := parseImag(t)
		if !ok {
			return nil, p.bad()
		}
		return v, nil
	}
	if float {
		f, err := strconv.ParseFloat(t, 64)
		if err != nil && !math.IsInf(f, 0) {
			return nil, p.bad()
		}
		return Float(f), nil
	}
	if len(t) > 1 && t[0] == '0' && strings.Trim(t, "0") != "" {
		return nil, Errorf("SyntaxError", "leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers")
	}
	if len(t) > maxIntDigits {
		return nil, Errorf("SyntaxError", "Exceeds the limit (4300 digits) for integer string conversion")
	}
	n, ok := new(big.Int).SetString(t, 10)
	if !ok {
		return nil, p.bad()
	}
	return NewBig(n), nil
}

// strings reads one or more adjacent string literals.
func (p *literalParser) strings() (Value, error) {
	var b strings.Builder
	bytes, first := false, true
	for {
		c := p.peek()
		start := p.i
		for p.i < len(p.s) && isWord(p.s[p.i]) {
			p.i++
		}
		prefix := strings.ToLower(p.s[start:p.i])
		if p.i >= len(p.s) || p.s[p.i] != '\'' && p.s[p.i] != '"' {
			p.i = start
			break
		}
		switch prefix {
		case "", "b", "r", "u", "br", "rb":
		default:
			_ = c
			return nil, p.bad()
		}
		isBytes := strings.Contains(prefix, "b")
		if !first && isBytes != bytes {
			return nil, p.bad()
		}
		bytes, first = isBytes, false
		if err := p.oneString(&b, isBytes, strings.Contains(prefix, "r")); err != nil {
			return nil, err
		}
	}
	if bytes {
		return Bytes(b.String()), nil
	}
	return Str(b.String()), nil
}

func (p *literalParser) oneString(b *strings.Builder, bytes, raw bool) error {
	q := p.s[p.i : p.i+1]
	if strings.HasPrefix(p.s[p.i:], q+q+q) {
		q += q + q
	}
	p.i += len(q)
	for {
		if p.i >= len(p.s) {
			return Errorf("SyntaxError", "unterminated string literal")
		}
		if strings.HasPrefix(p.s[p.i:], q) {
			p.i += len(q)
			return nil
		}
		c := p.s[p.i]
		p.i++
		switch {
		case c == '\n' && len(q) == 1:
			return Errorf("SyntaxError", "unterminated string literal")
		case bytes && c >= utf8.RuneSelf:
			return Errorf("SyntaxError", "bytes can only contain ASCII literal characters")
		case c != '\\':
			b.WriteByte(c)
		case p.i >= len(p.s):
			return Errorf("SyntaxError", "unterminated string literal")
		case raw:
			b.WriteByte(c)
			b.WriteByte(p.s[p.i])
			p.i++
		default:
			if err := p.escape(b, bytes); err != nil {
				return err
			}
		}
	}
}

func (p *literalParser) escape(b *strings.Builder, bytes bool) error {
	c := p.s[p.i]
	p.i++
	simple := strings.IndexByte(`\'"abfnrtv`, c)
	switch {
	case c == '\n':
	case simple >= 0:
		b.WriteByte("\\'\"\a\b\f\n\r\t\v"[simple])
	case c >= '0' && c <= '7':
		n := rune(c - '0')
		for k := 0; k < 2 && p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '7'; k++ {
			n = n*8 + rune(p.s[p.i]-'0')
			p.i++
		}
		if bytes {
			b.WriteByte(byte(n))
		} else {
			b.WriteRune(n)
		}
	case c == 'x' || !bytes && (c == 'u' || c == 'U'):
		width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
		if p.i+width > len(p.s) {
			return Errorf("SyntaxError", "truncated escape")
		}
		n, err := strconv.ParseUint(p.s[p.i:p.i+width], 16, 32)
		if err != nil || n > utf8.MaxRune {
			return Errorf("SyntaxError", "bad escape")
		}
		p.i += width
		if bytes {
			b.WriteByte(byte(n))
		} else {
			b.WriteRune(rune(n))
		}
	default:
		b.WriteByte('\\')
		b.WriteByte(c)
	}
	return nil
}
