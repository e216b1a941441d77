package module

import (
	"bytes"
	"encoding/json"
)

// Ordered is a dict of a result with keys that are found, not known: playbooks loop over those in the order they were found in.
// The zero value is empty.
type Ordered struct {
	keys   []string
	values map[string]any
}

// Set gives the key a value; a new key comes last.
func (o *Ordered) Set(key string, v any) {
	if o.values == nil {
		o.values = map[string]any{}
	}
	if _, ok := o.values[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.values[key] = v
}

// Get is the key's value, nil when it has none.
func (o *Ordered) Get(key string) any { return o.values[key] }

// Len is the number of keys.
func (o *Ordered) Len() int { return len(o.keys) }

// MarshalJSON implements json.Marshaler.
func (o *Ordered) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, k := range o.keys {
		if i > 0 {
			b.WriteByte(',')
		}
		for _, v := range []any{k, o.values[k]} {
			text, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			b.Write(text)
			b.WriteByte(':')
		}
		b.Truncate(b.Len() - 1)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
