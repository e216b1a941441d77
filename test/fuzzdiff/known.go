package main

import "strings"

// known are differences with their reasons.
var known = []struct {
	why string
	is  func(r request, want, got answer) bool
}{
	{"objects without a spelling of their own print with an address, which no two runs share", func(_ request, want, _ answer) bool {
		return strings.Contains(strings.ToLower(want.String()), " at 0x") || strings.Contains(strings.ToLower(want.String()), " 0x7") || strings.Contains(want.String(), "<built-in method")
	}},
	{"a slice of a constant that cannot be sliced is undefined when Jinja computes it at compile time, an error otherwise", func(r request, want, got answer) bool {
		return strings.Contains(got.Message, "not subscriptable") || strings.Contains(got.Message, "unhashable type: 'slice'")
	}},
	{"what a filter block gives that is no text fails where it stands; in Jinja only when the whole template is joined", func(_ request, want, got answer) bool {
		return strings.HasPrefix(want.Message, "sequence item") || strings.HasPrefix(got.Message, "sequence item")
	}},
	{"a product with escaped text has the words of MarkupSafe 3; MarkupSafe 2 has others", func(_ request, want, got answer) bool {
		return strings.HasSuffix(got.Message, "object cannot be interpreted as an integer") && strings.Contains(want.Message, "'Markup'")
	}},
	{"keys of dicts lose the class Markup", func(r request, want, got answer) bool {
		return want.Text != nil && strings.Contains(*want.Text, "Markup(") && strings.Contains(r.Template, "{")
	}},
	{"bytes have few methods, and escaped text lacks striptags() and unescape()", func(r request, want, got answer) bool {
		return strings.Contains(got.Message, "'bytes object' has no attribute") || strings.Contains(got.Message, "'markupsafe.Markup object' has no attribute")
	}},
	{"a format of escaped text or bytes: which arguments count as a mapping, and the word bytes in the message", func(_ request, want, got answer) bool {
		return got.Message == "not all arguments converted during string formatting" || strings.Contains(want.Message, "during bytes formatting")
	}},
	{"callable is written in C, where errors of arity have other words", func(_ request, want, got answer) bool {
		return strings.HasPrefix(want.Message, "callable() takes exactly one argument")
	}},
	{"ranges hold numbers of 64 bits; removeprefix and removesuffix keep the class Markup", func(r request, want, got answer) bool {
		return strings.Contains(got.Message, "too large to convert to C ssize_t") || strings.Contains(r.Template, "removeprefix") || strings.Contains(r.Template, "removesuffix")
	}},
	{"a filter that is not there is a function of Jinja's, which takes no keyword arguments", func(_ request, want, got answer) bool {
		return strings.Contains(want.Message, "got an unexpected keyword argument") && strings.HasPrefix(got.Message, "No ")
	}},
	{"the class of an undefined value", func(r request, want, got answer) bool { return strings.Contains(r.Template, "__class__") }},
	{"constants are computed at compile time in both, but not in the same order: another error comes first", func(_ request, want, got answer) bool {
		return strings.HasPrefix(want.Message, "Exceeds the limit") || strings.HasPrefix(want.Message, "unhashable type")
	}},
}

func isKnown(r request, want, got answer) bool {
	for _, k := range known {
		if k.is(r, want, got) {
			return true
		}
	}
	return false
}
