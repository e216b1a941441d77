package lookup

import "strings"

// csvRows are the rows of a text as Python's module csv reads them. It is not strict: what follows a closing quote belongs to the field, in which
// quotes are like other letters from there on. Empty lines are no rows.
func csvRows(text string, delimiter rune) [][]string {
	var rows [][]string
	var row []string
	var field strings.Builder
	const (
		atStart = iota // of a field
		plain
		quoted
		afterQuote
	)
	state := atStart
	save := func() {
		row = append(row, field.String())
		field.Reset()
		state = atStart
	}
	end := func() {
		if len(row) > 0 || state != atStart {
			save()
			rows = append(rows, row)
		}
		row = nil
	}
	for _, c := range strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text) {
		switch {
		case state == quoted && c == '"':
			state = afterQuote
		case state == quoted:
			field.WriteRune(c)
		case state == afterQuote && c == '"':
			field.WriteByte('"')
			state = quoted
		case state == atStart && c == '"':
			state = quoted
		case c == delimiter:
			save()
		case c == '\n':
			end()
		default:
			field.WriteRune(c)
			state = plain
		}
	}
	end()
	return rows
}
