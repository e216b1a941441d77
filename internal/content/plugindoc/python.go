package plugindoc

import (
	"regexp"
	"strconv"
	"strings"
)

// assignments reads the texts that a Python file assigns to names at the given depth of indentation: DOCUMENTATION, EXAMPLES,
// RETURN. Later assignments win, as in Python. The file is never run.
func assignments(src string, depth int) map[string]string {
	out := map[string]string{}
	for i := 0; i < len(src); {
		end := strings.IndexByte(src[i:], '\n')
		if end < 0 {
			end = len(src) - i
		}
		line := src[i : i+end]
		if m := assigned.FindStringSubmatch(line); m != nil && len(m[1]) == depth {
			at := i + len(m[0])
			if text, next, ok := literal(src, at); ok {
				out[m[2]] = text
				i = next
				continue
			}
		}
		if next, ok := skipTriple(src, i, i+end); ok {
			i = next
			continue
		}
		i += end + 1
	}
	return out
}

var assigned = regexp.MustCompile(`^([ \t]*)([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*`)

// skipTriple jumps over a text in three quotes that begins in this line and goes on behind it.
func skipTriple(src string, from, end int) (int, bool) {
	line := src[from:end]
	at := -1
	quote := ""
	for _, q := range []string{`"""`, `'''`} {
		if i := strings.Index(line, q); i >= 0 && (at < 0 || i < at) {
			at, quote = i, q
		}
	}
	if at < 0 || strings.IndexByte(line, '#') >= 0 && strings.IndexByte(line, '#') < at {
		return 0, false
	}
	rest := src[from+at+3:]
	close := strings.Index(rest, quote)
	if close < 0 {
		return 0, false
	}
	stop := from + at + 3 + close + 3
	if stop <= end {
		return 0, false
	}
	nl := strings.IndexByte(src[stop:], '\n')
	if nl < 0 {
		return len(src), true
	}
	return stop + nl + 1, true
}

// literal reads a Python text, or several that stand side by side, perhaps in parentheses.
func literal(src string, at int) (text string, next int, ok bool) {
	paren := false
	var b strings.Builder
	for at < len(src) {
		switch c := src[at]; {
		case c == ' ' || c == '\t' || c == '\\' || paren && (c == '\n' || c == '\r'):
			at++
			continue
		case c == '(' && !paren && b.Len() == 0:
			paren = true
			at++
			continue
		case c == ')' && paren:
			return b.String(), at + 1, ok
		case c == '+' && ok:
			at++
			continue
		case c == '#' && paren:
			nl := strings.IndexByte(src[at:], '\n')
			if nl < 0 {
				return b.String(), len(src), ok
			}
			at += nl
			continue
		}
		one, n, good := quoted(src, at)
		if !good {
			break
		}
		b.WriteString(one)
		at, ok = n, true
	}
	return b.String(), at, ok
}

// quoted reads one Python text with its prefix and quotes.
func quoted(src string, at int) (string, int, bool) {
	raw := false
	for at < len(src) && strings.IndexByte("rRuUbB", src[at]) >= 0 {
		raw = raw || src[at] == 'r' || src[at] == 'R'
		at++
	}
	if at >= len(src) || src[at] != '"' && src[at] != '\'' {
		return "", 0, false
	}
	q := src[at : at+1]
	if strings.HasPrefix(src[at:], strings.Repeat(q, 3)) {
		q = strings.Repeat(q, 3)
	}
	at += len(q)
	start := at
	for at < len(src) {
		if src[at] == '\\' {
			at += 2
			continue
		}
		if strings.HasPrefix(src[at:], q) {
			text := src[start:at]
			if !raw {
				text = unescape(text)
			}
			return text, at + len(q), true
		}
		if len(q) == 1 && src[at] == '\n' {
			return "", 0, false
		}
		at++
	}
	return "", 0, false
}

// unescape replaces the escapes of a Python text.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 >= len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case '\n':
		case '\\', '\'', '"':
			b.WriteByte(s[i])
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'a':
			b.WriteByte('\a')
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'v':
			b.WriteByte('\v')
		case 'x', 'u', 'U':
			n := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[i]]
			if i+n < len(s) {
				if r, err := strconv.ParseUint(s[i+1:i+1+n], 16, 32); err == nil {
					b.WriteRune(rune(r))
					i += n
					continue
				}
			}
			b.WriteByte('\\')
			b.WriteByte(s[i])
		default:
			if s[i] >= '0' && s[i] <= '7' {
				end := i
				for end < len(s) && end < i+3 && s[end] >= '0' && s[end] <= '7' {
					end++
				}
				r, _ := strconv.ParseUint(s[i:end], 8, 16)
				b.WriteRune(rune(r))
				i = end - 1
				continue
			}
			b.WriteByte('\\')
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

var (
	methodDef = regexp.MustCompile(`(?m)^[ \t]+def (filters|tests)\(self\)[^:]*:`)
	dictKey   = regexp.MustCompile(`(?:^|[{,(])\s*(?:#[^\n]*\n\s*)*['"]([A-Za-z_][A-Za-z0-9_.]*)['"]\s*:`)
	dictWord  = regexp.MustCompile(`[(,]\s*([A-Za-z_][A-Za-z0-9_]*)\s*=[^=]`)
)

// jinjaNames are the filters or tests that a Python file defines, as far as the text of its filters() or tests() method says.
func jinjaNames(src string, k Kind) []string {
	var out []string
	for _, m := range methodDef.FindAllStringSubmatchIndex(src, -1) {
		if src[m[2]:m[3]] != string(k)+"s" {
			continue
		}
		body := src[m[1]:]
		if end := regexp.MustCompile(`(?m)^[ \t]*(?:def |class )`).FindStringIndex(body); end != nil {
			body = body[:end[0]]
		}
		body = regexp.MustCompile(`#[^\n]*`).ReplaceAllString(body, "")
		for _, key := range dictKey.FindAllStringSubmatch(body, -1) {
			out = append(out, key[1])
		}
		if strings.Contains(body, "dict(") {
			for _, key := range dictWord.FindAllStringSubmatch(body, -1) {
				out = append(out, key[1])
			}
		}
	}
	return out
}
