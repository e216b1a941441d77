package session_test

import (
	"errors"
	"testing"

	"github.com/troupe-automation/troupe/internal/remote/become"
	"github.com/troupe-automation/troupe/internal/remote/connection/connectiontest"
	"github.com/troupe-automation/troupe/internal/remote/session"
)

func TestRaw(t *testing.T) {
	s := connectiontest.StartSSHD(t)
	user := connectiontest.User(t, "trpraw", "let me in")
	connectiontest.Sudoers(t, user, "Defaults:"+user+" timestamp_timeout=0", user+" ALL=(ALL:ALL) ALL")
	se := open(t, session.Target{Options: s.With("remote_user", user)})
	for _, c := range []struct {
		name string
		cmd  session.RawCommand
		want session.RawResult
		err  string
	}{
		{name: "plain", cmd: session.RawCommand{Command: "echo 'it''s'; echo $0 >&2; exit 4"}, want: session.RawResult{RC: 4, Stdout: "its\n", Stderr: "/bin/sh\n"}},
		{name: "input", cmd: session.RawCommand{Command: "cat", Stdin: []byte("in")}, want: session.RawResult{Stdout: "in"}},
		{name: "other shell", cmd: session.RawCommand{Command: "echo ${BASH_VERSION:+yes}", Executable: "/bin/bash"}, want: session.RawResult{Stdout: "yes\n"}},
		{name: "become", cmd: session.RawCommand{Command: "id -un; cat", Stdin: []byte("in"), Become: &become.Spec{Pass: "let me in"}}, want: session.RawResult{Stdout: "root\nin"}},
		{name: "wrong password", cmd: session.RawCommand{Command: "id", Become: &become.Spec{Pass: "x"}}, err: "Incorrect sudo password"},
		{name: "missing password", cmd: session.RawCommand{Command: "id", Become: &become.Spec{}}, err: "Missing sudo password"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := se.Raw(t.Context(), c.cmd)
			if c.err != "" {
				var te *session.TaskError
				if !errors.As(err, &te) || te.Msg != c.err {
					t.Errorf("got %v, want %s", err, c.err)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}
