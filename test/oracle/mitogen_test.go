package oracle

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMitogenStrategies takes the names of Mitogen's strategies for those that they make faster: each host goes its way under free and
// host_pinned, all wait for each other under linear.
func TestMitogenStrategies(t *testing.T) {
	bin := build(t)
	const play = `- hosts: a,b
  gather_facts: false
  connection: local
  strategy: STRATEGY
  tasks:
    - command: sleep {{ '0.5' if inventory_hostname == 'a' else '0' }}
    - debug: msg=two
`
	for strategy, lockstep := range map[string]bool{"mitogen_linear": true, "mitogen_free": false, "mitogen_host_pinned": false} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "site.yml"), []byte(strings.ReplaceAll(play, "STRATEGY", strategy)), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "ansible-playbook"), "-i", "a,b,", "site.yml")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "HOME="+dir, "ANSIBLE_CONFIG=/dev/null", "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			slow, second := strings.Index(string(out), "changed: [a]"), strings.Index(string(out), "ok: [b]")
			if slow < 0 || second < 0 || (slow < second) != lockstep {
				t.Errorf("b waited for a: %v, want %v\n%s", slow < second, lockstep, out)
			}
		})
	}
}
