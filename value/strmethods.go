package value

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

func text(v Value) string {
	s, _ := AsString(v)
	return s
}

func str0(fn func(s string) string) *method {
	return &method{kind: noArgs, fn: func(self Value, _ []Value) (Value, error) { return like(self, fn(text(self))), nil }}
}

// like gives a result the string type of self.
func like(self Value, s string) Value {
	if _, ok := self.(Markup); ok {
		return Markup(s)
	}
	return Str(s)
}

// taken is a value as text of self's kind takes it in: escaped text escapes what is not.
func taken(self, v Value) Value {
	if _, escaped := self.(Markup); !escaped {
		return v
	}
	if _, escaped := v.(Markup); escaped {
		return v
	}
	if s, isText := AsString(v); isText {
		return Markup(EscapeHTML(s))
	}
	return v
}

func strTest(fn func(s string) bool) *method {
	return &method{kind: noArgs, fn: func(self Value, _ []Value) (Value, error) { return Bool(fn(text(self))), nil }}
}

func allRunes(s string, fn func(r rune) bool) bool {
	for _, r := range s {
		if !fn(r) {
			return false
		}
	}
	return s != ""
}

// pySpace is str.isspace of one code point.
func pySpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func decimal(r rune) bool { return unicode.Is(unicode.Nd, r) }

func digit(r rune) bool {
	switch {
	case unicode.Is(unicode.Nd, r), r == 0xb2, r == 0xb3, r == 0xb9, r == 0x2070, r >= 0x2074 && r <= 0x2079,
		r >= 0x2080 && r <= 0x2089, r >= 0x2460 && r <= 0x2468, r >= 0x2474 && r <= 0x247c, r >= 0x2488 && r <= 0x2490,
		r == 0x24ea, r >= 0x24f5 && r <= 0x24fd, r == 0x24ff, r >= 0x2776 && r <= 0x277e, r >= 0x2780 && r <= 0x2788, r >= 0x278a && r <= 0x2792:
		return true
	}
	return false
}

func numericRune(r rune) bool {
	return unicode.IsNumber(r) || strings.ContainsRune("一二三四五六七八九十百千万億零〇", r)
}

func upperString(s string) string {
	if isASCII(s) {
		return strings.ToUpper(s)
	}
	var b strings.Builder
	for _, r := range s {
		if u, ok := specialUpper[r]; ok {
			b.WriteString(u)
		} else {
			b.WriteRune(unicode.ToUpper(r))
		}
	}
	return b.String()
}

// specialUpper are the characters whose upper case is more than one.
var specialUpper = map[rune]string{'ß': "SS", 'ŉ': "ʼN", 'ǰ': "J̌", 'ﬀ': "FF", 'ﬁ': "FI", 'ﬂ': "FL", 'ﬃ': "FFI", 'ﬄ': "FFL", 'ﬅ': "ST", 'ﬆ': "ST", 'և': "ԵՒ"}

// specialTitle is the same for the first letter of a word.
var specialTitle = map[rune]string{'ß': "Ss", 'ŉ': "ʼN", 'ǰ': "J̌", 'ﬀ': "Ff", 'ﬁ': "Fi", 'ﬂ': "Fl", 'ﬃ': "Ffi", 'ﬄ': "Ffl", 'ﬅ': "St", 'ﬆ': "St"}

func lowerString(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	rs := []rune(s)
	for i, r := range rs {
		switch {
		case r == 'İ':
			b.WriteString("i̇")
		case r == 'Σ' && i > 0 && unicode.IsLetter(rs[i-1]) && (i+1 == len(rs) || !unicode.IsLetter(rs[i+1])):
			b.WriteRune('ς')
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

func titleRune(b *strings.Builder, r rune) {
	if t, ok := specialTitle[r]; ok {
		b.WriteString(t)
		return
	}
	b.WriteRune(unicode.ToTitle(r))
}

func cased(r rune) bool {
	return unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r)
}

// TitleCase is str.title.
func TitleCase(s string) string {
	var b strings.Builder
	prev := false
	for _, r := range s {
		if prev {
			b.WriteString(lowerString(string(r)))
		} else {
			titleRune(&b, r)
		}
		prev = cased(r)
	}
	return b.String()
}

// Capitalize is str.capitalize.
func Capitalize(s string) string {
	if s == "" {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	var b strings.Builder
	titleRune(&b, r)
	b.WriteString(lowerString(s[n:]))
	return b.String()
}

// Upper is str.upper.
func Upper(s string) string { return upperString(s) }

// Lower is str.lower.
func Lower(s string) string { return lowerString(s) }

func swapcase(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsUpper(r):
			b.WriteString(lowerString(string(r)))
		case unicode.IsLower(r):
			b.WriteString(upperString(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isTitle(s string) bool {
	prev, any := false, false
	for _, r := range s {
		switch {
		case unicode.IsUpper(r) || unicode.IsTitle(r):
			if prev {
				return false
			}
			prev, any = true, true
		case unicode.IsLower(r):
			if !prev {
				return false
			}
			any = true
		default:
			prev = false
		}
	}
	return any
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if r == '_' || unicode.IsLetter(r) || i > 0 && unicode.In(r, unicode.Nd, unicode.Mn, unicode.Mc, unicode.Pc) {
			continue
		}
		return false
	}
	return s != ""
}

func splitMethod(right bool) *method {
	return &method{kind: keywords, max: 2, names: []string{"sep", "maxsplit"}, fn: func(self Value, a []Value) (Value, error) {
		n := int64(-1)
		if a[1] != nil {
			var err error
			if n, err = Index(a[1]); err != nil {
				return nil, err
			}
		}
		if a[0] == nil || a[0] == None {
			return strsLike(self, splitSpace(text(self), int(n), right)), nil
		}
		sep, err := wantStr(a[0], func(v Value) error { return TypeErrorf("must be str or None, not %s", v.TypeName()) })
		if err != nil {
			return nil, err
		}
		if sep == "" {
			return nil, ValueErrorf("empty separator")
		}
		return strsLike(self, SplitText(text(self), sep, int(n), right)), nil
	}}
}

// wantStr reads a str argument; bad makes the error for anything else.
func wantStr(v Value, bad func(v Value) error) (string, error) {
	v, err := Norm(v)
	if err != nil {
		return "", err
	}
	if s, ok := AsString(v); ok {
		return s, nil
	}
	if u, ok := v.(*Undefined); ok && u.Kind != Lenient {
		// CPython's C code sees only an object that is no str.
		return "", bad(v)
	}
	return "", bad(v)
}

func argMustBe(fn string, n int) func(v Value) error {
	return func(v Value) error {
		name := v.TypeName()
		if v == None {
			name = "None"
		}
		return TypeErrorf("%s() argument %d must be str, not %s", fn, n, name)
	}
}

func stripMethod(name string, left, right bool) *method {
	return &method{kind: positional, max: 1, fn: func(self Value, a []Value) (Value, error) {
		s := text(self)
		cut := pySpace
		if len(a) == 1 && a[0] != None {
			chars, err := wantStr(a[0], func(v Value) error { return TypeErrorf("%s arg must be None or str", name) })
			if err != nil {
				return nil, err
			}
			cut = func(r rune) bool { return strings.ContainsRune(chars, r) }
		}
		if left {
			s = strings.TrimLeftFunc(s, cut)
		}
		if right {
			s = strings.TrimRightFunc(s, cut)
		}
		return like(self, s), nil
	}}
}

// window is the part of s that the optional start and end of find, count and startswith select, with its offset.
func window(s string, a []Value) (part string, off int, ok bool, err error) {
	n := utf8.RuneCountInString(s)
	lo, hi := 0, n
	get := func(v Value, def int) (int, error) {
		if v == None {
			return def, nil
		}
		i, err := sliceIndex(v)
		if err != nil {
			return 0, err
		}
		if i < 0 {
			i += int64(n)
		}
		return int(max(min(i, int64(n)+1), 0)), nil
	}
	if len(a) > 0 {
		if lo, err = get(a[0], 0); err != nil {
			return
		}
	}
	if len(a) > 1 {
		if hi, err = get(a[1], n); err != nil {
			return
		}
		hi = min(hi, n)
	}
	if lo > n || lo > hi {
		return "", lo, false, nil
	}
	part, err = sliceString(s, Int(lo), Int(hi), nil)
	return part, lo, true, err
}

func findMethod(name string, last, must bool) *method {
	return &method{kind: parsed, min: 1, max: 3, fn: func(self Value, a []Value) (Value, error) {
		sub, err := wantStr(a[0], func(v Value) error { return TypeErrorf("must be str, not %s", v.TypeName()) })
		if err != nil {
			return nil, err
		}
		part, off, ok, err := window(text(self), a[1:])
		if err != nil {
			return nil, err
		}
		i := -1
		if ok {
			if last {
				i = strings.LastIndex(part, sub)
			} else {
				i = strings.Index(part, sub)
			}
		}
		if i < 0 {
			if must {
				return nil, ValueErrorf("substring not found")
			}
			return Int(-1), nil
		}
		return Int(off + utf8.RuneCountInString(part[:i])), nil
	}}
}

func affixMethod(name string, has func(s, x string) bool) *method {
	return &method{kind: parsed, min: 1, max: 3, fn: func(self Value, a []Value) (Value, error) {
		part, _, ok, err := window(text(self), a[1:])
		if err != nil {
			return nil, err
		}
		x, err := Norm(a[0])
		if err != nil {
			return nil, err
		}
		if t, isT := x.(*Tuple); isT {
			for _, e := range t.Elems {
				s, isStr := AsString(e)
				if !isStr {
					return nil, TypeErrorf("tuple for %s must only contain str, not %s", name, e.TypeName())
				}
				if ok && has(part, s) {
					return True, nil
				}
			}
			return False, nil
		}
		s, isStr := AsString(x)
		if !isStr {
			return nil, TypeErrorf("%s first arg must be str or a tuple of str, not %s", name, x.TypeName())
		}
		return Bool(ok && has(part, s)), nil
	}}
}

func padMethod(name string, where byte) *method {
	return &method{kind: positional, min: 1, max: 2, fn: func(self Value, a []Value) (Value, error) {
		width, err := Index(a[0])
		if err != nil {
			return nil, err
		}
		fill := ' '
		if len(a) == 2 {
			s, ok := AsString(a[1])
			if !ok {
				return nil, TypeErrorf("The fill character must be a unicode character, not %s", a[1].TypeName())
			}
			if utf8.RuneCountInString(s) != 1 {
				return nil, TypeErrorf("The fill character must be exactly one character long")
			}
			fill, _ = utf8.DecodeRuneInString(s)
		}
		return padTo(self, width, fill, where)
	}}
}

func padTo(self Value, width int64, fill rune, where byte) (Value, error) {
	s := text(self)
	n := int64(utf8.RuneCountInString(s))
	if width > maxRepeat {
		return nil, Errorf("MemoryError", "padded string is too long")
	}
	total := int(width - n)
	if total <= 0 {
		return like(self, s), nil
	}
	f := func(n int) string { return strings.Repeat(string(fill), n) }
	switch where {
	case '<':
		return like(self, s+f(total)), nil
	case '>':
		return like(self, f(total)+s), nil
	}
	left := total/2 + total&int(width)&1
	return like(self, f(left)+s+f(total-left)), nil
}

func zfill(self Value, a []Value) (Value, error) {
	w, err := Index(a[0])
	if err != nil {
		return nil, err
	}
	s := text(self)
	n := int(w) - utf8.RuneCountInString(s)
	if w > maxRepeat {
		return nil, Errorf("MemoryError", "padded string is too long")
	}
	if n <= 0 {
		return like(self, s), nil
	}
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return like(self, s[:1]+strings.Repeat("0", n)+s[1:]), nil
	}
	return like(self, strings.Repeat("0", n)+s), nil
}

func replaceText(self Value, a []Value) (Value, error) {
	old, err := wantStr(a[0], argMustBe("replace", 1))
	if err != nil {
		return nil, err
	}
	with, err := wantStr(a[1], argMustBe("replace", 2))
	if err != nil {
		return nil, err
	}
	n := int64(-1)
	if len(a) == 3 {
		if n, err = Index(a[2]); err != nil {
			return nil, err
		}
	}
	s := text(self)
	if old == "" && int64(len(s)+1)*int64(len(with)) > maxRepeat || len(old) > 0 && int64(len(s)/len(old)+1)*int64(len(with)) > maxRepeat {
		return nil, Errorf("MemoryError", "replaced string is too long")
	}
	with = text(taken(self, Str(with)))
	if m, escaped := a[1].(Markup); escaped {
		with = string(m)
	}
	return like(self, strings.Replace(s, old, with, int(n))), nil
}

// JoinText is sep.join(elems).
func JoinText(sep string, elems []Value) (string, error) {
	var b strings.Builder
	for i, e := range elems {
		n, err := Norm(e)
		if err != nil {
			return "", err
		}
		s, ok := AsString(n)
		if !ok {
			return "", TypeErrorf("sequence item %d: expected str instance, %s found", i, n.TypeName())
		}
		if i > 0 {
			b.WriteString(sep)
		}
		if b.Len()+len(s) > maxRepeat {
			return "", Errorf("MemoryError", "joined string is too long")
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func joinMethod(self Value, a []Value) (Value, error) {
	elems, err := Collect(a[0])
	if err != nil {
		if ErrorClass(err) == "TypeError" && strings.HasSuffix(err.Error(), "not iterable") {
			return nil, TypeErrorf("can only join an iterable")
		}
		return nil, err
	}
	if _, escaped := self.(Markup); escaped {
		safe := make([]Value, len(elems))
		for i, e := range elems {
			safe[i] = taken(self, e)
		}
		elems = safe
	}
	s, err := JoinText(text(self), elems)
	return like(self, s), err
}

func partition(last bool) *method {
	return &method{kind: oneArg, fn: func(self Value, a []Value) (Value, error) {
		sep, err := wantStr(a[0], func(v Value) error { return TypeErrorf("must be str, not %s", v.TypeName()) })
		if err != nil {
			return nil, err
		}
		if sep == "" {
			return nil, ValueErrorf("empty separator")
		}
		s := text(self)
		i := strings.Index(s, sep)
		if last {
			i = strings.LastIndex(s, sep)
		}
		if i < 0 {
			empty := like(self, "")
			if last {
				return NewTuple(empty, empty, like(self, s)), nil
			}
			return NewTuple(like(self, s), empty, empty), nil
		}
		return NewTuple(like(self, s[:i]), like(self, sep), like(self, s[i+len(sep):])), nil
	}}
}

func expandTabs(s string, size int) string {
	var b strings.Builder
	col := 0
	for _, r := range s {
		switch r {
		case '\t':
			if size > 0 {
				n := size - col%size
				b.WriteString(strings.Repeat(" ", n))
				col += n
			}
		case '\n', '\r':
			col = 0
			b.WriteRune(r)
		default:
			col++
			b.WriteRune(r)
		}
	}
	return b.String()
}

var strMethods map[string]*method

func init() {
	strMethods = map[string]*method{
		"upper": str0(upperString), "lower": str0(lowerString), "title": str0(TitleCase), "capitalize": str0(Capitalize),
		"swapcase": str0(swapcase), "casefold": str0(func(s string) string { return strings.ReplaceAll(lowerString(s), "ß", "ss") }),
		"strip": stripMethod("strip", true, true), "lstrip": stripMethod("lstrip", true, false), "rstrip": stripMethod("rstrip", false, true),
		"split": splitMethod(false), "rsplit": splitMethod(true),
		"splitlines": {kind: keywords, max: 1, names: []string{"keepends"}, fn: func(self Value, a []Value) (Value, error) {
			keep := false
			if a[0] != nil {
				var err error
				if keep, err = Truth(a[0]); err != nil {
					return nil, err
				}
			}
			return strsLike(self, SplitLines(text(self), keep)), nil
		}},
		"join": {kind: oneArg, fn: joinMethod}, "replace": {kind: positional, min: 2, max: 3, fn: replaceText},
		"find": findMethod("find", false, false), "rfind": findMethod("rfind", true, false),
		"index": findMethod("index", false, true), "rindex": findMethod("rindex", true, true),
		"count": {kind: parsed, min: 1, max: 3, fn: func(self Value, a []Value) (Value, error) {
			sub, err := wantStr(a[0], func(v Value) error { return TypeErrorf("must be str, not %s", v.TypeName()) })
			if err != nil {
				return nil, err
			}
			part, _, ok, err := window(text(self), a[1:])
			if !ok || err != nil {
				return Int(0), err
			}
			return Int(strings.Count(part, sub)), nil
		}},
		"startswith": affixMethod("startswith", strings.HasPrefix), "endswith": affixMethod("endswith", strings.HasSuffix),
		"center": padMethod("center", '^'), "ljust": padMethod("ljust", '<'), "rjust": padMethod("rjust", '>'),
		"zfill":     {kind: oneArg, fn: zfill},
		"partition": partition(false), "rpartition": partition(true),
		"removeprefix": affixCut("removeprefix", strings.TrimPrefix), "removesuffix": affixCut("removesuffix", strings.TrimSuffix),
		"expandtabs": {kind: keywords, max: 1, names: []string{"tabsize"}, fn: func(self Value, a []Value) (Value, error) {
			n := int64(8)
			if a[0] != nil {
				var err error
				if n, err = Index(a[0]); err != nil {
					return nil, err
				}
			}
			if n > maxWidth {
				return nil, Errorf("OverflowError", "new string is too long")
			}
			return like(self, expandTabs(text(self), int(n))), nil
		}},
		"encode": {kind: keywords, max: 2, names: []string{"encoding", "errors"}, fn: encodeText},
		"format": {kind: anyArgs, raw: func(self Value, a []Value, kw []Kwarg) (Value, error) {
			if _, escaped := self.(Markup); escaped {
				a, kw = slices.Clone(a), slices.Clone(kw)
				for i := range a {
					a[i] = taken(self, a[i])
				}
				for i := range kw {
					kw[i].Val = taken(self, kw[i].Val)
				}
			}
			s, err := StrFormat(text(self), a, kw)
			return like(self, s), err
		}},
		"format_map": {kind: oneArg, fn: func(self Value, a []Value) (Value, error) {
			s, err := StrFormatMap(text(self), a[0])
			return like(self, s), err
		}},
		"isdigit": strTest(func(s string) bool { return allRunes(s, digit) }), "isdecimal": strTest(func(s string) bool { return allRunes(s, decimal) }),
		"isnumeric": strTest(func(s string) bool { return allRunes(s, numericRune) }), "isalpha": strTest(func(s string) bool { return allRunes(s, unicode.IsLetter) }),
		"isalnum": strTest(func(s string) bool {
			return allRunes(s, func(r rune) bool { return unicode.IsLetter(r) || digit(r) || numericRune(r) })
		}),
		"isspace": strTest(func(s string) bool { return allRunes(s, pySpace) }), "isascii": strTest(isASCII),
		"islower": strTest(IsLower), "isupper": strTest(IsUpper), "istitle": strTest(isTitle), "isidentifier": strTest(isIdentifier),
		"isprintable": strTest(func(s string) bool { return s == "" || allRunes(s, printable) }),
		"translate":   {kind: oneArg, fn: translate},
		"maketrans":   {kind: anyArgs, raw: maketrans},
		"unescape":    nil, "striptags": nil,
	}
	delete(strMethods, "unescape")
	delete(strMethods, "striptags")
}

// IsLower is str.islower.
func IsLower(s string) bool {
	any := false
	for _, r := range s {
		if unicode.IsUpper(r) || unicode.IsTitle(r) {
			return false
		}
		any = any || unicode.IsLower(r)
	}
	return any
}

// IsUpper is str.isupper.
func IsUpper(s string) bool {
	any := false
	for _, r := range s {
		if unicode.IsLower(r) || unicode.IsTitle(r) {
			return false
		}
		any = any || unicode.IsUpper(r)
	}
	return any
}

func affixCut(name string, cut func(s, x string) string) *method {
	return &method{kind: oneArg, fn: func(self Value, a []Value) (Value, error) {
		x, err := wantStr(a[0], func(v Value) error {
			n := v.TypeName()
			if v == None {
				n = "None"
			}
			return TypeErrorf("%s() argument must be str, not %s", name, n)
		})
		return like(self, cut(text(self), x)), err
	}}
}
