// Package repository makes git repositories for tests of what comes from one.
//
// Called by the tests of internal/server and by test/platform.
package repository

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// New makes a repository with one commit of files, given by name, on the branch main. Scripts can be executed. It returns the
// directory, which is removed with the test.
func New(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		mode := os.FileMode(0o600)
		if strings.HasPrefix(content, "#!") {
			mode = 0o700
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	Git(t, dir, "init", "-q", "-b", "main", ".")
	Git(t, dir, "add", "-A")
	Git(t, dir, "commit", "-qm", "one")
	return dir
}

// Git runs git in dir; the commits have an author.
func Git(t testing.TB, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %s", args, out)
	}
}
