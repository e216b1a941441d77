package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/internal/remote/become"
	"github.com/troupe-automation/troupe/internal/remote/connection/connectiontest"
	"github.com/troupe-automation/troupe/internal/remote/session"
	"github.com/troupe-automation/troupe/internal/wire"
)

func probe(say string, b *become.Spec) session.Call {
	args, _ := json.Marshal(map[string]string{"say": say})
	return session.Call{Module: "test.probe", Args: args, Become: b}
}

func TestAgentIsBroughtOnce(t *testing.T) {
	s := connectiontest.StartSSHD(t)
	user := connectiontest.User(t, "trpses1", "pw")
	target := session.Target{Connection: "ssh", Options: s.With("remote_user", user)}
	for range 2 {
		se := open(t, target)
		if r := run(t, se, probe("hi", nil)); r["user"] != user {
			t.Errorf("ran as %v", r["user"])
		}
		se.Close()
	}
	cached, _ := filepath.Glob("/home/" + user + "/.cache/troupe/*")
	if len(cached) != 1 {
		t.Errorf("cache holds %v", cached)
	}
	if st, err := os.Stat("/home/" + user + "/.cache/troupe"); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("cache directory: %v %v", st.Mode(), err)
	}
	if left, _ := filepath.Glob("/home/" + user + "/.ansible/tmp/*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// The starter has to pass through whatever shell the user logs in with.
func TestLoginShells(t *testing.T) {
	s := connectiontest.StartSSHD(t)
	user := connectiontest.User(t, "trpshell", "pw")
	for _, shell := range []string{"sh", "dash", "bash", "zsh", "ksh", "mksh", "tcsh", "csh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("no %s on this machine", shell)
			}
			if out, err := exec.Command("usermod", "-s", path, user).CombinedOutput(); err != nil {
				t.Fatalf("usermod: %s", out)
			}
			os.RemoveAll("/home/" + user + "/.cache")
			for range 2 { // bring it, find it
				se := open(t, session.Target{Options: s.With("remote_user", user)})
				if r := run(t, se, probe("hi", nil)); r["user"] != user {
					t.Errorf("result %v", r)
				}
				se.Close()
			}
		})
	}
}

func TestCacheFallsBack(t *testing.T) {
	s := connectiontest.StartSSHD(t)
	for name, prepare := range map[string]func(t *testing.T, home string){
		"world-writable cache": func(t *testing.T, home string) {
			os.MkdirAll(home+"/.cache/troupe", 0)
			os.Chmod(home+"/.cache/troupe", 0o777)
		},
		"cache is a link": func(t *testing.T, home string) {
			os.MkdirAll(home+"/.cache", 0o777)
			os.Symlink("/tmp", home+"/.cache/troupe")
		},
		"noexec":    func(t *testing.T, home string) { tmpfs(t, home, "noexec") },
		"full disk": func(t *testing.T, home string) { tmpfs(t, home, "size=1m") },
	} {
		t.Run(name, func(t *testing.T) {
			user := connectiontest.User(t, "trpses2", "pw")
			home := "/home/" + user
			prepare(t, home)
			chown(t, user, home)
			var places []string
			cfg := config(t)
			cfg.Log = func(_ int, msg string) {
				if _, dir, ok := strings.Cut(msg, " to /"); ok && strings.HasPrefix(msg, "sending the agent") {
					places = append(places, "/"+dir)
				}
			}
			se, err := session.Open(t.Context(), session.Target{Options: s.With("remote_user", user)}, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer se.Close()
			if r := run(t, se, probe("hi", nil)); r["said"] != "hi" {
				t.Errorf("result %v", r)
			}
			if len(places) == 0 || !strings.HasPrefix(places[len(places)-1], "/var/tmp/troupe-") {
				t.Errorf("tried %v, want the last in /var/tmp", places)
			}
			for _, p := range places {
				if strings.HasPrefix(p, "/var/tmp/") {
					os.RemoveAll(p)
				}
			}
			if left, _ := filepath.Glob(home + "/.cache/troupe/.new*"); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func tmpfs(t *testing.T, dir, options string) {
	t.Helper()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("no right to mount: %s", out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", dir).Run() })
}

func chown(t *testing.T, user, dir string) {
	t.Helper()
	if out, err := exec.Command("chown", "-hR", user, dir).CombinedOutput(); err != nil {
		t.Fatalf("chown: %s", out)
	}
}

func TestBecome(t *testing.T) {
	s := connectiontest.StartSSHD(t)
	free := connectiontest.User(t, "trpfree", "pw")
	asks := connectiontest.User(t, "trpasks", "let me in")
	connectiontest.Sudoers(t, free, free+" ALL=(ALL:ALL) NOPASSWD: ALL")
	connectiontest.Sudoers(t, asks, "Defaults:"+asks+" requiretty,timestamp_timeout=0", asks+" ALL=(ALL:ALL) ALL")
	other := connectiontest.User(t, "trpother", "other pw")
	for _, c := range []struct {
		name, login string
		spec        become.Spec
		want        string // user, or
		code        wire.FailureCode
		msg         string
	}{
		{name: "sudo to root", login: free, want: "root"},
		{name: "sudo to another user", login: free, spec: become.Spec{User: other}, want: other},
		{name: "sudo to a user without home", login: free, spec: become.Spec{User: "nobody"}, want: "nobody"},
		{name: "sudo with password", login: asks, spec: become.Spec{Pass: "let me in"}, want: "root"},
		{name: "sudo with wrong password", login: asks, spec: become.Spec{Pass: "x"}, code: wire.FailIncorrectPass, msg: "Incorrect sudo password"},
		{name: "sudo without password", login: asks, code: wire.FailMissingPass, msg: "Missing sudo password"},
		{name: "su with password", login: free, spec: become.Spec{Method: "su", User: other, Pass: "other pw"}, want: other},
		{name: "su with wrong password", login: free, spec: become.Spec{Method: "su", User: other, Pass: "x"}, code: wire.FailIncorrectPass, msg: "Incorrect su password"},
		{name: "su without password", login: free, spec: become.Spec{Method: "su", User: other}, code: wire.FailMissingPass, msg: "Missing su password"},
		{name: "no such user", login: free, spec: become.Spec{User: "nosuchuser"}, code: wire.FailBecome, msg: "sudo: unknown user"},
		{name: "no such program", login: free, spec: become.Spec{Exe: "/no/such/sudo"}, code: wire.FailBecome, msg: "/no/such/sudo"},
		{name: "no such method", login: free, spec: become.Spec{Method: "levitate"}, code: wire.FailBecome, msg: "Invalid become method specified, could not find matching plugin: 'levitate'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			se := open(t, session.Target{Options: s.With("remote_user", c.login)})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			raw, err := se.Run(ctx, probe("x", &c.spec))
			var failure *session.TaskError
			switch {
			case c.want != "":
				var r struct{ User string }
				if json.Unmarshal(raw, &r); err != nil || r.User != c.want {
					t.Fatalf("got %s, %v, want user %s", raw, err, c.want)
				}
			case !errors.As(err, &failure) || failure.Code != c.code || !strings.Contains(failure.Msg, c.msg):
				t.Fatalf("got %v, want %s %q", err, c.code, c.msg)
			}
			// The session is as good as before.
			if r := run(t, se, probe("after", nil)); r["user"] != c.login {
				t.Errorf("afterwards: %v", r)
			}
		})
	}
}
