package crypto

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"

	"github.com/troupe-automation/troupe/module"
)

// curves are those that keys can have here, by their names of IANA.
var curves = map[string]elliptic.Curve{"secp224r1": elliptic.P224(), "secp256r1": elliptic.P256(), "secp384r1": elliptic.P384(), "secp521r1": elliptic.P521()}

// curveName is the name of a curve.
func curveName(c elliptic.Curve) string {
	for name, known := range curves {
		if known == c {
			return name
		}
	}
	return ""
}

// generate makes a key: RSA of size bits, ECC on curve, Ed25519 or X25519.
func generate(kind string, size int, curve string) (crypto.PrivateKey, error) {
	switch kind {
	case "RSA":
		return rsa.GenerateKey(rand.Reader, size)
	case "ECC":
		return ecdsa.GenerateKey(curves[curve], rand.Reader)
	case "Ed25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case "X25519":
		return ecdh.X25519().GenerateKey(rand.Reader)
	}
	return nil, &module.NotNative{Reason: "keys of type " + kind}
}

// formatOf is the form of a key's file by its first line: pkcs1 (that of OpenSSL before there was another), pkcs8, raw, unknown-pem,
// or "" of an empty one.
func formatOf(data []byte) string {
	if !utf8.Valid(data) {
		return "raw"
	}
	if len(data) == 0 {
		return ""
	}
	first, _, _ := strings.Cut(string(data), "\n")
	name, ok := strings.CutPrefix(strings.TrimSuffix(first, "\r"), "-----BEGIN ")
	if !ok || len(name) <= 5 || !strings.HasSuffix(name, "-----") {
		return "raw"
	}
	name = strings.TrimSuffix(name, "-----")
	switch {
	case name == "PRIVATE KEY" || name == "ENCRYPTED PRIVATE KEY":
		return "pkcs8"
	case strings.HasSuffix(name, " PRIVATE KEY") && name != " PRIVATE KEY":
		return "pkcs1"
	}
	return "unknown-pem"
}

// parseKey reads a key without a passphrase. nil is none that could be read that way; a kind of key that is not known here is the
// business of the collection's module.
func parseKey(data []byte, kind string) (crypto.PrivateKey, error) {
	switch formatOf(data) {
	case "":
		return nil, nil
	case "raw":
		return rawKey(data, kind)
	}
	return pemKey(data)
}

func rawKey(data []byte, kind string) (crypto.PrivateKey, error) {
	switch {
	case len(data) == 56 || len(data) == 57:
		return nil, &module.NotNative{Reason: "keys of type X448 and Ed448"}
	case len(data) != 32:
		return nil, nil
	case kind == "Ed25519":
		return ed25519.NewKeyFromSeed(data), nil
	}
	key, err := ecdh.X25519().NewPrivateKey(data)
	if err != nil {
		return nil, nil //nolint:nilerr // no key
	}
	return key, nil
}

func pemKey(data []byte) (crypto.PrivateKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, nil
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, nil
	}
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil, &module.NotNative{Reason: "a file with " + block.Type}
	}
	if err != nil {
		return nil, &module.NotNative{Reason: "the key in the file: " + err.Error()}
	}
	return key, nil
}

// encode is a key's file in a format. ok is false when such keys have no such format.
func encode(key crypto.PrivateKey, format string) (data []byte, ok bool) {
	name, err := "PRIVATE KEY", error(nil)
	switch format {
	case "pkcs8":
		data, err = x509.MarshalPKCS8PrivateKey(key)
	case "pkcs1":
		switch k := key.(type) {
		case *rsa.PrivateKey:
			name, data = "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k)
		case *ecdsa.PrivateKey:
			name = "EC PRIVATE KEY"
			data, err = x509.MarshalECPrivateKey(k)
		default:
			return nil, false
		}
	case "raw":
		switch k := key.(type) {
		case ed25519.PrivateKey:
			return k.Seed(), true
		case *ecdh.PrivateKey:
			return k.Bytes(), true
		}
		return nil, false
	}
	if err != nil {
		return nil, false
	}
	return pem.EncodeToMemory(&pem.Block{Type: name, Bytes: data}), true
}

// public is the public half of a key, as crypto/x509 encodes it.
func public(key crypto.PrivateKey) ([]byte, error) {
	half, ok := key.(interface{ Public() crypto.PublicKey })
	if !ok {
		return nil, module.Fail("the key has no public half", nil)
	}
	return x509.MarshalPKIXPublicKey(half.Public())
}

// number is an integer of any size in a result.
func number(n *big.Int) json.Number { return json.Number(n.String()) }

// describe is what results say about a key: its type and the numbers that everybody may know.
func describe(key crypto.PrivateKey) (kind string, data map[string]any) {
	half, ok := key.(interface{ Public() crypto.PublicKey })
	if !ok {
		return "", map[string]any{}
	}
	return describePublic(half.Public())
}

func describePublic(key crypto.PublicKey) (kind string, data map[string]any) {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return "RSA", map[string]any{"size": k.N.BitLen(), "modulus": number(k.N), "exponent": k.E}
	case *ecdsa.PublicKey:
		// An uncompressed point: 4, x, y.
		point, err := k.Bytes()
		if err != nil {
			return "ECC", map[string]any{}
		}
		half := len(point) / 2
		return "ECC", map[string]any{
			"curve": curveName(k.Curve), "exponent_size": k.Curve.Params().BitSize,
			"x": number(new(big.Int).SetBytes(point[1 : 1+half])), "y": number(new(big.Int).SetBytes(point[1+half:])),
		}
	case ed25519.PublicKey:
		return "Ed25519", map[string]any{}
	case *ecdh.PublicKey:
		return "X25519", map[string]any{}
	}
	return "", map[string]any{}
}

// colons writes bytes as 0a:1b:…
func colons(b []byte) string {
	var out strings.Builder
	for i := range b {
		if i > 0 {
			out.WriteByte(':')
		}
		out.WriteString(hex.EncodeToString(b[i : i+1]))
	}
	return out.String()
}

// fingerprints are the sums of data by all the algorithms that Python has.
func fingerprints(data []byte) map[string]any {
	out := map[string]any{}
	add := func(name string, sum []byte) { out[name] = colons(sum) }
	b2b, b2s := blake2b.Sum512(data), blake2s.Sum256(data)
	add("blake2b", b2b[:])
	add("blake2s", b2s[:])
	m5, s1 := md5.Sum(data), sha1.Sum(data) //nolint:gosec // what users compare
	add("md5", m5[:])
	add("sha1", s1[:])
	s224, s256, s384, s512 := sha256.Sum224(data), sha256.Sum256(data), sha512.Sum384(data), sha512.Sum512(data)
	add("sha224", s224[:])
	add("sha256", s256[:])
	add("sha384", s384[:])
	add("sha512", s512[:])
	t224, t256, t384, t512 := sha3.Sum224(data), sha3.Sum256(data), sha3.Sum384(data), sha3.Sum512(data)
	add("sha3_224", t224[:])
	add("sha3_256", t256[:])
	add("sha3_384", t384[:])
	add("sha3_512", t512[:])
	add("shake_128", sha3.SumSHAKE128(data, 32))
	add("shake_256", sha3.SumSHAKE256(data, 32))
	return out
}
