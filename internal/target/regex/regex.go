// Package regex runs Python's regular expressions for modules: RE2 where the pattern allows it, which takes linear time, and
// a backtracking engine with a time limit for look-around and back references.
//
// Called by internal/target/modules.
package regex

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
)

// Regex is a compiled pattern. Offsets are in bytes.
type Regex struct {
	fast *regexp.Regexp
	slow *regexp2.Regexp
}

// limit bounds one match of the backtracking engine.
const limit = 30 * time.Second

// Flags of Compile, as in Python's re.
const (
	Multiline = 1 << iota
	DotAll
)

// Compile reads a Python pattern.
func Compile(pattern string, flags int) (*Regex, error) {
	prefix := ""
	if flags&Multiline != 0 {
		prefix += "m"
	}
	if flags&DotAll != 0 {
		prefix += "s"
	}
	if prefix != "" {
		prefix = "(?" + prefix + ")"
	}
	if re2, ok := translate(pattern, flags&Multiline == 0 && !strings.Contains(pattern, "(?m")); ok {
		if re, err := regexp.Compile(prefix + re2); err == nil {
			return &Regex{fast: re}, nil
		}
	}
	opts := regexp2.RegexOptions(0)
	if flags&Multiline != 0 {
		opts |= regexp2.Multiline
	}
	if flags&DotAll != 0 {
		opts |= regexp2.Singleline
	}
	re, err := regexp2.Compile(strings.ReplaceAll(namedGroups(pattern), `\Z`, `\z`), opts)
	if err != nil {
		return nil, fmt.Errorf("invalid regular expression %q: %w", pattern, err)
	}
	re.MatchTimeout = limit
	return &Regex{slow: re}, nil
}

// namedGroups spells Python's named groups and references as the backtracking engine does.
func namedGroups(p string) string {
	p = strings.ReplaceAll(p, "(?P<", "(?<")
	for {
		i := strings.Index(p, "(?P=")
		if i < 0 {
			return p
		}
		j := strings.IndexByte(p[i:], ')')
		if j < 0 {
			return p
		}
		p = p[:i] + `\k<` + p[i+4:i+j] + ">" + p[i+j+1:]
	}
}

// translate rewrites what RE2 spells differently. With endsLine, $ also matches before a last newline, as it does in
// Python; the match then takes that newline in. ok is false when RE2 would read the pattern differently.
func translate(p string, endsLine bool) (string, bool) {
	var b strings.Builder
	inClass := false
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '\\' && i+1 < len(p):
			i++
			switch n := p[i]; {
			case n == 'Z' && !inClass:
				b.WriteString(`\z`)
			case n >= '1' && n <= '9' && !inClass:
				return "", false
			case n == '\'' || n == '"' || n == '/' || n == '=' || n == ':' || n == ' ' || n == '#' || n == '-' || n == '@' || n == ',' ||
				n == ';' || n == '<' || n == '>' || n == '%' || n == '&' || n == '!' || n == '~' || n == '`' || n == '_':
				b.WriteString(regexp.QuoteMeta(string(n)))
				if n == '-' && inClass {
					b.Reset()
					return "", false
				}
			default:
				b.WriteByte('\\')
				b.WriteByte(n)
			}
		case c == '$' && !inClass && endsLine:
			b.WriteString(`(?:\n?\z)`)
		case c == '[' && !inClass:
			inClass = true
			b.WriteByte(c)
			if i+1 < len(p) && p[i+1] == '^' {
				i++
				b.WriteByte('^')
			}
			if i+1 < len(p) && p[i+1] == ']' {
				i++
				b.WriteString(`\]`)
			}
		case c == '[':
			b.WriteString(`\[`)
		case c == ']' && inClass:
			inClass = false
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

// Match is where the pattern and its groups were found: Groups[0] is the whole, each a pair of byte offsets, -1 for a group that
// took no part.
type Match struct {
	Groups [][2]int
	Names  map[string]int
}

// Find is the first match at or after byte offset from, nil when there is none. Like Python's search with pos, what lies
// before from is still seen by look-behind and anchors.
func (r *Regex) Find(s string, from int) (*Match, error) {
	if r.fast != nil {
		if from == 0 {
			return fastMatch(r.fast, r.fast.FindStringSubmatchIndex(s), s), nil
		}
		for _, m := range r.fast.FindAllStringSubmatchIndex(s, -1) {
			if m[0] >= from {
				return fastMatch(r.fast, m, s), nil
			}
		}
		return nil, nil
	}
	m, err := r.slow.FindStringMatch(s)
	for m != nil && err == nil {
		if got := r.slowMatch(m, s); got.Groups[0][0] >= from {
			return got, nil
		}
		m, err = r.slow.FindNextMatch(m)
	}
	return nil, err
}

// All are the matches from left to right, without overlaps.
func (r *Regex) All(s string) ([]*Match, error) {
	var list []*Match
	if r.fast != nil {
		for _, m := range r.fast.FindAllStringSubmatchIndex(s, -1) {
			list = append(list, fastMatch(r.fast, m, s))
		}
		return list, nil
	}
	m, err := r.slow.FindStringMatch(s)
	for m != nil && err == nil {
		list = append(list, r.slowMatch(m, s))
		m, err = r.slow.FindNextMatch(m)
	}
	return list, err
}

// MatchString says whether the pattern is found anywhere in s. A pattern that takes too long does not match.
func (r *Regex) MatchString(s string) bool {
	if r.fast != nil {
		return r.fast.MatchString(s)
	}
	ok, err := r.slow.MatchString(s)
	return ok && err == nil
}

// MatchStart says whether the pattern is found at the beginning of s.
func (r *Regex) MatchStart(s string) bool {
	m, err := r.Find(s, 0)
	return err == nil && m != nil && m.Groups[0][0] == 0
}

func fastMatch(re *regexp.Regexp, idx []int, _ string) *Match {
	if idx == nil {
		return nil
	}
	m := &Match{Groups: make([][2]int, len(idx)/2), Names: map[string]int{}}
	for i := range m.Groups {
		m.Groups[i] = [2]int{idx[2*i], idx[2*i+1]}
	}
	for i, n := range re.SubexpNames() {
		if n != "" {
			m.Names[n] = i
		}
	}
	return m
}

// slowMatch turns rune offsets to byte offsets.
func (r *Regex) slowMatch(m *regexp2.Match, s string) *Match {
	out := &Match{Names: map[string]int{}}
	bytesAt := func(runes int) int {
		n := 0
		for i := range s {
			if n == runes {
				return i
			}
			n++
		}
		return len(s)
	}
	for _, g := range m.Groups() {
		pair := [2]int{-1, -1}
		if len(g.Captures) > 0 {
			pair = [2]int{bytesAt(g.Index), bytesAt(g.Index + g.Length)}
		}
		if _, err := strconv.Atoi(g.Name); err != nil {
			out.Names[g.Name] = len(out.Groups)
		}
		out.Groups = append(out.Groups, pair)
	}
	return out
}

// Group is the text of a group of a match in s, "" when it took no part.
func (m *Match) Group(s string, i int) string {
	if i < 0 || i >= len(m.Groups) || m.Groups[i][0] < 0 {
		return ""
	}
	return s[m.Groups[i][0]:m.Groups[i][1]]
}

// Expand fills a Python replacement: \1, \g<1>, \g<name>, \n and the other escapes.
func (m *Match) Expand(template, s string) (string, error) {
	if !strings.Contains(template, `\`) {
		return template, nil
	}
	var b strings.Builder
	for i := 0; i < len(template); i++ {
		c := template[i]
		if c != '\\' {
			b.WriteByte(c)
			continue
		}
		i++
		if i == len(template) {
			return "", fmt.Errorf("bad escape (end of pattern) at position %d", i-1)
		}
		switch c = template[i]; {
		case c == 'g' && i+1 < len(template) && template[i+1] == '<':
			end := strings.IndexByte(template[i:], '>')
			if end < 0 {
				return "", fmt.Errorf("missing >, unterminated name at position %d", i+2)
			}
			name, at := template[i+2:i+end], i+2
			i += end
			n, err := strconv.Atoi(name)
			if err != nil {
				var ok bool
				if n, ok = m.Names[name]; !ok {
					return "", fmt.Errorf("unknown group name '%s'", name)
				}
			}
			if n >= len(m.Groups) {
				return "", fmt.Errorf("invalid group reference %d at position %d", n, at)
			}
			b.WriteString(m.Group(s, n))
		case c == '0' || c >= '1' && c <= '9' && i+2 < len(template) && isOctal(template[i:i+3]):
			j := i
			for j < len(template) && j < i+3 && template[j] >= '0' && template[j] <= '7' {
				j++
			}
			n, _ := strconv.ParseUint(template[i:j], 8, 16)
			b.WriteByte(byte(n))
			i = j - 1
		case c >= '1' && c <= '9':
			j := i + 1
			if j < len(template) && template[j] >= '0' && template[j] <= '9' {
				j++
			}
			n, _ := strconv.Atoi(template[i:j])
			if n >= len(m.Groups) {
				return "", fmt.Errorf("invalid group reference %d at position %d", n, i)
			}
			b.WriteString(m.Group(s, n))
			i = j - 1
		case c == 'n':
			b.WriteByte('\n')
		case c == 't':
			b.WriteByte('\t')
		case c == 'r':
			b.WriteByte('\r')
		case c == 'a':
			b.WriteByte('\a')
		case c == 'f':
			b.WriteByte('\f')
		case c == 'v':
			b.WriteByte('\v')
		case c == 'b':
			b.WriteByte('\b')
		case c == '\\':
			b.WriteByte('\\')
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			return "", fmt.Errorf("bad escape \\%c at position %d", c, i-1)
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// CheckTemplate reports what is wrong with a replacement for this pattern, without a match to fill it from.
func (r *Regex) CheckTemplate(template string) error {
	blank := &Match{Names: map[string]int{}}
	var names []string
	if r.fast != nil {
		names = r.fast.SubexpNames()
	} else {
		names = r.slow.GetGroupNames()
	}
	for i, n := range names {
		blank.Groups = append(blank.Groups, [2]int{-1, -1})
		if n != "" {
			blank.Names[n] = i
		}
	}
	_, err := blank.Expand(template, "")
	return err
}

func isOctal(s string) bool {
	return strings.Trim(s, "01234567") == "" && s[0] <= '3'
}

// Sub replaces all matches and counts them, as Python's subn does.
func (r *Regex) Sub(template, s string) (string, int, error) {
	if err := r.CheckTemplate(template); err != nil {
		return s, 0, err
	}
	matches, err := r.All(s)
	if err != nil || len(matches) == 0 {
		return s, 0, err
	}
	var b strings.Builder
	pos := 0
	for _, m := range matches {
		text, err := m.Expand(template, s)
		if err != nil {
			return s, 0, err
		}
		b.WriteString(s[pos:m.Groups[0][0]])
		b.WriteString(text)
		pos = m.Groups[0][1]
	}
	b.WriteString(s[pos:])
	return b.String(), len(matches), nil
}
