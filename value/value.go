// Package value is Python's data model in Go: what playbooks, variables, templates and results are made of.
//
// A Value is one of the concrete types of this package (None, Bool, Int, *BigInt, Float, Str, Bytes, *List, *Tuple,
// *Dict, *Set, …) or an object of another package that implements the protocol interfaces it needs (Attributed,
// Indexed, Callable, Iterable …). Operations follow CPython 3.11 to the letter, error texts included, because users
// see and search them.
//
// Trust is a matter of type. Text that was loaded as content and may hold a template is a *Template; every other
// string is a Str and can never be evaluated.
//
// Called by jinja, the loaders under internal/lang and internal/content, the engine, and callbacks. It knows nothing of Ansible.
package value

import (
	"math/big"
	"sync/atomic"

	"github.com/troupe-automation/troupe/internal/source"
)

// Value is any Python-shaped value. TypeName is what type(v).__name__ says: "int", "str", "dict" …
type Value interface {
	TypeName() string
}

// NoneType is the type of None.
type NoneType struct{}

// None is Python's None.
var None Value = NoneType{}

// Bool is Python's bool. It counts as an int in arithmetic, comparison and hashing.
type Bool bool

// True and False save a conversion at call sites.
const (
	True  Bool = true
	False Bool = false
)

// Int is an int that fits 64 bits. Results that do not fit become *BigInt; see NewBig.
type Int int64

// BigInt is an int that does not fit an Int. Its number is never changed after construction.
type BigInt struct{ Num *big.Int }

// NewBig returns n as an Int when it fits, else as a *BigInt. The result keeps n: do not change it afterwards.
func NewBig(n *big.Int) Value {
	if n.IsInt64() {
		return Int(n.Int64())
	}
	return &BigInt{Num: n}
}

// Float is Python's float.
type Float float64

// Str is Python's str, held as UTF-8. It is data: never a template, whatever it contains.
type Str string

// Bytes is Python's bytes.
type Bytes string

// List is Python's list.
type List struct{ Elems []Value }

// NewList returns a list that owns elems.
func NewList(elems ...Value) *List { return &List{Elems: elems} }

// Tuple is Python's tuple. One with a Kind is a named tuple.
type Tuple struct {
	Elems []Value
	Kind  *TupleKind
}

// TupleKind is the class of a named tuple.
type TupleKind struct {
	Name   string
	Module string // of the class, where messages name it
	Fields []string
	Plain  bool // prints as a plain tuple
}

// NewTuple returns a tuple that owns elems.
func NewTuple(elems ...Value) *Tuple { return &Tuple{Elems: elems} }

// NewNamedTuple returns a named tuple that prints as a plain one.
func NewNamedTuple(module, name string, fields []string, elems ...Value) *Tuple {
	return &Tuple{Elems: elems, Kind: &TupleKind{Name: name, Module: module, Fields: fields, Plain: true}}
}

// Template is text that was loaded as content (playbook, vars file, inventory, command line) and contains a
// template marker. Only values of this type can be evaluated. Its Python type is str.
type Template struct {
	Text string
	Pos  source.Pos // where the scalar that holds the text starts

	program atomic.Value
}

// NewTemplate returns text as a template found at pos.
func NewTemplate(text string, pos source.Pos) *Template { return &Template{Text: text, Pos: pos} }

// Program returns what SetProgram stored, or nil: the compiled form, kept beside its source by whoever compiles.
func (t *Template) Program() any { return t.program.Load() }

// SetProgram keeps the compiled form of the text. Every call must give a value of the same Go type.
func (t *Template) SetProgram(p any) { t.program.Store(p) }

// Encrypted is a `!vault` scalar: opened only when it is read. Its Python type is str.
type Encrypted struct {
	Cipher string // the envelope, as written
	Pos    source.Pos
	Open   func(cipher string) (string, error) // returns the plain text

	opened atomic.Pointer[string]
}

func (NoneType) TypeName() string   { return "NoneType" }
func (Bool) TypeName() string       { return "bool" }
func (Int) TypeName() string        { return "int" }
func (*BigInt) TypeName() string    { return "int" }
func (Float) TypeName() string      { return "float" }
func (Str) TypeName() string        { return "str" }
func (Bytes) TypeName() string      { return "bytes" }
func (*List) TypeName() string      { return "list" }
func (*Dict) TypeName() string      { return "dict" }
func (*Template) TypeName() string  { return "str" }
func (*Encrypted) TypeName() string { return "str" }

// TypeName is "tuple", or the class name of a named tuple.
func (t *Tuple) TypeName() string {
	if t.Kind != nil {
		return t.Kind.Name
	}
	return "tuple"
}

// QualifiedTypeName is the type with the module of a named tuple, as Jinja names objects that lack an attribute.
func (t *Tuple) QualifiedTypeName() string {
	if t.Kind != nil && t.Kind.Module != "" {
		return t.Kind.Module + "." + t.Kind.Name
	}
	return t.TypeName()
}
