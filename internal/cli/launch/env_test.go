package launch

import (
	"testing"

	"github.com/troupe-automation/troupe/internal/report/callback"
	"github.com/troupe-automation/troupe/internal/term"
)

// Messages are Ansible's where a program reads them, also one that gave the command a terminal.
func TestClassic(t *testing.T) {
	for _, c := range []struct {
		name     string
		dropIn   bool
		terminal bool
		callback string
		want     bool
	}{
		{"troupe in a pipe", false, false, "", false},
		{"ansible-playbook in a pipe", true, false, "", true},
		{"ansible-playbook on a terminal", true, true, "", false},
		{"with a callback of ours", true, true, "ansible.posix.yaml", false},
		{"with a callback of a program's own", true, true, "awx_display", true},
		{"troupe with one", false, true, "awx_display", false},
	} {
		e := &Env{Classic: c.dropIn, Getenv: func(name string) string {
			if name == "ANSIBLE_STDOUT_CALLBACK" {
				return c.callback
			}
			return ""
		}}
		if got := e.classic(&callback.Display{Err: &term.Stream{TTY: c.terminal}}); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
