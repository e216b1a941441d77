package lookup

import (
	"os"
	"strings"

	"github.com/troupe-automation/troupe/value"
)

// env gives environment variables of the controller.
func env(c *Call) ([]value.Value, error) {
	fallback, err := c.option("default", nil)
	if err != nil {
		return nil, err
	}
	var out []value.Value
	for _, t := range c.Terms {
		s, err := text(t)
		if err != nil {
			return nil, err
		}
		words := strings.Fields(s)
		if len(words) == 0 {
			return nil, value.Errorf("IndexError", "list index out of range")
		}
		if v, ok := os.LookupEnv(words[0]); ok {
			out = append(out, value.Str(v))
			continue
		}
		if _, ok := fallback.(*value.Undefined); ok {
			return nil, value.Errorf("AnsibleUndefinedVariable", "The \"env\" lookup, found an undefined variable: %s", words[0])
		}
		out = append(out, fallback)
	}
	return out, nil
}
