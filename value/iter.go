package value

import (
	"math/big"
	"strconv"
	"unicode/utf8"
)

// Set is Python's set. It keeps the order of insertion, so that output does not change from run to run.
type Set struct{ d Dict }

// TypeName is "set".
func (*Set) TypeName() string { return "set" }

// SetOf returns a set of the elements. Unhashable elements give Python's TypeError.
func SetOf(elems ...Value) (*Set, error) {
	s := &Set{}
	for _, e := range elems {
		if err := s.Add(e); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Len is the number of elements.
func (s *Set) Len() int { return s.d.Len() }

// Add adds an element.
func (s *Set) Add(v Value) error {
	v, err := Norm(v)
	if err != nil {
		return err
	}
	if u, ok := v.(*Undefined); ok && u.Kind != Lenient {
		return u.Err()
	}
	if _, ok, err := s.d.Get(v); ok || err != nil {
		return err
	}
	return s.d.Set(v, None)
}

// Has reports whether v is in the set.
func (s *Set) Has(v Value) (bool, error) {
	v, err := Norm(v)
	if err != nil {
		return false, err
	}
	if t, ok := v.(*Set); ok {
		_ = t
		return false, TypeErrorf("unhashable type: 'set'")
	}
	_, ok, err := s.d.Get(v)
	return ok, err
}

// Remove removes v and reports whether it was there.
func (s *Set) Remove(v Value) (bool, error) { return s.d.Delete(v) }

// Elems returns the elements in order of insertion.
func (s *Set) Elems() []Value { return s.d.Keys() }

// HashKey says that a set cannot be a key.
func (*Set) HashKey() any { return nil }

func (s *Set) subset(t *Set) bool {
	for k := range s.d.All() {
		if _, ok, _ := t.d.Get(k); !ok {
			return false
		}
	}
	return true
}

// asSet gives the set behind a set or a keys/items view.
func asSet(v Value) (*Set, bool) {
	switch v := v.(type) {
	case *Set:
		return v, true
	case *View:
		if v.Kind != ViewValues {
			s, err := SetOf(v.elems()...)
			return s, err == nil
		}
	}
	return nil, false
}

// Range is Python's range.
type Range struct{ Start, Stop, Step int64 }

// TypeName is "range".
func (*Range) TypeName() string { return "range" }

// Len is the number of elements.
func (r *Range) Len() int {
	if r.Step > 0 && r.Start < r.Stop {
		return int((uint64(r.Stop-r.Start)-1)/uint64(r.Step) + 1)
	}
	if r.Step < 0 && r.Start > r.Stop {
		return int((uint64(r.Start-r.Stop)-1)/uint64(-r.Step) + 1)
	}
	return 0
}

// At returns element i, which must exist.
func (r *Range) At(i int) Value { return Int(r.Start + int64(i)*r.Step) }

func (r *Range) repr() string {
	s := "range(" + strconv.FormatInt(r.Start, 10) + ", " + strconv.FormatInt(r.Stop, 10)
	if r.Step != 1 {
		s += ", " + strconv.FormatInt(r.Step, 10)
	}
	return s + ")"
}

func (r *Range) equal(o *Range) bool {
	n := r.Len()
	if n != o.Len() {
		return false
	}
	return n == 0 || r.Start == o.Start && (n == 1 || r.Step == o.Step)
}

func (r *Range) contains(x Value) (bool, error) {
	if u, ok := x.(*Undefined); ok && u.Kind != Lenient {
		return false, u.Err()
	}
	f, ok := toFloat(x)
	if !ok || f != float64(int64(f)) {
		return false, nil
	}
	n := int64(f)
	if i, ok := toInt64(x); ok {
		n = i
	}
	if r.Step > 0 {
		return n >= r.Start && n < r.Stop && (n-r.Start)%r.Step == 0, nil
	}
	return n <= r.Start && n > r.Stop && (r.Start-n)%(-r.Step) == 0, nil
}

// MaxRange bounds how many numbers a range that is walked or listed may give, so that a template cannot exhaust memory.
const MaxRange = 10_000_000

// NewRange is range(*args).
func NewRange(args ...Value) (Value, error) {
	if len(args) == 0 {
		return nil, TypeErrorf("range expected at least 1 argument, got 0")
	}
	if len(args) > 3 {
		return nil, TypeErrorf("range expected at most 3 arguments, got %d", len(args))
	}
	var n [3]int64
	for i, a := range args {
		v, err := Index(a)
		if err != nil {
			return nil, err
		}
		n[i] = v
	}
	r := &Range{Step: 1}
	switch len(args) {
	case 1:
		r.Stop = n[0]
	case 2:
		r.Start, r.Stop = n[0], n[1]
	case 3:
		r.Start, r.Stop, r.Step = n[0], n[1], n[2]
		if r.Step == 0 {
			return nil, ValueErrorf("range() arg 3 must not be zero")
		}
	}
	return r, nil
}

// Index is operator.index for numbers that fit 64 bits.
func Index(v Value) (int64, error) {
	switch x := v.(type) {
	case Int:
		return int64(x), nil
	case Bool:
		n, _ := toInt64(x)
		return n, nil
	case *BigInt:
		return 0, Errorf("OverflowError", "Python int too large to convert to C ssize_t")
	case *Undefined:
		if x.Kind != Lenient {
			return 0, x.Err()
		}
	case Lazy:
		f, err := x.Force()
		if err != nil {
			return 0, err
		}
		return Index(f)
	}
	return 0, TypeErrorf("'%s' object cannot be interpreted as an integer", v.TypeName())
}

// ViewKind says which view of a dict it is.
type ViewKind uint8

// The three views.
const (
	ViewKeys ViewKind = iota
	ViewValues
	ViewItems
)

// View is dict.keys(), values() or items(): it follows changes of the dict.
type View struct {
	Dict *Dict
	Kind ViewKind
}

// TypeName is "dict_keys", "dict_values" or "dict_items".
func (v *View) TypeName() string {
	return [...]string{"dict_keys", "dict_values", "dict_items"}[v.Kind]
}

func (v *View) elems() []Value {
	out := make([]Value, 0, v.Dict.Len())
	for k, e := range v.Dict.All() {
		switch v.Kind {
		case ViewKeys:
			out = append(out, k)
		case ViewValues:
			out = append(out, e)
		default:
			out = append(out, NewTuple(k, e))
		}
	}
	return out
}

// HashKey says that a view cannot be a key.
func (*View) HashKey() any { return nil }

// Iter is a Python iterator or generator: it can be walked once. Name is its type's name.
type Iter struct {
	Name string
	It   Iterator
}

// TypeName is the name of the iterator's type: "generator", "list_iterator", "map" …
func (i *Iter) TypeName() string { return i.Name }

// Iterate returns the iterator itself.
func (i *Iter) Iterate() (Iterator, error) { return i.It, nil }

// Repr is Python's spelling, with an address that nothing has: it is the same in every run.
func (i *Iter) Repr() (string, error) { return "<" + i.Name + " object at 0x7f0000000000>", nil }

// Generator returns a one-time iterator that calls next until it reports false.
func Generator(next func() (Value, bool, error)) *Iter {
	return &Iter{Name: "generator", It: IterFunc(next)}
}

// IterFunc is an Iterator made of one function.
type IterFunc func() (Value, bool, error)

// Next calls the function.
func (f IterFunc) Next() (Value, bool, error) { return f() }

// SliceIter returns an iterator over elems.
func SliceIter(elems []Value) Iterator { return &sliceIter{elems: elems} }

type sliceIter struct {
	elems []Value
	i     int
}

func (s *sliceIter) Next() (Value, bool, error) {
	if s.i >= len(s.elems) {
		return nil, false, nil
	}
	s.i++
	return s.elems[s.i-1], true, nil
}

// listIter walks a list that may grow or shrink meanwhile, as Python's does.
type listIter struct {
	l *List
	i int
}

func (s *listIter) Next() (Value, bool, error) {
	if s.i >= len(s.l.Elems) {
		return nil, false, nil
	}
	s.i++
	return s.l.Elems[s.i-1], true, nil
}

type dictIter struct {
	d    *Dict
	kind ViewKind
	i    int
	n    int
}

func (it *dictIter) Next() (Value, bool, error) {
	if it.d.live != it.n {
		return nil, false, Errorf("RuntimeError", "dictionary changed size during iteration")
	}
	for it.i < len(it.d.entries) {
		e := it.d.entries[it.i]
		it.i++
		if e.key == nil {
			continue
		}
		switch it.kind {
		case ViewKeys:
			return e.key, true, nil
		case ViewValues:
			return e.val, true, nil
		}
		return NewTuple(e.key, e.val), true, nil
	}
	return nil, false, nil
}

type strIter struct{ s string }

func (it *strIter) Next() (Value, bool, error) {
	if it.s == "" {
		return nil, false, nil
	}
	_, n := utf8.DecodeRuneInString(it.s)
	c := it.s[:n]
	it.s = it.s[n:]
	return Str(c), true, nil
}

// Iterate is iter(v).
func Iterate(v Value) (Iterator, error) {
	switch v := v.(type) {
	case *List:
		return &listIter{l: v}, nil
	case *Tuple:
		return SliceIter(v.Elems), nil
	case *Dict:
		return &dictIter{d: v, n: v.live}, nil
	case *View:
		return &dictIter{d: v.Dict, kind: v.Kind, n: v.Dict.live}, nil
	case *Set:
		return SliceIter(v.Elems()), nil
	case *Range:
		i, n := 0, v.Len()
		return IterFunc(func() (Value, bool, error) {
			if i >= n {
				return nil, false, nil
			}
			i++
			return v.At(i - 1), true, nil
		}), nil
	case Bytes:
		i := 0
		return IterFunc(func() (Value, bool, error) {
			if i >= len(v) {
				return nil, false, nil
			}
			i++
			return Int(v[i-1]), true, nil
		}), nil
	case *Undefined:
		if v.Kind == Lenient {
			return SliceIter(nil), nil
		}
		return nil, v.Err()
	case Iterable:
		return v.Iterate()
	case *Encrypted:
		s, err := v.Plain()
		if err != nil {
			return nil, err
		}
		return &strIter{s}, nil
	case Lazy:
		f, err := v.Force()
		if err != nil {
			return nil, err
		}
		return Iterate(f)
	case Mapping:
		ks, err := v.Keys()
		if err != nil {
			return nil, err
		}
		return SliceIter(ks), nil
	}
	if s, ok := AsString(v); ok {
		return &strIter{s}, nil
	}
	return nil, TypeErrorf("'%s' object is not iterable", qualifiedName(v))
}

// Collect is list(v): the elements of any iterable. The slice is the caller's own.
func Collect(v Value) ([]Value, error) {
	switch x := v.(type) {
	case *List:
		return append([]Value(nil), x.Elems...), nil
	case *Tuple:
		return append([]Value(nil), x.Elems...), nil
	case *Dict:
		return x.Keys(), nil
	case *Set:
		return x.Elems(), nil
	case *View:
		return x.elems(), nil
	}
	if r, ok := v.(*Range); ok && r.Len() > MaxRange {
		return nil, Errorf("MemoryError", "range of %d elements is larger than the limit of %d", r.Len(), MaxRange)
	}
	it, err := Iterate(v)
	if err != nil {
		return nil, err
	}
	return Drain(it)
}

// Drain collects what is left of an iterator.
func Drain(it Iterator) ([]Value, error) {
	var out []Value
	for {
		v, ok, err := it.Next()
		if err != nil {
			return nil, err
		}
		if !ok {
			return out, nil
		}
		if len(out) >= MaxRange {
			return nil, Errorf("MemoryError", "more than %d elements", MaxRange)
		}
		out = append(out, v)
	}
}

// IsIterable reports whether iter(v) works.
func IsIterable(v Value) bool {
	switch v.(type) {
	case *List, *Tuple, *Dict, *View, *Set, *Range, Bytes, Iterable, Mapping:
		return true
	case *Undefined:
		return false
	}
	if l, ok := v.(Lazy); ok {
		f, err := l.Force()
		return err == nil && IsIterable(f)
	}
	return IsString(v)
}

// Len is len(v).
func Len(v Value) (int, error) {
	switch v := v.(type) {
	case *List:
		return len(v.Elems), nil
	case *Tuple:
		return len(v.Elems), nil
	case *Dict:
		return v.Len(), nil
	case *Set:
		return v.Len(), nil
	case *View:
		return v.Dict.Len(), nil
	case *Range:
		return v.Len(), nil
	case Bytes:
		return len(v), nil
	case *Undefined:
		if v.Kind == Lenient {
			return 0, nil
		}
		return 0, v.Err()
	case Sized:
		return v.Len()
	case *Encrypted:
		s, err := v.Plain()
		return utf8.RuneCountInString(s), err
	case Lazy:
		f, err := v.Force()
		if err != nil {
			return 0, err
		}
		return Len(f)
	case Mapping:
		ks, err := v.Keys()
		return len(ks), err
	}
	if s, ok := AsString(v); ok {
		return utf8.RuneCountInString(s), nil
	}
	return 0, TypeErrorf("object of type '%s' has no len()", qualifiedName(v))
}

// bigOne is used for rounding and shifts.
var bigOne = big.NewInt(1)
