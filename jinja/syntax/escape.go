package syntax

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// unescape decodes Python's string escapes. A bad escape gives the decoder's message.
func unescape(s string) (text, msg string) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, ""
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		c := s[i]
		if c != '\\' {
			b.WriteByte(c)
			i++
			continue
		}
		i++
		if i >= len(s) {
			return "", `\ at end of string`
		}
		c = s[i]
		i++
		switch c {
		case '\n':
		case '\\', '\'', '"':
			b.WriteByte(c)
		case 'a':
			b.WriteByte(7)
		case 'b':
			b.WriteByte(8)
		case 'f':
			b.WriteByte(12)
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'v':
			b.WriteByte(11)
		case '0', '1', '2', '3', '4', '5', '6', '7':
			n := int(c - '0')
			for k := 0; k < 2 && i < len(s) && s[i] >= '0' && s[i] <= '7'; k++ {
				n = n*8 + int(s[i]-'0')
				i++
			}
			b.WriteRune(rune(n))
		case 'x', 'u', 'U':
			width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
			end := i
			for end < len(s) && end < i+width && isHex(s[end]) {
				end++
			}
			if end-i < width {
				return "", fmt.Sprintf("truncated \\%c%s escape", c, strings.Repeat("X", width))
			}
			n, _ := strconv.ParseUint(s[i:end], 16, 32)
			if n > utf8.MaxRune {
				return "", "illegal Unicode character"
			}
			b.WriteRune(rune(n))
			i = end
		case 'N':
			if i < len(s) && s[i] == '{' {
				if end := strings.IndexByte(s[i:], '}'); end > 1 {
					if r, ok := namedRunes[strings.ToUpper(s[i+1:i+end])]; ok {
						b.WriteRune(r)
						i += end + 1
						continue
					}
					return "", "unknown Unicode character name"
				}
			}
			return "", `malformed \N character escape`
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

func isHex(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

// namedRunes are the names that \N{…} knows: those in common use.
var namedRunes = map[string]rune{
	"SPACE": ' ', "NO-BREAK SPACE": 0xa0, "BULLET": 0x2022, "EM DASH": 0x2014, "EN DASH": 0x2013, "SNOWMAN": 0x2603,
	"DEGREE SIGN": 0xb0, "COPYRIGHT SIGN": 0xa9, "EURO SIGN": 0x20ac, "CHECK MARK": 0x2713, "HORIZONTAL ELLIPSIS": 0x2026,
	"LATIN SMALL LETTER E WITH ACUTE": 0xe9, "GREEK SMALL LETTER ALPHA": 0x3b1, "RIGHTWARDS ARROW": 0x2192,
}

// doubleBackslashes doubles the backslashes of string tokens inside variable tags and returns the places in the new text
// where one was added.
func doubleBackslashes(cfg *Config, src string) (string, []int, *Error) {
	if strings.IndexByte(src, '\\') < 0 || !strings.Contains(src, cfg.VariableStart) {
		return src, nil, nil
	}
	l := newLexer(cfg, src)
	var b strings.Builder
	var added []int
	last := 0
	variable := false
	for {
		t, err := l.next()
		if err != nil {
			return "", nil, err
		}
		switch t.kind {
		case "eof":
			b.WriteString(src[last:])
			return b.String(), added, nil
		case "variable_begin":
			variable = true
		case "variable_end":
			variable = false
		case "string":
			end := matchString(src, t.off)
			if !variable || strings.IndexByte(src[t.off:end], '\\') < 0 {
				continue
			}
			b.WriteString(src[last:t.off])
			for i := t.off; i < end; i++ {
				b.WriteByte(src[i])
				if src[i] == '\\' {
					added = append(added, b.Len())
					b.WriteByte('\\')
				}
			}
			last = end
		}
	}
}
