package lookup

import "github.com/troupe-automation/troupe/value"

// indexedItems gives (position, element) for the elements that items gives.
func indexedItems(c *Call) ([]value.Value, error) {
	var out []value.Value
	for i, v := range flatten(c.Terms) {
		out = append(out, value.NewTuple(value.Int(i), v))
	}
	return out, nil
}
