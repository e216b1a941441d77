package filters

import (
	"crypto/rand"
	"math/big"
	"strings"

	"github.com/troupe-automation/troupe/internal/lang/crypt"
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

var secrets = family{
	filters: []jinja.Filter{
		{Name: "password_hash", Signature: "get_encrypted_password(password, hashtype='sha512', salt=None, salt_size=None, rounds=None, ident=None)", Run: passwordHash, Volatile: true},
		{Name: "unvault", Signature: "do_unvault(vault, secret, vault_id='filter_default', vaultid=None)", Run: unvault},
		{Name: "vault", Signature: "do_vault(data, secret, salt=None, vault_id='filter_default', wrap_object=False, vaultid=None)", Run: vaultFilter, Volatile: true},
	},
	tests: []jinja.Filter{
		{Name: "vault_encrypted", Signature: "vault_encrypted(value)", Run: func(c *jinja.Call) (value.Value, error) {
			_, ok := c.Args[0].(*value.Encrypted)
			return value.Bool(ok), undefinedArg(c.Args[0])
		}},
	},
}

type hashScheme struct {
	name       string
	saltSize   int
	exact      bool
	rounds     int
	saltLetter string
}

var hashSchemes = map[string]hashScheme{
	"md5":      {name: "md5_crypt", saltSize: 8, saltLetter: crypt.Alphabet},
	"sha256":   {name: "sha256_crypt", saltSize: 16, rounds: 535000, saltLetter: crypt.Alphabet},
	"sha512":   {name: "sha512_crypt", saltSize: 16, rounds: 656000, saltLetter: crypt.Alphabet},
	"blowfish": {name: "bcrypt", saltSize: 22, exact: true, rounds: 12, saltLetter: crypt.Alphabet},
}

func schemeOf(name string) (hashScheme, bool) {
	if s, ok := hashSchemes[name]; ok {
		return s, true
	}
	for _, s := range hashSchemes {
		if s.name == name {
			return s, true
		}
	}
	return hashScheme{}, false
}

// withUser are passlib's schemes that hash the name of a user too, which the filter cannot give.
var withUser = map[string]bool{"msdcc": true, "msdcc2": true, "postgres_md5": true, "oracle10": true, "cisco_pix": true, "cisco_asa": true}

func noScheme(name string) error {
	if withUser[name] {
		return filterError("%s is not in the list of supported passlib algorithms: md5, blowfish, sha256, sha512", name)
	}
	return filterError("passlib does not support '%s' algorithm. passlib does not support '%s' algorithm", name, name)
}

// HashPassword is the password_hash filter for callers in Go: rounds 0 and an empty ident mean the default of the scheme,
// an empty salt a random one.
func HashPassword(password, scheme, salt string, saltSize, rounds int, ident string) (string, error) {
	s, ok := schemeOf(scheme)
	if !ok {
		return "", noScheme(scheme)
	}
	fail := func(format string, args ...any) (string, error) {
		e := filterError(format, args...)
		return "", filterError("Could not hash the secret.. %s", e.Error())
	}
	if salt == "" {
		n := s.saltSize
		if saltSize > 0 {
			n = min(saltSize, s.saltSize)
		}
		var b strings.Builder
		for range n {
			k, err := rand.Int(rand.Reader, big.NewInt(64))
			if err != nil {
				return "", err
			}
			b.WriteByte(crypt.Alphabet[k.Int64()])
		}
		salt = b.String()
		if s.exact {
			// The last character of a bcrypt salt carries two bits.
			salt = salt[:21] + string(".Oeu"[strings.IndexByte(crypt.Alphabet, salt[21])%4])
		}
	}
	if len(salt) > s.saltSize {
		if s.exact {
			return fail("salt too large (%s requires exactly %d chars)", s.name, s.saltSize)
		}
		return fail("salt too large (%s requires <= %d chars)", s.name, s.saltSize)
	}
	for _, r := range salt {
		if !strings.ContainsRune(s.saltLetter, r) {
			return fail("invalid characters in %s salt", s.name)
		}
	}
	if s.exact && len(salt) < s.saltSize {
		return fail("salt too small (%s requires exactly %d chars)", s.name, s.saltSize)
	}
	if strings.ContainsRune(password, 0) {
		return fail("%s does not allow NULL bytes in password", s.name)
	}
	if rounds == 0 {
		rounds = s.rounds
	}
	switch s.name {
	case "md5_crypt":
		return crypt.MD5([]byte(password), salt), nil
	case "bcrypt":
		if ident == "" {
			ident = "2b"
		}
		ident = strings.Trim(ident, "$")
		if rounds < 4 || rounds > 31 {
			return fail("rounds must be >= 4 and <= 31, got %d", rounds)
		}
		out, ok := crypt.Bcrypt([]byte(password), salt, ident, rounds)
		if !ok {
			return fail("invalid characters in bcrypt salt")
		}
		return out, nil
	}
	if rounds < 1000 {
		return fail("rounds must be >= 1000")
	}
	if rounds > 999_999_999 {
		return fail("rounds must be <= 999999999")
	}
	if s.name == "sha256_crypt" {
		return crypt.SHA256([]byte(password), salt, rounds), nil
	}
	return crypt.SHA512([]byte(password), salt, rounds), nil
}

func passwordHash(c *jinja.Call) (value.Value, error) {
	for _, a := range c.Args {
		if err := undefinedArg(a); err != nil {
			return nil, err
		}
	}
	scheme, err := value.ToStr(c.Args[1])
	if err != nil {
		return nil, err
	}
	if _, ok := schemeOf(scheme); !ok {
		return nil, noScheme(scheme)
	}
	if _, ok := c.Args[0].(*value.Encrypted); ok {
		return nil, value.TypeErrorf("secret must be unicode or bytes, not ansible.parsing.yaml.objects.AnsibleVaultEncryptedUnicode")
	}
	password, ok := value.AsString(c.Args[0])
	if b, isB := c.Args[0].(value.Bytes); isB {
		password, ok = string(b), true
	}
	if !ok {
		name := value.CTypeName(c.Args[0])
		if c.Args[0] == value.None {
			name = "None"
		}
		return nil, value.TypeErrorf("secret must be unicode or bytes, not %s", name)
	}
	salt, ident := "", ""
	if c.Args[2] != value.None {
		if salt, err = toText(c.Args[2]); err != nil {
			return nil, err
		}
	}
	if c.Args[5] != value.None {
		if ident, err = toText(c.Args[5]); err != nil {
			return nil, err
		}
	}
	var num [2]int
	for i, a := range c.Args[3:5] {
		if a == value.None {
			continue
		}
		n, err := value.Index(a)
		if err != nil {
			s, ok := value.AsString(a)
			if !ok {
				return nil, err
			}
			for _, r := range s {
				if r < '0' || r > '9' || n > 1<<40 {
					return nil, err
				}
				n = n*10 + int64(r-'0')
			}
		}
		num[i] = int(min(n, 1<<40))
	}
	out, err := HashPassword(password, scheme, salt, num[0], num[1], ident)
	return value.Str(out), err
}

// secretText reads the data and the password of the vault filters.
func secretText(v value.Value, what string) (string, error) {
	if err := undefinedArg(v); err != nil {
		return "", err
	}
	if b, ok := v.(value.Bytes); ok {
		return string(b), nil
	}
	s, ok := value.AsString(v)
	if !ok {
		return "", filterTypeError("%s, instead we got: %s", what, class(v))
	}
	return s, nil
}

func vaultFilter(c *jinja.Call) (value.Value, error) {
	password, err := secretText(c.Args[1], "Secret passed is required to be a string")
	if err != nil {
		return nil, err
	}
	data, err := secretText(c.Args[0], "Can only vault strings")
	if err != nil {
		return nil, err
	}
	var salt []byte
	if c.Args[2] != value.None {
		s, err := toText(c.Args[2])
		if err != nil {
			return nil, err
		}
		salt = []byte(s)
	}
	id, err := value.ToStr(c.Args[3])
	if err != nil {
		return nil, err
	}
	if c.Args[5] != value.None {
		id = textOf(c.Args[5])
	}
	out, err := vault.Encrypt([]byte(data), vault.Secret{Label: id, Password: []byte(password)}, salt)
	if err != nil {
		return nil, filterError("Unable to encrypt: %s", err.Error())
	}
	wrap, err := truth(c.Args[4])
	if err != nil {
		return nil, err
	}
	if wrap {
		return &value.Encrypted{Cipher: string(out), Open: func(string) (string, error) { return data, nil }}, nil
	}
	return value.Str(out), nil
}

func unvault(c *jinja.Call) (value.Value, error) {
	password, err := secretText(c.Args[1], "Secret passed is required to be as string")
	if err != nil {
		return nil, err
	}
	var data string
	if e, ok := c.Args[0].(*value.Encrypted); ok {
		data = e.Cipher
	} else if data, err = secretText(c.Args[0], "Vault should be in the form of a string"); err != nil {
		return nil, err
	}
	if !vault.IsEncrypted([]byte(data)) {
		return value.Str(data), nil
	}
	id := textOf(c.Args[2])
	s := &vault.Secrets{List: []vault.Secret{{Label: id, Password: []byte(password)}}}
	plain, err := s.Decrypt([]byte(data), "")
	if err != nil {
		return nil, filterError("Unable to decrypt: %s. %s", err.Error(), err.Error())
	}
	return value.Str(plain), nil
}
