package links

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/troupe-automation/troupe/internal/cli/launch"
)

func TestLinks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bin")
	var out bytes.Buffer
	env := &launch.Env{Stdout: &out, Names: []string{"ansible", "ansible-playbook"}}
	run := func(args ...string) error {
		_, err := Main(context.Background(), env, "troupe install-links", append(args, dir))
		return err
	}
	if err := run(); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range env.Names {
		real, err := filepath.EvalSymlinks(filepath.Join(dir, n))
		if want, _ := filepath.EvalSymlinks(self); err != nil || real != want {
			t.Errorf("%s leads to %s (%v)", n, real, err)
		}
	}
	if err := run(); err != nil {
		t.Errorf("a second time: %v", err)
	}
	other := filepath.Join(dir, "ansible")
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(); err == nil {
		t.Error("somebody's own file was replaced")
	}
	if err := run("--force"); err != nil {
		t.Error(err)
	}
}
