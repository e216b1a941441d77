package yamldoc

import (
	"encoding/base64"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/value"
)

var (
	intForm   = regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	floatForm = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	dateForm  = regexp.MustCompile(`^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]*))?(?:[ \t]*(Z|([-+])([0-9]{1,2})(?::([0-9]{2}))?))?)?$`)
)

var words = map[string]value.Value{
	"": value.None, "~": value.None, "null": value.None, "Null": value.None, "NULL": value.None,
	"yes": value.True, "Yes": value.True, "YES": value.True, "no": value.False, "No": value.False, "NO": value.False,
	"true": value.True, "True": value.True, "TRUE": value.True, "false": value.False, "False": value.False, "FALSE": value.False,
	"on": value.True, "On": value.True, "ON": value.True, "off": value.False, "Off": value.False, "OFF": value.False,
}

// Plainly is the value of an unquoted YAML 1.1 scalar: null, bool, int, float, date or the text itself (PyYAML's implicit
// resolver; BEHAVIOUR §10). problem is set for text that looks like a date and is none.
func Plainly(text string) (v value.Value, problem string) {
	if len(text) <= 5 {
		if v, ok := words[text]; ok {
			return v, ""
		}
	}
	switch c := text[0]; {
	case c >= '0' && c <= '9', c == '-', c == '+', c == '.':
	default:
		return value.Str(text), ""
	}
	if intForm.MatchString(text) {
		if n, ok := parseInt(text); ok {
			return n, ""
		}
		return value.Str(text), ""
	}
	if floatForm.MatchString(text) {
		if f, ok := parseFloat(text); ok {
			return f, ""
		}
		return value.Str(text), ""
	}
	if len(text) >= 8 && text[0] >= '0' && text[0] <= '9' {
		return parseDate(text)
	}
	return value.Str(text), ""
}

func sign(text string) (string, bool) {
	switch {
	case strings.HasPrefix(text, "-"):
		return text[1:], true
	case strings.HasPrefix(text, "+"):
		return text[1:], false
	}
	return text, false
}

// parseInt reads the forms of intForm; it also serves explicit !!int tags, hence the error.
func parseInt(text string) (value.Value, bool) {
	digits, neg := sign(strings.ReplaceAll(text, "_", ""))
	n, ok := new(big.Int), true
	switch {
	case digits == "0":
	case strings.HasPrefix(digits, "0b"):
		n, ok = n.SetString(digits[2:], 2)
	case strings.HasPrefix(digits, "0x"):
		n, ok = n.SetString(digits[2:], 16)
	case strings.HasPrefix(digits, "0"):
		n, ok = n.SetString(digits, 8)
	case strings.Contains(digits, ":"):
		sixty := big.NewInt(60)
		for _, part := range strings.Split(digits, ":") {
			d, good := new(big.Int).SetString(part, 10)
			if !good {
				return nil, false
			}
			n.Mul(n, sixty).Add(n, d)
		}
	default:
		if i, err := strconv.ParseInt(digits, 10, 64); err == nil {
			if neg {
				i = -i
			}
			return value.Int(i), true
		}
		n, ok = n.SetString(digits, 10)
	}
	if !ok || n == nil {
		return nil, false
	}
	if neg {
		n.Neg(n)
	}
	return value.NewBig(n), true
}

func parseFloat(text string) (value.Value, bool) {
	digits, neg := sign(strings.ToLower(strings.ReplaceAll(text, "_", "")))
	var f float64
	switch {
	case digits == ".inf":
		f = math.Inf(1)
	case digits == ".nan":
		f = math.NaN()
	case strings.Contains(digits, ":"):
		for _, part := range strings.Split(digits, ":") {
			d, err := strconv.ParseFloat(part, 64)
			if err != nil {
				return nil, false
			}
			f = f*60 + d
		}
	default:
		var err error
		if f, err = strconv.ParseFloat(digits, 64); err != nil && !math.IsInf(f, 0) {
			return nil, false
		}
	}
	if neg {
		f = -f
	}
	return value.Float(f), true
}

// parseDate reads YAML's timestamp forms. Text that has none of them stays text.
func parseDate(text string) (value.Value, string) {
	m := dateForm.FindStringSubmatch(text)
	if m == nil || m[4] == "" && (len(m[2]) != 2 || len(m[3]) != 2) {
		return value.Str(text), ""
	}
	num := func(s string) int { n, _ := strconv.Atoi(s); return n }
	year, month, day := num(m[1]), num(m[2]), num(m[3])
	switch {
	case year < 1:
		return nil, "year " + strconv.Itoa(year) + " is out of range"
	case month < 1 || month > 12:
		return nil, "month must be in 1..12"
	case day < 1 || day > time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day():
		return nil, "day is out of range for month"
	}
	if m[4] == "" {
		return dateValue(time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)), ""
	}
	hour, minute, second := num(m[4]), num(m[5]), num(m[6])
	switch {
	case hour > 23:
		return nil, "hour must be in 0..23"
	case minute > 59:
		return nil, "minute must be in 0..59"
	case second > 59:
		return nil, "second must be in 0..59"
	}
	micro := m[7]
	if len(micro) > 6 {
		micro = micro[:6]
	}
	for len(micro) > 0 && len(micro) < 6 {
		micro += "0"
	}
	zone := (*time.Location)(nil)
	if m[9] != "" {
		offset := num(m[10])*3600 + num(m[11])*60
		if m[9] == "-" {
			offset = -offset
		}
		zone = time.FixedZone("", offset)
	} else if m[8] != "" {
		zone = time.UTC
	}
	loc := zone
	if loc == nil {
		loc = time.UTC
	}
	return datetimeValue(time.Date(year, time.Month(month), day, hour, minute, second, num(micro)*1000, loc), zone != nil), ""
}

func decodeBinary(text string) (value.Value, bool) {
	raw, err := base64.StdEncoding.DecodeString(strings.Map(func(r rune) rune {
		if r == ' ' || r == '\n' || r == '\t' || r == '\r' {
			return -1
		}
		return r
	}, text))
	return value.Bytes(raw), err == nil
}

// IsTemplate reports whether text holds a template marker: only such text is ever rendered.
func IsTemplate(text string) bool {
	for i := strings.IndexByte(text, '{'); i >= 0 && i+1 < len(text); {
		switch text[i+1] {
		case '{', '%', '#':
			return true
		}
		j := strings.IndexByte(text[i+1:], '{')
		if j < 0 {
			return false
		}
		i += 1 + j
	}
	return false
}
