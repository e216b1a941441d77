package value

import (
	"encoding/hex"
	"math"
	"math/big"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

func itoa(n int) string { return strconv.Itoa(n) }

func on0(fn func(self Value) (Value, error)) *method {
	return &method{kind: noArgs, fn: func(self Value, _ []Value) (Value, error) { return fn(self) }}
}

var (
	listMethods, dictMethods, tupleMethods, setMethods, intMethods, floatMethods, bytesMethods, rangeMethods map[string]*method
)

func init() {
	listMethods = map[string]*method{
		"append": {kind: oneArg, fn: func(self Value, a []Value) (Value, error) {
			l := self.(*List)
			l.Elems = append(l.Elems, a[0])
			return None, nil
		}},
		"extend": {kind: oneArg, fn: func(self Value, a []Value) (Value, error) {
			l := self.(*List)
			elems, err := Collect(a[0])
			if err != nil {
				return nil, err
			}
			l.Elems = append(l.Elems, elems...)
			return None, nil
		}},
		"insert": {kind: positional, min: 2, max: 2, fn: listInsert},
		"pop":    {kind: positional, max: 1, fn: listPop},
		"remove": {kind: oneArg, fn: func(self Value, a []Value) (Value, error) {
			l := self.(*List)
			for i, e := range l.Elems {
				eq, err := sameOrEqual(e, a[0], 0)
				if err != nil {
					return nil, err
				}
				if eq {
					l.Elems = append(l.Elems[:i], l.Elems[i+1:]...)
					return None, nil
				}
			}
			return nil, ValueErrorf("list.remove(x): x not in list")
		}},
		"clear": on0(func(self Value) (Value, error) { self.(*List).Elems = nil; return None, nil }),
		"copy": on0(func(self Value) (Value, error) {
			return &List{Elems: append([]Value(nil), self.(*List).Elems...)}, nil
		}),
		"reverse": on0(func(self Value) (Value, error) {
			e := self.(*List).Elems
			for i, j := 0, len(e)-1; i < j; i, j = i+1, j-1 {
				e[i], e[j] = e[j], e[i]
			}
			return None, nil
		}),
		"count": {kind: oneArg, fn: func(self Value, a []Value) (Value, error) { return countOf(self.(*List).Elems, a[0]) }},
		"index": {kind: positional, min: 1, max: 3, fn: func(self Value, a []Value) (Value, error) {
			return indexOf(self.(*List).Elems, a, func(v Value) error {
				r, err := Repr(v)
				if err != nil {
					return err
				}
				return ValueErrorf("%s is not in list", r)
			})
		}},
		"sort": {kind: keywords, names: []string{"key", "reverse"}, fn: listSort},
	}
	tupleMethods = map[string]*method{
		"count": {kind: oneArg, fn: func(self Value, a []Value) (Value, error) { return countOf(self.(*Tuple).Elems, a[0]) }},
		"index": {kind: positional, min: 1, max: 3, fn: func(self Value, a []Value) (Value, error) {
			return indexOf(self.(*Tuple).Elems, a, func(Value) error { return ValueErrorf("tuple.index(x): x not in tuple") })
		}},
	}
	dictMethods = map[string]*method{
		"keys":   on0(func(self Value) (Value, error) { return &View{Dict: self.(*Dict), Kind: ViewKeys}, nil }),
		"values": on0(func(self Value) (Value, error) { return &View{Dict: self.(*Dict), Kind: ViewValues}, nil }),
		"items":  on0(func(self Value) (Value, error) { return &View{Dict: self.(*Dict), Kind: ViewItems}, nil }),
		"copy":   on0(func(self Value) (Value, error) { return self.(*Dict).Copy(), nil }),
		"clear":  on0(func(self Value) (Value, error) { self.(*Dict).Clear(); return None, nil }),
		"get": {kind: positional, min: 1, max: 2, fn: func(self Value, a []Value) (Value, error) {
			v, ok, err := dictGet(self.(*Dict), a[0])
			if err != nil || ok {
				return v, err
			}
			if len(a) == 2 {
				return a[1], nil
			}
			return None, nil
		}},
		"setdefault": {kind: positional, min: 1, max: 2, fn: func(self Value, a []Value) (Value, error) {
			d := self.(*Dict)
			v, ok, err := dictGet(d, a[0])
			if err != nil || ok {
				return v, err
			}
			v = None
			if len(a) == 2 {
				v = a[1]
			}
			k, err := Norm(a[0])
			if err != nil {
				return nil, err
			}
			return v, d.Set(k, v)
		}},
		"pop": {kind: positional, min: 1, max: 2, fn: func(self Value, a []Value) (Value, error) {
			d := self.(*Dict)
			v, ok, err := dictGet(d, a[0])
			if err != nil {
				return nil, err
			}
			if ok {
				k, _ := Norm(a[0])
				_, err := d.Delete(k)
				return v, err
			}
			if len(a) == 2 {
				return a[1], nil
			}
			return nil, SubscriptError(d, a[0])
		}},
		"popitem": on0(func(self Value) (Value, error) {
			d := self.(*Dict)
			keys := d.Keys()
			if len(keys) == 0 {
				return nil, Errorf("KeyError", "'popitem(): dictionary is empty'")
			}
			k := keys[len(keys)-1]
			v, _, _ := d.Get(k)
			_, err := d.Delete(k)
			return NewTuple(k, v), err
		}),
		"update":   {kind: anyArgs, raw: dictUpdate},
		"fromkeys": {kind: positional, min: 1, max: 2, fn: dictFromKeys},
	}
	setMethods = map[string]*method{
		"add": {kind: oneArg, fn: func(self Value, a []Value) (Value, error) { return None, self.(*Set).Add(a[0]) }},
		"discard": {kind: oneArg, fn: func(self Value, a []Value) (Value, error) {
			_, err := self.(*Set).Remove(a[0])
			return None, err
		}},
		"remove": {kind: oneArg, fn: func(self Value, a []Value) (Value, error) {
			ok, err := self.(*Set).Remove(a[0])
			if err == nil && !ok {
				err = SubscriptError(&Dict{}, a[0])
			}
			return None, err
		}},
		"clear": on0(func(self Value) (Value, error) { self.(*Set).d.Clear(); return None, nil }),
		"copy":  on0(func(self Value) (Value, error) { return &Set{d: *self.(*Set).d.Copy()}, nil }),
		"pop": on0(func(self Value) (Value, error) {
			s := self.(*Set)
			e := s.Elems()
			if len(e) == 0 {
				return nil, Errorf("KeyError", "'pop from an empty set'")
			}
			_, err := s.Remove(e[0])
			return e[0], err
		}),
		"union":                setFold(func(s, t *Set) *Set { return s.Union(t) }, false),
		"intersection":         setFold(func(s, t *Set) *Set { return s.Intersection(t) }, false),
		"difference":           setFold(func(s, t *Set) *Set { return s.Difference(t) }, false),
		"update":               setFold(func(s, t *Set) *Set { return s.Union(t) }, true),
		"intersection_update":  setFold(func(s, t *Set) *Set { return s.Intersection(t) }, true),
		"difference_update":    setFold(func(s, t *Set) *Set { return s.Difference(t) }, true),
		"symmetric_difference": setFold(func(s, t *Set) *Set { return s.Difference(t).Union(t.Difference(s)) }, false),
		"issubset":             setTest(func(s, t *Set) bool { return s.subset(t) }),
		"issuperset":           setTest(func(s, t *Set) bool { return t.subset(s) }),
		"isdisjoint":           setTest(func(s, t *Set) bool { return s.Intersection(t).Len() == 0 }),
	}
	intMethods = map[string]*method{
		"bit_length": on0(func(self Value) (Value, error) {
			n, _ := toBig(self)
			return Int(n.BitLen()), nil
		}),
		"bit_count": on0(func(self Value) (Value, error) {
			n, _ := toBig(self)
			return Int(strings.Count(new(big.Int).Abs(n).Text(2), "1")), nil
		}),
		"conjugate":        on0(func(self Value) (Value, error) { return Pos(self) }),
		"as_integer_ratio": on0(func(self Value) (Value, error) { v, err := Pos(self); return NewTuple(v, Int(1)), err }),
		"to_bytes":         {kind: keywords, max: 2, names: []string{"length", "byteorder", "signed"}, fn: intToBytes},
	}
	floatMethods = map[string]*method{
		"is_integer": on0(func(self Value) (Value, error) {
			f := float64(self.(Float))
			return Bool(f == math.Trunc(f) && !math.IsInf(f, 0)), nil
		}),
		"conjugate": on0(func(self Value) (Value, error) { return self, nil }),
		"hex":       on0(func(self Value) (Value, error) { return Str(floatHex(float64(self.(Float)))), nil }),
		"as_integer_ratio": on0(func(self Value) (Value, error) {
			f := float64(self.(Float))
			r := new(big.Rat).SetFloat64(f)
			if r == nil {
				_, err := floatToBig(f)
				if math.IsNaN(f) {
					return nil, ValueErrorf("cannot convert NaN to integer ratio")
				}
				_ = err
				return nil, Errorf("OverflowError", "cannot convert Infinity to integer ratio")
			}
			return NewTuple(NewBig(r.Num()), NewBig(r.Denom())), nil
		}),
	}
	bytesMethods = map[string]*method{
		"decode": {kind: keywords, max: 2, names: []string{"encoding", "errors"}, fn: decodeBytes},
		"hex":    on0(func(self Value) (Value, error) { return Str(hex.EncodeToString([]byte(self.(Bytes)))), nil }),
		"upper":  on0(func(self Value) (Value, error) { return Bytes(strings.ToUpper(string(self.(Bytes)))), nil }),
		"lower":  on0(func(self Value) (Value, error) { return Bytes(strings.ToLower(string(self.(Bytes)))), nil }),
		"strip":  on0(func(self Value) (Value, error) { return Bytes(strings.TrimSpace(string(self.(Bytes)))), nil }),
		"startswith": {kind: parsed, min: 1, max: 3, fn: func(self Value, a []Value) (Value, error) {
			b, ok := a[0].(Bytes)
			if !ok {
				return nil, TypeErrorf("startswith first arg must be bytes or a tuple of bytes, not %s", a[0].TypeName())
			}
			return Bool(strings.HasPrefix(string(self.(Bytes)), string(b))), nil
		}},
		"endswith": {kind: parsed, min: 1, max: 3, fn: func(self Value, a []Value) (Value, error) {
			b, ok := a[0].(Bytes)
			if !ok {
				return nil, TypeErrorf("endswith first arg must be bytes or a tuple of bytes, not %s", a[0].TypeName())
			}
			return Bool(strings.HasSuffix(string(self.(Bytes)), string(b))), nil
		}},
	}
	rangeMethods = map[string]*method{
		"count": {kind: oneArg, fn: func(self Value, a []Value) (Value, error) {
			ok, err := self.(*Range).contains(a[0])
			if ok {
				return Int(1), err
			}
			return Int(0), err
		}},
		"index": {kind: oneArg, fn: func(self Value, a []Value) (Value, error) {
			r := self.(*Range)
			ok, err := r.contains(a[0])
			if err != nil {
				return nil, err
			}
			n, isInt := toInt64(a[0])
			if !ok || !isInt {
				s, _ := Repr(a[0])
				return nil, ValueErrorf("%s is not in range", s)
			}
			return Int((n - r.Start) / r.Step), nil
		}},
	}
}

func listInsert(self Value, a []Value) (Value, error) {
	l := self.(*List)
	i, err := Index(a[0])
	if err != nil {
		return nil, err
	}
	n := int64(len(l.Elems))
	if i < 0 {
		i = max(i+n, 0)
	}
	i = min(i, n)
	l.Elems = append(l.Elems, nil)
	copy(l.Elems[i+1:], l.Elems[i:])
	l.Elems[i] = a[1]
	return None, nil
}

func listPop(self Value, a []Value) (Value, error) {
	l := self.(*List)
	i := int64(-1)
	if len(a) == 1 {
		var err error
		if i, err = Index(a[0]); err != nil {
			return nil, err
		}
	}
	n := int64(len(l.Elems))
	if n == 0 {
		return nil, Errorf("IndexError", "pop from empty list")
	}
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return nil, Errorf("IndexError", "pop index out of range")
	}
	v := l.Elems[i]
	l.Elems = append(l.Elems[:i], l.Elems[i+1:]...)
	return v, nil
}

func countOf(elems []Value, x Value) (Value, error) {
	n := 0
	for _, e := range elems {
		eq, err := sameOrEqual(e, x, 0)
		if err != nil {
			return nil, err
		}
		if eq {
			n++
		}
	}
	return Int(n), nil
}

func indexOf(elems []Value, a []Value, missing func(v Value) error) (Value, error) {
	lo, hi := int64(0), int64(len(elems))
	for i, p := range []*int64{&lo, &hi} {
		if len(a) > i+1 {
			n, err := sliceIndex(a[i+1])
			if err != nil {
				return nil, err
			}
			if n < 0 {
				n = max(n+int64(len(elems)), 0)
			}
			*p = n
		}
	}
	for i := lo; i < min(hi, int64(len(elems))); i++ {
		eq, err := sameOrEqual(elems[i], a[0], 0)
		if err != nil {
			return nil, err
		}
		if eq {
			return Int(i), nil
		}
	}
	return nil, missing(a[0])
}

func listSort(self Value, a []Value) (Value, error) {
	l := self.(*List)
	reverse := false
	if a[1] != nil {
		n, err := Truth(a[1])
		if err != nil {
			return nil, err
		}
		reverse = n
	}
	var key func(Value) (Value, error)
	if a[0] != nil && a[0] != None {
		key = func(v Value) (Value, error) { return Call(a[0], []Value{v}, nil) }
	}
	return None, SortBy(l.Elems, key, reverse)
}

// SortBy sorts elems in place as list.sort does: stable, by key (nil: the elements themselves), with Python's TypeError
// for elements that have no order.
func SortBy(elems []Value, key func(Value) (Value, error), reverse bool) error {
	type pair struct{ k, v Value }
	ps := make([]pair, len(elems))
	for i, v := range elems {
		ps[i] = pair{v, v}
		if key != nil {
			k, err := key(v)
			if err != nil {
				return err
			}
			ps[i].k = k
		}
	}
	var first error
	// CPython compares a later element with an earlier one: the order of the names in its TypeError follows from that.
	for i := 1; i < len(ps) && first == nil; i++ {
		_, first = Less(ps[i].k, ps[i-1].k)
		if reverse && first != nil {
			_, first = Less(ps[len(ps)-1-i].k, ps[len(ps)-i].k)
		}
	}
	if first != nil {
		return first
	}
	sort.SliceStable(ps, func(i, j int) bool {
		if first != nil {
			return false
		}
		x, y := ps[i].k, ps[j].k
		if reverse {
			x, y = y, x
		}
		less, err := Less(x, y)
		if err != nil {
			first = err
		}
		return less
	})
	if first != nil {
		return first
	}
	for i := range ps {
		elems[i] = ps[i].v
	}
	return nil
}

func dictGet(d *Dict, key Value) (Value, bool, error) {
	if u, ok := key.(*Undefined); ok && u.Kind != Lenient {
		return nil, false, u.Err()
	}
	k, err := Norm(key)
	if err != nil {
		return nil, false, err
	}
	return d.Get(k)
}

func dictUpdate(self Value, a []Value, kw []Kwarg) (Value, error) {
	if len(a) > 1 {
		return nil, TypeErrorf("update expected at most 1 argument, got %d", len(a))
	}
	d := self.(*Dict)
	if len(a) == 1 {
		src, err := ToDict(a[0])
		if err != nil {
			return nil, err
		}
		for k, v := range src.All() {
			if err := d.Set(k, v); err != nil {
				return nil, err
			}
		}
	}
	for _, k := range kw {
		d.SetStr(k.Name, k.Val)
	}
	return None, nil
}

// ToDict is dict(v): a copy of a mapping, or a dict of pairs.
func ToDict(v Value) (*Dict, error) {
	switch x := v.(type) {
	case *Dict:
		return x.Copy(), nil
	case Mapping:
		return mappingDict(x)
	case Lazy:
		f, err := x.Force()
		if err != nil {
			return nil, err
		}
		return ToDict(f)
	}
	it, err := Iterate(v)
	if err != nil {
		return nil, err
	}
	d := NewDict()
	for i := 0; ; i++ {
		e, ok, err := it.Next()
		if err != nil {
			return nil, err
		}
		if !ok {
			return d, nil
		}
		pair, err := Collect(e)
		if err != nil {
			return nil, TypeErrorf("cannot convert dictionary update sequence element #%d to a sequence", i)
		}
		if len(pair) != 2 {
			return nil, ValueErrorf("dictionary update sequence element #%d has length %d; 2 is required", i, len(pair))
		}
		k, err := Norm(pair[0])
		if err != nil {
			return nil, err
		}
		if err := d.Set(k, pair[1]); err != nil {
			return nil, err
		}
	}
}

func dictFromKeys(self Value, a []Value) (Value, error) {
	keys, err := Collect(a[0])
	if err != nil {
		return nil, err
	}
	var v Value = None
	if len(a) == 2 {
		v = a[1]
	}
	d := NewDict()
	for _, k := range keys {
		if err := d.Set(k, v); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func setFold(op func(s, t *Set) *Set, inPlace bool) *method {
	return &method{kind: positional, max: 100, fn: func(self Value, a []Value) (Value, error) {
		s := self.(*Set)
		r := &Set{d: *s.d.Copy()}
		for _, x := range a {
			elems, err := Collect(x)
			if err != nil {
				return nil, err
			}
			t, err := SetOf(elems...)
			if err != nil {
				return nil, err
			}
			r = op(r, t)
		}
		if inPlace {
			s.d = r.d
			return None, nil
		}
		return r, nil
	}}
}

func setTest(op func(s, t *Set) bool) *method {
	return &method{kind: oneArg, fn: func(self Value, a []Value) (Value, error) {
		elems, err := Collect(a[0])
		if err != nil {
			return nil, err
		}
		t, err := SetOf(elems...)
		if err != nil {
			return nil, err
		}
		return Bool(op(self.(*Set), t)), nil
	}}
}

func intToBytes(self Value, a []Value) (Value, error) {
	n, _ := toBig(self)
	length, order := int64(1), "big"
	if a[0] != nil {
		var err error
		if length, err = Index(a[0]); err != nil {
			return nil, err
		}
	}
	if a[1] != nil {
		order = text(a[1])
	}
	if n.Sign() < 0 {
		return nil, Errorf("OverflowError", "can't convert negative int to unsigned")
	}
	if int64(n.BitLen()) > length*8 || length > maxWidth {
		return nil, Errorf("OverflowError", "int too big to convert")
	}
	b := n.FillBytes(make([]byte, length))
	if order == "little" {
		for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
	}
	return Bytes(b), nil
}

func floatHex(f float64) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return FloatRepr(f)
	}
	if f == 0 {
		if math.Signbit(f) {
			return "-0x0.0p+0"
		}
		return "0x0.0p+0"
	}
	s := strconv.FormatFloat(f, 'x', 13, 64)
	mant, exp, _ := strings.Cut(s, "p")
	sign := exp[:1]
	return mant + "p" + sign + strings.TrimLeft(exp[1:len(exp)-1], "0") + exp[len(exp)-1:]
}

func decodeBytes(self Value, a []Value) (Value, error) {
	s, enc, mode := string(self.(Bytes)), "utf-8", "strict"
	if a[0] != nil {
		enc = text(a[0])
	}
	if a[1] != nil {
		mode = text(a[1])
	}
	name := codecName(enc)
	if _, ok := wide[name]; ok {
		return decodeWide(s, name)
	}
	if m := charmapOf(enc); m != nil {
		return decodeCharmap(m, s, mode)
	}
	switch name {
	case "utf-8", "utf8":
		if utf8.ValidString(s) {
			return Str(s), nil
		}
		switch mode {
		case "ignore":
			return Str(strings.ToValidUTF8(s, "")), nil
		case "replace":
			return Str(strings.ToValidUTF8(s, "�")), nil
		}
		for i := 0; i < len(s); {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				why := "invalid start byte"
				if s[i] >= 0xc2 && s[i] < 0xf5 {
					why = "invalid continuation byte"
					if !utf8.FullRuneInString(s[i:]) {
						why = "unexpected end of data"
					}
				}
				return nil, Errorf("UnicodeDecodeError", "'utf-8' codec can't decode byte 0x%02x in position %d: %s", s[i], i, why)
			}
			i += n
		}
	case "ascii", "us-ascii":
		for i := 0; i < len(s); i++ {
			if s[i] >= utf8.RuneSelf {
				if mode == "ignore" {
					continue
				}
				return nil, Errorf("UnicodeDecodeError", "'ascii' codec can't decode byte 0x%02x in position %d: ordinal not in range(128)", s[i], i)
			}
		}
		return Str(s), nil
	case "latin-1", "latin1", "iso-8859-1":
		r := make([]rune, len(s))
		for i := range len(s) {
			r[i] = rune(s[i])
		}
		return Str(string(r)), nil
	}
	return nil, Errorf("LookupError", "unknown encoding: %s", enc)
}
