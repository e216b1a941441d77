package pymodule

import (
	"bytes"
	"strings"
)

// imported is one import statement: names are those of "from module import names".
type imported struct {
	module   string
	names    []string
	required bool // at the level of the file: nothing catches its failure
}

// imports returns the import statements of a Python source, at any depth of indentation. It reads lines, not Python: a
// line of a doc string that looks like an import is taken for one, which costs nothing.
func imports(source []byte) []imported {
	var list []imported
	quote := "" // of the text over several lines that we are in
	for len(source) > 0 {
		var line []byte
		line, source, _ = bytes.Cut(source, []byte("\n"))
		text := strings.TrimSpace(string(line))
		required := quote == "" && len(line) > 0 && (line[0] == 'f' || line[0] == 'i')
		quote = openQuote(quote, text)
		if !strings.HasPrefix(text, "from ") && !strings.HasPrefix(text, "import ") && !strings.HasPrefix(text, "from.") {
			continue
		}
		text = uncomment(text)
		// A statement goes on after a backslash, and until its parenthesis closes.
		for limit := 0; limit < 500 && len(source) > 0 && (strings.HasSuffix(text, `\`) || strings.Contains(text, "(") && !strings.Contains(text, ")")); limit++ {
			line, source, _ = bytes.Cut(source, []byte("\n"))
			text = strings.TrimSuffix(text, `\`) + " " + uncomment(strings.TrimSpace(string(line)))
		}
		for _, i := range statement(text) {
			i.required = required
			list = append(list, i)
		}
	}
	return list
}

// openQuote is the triple quote that is open after a line, "" for none.
func openQuote(quote, line string) string {
	for {
		if quote != "" {
			_, rest, closed := strings.Cut(line, quote)
			if !closed {
				return quote
			}
			line, quote = rest, ""
			continue
		}
		single, double := strings.Index(line, "'''"), strings.Index(line, `"""`)
		switch {
		case single < 0 && double < 0:
			return ""
		case double < 0 || single >= 0 && single < double:
			quote, line = "'''", line[single+3:]
		default:
			quote, line = `"""`, line[double+3:]
		}
	}
}

func uncomment(text string) string {
	if i := strings.IndexByte(text, '#'); i >= 0 {
		text = strings.TrimSpace(text[:i])
	}
	return text
}

func statement(text string) []imported {
	text, _, _ = strings.Cut(text, ";")
	if rest, ok := strings.CutPrefix(text, "import "); ok {
		var list []imported
		for _, part := range strings.Split(rest, ",") {
			if words := strings.Fields(part); len(words) > 0 {
				list = append(list, imported{module: words[0]})
			}
		}
		return list
	}
	module, names, ok := strings.Cut(strings.TrimPrefix(text, "from"), " import")
	module = strings.TrimSpace(module)
	if !ok || module == "" || strings.ContainsAny(module, " \"'") {
		return nil
	}
	i := imported{module: module}
	for _, part := range strings.Split(strings.Trim(strings.TrimSpace(names), "()"), ",") {
		if words := strings.Fields(part); len(words) > 0 && words[0] != "*" {
			i.names = append(i.names, words[0])
		}
	}
	return []imported{i}
}
