package pymodule

import (
	"bytes"
	"strings"
)

// imported is one import statement: names are those of "from module import names".
type imported struct {
	module string
	names  []string
}

// imports returns the import statements of a Python source, at any depth of indentation. It reads lines, not Python: a
// line of a doc string that looks like an import is taken for one, which costs nothing.
func imports(source []byte) []imported {
	var list []imported
	for len(source) > 0 {
		var line []byte
		line, source, _ = bytes.Cut(source, []byte("\n"))
		text := strings.TrimSpace(string(line))
		if !strings.HasPrefix(text, "from ") && !strings.HasPrefix(text, "import ") && !strings.HasPrefix(text, "from.") {
			continue
		}
		text = uncomment(text)
		// A statement goes on after a backslash, and until its parenthesis closes.
		for limit := 0; limit < 500 && len(source) > 0 && (strings.HasSuffix(text, `\`) || strings.Contains(text, "(") && !strings.Contains(text, ")")); limit++ {
			line, source, _ = bytes.Cut(source, []byte("\n"))
			text = strings.TrimSuffix(text, `\`) + " " + uncomment(strings.TrimSpace(string(line)))
		}
		list = append(list, statement(text)...)
	}
	return list
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
