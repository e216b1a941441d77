package domain

import (
	"math"
)

// Kind is the type of a field, in the words that OPTIONS prints: clients choose their flags and parsers by it.
type Kind string

// The kinds of fields.
const (
	String   Kind = "string"
	Integer  Kind = "integer"
	Boolean  Kind = "boolean"
	ID       Kind = "id"
	JSON     Kind = "json"
	Choice   Kind = "choice"
	DateTime Kind = "datetime"
	Decimal  Kind = "decimal"
	Shown    Kind = "field"
	List     Kind = "list"
	Object   Kind = "object"
)

// Field is one attribute of a resource. One line of a declaration makes its column, its validation, its place in OPTIONS,
// whether it can be filtered by, and how it is shown.
type Field struct {
	Name     string
	Kind     Kind
	To       Type // the resource that an ID points to
	ReadOnly bool
	Required bool
	Null     bool
	Default  any
	Default0 bool // there is a default, be it nil
	Choices  []any
	MaxLen   int
	Min, Max *int64

	Detail    bool // shown in details, not in lists
	Write     bool // accepted, never stored under its name nor shown
	Secret    bool // stored encrypted, shown as $encrypted$
	Hidden    bool // a column that is no field of replies
	Linked    bool // a hidden reference that related names
	Told      bool // a hidden reference that summary_fields tell of
	Unfilter  bool // not to be filtered by
	Variables bool // a text that holds a dictionary as JSON or YAML
	Computed  bool // no column: the API makes it
	OnDelete  Deletion
}

// Deletion is what happens to a row when the row it points to goes.
type Deletion int

// What happens to pointing rows.
const (
	SetNull Deletion = iota
	Cascade
)

// Column tells whether the field has a column of its own.
func (f *Field) Column() bool { return !f.Computed && !f.Write }

// Filterable tells whether lists may be filtered by the field.
func (f *Field) Filterable() bool { return f.Column() && !f.Unfilter && !f.Hidden }

func text(name string) Field   { return Field{Name: name, Kind: String} }
func number(name string) Field { return Field{Name: name, Kind: Integer} }
func flag(name string) Field   { return Field{Name: name, Kind: Boolean} }
func object(name string) Field { return Field{Name: name, Kind: JSON} }
func moment(name string) Field { return Field{Name: name, Kind: DateTime}.OrNull() }
func ref(name string, to Type) Field {
	return Field{Name: name, Kind: ID, To: to, Null: true}
}
func decimal(name string) Field { return Field{Name: name, Kind: Decimal} }
func shown(name string) Field   { return Field{Name: name, Kind: Shown, Computed: true, ReadOnly: true} }
func choice(name string, values ...any) Field {
	return Field{Name: name, Kind: Choice, Choices: values}
}

// variables is a text that must hold a dictionary, as JSON or YAML; it is kept as it was written.
func variables(name string) Field {
	return Field{Name: name, Kind: JSON, Variables: true}.Def("")
}

// RO makes a field that clients may read only.
func (f Field) RO() Field { f.ReadOnly = true; return f }

// Need makes a field that a new object must have.
func (f Field) Need() Field { f.Required, f.Null = true, false; return f }

// Def sets what a new object has when the client says nothing.
func (f Field) Def(v any) Field {
	f.Default, f.Default0 = v, true
	f.Null = f.Null || v == nil
	return f
}

// OrNull lets the field be null.
func (f Field) OrNull() Field { f.Null = true; return f }

// Most limits the length of a text.
func (f Field) Most(n int) Field { f.MaxLen = n; return f }

// Range limits a number; math.MaxInt64 means no upper limit.
func (f Field) Range(low, high int64) Field {
	f.Min = &low
	if high != math.MaxInt64 {
		f.Max = &high
	}
	return f
}

// InDetail keeps a field out of lists.
func (f Field) InDetail() Field { f.Detail = true; return f }

// WriteOnly makes a field that is accepted and does something else than being stored.
func (f Field) WriteOnly() Field { f.Write = true; return f }

// NoFilter takes a field out of filters.
func (f Field) NoFilter() Field { f.Unfilter = true; return f }

// Hide makes a column that is no field of replies; Link and Tell show the object that it points to.
func (f Field) Hide() Field { f.Hidden, f.ReadOnly = true, true; return f }

// Link puts a hidden reference into related.
func (f Field) Link() Field { f.Linked = true; return f }

// Tell puts a hidden reference into summary_fields.
func (f Field) Tell() Field { f.Told = true; return f }

// Encrypted makes a field that is stored encrypted and shown as $encrypted$.
func (f Field) Encrypted() Field { f.Secret = true; return f }

// As sets the type that OPTIONS prints.
func (f Field) As(k Kind) Field { f.Kind = k; return f }

// Owns makes rows go when the row that the field points to goes.
func (f Field) Owns() Field { f.OnDelete = Cascade; return f }

// J is a JSON literal as a default.
type J string

// Zero is the value of the field in a new row when neither client nor declaration says anything.
func (f *Field) Zero() any {
	if f.Default0 {
		return f.Default
	}
	if f.Null || f.To != "" {
		return nil
	}
	switch f.Kind {
	case Integer, Decimal, ID:
		return int64(0)
	case Boolean:
		return false
	case JSON:
		if f.Variables {
			return ""
		}
		return J("{}")
	}
	return ""
}

// MarshalJSON writes the literal itself.
func (j J) MarshalJSON() ([]byte, error) { return []byte(j), nil }
