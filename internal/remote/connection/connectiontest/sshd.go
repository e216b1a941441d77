package connectiontest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/troupe-automation/troupe/internal/remote/connection"
	"github.com/troupe-automation/troupe/test/sshd"
)

// SSHD is a real OpenSSH server on 127.0.0.1.
type SSHD struct {
	Port       string
	Dir        string // private to the test
	Key        string // file of a private key that logs in as any user
	KnownHosts string // file that lists the server's key
	Options    connection.Options
	server     *sshd.Server
}

// StartSSHD starts a server with more lines for sshd_config. It is stopped when the test ends. Tests are skipped where
// there is no sshd or no right to start one.
func StartSSHD(t *testing.T, more ...string) *SSHD {
	t.Helper()
	exe := sshd.Find()
	if exe == "" {
		t.Skip("no sshd on this machine")
	}
	if os.Getuid() != 0 {
		t.Skip("not root on this machine: sshd logs in other users")
	}
	s := &SSHD{Dir: t.TempDir()}
	os.Chmod(filepath.Dir(s.Dir), 0o755)
	os.Chmod(s.Dir, 0o755)
	s.Key = filepath.Join(s.Dir, "id")
	pub := WriteKey(t, s.Key, "")
	hostPub := WriteKey(t, filepath.Join(s.Dir, "host_key"), "")
	write(t, filepath.Join(s.Dir, "authorized_keys"), string(ssh.MarshalAuthorizedKey(pub)), 0o644)
	server, err := sshd.Listen("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	s.server, s.Port = server, fmt.Sprint(server.Port)
	s.KnownHosts = filepath.Join(s.Dir, "known_hosts")
	write(t, s.KnownHosts, "[127.0.0.1]:"+s.Port+" "+string(ssh.MarshalAuthorizedKey(hostPub)), 0o644)
	conf := filepath.Join(s.Dir, "sshd_config")
	write(t, conf, strings.Join(append(more, []string{
		"HostKey " + s.Dir + "/host_key", "PidFile none", "AuthorizedKeysFile " + s.Dir + "/authorized_keys",
		"StrictModes no", "UsePAM no", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin yes", "UseDNS no", "PrintMotd no",
		"MaxSessions 100", "LogLevel ERROR",
	}...), "\n")+"\n", 0o644)
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("sshd: %s", sshd.Log(conf))
		}
	})
	if err := server.Serve(context.Background(), exe, conf); err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s.Options = connection.Options{
		"host": "127.0.0.1", "port": s.Port, "remote_user": me.Username, "private_key_file": s.Key,
		"ssh_common_args": "-F none -o IdentityAgent=none -o GlobalKnownHostsFile=/dev/null -o UserKnownHostsFile=" + s.KnownHosts,
	}
	return s
}

// With returns the options with changes: a value of "-" removes an option.
func (s *SSHD) With(changes ...string) connection.Options {
	o := connection.Options{}
	for k, v := range s.Options {
		o[k] = v
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if changes[i+1] == "-" {
			delete(o, changes[i])
		} else {
			o[changes[i]] = changes[i+1]
		}
	}
	return o
}

// Stop kills the server and all connections of it.
func (s *SSHD) Stop() { s.server.Close() }

// WriteKey makes a key pair and returns the public key. A passphrase encrypts the file.
func WriteKey(t *testing.T, file, passphrase string) ssh.PublicKey {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(priv, "test")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(priv, "test", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, string(pem.EncodeToMemory(block)), 0o600)
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// User makes a login user with a password and a home, and removes both when the test ends.
func User(t *testing.T, name, password string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("not root on this machine: it makes users")
	}
	if out, err := exec.Command("useradd", "-m", "-s", "/bin/sh", name).CombinedOutput(); err != nil {
		t.Skipf("useradd does not work here: %s", out)
	}
	t.Cleanup(func() {
		exec.Command("pkill", "-KILL", "-u", name).Run()
		exec.Command("userdel", "-r", "-f", name).Run()
	})
	cmd := exec.Command("chpasswd")
	cmd.Stdin = strings.NewReader(name + ":" + password + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("chpasswd: %s", out)
	}
	return name
}

// Sudoers installs a rule and removes it when the test ends.
func Sudoers(t *testing.T, name string, lines ...string) {
	t.Helper()
	if _, err := exec.LookPath("sudo"); err != nil || os.Getuid() != 0 {
		t.Skip("no sudo, or not root, on this machine")
	}
	file := "/etc/sudoers.d/troupe-test-" + name
	write(t, file, strings.Join(lines, "\n")+"\n", 0o440)
	t.Cleanup(func() { os.Remove(file) })
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
