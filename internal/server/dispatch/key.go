package dispatch

import (
	"encoding/pem"
	"errors"
	"strings"

	"golang.org/x/crypto/ssh"
)

// openKey is a private key without its passphrase, as the run's file has it.
func openKey(text, passphrase string) (string, error) {
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if passphrase == "" {
		return text, nil
	}
	key, err := ssh.ParseRawPrivateKeyWithPassphrase([]byte(text), []byte(passphrase))
	if err != nil {
		return "", errors.New("the private key does not open with its passphrase")
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(block)), nil
}
