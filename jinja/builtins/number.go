package builtins

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var numberFilters = []jinja.Filter{
	{Name: "abs", Signature: "abs(x, /)", Run: abs},
	{Name: "filesizeformat", Signature: "do_filesizeformat(value, binary=False)", Run: filesizeformat},
	{Name: "float", Signature: "do_float(value, default=0.0)", Run: toFloat},
	{Name: "int", Signature: "do_int(value, default=0, base=10)", Run: toInt},
	{Name: "round", Signature: "do_round(value, precision=0, method='common')", Run: round},
}

func abs(c *jinja.Call) (value.Value, error) {
	switch x := c.Args[0].(type) {
	case *value.Undefined:
		return nil, value.TypeErrorf("bad operand type for abs(): '%s'", x.TypeName())
	case value.Float:
		return value.Float(math.Abs(float64(x))), nil
	case value.Complex:
		return value.Float(math.Hypot(real(x), imag(x))), nil
	}
	if n, ok := value.ToBigInt(c.Args[0]); ok {
		return value.NewBig(new(big.Int).Abs(n)), nil
	}
	return nil, value.TypeErrorf("bad operand type for abs(): '%s'", c.Args[0].TypeName())
}

// asciiDigit turns a decimal digit of any script into its ASCII form.
func asciiDigit(r rune) rune {
	if r < 0x80 || !unicode.Is(unicode.Nd, r) {
		return r
	}
	zero := r
	for zero > r-9 && unicode.Is(unicode.Nd, zero-1) {
		zero--
	}
	return '0' + (r-zero)%10
}

// ParseFloat is Python's float(text).
func ParseFloat(s string) (float64, bool) {
	t := strings.TrimFunc(s, func(r rune) bool { return strings.ContainsRune(" \t\n\r\v\f\u00a0\u0085\u2028\u2029", r) })
	l := strings.ToLower(strings.TrimLeft(t, "+-"))
	if len(t)-len(l) > 1 || t == "" {
		return 0, false
	}
	switch l {
	case "inf", "infinity", "nan":
	default:
		if strings.ContainsAny(l, "xpni") {
			return 0, false
		}
	}
	if strings.HasPrefix(t, "_") || strings.HasSuffix(t, "_") || strings.Contains(t, "__") || strings.Contains(t, "_.") || strings.Contains(t, "._") {
		return 0, false
	}
	t = strings.Map(asciiDigit, strings.ReplaceAll(t, "_", ""))
	f, err := strconv.ParseFloat(t, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// ParseInt is Python's int(text, base).
func ParseInt(s string, base int) (*big.Int, bool) {
	t := strings.TrimSpace(s)
	neg := false
	if t != "" && (t[0] == '+' || t[0] == '-') {
		neg = t[0] == '-'
		t = t[1:]
	}
	if base < 0 || base == 1 || base > 36 {
		return nil, false
	}
	if len(t) > 2 && t[0] == '0' {
		b := map[byte]int{'x': 16, 'o': 8, 'b': 2}[t[1]|0x20]
		if b != 0 && (base == b || base == 0) {
			base, t = b, t[2:]
			t = strings.TrimPrefix(t, "_")
		}
	}
	if base == 0 {
		base = 10
		if len(t) > 1 && t[0] == '0' && strings.Trim(t, "0_") != "" {
			return nil, false
		}
	}
	if t == "" || strings.HasPrefix(t, "_") || strings.HasSuffix(t, "_") || strings.Contains(t, "__") || t[0] == '+' || t[0] == '-' || len(t) > 4300 {
		return nil, false
	}
	t = strings.Map(asciiDigit, strings.ReplaceAll(t, "_", ""))
	n, ok := new(big.Int).SetString(t, base)
	if ok && neg {
		n.Neg(n)
	}
	return n, ok
}

// ToFloat is Python's float(v); ok is false for a TypeError or ValueError.
func ToFloat(v value.Value) (f float64, ok bool, err error) {
	if s, isStr := value.AsString(v); isStr {
		f, ok = ParseFloat(s)
		return f, ok, nil
	}
	if b, isB := v.(value.Bytes); isB {
		f, ok = ParseFloat(string(b))
		return f, ok, nil
	}
	if u, isU := v.(*value.Undefined); isU {
		return 0, false, u.Err()
	}
	f, ok = value.ToFloat(v)
	if _, big := v.(*value.BigInt); big && math.IsInf(f, 0) {
		return 0, false, value.Errorf("OverflowError", "int too large to convert to float")
	}
	return f, ok, nil
}

func toFloat(c *jinja.Call) (value.Value, error) {
	f, ok, err := ToFloat(c.Args[0])
	if err != nil {
		return nil, err
	}
	if !ok {
		return c.Args[1], nil
	}
	return value.Float(f), nil
}

func toInt(c *jinja.Call) (value.Value, error) {
	v, err := value.Norm(c.Args[0])
	if err != nil {
		return nil, err
	}
	if s, ok := value.AsString(v); ok {
		base, err := value.Index(c.Args[2])
		if err == nil {
			if n, ok := ParseInt(s, int(base)); ok {
				return value.NewBig(n), nil
			}
		}
		if f, ok := ParseFloat(s); ok {
			return intOfFloat(f, c.Args[1])
		}
		return c.Args[1], nil
	}
	switch x := v.(type) {
	case value.Float:
		return intOfFloat(float64(x), c.Args[1])
	case *value.Undefined:
		return nil, x.Err()
	case value.Bytes:
		if n, ok := ParseInt(string(x), 10); ok {
			return value.NewBig(n), nil
		}
	}
	if n, ok := value.ToBigInt(v); ok {
		return value.NewBig(n), nil
	}
	return c.Args[1], nil
}

func intOfFloat(f float64, def value.Value) (value.Value, error) {
	n, err := value.FloatToInt(f)
	if err != nil && value.ErrorClass(err) == "ValueError" {
		return def, nil
	}
	return n, err
}

// Round is Python's round(v, ndigits).
func Round(v value.Value, ndigits int) (value.Value, error) {
	v, err := value.Norm(v)
	if err != nil {
		return nil, err
	}
	switch x := v.(type) {
	case value.Float:
		return value.Float(RoundFloat(float64(x), ndigits)), nil
	case *value.Undefined:
		return nil, value.TypeErrorf("type %s doesn't define __round__ method", x.TypeName())
	}
	n, ok := value.ToBigInt(v)
	if !ok {
		return nil, value.TypeErrorf("type %s doesn't define __round__ method", value.CTypeName(v))
	}
	if ndigits >= 0 {
		return value.NewBig(n), nil
	}
	if -ndigits > 4300 {
		return value.Int(0), nil
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-ndigits)), nil)
	half := new(big.Int).Rsh(unit, 1)
	q, m := new(big.Int).DivMod(n, unit, new(big.Int))
	if c := m.Cmp(half); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(1))
	}
	return value.NewBig(q.Mul(q, unit)), nil
}

// RoundFloat rounds the exact binary value half to even at ndigits decimals.
func RoundFloat(f float64, ndigits int) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) || f == 0 || ndigits > 323 {
		return f
	}
	if ndigits < -308 {
		return math.Copysign(0, f)
	}
	if ndigits >= 0 {
		r, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', ndigits, 64), 64)
		return r
	}
	unit := new(big.Float).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-ndigits)), nil))
	q, _ := new(big.Float).Quo(new(big.Float).SetFloat64(f), unit).Float64()
	u, _ := unit.Float64()
	return math.RoundToEven(q) * u
}

func round(c *jinja.Call) (value.Value, error) {
	method, _ := value.AsString(c.Args[2])
	switch method {
	case "common":
		if u, ok := c.Args[0].(*value.Undefined); ok && u.Kind != value.Lenient {
			return nil, value.TypeErrorf("type %s doesn't define __round__ method", u.TypeName())
		}
		n, err := value.Index(c.Args[1])
		if err != nil {
			if c.Args[1] != value.None {
				if !value.IsNumber(c.Args[0]) {
					_, err = Round(c.Args[0], 0)
				}
				return nil, err
			}
			r, err := Round(c.Args[0], 0)
			if err != nil {
				return nil, err
			}
			if f, ok := r.(value.Float); ok {
				return value.FloatToInt(float64(f))
			}
			return r, nil
		}
		return Round(c.Args[0], int(max(min(n, 10000), -10000)))
	case "ceil", "floor":
	default:
		return nil, argError("method must be common, ceil or floor")
	}
	scale, err := value.Pow(value.Int(10), c.Args[1])
	if err != nil {
		return nil, err
	}
	x, err := value.Mul(c.Args[0], scale)
	if err != nil {
		return nil, err
	}
	var n value.Value
	if f, ok := x.(value.Float); ok {
		g := math.Floor(float64(f))
		if method == "ceil" {
			g = math.Ceil(float64(f))
		}
		if n, err = value.FloatToInt(g); err != nil {
			return nil, err
		}
	} else if b, ok := value.ToBigInt(x); ok {
		n = value.NewBig(b)
	} else {
		return nil, value.TypeErrorf("must be real number, not %s", x.TypeName())
	}
	return value.Div(n, scale)
}

func filesizeformat(c *jinja.Call) (value.Value, error) {
	f, ok, err := ToFloat(c.Args[0])
	if err != nil {
		return nil, err
	}
	if !ok {
		if _, isBytes := c.Args[0].(value.Bytes); isBytes || value.IsString(c.Args[0]) {
			r, _ := value.Repr(c.Args[0])
			return nil, value.ValueErrorf("could not convert string to float: %s", r)
		}
		return nil, value.TypeErrorf("float() argument must be a string or a real number, not '%s'", c.Args[0].TypeName())
	}
	binary, err := value.Truth(c.Args[1])
	if err != nil {
		return nil, err
	}
	base, names := 1000.0, []string{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}
	if binary {
		base, names = 1024, []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}
	}
	switch {
	case f == 1:
		return value.Str("1 Byte"), nil
	case f < base:
		n, err := value.FloatToInt(f)
		if err != nil {
			return nil, err
		}
		s, err := value.ToStr(n)
		return value.Str(s + " Bytes"), err
	}
	unit := base
	for i, name := range names {
		unit *= base
		if f < unit || i == len(names)-1 {
			return value.Str(strconv.FormatFloat(base*f/unit, 'f', 1, 64) + " " + name), nil
		}
	}
	return nil, nil
}
