// Package fleet starts throw-away SSH hosts on loopback: real sshd processes where there is one, else servers of its own
// in this process. All hosts share this machine's files and users. Everything ends with Stop.
//
// Called by test/demo and by the end-to-end tests.
package fleet

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/troupe-automation/troupe/test/sshd"
)

// Host is one running host.
type Host struct {
	Name string
	Addr string // 127.0.0.x
	Port int

	stop func()
}

// Fleet is a set of hosts that accept one key.
type Fleet struct {
	Hosts      []Host
	User       string // who logs in: the user that started the fleet
	Key        string // path of the private key
	KnownHosts string // path of a known_hosts file with all host keys
	Dir        string // everything the fleet wrote; removed by Stop
	Real       bool   // the hosts are sshd processes

	cancel context.CancelFunc
}

// Start starts a host for each name.
func Start(ctx context.Context, names ...string) (*Fleet, error) {
	dir, err := os.MkdirTemp("", "troupe-fleet-")
	if err != nil {
		return nil, err
	}
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	f := &Fleet{User: me.Username, Key: filepath.Join(dir, "key"), KnownHosts: filepath.Join(dir, "known_hosts"), Dir: dir, cancel: cancel}
	clientKey, err := writeKey(f.Key)
	if err != nil {
		f.Stop()
		return nil, err
	}
	authorized := filepath.Join(dir, "authorized_keys")
	if err := os.WriteFile(authorized, ssh.MarshalAuthorizedKey(clientKey.PublicKey()), 0o600); err != nil {
		f.Stop()
		return nil, err
	}
	exe := sshd.Find()
	f.Real = exe != ""
	var known bytes.Buffer
	for i, name := range names {
		hostKeyFile := filepath.Join(dir, "host-"+name)
		hostKey, err := writeKey(hostKeyFile)
		if err != nil {
			f.Stop()
			return nil, err
		}
		addr := fmt.Sprintf("127.0.0.%d", 11+i)
		h := Host{Name: name, Addr: addr}
		if f.Real {
			err = f.startSSHD(ctx, exe, &h, hostKeyFile, authorized)
		} else {
			err = f.startOwn(ctx, &h, hostKey, clientKey.PublicKey())
		}
		if err != nil {
			f.Stop()
			return nil, err
		}
		f.Hosts = append(f.Hosts, h)
		fmt.Fprintf(&known, "[%s]:%d %s", addr, h.Port, ssh.MarshalAuthorizedKey(hostKey.PublicKey()))
	}
	if err := os.WriteFile(f.KnownHosts, known.Bytes(), 0o600); err != nil {
		f.Stop()
		return nil, err
	}
	return f, nil
}

// Inventory is the hosts as lines of an INI inventory, with how to reach them.
func (f *Fleet) Inventory() string {
	var b strings.Builder
	for _, h := range f.Hosts {
		fmt.Fprintf(&b, "%s ansible_host=%s ansible_port=%d ansible_user=%s ansible_ssh_private_key_file=%s ansible_ssh_common_args='-o UserKnownHostsFile=%s'\n",
			h.Name, h.Addr, h.Port, f.User, f.Key, f.KnownHosts)
	}
	return b.String()
}

// Stop ends all hosts and removes what the fleet wrote.
func (f *Fleet) Stop() {
	f.cancel()
	for _, h := range f.Hosts {
		h.stop()
	}
	os.RemoveAll(f.Dir)
}

func writeKey(path string) (ssh.Signer, error) {
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(priv, "")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(priv)
}

// startSSHD serves a host with the real program.
func (f *Fleet) startSSHD(ctx context.Context, exe string, h *Host, hostKey, authorized string) error {
	server, err := sshd.Listen(h.Addr)
	if err != nil {
		return err
	}
	h.Port, h.stop = server.Port, server.Close
	conf := filepath.Join(f.Dir, h.Name+".conf")
	text := fmt.Sprintf("HostKey %s\nAuthorizedKeysFile %s\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nMaxSessions 100\n", hostKey, authorized)
	err = os.WriteFile(conf, []byte(text), 0o600)
	if err == nil {
		err = server.Serve(ctx, exe, conf)
	}
	if err != nil {
		server.Close()
	}
	return err
}
