package oracle

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPlays runs the plays of testdata/plays. Each directory has play.yml, play.stdout as ansible-core 2.18 wrote it (its own
// path as DIR, the user's home as HOME), and args when ansible-playbook needs some. trust sends text with template markers, from a host and marked
// !unsafe, every way a value can take: the results of its expressions are nowhere in play.stdout.
func TestPlays(t *testing.T) {
	bin := build(t)
	plays, err := filepath.Glob("testdata/plays/*/play.yml")
	if err != nil || len(plays) == 0 {
		t.Fatalf("no plays: %v", err)
	}
	for _, p := range plays {
		dir, err := filepath.Abs(filepath.Dir(p))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join(dir, "play.stdout"))
			if err != nil {
				t.Fatal(err)
			}
			args, err := os.ReadFile(filepath.Join(dir, "args"))
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "ansible-playbook"), append(strings.Fields(string(args)), "play.yml")...)
			cmd.Dir = dir
			home := t.TempDir()
			cmd.Env = append(os.Environ(), "HOME="+home, "ANSIBLE_CONFIG=/dev/null")
			got, err := cmd.Output()
			if err != nil {
				t.Errorf("%v: %s", err, got)
			}
			got = bytes.ReplaceAll(bytes.ReplaceAll(got, []byte(dir), []byte("DIR")), []byte(home), []byte("HOME"))
			if string(got) != string(want) {
				t.Error(unified(t, string(want), string(got)))
			}
		})
	}
}

// TestLent runs a play that reads what a host said through hostvars and vars. Ansible evaluates some of it (extract, mappings
// that are kept), so there is no recording: nothing may be computed, and the text arrives as it was said.
func TestLent(t *testing.T) {
	bin := build(t)
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "ansible-playbook"), "-i", "localhost,", "-c", "local", "play.yml")
	cmd.Dir = "testdata/lent"
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "ANSIBLE_CONFIG=/dev/null")
	got, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	said := "{{ 6*7 }}"
	for _, want := range []string{
		`"msg": "` + strings.TrimSpace(strings.Repeat(said+" ", 6)) + `"`,
		"(item=" + said + ") => {\n    \"msg\": \"" + said + `"`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if n := strings.Count(string(got), `"msg": "`+said+`"`); n != 5 {
		t.Errorf("%d messages say what the host said, not 5", n)
	}
	if strings.Contains(string(got), "42") {
		t.Errorf("data was evaluated:\n%s", got)
	}
}

// TestThrottle lets hosts that go through a play on their own take a directory that only one can have.
func TestThrottle(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	play := `- hosts: all
  gather_facts: false
  strategy: free
  tasks:
    - block:
        - shell: mkdir lock && sleep 0.05 && rmdir lock
      throttle: 1
`
	if err := os.WriteFile(filepath.Join(dir, "play.yml"), []byte(play), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "ansible-playbook"), "-i", "a,b,c,d,e,f", "-c", "local", "play.yml")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "ANSIBLE_CONFIG=/dev/null")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
