package lookup

import "github.com/troupe-automation/troupe/value"

// dict gives {key, value} for every entry of mappings.
func dict(c *Call) ([]value.Value, error) {
	var out []value.Value
	for _, t := range c.Terms {
		d, ok := t.(*value.Dict)
		if !ok {
			return nil, errorf("with_dict expects a dict")
		}
		for k, v := range d.All() {
			out = append(out, value.DictOf("key", k, "value", v))
		}
	}
	return out, nil
}
