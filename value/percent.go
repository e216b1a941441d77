package value

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxWidth bounds the width and precision of a format.
const maxWidth = 10_000_000

// PercentFormat is format % args.
func PercentFormat(format string, args Value) (string, error) {
	var b strings.Builder
	args, err := Norm(args)
	if err != nil {
		return "", err
	}
	var pos []Value
	var mapping Value
	switch a := args.(type) {
	case *Tuple:
		pos = a.Elems
	case *Dict:
		pos, mapping = []Value{args}, args
	default:
		pos = []Value{args}
		if _, ok := a.(Mapping); ok {
			mapping = args
		}
		switch a.(type) {
		case *List, Bytes, *Range, *Undefined: // all that has __getitem__
			mapping = args
		}
	}
	next := 0
	used := false
	take := func() (Value, error) {
		if next >= len(pos) {
			return nil, TypeErrorf("not enough arguments for format string")
		}
		next++
		return pos[next-1], nil
	}
	for i := 0; i < len(format); {
		c := format[i]
		if c != '%' {
			j := strings.IndexByte(format[i:], '%')
			if j < 0 {
				j = len(format) - i
			}
			b.WriteString(format[i : i+j])
			i += j
			continue
		}
		i++
		var arg Value
		if i < len(format) && format[i] == '(' {
			depth, j := 1, i+1
			for j < len(format) && depth > 0 {
				switch format[j] {
				case '(':
					depth++
				case ')':
					depth--
				}
				j++
			}
			if mapping == nil {
				return "", TypeErrorf("format requires a mapping")
			}
			if depth > 0 {
				return "", ValueErrorf("incomplete format key")
			}
			key := format[i+1 : j-1]
			if arg, err = Subscript(mapping, Str(key)); err != nil {
				return "", err
			}
			used = true
			i = j
		}
		flags := ""
		for i < len(format) && strings.IndexByte("-+ #0", format[i]) >= 0 {
			flags += format[i : i+1]
			i++
		}
		number := func(what string) (int, bool, error) {
			if i < len(format) && format[i] == '*' {
				i++
				v, err := take()
				if err != nil {
					return 0, false, err
				}
				n, ok := toInt64(v)
				if _, big := v.(*BigInt); big {
					return 0, false, Errorf("OverflowError", "Python int too large to convert to C ssize_t")
				}
				if !ok {
					return 0, false, TypeErrorf("* wants int")
				}
				if n > maxWidth || n < -maxWidth {
					return 0, false, ValueErrorf("%s too big", what)
				}
				return int(n), true, nil
			}
			start := i
			n := 0
			for i < len(format) && format[i] >= '0' && format[i] <= '9' {
				n = n*10 + int(format[i]-'0')
				if n > maxWidth {
					return 0, false, ValueErrorf("%s too big", what)
				}
				i++
			}
			return n, i > start, nil
		}
		width, _, err := number("width")
		if err != nil {
			return "", err
		}
		if width < 0 {
			flags += "-"
			width = -width
		}
		prec, hasPrec := 0, false
		if i < len(format) && format[i] == '.' {
			i++
			if prec, _, err = number("precision"); err != nil {
				return "", err
			}
			prec = max(prec, 0)
			hasPrec = true
		}
		for i < len(format) && strings.IndexByte("hlL", format[i]) >= 0 {
			i++
		}
		if i >= len(format) {
			return "", ValueErrorf("incomplete format")
		}
		r, size := utf8.DecodeRuneInString(format[i:])
		conv := r
		at := utf8.RuneCountInString(format[:i])
		i += size
		if conv == '%' {
			b.WriteByte('%')
			continue
		}
		if arg == nil {
			if arg, err = take(); err != nil {
				return "", err
			}
		}
		if arg, err = Norm(arg); err != nil {
			return "", err
		}
		s, err := percentOne(conv, at, flags, width, prec, hasPrec, arg)
		if err != nil {
			return "", err
		}
		b.WriteString(s)
	}
	if next < len(pos) && mapping == nil && !used {
		return "", TypeErrorf("not all arguments converted during string formatting")
	}
	return b.String(), nil
}

func percentOne(conv rune, at int, flags string, width, prec int, hasPrec bool, arg Value) (string, error) {
	left := strings.Contains(flags, "-")
	zero := strings.Contains(flags, "0")
	sign := ""
	if strings.Contains(flags, "+") {
		sign = "+"
	} else if strings.Contains(flags, " ") {
		sign = " "
	}
	alt := strings.Contains(flags, "#")
	switch conv {
	case 's', 'r', 'a':
		var s string
		var err error
		if conv == 's' {
			s, err = ToStr(arg)
		} else {
			s, err = Repr(arg)
			if conv == 'a' {
				s = asciiRepr(s)
			}
		}
		if err != nil {
			return "", err
		}
		if hasPrec {
			s = cutRunes(s, prec)
		}
		return pad(s, width, left, ' '), nil
	case 'c':
		if s, ok := AsString(arg); ok {
			if utf8.RuneCountInString(s) != 1 {
				return "", TypeErrorf("%%c requires int or char")
			}
			return pad(s, width, left, ' '), nil
		}
		if _, big := arg.(*BigInt); big {
			return "", Errorf("OverflowError", "%%c arg not in range(0x110000)")
		}
		n, ok := toInt64(arg)
		if !ok {
			return "", TypeErrorf("%%c requires int or char")
		}
		if n < 0 || n > utf8.MaxRune {
			return "", Errorf("OverflowError", "%%c arg not in range(0x110000)")
		}
		return pad(string(rune(n)), width, left, ' '), nil
	case 'd', 'i', 'u':
		n, err := percentInt(conv, arg, true)
		if err != nil {
			return "", err
		}
		digits, err := bigStr(new(big.Int).Abs(n))
		if err != nil {
			return "", err
		}
		return numberField(n.Sign() < 0, sign, "", precise(digits, prec), width, left, zero), nil
	case 'x', 'X', 'o':
		n, err := percentInt(conv, arg, false)
		if err != nil {
			return "", err
		}
		base, prefix := 16, "0x"
		if conv == 'o' {
			base, prefix = 8, "0o"
		}
		digits := precise(new(big.Int).Abs(n).Text(base), prec)
		if conv == 'X' {
			digits, prefix = strings.ToUpper(digits), "0X"
		}
		if !alt {
			prefix = ""
		}
		return numberField(n.Sign() < 0, sign, prefix, digits, width, left, zero), nil
	case 'e', 'E', 'f', 'F', 'g', 'G':
		if u, ok := arg.(*Undefined); ok {
			return "", u.Err()
		}
		f, ok := toFloat(arg)
		if !ok {
			return "", TypeErrorf("must be real number, not %s", arg.TypeName())
		}
		if !hasPrec {
			prec = 6
		}
		digits := formatFloat(math.Abs(f), byte(conv), prec, alt)
		return numberField(math.Signbit(f) && !math.IsNaN(f), sign, "", digits, width, left, zero), nil
	}
	return "", ValueErrorf("unsupported format character '%c' (0x%x) at index %d", conv, conv, at)
}

func percentInt(conv rune, arg Value, allowFloat bool) (*big.Int, error) {
	if n, ok := toBig(arg); ok {
		return n, nil
	}
	if u, ok := arg.(*Undefined); ok && allowFloat {
		return nil, u.Err()
	}
	if f, ok := arg.(Float); ok && allowFloat {
		return floatToBig(float64(f))
	}
	if allowFloat {
		return nil, TypeErrorf("%%%c format: a real number is required, not %s", conv, arg.TypeName())
	}
	return nil, TypeErrorf("%%%c format: an integer is required, not %s", conv, arg.TypeName())
}

func floatToBig(f float64) (*big.Int, error) {
	if math.IsNaN(f) {
		return nil, ValueErrorf("cannot convert float NaN to integer")
	}
	if math.IsInf(f, 0) {
		return nil, Errorf("OverflowError", "cannot convert float infinity to integer")
	}
	n, _ := new(big.Float).SetFloat64(math.Trunc(f)).Int(nil)
	return n, nil
}

func precise(digits string, prec int) string {
	if len(digits) < prec {
		return strings.Repeat("0", prec-len(digits)) + digits
	}
	return digits
}

func numberField(negative bool, sign, prefix, digits string, width int, left, zero bool) string {
	if negative {
		sign = "-"
	}
	n := len(sign) + len(prefix) + len(digits)
	if n >= width {
		return sign + prefix + digits
	}
	if left {
		return sign + prefix + digits + strings.Repeat(" ", width-n)
	}
	if zero {
		return sign + prefix + strings.Repeat("0", width-n) + digits
	}
	return strings.Repeat(" ", width-n) + sign + prefix + digits
}

func pad(s string, width int, left bool, fill rune) string {
	n := utf8.RuneCountInString(s)
	if n >= width {
		return s
	}
	p := strings.Repeat(string(fill), width-n)
	if left {
		return s + p
	}
	return p + s
}

func cutRunes(s string, n int) string {
	if n >= len(s) {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

func asciiRepr(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			writeEscape(&b, r)
		}
	}
	return b.String()
}

// formatFloat prints a non-negative float by the conversions e, f, g and their capitals.
func formatFloat(f float64, conv byte, prec int, alt bool) string {
	upper := conv >= 'A' && conv <= 'Z'
	c := conv | 0x20
	var s string
	switch {
	case math.IsNaN(f):
		s = "nan"
	case math.IsInf(f, 0):
		s = "inf"
	case c == 'g':
		s = generalFloat(f, prec, alt)
	default:
		s = strconv.FormatFloat(f, c, prec, 64)
		if alt && prec == 0 {
			if e := strings.IndexByte(s, 'e'); e >= 0 {
				s = s[:e] + "." + s[e:]
			} else {
				s += "."
			}
		}
	}
	if upper {
		s = strings.ToUpper(s)
	}
	return s
}

// generalFloat is C's %g.
func generalFloat(f float64, prec int, alt bool) string {
	if prec == 0 {
		prec = 1
	}
	exp := 0
	if f != 0 {
		e := strconv.FormatFloat(f, 'e', prec-1, 64)
		exp, _ = strconv.Atoi(e[strings.IndexByte(e, 'e')+1:])
	}
	var s string
	if exp < -4 || exp >= prec {
		s = strconv.FormatFloat(f, 'e', prec-1, 64)
		if !alt {
			mant, e, _ := strings.Cut(s, "e")
			s = trimZeros(mant) + "e" + e
		}
		return s
	}
	s = strconv.FormatFloat(f, 'f', prec-1-exp, 64)
	if !alt {
		s = trimZeros(s)
	}
	return s
}

func trimZeros(s string) string {
	if strings.IndexByte(s, '.') < 0 {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
