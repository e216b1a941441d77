package value

import (
	"math"
	"math/big"
	"strings"
)

// Norm reduces stand-ins to what they stand for: a Lazy is forced, an Encrypted opened, a Template and a NativeText become
// plain Str. Every other value is returned as it is.
func Norm(v Value) (Value, error) {
	for {
		switch x := v.(type) {
		case *Encrypted:
			s, err := x.Plain()
			return Str(s), err
		case *Template:
			return Str(x.Text), nil
		case NativeText:
			return Str(x), nil
		case Lazy:
			f, err := x.Force()
			if err != nil {
				return nil, err
			}
			v = f
			continue
		case nil:
			return None, nil
		}
		return v, nil
	}
}

func norm2(a, b Value) (Value, Value, error) {
	a, err := Norm(a)
	if err != nil {
		return nil, nil, err
	}
	b, err = Norm(b)
	return a, b, err
}

// Is is Python's identity test as far as it can be observed: the same object, or equal scalars of one type.
func Is(a, b Value) bool {
	a, b, err := norm2(a, b)
	if err != nil {
		return false
	}
	switch x := a.(type) {
	case *BigInt:
		y, ok := b.(*BigInt)
		return ok && x.Num.Cmp(y.Num) == 0
	case *Set, *List, *Dict:
		return a == b
	case *Func:
		return a == b
	case *Undefined:
		return false // each mention of an undefined name is an object of its own
	}
	defer func() { _ = recover() }()
	return a == b
}

// Equal is a == b.
func Equal(a, b Value) (bool, error) { return equal(a, b, 0) }

func equal(a, b Value, depth int) (bool, error) {
	switch x := a.(type) {
	case Str:
		if y, ok := b.(Str); ok {
			return x == y, nil
		}
	case Int:
		if y, ok := b.(Int); ok {
			return x == y, nil
		}
	}
	if depth > maxNesting {
		return false, Errorf("RecursionError", "maximum recursion depth exceeded in comparison")
	}
	a, b, err := norm2(a, b)
	if err != nil {
		return false, err
	}
	if u, ok := a.(*Undefined); ok {
		return undefEqual(u, b)
	}
	if u, ok := b.(*Undefined); ok {
		return undefEqual(u, a)
	}
	switch x := a.(type) {
	case Str:
		y, ok := AsString(b)
		return ok && string(x) == y, nil
	case Markup:
		y, ok := AsString(b)
		return ok && string(x) == y, nil
	case NoneType:
		_, ok := b.(NoneType)
		return ok, nil
	case Bool, Int, *BigInt, Float, Complex:
		c, ok := numCompare(a, b)
		return ok && c == 0, nil
	case Bytes:
		y, ok := b.(Bytes)
		return ok && x == y, nil
	case *List:
		if y, ok := b.(*List); ok {
			return elemsEqual(x == y, x.Elems, y.Elems, depth)
		}
	case *Tuple:
		if y, ok := b.(*Tuple); ok {
			return elemsEqual(x == y, x.Elems, y.Elems, depth)
		}
	}
	switch x := a.(type) {
	case *Dict:
		switch y := b.(type) {
		case *Dict:
			return dictEqual(x, y, depth)
		case Mapping:
			d, err := mappingDict(y)
			if err != nil {
				return false, err
			}
			return dictEqual(x, d, depth)
		}
		return false, nil
	case *Set:
		switch y := b.(type) {
		case *Set:
			return x.Len() == y.Len() && x.subset(y), nil
		case *View:
			if y.Kind != ViewValues {
				s, err := SetOf(y.elems()...)
				return err == nil && x.Len() == s.Len() && x.subset(s), nil
			}
		}
		return false, nil
	case *View:
		if x.Kind == ViewValues {
			return a == b, nil
		}
		s, err := SetOf(x.elems()...)
		if err != nil {
			return false, nil
		}
		switch b.(type) {
		case *Set, *View:
			return equal(b, s, depth+1)
		}
		return false, nil
	case *Range:
		y, ok := b.(*Range)
		return ok && x.equal(y), nil
	case *Datetime:
		y, ok := b.(*Datetime)
		return ok && x.equal(y), nil
	case *Date:
		y, ok := b.(*Date)
		return ok && x.T.Equal(y.T), nil
	case *Time:
		y, ok := b.(*Time)
		return ok && x.D == y.D, nil
	case *Timedelta:
		y, ok := b.(*Timedelta)
		return ok && x.D == y.D, nil
	case Equaler:
		if eq, known, err := x.EqualTo(b); known || err != nil {
			return eq, err
		}
	case Mapping:
		if _, ok := b.(*Dict); ok {
			return equal(b, a, depth+1)
		}
	}
	if y, ok := b.(Equaler); ok {
		if eq, known, err := y.EqualTo(a); known || err != nil {
			return eq, err
		}
	}
	return Is(a, b), nil
}

func undefEqual(u *Undefined, other Value) (bool, error) {
	if u.Kind != Lenient {
		return false, u.Err()
	}
	if o, ok := other.(*Undefined); ok {
		if o.Kind != Lenient {
			return false, o.Err()
		}
		return true, nil
	}
	return false, nil
}

func elemsEqual(same bool, a, b []Value, depth int) (bool, error) {
	if same {
		return true, nil
	}
	if len(a) != len(b) {
		return false, nil
	}
	for i := range a {
		if eq, err := sameOrEqual(a[i], b[i], depth+1); err != nil || !eq {
			return false, err
		}
	}
	return true, nil
}

// sameOrEqual is Python's test inside containers: identical objects are equal without asking them.
func sameOrEqual(a, b Value, depth int) (bool, error) {
	switch x := a.(type) {
	case *List, *Dict, *Tuple, *Undefined:
		if a == b {
			return true, nil
		}
	case Float:
		if y, ok := b.(Float); ok && x == y {
			return true, nil
		}
	}
	return equal(a, b, depth)
}

func dictEqual(x, y *Dict, depth int) (bool, error) {
	if x == y {
		return true, nil
	}
	if x.Len() != y.Len() {
		return false, nil
	}
	for k, v := range x.All() {
		w, ok, err := y.Get(k)
		if err != nil || !ok {
			return false, err
		}
		eq, err := sameOrEqual(v, w, depth+1)
		if err != nil || !eq {
			return false, err
		}
	}
	return true, nil
}

// isNumber reports int, bool, float.
func isNumber(v Value) bool {
	switch v.(type) {
	case Bool, Int, *BigInt, Float:
		return true
	}
	return false
}

func toFloat(v Value) (float64, bool) {
	switch v := v.(type) {
	case Bool:
		if v {
			return 1, true
		}
		return 0, true
	case Int:
		return float64(v), true
	case *BigInt:
		f, _ := new(big.Float).SetInt(v.Num).Float64()
		return f, true
	case Float:
		return float64(v), true
	}
	return 0, false
}

// toInt64 returns bool and small int as int64.
func toInt64(v Value) (int64, bool) {
	switch v := v.(type) {
	case Bool:
		if v {
			return 1, true
		}
		return 0, true
	case Int:
		return int64(v), true
	}
	return 0, false
}

// toBig returns bool and int of any size.
func toBig(v Value) (*big.Int, bool) {
	switch v := v.(type) {
	case Bool, Int:
		n, _ := toInt64(v)
		return big.NewInt(n), true
	case *BigInt:
		return v.Num, true
	}
	return nil, false
}

// numCompare orders two numbers exactly. ok is false when one is no number or they cannot be ordered (NaN, complex).
// Complex numbers give 0 when equal and 2 when not.
func numCompare(a, b Value) (c int, ok bool) {
	if x, xok := toInt64(a); xok {
		if y, yok := toInt64(b); yok {
			switch {
			case x < y:
				return -1, true
			case x > y:
				return 1, true
			}
			return 0, true
		}
	}
	_, ac := a.(Complex)
	_, bc := b.(Complex)
	if ac || bc {
		x, ok1 := toComplex(a)
		y, ok2 := toComplex(b)
		if !ok1 || !ok2 {
			return 0, false
		}
		if x == y {
			return 0, true
		}
		return 2, true
	}
	if !isNumber(a) || !isNumber(b) {
		return 0, false
	}
	af, aIsF := a.(Float)
	bf, bIsF := b.(Float)
	if aIsF && bIsF {
		return floatCompare(float64(af), float64(bf))
	}
	if !aIsF && !bIsF {
		x, _ := toBig(a)
		y, _ := toBig(b)
		return x.Cmp(y), true
	}
	if aIsF {
		c, ok = floatIntCompare(float64(af), b)
		return c, ok
	}
	c, ok = floatIntCompare(float64(bf), a)
	return -c, ok
}

func floatCompare(x, y float64) (int, bool) {
	switch {
	case math.IsNaN(x) || math.IsNaN(y):
		return 0, false
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}

func floatIntCompare(f float64, i Value) (int, bool) {
	switch {
	case math.IsNaN(f):
		return 0, false
	case math.IsInf(f, 1):
		return 1, true
	case math.IsInf(f, -1):
		return -1, true
	}
	n, _ := toBig(i)
	return new(big.Float).SetFloat64(f).Cmp(new(big.Float).SetInt(n)), true
}

// CompareOp is one of Python's ordering operators.
type CompareOp string

// The ordering operators.
const (
	Lt CompareOp = "<"
	Le CompareOp = "<="
	Gt CompareOp = ">"
	Ge CompareOp = ">="
)

func (op CompareOp) holds(c int) bool {
	switch op {
	case Lt:
		return c < 0
	case Le:
		return c <= 0
	case Gt:
		return c > 0
	}
	return c >= 0
}

func (op CompareOp) reflected() CompareOp {
	switch op {
	case Lt:
		return Gt
	case Le:
		return Ge
	case Gt:
		return Lt
	}
	return Le
}

// Compare is a op b. Unlike types give Python's TypeError.
func Compare(op CompareOp, a, b Value) (bool, error) { return compare(op, a, b, 0) }

// Less is a < b.
func Less(a, b Value) (bool, error) { return compare(Lt, a, b, 0) }

func compare(op CompareOp, a, b Value, depth int) (bool, error) {
	if x, ok := a.(Int); ok {
		if y, ok := b.(Int); ok {
			switch {
			case x < y:
				return op.holds(-1), nil
			case x > y:
				return op.holds(1), nil
			}
			return op.holds(0), nil
		}
	}
	if depth > maxNesting {
		return false, Errorf("RecursionError", "maximum recursion depth exceeded in comparison")
	}
	a, b, err := norm2(a, b)
	if err != nil {
		return false, err
	}
	if u, ok := a.(*Undefined); ok {
		return false, u.Err()
	}
	if u, ok := b.(*Undefined); ok {
		return false, u.Err()
	}
	if isNumber(a) && isNumber(b) {
		c, ok := numCompare(a, b)
		return ok && op.holds(c), nil
	}
	if x, ok := AsString(a); ok {
		if y, ok := AsString(b); ok {
			return op.holds(strings.Compare(x, y)), nil
		}
	}
	switch x := a.(type) {
	case Bytes:
		if y, ok := b.(Bytes); ok {
			return op.holds(strings.Compare(string(x), string(y))), nil
		}
	case *List:
		if y, ok := b.(*List); ok {
			return compareElems(op, x.Elems, y.Elems, depth)
		}
	case *Tuple:
		if y, ok := b.(*Tuple); ok {
			return compareElems(op, x.Elems, y.Elems, depth)
		}
	case *Set, *View:
		if s, ok := asSet(a); ok {
			if t, ok := asSet(b); ok {
				switch op {
				case Lt:
					return s.Len() < t.Len() && s.subset(t), nil
				case Le:
					return s.subset(t), nil
				case Gt:
					return t.Len() < s.Len() && t.subset(s), nil
				}
				return t.subset(s), nil
			}
		}
	case *Datetime:
		if y, ok := b.(*Datetime); ok {
			if (x.Zone == nil) != (y.Zone == nil) {
				return false, TypeErrorf("can't compare offset-naive and offset-aware datetimes")
			}
			return op.holds(x.T.Compare(y.T)), nil
		}
		if y, ok := b.(*Date); ok {
			return false, TypeErrorf("can't compare %s to %s", x.qualified(), y.qualified())
		}
	case *Date:
		if y, ok := b.(*Date); ok {
			return op.holds(x.T.Compare(y.T)), nil
		}
		if y, ok := b.(*Datetime); ok {
			return false, TypeErrorf("can't compare %s to %s", y.qualified(), x.qualified())
		}
	case *Time:
		if y, ok := b.(*Time); ok {
			return op.holds(int(sign64(int64(x.D - y.D)))), nil
		}
	case *Timedelta:
		if y, ok := b.(*Timedelta); ok {
			return op.holds(int(sign64(int64(x.D - y.D)))), nil
		}
	case Orderer:
		if c, known, err := x.OrderTo(b); known || err != nil {
			return err == nil && op.holds(c), err
		}
	}
	if y, ok := b.(Orderer); ok {
		if c, known, err := y.OrderTo(a); known || err != nil {
			return err == nil && op.reflected().holds(c), err
		}
	}
	return false, TypeErrorf("'%s' not supported between instances of '%s' and '%s'", string(op), qualifiedName(a), qualifiedName(b))
}

// Orderer is implemented by objects of other packages that have an order (versions). known false: not with this other.
type Orderer interface {
	OrderTo(other Value) (c int, known bool, err error)
}

func sign64(n int64) int64 {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func compareElems(op CompareOp, a, b []Value, depth int) (bool, error) {
	n := min(len(a), len(b))
	for i := range n {
		eq, err := sameOrEqual(a[i], b[i], depth+1)
		if err != nil {
			return false, err
		}
		if !eq {
			return compare(op, a[i], b[i], depth+1)
		}
	}
	return op.holds(len(a) - len(b)), nil
}

// Contains is x in container.
func Contains(container, x Value) (bool, error) {
	container, err := Norm(container)
	if err != nil {
		return false, err
	}
	switch c := container.(type) {
	case Str, Markup:
		text, _ := AsString(container)
		xn, err := Norm(x)
		if err != nil {
			return false, err
		}
		s, ok := AsString(xn)
		if !ok {
			return false, TypeErrorf("'in <string>' requires string as left operand, not %s", xn.TypeName())
		}
		return strings.Contains(text, s), nil
	case Bytes:
		switch x := x.(type) {
		case Bytes:
			return strings.Contains(string(c), string(x)), nil
		case Int, Bool, *BigInt:
			n, err := Index(x)
			if err != nil || n < 0 || n > 255 {
				return false, ValueErrorf("byte must be in range(0, 256)")
			}
			return strings.IndexByte(string(c), byte(n)) >= 0, nil
		}
		return false, TypeErrorf("a bytes-like object is required, not '%s'", x.TypeName())
	case *List:
		return inElems(c.Elems, x)
	case *Tuple:
		return inElems(c.Elems, x)
	case *Dict:
		if u, ok := x.(*Undefined); ok && u.Kind != Lenient {
			return false, u.Err()
		}
		x, err := Norm(x)
		if err != nil {
			return false, err
		}
		_, ok, err := c.Get(x)
		return ok, err
	case *Set:
		if u, ok := x.(*Undefined); ok && u.Kind != Lenient {
			return false, u.Err()
		}
		return c.Has(x)
	case *Range:
		return c.contains(x)
	case *View:
		if c.Kind == ViewKeys {
			return Contains(c.Dict, x)
		}
		return inElems(c.elems(), x)
	case *Undefined:
		if c.Kind == Lenient {
			return false, nil
		}
		return false, c.Err()
	case Container:
		return c.Contains(x)
	case Mapping:
		_, ok, err := c.GetItem(x)
		return ok, err
	}
	it, err := Iterate(container)
	if err != nil {
		if e, ok := asError(err); ok && strings.HasSuffix(e.Msg, "object is not iterable") {
			return false, TypeErrorf("argument of type '%s' is not iterable", container.TypeName())
		}
		return false, err
	}
	for {
		v, ok, err := it.Next()
		if err != nil || !ok {
			return false, err
		}
		if eq, err := sameOrEqual(v, x, 0); err != nil || eq {
			return eq, err
		}
	}
}

func inElems(elems []Value, x Value) (bool, error) {
	for _, e := range elems {
		if eq, err := sameOrEqual(e, x, 0); err != nil || eq {
			return eq, err
		}
	}
	return false, nil
}
