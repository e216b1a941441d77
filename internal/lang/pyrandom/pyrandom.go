// Package pyrandom is Python's random.Random: the Mersenne Twister with CPython's seeding and choosing, so that seeded
// passwords, random and shuffle give the same answers as in Ansible.
//
// Called by internal/lang/filters and by the password lookup.
package pyrandom

import (
	cryptorand "crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"

	"github.com/troupe-automation/troupe/value"
)

// Random is CPython's random.Random: the Mersenne Random with its ways to seed it and to draw from it.
type Random struct {
	state [624]uint32
	index int
}

func (t *Random) initGenrand(s uint32) {
	t.state[0] = s
	for i := 1; i < 624; i++ {
		t.state[i] = 1812433253*(t.state[i-1]^t.state[i-1]>>30) + uint32(i)
	}
	t.index = 624
}

func (t *Random) initByArray(key []uint32) {
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

func (t *Random) next() uint32 {
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

func (t *Random) seedBig(n *big.Int) {
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

// New seeds a generator as random.Random(seed) does; None takes random bits of the system.
func New(seed value.Value) (*Random, error) {
	t := &Random{}
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
func (t *Random) bits(k int) *big.Int {
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
func (t *Random) Below(n *big.Int) *big.Int {
	k := n.BitLen()
	for {
		if r := t.bits(k); r.Cmp(n) < 0 {
			return r
		}
	}
}

// Intn draws an index below n.
func (t *Random) Intn(n int) int {
	k := bits.Len(uint(n))
	for {
		if r := int(t.bits(k).Int64()); r < n {
			return r
		}
	}
}
