package value

import (
	"unicode/utf8"
)

// GetItem is v[key] without Jinja's fallback to attributes. ok is false when Python would raise KeyError, IndexError,
// TypeError or AttributeError.
func GetItem(v, key Value) (item Value, ok bool, err error) {
	switch x := v.(type) {
	case *Dict:
		if s, isStr := key.(Str); isStr {
			item, ok = x.GetStr(string(s))
			return item, ok, nil
		}
		k, err := Norm(key)
		if err != nil {
			return nil, false, err
		}
		if u, isU := k.(*Undefined); isU && u.Kind != Lenient {
			return nil, false, u.Err()
		}
		if m, isM := k.(Markup); isM {
			k = Str(m)
		}
		item, ok, err = x.Get(k)
		if err != nil {
			return nil, false, nil // unhashable: TypeError
		}
		return item, ok, nil
	case *List:
		return seqItem(x.Elems, key)
	case *Tuple:
		return seqItem(x.Elems, key)
	case *Undefined:
		if x.Chains() {
			return x, true, nil
		}
		return nil, false, x.Err()
	case Indexed:
		return x.GetItem(key)
	case *Range:
		i, isInt := toInt64(key)
		n := int64(x.Len())
		if i < 0 {
			i += n
		}
		if !isInt || i < 0 || i >= n {
			return nil, false, nil
		}
		return x.At(int(i)), true, nil
	case Bytes:
		i, isInt := toInt64(key)
		if i < 0 {
			i += int64(len(x))
		}
		if !isInt || i < 0 || i >= int64(len(x)) {
			return nil, false, nil
		}
		return Int(x[i]), true, nil
	case Lazy:
		f, err := x.Force()
		if err != nil {
			return nil, false, err
		}
		return GetItem(f, key)
	case *Encrypted:
		s, err := x.Plain()
		if err != nil {
			return nil, false, err
		}
		return GetItem(Str(s), key)
	}
	if s, isStr := AsString(v); isStr {
		i, isInt := toInt64(key)
		if !isInt {
			return nil, false, nil
		}
		c, ok := runeAt(s, i)
		if _, escaped := v.(Markup); escaped && ok {
			c = Markup(c.(Str))
		}
		return c, ok, nil
	}
	return nil, false, nil
}

func seqItem(elems []Value, key Value) (Value, bool, error) {
	i, ok := toInt64(key)
	if !ok {
		if l, isLazy := key.(Lazy); isLazy {
			f, err := l.Force()
			if err != nil {
				return nil, false, err
			}
			return seqItem(elems, f)
		}
		return nil, false, nil
	}
	if i < 0 {
		i += int64(len(elems))
	}
	if i < 0 || i >= int64(len(elems)) {
		return nil, false, nil
	}
	return elems[i], true, nil
}

// isASCII reports whether every byte is a code point.
func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func runeAt(s string, i int64) (Value, bool) {
	if isASCII(s) {
		if i < 0 {
			i += int64(len(s))
		}
		if i < 0 || i >= int64(len(s)) {
			return nil, false
		}
		return Str(s[i : i+1]), true
	}
	n := int64(utf8.RuneCountInString(s))
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return nil, false
	}
	for off := range s {
		if i == 0 {
			_, w := utf8.DecodeRuneInString(s[off:])
			return Str(s[off : off+w]), true
		}
		i--
	}
	return nil, false
}

// SubscriptError is the TypeError, KeyError or IndexError of v[key] for code that needs Python's exception rather than
// Jinja's undefined.
func SubscriptError(v, key Value) error {
	switch v.(type) {
	case *Dict, Mapping:
		r, err := Repr(key)
		if err != nil {
			return err
		}
		return Errorf("KeyError", "%s", r)
	case *List, *Tuple, *Range, Bytes, Str:
		if _, ok := toInt64(key); !ok {
			switch v.(type) {
			case Str:
				return TypeErrorf("string indices must be integers, not '%s'", key.TypeName())
			case Bytes:
				return TypeErrorf("byte indices must be integers or slices, not %s", key.TypeName())
			}
			return TypeErrorf("%s indices must be integers or slices, not %s", v.TypeName(), key.TypeName())
		}
		switch v.(type) {
		case Str:
			return Errorf("IndexError", "string index out of range")
		case *Range:
			return Errorf("IndexError", "range object index out of range")
		case Bytes:
			return Errorf("IndexError", "index out of range")
		}
		return Errorf("IndexError", "%s index out of range", v.TypeName())
	}
	return TypeErrorf("'%s' object is not subscriptable", v.TypeName())
}

// Subscript is v[key] with Python's exceptions.
func Subscript(v, key Value) (Value, error) {
	r, ok, err := GetItem(v, key)
	if err != nil {
		return nil, err
	}
	if !ok {
		n, err := Norm(v)
		if err != nil {
			return nil, err
		}
		return nil, SubscriptError(n, key)
	}
	return r, nil
}

// SetItem is v[key] = x.
func SetItem(v, key, x Value) error {
	switch c := v.(type) {
	case *Dict:
		k, err := Norm(key)
		if err != nil {
			return err
		}
		return c.Set(k, x)
	case *List:
		i, ok := toInt64(key)
		if !ok {
			return TypeErrorf("list indices must be integers or slices, not %s", key.TypeName())
		}
		if i < 0 {
			i += int64(len(c.Elems))
		}
		if i < 0 || i >= int64(len(c.Elems)) {
			return Errorf("IndexError", "list assignment index out of range")
		}
		c.Elems[i] = x
		return nil
	case ItemSetter:
		return c.SetItem(key, x)
	}
	return TypeErrorf("'%s' object does not support item assignment", v.TypeName())
}

// sliceBounds is slice.indices: start, stop and step for a sequence of n elements, and how many elements they give.
func sliceBounds(start, stop, step Value, n int) (lo, st, count int, err error) {
	lo, _, st, count, err = sliceIndices(start, stop, step, n)
	return
}

func sliceIndices(start, stop, step Value, n int) (lo, hi, st, count int, err error) {
	st64 := int64(1)
	if step != nil && step != None {
		if st64, err = sliceIndex(step); err != nil {
			return
		}
		if st64 == 0 {
			return 0, 0, 0, 0, ValueErrorf("slice step cannot be zero")
		}
	}
	bound := func(v Value, def int64) (int64, error) {
		if v == nil || v == None {
			return def, nil
		}
		i, err := sliceIndex(v)
		if err != nil {
			return 0, err
		}
		if i < 0 {
			i += int64(n)
			if i < 0 {
				if st64 < 0 {
					return -1, nil
				}
				return 0, nil
			}
		} else if i >= int64(n) {
			if st64 < 0 {
				return int64(n) - 1, nil
			}
			return int64(n), nil
		}
		return i, nil
	}
	defLo, defHi := int64(0), int64(n)
	if st64 < 0 {
		defLo, defHi = int64(n)-1, -1
	}
	l, err := bound(start, defLo)
	if err != nil {
		return 0, 0, 0, 0, err
	}
	h, err := bound(stop, defHi)
	if err != nil {
		return 0, 0, 0, 0, err
	}
	r := Range{Start: l, Stop: h, Step: st64}
	return int(l), int(h), int(max(min(st64, int64(n)+1), -int64(n)-1)), r.Len(), nil
}

func sliceIndex(v Value) (int64, error) {
	switch x := v.(type) {
	case Int, Bool:
		n, _ := toInt64(x)
		return n, nil
	case *BigInt:
		if x.Num.Sign() < 0 {
			return -1 << 62, nil
		}
		return 1 << 62, nil
	case *Undefined:
		if x.Kind != Lenient {
			return 0, x.Err()
		}
	case Lazy:
		f, err := x.Force()
		if err != nil {
			return 0, err
		}
		return sliceIndex(f)
	}
	return 0, TypeErrorf("slice indices must be integers or None or have an __index__ method")
}

// Slice is v[start:stop:step]; nil bounds are absent.
func Slice(v, start, stop, step Value) (Value, error) {
	v, err := Norm(v)
	if err != nil {
		return nil, err
	}
	pick := func(elems []Value) ([]Value, error) {
		lo, st, n, err := sliceBounds(start, stop, step, len(elems))
		if err != nil {
			return nil, err
		}
		out := make([]Value, n)
		for i := range out {
			out[i] = elems[lo+i*st]
		}
		return out, nil
	}
	switch x := v.(type) {
	case *List:
		e, err := pick(x.Elems)
		return &List{Elems: e}, err
	case *Tuple:
		e, err := pick(x.Elems)
		return &Tuple{Elems: e}, err
	case Str, Markup:
		s, _ := AsString(v)
		out, err := sliceString(s, start, stop, step)
		if _, ok := v.(Markup); ok {
			return Markup(out), err
		}
		return Str(out), err
	case Bytes:
		lo, st, n, err := sliceBounds(start, stop, step, len(x))
		if err != nil {
			return nil, err
		}
		out := make([]byte, n)
		for i := range out {
			out[i] = x[lo+i*st]
		}
		return Bytes(out), nil
	case *Range:
		lo, hi, st, _, err := sliceIndices(start, stop, step, x.Len())
		if err != nil {
			return nil, err
		}
		return &Range{Start: x.Start + int64(lo)*x.Step, Stop: x.Start + int64(hi)*x.Step, Step: x.Step * int64(st)}, nil
	case *Undefined:
		if x.Chains() {
			return x, nil
		}
		return nil, x.Err()
	case *Dict:
		return nil, TypeErrorf("unhashable type: 'slice'")
	}
	return nil, TypeErrorf("'%s' object is not subscriptable", v.TypeName())
}

func sliceString(s string, start, stop, step Value) (string, error) {
	if isASCII(s) {
		lo, st, n, err := sliceBounds(start, stop, step, len(s))
		if err != nil || n == 0 {
			return "", err
		}
		if st == 1 {
			return s[lo : lo+n], nil
		}
		out := make([]byte, n)
		for i := range out {
			out[i] = s[lo+i*st]
		}
		return string(out), nil
	}
	r := []rune(s)
	lo, st, n, err := sliceBounds(start, stop, step, len(r))
	if err != nil {
		return "", err
	}
	out := make([]rune, n)
	for i := range out {
		out[i] = r[lo+i*st]
	}
	return string(out), nil
}
