package lookup

import "github.com/troupe-automation/troupe/value"

// together gives the first elements of all lists, the second ones …; short lists are filled with None.
func together(c *Call) ([]value.Value, error) {
	if len(c.Terms) == 0 {
		return nil, errorf("with_together requires at least one element in each list")
	}
	longest := 0
	columns := make([][]value.Value, len(c.Terms))
	for i, t := range c.Terms {
		columns[i] = asList(t)
		longest = max(longest, len(columns[i]))
	}
	var out []value.Value
	for i := range longest {
		row := make([]value.Value, len(columns))
		for j, col := range columns {
			row[j] = value.None
			if i < len(col) {
				row[j] = col[i]
			}
		}
		out = append(out, value.NewList(flatten(row)...))
	}
	return out, nil
}
