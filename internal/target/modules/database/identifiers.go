package database

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/module"
)

// quoteName quotes a name of up to most parts between dots, as it is in the database or quoted already, with quote. Without being
// quoted, a name that begins or ends with a dot is one part.
func quoteName(name string, quote byte) ([]string, error) {
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
			rest, err := quoteName(name[end+2:], quote)
			return slices.Insert(rest, 0, name[:end+1]), err
		}
	}
	escape := func(s string) string { return q + strings.ReplaceAll(s, q, q+q) + q }
	dot := strings.IndexByte(name, '.')
	if dot <= 0 || dot == len(name)-1 {
		return []string{escape(name)}, nil
	}
	rest, err := quoteName(name[dot+1:], quote)
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

// postgresName quotes the name of a kind of object that may have as many parts.
func postgresName(name, kind string, parts int) (string, error) {
	list, err := quoteName(name, '"')
	if err == nil && len(list) > parts {
		err = module.Fail(fmt.Sprintf("PostgreSQL does not support %s with more than %d dots", kind, parts), nil)
	}
	return strings.Join(list, "."), err
}

// suspicious are the patterns that trust_input=false refuses.
var suspicious = []*regexp.Regexp{
	regexp.MustCompile(`('|").*--`),
	regexp.MustCompile(`(?i)(UNION|INTERSECT|EXCEPT).*SELECT`),
	regexp.MustCompile(`(?i);.*(SELECT|UPDATE|INSERT|DELETE|DROP|TRUNCATE|ALTER)`),
}

// distrust refuses texts that might carry statements of somebody else, unless the call trusts its input.
func distrust(c *module.Call, texts ...string) error {
	if c.Bool("trust_input") {
		return nil
	}
	var found []string
	for _, t := range texts {
		if slices.ContainsFunc(suspicious, func(re *regexp.Regexp) bool { return re.MatchString(t) }) {
			found = append(found, t)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return module.Fail("Passed input '"+strings.Join(found, ", ")+"' is potentially dangerous", nil)
}
