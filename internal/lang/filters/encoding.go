package filters

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/url"
	"strings"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var encodings = family{filters: []jinja.Filter{
	{Name: "b64decode", Signature: "b64decode(string, encoding='utf-8')", Run: b64decode},
	{Name: "b64encode", Signature: "b64encode(string, encoding='utf-8')", Run: b64encode},
	{Name: "checksum", Signature: "secure_hash_s(data, hash_func=None)", Run: checksum},
	{Name: "hash", Signature: "get_hash(data, hashtype='sha1')", Run: hashOf},
	{Name: "md5", Signature: "md5s(data)", Run: named("md5")},
	{Name: "sha1", Signature: "secure_hash_s(data, hash_func=None)", Run: named("sha1")},
	{Name: "to_uuid", Signature: "to_uuid(string, namespace='361E6D51-FAEC-444A-9079-341386DA8E2E')", Run: toUUID},
	{Name: "urldecode", Signature: "unquote_plus(string, encoding='utf-8', errors='replace')", Run: urldecode},
}}

func encodeAs(s string, enc value.Value) (string, error) {
	m, _, _ := value.Attribute(value.Str(s), "encode")
	v, err := value.Call(m, []value.Value{enc}, nil)
	if err != nil {
		return "", err
	}
	return string(v.(value.Bytes)), nil
}

func b64encode(c *jinja.Call) (value.Value, error) {
	s, err := toText(c.Args[0])
	if err != nil {
		return nil, err
	}
	if s, err = encodeAs(s, c.Args[1]); err != nil {
		return nil, err
	}
	return value.Str(base64.StdEncoding.EncodeToString([]byte(s))), nil
}

// DecodeBase64 is Python's lenient base64.b64decode: characters outside the alphabet are skipped. ok is false for bad
// padding; lonely is true when one character alone is left over.
func decodeBase64(s string) (out []byte, err error) {
	var quad [4]byte
	n, pads, chars := 0, 0, 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		v := -1
		switch {
		case c >= 'A' && c <= 'Z':
			v = int(c - 'A')
		case c >= 'a' && c <= 'z':
			v = int(c-'a') + 26
		case c >= '0' && c <= '9':
			v = int(c-'0') + 52
		case c == '+':
			v = 62
		case c == '/':
			v = 63
		case c == '=':
			if n >= 2 {
				pads++
				if n+pads >= 4 {
					goto flush
				}
			}
			continue
		default:
			continue
		}
		pads = 0
		quad[n] = byte(v)
		n++
		chars++
		if n == 4 {
			out = append(out, quad[0]<<2|quad[1]>>4, quad[1]<<4|quad[2]>>2, quad[2]<<6|quad[3])
			n = 0
		}
	}
	if n == 1 {
		return nil, value.Errorf("Error", "Invalid base64-encoded string: number of data characters (%d) cannot be 1 more than a multiple of 4", chars)
	}
	if n != 0 {
		return nil, value.Errorf("Error", "Incorrect padding")
	}
	return out, nil
flush:
	switch n {
	case 2:
		out = append(out, quad[0]<<2|quad[1]>>4)
	case 3:
		out = append(out, quad[0]<<2|quad[1]>>4, quad[1]<<4|quad[2]>>2)
	}
	return out, nil
}

func b64decode(c *jinja.Call) (value.Value, error) {
	s, err := toText(c.Args[0])
	if err != nil {
		return nil, err
	}
	b, err := decodeBase64(s)
	if err != nil {
		return nil, err
	}
	m, _, _ := value.Attribute(value.Bytes(b), "decode")
	v, err := value.Call(m, []value.Value{c.Args[1]}, nil)
	if value.ErrorClass(err) == "UnicodeDecodeError" {
		// to_text keeps bytes that do not decode.
		return value.Str(b), nil
	}
	return v, err
}

// hashes are the algorithms of hashlib that have a fixed size.
var hashes = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384,
	"sha512": sha512.New, "sha512_224": sha512.New512_224, "sha512_256": sha512.New512_256,
	"sha3_224": func() hash.Hash { return sha3.New224() }, "sha3_256": func() hash.Hash { return sha3.New256() },
	"sha3_384": func() hash.Hash { return sha3.New384() }, "sha3_512": func() hash.Hash { return sha3.New512() },
	"blake2b": func() hash.Hash { h, _ := blake2b.New512(nil); return h },
	"blake2s": func() hash.Hash { h, _ := blake2s.New256(nil); return h },
}

func digest(name string, v value.Value) (value.Value, error) {
	s, err := toText(v)
	if err != nil {
		return nil, err
	}
	h := hashes[name]()
	h.Write([]byte(s))
	return value.Str(hex.EncodeToString(h.Sum(nil))), nil
}

func named(name string) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) { return digest(name, c.Args[0]) }
}

func checksum(c *jinja.Call) (value.Value, error) { return digest("sha1", c.Args[0]) }

func hashOf(c *jinja.Call) (value.Value, error) {
	name, err := value.ToStr(c.Args[1])
	if err != nil {
		return nil, err
	}
	if hashes[strings.ToLower(name)] == nil {
		return nil, filterError("unsupported hash type %s", name)
	}
	return digest(strings.ToLower(name), c.Args[0])
}

func parseUUID(s string) ([]byte, bool) {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "urn:", ""), "uuid:", "")
	s = strings.ReplaceAll(strings.Trim(s, "{}"), "-", "")
	b, err := hex.DecodeString(s)
	return b, err == nil && len(b) == 16
}

func toUUID(c *jinja.Call) (value.Value, error) {
	ns, err := toText(c.Args[1])
	if err != nil {
		return nil, err
	}
	space, ok := parseUUID(ns)
	if !ok {
		return nil, filterError("Invalid value '%s' for 'namespace': badly formed hexadecimal UUID string", ns)
	}
	s, err := toText(c.Args[0])
	if err != nil {
		return nil, err
	}
	h := sha1.Sum(append(space, s...))
	u := h[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	x := hex.EncodeToString(u)
	return value.Str(x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]), nil
}

func urldecode(c *jinja.Call) (value.Value, error) {
	if err := undefinedArg(c.Args[0]); err != nil {
		return nil, err
	}
	s, ok := value.AsString(c.Args[0])
	if !ok {
		switch c.Args[0].(type) {
		case value.Bytes:
			return nil, value.TypeErrorf("a bytes-like object is required, not 'str'")
		case *value.Datetime:
			return nil, value.TypeErrorf("'str' object cannot be interpreted as an integer")
		}
		return nil, noMethod(c.Args[0], "replace")
	}
	return value.Str(strings.ToValidUTF8(unquote(strings.ReplaceAll(s, "+", " ")), "\ufffd")), nil
}

// unquote is urllib.parse.unquote: bad escapes stay.
func unquote(s string) string {
	if t, err := url.PathUnescape(s); err == nil {
		return t
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if x, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				b.Write(x)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
