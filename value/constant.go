package value

import "math"

// Immutable reports whether v is a number, text, a truth value or None.
func Immutable(v Value) bool {
	switch v.(type) {
	case NoneType, Bool, Int, *BigInt, Float, Str:
		return true
	}
	return false
}

// Writable is Jinja's test for values that may be written into a compiled template.
func Writable(v Value) bool { return writable(v, 0) }

func writable(v Value, depth int) bool {
	if depth > 20 {
		return false
	}
	switch v := v.(type) {
	case *List:
		for _, e := range v.Elems {
			if !writable(e, depth+1) {
				return false
			}
		}
		return true
	case *Tuple:
		for _, e := range v.Elems {
			if !writable(e, depth+1) {
				return false
			}
		}
		return true
	case *Dict:
		for k, e := range v.All() {
			if !writable(k, depth+1) || !writable(e, depth+1) {
				return false
			}
		}
		return true
	case *Set:
		return true
	case Markup, Complex, *Range:
		return true
	}
	return Immutable(v)
}

// Infinite is "inf" or "nan" when v is or holds such a number, else "".
func Infinite(v Value) string {
	var elems []Value
	switch v := v.(type) {
	case Float:
		switch {
		case math.IsNaN(float64(v)):
			return "nan"
		case math.IsInf(float64(v), 0):
			return "inf"
		}
	case *List:
		elems = v.Elems
	case *Tuple:
		elems = v.Elems
	case *Dict:
		for _, e := range v.All() {
			elems = append(elems, e)
		}
	}
	for _, e := range elems {
		if name := Infinite(e); name != "" {
			return name
		}
	}
	return ""
}

// IsNegative reports whether v is a number written with a sign.
func IsNegative(v Value) bool {
	switch v := v.(type) {
	case Int:
		return v < 0
	case Float:
		return math.Signbit(float64(v))
	case *BigInt:
		return v.Num.Sign() < 0
	}
	return false
}
