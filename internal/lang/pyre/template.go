package pyre

import (
	"strings"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/value"
)

type part struct {
	text  string
	group int // -1: text
}

func fail(at string, pos int, format string, args ...any) error {
	e := value.Errorf("error", format, args...).(*value.Error)
	e.Msg += " at position " + itoa(utf8.RuneCountInString(at[:min(pos, len(at))]))
	if strings.Contains(at, "\n") {
		before := at[:min(pos, len(at))]
		line := strings.Count(before, "\n") + 1
		col := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
		e.Msg += " (line " + itoa(line) + ", column " + itoa(col) + ")"
	}
	return e
}

func itoa(n int) string {
	if n == 0 {
		return "0"
	}
	var b [20]byte
	i := len(b)
	for ; n > 0; n /= 10 {
		i--
		b[i] = byte('0' + n%10)
	}
	return string(b[i:])
}

// template parses the replacement of sub.
func (re *Regexp) template(s string) ([]part, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return []part{{s, -1}}, nil
	}
	var parts []part
	var b strings.Builder
	group := func(n, pos int) error {
		if n > re.groups {
			return fail(s, pos, "invalid group reference %d", n)
		}
		if b.Len() > 0 {
			parts = append(parts, part{b.String(), -1})
			b.Reset()
		}
		parts = append(parts, part{"", n})
		return nil
	}
	for i := 0; i < len(s); {
		c := s[i]
		if c != '\\' {
			b.WriteByte(c)
			i++
			continue
		}
		if i+1 >= len(s) {
			return nil, fail(s, i, "bad escape (end of pattern)")
		}
		e := s[i+1]
		switch {
		case e == 'g':
			if i+2 >= len(s) || s[i+2] != '<' {
				return nil, fail(s, i+2, "missing <")
			}
			end := strings.IndexByte(s[i+3:], '>')
			if end < 0 {
				if i+3 >= len(s) {
					return nil, fail(s, i+3, "missing group name")
				}
				return nil, fail(s, i+3, "missing >, unterminated name")
			}
			name := s[i+3 : i+3+end]
			if name == "" {
				return nil, fail(s, i+3, "missing group name")
			}
			n, num := number(name)
			if !num {
				k, ok := re.names[name]
				if !ok {
					if !identifier(name) {
						return nil, fail(s, i+3, "bad character in group name %s", repr(name))
					}
					return nil, value.Errorf("IndexError", "unknown group name %s", repr(name))
				}
				n = k
			}
			if err := group(n, i+3); err != nil {
				return nil, err
			}
			i += 4 + end
		case e == '0':
			j, n := i+2, 0
			for k := 0; k < 2 && j < len(s) && s[j] >= '0' && s[j] <= '7'; k++ {
				n = n*8 + int(s[j]-'0')
				j++
			}
			b.WriteRune(rune(n))
			i = j
		case e >= '1' && e <= '9':
			j := i + 2
			n := int(e - '0')
			if j < len(s) && s[j] >= '0' && s[j] <= '9' {
				if e <= '7' && s[j] <= '7' && j+1 < len(s) && s[j+1] >= '0' && s[j+1] <= '7' {
					o := int(e-'0')*64 + int(s[j]-'0')*8 + int(s[j+1]-'0')
					if o > 0o377 {
						return nil, fail(s, i, "octal escape value %s outside of range 0-0o377", s[i:j+2])
					}
					b.WriteRune(rune(o))
					i = j + 2
					continue
				}
				n = n*10 + int(s[j]-'0')
				j++
			}
			if err := group(n, i+1); err != nil {
				return nil, err
			}
			i = j
		case e|0x20 >= 'a' && e|0x20 <= 'z':
			k := strings.IndexByte("abfnrtv", e)
			if k < 0 {
				return nil, fail(s, i, "bad escape \\%c", e)
			}
			b.WriteByte("\a\b\f\n\r\t\v"[k])
			i += 2
		default:
			// A backslash before any other character goes away only before a backslash.
			if e != '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(e)
			i += 2
		}
	}
	if b.Len() > 0 || len(parts) == 0 {
		parts = append(parts, part{b.String(), -1})
	}
	return parts, nil
}

func number(s string) (int, bool) {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' || n > 1<<20 {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, s != ""
}

func identifier(s string) bool {
	for i, r := range s {
		if r == '_' || r >= utf8.RuneSelf || r|0x20 >= 'a' && r|0x20 <= 'z' || i > 0 && r >= '0' && r <= '9' {
			continue
		}
		return false
	}
	return s != ""
}

func repr(s string) string {
	r, _ := value.Repr(value.Str(s))
	return r
}
