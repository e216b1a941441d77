package value

import (
	"math"
	"math/big"
	"math/cmplx"
	"strconv"
	"strings"
)

// Complex is Python's complex: what a negative number to a fractional power gives, and a literal such as 1+2j.
type Complex complex128

// TypeName is "complex".
func (Complex) TypeName() string { return "complex" }

func toComplex(v Value) (complex128, bool) {
	if c, ok := v.(Complex); ok {
		return complex128(c), true
	}
	f, ok := toFloat(v)
	return complex(f, 0), ok
}

// complexPart is a float as complex numbers print it: without ".0".
func complexPart(f float64) string { return strings.TrimSuffix(FloatRepr(f), ".0") }

func (c Complex) repr() string {
	re, im := real(c), imag(c)
	if re == 0 && !math.Signbit(re) {
		return complexPart(im) + "j"
	}
	sign := "+"
	if math.Signbit(im) || math.IsNaN(im) {
		sign = ""
		if math.IsNaN(im) {
			sign = "+"
		}
	}
	return "(" + complexPart(re) + sign + complexPart(im) + "j)"
}

func complexOp(op byte, a, b Value) (Value, error) {
	x, _ := toComplex(a)
	y, _ := toComplex(b)
	switch op {
	case '+':
		return Complex(x + y), nil
	case '-':
		return Complex(x - y), nil
	case '*':
		return Complex(x * y), nil
	case '/':
		if y == 0 {
			return nil, Errorf("ZeroDivisionError", "complex division by zero")
		}
		return Complex(x / y), nil
	case 'p':
		if x == 0 {
			if real(y) < 0 || imag(y) != 0 {
				return nil, Errorf("ZeroDivisionError", "0.0 to a negative or complex power")
			}
			if y == 0 {
				return Complex(1), nil
			}
			return Complex(0), nil
		}
		if y == 0 {
			return Complex(1), nil
		}
		mod, phase := math.Hypot(real(x), imag(x)), math.Atan2(imag(x), real(x))
		l := PowFloat(mod, real(y))
		at := phase * real(y)
		if imag(y) != 0 {
			l *= math.Exp(-phase * imag(y))
			at += imag(y) * math.Log(mod)
		}
		sin, cos := sinCos(at)
		r := complex(l*cos, l*sin)
		if cmplx.IsInf(r) {
			return nil, Errorf("OverflowError", "complex exponentiation")
		}
		return Complex(r), nil
	}
	name := "//"
	if op == '%' {
		name = "%"
	}
	return nil, operands(name, a, b)
}

// sinCos are the sine and cosine of x, correctly rounded for angles that occur: Go's are often a digit off C's.
func sinCos(x float64) (sin, cos float64) {
	if math.Abs(x) > 64 || math.IsNaN(x) || x == 0 {
		return math.Sin(x), math.Cos(x)
	}
	const prec = 512
	newf := func(f float64) *big.Float { return new(big.Float).SetPrec(prec).SetFloat64(f) }
	square := new(big.Float).Mul(newf(x), newf(x))
	series := func(term *big.Float, n int) float64 {
		sum := newf(0)
		for ; term.Sign() != 0 && term.MantExp(nil) > -400; n += 2 {
			sum.Add(sum, term)
			term = new(big.Float).Mul(term, square)
			term.Quo(term, newf(float64(n*(n+1))))
			term.Neg(term)
		}
		f, _ := sum.Float64()
		return f
	}
	return series(newf(x), 2), series(newf(1), 1)
}

// parseImag reads the number before a "j".
func parseImag(s string) (Value, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, false
	}
	return Complex(complex(0, f)), true
}
