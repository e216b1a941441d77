package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/server/runner"
)

// TestIsolation runs a playbook that looks for everything a run must not see: the server's files, its processes, other runs' secrets.
func TestIsolation(t *testing.T) {
	s := newSite(t)
	if strings.Contains(s.log.String(), "runs are not isolated") {
		t.Skip("no name spaces on this machine: " + s.log.String())
	}
	foreign, err := os.MkdirTemp("/dev/shm", "troupe-of-another-run-")
	if err != nil {
		t.Skipf("no /dev/shm on this machine: %v", err)
	}
	defer os.RemoveAll(foreign)
	e := s.estate(fmt.Sprintf(`- hosts: all
  gather_facts: false
  tasks:
    - shell: |
        for f in %[1]s/secret.keys %[1]s/troupe.db %[1]s/installation %[1]s/projects; do test -e $f && echo "sees $f"; done
        test -e %[2]s && echo "sees another run's secrets"
        for p in /proc/[0-9]*; do tr '\0' ' ' < $p/cmdline 2>/dev/null | grep -q 'server[.]test' && echo "sees the server"; done
        kill -0 %[3]d 2>/dev/null && echo "reaches the server"
        umount %[1]s 2>/dev/null && echo "can uncover it"
        test "$(id -u)" = 0 && echo "is root"
        id -un; echo looked; touch "$HOME/mine" && echo "has a home"
        true
      register: r
    - debug: {msg: "{{ r.stdout_lines | join('; ') }}"}
`, s.dir, foreign, os.Getpid()))
	job := s.launch(e)
	rec := s.wait(fmt.Sprintf("/api/v2/jobs/%d/", job), finished)
	_, out := s.call(admin, "GET", fmt.Sprintf("/api/v2/jobs/%d/stdout/?format=txt", job), nil)
	text := fmt.Sprint(out["text"])
	if rec["status"] != "successful" || !strings.Contains(text, "looked; has a home") {
		t.Fatalf("%v: %s", rec, text)
	}
	for _, bad := range []string{"sees ", "reaches ", "can uncover", "is root"} {
		if strings.Contains(text, bad) {
			t.Errorf("a run %s: %s", bad, text)
		}
	}
	if os.Getuid() == 0 && !strings.Contains(text, "troupe-run") {
		t.Errorf("the run does not know who it is: %s", text)
	}
}

func TestCageSettings(t *testing.T) {
	for _, bad := range []runner.Setting{{Isolation: "jail"}, {RunAs: "nobody-of-that-name"}, {RunAs: "root"}, {Isolation: runner.None, RunAs: "nobody"}} {
		bad.Hidden = t.TempDir()
		if _, _, err := runner.NewCage(t.Context(), bad); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c, note, err := runner.NewCage(t.Context(), runner.Setting{Isolation: runner.Space, Hidden: filepath.Join(dir)})
	if err != nil {
		t.Skipf("no name spaces on this machine: %v", err)
	}
	if c.Kind() != runner.Space || note != "" {
		t.Errorf("%s %q", c.Kind(), note)
	}
}
