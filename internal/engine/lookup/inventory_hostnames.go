package lookup

import "github.com/troupe-automation/troupe/value"

// inventoryHostnames gives the names of the hosts that match patterns.
func inventoryHostnames(c *Call) ([]value.Value, error) {
	patterns := make([]string, 0, len(c.Terms))
	for _, t := range flatten(c.Terms) {
		s, err := text(t)
		if err != nil {
			return nil, err
		}
		patterns = append(patterns, s)
	}
	names, err := c.Hosts(patterns)
	if err != nil {
		return nil, nil // a pattern that is none matches nothing
	}
	return texts(names), nil
}
