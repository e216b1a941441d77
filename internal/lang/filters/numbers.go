package filters

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/builtins"
	"github.com/troupe-automation/troupe/value"
)

var numbers = family{filters: []jinja.Filter{
	{Name: "human_readable", Signature: "human_readable(size, isbits=False, unit=None)", Run: humanReadable},
	{Name: "human_to_bytes", Signature: "human_to_bytes(size, default_unit=None, isbits=False)", Run: humanToBytes},
	{Name: "log", Signature: "logarithm(x, base=2.718281828459045)", Run: logarithm},
	{Name: "pow", Signature: "power(x, y)", Run: power},
	{Name: "root", Signature: "inversepower(x, base=2)", Run: root},
}}

// real reads a number for the math module; fn names the filter in the error.
func real(fn string, v value.Value) (float64, error) {
	if f, ok := value.ToFloat(v); ok {
		return f, nil
	}
	if err := undefinedArg(v); err != nil {
		return 0, err
	}
	if e, ok := v.(*value.Encrypted); ok {
		s, err := e.Plain()
		if err != nil {
			return 0, err
		}
		return 0, filterTypeError("%s() can only be used on numbers: could not convert string to float: %s", fn, repr(value.Str(s)))
	}
	return 0, filterTypeError("%s() can only be used on numbers: must be real number, not %s", fn, value.CTypeName(v))
}

func logarithm(c *jinja.Call) (value.Value, error) {
	x, err := real("log", c.Args[0])
	if err != nil {
		return nil, err
	}
	base, err := real("log", c.Args[1])
	if err != nil {
		return nil, err
	}
	if x <= 0 || base <= 0 {
		return nil, value.ValueErrorf("math domain error")
	}
	if base == 10 {
		return value.Float(math.Log10(x)), nil
	}
	d := math.Log(base)
	if c.Args[1] == value.Value(value.Float(math.E)) {
		return value.Float(math.Log(x)), nil
	}
	if d == 0 {
		return nil, value.Errorf("ZeroDivisionError", "float division by zero")
	}
	return value.Float(math.Log(x) / d), nil
}

func pow(x, y float64) (value.Value, error) {
	r := value.PowFloat(x, y)
	switch {
	case math.IsNaN(r) && !math.IsNaN(x) && !math.IsNaN(y), x == 0 && y < 0:
		return nil, value.ValueErrorf("math domain error")
	case math.IsInf(r, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0):
		return nil, value.Errorf("OverflowError", "math range error")
	}
	return value.Float(r), nil
}

func power(c *jinja.Call) (value.Value, error) {
	x, err := real("pow", c.Args[0])
	if err != nil {
		return nil, err
	}
	y, err := real("pow", c.Args[1])
	if err != nil {
		return nil, err
	}
	return pow(x, y)
}

func root(c *jinja.Call) (value.Value, error) {
	x, err := real("root", c.Args[0])
	if err != nil {
		return nil, err
	}
	base, ok, err := builtins.ToFloat(c.Args[1])
	if err != nil {
		return nil, err
	}
	if !ok {
		if s, isText := value.AsString(c.Args[1]); isText {
			return nil, filterTypeError("root() can only be used on numbers: could not convert string to float: %s", repr(value.Str(s)))
		}
		return nil, filterTypeError("root() can only be used on numbers: float() argument must be a string or a real number, not '%s'", value.CTypeName(c.Args[1]))
	}
	if base == 2 {
		if x < 0 {
			return nil, value.ValueErrorf("math domain error")
		}
		return value.Float(math.Sqrt(x)), nil
	}
	if base == 0 {
		return nil, value.Errorf("ZeroDivisionError", "float division by zero")
	}
	return pow(x, 1/base)
}

// units are the steps of human_readable and human_to_bytes, largest first.
var units = []struct {
	letter string
	power  uint
}{{"Y", 80}, {"Z", 70}, {"E", 60}, {"P", 50}, {"T", 40}, {"G", 30}, {"M", 20}, {"K", 10}, {"B", 0}}

func humanReadable(c *jinja.Call) (value.Value, error) {
	bits, err := truth(c.Args[1])
	if err != nil {
		return nil, err
	}
	if err := undefinedArg(c.Args[0]); err != nil {
		return nil, err
	}
	base := "Bytes"
	if bits {
		base = "bits"
	}
	unit := ""
	if c.Args[2] != value.None {
		if unit, err = value.ToStr(c.Args[2]); err != nil {
			return nil, err
		}
	}
	size := c.Args[0]
	limit, suffix := 1.0, ""
	for _, u := range units {
		limit, suffix = math.Ldexp(1, int(u.power)), u.letter
		if unit == "" {
			big, err := value.Compare(value.Ge, size, value.Float(limit))
			if err != nil {
				return nil, filterTypeError("human_readable() failed on bad input: %s", strings.Replace(err.Error(), "'float'", "'int'", 1))
			}
			if big {
				break
			}
		} else if strings.EqualFold(unit, suffix) {
			break
		}
	}
	f, ok := value.ToFloat(size)
	if !ok {
		return nil, filterTypeError("human_readable() failed on bad input: unsupported operand type(s) for /: '%s' and 'int'", value.CTypeName(size))
	}
	tail := base
	if limit != 1 {
		tail = suffix + base[:1]
	}
	return value.Str(strconv.FormatFloat(f/limit, 'f', 2, 64) + " " + tail), nil
}

var sizeText = regexp.MustCompile(`^\s*(\d*\.?\d*)\s*([A-Za-z]+)?`)

func humanToBytes(c *jinja.Call) (value.Value, error) {
	if err := undefinedArg(c.Args[0]); err != nil {
		return nil, err
	}
	bits, err := truth(c.Args[2])
	if err != nil {
		return nil, err
	}
	s, err := value.ToStr(c.Args[0])
	if err != nil {
		return nil, err
	}
	bad := func() error { return filterError("human_to_bytes() can't interpret following string: %s", s) }
	m := sizeText.FindStringSubmatch(s)
	if m == nil || m[1] == "" {
		return nil, bad()
	}
	f, ok := builtins.ParseFloat(m[1])
	if !ok {
		return nil, bad()
	}
	rest := strings.TrimSpace(s[len(m[0]):])
	unit := m[2]
	if rest != "" {
		return nil, bad()
	}
	if strings.HasSuffix(m[1], ".") {
		return nil, bad()
	}
	if unit == "" && c.Args[1] != value.None {
		if unit, err = value.ToStr(c.Args[1]); err != nil {
			return nil, err
		}
	}
	limit := 1.0
	if unit != "" {
		found := false
		for _, u := range units {
			if strings.ToUpper(unit[:1]) == u.letter {
				limit, found = math.Ldexp(1, int(u.power)), true
			}
		}
		if !found || !goodUnit(unit, bits) {
			return nil, bad()
		}
	}
	return value.FloatToInt(builtins.RoundFloat(f*limit, 0))
}

// goodUnit checks the letters after the first: "B" for bytes and "b" for bits, or the full words.
func goodUnit(unit string, bits bool) bool {
	letter, word := "B", "byte"
	if bits {
		letter, word = "b", "bit"
	}
	if len(unit) == 1 {
		return true
	}
	low := strings.ToLower(unit)
	switch low {
	case word, word + "s":
		return true
	}
	first := unit[:1]
	rest := unit[1:]
	if rest == letter {
		return first == strings.ToUpper(first)
	}
	switch strings.ToLower(rest) {
	case word, word + "s":
		return true
	}
	return false
}
