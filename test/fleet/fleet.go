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
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
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
	sshd := findSSHD()
	f.Real = sshd != ""
	var known bytes.Buffer
	for i, name := range names {
		hostKeyFile := filepath.Join(dir, "host-"+name)
		hostKey, err := writeKey(hostKeyFile)
		if err != nil {
			f.Stop()
			return nil, err
		}
		addr := fmt.Sprintf("127.0.0.%d", 11+i)
		port, err := freePort(addr)
		if err != nil {
			f.Stop()
			return nil, err
		}
		h := Host{Name: name, Addr: addr, Port: port}
		if f.Real {
			err = f.startSSHD(ctx, sshd, &h, hostKeyFile, authorized)
		} else {
			err = f.startOwn(ctx, &h, hostKey, clientKey.PublicKey())
		}
		if err != nil {
			f.Stop()
			return nil, err
		}
		f.Hosts = append(f.Hosts, h)
		fmt.Fprintf(&known, "[%s]:%d %s", addr, port, ssh.MarshalAuthorizedKey(hostKey.PublicKey()))
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

func findSSHD() string {
	for _, p := range []string{"/usr/sbin/sshd", "/usr/local/sbin/sshd"} {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	p, err := exec.LookPath("sshd")
	if err != nil {
		return ""
	}
	return p
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

func freePort(addr string) (int, error) {
	l, err := net.Listen("tcp", addr+":0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// startSSHD starts a real server of its own for a host and waits until it answers.
func (f *Fleet) startSSHD(ctx context.Context, sshd string, h *Host, hostKey, authorized string) error {
	conf := filepath.Join(f.Dir, h.Name+".conf")
	text := fmt.Sprintf("ListenAddress %s\nPort %d\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nMaxSessions 100\nMaxStartups 200\n",
		h.Addr, h.Port, hostKey, authorized)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return err
	}
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd refuses to start without it
			return err
		}
	}
	cmd := exec.CommandContext(ctx, sshd, "-D", "-e", "-f", conf)
	var log bytes.Buffer
	cmd.Stderr = &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	h.stop = func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		<-ended
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		if answers(h) {
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("sshd for %s: %s", h.Name, strings.TrimSpace(log.String()))
		default:
		}
		if time.Now().After(deadline) {
			h.stop()
			return errors.New("sshd for " + h.Name + " does not answer")
		}
		time.Sleep(5 * time.Millisecond) // no event tells when a foreign server is ready
	}
}

// answers reports whether the host greets as an SSH server.
func answers(h *Host) bool {
	c, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", h.Addr, h.Port), time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	greeting := make([]byte, 4)
	_, err = c.Read(greeting)
	return err == nil && string(greeting) == "SSH-"
}
