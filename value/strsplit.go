package value

import (
	"strings"
	"unicode/utf8"
)

// lineBreak is what str.splitlines takes for the end of a line.
func lineBreak(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

// SplitLines is str.splitlines.
func SplitLines(s string, keepends bool) []string {
	var out []string
	start := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !lineBreak(r) {
			i += n
			continue
		}
		end := i + n
		if r == '\r' && end < len(s) && s[end] == '\n' {
			end++
		}
		if keepends {
			out = append(out, s[start:end])
		} else {
			out = append(out, s[start:i])
		}
		i, start = end, end
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

// splitSpace is str.split() without separator.
func splitSpace(s string, n int, right bool) []string {
	if n < 0 {
		return strings.FieldsFunc(s, pySpace)
	}
	var out []string
	if right {
		s = strings.TrimRightFunc(s, pySpace)
		for s != "" && n > 0 {
			i := strings.LastIndexFunc(s, pySpace)
			if i < 0 {
				break
			}
			_, w := utf8.DecodeRuneInString(s[i:])
			out = append([]string{s[i+w:]}, out...)
			s = strings.TrimRightFunc(s[:i], pySpace)
			n--
		}
		s = strings.TrimRightFunc(s, pySpace)
		if s != "" {
			out = append([]string{strings.TrimLeftFunc(s, func(r rune) bool { return n > 0 && pySpace(r) })}, out...)
			if len(out) == 1 || n == 0 {
				return out
			}
		}
		return out
	}
	s = strings.TrimLeftFunc(s, pySpace)
	for s != "" && n > 0 {
		i := strings.IndexFunc(s, pySpace)
		if i < 0 {
			break
		}
		out = append(out, s[:i])
		s = strings.TrimLeftFunc(s[i:], pySpace)
		n--
	}
	if s != "" {
		if n > 0 {
			s = strings.TrimRightFunc(s, pySpace)
		}
		out = append(out, s)
	}
	return out
}

// Strs makes a list of str.
func Strs(ss []string) *List {
	l := &List{Elems: make([]Value, len(ss))}
	for i, s := range ss {
		l.Elems[i] = Str(s)
	}
	return l
}

func strsLike(self Value, ss []string) *List {
	l := &List{Elems: make([]Value, len(ss))}
	for i, s := range ss {
		l.Elems[i] = like(self, s)
	}
	return l
}

// SplitText is s.split(sep, n) for text; an empty separator is the caller's error.
func SplitText(s, sep string, n int, right bool) []string {
	if n < 0 {
		return strings.Split(s, sep)
	}
	if !right {
		return strings.SplitN(s, sep, n+1)
	}
	var out []string
	for ; n > 0; n-- {
		i := strings.LastIndex(s, sep)
		if i < 0 {
			break
		}
		out = append(out, s[i+len(sep):])
		s = s[:i]
	}
	out = append(out, s)
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}
