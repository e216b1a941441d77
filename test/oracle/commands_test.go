package oracle

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestCommands runs the scripts of testdata/commands, each in a copy of its directory, and compares what they print with stdout, which
// ansible-core 2.18 wrote (DIR is the directory, HOME the user's home).
func TestCommands(t *testing.T) {
	bin := build(t)
	scripts, err := filepath.Glob("testdata/commands/*/run.sh")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, script := range scripts {
		from := filepath.Dir(script)
		t.Run(filepath.Base(from), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(filepath.Join(dir, "stdout"))
			if err != nil {
				t.Fatal(err)
			}
			home := t.TempDir()
			cmd := exec.CommandContext(t.Context(), "sh", "run.sh")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+home, "ANSIBLE_CONFIG=/dev/null", "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3")
			got, _ := cmd.Output() // commands that fail are part of scripts
			got = bytes.ReplaceAll(bytes.ReplaceAll(got, []byte(dir), []byte("DIR")), []byte(home), []byte("HOME"))
			if string(got) != string(want) {
				t.Error(unified(t, string(want), string(got)))
			}
		})
	}
}
