package value

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// StrFormat is format.format(*args, **kw).
func StrFormat(format string, args []Value, kw []Kwarg) (string, error) {
	f := &formatter{args: args, lookup: func(name string) (Value, error) {
		for _, k := range kw {
			if k.Name == name {
				return k.Val, nil
			}
		}
		r, _ := Repr(Str(name))
		return nil, Errorf("KeyError", "%s", r)
	}}
	return f.run(format, 2)
}

// StrFormatMap is format.format_map(mapping).
func StrFormatMap(format string, mapping Value) (string, error) {
	f := &formatter{mapOnly: true, lookup: func(name string) (Value, error) { return Subscript(mapping, Str(name)) }}
	return f.run(format, 2)
}

type formatter struct {
	args    []Value
	lookup  func(name string) (Value, error)
	mapOnly bool
	auto    int
	mode    byte // 'a' automatic numbering, 'm' manual
}

func (f *formatter) run(s string, depth int) (string, error) {
	if depth < 0 {
		return "", ValueErrorf("Max string recursion exceeded")
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '{' && i+1 < len(s) && s[i+1] == '{', c == '}' && i+1 < len(s) && s[i+1] == '}':
			b.WriteByte(c)
			i += 2
		case c == '}':
			return "", ValueErrorf("Single '}' encountered in format string")
		case c == '{':
			if i+1 >= len(s) {
				return "", ValueErrorf("Single '{' encountered in format string")
			}
			end := matchBrace(s, i+1)
			if end < 0 {
				return "", ValueErrorf("expected '}' before end of string")
			}
			out, err := f.field(s[i+1:end], depth)
			if err != nil {
				return "", err
			}
			b.WriteString(out)
			i = end + 1
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String(), nil
}

func matchBrace(s string, i int) int {
	depth := 1
	bracket := false
	for ; i < len(s); i++ {
		switch s[i] {
		case '[':
			bracket = true
		case ']':
			bracket = false
		case '{':
			if !bracket {
				depth++
			}
		case '}':
			if bracket {
				continue
			}
			depth--
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (f *formatter) field(s string, depth int) (string, error) {
	name := s
	conv, spec := byte(0), ""
	bracket := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '[' {
			bracket = true
		} else if c == ']' {
			bracket = false
		}
		if bracket || c != '!' && c != ':' {
			if c == '{' && !bracket {
				return "", ValueErrorf("unexpected '{' in field name")
			}
			continue
		}
		name = s[:i]
		rest := s[i+1:]
		if c == '!' {
			if rest == "" {
				return "", ValueErrorf("unmatched '{' in format spec")
			}
			conv = rest[0]
			rest = rest[1:]
			if rest != "" && rest[0] != ':' {
				return "", ValueErrorf("expected ':' after conversion specifier")
			}
			rest = strings.TrimPrefix(rest, ":")
		}
		spec = rest
		break
	}
	v, err := f.value(name)
	if err != nil {
		return "", err
	}
	if strings.ContainsAny(spec, "{}") {
		if spec, err = f.run(spec, depth-1); err != nil {
			return "", err
		}
	}
	switch conv {
	case 0:
	case 's':
		s, err := ToStr(v)
		if err != nil {
			return "", err
		}
		v = Str(s)
	case 'r', 'a':
		s, err := Repr(v)
		if err != nil {
			return "", err
		}
		if conv == 'a' {
			s = asciiRepr(s)
		}
		v = Str(s)
	default:
		return "", ValueErrorf("Unknown conversion specifier '%c'", conv)
	}
	return Format(v, spec)
}

func (f *formatter) value(name string) (Value, error) {
	end := strings.IndexAny(name, ".[")
	first, rest := name, ""
	if end >= 0 {
		first, rest = name[:end], name[end:]
	}
	var v Value
	var err error
	n, numeric := 0, first != ""
	for i := 0; i < len(first); i++ {
		if first[i] < '0' || first[i] > '9' || i > 8 {
			numeric = false
		}
	}
	switch {
	case f.mapOnly && (first == "" || numeric):
		return nil, ValueErrorf("Format string contains positional fields")
	case first == "":
		if f.mode == 'm' {
			return nil, ValueErrorf("cannot switch from manual field specification to automatic field numbering")
		}
		f.mode = 'a'
		n = f.auto
		f.auto++
		numeric = true
	case numeric:
		if f.mode == 'a' {
			return nil, ValueErrorf("cannot switch from automatic field numbering to manual field specification")
		}
		f.mode = 'm'
		n, _ = strconv.Atoi(first)
	}
	if numeric {
		if n >= len(f.args) {
			return nil, Errorf("IndexError", "Replacement index %d out of range for positional args tuple", n)
		}
		v = f.args[n]
	} else if v, err = f.lookup(first); err != nil {
		return nil, err
	}
	for rest != "" {
		if rest[0] == '.' {
			rest = rest[1:]
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			attr := rest[:end]
			rest = rest[end:]
			if attr == "" {
				return nil, ValueErrorf("Empty attribute in format string")
			}
			if u, ok := v.(*Undefined); ok {
				if u.Chains() {
					continue
				}
				return nil, u.Err()
			}
			a, ok, err := Attribute(v, attr)
			if err != nil {
				return nil, err
			}
			if !ok {
				return nil, Errorf("AttributeError", "'%s' object has no attribute '%s'", v.TypeName(), attr)
			}
			v = a
			continue
		}
		if rest[0] != '[' {
			return nil, ValueErrorf("Only '.' or '[' may follow ']' in format field specifier")
		}
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			return nil, ValueErrorf("Missing ']' in format string")
		}
		key := rest[1:end]
		rest = rest[end+1:]
		if key == "" {
			return nil, ValueErrorf("Empty attribute in format string")
		}
		var k Value = Str(key)
		if n, err := strconv.ParseInt(key, 10, 64); err == nil && key[0] != '-' && key[0] != '+' {
			k = Int(n)
		}
		if v, err = Subscript(v, k); err != nil {
			return nil, err
		}
	}
	return v, nil
}

type formatSpec struct {
	noNegZero bool // "z": a result that is -0 loses its sign
	fill      rune
	align     byte
	sign      byte
	alt       bool
	zero      bool
	width     int
	thousands byte
	prec      int // -1: none
	typ       byte
}

func parseSpec(spec string, v Value) (formatSpec, error) {
	f := formatSpec{fill: ' ', prec: -1}
	s := spec
	isAlign := func(c byte) bool { return strings.IndexByte("<>=^", c) >= 0 }
	if s != "" {
		r, n := utf8.DecodeRuneInString(s)
		if n < len(s) && isAlign(s[n]) {
			f.fill, f.align = r, s[n]
			s = s[n+1:]
		} else if isAlign(s[0]) {
			f.align = s[0]
			s = s[1:]
		}
	}
	if s != "" && strings.IndexByte("+- ", s[0]) >= 0 {
		f.sign = s[0]
		s = s[1:]
	}
	if s != "" && s[0] == 'z' {
		f.noNegZero = true
		s = s[1:]
	}
	if s != "" && s[0] == '#' {
		f.alt = true
		s = s[1:]
	}
	if s != "" && s[0] == '0' {
		f.zero = true
		if f.align == 0 {
			f.fill, f.align = '0', '='
		}
		s = s[1:]
	}
	number := func() (int, bool) {
		i, n := 0, 0
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			n = min(n*10+int(s[i]-'0'), maxWidth+1)
			i++
		}
		s = s[i:]
		return n, i > 0
	}
	f.width, _ = number()
	if f.width > maxWidth {
		return f, ValueErrorf("Too many decimal digits in format string")
	}
	if s != "" && (s[0] == ',' || s[0] == '_') {
		f.thousands = s[0]
		s = s[1:]
		if s != "" && (s[0] == ',' || s[0] == '_') {
			if s[0] == f.thousands {
				return f, ValueErrorf("Cannot specify '%c' with '%c'.", s[0], f.thousands)
			}
			return f, ValueErrorf("Cannot specify both ',' and '_'.")
		}
	}
	if s != "" && s[0] == '.' {
		s = s[1:]
		n, ok := number()
		if !ok {
			return f, ValueErrorf("Format specifier missing precision")
		}
		if n > maxWidth {
			return f, ValueErrorf("precision too big")
		}
		f.prec = n
	}
	if len(s) > 1 {
		return f, ValueErrorf("Invalid format specifier '%s' for object of type '%s'", spec, v.TypeName())
	}
	if s != "" {
		f.typ = s[0]
	}
	return f, nil
}

// Format is format(v, spec).
func Format(v Value, spec string) (string, error) {
	v, err := Norm(v)
	if err != nil {
		return "", err
	}
	typeName := v.TypeName()
	switch x := v.(type) {
	case *Undefined:
		if spec == "" {
			return ToStr(v)
		}
		if x.Kind != Lenient {
			return "", x.Err()
		}
	case *Datetime:
		if spec != "" {
			return Strftime(x, spec)
		}
	case *Date:
		if spec != "" {
			return Strftime(&Datetime{T: x.T}, spec)
		}
	case Bool:
		if spec == "" {
			return ToStr(v)
		}
		n, _ := toInt64(x)
		v = Int(n)
	}
	if spec == "" {
		return ToStr(v)
	}
	if !IsString(v) && !isNumber(v) {
		return "", TypeErrorf("unsupported format string passed to %s.__format__", v.TypeName())
	}
	f, err := parseSpec(spec, v)
	if err != nil {
		return "", err
	}
	unknown := func() error {
		return ValueErrorf("Unknown format code '%c' for object of type '%s'", f.typ, typeName)
	}
	if s, ok := AsString(v); ok {
		return formatText(s, f, unknown)
	}
	switch f.typ {
	case 'd', 'b', 'o', 'x', 'X', 'c', 'n', 0:
		if n, ok := toBig(v); ok {
			return formatInt(n, f)
		}
		if f.typ != 0 && f.typ != 'n' {
			return "", unknown()
		}
	case 'e', 'E', 'f', 'F', 'g', 'G', '%':
	default:
		return "", unknown()
	}
	x, err := floatOperand(v)
	if err != nil {
		return "", err
	}
	return formatFloatSpec(x, f)
}

func formatText(s string, f formatSpec, unknown func() error) (string, error) {
	switch {
	case f.typ != 0 && f.typ != 's':
		return "", unknown()
	case f.sign != 0:
		if f.sign == ' ' {
			return "", ValueErrorf("Space not allowed in string format specifier")
		}
		return "", ValueErrorf("Sign not allowed in string format specifier")
	case f.alt:
		return "", ValueErrorf("Alternate form (#) not allowed in string format specifier")
	case f.thousands != 0:
		return "", ValueErrorf("Cannot specify '%c' with 's'.", f.thousands)
	case f.align == '=' && !f.zero:
		return "", ValueErrorf("'=' alignment not allowed in string format specifier")
	}
	if f.align == '=' {
		f.align = '<'
	}
	if f.prec >= 0 {
		s = cutRunes(s, f.prec)
	}
	return align(s, f, '<'), nil
}

func align(s string, f formatSpec, def byte) string {
	n := utf8.RuneCountInString(s)
	if n >= f.width {
		return s
	}
	a := f.align
	if a == 0 {
		a = def
	}
	total := f.width - n
	fill := func(n int) string { return strings.Repeat(string(f.fill), n) }
	switch a {
	case '<':
		return s + fill(total)
	case '^':
		return fill(total/2) + s + fill(total-total/2)
	}
	return fill(total) + s
}

// fieldOf assembles sign, prefix and digits, with grouping and padding.
func fieldOf(negative bool, prefix, digits, suffix string, group int, f formatSpec) string {
	sign := ""
	switch {
	case negative:
		sign = "-"
	case f.sign == '+':
		sign = "+"
	case f.sign == ' ':
		sign = " "
	}
	if f.thousands != 0 {
		minWidth := 0
		if f.fill == '0' && f.align == '=' {
			minWidth = f.width - len(sign) - len(prefix) - len(suffix)
		}
		digits = groupDigits(digits, f.thousands, group, minWidth)
	}
	body := digits + suffix
	if f.align == '=' {
		n := utf8.RuneCountInString(body) + len(sign) + len(prefix)
		if n < f.width {
			return sign + prefix + strings.Repeat(string(f.fill), f.width-n) + body
		}
		return sign + prefix + body
	}
	return align(sign+prefix+body, f, '>')
}

func groupDigits(s string, sep byte, group, minWidth int) string {
	intPart, frac := s, ""
	if i := strings.IndexAny(s, ".eE"); i >= 0 && group == 3 {
		intPart, frac = s[:i], s[i:]
	}
	minWidth -= len(frac)
	for {
		var b strings.Builder
		for i, c := range intPart {
			if i > 0 && (len(intPart)-i)%group == 0 {
				b.WriteByte(sep)
			}
			b.WriteRune(c)
		}
		if b.Len() >= minWidth {
			return b.String() + frac
		}
		intPart = "0" + intPart
		if minWidth-b.Len() == 1 && (len(intPart)-1)%group == 0 {
			// One more digit would add a separator too; Python allows the extra width.
			continue
		}
	}
}

func formatInt(n *big.Int, f formatSpec) (string, error) {
	if f.prec >= 0 {
		return "", ValueErrorf("Precision not allowed in integer format specifier")
	}
	if f.noNegZero {
		return "", ValueErrorf("Negative zero coercion (z) not allowed in integer format specifier")
	}
	neg := n.Sign() < 0
	abs := new(big.Int).Abs(n)
	prefix, group := "", 4
	var digits string
	switch f.typ {
	case 'c':
		if f.sign != 0 {
			return "", ValueErrorf("Sign not allowed with integer format specifier 'c'")
		}
		if !n.IsInt64() {
			return "", Errorf("OverflowError", "Python int too large to convert to C long")
		}
		if n.Int64() < 0 || n.Int64() > utf8.MaxRune {
			return "", Errorf("OverflowError", "%%c arg not in range(0x110000)")
		}
		return align(string(rune(n.Int64())), f, '<'), nil
	case 'b':
		digits, prefix = abs.Text(2), "0b"
	case 'o':
		digits, prefix = abs.Text(8), "0o"
	case 'x':
		digits, prefix = abs.Text(16), "0x"
	case 'X':
		digits, prefix = strings.ToUpper(abs.Text(16)), "0X"
	default:
		var err error
		if digits, err = bigStr(abs); err != nil {
			return "", err
		}
		group = 3
	}
	if !f.alt {
		prefix = ""
	}
	if f.thousands == ',' && group == 4 {
		return "", ValueErrorf("Cannot specify ',' with '%c'.", f.typ)
	}
	return fieldOf(neg, prefix, digits, "", group, f), nil
}

func formatFloatSpec(x float64, f formatSpec) (string, error) {
	neg := math.Signbit(x) && !math.IsNaN(x)
	a := math.Abs(x)
	var digits, suffix string
	if f.noNegZero && neg {
		g := f
		g.noNegZero, g.width, g.sign = false, 0, 0
		s, err := formatFloatSpec(x, g)
		if err == nil && !strings.ContainsAny(s, "123456789in") {
			neg = false
		}
	}
	switch f.typ {
	case 0:
		if f.prec < 0 {
			digits = FloatRepr(a)
			break
		}
		digits = generalFloat2(a, f.prec, f.alt)
	case '%':
		p := f.prec
		if p < 0 {
			p = 6
		}
		digits, suffix = formatFloat(a*100, 'f', p, f.alt), "%"
	case 'n':
		p := f.prec
		if p < 0 {
			p = 6
		}
		digits = formatFloat(a, 'g', p, f.alt)
	default:
		p := f.prec
		if p < 0 {
			p = 6
		}
		digits = formatFloat(a, f.typ, p, f.alt)
	}
	return fieldOf(neg, "", digits, suffix, 3, f), nil
}

// generalFloat2 is the format of a float without type but with precision: as g, but with at least one digit after the
// point, and exponent form from one digit earlier.
func generalFloat2(f float64, prec int, alt bool) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return formatFloat(f, 'g', prec, alt)
	}
	if prec == 0 {
		prec = 1
	}
	exp := 0
	if f != 0 {
		e := strconv.FormatFloat(f, 'e', prec-1, 64)
		exp, _ = strconv.Atoi(e[strings.IndexByte(e, 'e')+1:])
	}
	if exp < -4 || exp >= prec-1 && prec > 0 && exp >= max(prec-1, 1) || exp >= prec {
		s := strconv.FormatFloat(f, 'e', prec-1, 64)
		mant, e, _ := strings.Cut(s, "e")
		return trimZeros(mant) + "e" + e
	}
	s := trimZeros(strconv.FormatFloat(f, 'f', max(prec-1-exp, 0), 64))
	if strings.IndexByte(s, '.') < 0 {
		s += ".0"
	}
	return s
}
