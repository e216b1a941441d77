package lookup

import (
	"github.com/troupe-automation/troupe/internal/lang/pyre"
	"github.com/troupe-automation/troupe/value"
)

// varnames gives the names of the variables that regular expressions find.
func varnames(c *Call) ([]value.Value, error) {
	var out []value.Value
	names := c.VariableNames()
	for _, t := range c.Terms {
		pattern, ok := value.AsString(t)
		if !ok {
			shown, _ := value.ToStr(t)
			return nil, errorf("Invalid setting identifier, \"%s\" is not a string, it is a %s", shown, pyClass(t))
		}
		re, err := pyre.Compile(pattern, 0)
		if err != nil {
			return nil, errorf("Unable to use \"%s\" as a search parameter: %s", pattern, err)
		}
		for _, name := range names {
			m, err := re.Search(name)
			if err != nil {
				return nil, errorf("Unable to use \"%s\" as a search parameter: %s", pattern, err)
			}
			if m != nil {
				out = append(out, value.Str(name))
			}
		}
	}
	return out, nil
}
