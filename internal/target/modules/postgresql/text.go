package postgresql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/troupe-automation/troupe/module"
)

// driverError is what a driver of Python says without asking the server.
type driverError string

func (e driverError) Error() string { return string(e) }

// pgFailure is an answer of the server that is an error. Its text is libpq's, as Python's driver shows it.
type pgFailure struct {
	*pgconn.PgError
	query string
}

func (e *pgFailure) Error() string { return pgErrorText(e.PgError, e.query, false) }

// programming reports whether Python's driver calls it a ProgrammingError: a mistake in a statement, or a missing right.
func (e *pgFailure) programming() bool {
	switch e.Code[:2] {
	case "20", "21", "3D", "3F", "42", "44":
		return true
	}
	return false
}

// pgErrorText is an error as libpq words it.
func pgErrorText(e *pgconn.PgError, query string, severity bool) string {
	var b strings.Builder
	if severity {
		b.WriteString(e.Severity + ":  ")
	}
	b.WriteString(e.Message + "\n")
	if e.Position > 0 && query != "" {
		b.WriteString(pgPosition(query, int(e.Position)))
	} else if e.InternalPosition > 0 && e.InternalQuery != "" {
		b.WriteString(pgPosition(e.InternalQuery, int(e.InternalPosition)))
	}
	for _, more := range []struct{ name, text string }{
		{"DETAIL", e.Detail}, {"HINT", e.Hint}, {"QUERY", e.InternalQuery}, {"CONTEXT", e.Where},
	} {
		if more.text != "" {
			b.WriteString(more.name + ":  " + more.text + "\n")
		}
	}
	return b.String()
}

// pgPosition shows a place in a statement: its line, of a long one 60 columns, and a mark below.
func pgPosition(query string, position int) string {
	const width, right = 60, 10
	text := []rune(query)
	at := position - 1
	if at < 0 || at > len(text) {
		return ""
	}
	line, from := 1, 0
	for i, r := range text[:at] {
		if r == '\n' || r == '\r' && text[i+1] != '\n' {
			line++
			from = i + 1
		}
	}
	to := from
	for to < len(text) && text[to] != '\n' && text[to] != '\r' {
		to++
	}
	before, after := "", ""
	if to-from > width {
		if from+width >= at+right { // the start shows the place
			to, after = from+width, "..."
		} else {
			if at+right < to {
				to, after = at+right, "..."
			}
			if from+width < to {
				from, before = to-width, "..."
			}
		}
	}
	shown := strings.ReplaceAll(string(text[from:to]), "\t", " ")
	head := fmt.Sprintf("LINE %d: %s", line, before)
	return head + shown + after + "\n" + strings.Repeat(" ", len(head)+columns(text[from:at])) + "^\n"
}

// columns is how wide text is on a terminal.
func columns(text []rune) int {
	n := 0
	for _, r := range text {
		n++
		if r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 || r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 || r >= 0xffe0 && r <= 0xffe6 || r >= 0x1f300 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd) {
			n++
		}
	}
	return n
}

// merge puts args, a list for %s or a dict for %(name)s, into a statement; nil leaves it as it is.
func (p *postgres) merge(query string, args any) (string, error) {
	if args == nil {
		return query, nil
	}
	list, _ := args.([]any)
	dict, named := args.(map[string]any)
	var b strings.Builder
	used, sawName, sawPlace := 0, false, false
	for i := 0; i < len(query); i++ {
		if query[i] != '%' {
			b.WriteByte(query[i])
			continue
		}
		if i++; i == len(query) {
			return "", driverError("incomplete format")
		}
		if query[i] == '%' {
			b.WriteByte('%')
			continue
		}
		var v any
		if query[i] == '(' {
			sawName = true
			name, rest, ok := strings.Cut(query[i+1:], ")")
			if !ok {
				return "", driverError("incomplete placeholder: '%(' without ')'")
			}
			if sawPlace {
				return "", driverError("argument formats can't be mixed")
			}
			if !named {
				return "", driverError("argument formats can't be mixed")
			}
			if v, ok = dict[name]; !ok {
				return "", driverError(module.Quote(name))
			}
			i = len(query) - len(rest)
			if rest == "" {
				return "", driverError("incomplete format")
			}
		} else {
			sawPlace = true
			if sawName {
				return "", driverError("argument formats can't be mixed")
			}
			if named {
				return "", driverError("dict is not a sequence")
			}
			if used == len(list) {
				return "", driverError("list index out of range")
			}
			v = list[used]
			used++
		}
		if query[i] != 's' {
			return "", driverError(fmt.Sprintf("unsupported format character '%c' (0x%x) at index %d", query[i], query[i], i))
		}
		text, err := p.literal(v)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	if used < len(list) {
		return "", driverError("not all arguments converted during string formatting")
	}
	return b.String(), nil
}

// literal is a value as SQL.
func (p *postgres) literal(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "NULL", nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		if v < 0 {
			return " " + strconv.FormatInt(v, 10), nil
		}
		return strconv.FormatInt(v, 10), nil
	case float64:
		text := module.Text(v)
		switch {
		case text == "nan":
			return "'NaN'::float", nil
		case text == "inf":
			return "'Infinity'::float", nil
		case text == "-inf":
			return "'-Infinity'::float", nil
		case v < 0:
			return " " + text, nil
		}
		return text, nil
	case string:
		if strings.ContainsRune(v, 0) {
			return "", driverError("A string literal cannot contain NUL (0x00) characters.")
		}
		v = strings.ReplaceAll(v, "'", "''")
		if p.conn.ParameterStatus("standard_conforming_strings") == "off" {
			return "E'" + strings.ReplaceAll(v, `\`, `\\`) + "'", nil
		}
		return "'" + v + "'", nil
	}
	kind := "dict"
	if _, ok := v.([]any); ok {
		kind = "list"
	}
	return "", driverError("can't adapt type '" + kind + "'")
}
