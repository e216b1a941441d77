package value

import "strings"

// Markup is text that is HTML already: what the escape and safe filters give. Its Python type is a subclass of str.
type Markup string

// TypeName is "Markup".
func (Markup) TypeName() string { return "Markup" }

// HashKey makes a Markup the same key as the str of its text.
func (m Markup) HashKey() any { return string(m) }

// HashKey makes a NativeText the same key as the str of its text.
func (t NativeText) HashKey() any { return string(t) }

var htmlEscaper = strings.NewReplacer("&", "&amp;", ">", "&gt;", "<", "&lt;", "'", "&#39;", `"`, "&#34;")

// EscapeHTML replaces & < > ' " by their entities.
func EscapeHTML(s string) string { return htmlEscaper.Replace(s) }

// escapeArgs escapes the text in arguments of a Markup's % and format.
func escapeArgs(v Value) Value {
	switch x := v.(type) {
	case Str:
		return Str(EscapeHTML(string(x)))
	case *Tuple:
		out := make([]Value, len(x.Elems))
		for i, e := range x.Elems {
			out[i] = escapeArgs(e)
		}
		return NewTuple(out...)
	case *Dict:
		d := NewDict()
		for k, e := range x.All() {
			if d.Set(k, escapeArgs(e)) != nil {
				return v
			}
		}
		return d
	case *List:
		if s, err := Repr(x); err == nil {
			return Str(EscapeHTML(s))
		}
	}
	return v
}
