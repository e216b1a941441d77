package value

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// NativeText is a str that was made by a filter whose result must stay text (to_json, to_yaml, string …):
// a Concat hook that turns text into types leaves it alone. Every operation on it gives a plain Str.
type NativeText string

// TypeName is the name of Python's class.
func (NativeText) TypeName() string { return "NativeJinjaText" }

// AsString returns the text of v when v's Python type is str or a subclass (Str, Markup, NativeText, *Template,
// *Encrypted that opens). ok is false for everything else.
func AsString(v Value) (s string, ok bool) {
	switch v := v.(type) {
	case Str:
		return string(v), true
	case Markup:
		return string(v), true
	case NativeText:
		return string(v), true
	case *Template:
		return v.Text, true
	case *Encrypted:
		s, err := v.Plain()
		return s, err == nil
	}
	return "", false
}

// Plain opens the scalar. What Open gave is kept: opening is slow on purpose.
func (e *Encrypted) Plain() (string, error) {
	if s := e.opened.Load(); s != nil {
		return *s, nil
	}
	s, err := e.Open(e.Cipher)
	if err != nil {
		return "", err
	}
	e.opened.Store(&s)
	return s, nil
}

// IsString reports whether v's Python type is str or a subclass, without opening encrypted scalars.
func IsString(v Value) bool {
	switch v.(type) {
	case Str, Markup, NativeText, *Template, *Encrypted:
		return true
	}
	return false
}

// ToStr is str(v).
func ToStr(v Value) (string, error) {
	switch v := v.(type) {
	case Str:
		return string(v), nil
	case Int:
		return strconv.FormatInt(int64(v), 10), nil
	case Markup:
		return string(v), nil
	case NativeText:
		return string(v), nil
	case *Template:
		return v.Text, nil
	case *Encrypted:
		return v.Plain()
	case Stringer:
		return v.Str()
	case Lazy:
		f, err := v.Force()
		if err != nil {
			return "", err
		}
		return ToStr(f)
	}
	return Repr(v)
}

// maxNesting bounds how deep printing, comparing and copying follow containers.
const maxNesting = 500

// Repr is repr(v).
func Repr(v Value) (string, error) {
	var b strings.Builder
	p := printer{b: &b}
	if err := p.repr(v); err != nil {
		return "", err
	}
	return b.String(), nil
}

type printer struct {
	b     *strings.Builder
	stack []Value // containers that are being printed
}

func (p *printer) enter(v Value, mark string) (done bool, err error) {
	for _, s := range p.stack {
		if s == v {
			p.b.WriteString(mark)
			return true, nil
		}
	}
	if len(p.stack) > maxNesting {
		return false, Errorf("RecursionError", "maximum recursion depth exceeded while getting the repr of an object")
	}
	p.stack = append(p.stack, v)
	return false, nil
}

func (p *printer) leave() { p.stack = p.stack[:len(p.stack)-1] }

func (p *printer) list(elems []Value) error {
	for i, e := range elems {
		if i > 0 {
			p.b.WriteString(", ")
		}
		if err := p.repr(e); err != nil {
			return err
		}
	}
	return nil
}

func (p *printer) repr(v Value) error {
	b := p.b
	switch v := v.(type) {
	case nil:
		b.WriteString("None")
	case NoneType:
		b.WriteString("None")
	case Bool:
		if v {
			b.WriteString("True")
		} else {
			b.WriteString("False")
		}
	case Int:
		b.WriteString(strconv.FormatInt(int64(v), 10))
	case *BigInt:
		s, err := bigStr(v.Num)
		if err != nil {
			return err
		}
		b.WriteString(s)
	case Float:
		b.WriteString(FloatRepr(float64(v)))
	case Complex:
		b.WriteString(v.repr())
	case Str:
		writeQuoted(b, string(v))
	case NativeText:
		writeQuoted(b, string(v))
	case *Template:
		writeQuoted(b, v.Text)
	case *Encrypted:
		s, err := v.Plain()
		if err != nil {
			return err
		}
		writeQuoted(b, s)
	case Markup:
		b.WriteString("Markup(")
		writeQuoted(b, string(v))
		b.WriteByte(')')
	case Bytes:
		writeBytes(b, string(v))
	case *List:
		if done, err := p.enter(v, "[...]"); done || err != nil {
			return err
		}
		defer p.leave()
		b.WriteByte('[')
		if err := p.list(v.Elems); err != nil {
			return err
		}
		b.WriteByte(']')
	case *Tuple:
		if done, err := p.enter(v, "(...)"); done || err != nil {
			return err
		}
		defer p.leave()
		if v.Kind != nil && !v.Kind.Plain {
			b.WriteString(v.Kind.Name)
			b.WriteByte('(')
			for i, e := range v.Elems {
				if i > 0 {
					b.WriteString(", ")
				}
				b.WriteString(v.Kind.Fields[i] + "=")
				if err := p.repr(e); err != nil {
					return err
				}
			}
			b.WriteByte(')')
			return nil
		}
		b.WriteByte('(')
		if err := p.list(v.Elems); err != nil {
			return err
		}
		if len(v.Elems) == 1 {
			b.WriteByte(',')
		}
		b.WriteByte(')')
	case *Dict:
		if done, err := p.enter(v, "{...}"); done || err != nil {
			return err
		}
		defer p.leave()
		b.WriteByte('{')
		first := true
		for k, e := range v.All() {
			if !first {
				b.WriteString(", ")
			}
			first = false
			if err := p.repr(k); err != nil {
				return err
			}
			b.WriteString(": ")
			if err := p.repr(e); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	case *Set:
		if done, err := p.enter(v, "set(...)"); done || err != nil {
			return err
		}
		defer p.leave()
		if v.Len() == 0 {
			b.WriteString("set()")
			return nil
		}
		b.WriteByte('{')
		if err := p.list(v.Elems()); err != nil {
			return err
		}
		b.WriteByte('}')
	case *Range:
		b.WriteString(v.repr())
	case *View:
		b.WriteString(v.TypeName())
		b.WriteByte('(')
		if err := p.repr(NewList(v.elems()...)); err != nil {
			return err
		}
		b.WriteByte(')')
	case Reprer:
		s, err := v.Repr()
		if err != nil {
			return err
		}
		b.WriteString(s)
	case Mapping:
		d, err := mappingDict(v)
		if err != nil {
			return err
		}
		return p.repr(d)
	case Lazy:
		f, err := v.Force()
		if err != nil {
			return err
		}
		return p.repr(f)
	default:
		b.WriteString("<" + v.TypeName() + " object>")
	}
	return nil
}

// mappingDict reads a foreign mapping into a Dict.
func mappingDict(m Mapping) (*Dict, error) {
	keys, err := m.Keys()
	if err != nil {
		return nil, err
	}
	d := NewDict()
	for _, k := range keys {
		v, ok, err := m.GetItem(k)
		if err != nil {
			return nil, err
		}
		if ok {
			if err := d.Set(k, v); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// maxIntDigits is CPython's limit on int/str conversion.
const maxIntDigits = 4300

func bigStr(n *big.Int) (string, error) {
	if n.BitLen() > 14300 {
		return "", ValueErrorf("Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit")
	}
	return n.String(), nil
}

// FloatRepr is repr() of a float: shortest digits that read back, exponent form below 1e-4 and from 1e16.
func FloatRepr(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if a := math.Abs(f); f != 0 && (a < 1e-4 || a >= 1e16) {
		s := strconv.FormatFloat(f, 'e', -1, 64)
		return s
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// writeQuoted writes repr() of a str.
func writeQuoted(b *strings.Builder, s string) {
	quote := byte('\'')
	if strings.IndexByte(s, '\'') >= 0 && strings.IndexByte(s, '"') < 0 {
		quote = '"'
	}
	b.WriteByte(quote)
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0x7f && c != quote && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError && printable(r) {
				i += size
				continue
			}
			b.WriteString(s[start:i])
			if r == utf8.RuneError && size == 1 {
				// A byte that is not UTF-8 is what Python's surrogateescape holds.
				writeHex(b, `\udc`, uint32(c), 2)
			} else {
				writeEscape(b, r)
			}
			i += size
			start = i
			continue
		}
		b.WriteString(s[start:i])
		switch c {
		case quote, '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			writeHex(b, `\x`, uint32(c), 2)
		}
		i++
		start = i
	}
	b.WriteString(s[start:])
	b.WriteByte(quote)
}

func writeEscape(b *strings.Builder, r rune) {
	switch {
	case r < 0x100:
		writeHex(b, `\x`, uint32(r), 2)
	case r < 0x10000:
		writeHex(b, `\u`, uint32(r), 4)
	default:
		writeHex(b, `\U`, uint32(r), 8)
	}
}

func writeHex(b *strings.Builder, prefix string, n uint32, width int) {
	b.WriteString(prefix)
	h := strconv.FormatUint(uint64(n), 16)
	for i := len(h); i < width; i++ {
		b.WriteByte('0')
	}
	b.WriteString(h)
}

// printable is str.isprintable of one code point: not in categories C* and Z* except the space.
func printable(r rune) bool {
	if r == ' ' {
		return true
	}
	return unicode.IsGraphic(r) && !unicode.Is(unicode.Z, r)
}

func writeBytes(b *strings.Builder, s string) {
	quote := byte('\'')
	if strings.IndexByte(s, '\'') >= 0 && strings.IndexByte(s, '"') < 0 {
		quote = '"'
	}
	b.WriteByte('b')
	b.WriteByte(quote)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == quote || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c >= 0x7f:
			writeHex(b, `\x`, uint32(c), 2)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte(quote)
}

// Truth is bool(v).
func Truth(v Value) (bool, error) {
	switch v := v.(type) {
	case Bool:
		return bool(v), nil
	case NoneType:
		return false, nil
	case Str:
		return v != "", nil
	case Int:
		return v != 0, nil
	case *BigInt:
		return v.Num.Sign() != 0, nil
	case Float:
		return v != 0, nil
	case Complex:
		return v != 0, nil
	case Bytes:
		return v != "", nil
	case *List:
		return len(v.Elems) > 0, nil
	case *Tuple:
		return len(v.Elems) > 0, nil
	case *Dict:
		return v.Len() > 0, nil
	case *Set:
		return v.Len() > 0, nil
	case *Undefined:
		if v.Kind == Lenient {
			return false, nil
		}
		return false, v.Err()
	case *Template:
		return v.Text != "", nil
	case Markup:
		return v != "", nil
	case NativeText:
		return v != "", nil
	case *Encrypted:
		s, err := v.Plain()
		return s != "", err
	case *Timedelta:
		return v.D != 0, nil
	case Truthy:
		return v.Truth()
	case Lazy:
		f, err := v.Force()
		if err != nil {
			return false, err
		}
		return Truth(f)
	case Sized:
		n, err := v.Len()
		return n > 0, err
	case Mapping:
		ks, err := v.Keys()
		return len(ks) > 0, err
	}
	return true, nil
}
