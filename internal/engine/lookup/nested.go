package lookup

import "github.com/troupe-automation/troupe/value"

// asList is a term of nested and together as a list: anything that is none becomes one of one element.
func asList(t value.Value) []value.Value {
	if elems, ok := sequenceOf(t); ok {
		return elems
	}
	return []value.Value{t}
}

// splice joins the elements of v, taking lists apart one level; v itself must be something that can be walked.
func splice(v value.Value) (value.Value, error) {
	if s, ok := value.AsString(v); ok {
		out := value.NewList()
		for _, r := range s {
			out.Elems = append(out.Elems, value.Str(string(r)))
		}
		return out, nil
	}
	elems, ok := sequenceOf(v)
	if !ok {
		collected, err := value.Collect(v)
		if err != nil {
			return nil, err
		}
		elems = collected
	}
	return value.NewList(flatten(elems)...), nil
}

// nested gives every combination of one element of each list.
func nested(c *Call) ([]value.Value, error) {
	if len(c.Terms) == 0 {
		return nil, errorf("with_nested requires at least one element in the nested list")
	}
	result := asList(c.Terms[0])
	for _, t := range c.Terms[1:] {
		var next []value.Value
		for _, x := range result {
			for _, y := range asList(t) {
				next = append(next, value.NewList(flatten([]value.Value{x, y})...))
			}
		}
		result = next
	}
	out := make([]value.Value, 0, len(result))
	for _, row := range result {
		flat, err := splice(row)
		if err != nil {
			return nil, err
		}
		out = append(out, flat)
	}
	return out, nil
}
