package filters

import (
	"math/big"

	"github.com/troupe-automation/troupe/internal/lang/pyrandom"
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var randoms = family{filters: []jinja.Filter{
	{Name: "random", Signature: "rand(~environment, end, start=None, step=None, seed=None)", Run: randomOf, Volatile: true},
	{Name: "shuffle", Signature: "randomize_list(mylist, seed=None)", Run: shuffle, Volatile: true},
}}

func randomOf(c *jinja.Call) (value.Value, error) {
	end := c.Args[0]
	if err := undefinedArg(end); err != nil {
		return nil, err
	}
	t, err := pyrandom.New(c.Args[3])
	if err != nil {
		return nil, err
	}
	if stop, ok := value.ToBigInt(end); ok {
		start, step := big.NewInt(0), big.NewInt(1)
		for i, p := range []*big.Int{start, step} {
			a := c.Args[i+1]
			if yes, err := truth(a); err != nil {
				return nil, err
			} else if !yes {
				continue
			}
			n, ok := value.ToBigInt(a)
			if !ok {
				return nil, value.TypeErrorf("'%s' object cannot be interpreted as an integer", a.TypeName())
			}
			p.Set(n)
		}
		width := new(big.Int).Sub(stop, start)
		if step.Cmp(big.NewInt(1)) == 0 {
			if width.Sign() <= 0 {
				return nil, value.ValueErrorf("empty range for randrange() (%s, %s, %s)", start, stop, width)
			}
			r := t.Below(width)
			return value.NewBig(r.Add(r, start)), nil
		}
		n := new(big.Int)
		one := big.NewInt(1)
		if step.Sign() > 0 {
			n.Sub(n.Add(width, step), one)
		} else {
			n.Add(n.Add(width, step), one)
		}
		n = floorDiv(n, step)
		if n.Sign() <= 0 {
			return nil, value.ValueErrorf("empty range for randrange()")
		}
		r := t.Below(n)
		return value.NewBig(r.Add(r.Mul(r, step), start)), nil
	}
	if _, err := value.Iterate(end); err != nil || value.IsNumber(end) {
		return nil, filterError("random can only be used on sequences and integers")
	}
	for _, a := range c.Args[1:3] {
		if yes, err := truth(a); err != nil {
			return nil, err
		} else if yes {
			return nil, filterError("start and step can only be used with integer values")
		}
	}
	n, err := value.Len(end)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, value.Errorf("IndexError", "Cannot choose from an empty sequence")
	}
	return value.Subscript(end, value.Int(t.Intn(n)))
}

func floorDiv(a, b *big.Int) *big.Int {
	q, m := new(big.Int).QuoRem(a, b, new(big.Int))
	if m.Sign() != 0 && (m.Sign() < 0) != (b.Sign() < 0) {
		q.Sub(q, big.NewInt(1))
	}
	return q
}

func shuffle(c *jinja.Call) (value.Value, error) {
	if err := undefinedArg(c.Args[0]); err != nil {
		return nil, err
	}
	elems, err := value.Collect(c.Args[0])
	if err != nil {
		// Ansible gives back what it cannot shuffle.
		return c.Args[0], nil
	}
	t, err := pyrandom.New(c.Args[1])
	if err != nil {
		return c.Args[0], nil
	}
	for i := len(elems) - 1; i > 0; i-- {
		j := t.Intn(i + 1)
		elems[i], elems[j] = elems[j], elems[i]
	}
	if elems == nil {
		elems = []value.Value{}
	}
	return value.NewList(elems...), nil
}
