package ssh_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-automation/troupe/internal/remote/connection"
	"github.com/troupe-automation/troupe/internal/remote/connection/connectiontest"
	"github.com/troupe-automation/troupe/internal/remote/connection/ssh"
)

// The library keeps one goroutine for a channel that was being opened while the connection ended, see (*client).Start.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("golang.org/x/crypto/ssh.(*mux).openChannel"))
}

func dial(t *testing.T, o connection.Options) (connection.Conn, error) {
	t.Helper()
	c, err := ssh.Kind.Dial(t.Context(), o, func(v int, msg string) { t.Logf("-%d %s", v, msg) })
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func mustDial(t *testing.T, o connection.Options) connection.Conn {
	t.Helper()
	c, err := dial(t, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// works logs in and runs a command.
func works(t *testing.T, o connection.Options) {
	t.Helper()
	p, err := mustDial(t, o).Start(t.Context(), "exit 7", connection.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if code, err := p.Wait(); code != 7 || err != nil {
		t.Errorf("exit code %d, %v", code, err)
	}
}

func TestSSH(t *testing.T) {
	s := connectiontest.StartSSHD(t)
	connectiontest.Exercise(t, func(t *testing.T) connection.Conn { return mustDial(t, s.Options) })
}

func TestOpenSSH(t *testing.T) {
	s := connectiontest.StartSSHD(t)
	// RemoteForward is something only the OpenSSH client does; port 0 of it disturbs nobody.
	o := s.With("ssh_extra_args", "-R 0:127.0.0.1:1")
	connectiontest.Exercise(t, func(t *testing.T) connection.Conn { return mustDial(t, o) })
}

func TestLogins(t *testing.T) {
	s := connectiontest.StartSSHD(t, "PasswordAuthentication yes")
	user := connectiontest.User(t, "trpssh1", "c0rrect horse")
	locked := filepath.Join(s.Dir, "locked")
	pub := connectiontest.WriteKey(t, locked, "open sesame")
	authorized, err := os.OpenFile(s.Dir+"/authorized_keys", os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	authorized.Write(marshal(pub))
	authorized.Close()
	config := filepath.Join(s.Dir, "config")
	write(t, config, "Host web*.example\n  HostName 127.0.0.1\n  Port "+s.Port+"\n  User "+user+"\n  IdentityFile "+s.Key+
		"\n  UserKnownHostsFile "+s.KnownHosts+"\n  HostKeyAlias [127.0.0.1]:"+s.Port+"\nHost *\n  Port 1\n")
	for name, o := range map[string]connection.Options{
		"key":                      s.Options,
		"key of an encrypted file": s.With("private_key_file", locked, "private_key_passphrase", "open sesame"),
		"password":                 s.With("remote_user", user, "password", "c0rrect horse", "private_key_file", "-"),
		"password and its prompt":  s.With("remote_user", user, "password", "c0rrect horse", "private_key_file", "-", "sshpass_prompt", user+"@127.0.0.1's pass"),
		"prompt, OpenSSH client": s.With("remote_user", user, "password", "c0rrect horse", "private_key_file", "-", "sshpass_prompt", "'s pass",
			"ssh_extra_args", "-R 0:127.0.0.1:1"),
		"password, OpenSSH client":  s.With("remote_user", user, "password", "c0rrect horse", "private_key_file", "-", "ssh_extra_args", "-R 0:127.0.0.1:1"),
		"config file":               {"host": "web1.example", "ssh_common_args": "-F " + config},
		"config file and jump host": {"host": "web1.example", "ssh_common_args": "-F " + config + " -J web2.example,web3.example"},
		"ProxyCommand":              s.With("ssh_extra_args", "-o ProxyCommand='ssh -F "+config+" -W %h:%p web4.example'"),
		"host key checking off":     s.With("host_key_checking", "False", "ssh_common_args", "-F none -o UserKnownHostsFile=/dev/null"),
		"accept-new":                s.With("ssh_common_args", "-F none -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile="+s.Dir+"/new"),
		"keep-alive and algorithms": s.With("ssh_args", "-C -o ServerAliveInterval=1 -o Ciphers=aes128-ctr -o KexAlgorithms=^curve25519-sha256 -o MACs=-hmac-sha1"),
	} {
		t.Run(name, func(t *testing.T) { works(t, o) })
	}
	if b, _ := os.ReadFile(s.Dir + "/new"); !strings.HasPrefix(string(b), "[127.0.0.1]:"+s.Port+" ssh-ed25519 ") {
		t.Errorf("accept-new remembered %q", b)
	}
}

func TestAgentKey(t *testing.T) {
	s := connectiontest.StartSSHD(t)
	if _, err := exec.LookPath("ssh-agent"); err != nil {
		t.Skip("no ssh-agent on this machine")
	}
	socket := filepath.Join(t.TempDir(), "agent")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	add := exec.Command("sh", "-c", "i=0; while [ ! -S "+socket+" ] && [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done; exec ssh-add -q "+s.Key)
	add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("ssh-add: %s", out)
	}
	t.Setenv("SSH_AUTH_SOCK", socket)
	args := "-F none -o GlobalKnownHostsFile=/dev/null -o UserKnownHostsFile=" + s.KnownHosts
	works(t, s.With("private_key_file", "-", "ssh_common_args", args))
	// The file is missing, but its public half names a key of the agent.
	public, _ := exec.Command("ssh-add", "-L").Output()
	named := filepath.Join(s.Dir, "named")
	write(t, named+".pub", string(public))
	works(t, s.With("private_key_file", named, "ssh_common_args", args+" -o IdentitiesOnly=yes"))
	if _, err := dial(t, s.With("private_key_file", "-", "ssh_common_args", args+" -o IdentitiesOnly=yes -o IdentityFile=none")); err == nil {
		t.Error("IdentitiesOnly offers keys of the agent")
	}
}

// The texts were recorded from ansible-core 2.18 with OpenSSH 9.2, except for the lists of login methods.
func TestUnreachable(t *testing.T) {
	s := connectiontest.StartSSHD(t, "PasswordAuthentication yes")
	user := connectiontest.User(t, "trpssh2", "c0rrect horse")
	other := filepath.Join(s.Dir, "other")
	connectiontest.WriteKey(t, other, "")
	changed := filepath.Join(s.Dir, "changed")
	line, _ := os.ReadFile(s.KnownHosts)
	wrong := marshal(connectiontest.WriteKey(t, filepath.Join(s.Dir, "x"), ""))
	write(t, changed, strings.Fields(string(line))[0]+" "+string(wrong))
	for _, c := range []struct {
		name  string
		o     connection.Options
		phase connection.Phase
		want  string
	}{
		{"wrong key", s.With("private_key_file", other), connection.PhaseAuth, "Failed to connect to the host via ssh: root@127.0.0.1: Permission denied (publickey,password)."},
		{"wrong password", s.With("remote_user", user, "private_key_file", "-", "password", "nope"), connection.PhaseAuth, "Invalid/incorrect password: Permission denied, please try again."},
		{"another prompt", s.With("remote_user", user, "private_key_file", "-", "password", "c0rrect horse", "sshpass_prompt", "PIN:", "timeout", "0.5"), connection.PhaseAuth,
			"Failed to connect to the host via ssh: no prompt with \"PIN:\" (sshpass_prompt) came within 500ms, but \"" + user + "@127.0.0.1's password: \""},
		{"another prompt, OpenSSH client", s.With("remote_user", user, "private_key_file", "-", "password", "c0rrect horse", "sshpass_prompt", "PIN:",
			"ssh_extra_args", "-R 0:127.0.0.1:1"), connection.PhaseAuth, "no prompt with sshpass_prompt came"},
		{"refused", s.With("port", "1"), connection.PhaseConnect, "Failed to connect to the host via ssh: ssh: connect to host 127.0.0.1 port 1: Connection refused"},
		{"no such name", s.With("host", "no-such-host.invalid"), connection.PhaseResolve, "Failed to connect to the host via ssh: ssh: Could not resolve hostname no-such-host.invalid: "},
		{"unknown host key", s.With("ssh_common_args", "-F none -o UserKnownHostsFile=/dev/null"), connection.PhaseHostKey, "Failed to connect to the host via ssh: Host key verification failed."},
		{"unknown host key, OpenSSH client with a password", s.With("remote_user", user, "private_key_file", "-", "password", "c0rrect horse", "ssh_extra_args", "-R 0:127.0.0.1:1",
			"ssh_common_args", "-F none -o UserKnownHostsFile=/dev/null"), connection.PhaseHostKey, "Host key verification failed."},
		{"wrong password, OpenSSH client", s.With("remote_user", user, "private_key_file", "-", "password", "nope", "ssh_extra_args", "-R 0:127.0.0.1:1"), connection.PhaseAuth, "Permission denied"},
		{"unknown host key, strict", s.With("ssh_common_args", "-F none -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/dev/null"), connection.PhaseHostKey,
			"Failed to connect to the host via ssh: No ED25519 host key is known for [127.0.0.1]:" + s.Port + " and you have requested strict checking.\r\nHost key verification failed."},
		{"changed host key", s.With("ssh_common_args", "-F none -o UserKnownHostsFile="+changed), connection.PhaseHostKey, "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!"},
		{"changed host key, accept-new", s.With("ssh_common_args", "-F none -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile="+changed), connection.PhaseHostKey, "HAS CHANGED"},
		{"at the jump host", s.With("ssh_extra_args", "-J 127.0.0.1:1"), connection.PhaseConnect, "Failed to connect to the host via ssh: ssh: connect to host 127.0.0.1 port 1: Connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := dial(t, c.o)
			var u *connection.UnreachableError
			if !errors.As(err, &u) || u.Phase != c.phase || !strings.Contains(u.Msg, c.want) {
				t.Errorf("got %T %v\nwant phase %q and %q", err, err, c.phase, c.want)
			}
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := ssh.Kind.Dial(ctx, s.Options, func(int, string) {}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
