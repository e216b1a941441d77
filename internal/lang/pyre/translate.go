package pyre

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// translator reads a Python pattern and writes it for both engines.
type translator struct {
	s        string
	i        int
	flags    Flags
	go2, net strings.Builder
	groups   int
	names    map[string]int
	open     []int
	closed   map[int]bool
	depth    int
	needNet  bool
	boundary bool
	dollar   bool
}

func (t *translator) both(s string) {
	t.go2.WriteString(s)
	t.net.WriteString(s)
}

func (t *translator) fail(pos int, format string, args ...any) error {
	return fail(t.s, pos, format, args...)
}

func (t *translator) run() error {
	t.closed = map[int]bool{}
	t.leadingFlags()
	if err := t.alternatives(); err != nil {
		return err
	}
	if t.i < len(t.s) {
		return t.fail(t.i, "unbalanced parenthesis")
	}
	return nil
}

// leadingFlags takes global flags such as (?im) from the very start.
func (t *translator) leadingFlags() {
	for strings.HasPrefix(t.s[t.i:], "(?") {
		j := t.i + 2
		f := t.flags
		for j < len(t.s) && strings.IndexByte("aiLmsux", t.s[j]) >= 0 {
			f |= flagOf(t.s[j])
			j++
		}
		if j == t.i+2 || j >= len(t.s) || t.s[j] != ')' {
			return
		}
		t.flags = f
		t.i = j + 1
	}
}

func flagOf(c byte) Flags {
	switch c {
	case 'i':
		return IgnoreCase
	case 'm':
		return Multiline
	case 's':
		return DotAll
	case 'x':
		return Verbose
	case 'a':
		return ASCII
	}
	return 0
}

func (t *translator) alternatives() error {
	if t.depth++; t.depth > 200 {
		return t.fail(t.i, "too many nested groups")
	}
	defer func() { t.depth-- }()
	for {
		if err := t.branch(); err != nil {
			return err
		}
		if t.i >= len(t.s) || t.s[t.i] != '|' {
			return nil
		}
		t.i++
		t.both("|")
	}
}

// branch reads a sequence of items up to | or ) or the end.
func (t *translator) branch() error {
	repeatable, repeated := false, false
	for t.i < len(t.s) {
		c := t.s[t.i]
		if t.flags&Verbose != 0 {
			if strings.IndexByte(" \t\n\r\v\f", c) >= 0 {
				t.i++
				continue
			}
			if c == '#' {
				for t.i < len(t.s) && t.s[t.i] != '\n' {
					t.i++
				}
				continue
			}
		}
		switch c {
		case '|', ')':
			return nil
		case '*', '+', '?':
			if repeated {
				return t.fail(t.i, "multiple repeat")
			}
			if !repeatable {
				return t.fail(t.i, "nothing to repeat")
			}
			t.both(string(c))
			t.i++
			t.lazy()
			repeated = true
			continue
		case '{':
			start := t.i
			text, end, err := t.quantifier()
			if err != nil {
				return err
			}
			if end > 0 {
				if repeated {
					return t.fail(start, "multiple repeat")
				}
				if !repeatable {
					return t.fail(start, "nothing to repeat")
				}
				t.both(text)
				t.i = end
				t.lazy()
				repeated = true
				continue
			}
			t.literal('{')
			t.i++
		case '^':
			if t.flags&Multiline != 0 {
				t.both("^")
			} else {
				t.both(`\A`)
			}
			t.i++
			repeatable, repeated = true, false
			continue
		case '$':
			if t.flags&Multiline != 0 {
				t.both(`$`)
			} else {
				t.go2.WriteString(`\z`)
				t.net.WriteString(`(?:\Z)`)
				t.dollar = true
			}
			t.i++
		case '.':
			t.both(".")
			t.i++
		case '[':
			if err := t.class(); err != nil {
				return err
			}
		case '(':
			consumed, err := t.group()
			if err != nil {
				return err
			}
			if !consumed {
				continue
			}
		case '\\':
			if err := t.escape(); err != nil {
				return err
			}
		default:
			r, n := utf8.DecodeRuneInString(t.s[t.i:])
			t.literal(r)
			t.i += n
		}
		repeatable, repeated = true, false
	}
	return nil
}

func (t *translator) lazy() {
	if t.i < len(t.s) && t.s[t.i] == '?' {
		t.both("?")
		t.i++
	} else if t.i < len(t.s) && t.s[t.i] == '+' {
		// Possessive: the last item would have to be wrapped; only the greedy meaning is kept, which matches the same
		// text unless the rest of the pattern needs some of it back.
		t.needNet = true
		t.i++
	}
}

// quantifier reads {m}, {m,}, {,n} or {m,n}; end is 0 when the brace is a literal.
func (t *translator) quantifier() (text string, end int, err error) {
	j := t.i + 1
	lo, hi := "", ""
	for j < len(t.s) && t.s[j] >= '0' && t.s[j] <= '9' {
		lo += t.s[j : j+1]
		j++
	}
	comma := j < len(t.s) && t.s[j] == ','
	if comma {
		j++
		for j < len(t.s) && t.s[j] >= '0' && t.s[j] <= '9' {
			hi += t.s[j : j+1]
			j++
		}
	}
	if j >= len(t.s) || t.s[j] != '}' || lo == "" && !comma || lo == "" && hi == "" && !comma {
		return "", 0, nil
	}
	if lo == "" {
		lo = "0"
	}
	a, _ := strconv.Atoi(lo)
	b := a
	if comma {
		b = -1
		if hi != "" {
			b, _ = strconv.Atoi(hi)
			if b < a {
				return "", 0, t.fail(t.i+1, "min repeat greater than max repeat")
			}
		}
	}
	if a > 1000 || b > 1000 {
		t.needNet = true
	}
	text = "{" + lo
	if comma {
		text += "," + hi
	}
	return text + "}", j + 1, nil
}

// literal writes one character that stands for itself.
func (t *translator) literal(r rune) {
	if r < utf8.RuneSelf && strings.ContainsRune(`\.+*?()|[]{}^$#`, r) {
		t.both(`\` + string(r))
		return
	}
	if r < ' ' || r == 0x7f || r == ' ' {
		t.go2.WriteString(fmt.Sprintf(`\x{%x}`, r))
		t.net.WriteString(fmt.Sprintf(`\u%04x`, r))
		return
	}
	t.both(string(r))
}

// The classes of Unicode text, for the inside of brackets.
const (
	goWord, netWord   = `\p{L}\p{N}_`, `\p{L}\p{N}_`
	goSpace, netSpace = `\s\x0b\x1c-\x1f\x{85}\x{a0}\p{Z}`, `\s\x1c-\x1f`
)

func (t *translator) classOf(c byte) (goText, netText string) {
	if t.flags&ASCII != 0 {
		switch c | 0x20 {
		case 'd':
			return `0-9`, `0-9`
		case 'w':
			return `0-9A-Za-z_`, `0-9A-Za-z_`
		}
		return ` \t\n\r\x0b\x0c`, ` \t\n\r\x0b\x0c`
	}
	switch c | 0x20 {
	case 'd':
		return `\p{Nd}`, `\p{Nd}`
	case 'w':
		return goWord, netWord
	}
	return goSpace, netSpace
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

// escape reads a backslash outside brackets.
func (t *translator) escape() error {
	start := t.i
	if t.i+1 >= len(t.s) {
		return t.fail(start, "bad escape (end of pattern)")
	}
	c := t.s[t.i+1]
	switch {
	case strings.IndexByte("dDwWsS", c) >= 0:
		g, n := t.classOf(c)
		neg := ""
		if isUpper(c) {
			neg = "^"
		}
		t.go2.WriteString("[" + neg + g + "]")
		t.net.WriteString("[" + neg + n + "]")
		t.i += 2
		return nil
	case c == 'b' || c == 'B':
		t.both(`\` + string(c))
		t.boundary = true
		t.i += 2
		return nil
	case c == 'A':
		t.both(`\A`)
		t.i += 2
		return nil
	case c == 'Z':
		t.both(`\z`)
		t.i += 2
		return nil
	case c >= '1' && c <= '9':
		j := t.i + 2
		n := int(c - '0')
		if j < len(t.s) && t.s[j] >= '0' && t.s[j] <= '9' {
			if c <= '7' && t.s[j] <= '7' && j+1 < len(t.s) && t.s[j+1] >= '0' && t.s[j+1] <= '7' {
				o, _ := strconv.ParseUint(t.s[t.i+1:j+2], 8, 32)
				if o > 0o377 {
					return t.fail(start, "octal escape value %s outside of range 0-0o377", t.s[start:j+2])
				}
				t.literal(rune(o))
				t.i = j + 2
				return nil
			}
			n = n*10 + int(t.s[j]-'0')
			j++
		}
		if n > t.groups {
			return t.fail(start+1, "invalid group reference %d", n)
		}
		for _, o := range t.open {
			if o == n {
				return t.fail(start, "cannot refer to an open group")
			}
		}
		t.needNet = true
		t.net.WriteString(`\k<` + itoa(n) + `>`)
		t.i = j
		return nil
	}
	r, end, err := t.charEscape(t.i)
	if err != nil {
		return err
	}
	t.literal(r)
	t.i = end
	return nil
}

// charEscape reads an escape that stands for one character.
func (t *translator) charEscape(i int) (r rune, end int, err error) {
	c := t.s[i+1]
	if k := strings.IndexByte("abfnrtv", c); k >= 0 {
		return rune("\a\b\f\n\r\t\v"[k]), i + 2, nil
	}
	switch {
	case c == 'x' || c == 'u' || c == 'U':
		width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
		j := i + 2
		for j < len(t.s) && j < i+2+width && isHex(t.s[j]) {
			j++
		}
		if j-i-2 < width {
			return 0, 0, t.fail(i, "incomplete escape %s", t.s[i:j])
		}
		n, _ := strconv.ParseUint(t.s[i+2:j], 16, 32)
		if n > utf8.MaxRune {
			return 0, 0, t.fail(i, "bad escape %s", t.s[i:j])
		}
		return rune(n), j, nil
	case c == '0':
		j, n := i+2, rune(0)
		for k := 0; k < 2 && j < len(t.s) && t.s[j] >= '0' && t.s[j] <= '7'; k++ {
			n = n*8 + rune(t.s[j]-'0')
			j++
		}
		return n, j, nil
	case c|0x20 >= 'a' && c|0x20 <= 'z':
		return 0, 0, t.fail(i, `bad escape \%c`, c)
	}
	r, n := utf8.DecodeRuneInString(t.s[i+1:])
	return r, i + 1 + n, nil
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// class reads [...].
func (t *translator) class() error {
	start := t.i
	t.i++
	var g, n strings.Builder
	g.WriteByte('[')
	n.WriteByte('[')
	if t.i < len(t.s) && t.s[t.i] == '^' {
		g.WriteByte('^')
		n.WriteByte('^')
		t.i++
	}
	lit := func(r rune) {
		if r < 0x10000 {
			n.WriteString(fmt.Sprintf(`\u%04x`, r))
		} else {
			n.WriteRune(r)
		}
		g.WriteString(fmt.Sprintf(`\x{%x}`, r))
	}
	// item reads one character or class; set is true for a class such as \d.
	item := func() (r rune, set bool, err error) {
		if t.s[t.i] != '\\' {
			r, w := utf8.DecodeRuneInString(t.s[t.i:])
			t.i += w
			return r, false, nil
		}
		if t.i+1 >= len(t.s) {
			return 0, false, t.fail(t.i, "bad escape (end of pattern)")
		}
		c := t.s[t.i+1]
		if strings.IndexByte("dDwWsS", c) >= 0 {
			gt, nt := t.classOf(c)
			if isUpper(c) {
				t.boundary = true
				gt, nt = `\`+string(c), `\`+string(c)
			}
			g.WriteString(gt)
			n.WriteString(nt)
			t.i += 2
			return 0, true, nil
		}
		if c >= '0' && c <= '7' {
			j, v := t.i+1, rune(0)
			for k := 0; k < 3 && j < len(t.s) && t.s[j] >= '0' && t.s[j] <= '7'; k++ {
				v = v*8 + rune(t.s[j]-'0')
				j++
			}
			t.i = j
			return v, false, nil
		}
		r, end, err := t.charEscape(t.i)
		if err != nil {
			return 0, false, err
		}
		t.i = end
		return r, false, nil
	}
	for first := true; ; first = false {
		if t.i >= len(t.s) {
			return t.fail(start, "unterminated character set")
		}
		if t.s[t.i] == ']' && !first {
			t.i++
			break
		}
		from := t.i
		lo, set, err := item()
		if err != nil {
			return err
		}
		if t.i+1 < len(t.s) && t.s[t.i] == '-' && t.s[t.i+1] != ']' {
			if set {
				j := t.i + 1
				_, w := utf8.DecodeRuneInString(t.s[j:])
				return t.fail(from, "bad character range %s", t.s[from:j+w])
			}
			t.i++
			hi, set2, err := item()
			if err != nil {
				return err
			}
			if set2 || hi < lo {
				return t.fail(from, "bad character range %s", t.s[from:t.i])
			}
			lit(lo)
			g.WriteByte('-')
			n.WriteByte('-')
			lit(hi)
			continue
		}
		if !set {
			lit(lo)
		}
	}
	g.WriteByte(']')
	n.WriteByte(']')
	t.go2.WriteString(g.String())
	t.net.WriteString(n.String())
	return nil
}

// group reads (...). consumed is false when it was flags or a comment, which cannot be repeated.
func (t *translator) group() (consumed bool, err error) {
	start := t.i
	t.i++
	saved := t.flags
	capture := 0
	closer := ")"
	if !strings.HasPrefix(t.s[t.i:], "?") {
		t.groups++
		capture = t.groups
		t.go2.WriteString("(")
		t.net.WriteString("(?<" + itoa(capture) + ">")
	} else {
		t.i++
		if t.i >= len(t.s) {
			return false, t.fail(t.i, "unexpected end of pattern")
		}
		rest := t.s[t.i:]
		switch {
		case strings.HasPrefix(rest, "P<"):
			end := strings.IndexByte(rest, '>')
			if end < 0 {
				return false, t.fail(t.i+2, "missing >, unterminated name")
			}
			name := rest[2:end]
			if name == "" {
				return false, t.fail(t.i+2, "missing group name")
			}
			if !identifier(name) {
				return false, t.fail(t.i+2, "bad character in group name %s", repr(name))
			}
			if old, dup := t.names[name]; dup {
				return false, t.fail(t.i+2, "redefinition of group name %s as group %d; was group %d", repr(name), t.groups+1, old)
			}
			t.groups++
			capture = t.groups
			t.names[name] = capture
			t.go2.WriteString("(")
			t.net.WriteString("(?<" + itoa(capture) + ">")
			t.i += end + 1
		case rest == "P":
			return false, t.fail(len(t.s), "unexpected end of pattern")
		case rest[0] == 'P' && rest[1] != '<' && rest[1] != '=':
			_, w := utf8.DecodeRuneInString(rest[1:])
			return false, t.fail(start+1, "unknown extension ?P%s", rest[1:1+w])
		case strings.HasPrefix(rest, "P="):
			end := strings.IndexByte(rest, ')')
			if end < 0 {
				return false, t.fail(t.i+2, "missing ), unterminated name")
			}
			name := rest[2:end]
			n, ok := t.names[name]
			if !ok {
				return false, t.fail(t.i+2, "unknown group name %s", repr(name))
			}
			t.needNet = true
			t.net.WriteString(`\k<` + itoa(n) + `>`)
			t.i += end + 1
			return true, nil
		case rest[0] == ':':
			t.both("(?:")
			t.i++
		case rest[0] == '#':
			end := strings.IndexByte(rest, ')')
			if end < 0 {
				return false, t.fail(start, "missing ), unterminated comment")
			}
			t.i += end + 1
			return false, nil
		case rest[0] == '=' || rest[0] == '!' || rest[0] == '>':
			t.needNet = true
			t.both("(?" + rest[:1])
			t.i++
		case strings.HasPrefix(rest, "<=") || strings.HasPrefix(rest, "<!"):
			t.needNet = true
			t.both("(?" + rest[:2])
			t.i += 2
		case rest[0] == '(':
			end := strings.IndexByte(rest, ')')
			if end < 0 {
				return false, t.fail(t.i+1, "missing ), unterminated name")
			}
			name := rest[1:end]
			n, num := number(name)
			if !num {
				k, ok := t.names[name]
				if !ok {
					return false, t.fail(t.i+1, "unknown group name %s", repr(name))
				}
				n = k
			}
			if n == 0 {
				return false, t.fail(t.i+1, "bad group number")
			}
			t.needNet = true
			t.both("(?(" + itoa(n) + ")")
			t.i += end + 1
		default:
			done, err := t.inlineFlags(start)
			if err != nil || done {
				return false, err
			}
		}
	}
	if capture > 0 {
		t.open = append(t.open, capture)
	}
	if err := t.alternatives(); err != nil {
		return false, err
	}
	if t.i >= len(t.s) {
		return false, t.fail(start, "missing ), unterminated subpattern")
	}
	t.i++
	t.both(closer)
	if capture > 0 {
		t.open = t.open[:len(t.open)-1]
	}
	t.flags = saved
	return true, nil
}

// inlineFlags reads (?i:...) up to the colon, or (?i) as a whole.
func (t *translator) inlineFlags(start int) (done bool, err error) {
	j := t.i
	on, off := Flags(0), Flags(0)
	minus := false
	for j < len(t.s) && strings.IndexByte("aiLmsux-", t.s[j]) >= 0 {
		switch {
		case t.s[j] == '-':
			minus = true
		case minus:
			off |= flagOf(t.s[j])
		default:
			on |= flagOf(t.s[j])
		}
		j++
	}
	if j == t.i || j >= len(t.s) {
		if j >= len(t.s) && j > t.i {
			return false, t.fail(j, "missing -, : or )")
		}
		_, w := utf8.DecodeRuneInString(t.s[t.i:])
		return false, t.fail(start+1, "unknown extension ?%s", t.s[t.i:t.i+w])
	}
	switch t.s[j] {
	case ')':
		if minus {
			return false, t.fail(j, "missing :")
		}
		return false, t.fail(start, "global flags not at the start of the expression")
	case ':':
		t.flags = (t.flags | on) &^ off
		text := "(?"
		for _, f := range []struct {
			bit Flags
			c   string
		}{{IgnoreCase, "i"}, {Multiline, "m"}, {DotAll, "s"}} {
			if on&f.bit != 0 {
				text += f.c
			}
		}
		neg := ""
		for _, f := range []struct {
			bit Flags
			c   string
		}{{IgnoreCase, "i"}, {Multiline, "m"}, {DotAll, "s"}} {
			if off&f.bit != 0 {
				neg += f.c
			}
		}
		if neg != "" {
			text += "-" + neg
		}
		t.both(text + ":")
		t.i = j + 1
		return false, nil
	}
	return false, t.fail(j, "unknown flag")
}
