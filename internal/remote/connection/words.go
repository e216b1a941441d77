package connection

import (
	"fmt"
	"strings"
)

// Split splits words as a POSIX shell does, without expansions.
func Split(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	in, quote := false, byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == '\'':
			word.WriteByte(c)
		case c == '\\' && (quote == 0 || i+1 < len(s) && strings.IndexByte("\\\"$`", s[i+1]) >= 0):
			if i++; i >= len(s) {
				return nil, fmt.Errorf("no escaped character")
			}
			in = true
			word.WriteByte(s[i])
		case quote == '"':
			word.WriteByte(c)
		case c == '\'' || c == '"':
			in, quote = true, c
		case c == ' ' || c == '\t' || c == '\n':
			if in {
				words, in = append(words, word.String()), false
				word.Reset()
			}
		default:
			in = true
			word.WriteByte(c)
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("no closing quotation")
	}
	if in {
		words = append(words, word.String())
	}
	return words, nil
}
