package postgresql

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/sqlname"
	"github.com/troupe-automation/troupe/module"
)

// postgresName quotes the name of a kind of object that may have as many parts.
func postgresName(name, kind string, parts int) (string, error) {
	list, err := sqlname.Quote(name, '"')
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
