package collection_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/content/collection"
)

// TestPythonPaths: collections that came with Ansible's package are found where pip, pipx and virtual environments put them, the newest Python first, and
// only those directories are named that have some.
func TestPythonPaths(t *testing.T) {
	dir := t.TempDir()
	for _, p := range []string{
		"venv/lib/python3.9/site-packages/ansible_collections", "venv/lib/python3.13/site-packages/ansible_collections", "venv/bin", "other/lib/python3.12/site-packages",
		"home/.local/share/pipx/venvs/ansible/lib/python3.11/site-packages/ansible_collections", "home/.local/lib/python3.11/site-packages", "extra/ansible_collections",
	} {
		if err := os.MkdirAll(filepath.Join(dir, p), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "venv/bin/python3"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"PYTHONPATH": dir + "/extra:" + dir + "/nothing:", "PATH": dir + "/other/bin:" + dir + "/venv/bin"}
	var got []string
	for _, p := range collection.PythonPaths(func(name string) string { return env[name] }, filepath.Join(dir, "home")) {
		if rel, below := strings.CutPrefix(p, dir+"/"); below { // the machine may have some of its own
			got = append(got, rel)
		}
	}
	want := "[extra venv/lib/python3.13/site-packages venv/lib/python3.9/site-packages home/.local/share/pipx/venvs/ansible/lib/python3.11/site-packages]"
	if fmt.Sprint(got) != want {
		t.Errorf("%v\nwant %s", got, want)
	}
	f := &collection.Finder{Paths: []string{filepath.Join(dir, "extra")}, Further: func() []string { return []string{filepath.Join(dir, "venv/lib/python3.13/site-packages")} }}
	for _, place := range []string{"extra", "venv/lib/python3.13/site-packages"} {
		if err := os.MkdirAll(filepath.Join(dir, place, "ansible_collections/my/both"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "venv/lib/python3.13/site-packages/ansible_collections/my/one"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"my.both": "extra/ansible_collections/my/both", "my.one": "venv/lib/python3.13/site-packages/ansible_collections/my/one"} {
		if got, ok := f.Dir(name); !ok || got != filepath.Join(dir, want) {
			t.Errorf("%s is found in %q", name, got)
		}
	}
}
