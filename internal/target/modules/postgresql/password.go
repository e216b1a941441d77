package postgresql

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

var scram = regexp.MustCompile(`^SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$`)

// passwordDiffers reports whether a role's stored password, nil when it has none, is another than the wanted one, which may be given
// in the stored form.
func passwordDiffers(want, user string, stored *string, encrypted bool) bool {
	have := ""
	if stored != nil {
		have = *stored
	}
	switch {
	case want == "":
		return stored != nil
	case scram.MatchString(want):
		return want != have
	case scram.MatchString(have):
		m := scram.FindStringSubmatch(have)
		rounds, err := strconv.Atoi(m[1])
		if err != nil {
			return true
		}
		salt, err := base64.StdEncoding.DecodeString(m[2])
		if err != nil {
			return true
		}
		key, err := base64.StdEncoding.DecodeString(m[4])
		if err != nil {
			return true
		}
		salted, err := pbkdf2.Key(sha256.New, saslprep(want), salt, rounds, sha256.Size)
		if err != nil {
			return true
		}
		mac := hmac.New(sha256.New, salted)
		mac.Write([]byte("Server Key"))
		return !hmac.Equal(mac.Sum(nil), key)
	case strings.HasPrefix(want, "md5") && len(want) == 35 || !encrypted:
		return want != have
	}
	sum := md5.Sum([]byte(want + user)) //nolint:gosec // the server's own form
	return "md5"+hex.EncodeToString(sum[:]) != have
}

// saslprep is a password as the server prepares it before it is hashed (RFC 4013): spaces are one, what nobody sees goes, and
// characters that look the same are the same.
func saslprep(password string) string {
	mapped := strings.Map(func(r rune) rune {
		switch {
		case r == 0xad || r == 0x34f || r == 0x1806 || r >= 0x180b && r <= 0x180d || r == 0x200c || r == 0x200d || r == 0x2060 || r >= 0xfe00 && r <= 0xfe0f || r == 0xfeff:
			return -1
		case r != ' ' && unicode.Is(unicode.Zs, r) || r == 0x200b:
			return ' '
		}
		return r
	}, password)
	return norm.NFKC.String(mapped)
}
