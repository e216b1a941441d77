package session

import (
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/remote/become"
)

// A become user gets nothing into the home, as with Ansible.
func TestGuest(t *testing.T) {
	i := &images{name: "agent-0"}
	if text := starter("/bin/agent", i, true); strings.Contains(text, "HOME") || !strings.Contains(text, "/var/tmp/troupe-$u") {
		t.Errorf("the starter of a guest: %s", text)
	}
	if text := starter("/bin/agent", i, false); !strings.Contains(text, `"$HOME/.cache/troupe"`) {
		t.Errorf("the starter of a user: %s", text)
	}
	for user, want := range map[string]bool{"": false, "root": false, "postgres": true} {
		if got := (become.Spec{User: user}).Guest(); got != want {
			t.Errorf("%q is a guest: %v", user, got)
		}
	}
}
