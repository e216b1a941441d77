package lookup

import "github.com/troupe-automation/troupe/value"

// flattened gives the elements of lists within lists, however deep. It is community.general's; its builtin name still leads
// there. A list ends at the first null, "None" or "null" inside it.
func flattened(c *Call) ([]value.Value, error) {
	var out []value.Value
	var walk func(terms []value.Value)
	walk = func(terms []value.Value) {
		for _, t := range terms {
			if t == value.None || t == value.Value(value.Str("None")) || t == value.Value(value.Str("null")) {
				return
			}
			if elems, ok := sequenceOf(t); ok {
				walk(elems)
				continue
			}
			out = append(out, t)
		}
	}
	walk(c.Terms)
	return out, nil
}
