package playbook

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// rawOptions are the only key=value words taken out of the text of command-like modules.
var rawOptions = map[string]bool{
	"creates": true, "removes": true, "chdir": true, "executable": true, "warn": true,
	"stdin": true, "stdin_add_newline": true, "strip_empty_ends": true,
}

// ParseKV splits arguments written as text, "src=a dest='b c'", into a dict of texts; words that are no key=value come back as
// free text (sample flow_parse_errors, BEHAVIOUR §10). raw is for command-like modules, which take only a few keys out of their
// text. The texts are content: those with template markers are templates at pos.
func ParseKV(text string, raw bool, pos source.Pos) (args *value.Dict, free value.Value, err error) {
	args = value.NewDict()
	words, err := splitWords(text)
	if err != nil {
		return nil, nil, err
	}
	var rest []string
	for _, w := range words {
		at := assignment(unescape(w))
		if at < 0 {
			rest = append(rest, strings.ReplaceAll(w, `\=`, "="))
			continue
		}
		decoded := unescape(w)
		key, val := strings.TrimSpace(decoded[:at]), decoded[at+1:]
		if raw && !rawOptions[key] {
			rest = append(rest, w)
			continue
		}
		args.SetStr(key, textValue(unquote(strings.TrimSpace(val)), pos))
	}
	if len(rest) > 0 {
		free = textValue(joinWords(rest), pos)
	}
	return args, free, nil
}

func textValue(s string, pos source.Pos) value.Value {
	if yamldoc.IsTemplate(s) {
		return value.NewTemplate(s, pos)
	}
	return value.Str(s)
}

// assignment finds the "=" that ends a key, -1 when there is none. A "=" behind a backslash, or at the start, is none.
func assignment(w string) int {
	for from := 0; ; {
		i := strings.IndexByte(w[from:], '=')
		if i < 0 {
			return -1
		}
		i += from
		if i == 0 {
			return -1
		}
		if w[i-1] != '\\' {
			return i
		}
		from = i + 1
	}
}

func unquote(s string) string {
	if n := len(s); n > 1 && s[0] == s[n-1] && (s[0] == '"' || s[0] == '\'') && s[n-2] != '\\' {
		return s[1 : n-1]
	}
	return s
}

// unescape decodes the backslash sequences of a key=value word; unknown ones stay.
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
		if at := strings.IndexByte(`\'"abfnrtv`, s[i+1]); at >= 0 {
			b.WriteByte("\\'\"\a\b\f\n\r\t\v"[at])
			i++
			continue
		}
		width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[i+1]]
		if width > 0 && i+2+width <= len(s) {
			if n, err := strconv.ParseUint(s[i+2:i+2+width], 16, 32); err == nil {
				b.WriteRune(rune(n))
				i += 1 + width
				continue
			}
		}
		b.WriteByte('\\')
	}
	return b.String()
}

// splitWords splits at blanks and line ends outside quotes and template braces. A word keeps the line ends behind it and all
// blanks but one, so joinWords gives the text back.
func splitWords(text string) ([]string, error) {
	var (
		words []string
		word  strings.Builder
		quote byte
		depth [3]int // open {{ {% {#
	)
	inside := func() bool { return quote != 0 || depth[0]+depth[1]+depth[2] > 0 }
	flush := func() {
		words = append(words, word.String())
		word.Reset()
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if quote == 0 && i+1 < len(text) {
			pair := text[i : i+2]
			for k, open := range [...]string{"{{", "{%", "{#"} {
				if pair == open {
					depth[k]++
				}
			}
			for k, closing := range [...]string{"}}", "%}", "#}"} {
				if pair == closing && depth[k] > 0 {
					depth[k]--
					word.WriteByte(c)
					i++
					c = text[i]
				}
			}
		}
		if (c == '"' || c == '\'') && depth[0]+depth[1]+depth[2] == 0 && (i == 0 || text[i-1] != '\\') {
			switch quote {
			case 0:
				quote = c
			case c:
				quote = 0
			}
		}
		switch {
		case inside():
			word.WriteByte(c)
		case c == '\\' && i+1 < len(text) && text[i+1] == '\n' && word.Len() == 0 && len(words) > 0:
			// a line that goes on: the line end goes, and so does the blank before the backslash
			i++
			if i+1 < len(text) && text[i+1] == ' ' {
				i++
			}
		case c == '\\' && i+1 < len(text) && text[i+1] == ' ' && word.Len() == 0 && i > 0 && text[i-1] == ' ' && len(words) > 0:
			// a backslash alone, as a folded line leaves it: it goes, with one blank
			i++
		case c == '\n':
			word.WriteByte(c)
			for i+1 < len(text) && text[i+1] == '\n' {
				i++
				word.WriteByte('\n')
			}
			flush()
		case c == ' ' && word.Len() == 0 && (i == 0 || text[i-1] == '\n') && i+1 < len(text) && text[i+1] != ' ':
			// one blank at the start of a line goes; more stay
		case c == ' ' && word.Len() > 0 && strings.TrimLeft(word.String(), " ") != "":
			extra := i + 1
			for extra < len(text) && text[extra] == ' ' {
				extra++
			}
			if extra < len(text) && text[extra] == '\n' {
				word.WriteString(text[i:extra])
				i = extra - 1
				continue
			}
			word.WriteString(text[i+1 : extra])
			i = extra - 1
			flush()
		default:
			word.WriteByte(c)
		}
	}
	if inside() {
		return nil, fmt.Errorf("failed at splitting arguments, either an unbalanced jinja2 block or quotes: %s", text)
	}
	if word.Len() > 0 {
		flush()
	}
	return words, nil
}

func joinWords(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 && !strings.HasSuffix(words[i-1], "\n") {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	return b.String()
}
