package value

import (
	"math"
	"math/big"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// JSONOptions are the keyword arguments of json.dumps.
type JSONOptions struct {
	Indent    string // one level; "" with Pretty false: one line
	Pretty    bool   // indent was given (it may be 0)
	SortKeys  bool
	ASCII     bool   // ensure_ascii
	ItemSep   string // default ", " (or "," when Pretty)
	KeySep    string // default ": "
	RefuseNaN bool   // allow_nan=False
	SkipKeys  bool
	// Default is called for values that JSON does not know; nil gives Python's TypeError.
	Default func(v Value) (Value, error)
}

// JSON is json.dumps(v, …).
func JSON(v Value, o JSONOptions) (string, error) {
	if o.ItemSep == "" {
		o.ItemSep = ", "
		if o.Pretty {
			o.ItemSep = ","
		}
	}
	if o.KeySep == "" {
		o.KeySep = ": "
	}
	e := &jsonEncoder{o: o}
	if err := e.value(v, 0); err != nil {
		return "", err
	}
	return string(e.b), nil
}

type jsonEncoder struct {
	o     JSONOptions
	b     []byte
	stack []Value
}

func (e *jsonEncoder) newline(depth int) {
	if !e.o.Pretty {
		return
	}
	e.b = append(e.b, '\n')
	for range depth {
		e.b = append(e.b, e.o.Indent...)
	}
}

func (e *jsonEncoder) push(v Value) error {
	for _, s := range e.stack {
		if s == v {
			return ValueErrorf("Circular reference detected")
		}
	}
	if len(e.stack) > maxNesting {
		return Errorf("RecursionError", "maximum recursion depth exceeded while encoding a JSON object")
	}
	e.stack = append(e.stack, v)
	return nil
}

func (e *jsonEncoder) pop() { e.stack = e.stack[:len(e.stack)-1] }

func (e *jsonEncoder) value(v Value, depth int) error {
	switch x := v.(type) {
	case NoneType:
		e.b = append(e.b, "null"...)
	case Bool:
		e.b = strconv.AppendBool(e.b, bool(x))
	case Int:
		e.b = strconv.AppendInt(e.b, int64(x), 10)
	case *BigInt:
		s, err := bigStr(x.Num)
		if err != nil {
			return err
		}
		e.b = append(e.b, s...)
	case Float:
		s, err := e.float(float64(x))
		if err != nil {
			return err
		}
		e.b = append(e.b, s...)
	case Str:
		e.text(string(x))
	case Markup:
		e.text(string(x))
	case NativeText:
		e.text(string(x))
	case *Template:
		e.text(x.Text)
	case *List:
		return e.list(x, x.Elems, depth)
	case *Tuple:
		return e.list(x, x.Elems, depth)
	case *Dict:
		return e.dict(x, depth)
	case *Undefined:
		if e.o.Default != nil {
			d, err := e.o.Default(v)
			if err != nil {
				return err
			}
			return e.value(d, depth)
		}
		if x.Kind != Lenient {
			return TypeErrorf("Object of type %s is not JSON serializable", x.TypeName())
		}
		return TypeErrorf("Object of type %s is not JSON serializable", x.TypeName())
	case Lazy:
		f, err := x.Force()
		if err != nil {
			return err
		}
		return e.value(f, depth)
	default:
		if e.o.Default == nil {
			if s, ok := AsString(v); ok {
				e.text(s)
				return nil
			}
			return TypeErrorf("Object of type %s is not JSON serializable", v.TypeName())
		}
		if len(e.stack) > maxNesting {
			return Errorf("RecursionError", "maximum recursion depth exceeded while encoding a JSON object")
		}
		d, err := e.o.Default(v)
		if err != nil {
			return err
		}
		e.stack = append(e.stack, None)
		err = e.value(d, depth)
		e.pop()
		return err
	}
	return nil
}

func (e *jsonEncoder) float(f float64) (string, error) {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		s := "NaN"
		if math.IsInf(f, 1) {
			s = "Infinity"
		} else if math.IsInf(f, -1) {
			s = "-Infinity"
		}
		if e.o.RefuseNaN {
			return "", ValueErrorf("Out of range float values are not JSON compliant")
		}
		return s, nil
	}
	return FloatRepr(f), nil
}

func (e *jsonEncoder) list(v Value, elems []Value, depth int) error {
	if len(elems) == 0 {
		e.b = append(e.b, "[]"...)
		return nil
	}
	if err := e.push(v); err != nil {
		return err
	}
	e.b = append(e.b, '[')
	for i, x := range elems {
		if i > 0 {
			e.b = append(e.b, e.o.ItemSep...)
		}
		e.newline(depth + 1)
		if err := e.value(x, depth+1); err != nil {
			return err
		}
	}
	e.newline(depth)
	e.b = append(e.b, ']')
	e.pop()
	return nil
}

func (e *jsonEncoder) dict(d *Dict, depth int) error {
	if d.Len() == 0 {
		e.b = append(e.b, "{}"...)
		return nil
	}
	if err := e.push(d); err != nil {
		return err
	}
	type item struct{ k, v Value }
	items := make([]item, 0, d.Len())
	for k, v := range d.All() {
		items = append(items, item{k, v})
	}
	if e.o.SortKeys {
		var bad error
		allStr := true
		for _, it := range items {
			if _, ok := it.k.(Str); !ok {
				allStr = false
			}
		}
		if allStr {
			sort.Slice(items, func(i, j int) bool { return items[i].k.(Str) < items[j].k.(Str) })
		} else {
			for i := 1; i < len(items) && bad == nil; i++ {
				_, bad = Less(items[i].k, items[i-1].k)
			}
			sort.SliceStable(items, func(i, j int) bool {
				less, err := Less(items[i].k, items[j].k)
				if err != nil && bad == nil {
					bad = err
				}
				return less
			})
			if bad != nil {
				return bad
			}
		}
	}
	e.b = append(e.b, '{')
	n := 0
	for _, it := range items {
		key, err := e.key(it.k)
		if err != nil {
			if e.o.SkipKeys {
				continue
			}
			return err
		}
		if n > 0 {
			e.b = append(e.b, e.o.ItemSep...)
		}
		n++
		e.newline(depth + 1)
		e.text(key)
		e.b = append(e.b, e.o.KeySep...)
		if err := e.value(it.v, depth+1); err != nil {
			return err
		}
	}
	e.newline(depth)
	e.b = append(e.b, '}')
	e.pop()
	return nil
}

func (e *jsonEncoder) key(k Value) (string, error) {
	switch x := k.(type) {
	case NoneType:
		return "null", nil
	case Bool:
		return strconv.FormatBool(bool(x)), nil
	case Int, *BigInt:
		return ToStr(x)
	case Float:
		return e.float(float64(x))
	}
	if s, ok := AsString(k); ok {
		return s, nil
	}
	return "", TypeErrorf("keys must be str, int, float, bool or None, not %s", k.TypeName())
}

func (e *jsonEncoder) text(s string) {
	const hexDigits = "0123456789abcdef"
	e.b = append(e.b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && (c < utf8.RuneSelf && c != 0x7f || c == 0x7f || !e.o.ASCII && c >= utf8.RuneSelf) {
			i++
			continue
		}
		e.b = append(e.b, s[start:i]...)
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				r = 0xdc00 + rune(c)
			}
			if r >= 0x10000 {
				v := r - 0x10000
				e.escape(0xd800 + v>>10)
				e.escape(0xdc00 + v&0x3ff)
			} else {
				e.escape(r)
			}
			i += n
			start = i
			continue
		}
		switch c {
		case '"', '\\':
			e.b = append(e.b, '\\', c)
		case '\n':
			e.b = append(e.b, `\n`...)
		case '\r':
			e.b = append(e.b, `\r`...)
		case '\t':
			e.b = append(e.b, `\t`...)
		case '\b':
			e.b = append(e.b, `\b`...)
		case '\f':
			e.b = append(e.b, `\f`...)
		default:
			e.b = append(e.b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	e.b = append(e.b, s[start:]...)
	e.b = append(e.b, '"')
}

func (e *jsonEncoder) escape(r rune) {
	h := strconv.FormatInt(int64(r), 16)
	e.b = append(e.b, `\u`...)
	for i := len(h); i < 4; i++ {
		e.b = append(e.b, '0')
	}
	e.b = append(e.b, h...)
}

// ParseJSON is json.loads(s): order of keys kept, ints of any size, NaN and Infinity known. The error has the class
// JSONDecodeError and CPython's text.
func ParseJSON(s string) (Value, error) {
	p := &jsonParser{s: s}
	p.space()
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	p.space()
	if p.i < len(p.s) {
		return nil, p.fail("Extra data", p.i)
	}
	return v, nil
}

type jsonParser struct {
	s     string
	i     int
	depth int
}

func (p *jsonParser) fail(msg string, at int) error {
	before := p.s[:min(at, len(p.s))]
	line := strings.Count(before, "\n") + 1
	col := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return Errorf("JSONDecodeError", "%s: line %d column %d (char %d)", msg, line, col, utf8.RuneCountInString(before))
}

func (p *jsonParser) space() {
	for p.i < len(p.s) && strings.IndexByte(" \t\n\r", p.s[p.i]) >= 0 {
		p.i++
	}
}

func (p *jsonParser) value() (Value, error) {
	if p.i >= len(p.s) {
		return nil, p.fail("Expecting value", p.i)
	}
	rest := p.s[p.i:]
	switch c := p.s[p.i]; {
	case c == '{':
		return p.object()
	case c == '[':
		return p.array()
	case c == '"':
		s, err := p.str()
		return Str(s), err
	case c == '-' || c >= '0' && c <= '9':
		if strings.HasPrefix(rest, "-Infinity") {
			p.i += 9
			return Float(math.Inf(-1)), nil
		}
		return p.number()
	}
	for _, w := range []struct {
		text string
		v    Value
	}{{"null", None}, {"true", True}, {"false", False}, {"NaN", Float(math.NaN())}, {"Infinity", Float(math.Inf(1))}} {
		if strings.HasPrefix(rest, w.text) {
			p.i += len(w.text)
			return w.v, nil
		}
	}
	return nil, p.fail("Expecting value", p.i)
}

func (p *jsonParser) number() (Value, error) {
	start := p.i
	if p.s[p.i] == '-' {
		p.i++
	}
	digits := func() int {
		n := p.i
		for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
			p.i++
		}
		return p.i - n
	}
	if p.i < len(p.s) && p.s[p.i] == '0' {
		p.i++
	} else if digits() == 0 {
		p.i = start
		return nil, p.fail("Expecting value", start)
	}
	float := false
	if p.i+1 < len(p.s) && p.s[p.i] == '.' && p.s[p.i+1] >= '0' && p.s[p.i+1] <= '9' {
		p.i++
		digits()
		float = true
	}
	if p.i < len(p.s) && p.s[p.i]|0x20 == 'e' {
		mark := p.i
		p.i++
		if p.i < len(p.s) && (p.s[p.i] == '+' || p.s[p.i] == '-') {
			p.i++
		}
		if digits() == 0 {
			p.i = mark
		} else {
			float = true
		}
	}
	t := p.s[start:p.i]
	if float {
		f, _ := strconv.ParseFloat(t, 64)
		return Float(f), nil
	}
	if n, err := strconv.ParseInt(t, 10, 64); err == nil {
		return Int(n), nil
	}
	if len(t) > maxIntDigits {
		return nil, ValueErrorf("Exceeds the limit (4300 digits) for integer string conversion: value has %d digits; use sys.set_int_max_str_digits() to increase the limit", len(t))
	}
	n, _ := new(big.Int).SetString(t, 10)
	return NewBig(n), nil
}

func (p *jsonParser) enter() error {
	if p.depth++; p.depth > 900 {
		return Errorf("RecursionError", "maximum recursion depth exceeded while decoding a JSON document")
	}
	return nil
}

func (p *jsonParser) array() (Value, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	p.i++
	l := &List{}
	p.space()
	if p.i < len(p.s) && p.s[p.i] == ']' {
		p.i++
		return l, nil
	}
	for {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		l.Elems = append(l.Elems, v)
		p.space()
		if p.i < len(p.s) && p.s[p.i] == ']' {
			p.i++
			return l, nil
		}
		if p.i >= len(p.s) || p.s[p.i] != ',' {
			return nil, p.fail("Expecting ',' delimiter", p.i)
		}
		p.i++
		p.space()
	}
}

func (p *jsonParser) object() (Value, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	p.i++
	d := NewDict()
	p.space()
	if p.i < len(p.s) && p.s[p.i] == '}' {
		p.i++
		return d, nil
	}
	for {
		if p.i >= len(p.s) || p.s[p.i] != '"' {
			return nil, p.fail("Expecting property name enclosed in double quotes", p.i)
		}
		k, err := p.str()
		if err != nil {
			return nil, err
		}
		p.space()
		if p.i >= len(p.s) || p.s[p.i] != ':' {
			return nil, p.fail("Expecting ':' delimiter", p.i)
		}
		p.i++
		p.space()
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		d.SetStr(k, v)
		p.space()
		if p.i < len(p.s) && p.s[p.i] == '}' {
			p.i++
			return d, nil
		}
		if p.i >= len(p.s) || p.s[p.i] != ',' {
			return nil, p.fail("Expecting ',' delimiter", p.i)
		}
		p.i++
		p.space()
	}
}

func (p *jsonParser) hex4(i int) (rune, bool) {
	if i+4 > len(p.s) {
		return 0, false
	}
	n, err := strconv.ParseUint(p.s[i:i+4], 16, 32)
	return rune(n), err == nil
}

func (p *jsonParser) str() (string, error) {
	begin := p.i
	p.i++
	start := p.i
	var b strings.Builder
	for {
		if p.i >= len(p.s) {
			return "", p.fail("Unterminated string starting at", begin)
		}
		c := p.s[p.i]
		switch {
		case c == '"':
			b.WriteString(p.s[start:p.i])
			p.i++
			return b.String(), nil
		case c < ' ':
			return "", p.fail("Invalid control character at", p.i)
		case c != '\\':
			p.i++
			continue
		}
		b.WriteString(p.s[start:p.i])
		if p.i+1 >= len(p.s) {
			return "", p.fail("Unterminated string starting at", begin)
		}
		e := p.s[p.i+1]
		if n := strings.IndexByte(`"\/bfnrt`, e); n >= 0 {
			b.WriteByte("\"\\/\b\f\n\r\t"[n])
			p.i += 2
		} else if e == 'u' {
			r, ok := p.hex4(p.i + 2)
			if !ok {
				return "", p.fail(`Invalid \uXXXX escape`, p.i+1)
			}
			p.i += 6
			if r >= 0xd800 && r < 0xdc00 && strings.HasPrefix(p.s[p.i:], `\u`) {
				if lo, ok := p.hex4(p.i + 2); ok && lo >= 0xdc00 && lo < 0xe000 {
					r = 0x10000 + (r-0xd800)<<10 + lo - 0xdc00
					p.i += 6
				}
			}
			b.WriteRune(r)
		} else {
			return "", p.fail(`Invalid \escape`, p.i)
		}
		start = p.i
	}
}
