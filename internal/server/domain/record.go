package domain

import (
	"encoding/json"
	"sync"
	"time"
)

var loaded sync.Once

// Record is one row: field name to string, int64, float64, bool, json.RawMessage or nil.
type Record map[string]any

// ID is the row's id.
func (r Record) ID() int64 { return r.Int("id") }

// Type is the row's type where the table holds several.
func (r Record) Type() Type { return Type(r.Str("type")) }

// Str is a text, "" when there is none.
func (r Record) Str(name string) string {
	switch v := r[name].(type) {
	case string:
		return v
	case json.RawMessage:
		return string(v)
	}
	return ""
}

// Int is a number, 0 when there is none.
func (r Record) Int(name string) int64 {
	switch v := r[name].(type) {
	case int64:
		return v
	case int:
		return int64(v)
	case float64:
		return int64(v)
	}
	return 0
}

// Bool is a switch.
func (r Record) Bool(name string) bool {
	b, _ := r[name].(bool)
	return b
}

// Has tells whether there is a value that is not null.
func (r Record) Has(name string) bool { return r[name] != nil }

// Into decodes a JSON field; a field without value leaves dst alone.
func (r Record) Into(name string, dst any) error {
	switch v := r[name].(type) {
	case json.RawMessage:
		if len(v) == 0 {
			return nil
		}
		return json.Unmarshal(v, dst)
	case J:
		return json.Unmarshal([]byte(v), dst)
	case string:
		if v == "" {
			return nil
		}
		return json.Unmarshal([]byte(v), dst)
	}
	return nil
}

// Time is a moment, the zero time when there is none.
func (r Record) Time(name string) time.Time {
	t, _ := time.Parse(TimeLayout, r.Str(name))
	return t
}

// TimeLayout is how moments are stored and shown: UTC with six digits, so that text sorts as time does.
const TimeLayout = "2006-01-02T15:04:05.000000Z"

// Stamp is a moment as it is stored.
func Stamp(t time.Time) string { return t.UTC().Format(TimeLayout) }

// Encode is a value as a JSON field.
func Encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only our own plain values come here
	}
	return b
}
