package value

import (
	"fmt"
	"math"
	"math/big"
	"sort"
	"time"
)

// FromGo turns plain Go data into a Value: nil, bool, ints, floats, string, []byte, time.Time, []any, []string,
// map[string]any (keys sorted), and Values themselves. Other types give an error.
func FromGo(x any) (Value, error) {
	switch x := x.(type) {
	case nil:
		return None, nil
	case Value:
		return x, nil
	case bool:
		return Bool(x), nil
	case int:
		return Int(x), nil
	case int8:
		return Int(x), nil
	case int16:
		return Int(x), nil
	case int32:
		return Int(x), nil
	case int64:
		return Int(x), nil
	case uint8:
		return Int(x), nil
	case uint16:
		return Int(x), nil
	case uint32:
		return Int(x), nil
	case uint:
		return NewBig(new(big.Int).SetUint64(uint64(x))), nil
	case uint64:
		return NewBig(new(big.Int).SetUint64(x)), nil
	case *big.Int:
		return NewBig(x), nil
	case float32:
		return Float(x), nil
	case float64:
		return Float(x), nil
	case string:
		return Str(x), nil
	case []byte:
		return Bytes(x), nil
	case time.Time:
		return NewZonedDatetime(x), nil
	case []string:
		return Strs(x), nil
	case []any:
		l := &List{Elems: make([]Value, len(x))}
		for i, e := range x {
			v, err := FromGo(e)
			if err != nil {
				return nil, err
			}
			l.Elems[i] = v
		}
		return l, nil
	case map[string]any:
		keys := make([]string, 0, len(x))
		for k := range x {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		d := NewDict()
		for _, k := range keys {
			v, err := FromGo(x[k])
			if err != nil {
				return nil, err
			}
			d.SetStr(k, v)
		}
		return d, nil
	case map[string]string:
		m := make(map[string]any, len(x))
		for k, v := range x {
			m[k] = v
		}
		return FromGo(m)
	}
	return nil, fmt.Errorf("value: cannot take over a Go %T", x)
}

// ToGo turns a Value into plain Go data: nil, bool, int64, *big.Int, float64, string, []any, map[string]any. Tuples and
// sets become []any; keys that are no text become their str(); bytes and dates become text. Undefined values and values
// nested without end give an error.
func ToGo(v Value) (any, error) { return toGo(v, 0) }

func toGo(v Value, depth int) (any, error) {
	if depth > maxNesting {
		return nil, Errorf("RecursionError", "maximum recursion depth exceeded")
	}
	v, err := Norm(v)
	if err != nil {
		return nil, err
	}
	elems := func(es []Value) (any, error) {
		out := make([]any, len(es))
		for i, e := range es {
			g, err := toGo(e, depth+1)
			if err != nil {
				return nil, err
			}
			out[i] = g
		}
		return out, nil
	}
	switch x := v.(type) {
	case NoneType:
		return nil, nil
	case Bool:
		return bool(x), nil
	case Int:
		return int64(x), nil
	case *BigInt:
		return x.Num, nil
	case Float:
		return float64(x), nil
	case Str:
		return string(x), nil
	case Markup:
		return string(x), nil
	case Bytes:
		return string(x), nil
	case *List:
		return elems(x.Elems)
	case *Tuple:
		return elems(x.Elems)
	case *Undefined:
		return nil, x.Err()
	case *Dict:
		m := make(map[string]any, x.Len())
		for k, e := range x.All() {
			ks, err := ToStr(k)
			if err != nil {
				return nil, err
			}
			if m[ks], err = toGo(e, depth+1); err != nil {
				return nil, err
			}
		}
		return m, nil
	case Mapping:
		d, err := mappingDict(x)
		if err != nil {
			return nil, err
		}
		return toGo(d, depth)
	case *Set, *View, *Range, *Iter:
		es, err := Collect(v)
		if err != nil {
			return nil, err
		}
		return elems(es)
	}
	return ToStr(v)
}

// DeepCopy copies lists, dicts, tuples and sets at every level; other values are shared.
func DeepCopy(v Value) Value { return deepCopy(v, 0) }

func deepCopy(v Value, depth int) Value {
	if depth > maxNesting {
		return v
	}
	switch x := v.(type) {
	case *List:
		l := &List{Elems: make([]Value, len(x.Elems))}
		for i, e := range x.Elems {
			l.Elems[i] = deepCopy(e, depth+1)
		}
		return l
	case *Tuple:
		t := &Tuple{Elems: make([]Value, len(x.Elems))}
		for i, e := range x.Elems {
			t.Elems[i] = deepCopy(e, depth+1)
		}
		return t
	case *Dict:
		d := x.Copy()
		for i := range d.entries {
			if d.entries[i].key != nil {
				d.entries[i].val = deepCopy(d.entries[i].val, depth+1)
			}
		}
		return d
	case *Set:
		return &Set{d: *x.d.Copy()}
	}
	return v
}

// ToFloat is the float of a number; ok is false for everything else.
func ToFloat(v Value) (f float64, ok bool) { return toFloat(v) }

// ToBigInt is the number of an int or bool of any size; ok is false for everything else.
func ToBigInt(v Value) (n *big.Int, ok bool) { return toBig(v) }

// IsNumber reports whether v is an int, bool or float.
func IsNumber(v Value) bool { return isNumber(v) }

// IsMapping reports whether v counts as a mapping.
func IsMapping(v Value) bool {
	switch x := v.(type) {
	case *Dict, Mapping:
		return true
	case Lazy:
		f, err := x.Force()
		return err == nil && IsMapping(f)
	}
	return false
}

// IsCallable reports whether v can be called. An Undefined counts, as in Jinja.
func IsCallable(v Value) bool {
	switch v.(type) {
	case Callable, *Undefined:
		return true
	}
	return false
}

// FloatToInt is int(f): towards zero, with Python's errors for NaN and infinity.
func FloatToInt(f float64) (Value, error) {
	if math.Abs(f) < 1<<62 {
		return Int(f), nil
	}
	n, err := floatToBig(f)
	if err != nil {
		return nil, err
	}
	return NewBig(n), nil
}
