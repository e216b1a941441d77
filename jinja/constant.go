package jinja

import (
	"math"

	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/value"
)

// findUnwritable finds the largest constant parts of an expression whose value is or holds an infinity or not-a-number.
// Jinja writes constants as Python source, where inf and nan are names that nobody defined. An expression that is constant
// as a whole is left to the caller: printed, its text is computed at compile time.
func (c *compiler) findUnwritable(e syntax.Expr, sc *scope) {
	suspect := false
	syntax.WalkExpr(e, func(n syntax.Expr) {
		switch n := n.(type) {
		case *syntax.Filter:
			suspect = suspect || n.Name == "float"
		case *syntax.FloatConst:
			suspect = suspect || math.IsInf(n.Val, 0)
		}
	})
	if !suspect {
		return
	}
	covered, whole := map[syntax.Expr]bool{}, e
	syntax.WalkExpr(e, func(n syntax.Expr) {
		if covered[n] || !c.pure(n) {
			return
		}
		fn, err := c.expr(n, sc)
		if err != nil {
			return
		}
		v, ok := c.fold(n, fn)
		if !ok {
			return
		}
		syntax.WalkExpr(n, func(part syntax.Expr) { covered[part] = true })
		if name := value.Infinite(v); name != "" && n != whole {
			if c.unwritable == nil {
				c.unwritable = map[syntax.Expr]string{}
			}
			c.unwritable[n] = name
		}
	})
}

// fold evaluates an expression that depends on nothing. ok is false when it does, or when it fails: failures belong to
// run time.
func (c *compiler) fold(e syntax.Expr, fn evalFn) (v value.Value, ok bool) {
	if !c.pure(e) {
		return nil, false
	}
	f := &frame{ctx: (&Program{env: c.env, name: c.p.name}).context(nil)}
	v, err := fn(f)
	if err != nil || !value.Writable(v) {
		return nil, false
	}
	return v, true
}

// pure reports whether an expression is one that Jinja evaluates at compile time.
func (c *compiler) pure(e syntax.Expr) bool {
	ok := true
	syntax.WalkExpr(e, func(n syntax.Expr) {
		switch n := n.(type) {
		case *syntax.Name, *syntax.Call, *syntax.Data:
			ok = false
		case *syntax.Cond:
			if n.Else == nil {
				ok = false
			}
		case *syntax.Filter:
			f, err := c.env.Filter(n.Name)
			ok = ok && err == nil && f != nil && !f.Volatile && n.Node != nil && n.Args.Star == nil && n.Args.StarStar == nil
		case *syntax.Test:
			f, err := c.env.Test(n.Name)
			ok = ok && err == nil && f != nil && !f.Volatile && n.Args.Star == nil && n.Args.StarStar == nil
		case *syntax.Binary:
			// Large powers and repetitions are left to run time, where their limits are told.
			ok = ok && n.Op != "**"
		}
	})
	return ok
}

// negatedPower is what Jinja makes of a negative constant to a power: it writes -2 ** n, which Python reads as -(2 ** n).
func negatedPower(a, b value.Value) (value.Value, error) {
	base, err := value.Neg(a)
	if err != nil {
		return nil, err
	}
	v, err := value.Pow(base, b)
	if err != nil {
		return nil, err
	}
	return value.Neg(v)
}

// negative reports whether v is a number that is written with a sign.
func negative(v value.Value) bool {
	switch v := v.(type) {
	case value.Int:
		return v < 0
	case value.Float:
		return math.Signbit(float64(v))
	case *value.BigInt:
		return v.Num.Sign() < 0
	}
	return false
}
