package builtins

import (
	"html"
	"strings"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var htmlFilters = []jinja.Filter{
	{Name: "e", Signature: "escape(s, /)", Run: escape},
	{Name: "escape", Signature: "escape(s, /)", Run: escape},
	{Name: "forceescape", Signature: "do_forceescape(value)", Run: forceescape},
	{Name: "safe", Signature: "do_mark_safe(value)", Run: safe},
	{Name: "striptags", Signature: "do_striptags(value)", Run: striptags},
	{Name: "tojson", Signature: "do_tojson(~eval_ctx, value, indent=None)", Run: tojson},
	{Name: "urlencode", Signature: "do_urlencode(value)", Run: urlencode},
	{Name: "urlize", Signature: "do_urlize(~eval_ctx, value, trim_url_limit=None, nofollow=False, target=None, rel=None, extra_schemes=None)", Run: urlize, HTML: true},
	{Name: "xmlattr", Signature: "do_xmlattr(~eval_ctx, d, autospace=True)", Run: xmlattr, HTML: true},
}

func escape(c *jinja.Call) (value.Value, error) {
	if m, ok := c.Args[0].(value.Markup); ok {
		return m, nil
	}
	s, err := value.ToStr(c.Args[0])
	return value.Markup(value.EscapeHTML(s)), err
}

func forceescape(c *jinja.Call) (value.Value, error) {
	s, err := value.ToStr(c.Args[0])
	return value.Markup(value.EscapeHTML(s)), err
}

func safe(c *jinja.Call) (value.Value, error) {
	s, err := value.ToStr(c.Args[0])
	return value.Markup(s), err
}

var (
	comments = lazy(`(?s)<!--.*?-->`)
	tags     = lazy(`(?s)<.*?>`)
)

func striptags(c *jinja.Call) (value.Value, error) {
	s, err := value.ToStr(c.Args[0])
	if err != nil {
		return nil, err
	}
	s = tags().ReplaceAllString(comments().ReplaceAllString(s, ""), "")
	return value.Str(html.UnescapeString(strings.Join(strings.Fields(s), " "))), nil
}

var jsonSafe = strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "'", `\u0027`)

func tojson(c *jinja.Call) (value.Value, error) {
	o := value.JSONOptions{SortKeys: true, ASCII: true}
	if c.Args[1] != value.None {
		o.Pretty = true
		if s, ok := value.AsString(c.Args[1]); ok {
			o.Indent = s
		} else {
			n, err := index(c.Args[1])
			if err != nil {
				return nil, value.TypeErrorf("can't multiply sequence by non-int of type '%s'", c.Args[1].TypeName())
			}
			o.Indent = strings.Repeat(" ", min(max(n, 0), 1000))
		}
	}
	s, err := value.JSON(c.Args[0], o)
	return value.Markup(jsonSafe.Replace(s)), err
}

// URLQuote is urllib.parse.quote: safe lists the characters besides letters, digits and "_.-~" that stay.
func URLQuote(s, safe string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || strings.IndexByte("_.-~", c) >= 0 || strings.IndexByte(safe, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}

func quoteValue(v value.Value, query bool) (string, error) {
	var s string
	if b, ok := v.(value.Bytes); ok {
		s = string(b)
	} else {
		var err error
		if s, err = value.ToStr(v); err != nil {
			return "", err
		}
	}
	if query {
		return strings.ReplaceAll(URLQuote(s, ""), "%20", "+"), nil
	}
	return URLQuote(s, "/"), nil
}

func urlencode(c *jinja.Call) (value.Value, error) {
	v := c.Args[0]
	if u, ok := v.(*value.Undefined); ok && u.Kind != value.Lenient {
		return nil, u.Err()
	}
	if value.IsString(v) || !value.IsIterable(v) {
		s, err := quoteValue(v, false)
		return value.Str(s), err
	}
	var pairs []value.Value
	if value.IsMapping(v) {
		d, err := value.ToDict(v)
		if err != nil {
			return nil, err
		}
		pairs = pairsOf(d)
	} else {
		var err error
		if pairs, err = value.Collect(v); err != nil {
			return nil, err
		}
	}
	var out []string
	for _, p := range pairs {
		kv, err := value.Collect(p)
		if err != nil {
			if value.ErrorClass(err) == "TypeError" {
				return nil, value.TypeErrorf("cannot unpack non-iterable %s object", p.TypeName())
			}
			return nil, err
		}
		if len(kv) < 2 {
			return nil, value.ValueErrorf("not enough values to unpack (expected 2, got %d)", len(kv))
		}
		if len(kv) > 2 {
			return nil, value.ValueErrorf("too many values to unpack (expected 2)")
		}
		k, err := quoteValue(kv[0], true)
		if err != nil {
			return nil, err
		}
		x, err := quoteValue(kv[1], true)
		if err != nil {
			return nil, err
		}
		out = append(out, k+"="+x)
	}
	return value.Str(strings.Join(out, "&")), nil
}

func xmlattr(c *jinja.Call) (value.Value, error) {
	if u, ok := c.Args[0].(*value.Undefined); ok {
		return nil, u.Err()
	}
	if !value.IsMapping(c.Args[0]) {
		return nil, value.Errorf("AttributeError", "'%s' object has no attribute 'items'", value.CTypeName(c.Args[0]))
	}
	d, err := value.ToDict(c.Args[0])
	if err != nil {
		return nil, err
	}
	var parts []string
	for k, v := range d.All() {
		if _, undef := v.(*value.Undefined); undef || v == value.None {
			continue
		}
		ks, ok := value.AsString(k)
		if !ok {
			return nil, value.TypeErrorf("expected string or bytes-like object, got '%s'", k.TypeName())
		}
		if strings.ContainsAny(ks, " \t\n\r\f/>=") {
			r, _ := value.Repr(value.Str(ks))
			return nil, value.ValueErrorf("Invalid character in attribute name: %s", r)
		}
		vs, err := value.ToStr(v)
		if err != nil {
			return nil, err
		}
		parts = append(parts, value.EscapeHTML(ks)+`="`+value.EscapeHTML(vs)+`"`)
	}
	out := strings.Join(parts, " ")
	auto, err := value.Truth(c.Args[1])
	if auto && out != "" {
		out = " " + out
	}
	return value.Str(out), err
}

var (
	httpURL    = lazy(`(?i)^((https?://|www\.)(([\w%-]+\.)+)?([a-z]{2,63}|xn--[\w%]{2,59})|([\w%-]{2,63}\.)+(com|net|int|edu|gov|org|info|mil)|(https?://)((([\d]{1,3})(\.[\d]{1,3}){3})|(\[([\da-f]{0,4}:){2}([\da-f]{0,4}:?){1,6}])))(?::[\d]{1,5})?(?:[/?#]\S*)?$`)
	mailURL    = lazy(`^\S+@\w[\w.-]*\.\w+$`)
	urlWords   = lazy(`\s+`)
	urlLeading = lazy(`^([(<]|&lt;)+`)
	urlTrail   = lazy(`([)>.,\n]|&gt;)+$`)
)

func urlize(c *jinja.Call) (value.Value, error) {
	s, err := softStr(c.Args[0])
	if err != nil {
		return nil, err
	}
	limit := -1
	if c.Args[1] != value.None {
		if limit, err = index(c.Args[1]); err != nil {
			return nil, err
		}
	}
	rel := map[string]bool{"noopener": true}
	if nf, err := value.Truth(c.Args[2]); err != nil {
		return nil, err
	} else if nf {
		rel["nofollow"] = true
	}
	if r, ok := value.AsString(c.Args[4]); ok {
		for _, w := range strings.Fields(r) {
			rel[w] = true
		}
	}
	var rels []string
	for w := range rel {
		rels = append(rels, w)
	}
	sortStrings(rels)
	relAttr := ` rel="` + value.EscapeHTML(strings.Join(rels, " ")) + `"`
	target := ""
	if t, ok := value.AsString(c.Args[3]); ok {
		target = ` target="` + value.EscapeHTML(t) + `"`
	}
	var schemes []string
	if c.Args[5] != value.None {
		elems, err := value.Collect(c.Args[5])
		if err != nil {
			return nil, err
		}
		for _, e := range elems {
			t, err := value.ToStr(e)
			if err != nil {
				return nil, err
			}
			schemes = append(schemes, t)
		}
	}
	text := value.EscapeHTML(s)
	if _, ok := c.Args[0].(value.Markup); ok {
		text = s
	}
	var b strings.Builder
	last := 0
	for _, m := range append(urlWords().FindAllStringIndex(text, -1), []int{len(text), len(text)}) {
		b.WriteString(linkWord(text[last:m[0]], limit, relAttr, target, schemes))
		b.WriteString(text[m[0]:m[1]])
		last = m[1]
	}
	return value.Str(b.String()), nil
}

func sortStrings(s []string) {
	for i := 1; i < len(s); i++ {
		for j := i; j > 0 && s[j] < s[j-1]; j-- {
			s[j], s[j-1] = s[j-1], s[j]
		}
	}
}

func linkWord(w string, limit int, rel, target string, schemes []string) string {
	head := urlLeading().FindString(w)
	middle := w[len(head):]
	tail := ""
	if strings.HasSuffix(middle, ")") || strings.HasSuffix(middle, ">") || strings.HasSuffix(middle, ".") ||
		strings.HasSuffix(middle, ",") || strings.HasSuffix(middle, "\n") || strings.HasSuffix(middle, "&gt;") {
		tail = urlTrail().FindString(middle)
		middle = middle[:len(middle)-len(tail)]
	}
	for _, pair := range [][2]string{{"(", ")"}, {"<", ">"}, {"&lt;", "&gt;"}} {
		open := strings.Count(middle, pair[0])
		if open <= strings.Count(middle, pair[1]) {
			continue
		}
		for range min(open, strings.Count(tail, pair[1])) {
			end := strings.Index(tail, pair[1]) + len(pair[1])
			middle += tail[:end]
			tail = tail[end:]
		}
	}
	shown := middle
	if limit >= 0 && utf8.RuneCountInString(middle) > limit {
		shown = string([]rune(middle)[:limit]) + "..."
	}
	switch {
	case httpURL().MatchString(middle):
		href := middle
		if !strings.HasPrefix(middle, "https://") && !strings.HasPrefix(middle, "http://") {
			href = "https://" + middle
		}
		middle = `<a href="` + href + `"` + rel + target + ">" + shown + "</a>"
	case strings.HasPrefix(middle, "mailto:") && mailURL().MatchString(middle[7:]):
		middle = `<a href="` + middle + `">` + middle[7:] + "</a>"
	case strings.Contains(middle, "@") && !strings.HasPrefix(middle, "www.") && !strings.Contains(middle, ":") && mailURL().MatchString(middle):
		middle = `<a href="mailto:` + middle + `">` + middle + "</a>"
	default:
		for _, s := range schemes {
			if middle != s && strings.HasPrefix(middle, s) {
				middle = `<a href="` + middle + `"` + rel + target + ">" + middle + "</a>"
			}
		}
	}
	return head + middle + tail
}
