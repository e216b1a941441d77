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
// path as DIR), and args when ansible-playbook needs some. trust sends text with template markers, from a host and marked
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
			cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "ANSIBLE_CONFIG=/dev/null")
			got, err := cmd.Output()
			if err != nil {
				t.Errorf("%v: %s", err, got)
			}
			got = bytes.ReplaceAll(got, []byte(dir), []byte("DIR"))
			if string(got) != string(want) {
				t.Error(unified(t, string(want), string(got)))
			}
		})
	}
}
