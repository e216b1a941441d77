package value

import (
	"fmt"
	"iter"
	"math"
	"math/big"
	"strings"
)

// Dict is Python's dict: keys keep the order of insertion, and keys that compare equal (1, 1.0, True) are one key.
// The zero Dict is not ready; use NewDict. A Dict is not safe for concurrent writes.
type Dict struct {
	entries []entry
	strs    map[string]int32 // index of Str keys once there are more than smallDict entries
	rest    map[any]int32    // index of all other keys, by hashKey
	live    int
}

type entry struct {
	key, val Value // key == nil: deleted
}

// smallDict is the size up to which string keys are found by a walk: faster than a map, and no allocation.
const smallDict = 8

// NewDict returns an empty dict.
func NewDict() *Dict { return &Dict{} }

// DictOf returns a dict with string keys from alternating keys and values: DictOf("a", Int(1), "b", Str("x")).
func DictOf(pairs ...any) *Dict {
	d := NewDict()
	for i := 0; i+1 < len(pairs); i += 2 {
		d.SetStr(pairs[i].(string), pairs[i+1].(Value))
	}
	return d
}

// Len is the number of keys.
func (d *Dict) Len() int { return d.live }

func (d *Dict) findStr(k string) int {
	if d.strs != nil {
		if i, ok := d.strs[k]; ok {
			return int(i)
		}
		return -1
	}
	for i := range d.entries {
		if s, ok := d.entries[i].key.(Str); ok && string(s) == k {
			return i
		}
	}
	return -1
}

// GetStr returns the value of the string key k.
func (d *Dict) GetStr(k string) (Value, bool) {
	if i := d.findStr(k); i >= 0 {
		return d.entries[i].val, true
	}
	return nil, false
}

// SetStr sets the string key k. A key that exists keeps its place.
func (d *Dict) SetStr(k string, v Value) {
	if i := d.findStr(k); i >= 0 {
		d.entries[i].val = v
		return
	}
	d.entries = append(d.entries, entry{Str(k), v})
	d.live++
	if d.strs != nil {
		d.strs[k] = int32(len(d.entries) - 1)
	} else if len(d.entries) > smallDict {
		d.reindex()
	}
}

// DeleteStr removes the string key k and reports whether it was there.
func (d *Dict) DeleteStr(k string) bool {
	i := d.findStr(k)
	if i < 0 {
		return false
	}
	delete(d.strs, k)
	d.drop(i)
	return true
}

// Get returns the value of key k. An unhashable key gives Python's TypeError.
func (d *Dict) Get(k Value) (Value, bool, error) {
	if s, ok := k.(Str); ok {
		v, ok := d.GetStr(string(s))
		return v, ok, nil
	}
	h, err := hashKey(k)
	if err != nil {
		return nil, false, err
	}
	if s, ok := h.(string); ok {
		v, ok := d.GetStr(s)
		return v, ok, nil
	}
	if i, ok := d.rest[h]; ok {
		return d.entries[i].val, true, nil
	}
	return nil, false, nil
}

// Set sets key k. A key that exists keeps its place and its first spelling, as in Python ({1: a} then True).
func (d *Dict) Set(k, v Value) error {
	h, err := hashKey(k)
	if err != nil {
		return err
	}
	if s, ok := h.(string); ok {
		d.SetStr(s, v)
		return nil
	}
	if i, ok := d.rest[h]; ok {
		d.entries[i].val = v
		return nil
	}
	if d.rest == nil {
		d.rest = make(map[any]int32)
	}
	d.entries = append(d.entries, entry{k, v})
	d.live++
	d.rest[h] = int32(len(d.entries) - 1)
	return nil
}

// Delete removes key k and reports whether it was there.
func (d *Dict) Delete(k Value) (bool, error) {
	h, err := hashKey(k)
	if err != nil {
		return false, err
	}
	if s, ok := h.(string); ok {
		return d.DeleteStr(s), nil
	}
	i, ok := d.rest[h]
	if !ok {
		return false, nil
	}
	delete(d.rest, h)
	d.drop(int(i))
	return true, nil
}

// drop marks entry i deleted, and packs the entries once most of them are.
func (d *Dict) drop(i int) {
	d.entries[i] = entry{}
	d.live--
	if i == len(d.entries)-1 {
		d.entries = d.entries[:i]
		return
	}
	if len(d.entries) > 16 && d.live < len(d.entries)/2 || d.strs == nil && d.rest == nil {
		d.reindex()
	}
}

// reindex packs the entries and builds the indexes anew.
func (d *Dict) reindex() {
	packed := d.entries[:0]
	for _, e := range d.entries {
		if e.key != nil {
			packed = append(packed, e)
		}
	}
	clear(d.entries[len(packed):])
	d.entries = packed
	d.strs = nil
	if len(packed) > smallDict {
		d.strs = make(map[string]int32, len(packed)+len(packed)/2)
	}
	clear(d.rest)
	for i, e := range packed {
		if s, ok := e.key.(Str); ok {
			if d.strs != nil {
				d.strs[string(s)] = int32(i)
			}
			continue
		}
		if h, err := hashKey(e.key); err == nil {
			if d.rest == nil {
				d.rest = make(map[any]int32)
			}
			d.rest[h] = int32(i)
		}
	}
}

// Clear removes all keys.
func (d *Dict) Clear() { *d = Dict{} }

// All walks keys and values in order of insertion. The dict may be changed meanwhile only by Set on keys that exist.
func (d *Dict) All() iter.Seq2[Value, Value] {
	return func(yield func(Value, Value) bool) {
		for i := 0; i < len(d.entries); i++ {
			if e := d.entries[i]; e.key != nil && !yield(e.key, e.val) {
				return
			}
		}
	}
}

// Keys returns the keys in order of insertion.
func (d *Dict) Keys() []Value {
	ks := make([]Value, 0, d.live)
	for k := range d.All() {
		ks = append(ks, k)
	}
	return ks
}

// Copy returns a shallow copy.
func (d *Dict) Copy() *Dict {
	c := &Dict{entries: make([]entry, len(d.entries)), live: d.live}
	copy(c.entries, d.entries)
	c.reindex()
	return c
}

type (
	tupleKey string
	bytesKey string
	bigKey   string
	nanKey   struct{ bits uint64 }
	objKey   struct{ v Value }
)

// Hasher is implemented by objects of other packages that may be dict keys. The key must be comparable in Go, and equal
// for values that are equal.
type Hasher interface {
	HashKey() any
}

// hashKey maps a value to a Go value that is equal exactly when the Python values are equal: a string for Str,
// int64 for whole numbers of any type. Unhashable types give Python's TypeError.
func hashKey(v Value) (any, error) {
	switch v := v.(type) {
	case Str:
		return string(v), nil
	case *Template:
		return v.Text, nil
	case Bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case Int:
		return int64(v), nil
	case *BigInt:
		return bigKey(v.Num.String()), nil
	case Float:
		f := float64(v)
		if f == math.Trunc(f) && !math.IsInf(f, 0) {
			if f >= -9.2e18 && f <= 9.2e18 {
				return int64(f), nil
			}
			n, _ := new(big.Float).SetFloat64(f).Int(nil)
			if n.IsInt64() {
				return n.Int64(), nil
			}
			return bigKey(n.String()), nil
		}
		if math.IsNaN(f) {
			return nanKey{math.Float64bits(f)}, nil
		}
		return f, nil
	case NoneType:
		return v, nil
	case Bytes:
		return bytesKey(v), nil
	case *Tuple:
		var b strings.Builder
		for _, e := range v.Elems {
			h, err := hashKey(e)
			if err != nil {
				return nil, err
			}
			writeKey(&b, h)
		}
		return tupleKey(b.String()), nil
	case *List, *Dict:
		return nil, TypeErrorf("unhashable type: '%s'", v.TypeName())
	case Hasher:
		k := v.HashKey()
		if k == nil {
			return nil, TypeErrorf("unhashable type: '%s'", v.(Value).TypeName())
		}
		return k, nil
	}
	return objKey{v}, nil
}

// writeKey appends an unambiguous spelling of a hash key, for keys of tuples.
func writeKey(b *strings.Builder, h any) {
	s := fmt.Sprintf("%T:%v", h, h)
	fmt.Fprintf(b, "%d:%s", len(s), s)
}
