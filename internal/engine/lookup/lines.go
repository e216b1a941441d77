package lookup

import (
	"strings"

	"github.com/troupe-automation/troupe/value"
)

// lines gives the output of command lines, one element a line.
func lines(c *Call) ([]value.Value, error) {
	var out []value.Value
	for _, t := range c.Terms {
		s, err := c.shell(t)
		if err != nil {
			return nil, err
		}
		s = strings.TrimSuffix(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
		if s == "" {
			continue
		}
		out = append(out, texts(strings.Split(s, "\n"))...)
	}
	return out, nil
}
