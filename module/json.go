package module

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// DecodeJSON reads exactly one JSON value as arguments and results hold it: whole numbers that fit are int64, all others
// float64, arrays []any, objects map[string]any. Modules read with it what commands and servers answer, the agent the
// arguments of a call.
func DecodeJSON(b []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the JSON value")
	}
	return wholeNumbers(v), nil
}

func wholeNumbers(v any) any {
	switch x := v.(type) {
	case json.Number:
		if i, err := x.Int64(); err == nil {
			return i
		}
		f, _ := x.Float64() // out of range is infinite, as in Python
		return f
	case []any:
		for i := range x {
			x[i] = wholeNumbers(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = wholeNumbers(x[k])
		}
	}
	return v
}
