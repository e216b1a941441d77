package inventory

import (
	"errors"
	"strings"
	"unicode"

	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

var (
	errNoClosingQuote = errors.New("No closing quotation")
	errNoEscaped      = errors.New("No escaped character")
)

// shellWords splits a line the way Python's shlex does with comments on: POSIX quotes and backslashes, "#" starts a
// comment anywhere outside quotes.
func shellWords(line string) ([]string, error) {
	var (
		words []string
		word  strings.Builder
		open  bool // a word has begun
	)
	rs := []rune(line)
	for i := 0; i < len(rs); i++ {
		c := rs[i]
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			if open {
				words = append(words, word.String())
				word.Reset()
				open = false
			}
		case c == '#':
			if open {
				words = append(words, word.String())
			}
			return words, nil
		case c == '\\':
			if i+1 >= len(rs) {
				return nil, errNoEscaped
			}
			i++
			word.WriteRune(rs[i])
			open = true
		case c == '\'' || c == '"':
			open = true
			closed := false
			for i++; i < len(rs); i++ {
				if rs[i] == c {
					closed = true
					break
				}
				if c == '"' && rs[i] == '\\' {
					if i+1 >= len(rs) {
						return nil, errNoEscaped
					}
					if rs[i+1] == '"' || rs[i+1] == '\\' {
						i++
					}
				}
				word.WriteRune(rs[i])
			}
			if !closed {
				return nil, errNoClosingQuote
			}
		default:
			word.WriteRune(c)
			open = true
		}
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}

// typed gives the text of an INI value its type: a Python literal is that literal, all else stays text (sample inv_ini_types).
// Texts inside the literal may be templates as well as the text itself.
func typed(text string, at source.Pos) value.Value {
	if v, err := value.LiteralEval(text); err == nil && v != nil {
		return content(v, at)
	}
	return content(value.Str(text), at)
}

// content marks the texts in v that hold template markers: v was written by the user.
func content(v value.Value, at source.Pos) value.Value {
	switch v := v.(type) {
	case value.Str:
		if yamldoc.IsTemplate(string(v)) {
			return value.NewTemplate(string(v), at)
		}
	case *value.List:
		for i, e := range v.Elems {
			v.Elems[i] = content(e, at)
		}
	case *value.Tuple:
		for i, e := range v.Elems {
			v.Elems[i] = content(e, at)
		}
	case *value.Dict:
		for k, e := range v.All() {
			_ = v.Set(k, content(e, at))
		}
	}
	return v
}
