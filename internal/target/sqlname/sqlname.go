// Package sqlname reads names of objects in databases. Called by the modules about databases.
package sqlname

import (
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/module"
)

// Quote quotes the parts of a name, which are between dots, with quote unless they are quoted already. A name that begins or ends with
// a dot is one part.
func Quote(name string, quote byte) ([]string, error) {
	if name == "" {
		return nil, module.Fail("Identifier name unspecified or unquoted trailing dot", nil)
	}
	q := string(quote)
	if name[0] == quote {
		if end := closing(name, quote); end > 0 {
			switch {
			case end == len(name)-1:
				return []string{name}, nil
			case name[end+1] != '.':
				return nil, module.Fail("User escaped identifiers must escape extra quotes", nil)
			}
			rest, err := Quote(name[end+2:], quote)
			return slices.Insert(rest, 0, name[:end+1]), err
		}
	}
	escape := func(s string) string { return q + strings.ReplaceAll(s, q, q+q) + q }
	dot := strings.IndexByte(name, '.')
	if dot <= 0 || dot == len(name)-1 {
		return []string{escape(name)}, nil
	}
	rest, err := Quote(name[dot+1:], quote)
	return slices.Insert(rest, 0, escape(name[:dot])), err
}

// closing is where the quoted text at the start of name ends; 0 when it does not.
func closing(name string, quote byte) int {
	for i := 1; i < len(name); i++ {
		if name[i] != quote {
			continue
		}
		if i+1 == len(name) || name[i+1] != quote {
			return i
		}
		i++
	}
	return 0
}
