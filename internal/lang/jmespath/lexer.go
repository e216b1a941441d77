// Package jmespath searches values with JMESPath expressions, as the Python library jmespath 1.0 does: the order of keys is
// kept, whole numbers stay whole, and errors have the library's words.
//
// Called by internal/lang/filters (json_query). The Go libraries work on Go maps and floats, which lose both.
package jmespath

import (
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/value"
)

type token struct {
	kind  string
	text  string
	val   value.Value
	start int
}

// Error is an expression that cannot be read or evaluated. Kind says how the caller introduces it: "lexer", "parse",
// "incomplete", "arity", "type", "unknown" or "value".
type Error struct {
	Kind string
	Msg  string
}

func (e *Error) Error() string { return e.Msg }

func lexError(expr string, pos int, msg string) error {
	return &Error{"lexer", "Bad jmespath expression: " + msg + ":\n" + expr + "\n" + strings.Repeat(" ", pos) + "^"}
}

func isIdent(c byte, first bool) bool {
	return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || !first && c >= '0' && c <= '9'
}

func lex(s string) ([]token, error) {
	var out []token
	for i := 0; i < len(s); {
		c := s[i]
		two := ""
		if i+1 < len(s) {
			two = s[i : i+2]
		}
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case isIdent(c, true):
			j := i
			for j < len(s) && isIdent(s[j], false) {
				j++
			}
			out = append(out, token{"unquoted_identifier", s[i:j], nil, i})
			i = j
		case c >= '0' && c <= '9' || c == '-':
			j := i + 1
			for j < len(s) && s[j] >= '0' && s[j] <= '9' {
				j++
			}
			n, err := strconv.ParseInt(s[i:j], 10, 64)
			if err != nil {
				return nil, lexError(s, i, "Unknown token '"+s[i:j]+"'")
			}
			out = append(out, token{"number", s[i:j], value.Int(n), i})
			i = j
		case two == "[?":
			out = append(out, token{"filter", two, nil, i})
			i += 2
		case two == "[]":
			out = append(out, token{"flatten", two, nil, i})
			i += 2
		case two == "||" || two == "&&" || two == "==" || two == "!=" || two == "<=" || two == ">=":
			kind := map[string]string{"||": "or", "&&": "and", "==": "eq", "!=": "ne", "<=": "lte", ">=": "gte"}[two]
			out = append(out, token{kind, two, nil, i})
			i += 2
		case c == '"' || c == '\'' || c == '`':
			j := i + 1
			for j < len(s) && s[j] != c {
				if s[j] == '\\' {
					j++
				}
				j++
			}
			if j >= len(s) {
				return nil, lexError(s, i, "Unclosed "+string(c)+" delimiter")
			}
			body := s[i+1 : j]
			t := token{start: i, text: body}
			switch c {
			case '"':
				v, err := value.ParseJSON(`"` + body + `"`)
				if err != nil {
					return nil, lexError(s, i, err.Error())
				}
				t.kind = "quoted_identifier"
				t.text, _ = value.AsString(v)
			case '\'':
				t.kind, t.val = "literal", value.Str(strings.ReplaceAll(body, `\'`, "'"))
			default:
				body = strings.TrimLeft(strings.ReplaceAll(body, "\\`", "`"), " \t\n\r")
				v, err := value.ParseJSON(body)
				if err != nil {
					// Text without quotes is taken as text, as older versions did.
					if v, err = value.ParseJSON(`"` + body + `"`); err != nil {
						return nil, lexError(s, i, "Bad token %s `"+body+"`")
					}
				}
				t.kind, t.val = "literal", v
			}
			out = append(out, t)
			i = j + 1
		default:
			kind, ok := map[byte]string{'.': "dot", '*': "star", '[': "lbracket", ']': "rbracket", ',': "comma", ':': "colon",
				'@': "current", '(': "lparen", ')': "rparen", '{': "lbrace", '}': "rbrace", '|': "pipe", '&': "expref",
				'<': "lt", '>': "gt", '!': "not"}[c]
			if !ok {
				if c == '=' {
					return nil, lexError(s, i, "Unknown token '='")
				}
				return nil, lexError(s, i, "Unknown token "+string(c))
			}
			out = append(out, token{kind, string(c), nil, i})
			i++
		}
	}
	return append(out, token{"eof", "", nil, len(s)}), nil
}
