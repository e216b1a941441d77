package value

import (
	"math"
	"math/big"
)

// powPrec is the precision that PowFloat computes with: enough to round correctly in all but freak cases.
const powPrec = 160

func bigf(f float64) *big.Float { return new(big.Float).SetPrec(powPrec).SetFloat64(f) }

var bigLn2 = bigLog(bigf(2))

// bigLog is ln(m) for m near 1, by the series of the inverse hyperbolic tangent.
func bigLog(m *big.Float) *big.Float {
	one := bigf(1)
	z := new(big.Float).SetPrec(powPrec).Quo(new(big.Float).Sub(m, one), new(big.Float).Add(m, one))
	z2 := new(big.Float).SetPrec(powPrec).Mul(z, z)
	sum, term := bigf(0), new(big.Float).SetPrec(powPrec).Set(z)
	for k := 1; k < 400; k += 2 {
		if term.Sign() == 0 || term.MantExp(nil) < -powPrec {
			break
		}
		sum.Add(sum, new(big.Float).SetPrec(powPrec).Quo(term, bigf(float64(k))))
		term.Mul(term, z2)
	}
	return sum.Mul(sum, bigf(2))
}

func bigExp(t *big.Float) *big.Float {
	q, _ := new(big.Float).SetPrec(powPrec).Quo(t, bigLn2).Float64()
	k := math.Round(q)
	r := new(big.Float).SetPrec(powPrec).Sub(t, new(big.Float).SetPrec(powPrec).Mul(bigLn2, bigf(k)))
	const halvings = 8
	if r.Sign() != 0 {
		r.SetMantExp(r, -halvings)
	}
	sum, term := bigf(1), bigf(1)
	for i := 1; i < 60; i++ {
		term.Mul(term, r)
		term.Quo(term, bigf(float64(i)))
		if term.Sign() == 0 || term.MantExp(nil) < -powPrec-10 {
			break
		}
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum.SetMantExp(sum, int(k))
}

// PowFloat is C's pow(x, y), rounded as good C libraries do. Go's math.Pow is often a digit off.
func PowFloat(x, y float64) float64 {
	r := math.Pow(x, y)
	if r == 0 || math.IsNaN(r) || math.IsInf(r, 0) || x == 1 || x == -1 || y == 0 || y == 1 || math.IsInf(x, 0) || math.IsInf(y, 0) {
		return r
	}
	if y == math.Trunc(y) && r == math.Trunc(r) && math.Abs(r) < 1<<53 && math.Abs(y) < 64 && y > 0 {
		return r // exact
	}
	frac, exp := math.Frexp(math.Abs(x))
	if frac < math.Sqrt2/2 {
		frac *= 2
		exp--
	}
	l := bigLog(bigf(frac))
	l.Add(l, new(big.Float).SetPrec(powPrec).Mul(bigLn2, bigf(float64(exp))))
	out, _ := bigExp(l.Mul(l, bigf(y))).Float64()
	return math.Copysign(out, r)
}
