package module

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
)

// lastReturns end every result: what all modules say of a file, the parameters, and what was said beside.
var lastReturns = []string{"uid", "gid", "owner", "group", "mode", "state", "secontext", "size", "invocation", "warnings", "deprecations"}

// Encode is the JSON of a result of m, called with the parameters given. Playbooks show dicts in the order in which they were made
// (a loop over what was registered does), so a module that is looped over says in Returns which order that is; for all others
// it does not matter and costs nothing.
func (m *Module) Encode(r Result, given json.RawMessage) ([]byte, error) {
	if len(m.Returns) == 0 {
		return json.Marshal(r)
	}
	e := &encoder{keys: map[string]int{}}
	for i, k := range lastReturns {
		e.keys[k] = 1 + i
	}
	for i, k := range m.Returns {
		e.keys[k] = i - len(m.Returns)
	}
	if _, ok := r["invocation"]; ok {
		e.args = m.argOrder(given)
	}
	err := e.dict(r, e.keys)
	return e.b.Bytes(), err
}

// argOrder ranks parameters as Ansible lists them: those that were given, as they came, then the defaults, then what is null.
func (m *Module) argOrder(given json.RawMessage) map[string]int {
	var order []string
	dec := json.NewDecoder(bytes.NewReader(given))
	for depth := 0; ; { // keys stand where the depth is 1 and a value is not due
		tok, err := dec.Token()
		if err != nil {
			break
		}
		if d, ok := tok.(json.Delim); ok {
			if d == '{' || d == '[' {
				depth++
			} else {
				depth--
			}
			continue
		}
		if k, ok := tok.(string); ok && depth == 1 {
			order = append(order, k)
			var skipped json.RawMessage
			if dec.Decode(&skipped) != nil {
				break
			}
		}
	}
	options := m.Spec.AllOptions()
	for _, withDefault := range []bool{true, false} {
		for i := range options {
			// What the environment can set is a default, too.
			if o := &options[i]; (o.Default != nil || o.Name == "unsafe_writes") == withDefault && !slices.Contains(order, o.Name) {
				order = append(order, o.Name)
			}
		}
	}
	ranks := make(map[string]int, len(order))
	for i, k := range order {
		ranks[k] = i - len(order)
	}
	return ranks
}

// encoder writes what Execute returns.
type encoder struct {
	b          bytes.Buffer
	keys, args map[string]int // ranks; what has none stands at 0, by name
}

func (e *encoder) dict(d map[string]any, ranks map[string]int) error {
	keys := slices.SortedFunc(maps.Keys(d), func(a, b string) int {
		return cmp.Or(cmp.Compare(ranks[a], ranks[b]), cmp.Compare(a, b))
	})
	e.b.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			e.b.WriteByte(',')
		}
		if err := e.value(k); err != nil {
			return err
		}
		e.b.WriteByte(':')
		if args, ok := d[k].(map[string]any); ok && k == "module_args" {
			if err := e.dict(args, e.args); err != nil {
				return err
			}
		} else if err := e.value(d[k]); err != nil {
			return err
		}
	}
	e.b.WriteByte('}')
	return nil
}

func (e *encoder) value(v any) error {
	switch x := v.(type) {
	case map[string]any:
		return e.dict(x, e.keys)
	case []any:
		e.b.WriteByte('[')
		for i := range x {
			if i > 0 {
				e.b.WriteByte(',')
			}
			if err := e.value(x[i]); err != nil {
				return err
			}
		}
		e.b.WriteByte(']')
		return nil
	}
	b, err := json.Marshal(v)
	e.b.Write(b)
	return err
}
