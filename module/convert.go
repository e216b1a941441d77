package module

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// convert turns v into the type an option wants. The error text is what Ansible puts behind "unable to convert to …".
func convert(t Type, v any) (any, error) {
	switch t {
	case TypeStr:
		if v == nil {
			return nil, errors.New("'None' is not a string and conversion is not allowed")
		}
		return pyStr(v), nil
	case TypePath:
		if v == nil {
			return nil, errors.New("'None' is not a string and conversion is not allowed")
		}
		return ExpandPath(pyStr(v)), nil
	case TypeBool:
		return toBool(v)
	case TypeInt:
		return toInt(v)
	case TypeFloat:
		return toFloat(v)
	case TypeList:
		return toList(v)
	case TypeDict:
		return toDict(v)
	case TypeJSON, TypeJArg:
		switch x := v.(type) {
		case string:
			return strings.TrimSpace(x), nil
		case []any, map[string]any:
			return jsonDumps(x), nil
		}
		return nil, fmt.Errorf("%s cannot be converted to a json string", pyType(v))
	case TypeBytes, TypeBits:
		n, ok := toBytes(v)
		if !ok {
			unit := "Byte"
			if t == TypeBits {
				unit = "Bit"
			}
			return nil, fmt.Errorf("%s cannot be converted to a %s value", pyType(v), unit)
		}
		return n, nil
	case TypeRaw, "":
		return v, nil
	}
	return nil, errors.New("'NoneType' object is not callable") // a role's specification names a type that there is not: Python's words for it
}

func toBool(v any) (any, error) {
	switch x := v.(type) {
	case bool:
		return x, nil
	case string, int64, float64:
		switch strings.ToLower(strings.TrimSpace(pyStr(x))) {
		case "y", "yes", "on", "1", "true", "t", "1.0":
			if s, ok := x.(string); !ok || s != "1.0" {
				return true, nil
			}
		case "n", "no", "off", "0", "false", "f", "0.0":
			if s, ok := x.(string); !ok || s != "0.0" {
				return false, nil
			}
		}
		return nil, fmt.Errorf("The value '%s' is not a valid boolean.  Valid booleans include: "+
			"0, 1, 'y', 'no', 'f', 'off', 'yes', '1', 'false', '0', 't', 'n', 'true', 'on'", pyStr(x))
	}
	return nil, fmt.Errorf("%s cannot be converted to a bool", pyType(v))
}

func toInt(v any) (any, error) {
	switch x := v.(type) {
	case int64:
		return x, nil
	case bool:
		return x, nil // Python's bool is an int, and stays what it is
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<62 {
			return int64(x), nil
		}
	case string:
		s := strings.ReplaceAll(strings.TrimSpace(x), "_", "")
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return i, nil
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil && !strings.ContainsAny(s, "xXpP") && f == math.Trunc(f) && math.Abs(f) < 1<<62 {
			return int64(f), nil
		}
	}
	return nil, fmt.Errorf("\"%s\" cannot be converted to an int", pyRepr(v))
}

func toFloat(v any) (any, error) {
	switch x := v.(type) {
	case float64:
		return x, nil
	case int64:
		return float64(x), nil
	case bool:
		if x {
			return 1.0, nil
		}
		return 0.0, nil
	case string:
		if f, err := strconv.ParseFloat(strings.TrimSpace(x), 64); err == nil && !strings.ContainsAny(x, "xXpP") {
			return f, nil
		}
	}
	return nil, fmt.Errorf("%s cannot be converted to a float", pyType(v))
}

func toList(v any) (any, error) {
	switch x := v.(type) {
	case []any:
		return x, nil
	case string:
		parts := strings.Split(x, ",")
		out := make([]any, len(parts))
		for i, p := range parts {
			out[i] = p
		}
		return out, nil
	case int64, float64, bool:
		return []any{pyStr(x)}, nil
	}
	return nil, fmt.Errorf("%s cannot be converted to a list", pyType(v))
}

func toDict(v any) (any, error) {
	switch x := v.(type) {
	case map[string]any:
		return x, nil
	case string:
		if strings.HasPrefix(x, "{") {
			dec := json.NewDecoder(strings.NewReader(x))
			dec.UseNumber()
			var d map[string]any
			if dec.Decode(&d) == nil {
				return normalise(d), nil
			}
			if d, ok := parseLiteral(x); ok {
				if d, ok := d.(map[string]any); ok {
					return d, nil
				}
			}
			return nil, errors.New("unable to evaluate string as dictionary")
		}
		if strings.Contains(x, "=") {
			return keyValues(x)
		}
		return nil, errors.New("dictionary requested, could not parse JSON or key=value")
	}
	return nil, fmt.Errorf("%s cannot be converted to a dict", pyType(v))
}

// keyValues reads "a=1, b='x y'" and "a=1 b=2".
func keyValues(s string) (any, error) {
	out := map[string]any{}
	var fields []string
	var field strings.Builder
	var quote rune
	escaped := false
	for _, r := range strings.TrimSpace(s) {
		switch {
		case escaped:
			field.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == ',' || r == ' '):
			if field.Len() > 0 {
				fields = append(fields, field.String())
			}
			field.Reset()
		default:
			field.WriteRune(r)
		}
	}
	if field.Len() > 0 {
		fields = append(fields, field.String())
	}
	for _, f := range fields {
		k, v, ok := strings.Cut(f, "=")
		if !ok {
			return nil, errors.New("not enough values to unpack (expected 2, got 1)")
		}
		out[k] = v
	}
	return out, nil
}

// toBytes reads sizes such as "10M", "1.5 GB" or "512".
func toBytes(v any) (int64, bool) {
	switch x := v.(type) {
	case int64:
		return x, true
	case float64:
		return int64(math.RoundToEven(x)), true
	case string:
		s := strings.TrimSpace(x)
		i := 0
		for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
			i++
		}
		f, err := strconv.ParseFloat(s[:i], 64)
		if err != nil {
			return 0, false
		}
		unit := strings.ToUpper(strings.TrimSpace(s[i:]))
		if unit == "" {
			return int64(math.RoundToEven(f)), true
		}
		power := strings.IndexByte("BKMGTPEZY", unit[0])
		if power < 0 {
			return 0, false
		}
		rest := unit[1:]
		if power == 0 {
			rest = "B" + rest
		}
		if rest != "" && rest != "B" && rest != "BYTE" && rest != "BYTES" && !strings.HasSuffix(rest, "BYTE") && !strings.HasSuffix(rest, "BYTES") {
			return 0, false
		}
		return int64(math.RoundToEven(f * math.Pow(1024, float64(power)))), true
	}
	return 0, false
}

// ExpandPath replaces $VAR, ${VAR} and a leading ~ or ~user as Python's expandvars and expanduser do: what is not
// defined stays as written.
func ExpandPath(s string) string { return ExpandPathEnv(s, nil) }

// ExpandPathEnv is ExpandPath with env, of "K=V", on top of this process's environment.
func ExpandPathEnv(s string, env []string) string {
	lookup := func(name string) (string, bool) {
		for i := len(env) - 1; i >= 0; i-- {
			if v, ok := strings.CutPrefix(env[i], name+"="); ok {
				return v, true
			}
		}
		return os.LookupEnv(name)
	}
	if strings.Contains(s, "$") {
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			if s[i] != '$' {
				b.WriteByte(s[i])
				continue
			}
			j, name := i+1, ""
			if j < len(s) && s[j] == '{' {
				if end := strings.IndexByte(s[j:], '}'); end > 0 {
					name, j = s[j+1:j+end], j+end+1
				}
			} else {
				for j < len(s) && (s[j] == '_' || s[j] >= '0' && s[j] <= '9' || s[j]|0x20 >= 'a' && s[j]|0x20 <= 'z') {
					j++
				}
				name = s[i+1 : j]
			}
			if v, ok := lookup(name); ok && name != "" {
				b.WriteString(v)
			} else {
				b.WriteString(s[i:j])
			}
			i = j - 1
		}
		s = b.String()
	}
	if !strings.HasPrefix(s, "~") {
		return s
	}
	user, rest, _ := strings.Cut(s[1:], "/")
	home := ""
	if user == "" {
		home, _ = lookup("HOME")
	}
	if home == "" {
		home = homeOf(user)
	}
	if home == "" {
		return s
	}
	if len(user)+1 == len(s) {
		return home
	}
	return strings.TrimRight(home, "/") + "/" + rest
}

// homeOf looks a home directory up in the passwd file: by name, or of the process when name is empty.
func homeOf(name string) string {
	data, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return ""
	}
	uid := strconv.Itoa(os.Geteuid())
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimRight(line, "\n"), ":")
		if len(f) >= 7 && (name != "" && f[0] == name || name == "" && f[2] == uid) {
			return f[5]
		}
	}
	return ""
}

func pyType(v any) string {
	name := "str"
	switch v.(type) {
	case nil:
		name = "NoneType"
	case bool:
		name = "bool"
	case int64, int:
		name = "int"
	case float64:
		name = "float"
	case []any:
		name = "list"
	case map[string]any:
		name = "dict"
	}
	return "<class '" + name + "'>"
}

// pyStr is Python's str(v).
func pyStr(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return pyRepr(v)
}

// pyRepr is Python's repr(v); dicts are in key order.
func pyRepr(v any) string {
	switch x := v.(type) {
	case nil:
		return "None"
	case bool:
		if x {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(x, 10)
	case int:
		return strconv.Itoa(x)
	case float64:
		return pyFloat(x)
	case Float:
		return pyFloat(float64(x))
	case string:
		return pyQuote(x)
	case []any:
		parts := make([]string, len(x))
		for i := range x {
			parts[i] = pyRepr(x[i])
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		parts := make([]string, 0, len(x))
		for _, k := range slices.Sorted(maps.Keys(x)) {
			parts = append(parts, pyQuote(k)+": "+pyRepr(x[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}

func pyFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	a := math.Abs(f)
	if a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// Quote is Python's repr of a string, which many messages contain.
func Quote(s string) string { return pyQuote(s) }

// Repr is Python's repr of a value of Args.
func Repr(v any) string { return pyRepr(v) }

func pyQuote(s string) string {
	q := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, "\"") {
		q = '"'
	}
	var b strings.Builder
	b.WriteByte(q)
	for _, r := range s {
		switch {
		case r == rune(q) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte(q)
	return b.String()
}

// jsonDumps writes JSON with the spaces of Python's json.dumps.
func jsonDumps(v any) string {
	switch x := v.(type) {
	case []any:
		parts := make([]string, len(x))
		for i := range x {
			parts[i] = jsonDumps(x[i])
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		parts := make([]string, 0, len(x))
		for _, k := range slices.Sorted(maps.Keys(x)) {
			parts = append(parts, jsonDumps(k)+": "+jsonDumps(x[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case float64:
		return pyFloat(x)
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return "null"
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// JSON writes a value of Args as Python's json.dumps does, with its spaces; keys are in order.
func JSON(v any) string { return jsonDumps(v) }

// Text is Python's str of a value of Args.
func Text(v any) string { return pyStr(v) }
