package become_test

import (
	"slices"
	"testing"

	"github.com/troupe-automation/troupe/internal/remote/become"
)

func flags(s string) *string { return &s }

// The command lines of sudo and su are those ansible-core 2.18 runs (BEHAVIOUR §3.9), with our own prompt.
func TestBuild(t *testing.T) {
	for _, c := range []struct {
		name string
		spec become.Spec
		want []string
	}{
		{"default", become.Spec{}, []string{"sudo", "-H", "-S", "-n", "-u", "root", "/bin/sh", "-c", "X"}},
		{"sudo with password", become.Spec{Method: "ansible.builtin.sudo", User: "bob", Pass: "p"}, []string{"sudo", "-H", "-S", "-p", become.Prompt, "-u", "bob", "/bin/sh", "-c", "X"}},
		{"bundled flags", become.Spec{Flags: flags("-HSn -E"), Pass: "p"}, []string{"sudo", "-HS", "-E", "-p", become.Prompt, "-u", "root", "/bin/sh", "-c", "X"}},
		{"no flags", become.Spec{Flags: flags("")}, []string{"sudo", "-u", "root", "/bin/sh", "-c", "X"}},
		{"exe with arguments", become.Spec{Exe: "env LANG=C '/opt/my sudo'"}, []string{"env", "LANG=C", "/opt/my sudo", "-H", "-S", "-n", "-u", "root", "/bin/sh", "-c", "X"}},
		{"su", become.Spec{Method: "su", User: "bob", Flags: flags("-l -s /bin/sh")}, []string{"su", "-l", "-s", "/bin/sh", "bob", "-c", "X"}},
		{"doas", become.Spec{Method: "community.general.doas"}, []string{"doas", "-n", "-u", "root", "/bin/sh", "-c", "X"}},
		{"doas with password", become.Spec{Method: "doas", Pass: "p"}, []string{"doas", "-u", "root", "/bin/sh", "-c", "X"}},
	} {
		got, err := become.Build(c.spec, "X")
		if err != nil || !slices.Equal(got.Argv, c.want) {
			t.Errorf("%s: got %q, %v\nwant %q", c.name, got.Argv, err, c.want)
		}
	}
	for name, s := range map[string]become.Spec{"unknown method": {Method: "magic"}, "open quote": {Flags: flags("'x")}, "empty exe": {Exe: " "}} {
		if _, err := become.Build(s, "X"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestKeyHoldsNoSecret(t *testing.T) {
	if (become.Spec{Pass: "a"}).Key() != (become.Spec{Pass: "b"}).Key() {
		t.Error("the key depends on the password")
	}
}
