package lookup

import "github.com/troupe-automation/troupe/value"

// maxCombinations bounds what cartesian gives.
const maxCombinations = 10_000_000

// cartesian gives the product of lists. It is community.general's; its builtin name still leads there.
func cartesian(c *Call) ([]value.Value, error) {
	total := 1
	for _, t := range c.Terms {
		total *= len(asList(t))
		if total > maxCombinations {
			return nil, errorf("with_cartesian would give more than %d combinations", maxCombinations)
		}
	}
	if len(c.Terms) == 0 {
		return nil, errorf("with_cartesian requires at least one element in each list")
	}
	out := make([]value.Value, 0, total)
	for i := range total {
		row := make([]value.Value, len(c.Terms))
		rest := i
		for j := len(c.Terms) - 1; j >= 0; j-- {
			elems := asList(c.Terms[j])
			row[j] = elems[rest%len(elems)]
			rest /= len(elems)
		}
		out = append(out, value.NewList(flatten(row)...))
	}
	return out, nil
}
