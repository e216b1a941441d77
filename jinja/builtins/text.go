package builtins

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var textFilters = []jinja.Filter{
	{Name: "capitalize", Signature: "do_capitalize(s)", Run: onText(value.Capitalize)},
	{Name: "center", Signature: "do_center(value, width=80)", Run: center},
	{Name: "format", Signature: "do_format(value, *args, **kwargs)", Run: format},
	{Name: "indent", Signature: "do_indent(s, width=4, first=False, blank=False)", Run: indent},
	{Name: "lower", Signature: "do_lower(s)", Run: onText(value.Lower)},
	{Name: "replace", Signature: "do_replace(~eval_ctx, s, old, new, count=None)", Run: replace},
	{Name: "string", Signature: "soft_str(s)", Run: str},
	{Name: "title", Signature: "do_title(s)", Run: titled},
	{Name: "trim", Signature: "do_trim(value, chars=None)", Run: trim},
	{Name: "truncate", Signature: "do_truncate(~env, s, length=255, killwords=False, end='...', leeway=None)", Run: truncate},
	{Name: "upper", Signature: "do_upper(s)", Run: onText(value.Upper)},
	{Name: "wordcount", Signature: "do_wordcount(s)", Run: wordcount},
	{Name: "wordwrap", Signature: "do_wordwrap(~environment, s, width=79, break_long_words=True, wrapstring=None, break_on_hyphens=True)", Run: wordwrap},
}

func center(c *jinja.Call) (value.Value, error) {
	s, err := softStr(c.Args[0])
	if err != nil {
		return nil, err
	}
	m, _, _ := value.Attribute(keepMarkup(c.Args[0], s), "center")
	return value.Call(m, []value.Value{c.Args[1]}, nil)
}

func str(c *jinja.Call) (value.Value, error) {
	if m, ok := c.Args[0].(value.Markup); ok {
		return m, nil
	}
	s, err := softStr(c.Args[0])
	return value.Str(s), err
}

func format(c *jinja.Call) (value.Value, error) {
	args, kw := c.Args[1].(*value.Tuple), c.Args[2].(*value.Dict)
	if len(args.Elems) > 0 && kw.Len() > 0 {
		return nil, argError("can't handle positional and keyword arguments at the same time")
	}
	s, err := softStr(c.Args[0])
	if err != nil {
		return nil, err
	}
	if kw.Len() > 0 {
		return value.Mod(keepMarkup(c.Args[0], s), kw)
	}
	return value.Mod(keepMarkup(c.Args[0], s), args)
}

func indent(c *jinja.Call) (value.Value, error) {
	var s string
	if u, ok := c.Args[0].(*value.Undefined); ok && u.Kind != value.Lenient {
		return nil, u.Err()
	}
	s, ok := value.AsString(c.Args[0])
	if !ok {
		if _, isList := c.Args[0].(*value.List); isList {
			return nil, value.Errorf("AttributeError", "'list' object has no attribute 'splitlines'")
		}
		// The filter appends a newline to its argument before it looks at it.
		_, err := value.Add(c.Args[0], value.Str("\n"))
		if err == nil {
			err = value.TypeErrorf("unsupported operand type(s) for +=: '%s' and 'str'", c.Args[0].TypeName())
		}
		if e := err.Error(); strings.Contains(e, "for +:") {
			err = value.TypeErrorf("%s", strings.Replace(e, "for +:", "for +=:", 1))
		}
		return nil, err
	}
	pad := ""
	if w, ok := value.AsString(c.Args[1]); ok {
		pad = w
	} else {
		p, err := value.Mul(value.Str(" "), c.Args[1])
		if err != nil {
			return nil, err
		}
		pad, _ = value.AsString(p)
	}
	first, err := value.Truth(c.Args[2])
	if err != nil {
		return nil, err
	}
	blank, err := value.Truth(c.Args[3])
	if err != nil {
		return nil, err
	}
	s += "\n"
	var out string
	if blank {
		out = strings.ReplaceAll(s, "\n", "\n"+pad)
		out = strings.Join(value.SplitLines(s, false), "\n"+pad)
		if out == "" && s == "\n" {
			out = ""
		}
	} else {
		lines := value.SplitLines(s, false)
		var b strings.Builder
		for i, l := range lines {
			if i > 0 {
				b.WriteByte('\n')
				if l != "" {
					b.WriteString(pad)
				}
			}
			b.WriteString(l)
		}
		out = b.String()
	}
	if first {
		out = pad + out
	}
	return keepMarkup(c.Args[0], out), nil
}

func replace(c *jinja.Call) (value.Value, error) {
	count := c.Args[3]
	if count == value.None {
		count = value.Int(-1)
	}
	s, err := value.ToStr(c.Args[0])
	if err != nil {
		return nil, err
	}
	m, _, _ := value.Attribute(value.Str(s), "replace")
	var args [2]value.Value
	for i, v := range c.Args[1:3] {
		// str() of the arguments is what happens without autoescape.
		t, err := value.ToStr(v)
		if err != nil {
			return nil, err
		}
		args[i] = value.Str(t)
	}
	return value.Call(m, []value.Value{args[0], args[1], count}, nil)
}

// lazy is a regular expression that is compiled when it is first used: most commands start without.
func lazy(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

var wordStart = lazy(`[-\s({\[<]+`)

// titled joins words that it cut, and what is joined is no escaped text any more.
func titled(c *jinja.Call) (value.Value, error) {
	s, err := softStr(c.Args[0])
	return value.Str(title(s)), err
}

func title(s string) string {
	var b strings.Builder
	word := func(w string) {
		if w == "" {
			return
		}
		_, n := utf8.DecodeRuneInString(w)
		b.WriteString(value.Upper(w[:n]) + value.Lower(w[n:]))
	}
	last := 0
	for _, m := range wordStart().FindAllStringIndex(s, -1) {
		word(s[last:m[0]])
		b.WriteString(s[m[0]:m[1]])
		last = m[1]
	}
	word(s[last:])
	return b.String()
}

func trim(c *jinja.Call) (value.Value, error) {
	s, err := softStr(c.Args[0])
	if err != nil {
		return nil, err
	}
	m, _, _ := value.Attribute(keepMarkup(c.Args[0], s), "strip")
	return value.Call(m, []value.Value{c.Args[1]}, nil)
}

func truncate(c *jinja.Call) (value.Value, error) {
	leeway := value.Value(value.Int(5))
	if c.Args[4] != value.None {
		leeway = c.Args[4]
	}
	end, err := value.ToStr(c.Args[3])
	if err != nil {
		return nil, err
	}
	endLen := utf8.RuneCountInString(end)
	size, err := value.Len(c.Args[0])
	if err != nil {
		return nil, err
	}
	length, err := value.Index(c.Args[1])
	if err != nil {
		return nil, err
	}
	if length < int64(endLen) {
		return nil, value.Errorf("AssertionError", "expected length >= %d, got %d", endLen, length)
	}
	way, err := value.Index(leeway)
	if err != nil {
		return nil, err
	}
	if way < 0 {
		return nil, value.Errorf("AssertionError", "expected leeway >= 0, got %d", way)
	}
	if int64(size) <= length+way {
		return c.Args[0], nil
	}
	kill, err := value.Truth(c.Args[2])
	if err != nil {
		return nil, err
	}
	cut, err := value.Slice(c.Args[0], nil, value.Int(length-int64(endLen)), nil)
	if err != nil {
		return nil, err
	}
	if kill {
		return value.Add(cut, value.Str(end))
	}
	s, ok := value.AsString(cut)
	if !ok {
		if _, bytes := cut.(value.Bytes); bytes {
			return nil, value.TypeErrorf("a bytes-like object is required, not 'str'")
		}
		return nil, value.Errorf("AttributeError", "'%s' object has no attribute 'rsplit'", cut.TypeName())
	}
	if i := strings.LastIndexByte(s, ' '); i >= 0 {
		s = s[:i]
	}
	return value.Add(keepMarkup(cut, s), value.Str(end))
}

var word = lazy(`[\pL\pN\p{Mn}\p{Mc}_]+`)

func wordcount(c *jinja.Call) (value.Value, error) {
	s, err := softStr(c.Args[0])
	return value.Int(len(word().FindAllStringIndex(s, -1))), err
}

func wordwrap(c *jinja.Call) (value.Value, error) {
	s, ok := value.AsString(c.Args[0])
	if !ok {
		if u, ok := c.Args[0].(*value.Undefined); ok {
			return nil, u.Err()
		}
		if _, ok := c.Args[0].(value.Bytes); ok {
			return nil, value.TypeErrorf("cannot use a string pattern on a bytes-like object")
		}
		return nil, value.Errorf("AttributeError", "'%s' object has no attribute 'splitlines'", c.Args[0].TypeName())
	}
	width, err := index(c.Args[1])
	if err != nil {
		return nil, err
	}
	long, err := value.Truth(c.Args[2])
	if err != nil {
		return nil, err
	}
	hyphens, err := value.Truth(c.Args[4])
	if err != nil {
		return nil, err
	}
	sep := c.Env.Syntax.NewlineSequence
	if c.Args[3] != value.None {
		if some, err := value.Truth(c.Args[3]); err != nil {
			return nil, err
		} else if some {
			if sep, err = value.ToStr(c.Args[3]); err != nil {
				return nil, err
			}
		}
	}
	var out []string
	for _, line := range value.SplitLines(s, false) {
		w := TextWrap{Width: width, BreakLong: long, BreakHyphens: hyphens}
		wrapped, err := w.Wrap(line)
		if err != nil {
			return nil, err
		}
		out = append(out, strings.Join(wrapped, sep))
	}
	return value.Str(strings.Join(out, sep)), nil
}

// TextWrap is Python's textwrap for one paragraph, without expanding tabs or replacing blanks.
type TextWrap struct {
	Width        int
	BreakLong    bool
	BreakHyphens bool
}

func isBlank(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }

func hyphenWord(r rune) bool { return unicode.IsLetter(r) }

// chunks splits text into words, blanks and (with hyphens) the parts of compound words.
func (w TextWrap) chunks(s string) []string {
	var out []string
	for i := 0; i < len(s); {
		j := i
		if isBlank(s[i]) {
			for j < len(s) && isBlank(s[j]) {
				j++
			}
			out = append(out, s[i:j])
			i = j
			continue
		}
		for j < len(s) && !isBlank(s[j]) {
			j++
		}
		if w.BreakHyphens {
			out = append(out, splitHyphens(s[i:j])...)
		} else {
			out = append(out, s[i:j])
		}
		i = j
	}
	return out
}

func splitHyphens(s string) []string {
	var out []string
	rs := []rune(s)
	start := 0
	wordOrPunct := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(`_!"'&.,?`, r)
	}
	for i := 0; i < len(rs); i++ {
		if rs[i] != '-' {
			continue
		}
		n := 1
		for i+n < len(rs) && rs[i+n] == '-' {
			n++
		}
		if n >= 2 {
			// An em-dash stands alone when words are on both sides.
			if i > start && wordOrPunct(rs[i-1]) && i+n < len(rs) && (unicode.IsLetter(rs[i+n]) || unicode.IsDigit(rs[i+n]) || rs[i+n] == '_') {
				out = append(out, string(rs[start:i]), string(rs[i:i+n]))
				start = i + n
			}
			i += n - 1
			continue
		}
		before := i >= 2 && hyphenWord(rs[i-1]) && hyphenWord(rs[i-2]) || i >= 3 && hyphenWord(rs[i-3]) && rs[i-2] == '-' && wordOrPunct(rs[i-1])
		after := i+2 < len(rs) && hyphenWord(rs[i+1]) && (hyphenWord(rs[i+2]) || rs[i+2] == '-' && i+3 < len(rs) && hyphenWord(rs[i+3]))
		if i > start && before && after {
			out = append(out, string(rs[start:i+1]))
			start = i + 1
		}
	}
	if start < len(rs) {
		out = append(out, string(rs[start:]))
	}
	return out
}

// Wrap returns the lines.
func (w TextWrap) Wrap(s string) ([]string, error) {
	if w.Width <= 0 {
		return nil, value.ValueErrorf("invalid width %d (must be > 0)", w.Width)
	}
	chunks := w.chunks(s)
	var lines []string
	for i := 0; i < len(chunks); {
		var cur []string
		n := 0
		if strings.TrimSpace(chunks[i]) == "" && len(lines) > 0 {
			i++
		}
		for i < len(chunks) {
			l := utf8.RuneCountInString(chunks[i])
			if n+l > w.Width {
				break
			}
			cur = append(cur, chunks[i])
			n += l
			i++
		}
		if i < len(chunks) && utf8.RuneCountInString(chunks[i]) > w.Width {
			if w.BreakLong {
				space := w.Width - n // may be 0: Python then adds an empty piece, which is dropped in place of a blank before it
				r := []rune(chunks[i])
				end := min(space, len(r))
				if w.BreakHyphens && len(r) > space {
					h := -1
					for k := space - 1; k > 0; k-- {
						if r[k] == '-' {
							h = k
							break
						}
					}
					if h > 0 && strings.Trim(string(r[:h]), "-") != "" {
						end = h + 1
					}
				}
				cur = append(cur, string(r[:end]))
				chunks[i] = string(r[end:])
				if chunks[i] == "" {
					i++
				}
			} else if len(cur) == 0 {
				cur = append(cur, chunks[i])
				i++
			}
		}
		if len(cur) > 0 && strings.TrimSpace(cur[len(cur)-1]) == "" {
			cur = cur[:len(cur)-1]
		}
		if len(cur) > 0 {
			lines = append(lines, strings.Join(cur, ""))
		}
	}
	return lines, nil
}
