package filters

import (
	cryptorand "crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var randoms = family{filters: []jinja.Filter{
	{Name: "random", Signature: "rand(~environment, end, start=None, step=None, seed=None)", Run: randomOf, Volatile: true},
	{Name: "shuffle", Signature: "randomize_list(mylist, seed=None)", Run: shuffle, Volatile: true},
}}

// Twister is CPython's random.Random: the Mersenne Twister with its ways to seed it and to draw from it.
type Twister struct {
	state [624]uint32
	index int
}

func (t *Twister) initGenrand(s uint32) {
	t.state[0] = s
	for i := 1; i < 624; i++ {
		t.state[i] = 1812433253*(t.state[i-1]^t.state[i-1]>>30) + uint32(i)
	}
	t.index = 624
}

func (t *Twister) initByArray(key []uint32) {
	t.initGenrand(19650218)
	i, j := 1, 0
	for k := max(624, len(key)); k > 0; k-- {
		t.state[i] = (t.state[i] ^ (t.state[i-1]^t.state[i-1]>>30)*1664525) + key[j] + uint32(j)
		if i++; i >= 624 {
			t.state[0] = t.state[623]
			i = 1
		}
		if j++; j >= len(key) {
			j = 0
		}
	}
	for k := 623; k > 0; k-- {
		t.state[i] = (t.state[i] ^ (t.state[i-1]^t.state[i-1]>>30)*1566083941) - uint32(i)
		if i++; i >= 624 {
			t.state[0] = t.state[623]
			i = 1
		}
	}
	t.state[0] = 0x80000000
}

func (t *Twister) next() uint32 {
	if t.index >= 624 {
		for i := range 624 {
			y := t.state[i]&0x80000000 | t.state[(i+1)%624]&0x7fffffff
			t.state[i] = t.state[(i+397)%624] ^ y>>1
			if y&1 != 0 {
				t.state[i] ^= 0x9908b0df
			}
		}
		t.index = 0
	}
	y := t.state[t.index]
	t.index++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (t *Twister) seedBig(n *big.Int) {
	n = new(big.Int).Abs(n)
	var key []uint32
	word := big.NewInt(0xffffffff)
	for n.Sign() > 0 {
		key = append(key, uint32(new(big.Int).And(n, word).Uint64()))
		n = new(big.Int).Rsh(n, 32)
	}
	if key == nil {
		key = []uint32{0}
	}
	t.initByArray(key)
}

// NewTwister seeds a generator as random.Random(seed) does; None takes random bits of the system.
func NewTwister(seed value.Value) (*Twister, error) {
	t := &Twister{}
	text := func(b []byte) {
		h := sha512.Sum512(b)
		t.seedBig(new(big.Int).SetBytes(append(append([]byte(nil), b...), h[:]...)))
	}
	seed, err := value.Norm(seed)
	if err != nil {
		return nil, err
	}
	switch x := seed.(type) {
	case value.NoneType:
		var b [32]byte
		if _, err := cryptorand.Read(b[:]); err != nil {
			return nil, err
		}
		t.seedBig(new(big.Int).SetBytes(b[:]))
		return t, nil
	case value.Bytes:
		text([]byte(x))
		return t, nil
	case value.Float:
		t.seedBig(new(big.Int).SetInt64(floatHash(float64(x))))
		return t, nil
	case *value.Undefined:
		return nil, x.Err()
	}
	if s, ok := value.AsString(seed); ok {
		text([]byte(s))
		return t, nil
	}
	if n, ok := value.ToBigInt(seed); ok {
		t.seedBig(n)
		return t, nil
	}
	return nil, value.TypeErrorf("The only supported seed types are: None,\nint, float, str, bytes, and bytearray.")
}

// floatHash is hash() of a float: the number modulo 2**61-1.
func floatHash(f float64) int64 {
	if math.IsNaN(f) {
		return 0
	}
	if math.IsInf(f, 1) {
		return 314159
	}
	if math.IsInf(f, -1) {
		return -314159
	}
	const p = 1<<61 - 1
	m, e := math.Frexp(math.Abs(f))
	var x uint64
	for m != 0 {
		x = (x<<28)&p | x>>(61-28)
		m *= 1 << 28
		e -= 28
		y := uint64(m)
		m -= float64(y)
		x += y
		if x >= p {
			x -= p
		}
	}
	if e >= 0 {
		e %= 61
	} else {
		e = 61 - 1 - (-1-e)%61
	}
	x = (x<<e)&p | x>>(61-e)
	h := int64(x)
	if f < 0 {
		h = -h
	}
	if h == -1 {
		h = -2
	}
	return h
}

// bits draws k random bits.
func (t *Twister) bits(k int) *big.Int {
	if k <= 32 {
		return big.NewInt(int64(t.next() >> (32 - k)))
	}
	words := (k + 31) / 32
	b := make([]byte, words*4)
	for i := range words {
		r := t.next()
		if rest := k - i*32; rest < 32 {
			r >>= 32 - rest
		}
		binary.BigEndian.PutUint32(b[(words-1-i)*4:], r)
	}
	return new(big.Int).SetBytes(b)
}

// Below draws a whole number below n, which must be positive.
func (t *Twister) Below(n *big.Int) *big.Int {
	k := n.BitLen()
	for {
		if r := t.bits(k); r.Cmp(n) < 0 {
			return r
		}
	}
}

// Intn draws an index below n.
func (t *Twister) Intn(n int) int {
	k := bits.Len(uint(n))
	for {
		if r := int(t.bits(k).Int64()); r < n {
			return r
		}
	}
}

func randomOf(c *jinja.Call) (value.Value, error) {
	end := c.Args[0]
	if err := undefinedArg(end); err != nil {
		return nil, err
	}
	t, err := NewTwister(c.Args[3])
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
	t, err := NewTwister(c.Args[1])
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
