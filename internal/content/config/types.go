package config

import (
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/didyoumean"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// fallback is a setting's default as a value.
func (c *Config) fallback(s *Setting) value.Value {
	raw := s.Default
	if text, ok := raw.(string); ok && (strings.Contains(text, "{{ ANSIBLE_HOME") || strings.Contains(text, "REJECT_EXTS")) {
		raw = c.expandDefault(text)
	}
	v := fromGo(raw)
	if v == value.None {
		return v
	}
	if typed, err := c.convert(s, v, Origin{}); err == nil && typed != nil {
		return typed
	}
	return v
}

// expandDefault renders the two forms of template that defaults have.
func (c *Config) expandDefault(text string) any {
	if _, rest, ok := strings.Cut(text, `ANSIBLE_HOME ~ "`); ok {
		rest, _, _ = strings.Cut(rest, `"`)
		return c.Str("ANSIBLE_HOME") + rest
	}
	rejected := []string{".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst"}
	for _, ext := range strings.Split(text, "'") {
		if strings.HasPrefix(ext, ".") {
			rejected = append(rejected, ext)
		}
	}
	return rejectedExts(rejected)
}

// rejectedExts is a default that Ansible keeps as a tuple, which `ansible-config dump` shows.
type rejectedExts []string

func fromGo(raw any) value.Value {
	switch v := raw.(type) {
	case bool:
		return value.Bool(v)
	case int:
		return value.Int(v)
	case float64:
		return value.Float(v)
	case string:
		return value.Str(v)
	case []string:
		l := &value.List{Elems: make([]value.Value, len(v))}
		for i, s := range v {
			l.Elems[i] = value.Str(s)
		}
		return l
	case rejectedExts:
		return &value.Tuple{Elems: fromGo([]string(v)).(*value.List).Elems}
	case map[string]any:
		d := value.NewDict()
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			d.SetStr(k, fromGo(v[k]))
		}
		return d
	}
	return value.None
}

// Truth is Ansible's lenient boolean: y, yes, on, 1, true and t in any case, 1 and 1.0 are true, all else is false.
func Truth(v value.Value) bool {
	switch v := v.(type) {
	case value.Bool:
		return bool(v)
	case value.Int:
		return v == 1
	case value.Float:
		return v == 1
	case value.Str:
		switch strings.ToLower(strings.TrimSpace(string(v))) {
		case "y", "yes", "on", "1", "true", "t", "1.0":
			return true
		}
	}
	return false
}

// convert gives a raw value the setting's type. A nil value means "as if it was not set".
func (c *Config) convert(s *Setting, raw value.Value, origin Origin) (value.Value, error) {
	text, isText := raw.(value.Str)
	base := c.env.Cwd
	if origin.Kind == FromFile {
		base = filepath.Dir(c.File)
	}
	var out value.Value
	switch s.Type {
	case "boolean":
		return value.Bool(Truth(raw)), nil
	case "integer", "float":
		if !isText {
			return raw, nil
		}
		if strings.TrimSpace(string(text)) == "" {
			return nil, nil
		}
		n, problem := number(string(text), s.Type == "float")
		if n == nil {
			return nil, badSetting(s, origin, problem)
		}
		return n, nil
	case "list", "pathlist", "pathspec":
		if !isText {
			return raw, listed(s, raw, origin)
		}
		sep := ","
		if s.Type == "pathspec" {
			sep = ":"
		}
		l := &value.List{}
		for _, part := range strings.Split(string(text), sep) {
			part = strings.TrimSpace(part)
			if origin.Kind == FromFile {
				part = unquote(part)
			}
			if s.Type != "list" {
				part = c.absolute(part, base)
			}
			l.Elems = append(l.Elems, value.Str(part))
		}
		return l, listed(s, l, origin)
	case "path", "tmppath":
		if !isText {
			return raw, nil
		}
		return value.Str(c.absolute(unquote(string(text)), base)), nil
	case "dict":
		if _, ok := raw.(*value.Dict); !ok {
			return nil, badSetting(s, origin, "")
		}
		return raw, nil
	case "raw":
		return raw, nil
	}
	out = raw
	if isText && origin.Kind == FromFile {
		out = value.Str(unquote(string(text)))
	}
	if len(s.Choices) > 0 {
		if t, ok := out.(value.Str); !ok || !contains(s.Choices, string(t)) {
			return nil, badChoice(s, origin, fmt.Sprint(out))
		}
	}
	return out, nil
}

// listed says what is wrong with a list that may hold nothing but the setting's choices.
func listed(s *Setting, v value.Value, origin Origin) error {
	l, ok := v.(*value.List)
	if !ok || len(s.Choices) == 0 {
		return nil
	}
	for _, e := range l.Elems {
		if t, err := value.ToStr(e); err != nil || !contains(s.Choices, t) {
			shown, _ := value.ToStr(l)
			return badChoice(s, origin, shown)
		}
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// number reads a decimal number the way Python's Decimal does; whole numbers may be written 1e1 or 5.0.
func number(text string, float bool) (value.Value, string) {
	text = strings.TrimSpace(text)
	r, ok := new(big.Rat).SetString(strings.ReplaceAll(text, "_", ""))
	if !ok || strings.ContainsAny(text, "/xXpPbBoO") {
		return nil, ""
	}
	if float {
		f, _ := r.Float64()
		return value.Float(f), ""
	}
	if !r.IsInt() {
		return nil, fmt.Sprintf("Invalid type provided for \"int\": '%s'", text)
	}
	return value.NewBig(new(big.Int).Set(r.Num())), ""
}

// unquote removes one pair of quotes around the whole text.
func unquote(s string) string {
	if len(s) > 1 && s[0] == s[len(s)-1] && (s[0] == '"' || s[0] == '\'') && s[len(s)-2] != '\\' {
		return s[1 : len(s)-1]
	}
	return s
}

// Path makes a path of the command line absolute: "~" and $VARIABLES expanded, relative to the working directory.
func (c *Config) Path(p string) string { return c.absolute(p, c.env.Cwd) }

// absolute is Ansible's path rule: "~" and $VARIABLES expanded, {{CWD}} replaced, relative to base, links followed.
func (c *Config) absolute(p, base string) string {
	p = strings.ReplaceAll(p, "{{CWD}}", c.env.Cwd)
	if p == "~" || strings.HasPrefix(p, "~/") {
		p = c.env.Home + p[1:]
	}
	p = os.Expand(p, func(name string) string {
		if v, ok := c.env.Lookup(name); ok {
			return v
		}
		return "$" + name
	})
	if !filepath.IsAbs(p) {
		p = filepath.Join(base, p)
	}
	return follow(filepath.Clean(p))
}

// follow resolves symbolic links in the part of the path that exists.
func follow(p string) string {
	if real, err := filepath.EvalSymlinks(p); err == nil {
		return real
	}
	dir, name := filepath.Split(p)
	if dir = filepath.Clean(dir); dir == p || name == "" {
		return p
	}
	return filepath.Join(follow(dir), name)
}

// badValue is the error of a setting whose value cannot be used. In a file the value is pointed at, elsewhere its origin is said.
func badValue(origin Origin, summary, classic string) *diag.Diagnostic {
	d := &diag.Diagnostic{Code: diag.BadSetting, Exit: diag.ExitOptions, Summary: summary, Classic: classic}
	if origin.File == "" {
		d.Summary += " (set by " + origin.String() + ")"
		return d
	}
	at := valuePlace(origin)
	return d.At(at.Pos, at.Len, "")
}

// valuePlace finds the value that a key of a configuration file has; only the file when it is not found.
func valuePlace(origin Origin) source.Span {
	none := source.Span{Pos: source.Pos{File: origin.File}}
	section, key, _ := strings.Cut(origin.Name, ".")
	data, err := os.ReadFile(origin.File)
	if err != nil {
		return none
	}
	in := ""
	for i, line := range strings.Split(string(data), "\n") {
		text := strings.TrimSpace(line)
		if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
			in = text[1 : len(text)-1]
			continue
		}
		at := strings.IndexAny(line, "=:")
		if in != section && in != "DEFAULT" || at < 0 || !strings.EqualFold(strings.TrimSpace(line[:at]), key) {
			continue
		}
		val := strings.TrimSpace(line[at+1:])
		col := utf8.RuneCountInString(line[:at+1+strings.Index(line[at+1:], val)]) + 1
		return source.Span{Pos: source.Pos{File: origin.File, Line: i + 1, Col: col}, Len: utf8.RuneCountInString(val)}
	}
	return none
}

func badSetting(s *Setting, origin Origin, problem string) error {
	return badValue(origin, fmt.Sprintf("%s must be of type %s", s.Name, s.Type),
		fmt.Sprintf("Invalid type for configuration option setting: %s (from %s): %s", s.Name, origin, problem))
}

func badChoice(s *Setting, origin Origin, got string) error {
	choices := strings.Join(s.Choices, ", ")
	d := badValue(origin, fmt.Sprintf("%q is no value of %s: use one of %s", got, s.Name, choices),
		fmt.Sprintf("Invalid value \"%s\" for configuration option \"setting: %s \", valid values are: %s", got, s.Name, choices))
	if near := didyoumean.Nearest(got, s.Choices); near != "" {
		d.Hint("did you mean `" + near + "`?")
	}
	return d
}

// badFile is a configuration file that does not parse. Python's words for it are Ansible's; ours say what to write.
func badFile(file, problem string, line int) error {
	d := &diag.Diagnostic{Code: diag.ConfigSyntax, Exit: diag.ExitOptions, Classic: fmt.Sprintf("Error reading config file (%s): %s", file, problem)}
	first, _, _ := strings.Cut(problem, "\n")
	switch {
	case strings.Contains(problem, "\n'[") && !strings.Contains(problem, "]"):
		d.Summary = "the name of a section has no ] at its end"
	case strings.HasPrefix(first, "File contains no section headers"):
		d.Summary = "a line before the first [section]"
		d.Hint("most settings belong to [defaults]: write that line above this one")
	case strings.HasPrefix(first, "Source contains parsing errors"):
		d.Summary = "neither a [section] nor key = value"
	default:
		if _, rest, ok := strings.Cut(first, "]: "); ok && strings.HasPrefix(first, "While reading from") {
			first = rest
		}
		d.Summary = "the configuration file cannot be read: " + first
	}
	return d.At(source.Pos{File: file, Line: line}, 0, "")
}

// Default is a setting's default as the table has it, templates unrendered.
func Default(s *Setting) value.Value { return fromGo(s.Default) }
