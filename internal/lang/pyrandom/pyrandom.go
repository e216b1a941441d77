// Package pyrandom is Python's random.Random: the Mersenne Twister with CPython's seeding and choosing, so that seeded
// passwords, random and shuffle give the same answers as in Ansible.
//
// The password lookup and the random and shuffle filters call it.
package pyrandom

import (
	"crypto/sha512"
	"math"
	"math/big"
	"math/bits"
)

const (
	n         = 624
	m         = 397
	matrix    = 0x9908b0df
	upperMask = 0x80000000
	lowerMask = 0x7fffffff
)

// Random is one generator. It is not safe for concurrent use.
type Random struct {
	state [n]uint32
	index int
}

// FromText returns random.Random(seed) for a text or bytes seed.
func FromText(seed string) *Random {
	sum := sha512.Sum512([]byte(seed))
	return fromBytes(append([]byte(seed), sum[:]...))
}

// FromInt returns random.Random(seed) for a whole number; the sign does not count.
func FromInt(seed *big.Int) *Random { return fromBytes(new(big.Int).Abs(seed).Bytes()) }

// fromBytes seeds by a big-endian number.
func fromBytes(b []byte) *Random {
	var key []uint32
	for end := len(b); end > 0; end -= 4 {
		var word uint32
		for _, c := range b[max(0, end-4):end] {
			word = word<<8 | uint32(c)
		}
		key = append(key, word)
	}
	for len(key) > 1 && key[len(key)-1] == 0 {
		key = key[:len(key)-1]
	}
	if len(key) == 0 {
		key = []uint32{0}
	}
	r := &Random{}
	r.seedArray(key)
	return r
}

func (r *Random) seedWord(s uint32) {
	r.state[0] = s
	for i := 1; i < n; i++ {
		r.state[i] = 1812433253*(r.state[i-1]^r.state[i-1]>>30) + uint32(i)
	}
	r.index = n
}

func (r *Random) seedArray(key []uint32) {
	r.seedWord(19650218)
	i, j := 1, 0
	for k := max(n, len(key)); k > 0; k-- {
		r.state[i] = (r.state[i] ^ (r.state[i-1]^r.state[i-1]>>30)*1664525) + key[j] + uint32(j)
		i, j = i+1, j+1
		if i >= n {
			r.state[0], i = r.state[n-1], 1
		}
		if j >= len(key) {
			j = 0
		}
	}
	for k := n - 1; k > 0; k-- {
		r.state[i] = (r.state[i] ^ (r.state[i-1]^r.state[i-1]>>30)*1566083941) - uint32(i)
		if i++; i >= n {
			r.state[0], i = r.state[n-1], 1
		}
	}
	r.state[0] = 0x80000000
}

func (r *Random) next() uint32 {
	if r.index >= n {
		for k := range n {
			y := r.state[k]&upperMask | r.state[(k+1)%n]&lowerMask
			v := r.state[(k+m)%n] ^ y>>1
			if y&1 != 0 {
				v ^= matrix
			}
			r.state[k] = v
		}
		r.index = 0
	}
	y := r.state[r.index]
	r.index++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// Float is random(): at least 0, less than 1.
func (r *Random) Float() float64 {
	a, b := r.next()>>5, r.next()>>6
	return (float64(a)*67108864 + float64(b)) / 9007199254740992
}

// Bits is getrandbits(k) for k up to 64.
func (r *Random) Bits(k int) uint64 {
	if k <= 32 {
		return uint64(r.next() >> (32 - k))
	}
	low := uint64(r.next())
	return low | uint64(r.next()>>(64-k))<<32
}

// Below is a number from 0 up to but not including limit, drawn as CPython draws it. limit must be positive.
func (r *Random) Below(limit int) int {
	k := bits.Len(uint(limit))
	for {
		if v := r.Bits(k); v < uint64(limit) {
			return int(v)
		}
	}
}

// Range is randrange(start, stop, step); ok is false when the range is empty.
func (r *Random) Range(start, stop, step int) (v int, ok bool) {
	if step == 0 {
		return 0, false
	}
	count := int(math.Ceil(float64(stop-start) / float64(step)))
	if count <= 0 {
		return 0, false
	}
	return start + step*r.Below(count), true
}

// Shuffle permutes count elements the way random.shuffle does.
func (r *Random) Shuffle(count int, swap func(i, j int)) {
	for i := count - 1; i > 0; i-- {
		swap(i, r.Below(i+1))
	}
}
