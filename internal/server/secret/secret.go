// Package secret encrypts what the database may not show: inputs of credentials, answers of launches, keys of webhooks. The key
// lies in a file beside the database, never in it, so that a copy of the database alone tells nothing.
//
// Used by internal/server/api when it stores, and by dispatch when a run needs a value.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Mark is how a secret reads in replies. Sent back, it means that the stored value stays.
const Mark = "$encrypted$"

const prefix = "$troupe$"

// Box encrypts with the newest key and decrypts with any.
type Box struct {
	keys   map[int]cipher.AEAD
	newest int
}

// Open reads the keys of a file, a line each: "1:base64". A file that is not there is made with one key.
func Open(path string) (*Box, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		line, err := newKey(1)
		if err != nil {
			return nil, err
		}
		b = []byte(line)
		if err := writePrivate(path, b); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	box := &Box{keys: map[int]cipher.AEAD{}}
	for line := range strings.Lines(string(b)) {
		n, text, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		version, err := strconv.Atoi(n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(key) != 32 {
			return nil, fmt.Errorf("%s: key %d is not 32 bytes in base64", path, version)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		if box.keys[version], err = cipher.NewGCM(block); err != nil {
			return nil, err
		}
		box.newest = max(box.newest, version)
	}
	if box.newest == 0 {
		return nil, fmt.Errorf("%s has no key", path)
	}
	return box, nil
}

func newKey(version int) (string, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d:%s\n", version, base64.StdEncoding.EncodeToString(key)), nil
}

// Rotate adds a newer key to the file. Rows move to it as they are written, or all at once by the server's rotate command.
func Rotate(path string) error {
	box, err := Open(path)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	line, err := newKey(box.newest + 1)
	if err != nil {
		return err
	}
	return writePrivate(path, append(old, line...))
}

// writePrivate writes a file that its owner alone may read, at once or not at all.
func writePrivate(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(b); err != nil {
		f.Close()
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Seal encrypts a text for a place, such as "credential.password": moved to another place it does not open.
func (b *Box) Seal(place, text string) string {
	gcm := b.keys[b.newest]
	nonce := make([]byte, gcm.NonceSize(), gcm.NonceSize()+len(text)+gcm.Overhead())
	rand.Read(nonce) // never fails, as crypto/rand says
	return prefix + strconv.Itoa(b.newest) + "$" + base64.RawStdEncoding.EncodeToString(gcm.Seal(nonce, nonce, []byte(text), []byte(place)))
}

// Sealed tells whether a text is encrypted.
func Sealed(text string) bool { return strings.HasPrefix(text, prefix) }

// Current tells whether a text is encrypted with the newest key.
func (b *Box) Current(text string) bool {
	return strings.HasPrefix(text, prefix+strconv.Itoa(b.newest)+"$")
}

// Open decrypts what Seal made for the same place.
func (b *Box) Open(place, sealed string) (string, error) {
	rest, ok := strings.CutPrefix(sealed, prefix)
	if !ok {
		return "", errors.New("not an encrypted value")
	}
	n, text, _ := strings.Cut(rest, "$")
	version, _ := strconv.Atoi(n)
	gcm := b.keys[version]
	if gcm == nil {
		return "", fmt.Errorf("the key %s that encrypted this value is not in the key file", n)
	}
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(raw) < gcm.NonceSize() {
		return "", errors.New("the encrypted value is damaged")
	}
	plain, err := gcm.Open(nil, raw[:gcm.NonceSize()], raw[gcm.NonceSize():], []byte(place))
	if err != nil {
		return "", errors.New("the encrypted value is damaged, or was encrypted with another key")
	}
	return string(plain), nil
}
