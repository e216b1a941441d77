package value

import (
	"strings"
	"unicode/utf8"
)

func encodeText(self Value, a []Value) (Value, error) {
	enc, s := "utf-8", text(self)
	if a[0] != nil {
		e, err := wantStr(a[0], func(v Value) error {
			return TypeErrorf("encode() argument 'encoding' must be str, not %s", v.TypeName())
		})
		if err != nil {
			return nil, err
		}
		enc = e
	}
	mode := "strict"
	if a[1] != nil {
		mode = text(a[1])
	}
	limit := rune(0)
	name := codecName(enc)
	if _, ok := wide[name]; ok {
		return encodeWide(s, name), nil
	}
	table := charmapOf(enc)
	switch {
	case table != nil:
		enc = "charmap"
	case name == "utf-8" || name == "utf8" || name == "utf-8-sig":
		return Bytes(s), nil
	case name == "ascii" || name == "us-ascii":
		limit, enc = 128, "ascii"
	case name == "latin-1" || name == "latin1" || name == "iso-8859-1":
		limit, enc = 256, "latin-1"
	default:
		return nil, Errorf("LookupError", "unknown encoding: %s", enc)
	}
	var b []byte
	i := 0
	for at, r := range s {
		if r == utf8.RuneError && mode == "surrogateescape" {
			if _, size := utf8.DecodeRuneInString(s[at:]); size == 1 { // no character: a byte that stays as it is
				b = append(b, s[at])
				i++
				continue
			}
		}
		if c, ok := byte(0), false; table != nil {
			if c, ok = table.EncodeRune(r); ok {
				b = append(b, c)
				i++
				continue
			}
		}
		if r < limit {
			b = append(b, byte(r))
		} else {
			switch mode {
			case "ignore":
			case "replace":
				b = append(b, '?')
			case "xmlcharrefreplace":
				b = append(b, "&#"+itoa(int(r))+";"...)
			case "backslashreplace":
				var e strings.Builder
				writeEscape(&e, r)
				b = append(b, e.String()...)
			default:
				var e strings.Builder
				writeEscape(&e, r)
				if table != nil {
					return nil, Errorf("UnicodeEncodeError", "'charmap' codec can't encode character '%s' in position %d: character maps to <undefined>", e.String(), i)
				}
				return nil, Errorf("UnicodeEncodeError", "'%s' codec can't encode character '%s' in position %d: ordinal not in range(%d)", enc, e.String(), i, limit)
			}
		}
		i++
	}
	return Bytes(b), nil
}

func translate(self Value, a []Value) (Value, error) {
	var b strings.Builder
	for _, r := range text(self) {
		v, ok, err := GetItem(a[0], Int(r))
		if err != nil {
			return nil, err
		}
		if !ok {
			b.WriteRune(r)
			continue
		}
		switch x := v.(type) {
		case NoneType:
		case Int:
			b.WriteRune(rune(x))
		default:
			s, isStr := AsString(v)
			if !isStr {
				return nil, TypeErrorf("character mapping must return integer, None or str")
			}
			b.WriteString(s)
		}
	}
	return like(self, b.String()), nil
}

func maketrans(self Value, a []Value, kw []Kwarg) (Value, error) {
	d := NewDict()
	switch len(a) {
	case 1:
		src, ok := a[0].(*Dict)
		if !ok {
			return nil, TypeErrorf("if you give only one argument to maketrans it must be a dict")
		}
		for k, v := range src.All() {
			key := k
			if s, ok := AsString(k); ok {
				if utf8.RuneCountInString(s) != 1 {
					return nil, ValueErrorf("string keys in translate table must be of length 1")
				}
				r, _ := utf8.DecodeRuneInString(s)
				key = Int(r)
			}
			if err := d.Set(key, v); err != nil {
				return nil, err
			}
		}
	case 2, 3:
		from, to := []rune(text(a[0])), []rune(text(a[1]))
		if len(from) != len(to) {
			return nil, ValueErrorf("the first two maketrans arguments must have equal length")
		}
		for i, r := range from {
			_ = d.Set(Int(r), Int(to[i]))
		}
		if len(a) == 3 {
			for _, r := range text(a[2]) {
				_ = d.Set(Int(r), None)
			}
		}
	default:
		return nil, TypeErrorf("maketrans expected at least 1 argument, got %d", len(a))
	}
	return d, nil
}
