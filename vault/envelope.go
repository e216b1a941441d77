// Package vault reads and writes ansible-vault envelopes, formats 1.1 and 1.2: AES-256-CTR with an HMAC, keys by PBKDF2.
//
// It never prompts and never prints: passwords come from the caller, from files, or from scripts (Load). Loaders,
// the ansible-vault command and the unvault filters call it.
package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const (
	header     = "$ANSIBLE_VAULT"
	cipherName = "AES256"
	iterations = 10000
	saltSize   = 32
	keySize    = 32
	lineWidth  = 80
)

// Errors in Ansible's words. ErrDecrypt and ErrFormat are wrapped with more text.
var (
	ErrNotEncrypted     = errors.New("input is not vault encrypted data. ")
	ErrAlreadyEncrypted = errors.New("input is already encrypted")
	ErrNoSecrets        = errors.New("Attempting to decrypt but no vault secrets found")
	ErrNoPassword       = errors.New("A vault password must be specified to encrypt data")
	ErrDecrypt          = errors.New("Decryption failed (no vault secrets were found that could decrypt)")
)

// FormatError is an envelope that is damaged.
type FormatError struct{ Msg string }

func (e *FormatError) Error() string { return e.Msg }

func formatErrorf(format string, args ...any) error {
	return &FormatError{fmt.Sprintf(format, args...)}
}

// IsEncrypted reports whether data starts with a vault header.
func IsEncrypted(data []byte) bool { return bytes.HasPrefix(data, []byte(header)) }

// Envelope is an encrypted text taken apart, still encrypted.
type Envelope struct {
	Version string // "1.1" or "1.2"
	Cipher  string // "AES256"
	Label   string // vault id of a 1.2 envelope, else "default"
	body    []byte
}

// Parse takes an envelope apart. It does not look into the body.
func Parse(data []byte) (*Envelope, error) {
	if !IsEncrypted(data) {
		return nil, ErrNotEncrypted
	}
	lines := splitLines(data)
	fields := strings.Split(strings.TrimSpace(string(lines[0])), ";")
	if len(fields) < 3 {
		return nil, formatErrorf("Vault envelope format error: list index out of range")
	}
	e := &Envelope{Version: strings.TrimSpace(fields[1]), Cipher: strings.TrimSpace(fields[2]), Label: "default"}
	if len(fields) >= 4 && e.Version == "1.2" {
		e.Label = strings.TrimSpace(fields[3])
	}
	e.body = bytes.Join(lines[1:], nil)
	return e, nil
}

func splitLines(data []byte) [][]byte {
	lines := bytes.Split(data, []byte("\n"))
	for i, l := range lines {
		lines[i] = bytes.TrimSpace(l)
	}
	return lines
}

// parts decodes the body: salt, HMAC and ciphertext.
func (e *Envelope) parts() (salt, mac, text []byte, err error) {
	inner, err := unhex(e.body)
	if err != nil {
		return nil, nil, nil, err
	}
	fields := bytes.SplitN(inner, []byte("\n"), 3)
	if len(fields) < 3 {
		return nil, nil, nil, formatErrorf("Vault vaulttext format error: not enough values to unpack (expected 3, got %d)", len(fields))
	}
	for i, into := range []*[]byte{&salt, &mac, &text} {
		if *into, err = unhex(fields[i]); err != nil {
			return nil, nil, nil, err
		}
	}
	return salt, mac, text, nil
}

func unhex(data []byte) ([]byte, error) {
	out := make([]byte, hex.DecodedLen(len(data)))
	_, err := hex.Decode(out, data)
	var bad hex.InvalidByteError
	switch {
	case errors.As(err, &bad):
		if len(data)%2 == 1 {
			return nil, formatErrorf("Vault format unhexlify error: Odd-length string")
		}
		return nil, formatErrorf("Vault format unhexlify error: Non-hexadecimal digit found")
	case err != nil:
		return nil, formatErrorf("Vault format unhexlify error: Odd-length string")
	}
	return out, nil
}

type keys struct{ cipher, mac, iv []byte }

func derive(password, salt []byte) (keys, error) {
	k, err := pbkdf2.Key(sha256.New, string(password), salt, iterations, 2*keySize+aes.BlockSize)
	if err != nil {
		return keys{}, err
	}
	return keys{k[:keySize], k[keySize : 2*keySize], k[2*keySize:]}, nil
}

// open decrypts the envelope with one password. ok is false when the password is the wrong one.
func (e *Envelope) open(password []byte) (plain []byte, ok bool, err error) {
	if e.Cipher != cipherName {
		return nil, false, fmt.Errorf("%s cipher could not be found", e.Cipher)
	}
	salt, mac, text, err := e.parts()
	if err != nil {
		return nil, false, err
	}
	k, err := derive(password, salt)
	if err != nil {
		return nil, false, err
	}
	sum := hmac.New(sha256.New, k.mac)
	sum.Write(text)
	if !hmac.Equal(sum.Sum(nil), mac) {
		return nil, false, nil
	}
	block, err := aes.NewCipher(k.cipher)
	if err != nil {
		return nil, false, err
	}
	plain = make([]byte, len(text))
	cipher.NewCTR(block, k.iv).XORKeyStream(plain, text)
	if len(plain) == 0 {
		return nil, false, formatErrorf("Vault format error: the ciphertext is empty")
	}
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > aes.BlockSize || pad > len(plain) {
		return nil, false, formatErrorf("Vault format error: Invalid padding bytes.")
	}
	return plain[:len(plain)-pad], true, nil
}

// Encrypt seals plain with the secret. A secret whose label is empty or "default" gives a 1.1 envelope, any other a 1.2
// envelope that carries the label. salt is for reproducible output (setting VAULT_ENCRYPT_SALT); nil means random.
func Encrypt(plain []byte, s Secret, salt []byte) ([]byte, error) {
	if IsEncrypted(plain) {
		return nil, ErrAlreadyEncrypted
	}
	if len(s.Password) == 0 {
		return nil, ErrNoPassword
	}
	if salt == nil {
		salt = make([]byte, saltSize)
		if _, err := rand.Read(salt); err != nil {
			return nil, err
		}
	}
	k, err := derive(s.Password, salt)
	if err != nil {
		return nil, err
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	text := append(append(make([]byte, 0, len(plain)+pad), plain...), bytes.Repeat([]byte{byte(pad)}, pad)...)
	block, err := aes.NewCipher(k.cipher)
	if err != nil {
		return nil, err
	}
	cipher.NewCTR(block, k.iv).XORKeyStream(text, text)
	sum := hmac.New(sha256.New, k.mac)
	sum.Write(text)
	inner := hex.EncodeToString(salt) + "\n" + hex.EncodeToString(sum.Sum(nil)) + "\n" + hex.EncodeToString(text)
	body := hex.EncodeToString([]byte(inner))

	var out bytes.Buffer
	out.WriteString(header)
	if s.Label == "" || s.Label == "default" {
		out.WriteString(";1.1;" + cipherName)
	} else {
		out.WriteString(";1.2;" + cipherName + ";" + s.Label)
	}
	for body != "" {
		n := min(lineWidth, len(body))
		out.WriteString("\n" + body[:n])
		body = body[n:]
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
