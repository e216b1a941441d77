package oracle

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTrust runs a play that sends text with template markers, from a host and marked !unsafe, every way a value can take.
// play.stdout is what ansible-core 2.18 wrote; the results are nowhere computed.
func TestTrust(t *testing.T) {
	bin := build(t)
	want, err := os.ReadFile("testdata/trust/play.stdout")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "ansible-playbook"), "play.yml")
	cmd.Dir = "testdata/trust"
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "ANSIBLE_CONFIG=/dev/null")
	got, err := cmd.Output()
	if err != nil {
		t.Errorf("%v: %s", err, got)
	}
	dir, err := filepath.Abs(cmd.Dir)
	if err != nil {
		t.Fatal(err)
	}
	got = bytes.ReplaceAll(got, []byte(dir), []byte("DIR"))
	if string(got) != string(want) {
		t.Error(unified(t, string(want), string(got)))
	}
	for _, computed := range []string{"42", "48", "54"} {
		if strings.Contains(string(got), computed) {
			t.Errorf("%s: data was evaluated", computed)
		}
	}
}
