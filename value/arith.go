package value

import (
	"math"
	"math/big"
	"strings"
)

// Bounds on results, so that an expression can fail but never exhaust the machine.
const (
	maxRepeat  = 64 << 20 // bytes or elements of a repeated or joined sequence
	maxIntBits = 1 << 20  // bits of an int that ** and << may build
)

func operands(op string, a, b Value) error {
	return TypeErrorf("unsupported operand type(s) for %s: '%s' and '%s'", op, operandName(a), operandName(b))
}

// operandName is the name of a class in such errors: those of the module datetime have it in front.
func operandName(v Value) string {
	switch v.(type) {
	case *Datetime, *Date, *Time, *Timedelta:
		return qualifiedName(v)
	}
	return v.TypeName()
}

// prepare normalises both operands and raises undefined ones.
func prepare(a, b Value) (Value, Value, error) {
	a, b, err := norm2(a, b)
	if err != nil {
		return nil, nil, err
	}
	if u, ok := a.(*Undefined); ok {
		return nil, nil, u.Err()
	}
	if u, ok := b.(*Undefined); ok {
		return nil, nil, u.Err()
	}
	return a, b, nil
}

// Arithmetic is implemented by objects of other packages that know an operator. known false: not with this other.
type Arithmetic interface {
	Binary(op string, other Value, reflected bool) (v Value, known bool, err error)
}

func foreign(op string, a, b Value) (Value, bool, error) {
	if x, ok := a.(Arithmetic); ok {
		if v, known, err := x.Binary(op, b, false); known || err != nil {
			return v, true, err
		}
	}
	if y, ok := b.(Arithmetic); ok {
		if v, known, err := y.Binary(op, a, true); known || err != nil {
			return v, true, err
		}
	}
	return nil, false, nil
}

// Add is a + b.
func Add(a, b Value) (Value, error) {
	if x, ok := a.(Int); ok {
		if y, ok := b.(Int); ok {
			s := x + y
			if (s > x) == (y > 0) {
				return s, nil
			}
		}
	}
	a, b, err := prepare(a, b)
	if err != nil {
		return nil, err
	}
	if isNumeric(a) && isNumeric(b) {
		return numOp('+', a, b)
	}
	switch x := a.(type) {
	case Str:
		switch y := b.(type) {
		case Str:
			if len(x)+len(y) > maxRepeat {
				return nil, Errorf("MemoryError", "string too long")
			}
			return x + y, nil
		case Markup:
			return Markup(EscapeHTML(string(x))) + y, nil
		}
		return nil, TypeErrorf(`can only concatenate str (not "%s") to str`, b.TypeName())
	case Markup:
		if s, ok := AsString(b); ok {
			if m, ok := b.(Markup); ok {
				return x + m, nil
			}
			return x + Markup(EscapeHTML(s)), nil
		}
		return nil, operands("+", a, b)
	case Bytes:
		if y, ok := b.(Bytes); ok {
			return x + y, nil
		}
		return nil, TypeErrorf("can't concat %s to bytes", b.TypeName())
	case *List:
		if y, ok := b.(*List); ok {
			return &List{Elems: joinElems(x.Elems, y.Elems)}, nil
		}
		if _, ok := b.(Arithmetic); !ok {
			return nil, TypeErrorf(`can only concatenate list (not "%s") to list`, b.TypeName())
		}
	case *Tuple:
		if y, ok := b.(*Tuple); ok {
			return &Tuple{Elems: joinElems(x.Elems, y.Elems)}, nil
		}
		return nil, TypeErrorf(`can only concatenate tuple (not "%s") to tuple`, b.TypeName())
	}
	if v, known, err := timeOp("+", a, b); known || err != nil {
		return v, err
	}
	if v, known, err := foreign("+", a, b); known || err != nil {
		return v, err
	}
	return nil, operands("+", a, b)
}

func joinElems(a, b []Value) []Value {
	out := make([]Value, 0, len(a)+len(b))
	return append(append(out, a...), b...)
}

// Sub is a - b.
func Sub(a, b Value) (Value, error) {
	a, b, err := prepare(a, b)
	if err != nil {
		return nil, err
	}
	if isNumeric(a) && isNumeric(b) {
		return numOp('-', a, b)
	}
	if x, y, ok := twoSets(a, b); ok {
		return x.Difference(y), nil
	}
	if v, known, err := timeOp("-", a, b); known || err != nil {
		return v, err
	}
	if v, known, err := foreign("-", a, b); known || err != nil {
		return v, err
	}
	return nil, operands("-", a, b)
}

func twoSets(a, b Value) (x, y *Set, ok bool) {
	x, ok1 := asSet(a)
	y, ok2 := asSet(b)
	return x, y, ok1 && ok2
}

// Mul is a * b.
func Mul(a, b Value) (Value, error) {
	if _, escaped := a.(Markup); escaped {
		if u, ok := b.(*Undefined); ok { // Markup's product looks at the number before anybody uses it
			return nil, TypeErrorf("'%s' object cannot be interpreted as an integer", u.TypeName())
		}
	}
	a, b, err := prepare(a, b)
	if err != nil {
		return nil, err
	}
	if isNumeric(a) && isNumeric(b) {
		return numOp('*', a, b)
	}
	if _, escaped := b.(Markup); escaped {
		a, b = b, a // Markup's own product is asked first, whichever side it is on
	}
	if isSeq(a) {
		return repeat(a, b)
	}
	if isSeq(b) {
		return repeat(b, a)
	}
	if v, known, err := timeOp("*", a, b); known || err != nil {
		return v, err
	}
	if v, known, err := foreign("*", a, b); known || err != nil {
		return v, err
	}
	return nil, operands("*", a, b)
}

func isSeq(v Value) bool {
	switch v.(type) {
	case Str, Markup, Bytes, *List, *Tuple:
		return true
	}
	return false
}

func repeat(seq, count Value) (Value, error) {
	switch count.(type) {
	case Int, Bool:
	case *BigInt:
		return nil, Errorf("OverflowError", "cannot fit 'int' into an index-sized integer")
	default:
		if _, ok := seq.(Markup); ok {
			return nil, TypeErrorf("'%s' object cannot be interpreted as an integer", count.TypeName())
		}
		return nil, TypeErrorf("can't multiply sequence by non-int of type '%s'", count.TypeName())
	}
	n, _ := toInt64(count)
	n = max(n, 0)
	check := func(size int) error {
		limit := int64(maxRepeat)
		switch seq.(type) {
		case *List, *Tuple:
			limit = MaxRange
		}
		if n > 0 && int64(size) > limit/n {
			return Errorf("MemoryError", "repeating %d elements %d times is more than the limit of %d", size, n, limit)
		}
		return nil
	}
	elems := func(e []Value) ([]Value, error) {
		if err := check(len(e)); err != nil {
			return nil, err
		}
		out := make([]Value, 0, len(e)*int(n))
		if len(e) == 0 {
			return out, nil
		}
		for range n {
			out = append(out, e...)
		}
		return out, nil
	}
	text := func(s string) (string, error) {
		if s == "" {
			return "", nil
		}
		if err := check(len(s)); err != nil {
			return "", err
		}
		return strings.Repeat(s, int(n)), nil
	}
	switch x := seq.(type) {
	case *List:
		e, err := elems(x.Elems)
		return &List{Elems: e}, err
	case *Tuple:
		e, err := elems(x.Elems)
		return &Tuple{Elems: e}, err
	case Bytes:
		s, err := text(string(x))
		return Bytes(s), err
	case Markup:
		s, err := text(string(x))
		return Markup(s), err
	}
	s, _ := AsString(seq)
	s, err := text(s)
	return Str(s), err
}

// Div is a / b.
func Div(a, b Value) (Value, error) { return division("/", '/', a, b) }

// FloorDiv is a // b.
func FloorDiv(a, b Value) (Value, error) { return division("//", 'f', a, b) }

func division(op string, code byte, a, b Value) (Value, error) {
	a, b, err := prepare(a, b)
	if err != nil {
		return nil, err
	}
	if isNumeric(a) && isNumeric(b) {
		return numOp(code, a, b)
	}
	if v, known, err := timeOp(op, a, b); known || err != nil {
		return v, err
	}
	if v, known, err := foreign(op, a, b); known || err != nil {
		return v, err
	}
	return nil, operands(op, a, b)
}

// Mod is a % b: formatting when a is text.
func Mod(a, b Value) (Value, error) {
	a, err := Norm(a)
	if err != nil {
		return nil, err
	}
	switch x := a.(type) {
	case Str:
		s, err := PercentFormat(string(x), b)
		return Str(s), err
	case Markup:
		s, err := PercentFormat(string(x), escapeArgs(b))
		return Markup(s), err
	case Bytes:
		s, err := PercentFormat(string(x), b)
		return Bytes(s), err
	}
	a, b, err = prepare(a, b)
	if err != nil {
		return nil, err
	}
	if isNumeric(a) && isNumeric(b) {
		return numOp('%', a, b)
	}
	if v, known, err := timeOp("%", a, b); known || err != nil {
		return v, err
	}
	if v, known, err := foreign("%", a, b); known || err != nil {
		return v, err
	}
	return nil, operands("%", a, b)
}

// Pow is a ** b.
func Pow(a, b Value) (Value, error) {
	a, b, err := prepare(a, b)
	if err != nil {
		return nil, err
	}
	if isNumeric(a) && isNumeric(b) {
		return numOp('p', a, b)
	}
	if v, known, err := foreign("**", a, b); known || err != nil {
		return v, err
	}
	return nil, operands("** or pow()", a, b)
}

// Neg is -v.
func Neg(v Value) (Value, error) { return unary('-', v) }

// Pos is +v.
func Pos(v Value) (Value, error) { return unary('+', v) }

func unary(op byte, v Value) (Value, error) {
	v, err := Norm(v)
	if err != nil {
		return nil, err
	}
	switch x := v.(type) {
	case *Undefined:
		return nil, x.Err()
	case Bool, Int, *BigInt:
		n, _ := toBig(x)
		if op == '-' {
			n = new(big.Int).Neg(n)
		}
		return NewBig(n), nil
	case Float:
		if op == '-' {
			return -x, nil
		}
		return x, nil
	case Complex:
		if op == '-' {
			return -x, nil
		}
		return x, nil
	case *Timedelta:
		if op == '-' {
			return &Timedelta{D: -x.D}, nil
		}
		return x, nil
	}
	return nil, TypeErrorf("bad operand type for unary %c: '%s'", op, v.TypeName())
}

func isNumeric(v Value) bool {
	switch v.(type) {
	case Bool, Int, *BigInt, Float, Complex:
		return true
	}
	return false
}

func numOp(op byte, a, b Value) (Value, error) {
	_, ac := a.(Complex)
	_, bc := b.(Complex)
	if ac || bc {
		return complexOp(op, a, b)
	}
	_, af := a.(Float)
	_, bf := b.(Float)
	if af || bf {
		x, err := floatOperand(a)
		if err != nil {
			return nil, err
		}
		y, err := floatOperand(b)
		if err != nil {
			return nil, err
		}
		return floatOp(op, x, y)
	}
	if x, ok := toInt64(a); ok {
		if y, ok := toInt64(b); ok {
			if v, done, err := smallOp(op, x, y); done {
				return v, err
			}
		}
	}
	x, _ := toBig(a)
	y, _ := toBig(b)
	return bigOp(op, x, y)
}

func floatOperand(v Value) (float64, error) {
	f, _ := toFloat(v)
	if _, ok := v.(*BigInt); ok && math.IsInf(f, 0) {
		return 0, Errorf("OverflowError", "int too large to convert to float")
	}
	return f, nil
}

func smallOp(op byte, x, y int64) (Value, bool, error) {
	switch op {
	case '+':
		if s := x + y; (s > x) == (y > 0) {
			return Int(s), true, nil
		}
	case '-':
		if s := x - y; (s < x) == (y > 0) {
			return Int(s), true, nil
		}
	case '*':
		if x == 0 || y == 0 {
			return Int(0), true, nil
		}
		if p := x * y; p/y == x && !(x == -1 && y == math.MinInt64) && !(y == -1 && x == math.MinInt64) {
			return Int(p), true, nil
		}
	case '/':
		if y == 0 {
			return nil, true, Errorf("ZeroDivisionError", "division by zero")
		}
		if abs64(x) < 1<<53 && abs64(y) < 1<<53 {
			return Float(float64(x) / float64(y)), true, nil
		}
	case 'f', '%':
		if y == 0 {
			return nil, true, zeroDivision(op)
		}
		if y == -1 {
			break // x / -1 may overflow
		}
		q, m := x/y, x%y
		if m != 0 && (m < 0) != (y < 0) {
			q--
			m += y
		}
		if op == 'f' {
			return Int(q), true, nil
		}
		return Int(m), true, nil
	}
	return nil, false, nil
}

func abs64(x int64) uint64 {
	if x < 0 {
		return uint64(-x)
	}
	return uint64(x)
}

func zeroDivision(op byte) error {
	switch op {
	case '%':
		return Errorf("ZeroDivisionError", "integer modulo by zero")
	case 'f':
		return Errorf("ZeroDivisionError", "integer division or modulo by zero")
	}
	return Errorf("ZeroDivisionError", "division by zero")
}

func bigOp(op byte, x, y *big.Int) (Value, error) {
	r := new(big.Int)
	switch op {
	case '+':
		return NewBig(r.Add(x, y)), nil
	case '-':
		return NewBig(r.Sub(x, y)), nil
	case '*':
		if x.BitLen()+y.BitLen() > maxIntBits {
			return nil, Errorf("MemoryError", "integer of more than %d bits", maxIntBits)
		}
		return NewBig(r.Mul(x, y)), nil
	case '/':
		if y.Sign() == 0 {
			return nil, zeroDivision(op)
		}
		f, _ := new(big.Rat).SetFrac(x, y).Float64()
		if math.IsInf(f, 0) {
			return nil, Errorf("OverflowError", "integer division result too large for a float")
		}
		if f == 0 && (x.Sign() < 0) != (y.Sign() < 0) {
			f = math.Copysign(0, -1)
		}
		return Float(f), nil
	case 'f', '%':
		if y.Sign() == 0 {
			return nil, zeroDivision(op)
		}
		m := new(big.Int)
		r.QuoRem(x, y, m)
		if m.Sign() != 0 && (m.Sign() < 0) != (y.Sign() < 0) {
			r.Sub(r, bigOne)
			m.Add(m, y)
		}
		if op == 'f' {
			return NewBig(r), nil
		}
		return NewBig(m), nil
	}
	// **
	if y.Sign() < 0 {
		xf, _ := new(big.Float).SetInt(x).Float64()
		yf, _ := new(big.Float).SetInt(y).Float64()
		if math.IsInf(xf, 0) {
			return nil, Errorf("OverflowError", "int too large to convert to float")
		}
		return floatOp('p', xf, yf)
	}
	if x.BitLen() > 1 && (!y.IsInt64() || int64(x.BitLen())*min(y.Int64(), maxIntBits) > maxIntBits) {
		return nil, Errorf("MemoryError", "integer of more than %d bits", maxIntBits)
	}
	if x.BitLen() <= 1 && !y.IsInt64() {
		// 0, 1 and -1 to a huge power
		if x.Sign() < 0 && y.Bit(0) == 0 {
			return Int(1), nil
		}
		return NewBig(new(big.Int).Set(x)), nil
	}
	return NewBig(r.Exp(x, y, nil)), nil
}

func floatOp(op byte, x, y float64) (Value, error) {
	switch op {
	case '+':
		return Float(x + y), nil
	case '-':
		return Float(x - y), nil
	case '*':
		return Float(x * y), nil
	case '/':
		if y == 0 {
			return nil, Errorf("ZeroDivisionError", "float division by zero")
		}
		return Float(x / y), nil
	case 'f':
		if y == 0 {
			return nil, Errorf("ZeroDivisionError", "float floor division by zero")
		}
		q, _ := floatDivMod(x, y)
		return Float(q), nil
	case '%':
		if y == 0 {
			return nil, Errorf("ZeroDivisionError", "float modulo")
		}
		_, m := floatDivMod(x, y)
		return Float(m), nil
	}
	return floatPow(x, y)
}

func floatDivMod(x, y float64) (q, m float64) {
	m = math.Mod(x, y)
	q = (x - m) / y
	if m != 0 {
		if (y < 0) != (m < 0) {
			m += y
			q--
		}
	} else {
		m = math.Copysign(0, y)
	}
	if q != 0 {
		f := math.Floor(q)
		if q-f > 0.5 {
			f++
		}
		q = f
	} else {
		q = math.Copysign(0, x/y)
	}
	return q, m
}

func floatPow(x, y float64) (Value, error) {
	if x == 0 && y < 0 {
		return nil, Errorf("ZeroDivisionError", "0.0 cannot be raised to a negative power")
	}
	if x < 0 && !math.IsInf(x, 0) && !math.IsInf(y, 0) && y != math.Trunc(y) {
		return complexOp('p', Float(x), Float(y))
	}
	r := PowFloat(x, y)
	if math.IsInf(r, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
		return nil, Errorf("OverflowError", "(34, 'Numerical result out of range')")
	}
	return Float(r), nil
}

// Bitwise is a op b for "|", "&", "^" on ints, sets and (|) dicts: what unions of sets and methods need.
func Bitwise(op string, a, b Value) (Value, error) {
	a, b, err := prepare(a, b)
	if err != nil {
		return nil, err
	}
	if x, y, ok := twoSets(a, b); ok {
		switch op {
		case "|":
			return x.Union(y), nil
		case "&":
			return x.Intersection(y), nil
		}
		return x.Difference(y).Union(y.Difference(x)), nil
	}
	if x, ok := toBig(a); ok {
		if y, ok := toBig(b); ok {
			r := new(big.Int)
			switch op {
			case "|":
				r.Or(x, y)
			case "&":
				r.And(x, y)
			default:
				r.Xor(x, y)
			}
			return NewBig(r), nil
		}
	}
	return nil, operands(op, a, b)
}
