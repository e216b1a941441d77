package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// Secret is one vault password and the vault id it goes by ("default" when it has none).
type Secret struct {
	Label    string
	Password []byte
}

// Secrets are the passwords of a run, in the order given. A nil *Secrets has none. Safe for concurrent use.
type Secrets struct {
	List      []Secret
	MatchOnly bool // try only secrets whose label is the envelope's (setting VAULT_ID_MATCH)

	mu    sync.Mutex
	plain map[[sha256.Size]byte][]byte // opened envelopes: deriving a key takes 10 ms
}

// maxKept bounds the memory for opened envelopes; larger ones are decrypted each time.
const maxKept = 64 << 10

// Decrypt opens an envelope. name is the file's name for messages, "" when there is none.
func (s *Secrets) Decrypt(data []byte, name string) ([]byte, error) {
	plain, _, err := s.DecryptWith(data, name)
	return plain, err
}

// DecryptWith is Decrypt that also tells which secret fitted.
func (s *Secrets) DecryptWith(data []byte, name string) ([]byte, *Secret, error) {
	if !IsEncrypted(data) {
		if name != "" {
			return nil, nil, fmt.Errorf("%w%s is not a vault encrypted file", ErrNotEncrypted, name)
		}
		return nil, nil, ErrNotEncrypted
	}
	if s == nil || len(s.List) == 0 {
		return nil, nil, ErrNoSecrets
	}
	e, err := Parse(data)
	if err != nil {
		return nil, nil, err
	}
	for _, i := range s.order(e.Label) {
		plain, ok, err := e.open(s.List[i].Password)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			return plain, &s.List[i], nil
		}
	}
	if name != "" {
		return nil, nil, fmt.Errorf("%w on %s", ErrDecrypt, name)
	}
	return nil, nil, ErrDecrypt
}

// order lists the indexes of the secrets to try: those with the envelope's label first.
func (s *Secrets) order(label string) []int {
	var first, rest []int
	for i, sec := range s.List {
		if sec.Label == label {
			first = append(first, i)
		} else if !s.MatchOnly {
			rest = append(rest, i)
		}
	}
	return append(first, rest...)
}

// Open decrypts the text of a `!vault` value; results are remembered. It is what value.Encrypted.Open wants.
func (s *Secrets) Open(cipher string) (string, error) {
	if s == nil {
		return "", noSecretsFor(cipher)
	}
	key := sha256.Sum256([]byte(cipher))
	s.mu.Lock()
	plain, ok := s.plain[key]
	s.mu.Unlock()
	if ok {
		return string(plain), nil
	}
	plain, err := s.Decrypt([]byte(cipher), "")
	if err != nil {
		return "", err
	}
	if len(plain) <= maxKept {
		s.mu.Lock()
		if s.plain == nil {
			s.plain = map[[sha256.Size]byte][]byte{}
		}
		s.plain[key] = plain
		s.mu.Unlock()
	}
	return string(plain), nil
}

func noSecretsFor(cipher string) error {
	if !IsEncrypted([]byte(cipher)) {
		return ErrNotEncrypted
	}
	return ErrNoSecrets
}

// Rekey opens an envelope and seals its text with another secret.
func (s *Secrets) Rekey(data []byte, name string, to Secret, salt []byte) ([]byte, error) {
	plain, err := s.Decrypt(data, name)
	if err != nil {
		return nil, err
	}
	return Encrypt(plain, to, salt)
}

// Find returns the first secret with the label.
func (s *Secrets) Find(label string) (Secret, bool) {
	if s != nil {
		for _, sec := range s.List {
			if sec.Label == label {
				return sec, true
			}
		}
	}
	return Secret{}, false
}

// SplitID takes a --vault-id argument apart: "label@source", "@source" and "source". The label is "" when none is given.
func SplitID(spec string) (label, src string) {
	if l, s, ok := strings.Cut(spec, "@"); ok {
		return l, s
	}
	return "", spec
}

// Load reads the password of one --vault-id or --vault-password-file: from a file, or from the output of an executable
// one; scripts named *-client get "--vault-id label". The sources "prompt" and "prompt_ask_vault_pass" are the caller's to ask.
func Load(ctx context.Context, label, file string) (Secret, error) {
	shown := label
	if shown == "" {
		shown = "None"
		label = "default"
	}
	path := expand(file)
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return Secret{}, fmt.Errorf("The vault password file %s was not found", path)
	case err != nil:
		return Secret{}, fmt.Errorf("Could not read vault password file %s: %w", path, err)
	case st.IsDir():
		return Secret{}, fmt.Errorf("The vault password file provided '%s' can not be a directory", path)
	}
	if st.Mode().Perm()&0o111 == 0 {
		data, err := os.ReadFile(path)
		if err != nil {
			return Secret{}, fmt.Errorf("Could not read vault password file %s: %w", path, err)
		}
		password := bytes.TrimSpace(data)
		if len(password) == 0 {
			return Secret{}, fmt.Errorf("Invalid vault password was provided from file (%s)", path)
		}
		return Secret{label, password}, nil
	}
	return fromScript(ctx, label, shown, path)
}

func fromScript(ctx context.Context, label, shown, path string) (Secret, error) {
	stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	client := strings.HasSuffix(stem, "-client")
	var args []string
	if client && shown != "None" {
		args = []string{"--vault-id", shown}
	}
	cmd := exec.CommandContext(ctx, path, args...)
	var stderr bytes.Buffer
	if client {
		cmd.Stderr = &stderr
	} else {
		cmd.Stderr, cmd.Stdin = os.Stderr, os.Stdin
	}
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && client && exit.ExitCode() == 2:
		return Secret{}, fmt.Errorf("Vault password client script %s did not find a secret for vault-id=%s: b'%s'", path, shown, strings.ReplaceAll(stderr.String(), "\n", `\n`))
	case errors.As(err, &exit) && client:
		return Secret{}, fmt.Errorf("Vault password client script %s returned non-zero (%d) when getting secret for vault-id=%s: b'%s'",
			path, exit.ExitCode(), shown, strings.ReplaceAll(stderr.String(), "\n", `\n`))
	case errors.As(err, &exit):
		return Secret{}, fmt.Errorf("Vault password script %s returned non-zero (%d): None", path, exit.ExitCode())
	case err != nil:
		return Secret{}, fmt.Errorf("Problem running vault password script %s (%w). If this is not a script, remove the executable bit from the file.", path, err)
	}
	password := bytes.Trim(out, "\r\n")
	if len(password) == 0 {
		return Secret{}, fmt.Errorf("Invalid vault password was provided from script (%s)", path)
	}
	return Secret{label, password}, nil
}

// expand makes a path absolute, "~" being the home directory.
func expand(path string) string {
	if home, err := os.UserHomeDir(); err == nil && (path == "~" || strings.HasPrefix(path, "~/")) {
		path = home + path[1:]
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
