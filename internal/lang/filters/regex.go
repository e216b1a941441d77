package filters

import (
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/lang/pyre"
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var regexes = family{
	filters: []jinja.Filter{
		{Name: "regex_escape", Signature: "regex_escape(string, re_type='python')", Run: regexEscape},
		{Name: "regex_findall", Signature: "regex_findall(value, regex, multiline=False, ignorecase=False)", Run: regexFindall},
		{Name: "regex_replace", Signature: "regex_replace(value='', pattern='', replacement='', ignorecase=False, multiline=False, count=0, mandatory_count=0)", Run: regexReplace},
		{Name: "regex_search", Signature: "regex_search(value, regex, *args, **kwargs)", Run: regexSearch},
	},
	tests: []jinja.Filter{
		{Name: "match", Signature: "match(value, pattern='', ignorecase=False, multiline=False)", Run: regexTest("match")},
		{Name: "search", Signature: "search(value, pattern='', ignorecase=False, multiline=False)", Run: regexTest("search")},
		{Name: "regex", Signature: "regex(value='', pattern='', ignorecase=False, multiline=False, match_type='search')", Run: regexTest("regex")},
	},
}

// nonString is to_text(v, nonstring='simplerepr').
func nonString(v value.Value) (string, error) {
	if err := undefinedArg(v); err != nil {
		return "", err
	}
	return toText(v)
}

func flagsOf(ignorecase, multiline value.Value) (pyre.Flags, error) {
	var f pyre.Flags
	i, err := truth(ignorecase)
	if err != nil {
		return 0, err
	}
	m, err := truth(multiline)
	if err != nil {
		return 0, err
	}
	if i {
		f |= pyre.IgnoreCase
	}
	if m {
		f |= pyre.Multiline
	}
	return f, nil
}

// pattern compiles an argument as a regular expression.
func pattern(v value.Value, f pyre.Flags) (*pyre.Regexp, error) {
	if err := undefinedArg(v); err != nil {
		return nil, err
	}
	s, err := str(v, func(v value.Value) error {
		return value.TypeErrorf("first argument must be string or compiled pattern")
	})
	if err != nil {
		return nil, err
	}
	return pyre.Compile(s, f)
}

func regexReplace(c *jinja.Call) (value.Value, error) {
	s, err := nonString(c.Args[0])
	if err != nil {
		return nil, err
	}
	f, err := flagsOf(c.Args[3], c.Args[4])
	if err != nil {
		return nil, err
	}
	re, err := pattern(c.Args[1], f)
	if err != nil {
		return nil, err
	}
	repl, err := str(c.Args[2], func(v value.Value) error {
		return value.TypeErrorf("decoding to str: need a bytes-like object, %s found", v.TypeName())
	})
	if err != nil {
		return nil, err
	}
	count, err := value.Index(c.Args[5])
	if err != nil {
		return nil, err
	}
	want, err := value.Index(c.Args[6])
	if err != nil {
		return nil, err
	}
	if count < 0 {
		return value.Str(s), nil
	}
	out, n, err := re.Sub(repl, s, int(count))
	if err != nil {
		return nil, err
	}
	if want != 0 && int(want) != n {
		return nil, filterError("'%s' should match %d times, but matches %d times in '%s'", textOf(c.Args[1]), want, count, s) // count is the argument, not what was found
	}
	return value.Str(out), nil
}

func groupValue(m *pyre.Match, n int, absent value.Value) value.Value {
	if g, ok := m.Group(n); ok {
		return value.Str(g)
	}
	return absent
}

func regexFindall(c *jinja.Call) (value.Value, error) {
	s, err := nonString(c.Args[0])
	if err != nil {
		return nil, err
	}
	f, err := flagsOf(c.Args[3], c.Args[2])
	if err != nil {
		return nil, err
	}
	re, err := pattern(c.Args[1], f)
	if err != nil {
		return nil, err
	}
	ms, err := re.FindAll(s, -1)
	if err != nil {
		return nil, err
	}
	out := &value.List{Elems: make([]value.Value, len(ms))}
	for i, m := range ms {
		switch re.Groups() {
		case 0, 1:
			out.Elems[i] = groupValue(m, re.Groups(), value.Str(""))
		default:
			t := value.NewTuple()
			for g := 1; g <= re.Groups(); g++ {
				t.Elems = append(t.Elems, groupValue(m, g, value.Str("")))
			}
			out.Elems[i] = t
		}
	}
	return out, nil
}

func regexSearch(c *jinja.Call) (value.Value, error) {
	s, err := nonString(c.Args[0])
	if err != nil {
		return nil, err
	}
	var groups []int
	var namedGroups []string
	isName := []bool{}
	for _, a := range c.Args[2].(*value.Tuple).Elems {
		g, ok := value.AsString(a)
		if !ok {
			return nil, noMethod(a, "startswith")
		}
		switch {
		case strings.HasPrefix(g, `\g<`):
			name := strings.TrimSuffix(strings.TrimPrefix(g, `\g<`), ">")
			groups, namedGroups, isName = append(groups, 0), append(namedGroups, name), append(isName, true)
		case strings.HasPrefix(g, `\`):
			end := 1
			for end < len(g) && g[end] >= '0' && g[end] <= '9' && end < 9 {
				end++
			}
			n, err := strconv.Atoi(g[1:end])
			if err != nil {
				return nil, value.Errorf("AttributeError", "'NoneType' object has no attribute 'group'")
			}
			groups, namedGroups, isName = append(groups, n), append(namedGroups, ""), append(isName, false)
		default:
			return nil, filterError("Unknown argument")
		}
	}
	kw := c.Args[3].(*value.Dict)
	opt := func(name string) value.Value {
		if v, ok := kw.GetStr(name); ok {
			return v
		}
		return value.False
	}
	f, err := flagsOf(opt("ignorecase"), opt("multiline"))
	if err != nil {
		return nil, err
	}
	re, err := pattern(c.Args[1], f)
	if err != nil {
		return nil, err
	}
	m, err := re.Search(s)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return value.None, nil
	}
	if len(groups) == 0 {
		return groupValue(m, 0, value.None), nil
	}
	out := &value.List{}
	for i, n := range groups {
		if isName[i] {
			k, ok := re.GroupIndex(namedGroups[i])
			if !ok {
				num, err := strconv.Atoi(namedGroups[i])
				if err != nil || num > re.Groups() {
					return nil, value.Errorf("IndexError", "no such group")
				}
				k = num
			}
			n = k
		}
		if n > re.Groups() {
			return nil, value.Errorf("IndexError", "no such group")
		}
		out.Elems = append(out.Elems, groupValue(m, n, value.None))
	}
	return out, nil
}

func regexEscape(c *jinja.Call) (value.Value, error) {
	s, err := nonString(c.Args[0])
	if err != nil {
		return nil, err
	}
	kind, err := value.ToStr(c.Args[1])
	if err != nil {
		return nil, err
	}
	switch kind {
	case "python":
		return value.Str(pyre.Escape(s)), nil
	case "posix_basic":
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			if strings.IndexByte(`].[^$*\`, s[i]) >= 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(s[i])
		}
		return value.Str(b.String()), nil
	case "posix_extended":
		return nil, filterError("Regex type (%s) not yet implemented", kind)
	}
	return nil, filterError("Invalid regex type (%s)", kind)
}

func regexTest(how string) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) {
		s, err := nonString(c.Args[0])
		if err != nil {
			return nil, err
		}
		f, err := flagsOf(c.Args[2], c.Args[3])
		if err != nil {
			return nil, err
		}
		re, err := pattern(c.Args[1], f)
		if err != nil {
			return nil, err
		}
		kind := how
		if how == "regex" {
			if kind, err = value.ToStr(c.Args[4]); err != nil {
				return nil, err
			}
		}
		switch kind {
		case "search":
			m, err := re.Search(s)
			return value.Bool(m != nil), err
		case "match":
			m, err := re.MatchStart(s)
			return value.Bool(m != nil), err
		case "fullmatch":
			full, err := pyre.Compile(`(?:`+textOf(c.Args[1])+`)\Z`, f)
			if err != nil {
				return nil, err
			}
			m, err := full.MatchStart(s)
			return value.Bool(m != nil), err
		}
		return nil, value.TypeErrorf("'str' object is not callable")
	}
}
