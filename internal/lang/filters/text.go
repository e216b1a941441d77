package filters

import (
	"strings"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var texts = family{filters: []jinja.Filter{
	{Name: "bool", Signature: "to_bool(a)", Run: toBool},
	{Name: "comment", Signature: "comment(text, style='plain', **kw)", Run: comment},
	{Name: "mandatory", Signature: "mandatory(a, msg=None)", Run: mandatory, Volatile: true},
	{Name: "quote", Signature: "quote(a)", Run: quote},
	{Name: "split", Run: split},
	{Name: "ternary", Signature: "ternary(value, true_val, false_val, none_val=None)", Run: ternary},
	{Name: "type_debug", Signature: "type_debug(o)", Run: typeDebug, Classed: true},
}}

// Bool reads a value as the bool filter does: True, "yes", "on", "1", "true" and 1 are true, None stays None, all else is
// false.
func Bool(v value.Value) (value.Value, error) {
	v, err := value.Norm(v)
	if err != nil {
		return nil, err
	}
	switch x := v.(type) {
	case value.NoneType, value.Bool:
		return v, nil
	case *value.Undefined:
		if x.Kind != value.Lenient {
			return nil, x.Err()
		}
	}
	if s, ok := value.AsString(v); ok {
		switch value.Lower(s) {
		case "yes", "on", "1", "true":
			return value.True, nil
		}
		return value.False, nil
	}
	eq, err := value.Equal(v, value.Int(1))
	return value.Bool(eq), err
}

func toBool(c *jinja.Call) (value.Value, error) { return Bool(c.Args[0]) }

type commentStyle struct {
	beginning, decoration, end string
}

var commentStyles = map[string]commentStyle{
	"plain":  {decoration: "# "},
	"erlang": {decoration: "% "},
	"c":      {decoration: "// "},
	"cblock": {beginning: "/*", decoration: " * ", end: " */"},
	"xml":    {beginning: "<!--", decoration: " - ", end: "-->"},
}

func comment(c *jinja.Call) (value.Value, error) {
	style, err := value.ToStr(c.Args[1])
	if err != nil {
		return nil, err
	}
	base, ok := commentStyles[style]
	if !ok {
		return nil, value.Errorf("KeyError", "%s", repr(c.Args[1]))
	}
	opt := map[string]string{
		"newline": "\n", "beginning": base.beginning, "end": base.end, "decoration": base.decoration,
	}
	counts := map[string]int{"prefix_count": 1, "postfix_count": 1}
	given := map[string]bool{}
	for k, v := range c.Args[2].(*value.Dict).All() {
		name, _ := value.AsString(k)
		if _, isCount := counts[name]; isCount {
			n, err := value.Index(v)
			if err != nil {
				return nil, err
			}
			if n > 100_000 {
				return nil, value.Errorf("MemoryError", "comment of %d lines", n)
			}
			counts[name] = int(n)
			continue
		}
		s, err := value.ToStr(v)
		if err != nil {
			return nil, err
		}
		opt[name] = s
		given[name] = true
	}
	for _, name := range []string{"prefix", "postfix"} {
		if !given[name] {
			opt[name] = strings.TrimRight(opt["decoration"], " \t\n\r\v\f")
		}
	}
	if u := undefinedArg(c.Args[0]); u != nil {
		return nil, u
	}
	text, isStr := value.AsString(c.Args[0])
	if !isStr {
		return nil, noMethod(c.Args[0], "replace")
	}
	nl := opt["newline"]
	begin, end := "", ""
	if opt["beginning"] != "" {
		begin = opt["beginning"] + nl
	}
	if opt["end"] != "" {
		end = nl + opt["end"]
	}
	prefix, postfix := "", ""
	switch {
	case opt["prefix"] == nl:
		prefix = strings.Repeat(nl, max(counts["prefix_count"], 0))
	case opt["prefix"] != "":
		prefix = strings.Repeat(opt["prefix"]+nl, max(counts["prefix_count"], 0))
	}
	postfix = strings.Repeat(nl+opt["postfix"], max(counts["postfix_count"], 0)) // a newline even for an empty one
	body := opt["decoration"] + strings.ReplaceAll(text, nl, nl+opt["decoration"])
	// A line that is empty gets no trailing blanks, unless it is the only one.
	bare := opt["decoration"] + nl
	body = strings.ReplaceAll(body, bare, strings.TrimRight(opt["decoration"], " \t\n\r\v\f")+nl)
	return value.Str(begin + prefix + body + postfix + end), nil
}

func mandatory(c *jinja.Call) (value.Value, error) {
	u, ok := c.Args[0].(*value.Undefined)
	if !ok {
		return c.Args[0], nil
	}
	if c.Args[1] != value.None {
		s, err := value.ToStr(c.Args[1])
		if err != nil {
			return nil, err
		}
		return nil, filterError("%s", s)
	}
	name := ""
	if n, ok := value.AsString(u.Name); ok && u.Name != nil {
		name = "'" + n + "' "
	}
	return nil, filterError("Mandatory variable %s not defined.", name)
}

// Quote is shlex.quote.
func Quote(s string) string {
	if s == "" {
		return "''"
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || strings.IndexByte("@%+=:,./-_", c) >= 0 {
			continue
		}
		return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
	}
	return s
}

func quote(c *jinja.Call) (value.Value, error) {
	if c.Args[0] == value.None {
		return value.Str("''"), nil
	}
	s, err := toText(c.Args[0])
	return value.Str(Quote(s)), err
}

func split(c *jinja.Call) (value.Value, error) {
	if len(c.Args) == 0 {
		return nil, value.TypeErrorf("unbound method str.split() needs an argument")
	}
	if _, vault := c.Args[0].(*value.Encrypted); vault || !value.IsString(c.Args[0]) {
		return nil, value.TypeErrorf("descriptor 'split' for 'str' objects doesn't apply to a '%s' object", typeName(c.Args[0]))
	}
	m, _, _ := value.Attribute(c.Args[0], "split")
	return value.Call(m, c.Args[1:], c.Kw)
}

func ternary(c *jinja.Call) (value.Value, error) {
	if c.Args[0] == value.None && c.Args[3] != value.None {
		return c.Args[3], nil
	}
	t, err := truth(c.Args[0])
	if err != nil {
		return nil, err
	}
	if t {
		return c.Args[1], nil
	}
	return c.Args[2], nil
}

// typeName is type(v).__name__ as Ansible's users see it.
func typeName(v value.Value) string {
	if _, ok := v.(*value.Encrypted); ok {
		return "AnsibleVaultEncryptedUnicode"
	}
	return v.TypeName()
}

func typeDebug(c *jinja.Call) (value.Value, error) {
	if full := c.Ctx.StrClass(c.Expr, c.Args[0]); full != "" {
		return value.Str(full[strings.LastIndexByte(full, '.')+1:]), nil
	}
	return value.Str(typeName(c.Args[0])), nil
}
