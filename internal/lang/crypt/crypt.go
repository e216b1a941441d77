// Package crypt hashes passwords in the formats of crypt(3) that Ansible's password_hash gives: md5, sha256, sha512 and
// bcrypt.
//
// Called by internal/lang/filters and by the password lookup. golang.org/x/crypto has the ciphers but no way to choose the
// salt, which reproducible hashes need.
package crypt

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"strings"

	"golang.org/x/crypto/blowfish"
)

// Alphabet is the alphabet of crypt's base 64.
const Alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func encode24(b *strings.Builder, b2, b1, b0 byte, n int) {
	w := uint(b2)<<16 | uint(b1)<<8 | uint(b0)
	for range n {
		b.WriteByte(Alphabet[w&0x3f])
		w >>= 6
	}
}

// MD5 is $1$.
func MD5(password []byte, salt string) string {
	h := md5.New()
	h.Write(password)
	h.Write([]byte(salt))
	h.Write(password)
	alt := h.Sum(nil)
	h.Reset()
	h.Write(password)
	h.Write([]byte("$1$" + salt))
	for n := len(password); n > 0; n -= 16 {
		h.Write(alt[:min(n, 16)])
	}
	for n := len(password); n > 0; n >>= 1 {
		if n&1 != 0 {
			h.Write([]byte{0})
		} else {
			h.Write(password[:1])
		}
	}
	sum := h.Sum(nil)
	for i := range 1000 {
		h.Reset()
		if i&1 != 0 {
			h.Write(password)
		} else {
			h.Write(sum)
		}
		if i%3 != 0 {
			h.Write([]byte(salt))
		}
		if i%7 != 0 {
			h.Write(password)
		}
		if i&1 != 0 {
			h.Write(sum)
		} else {
			h.Write(password)
		}
		sum = h.Sum(nil)
	}
	var b strings.Builder
	b.WriteString("$1$" + salt + "$")
	for _, t := range [][3]int{{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}} {
		encode24(&b, sum[t[0]], sum[t[1]], sum[t[2]], 4)
	}
	encode24(&b, 0, 0, sum[11], 2)
	return b.String()
}

// DefaultRounds is the number of rounds that the text of a SHA hash leaves out.
const DefaultRounds = 5000

// SHA256 is $5$.
func SHA256(password []byte, salt string, rounds int) string {
	sum := shaCrypt(sha256.New, password, salt, rounds)
	var b strings.Builder
	b.WriteString(shaPrefix("$5$", salt, rounds))
	for i := range 10 {
		x, y, z := i, i+10, i+20
		switch i % 3 {
		case 1:
			x, y, z = i+20, i, i+10
		case 2:
			x, y, z = i+10, i+20, i
		}
		encode24(&b, sum[x], sum[y], sum[z], 4)
	}
	encode24(&b, 0, sum[31], sum[30], 3)
	return b.String()
}

// SHA512 is $6$.
func SHA512(password []byte, salt string, rounds int) string {
	sum := shaCrypt(sha512.New, password, salt, rounds)
	var b strings.Builder
	b.WriteString(shaPrefix("$6$", salt, rounds))
	for i := range 21 {
		x, y, z := i, i+21, i+42
		switch i % 3 {
		case 1:
			x, y, z = i+21, i+42, i
		case 2:
			x, y, z = i+42, i, i+21
		}
		encode24(&b, sum[x], sum[y], sum[z], 4)
	}
	encode24(&b, 0, 0, sum[63], 2)
	return b.String()
}

func shaPrefix(id, salt string, rounds int) string {
	if rounds == DefaultRounds {
		return id + salt + "$"
	}
	return fmt.Sprintf("%srounds=%d$%s$", id, rounds, salt)
}

func repeatTo(sum []byte, n int) []byte {
	out := make([]byte, 0, n+len(sum))
	for len(out) < n {
		out = append(out, sum...)
	}
	return out[:n]
}

func shaCrypt(newHash func() hash.Hash, password []byte, salt string, rounds int) []byte {
	s := []byte(salt)
	h := newHash()
	h.Write(password)
	h.Write(s)
	h.Write(password)
	alt := h.Sum(nil)
	h.Reset()
	h.Write(password)
	h.Write(s)
	h.Write(repeatTo(alt, len(password)))
	for n := len(password); n > 0; n >>= 1 {
		if n&1 != 0 {
			h.Write(alt)
		} else {
			h.Write(password)
		}
	}
	a := h.Sum(nil)
	h.Reset()
	for range password {
		h.Write(password)
	}
	p := repeatTo(h.Sum(nil), len(password))
	h.Reset()
	for range 16 + int(a[0]) {
		h.Write(s)
	}
	q := repeatTo(h.Sum(nil), len(s))
	for i := range rounds {
		h.Reset()
		if i&1 != 0 {
			h.Write(p)
		} else {
			h.Write(a)
		}
		if i%3 != 0 {
			h.Write(q)
		}
		if i%7 != 0 {
			h.Write(p)
		}
		if i&1 != 0 {
			h.Write(a)
		} else {
			h.Write(p)
		}
		a = h.Sum(a[:0])
	}
	return a
}

const bcryptAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func bcryptEncode(src []byte) string {
	var b strings.Builder
	for i := 0; i < len(src); i += 3 {
		var c [3]byte
		n := copy(c[:], src[i:])
		out := []byte{c[0] >> 2, c[0]<<4&0x30 | c[1]>>4, c[1]<<2&0x3c | c[2]>>6, c[2] & 0x3f}
		for _, x := range out[:n+1] {
			b.WriteByte(bcryptAlphabet[x])
		}
	}
	return b.String()
}

func bcryptDecode(s string) ([]byte, bool) {
	var out []byte
	var acc, bits uint
	for i := 0; i < len(s); i++ {
		v := strings.IndexByte(bcryptAlphabet, s[i])
		if v < 0 {
			return nil, false
		}
		acc = acc<<6 | uint(v)
		if bits += 6; bits >= 8 {
			bits -= 8
			out = append(out, byte(acc>>bits))
		}
	}
	return out, true
}

// Bcrypt is $2b$ (or another ident) with a salt of 22 characters and 2**cost rounds. ok is false for a bad salt.
func Bcrypt(password []byte, salt, ident string, cost int) (text string, ok bool) {
	if len(salt) != 22 || cost < 4 || cost > 31 {
		return "", false
	}
	raw, ok := bcryptDecode(salt)
	if !ok || len(raw) < 16 {
		return "", false
	}
	raw = raw[:16]
	key := append(append([]byte(nil), password...), 0)
	if len(key) > 72 {
		key = key[:72]
	}
	c, err := blowfish.NewSaltedCipher(key, raw)
	if err != nil {
		return "", false
	}
	for range 1 << cost {
		blowfish.ExpandKey(key, c)
		blowfish.ExpandKey(raw, c)
	}
	data := []byte("OrpheanBeholderScryDoubt")
	for i := 0; i < 24; i += 8 {
		for range 64 {
			c.Encrypt(data[i:i+8], data[i:i+8])
		}
	}
	return fmt.Sprintf("$%s$%02d$%s%s", ident, cost, bcryptEncode(raw), bcryptEncode(data[:23])), true
}
