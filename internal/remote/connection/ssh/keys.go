package ssh

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// defaultIdentities are tried when no IdentityFile is set.
var defaultIdentities = []string{"~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ecdsa_sk", "~/.ssh/id_ed25519", "~/.ssh/id_ed25519_sk", "~/.ssh/id_dsa"}

// privateKeys holds parsed keys, so that a fleet costs one decryption. The index is the file's content and passphrase, hashed.
var privateKeys sync.Map // [32]byte → ssh.Signer or error

// errNeedsOpenSSH is a key that lives on a security key.
var errNeedsOpenSSH = errors.New("the key lives on a security key")

func loadKey(file, phrase string) (ssh.Signer, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	index := sha256.Sum256(append(append([]byte{}, data...), "\x00"+phrase...))
	if v, ok := privateKeys.Load(index); ok {
		if err, bad := v.(error); bad {
			return nil, err
		}
		return v.(ssh.Signer), nil
	}
	signer, err := ssh.ParsePrivateKey(data)
	if missing := (*ssh.PassphraseMissingError)(nil); errors.As(err, &missing) && phrase != "" {
		signer, err = ssh.ParsePrivateKeyWithPassphrase(data, []byte(phrase))
	}
	if err != nil {
		if strings.Contains(err.Error(), "unhandled key type") {
			err = errNeedsOpenSSH
		}
		privateKeys.Store(index, err)
		return nil, err
	}
	privateKeys.Store(index, signer)
	return signer, nil
}

// keyring collects the keys to offer to one server.
type keyring struct {
	e       *endpoint
	log     connection.Log
	agent   agent.ExtendedAgent
	conn    net.Conn // to the agent
	hints   []string
	offered bool
	openssh string // why a key is only usable by the OpenSSH client
}

func (k *keyring) close() {
	if k.conn != nil {
		k.conn.Close()
	}
}

// dialAgent connects to the ssh-agent, if there is one.
func (k *keyring) dialAgent() {
	socket := os.Getenv("SSH_AUTH_SOCK")
	if v := k.e.set.get("identityagent"); v != "" {
		switch {
		case v == "none":
			socket = ""
		case v == "SSH_AUTH_SOCK":
		case strings.HasPrefix(v, "$") && !strings.HasPrefix(v, "${"):
			socket = os.Getenv(v[1:])
		default:
			socket = k.e.view.expandHome(k.e.view.expand(v))
		}
	}
	if socket == "" {
		return
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		k.log(2, fmt.Sprintf("ssh-agent %s: %v", socket, err))
		return
	}
	k.conn, k.agent = conn, agent.NewClient(conn)
}

// signers returns the keys in the order in which they are offered: named files, the agent's keys, default files.
func (k *keyring) signers() ([]ssh.Signer, error) {
	k.offered = true
	var list []ssh.Signer
	seen := map[string]bool{}
	add := func(s ssh.Signer) {
		if id := string(s.PublicKey().Marshal()); !seen[id] {
			seen[id] = true
			list = append(list, s)
		}
	}
	var held []ssh.Signer
	if k.agent != nil {
		signers, err := k.agent.Signers()
		if err != nil {
			k.log(2, fmt.Sprintf("ssh-agent: %v", err))
		}
		held = signers
	}
	files, named := k.e.set["identityfile"], true
	if len(files) == 0 {
		files, named = defaultIdentities, false
	}
	only := k.e.set.is("identitiesonly", false)
	fromFiles := func() {
		for _, f := range files {
			if f == "none" {
				continue
			}
			k.addFile(k.e.view.expandHome(k.e.view.expand(f)), named, held, add)
		}
	}
	if named {
		fromFiles()
	}
	if !only {
		for _, s := range held {
			add(s)
		}
	}
	if !named {
		fromFiles()
	}
	k.log(3, fmt.Sprintf("offering %d keys to %s", len(list), k.e.host))
	return list, nil
}

// addFile adds the key of a file, with its certificate when there is one.
func (k *keyring) addFile(file string, named bool, held []ssh.Signer, add func(ssh.Signer)) {
	signer, err := loadKey(file, k.e.phrase)
	if err != nil {
		if pub := readPublic(file + ".pub"); pub != nil {
			for _, s := range held {
				if string(s.PublicKey().Marshal()) == string(pub.Marshal()) {
					add(s)
					return
				}
			}
		}
		missing := (*ssh.PassphraseMissingError)(nil)
		switch {
		case errors.Is(err, errNeedsOpenSSH):
			k.openssh = fmt.Sprintf("%s: %v", file, err)
		case errors.As(err, &missing):
			k.hints = append(k.hints, fmt.Sprintf("the key %s is protected by a passphrase: load it with ssh-add, or set ansible_ssh_private_key_passphrase", file))
		case named:
			k.hints = append(k.hints, fmt.Sprintf("the key %s cannot be used: %v", file, err))
		}
		return
	}
	certs := []string{file + "-cert.pub"}
	for _, c := range k.e.set["certificatefile"] {
		certs = append(certs, k.e.view.expandHome(k.e.view.expand(c)))
	}
	for _, c := range certs {
		if cert, ok := readPublic(c).(*ssh.Certificate); ok {
			if s, err := ssh.NewCertSigner(cert, signer); err == nil {
				add(s)
			}
		}
	}
	add(signer)
}

func readPublic(file string) ssh.PublicKey {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(data)
	if err != nil {
		return nil
	}
	return key
}
