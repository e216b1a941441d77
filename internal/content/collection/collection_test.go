package collection_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/diag"
)

func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, "ansible_collections", name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFinder(t *testing.T) {
	dir := tree(t, map[string]string{
		"a/b/plugins/modules/one.py":   "#!/usr/bin/python\n",
		"a/b/plugins/modules/s/two.py": "#!/usr/bin/python\n",
		"a/b/roles/r/tasks/main.yml":   "[]\n",
		"a/b/playbooks/site.yml":       "[]\n",
		"a/b/meta/runtime.yml": `plugin_routing:
  modules:
    old: {redirect: a.b.one}
    loop1: {redirect: a.b.loop2}
    loop2: {redirect: a.b.loop1}
    gone: {tombstone: {removal_version: "2.0.0", warning_text: Use a.b.one instead.}}
    going: {redirect: a.b.one, deprecation: {removal_version: "3.0.0", warning_text: Use a.b.one.}}
`,
	})
	warning := ""
	f := &collection.Finder{Paths: []string{dir}, Deprecated: func(text string) { warning = text }}
	for _, c := range []struct{ name, want, warning string }{
		{"a.b.one", "a.b.one", ""},
		{"a.b.s.two", "a.b.s.two", ""},
		{"a.b.old", "a.b.one", ""},
		{"a.b.going", "a.b.one", "a.b.going has been deprecated. Use a.b.one. This feature will be removed from a.b in version 3.0.0."},
		{"a.b.none", "", ""},
		{"x.y.z", "", ""},
		{"one", "", ""},
		{"ansible.builtin.docker_container", "", ""}, // its collection is not here
	} {
		warning = ""
		r, err := f.Plugin(collection.Modules, c.name)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := ""
		if r != nil {
			got = r.FQCN
		}
		if got != c.want || warning != c.warning {
			t.Errorf("%s: got %q %q, want %q %q", c.name, got, warning, c.want, c.warning)
		}
	}
	if _, err := f.Plugin(collection.Modules, "a.b.loop1"); err == nil {
		t.Error("redirects in a circle end nowhere")
	}
	_, err := f.Plugin(collection.Modules, "a.b.gone")
	if d, ok := diag.As(err); !ok || d.Code != diag.RemovedModule || d.Exit != diag.ExitError {
		t.Errorf("a removed module: %v", err)
	}
	if _, col, ok := f.Role("a.b.r", nil); !ok || col != "a.b" {
		t.Error("role by its full name")
	}
	if _, col, ok := f.Role("r", []string{"x.y", "a.b"}); !ok || col != "a.b" {
		t.Error("role by its collections list")
	}
	if p, ok := f.Playbook("a.b.site"); !ok || filepath.Base(p) != "site.yml" {
		t.Error("playbook")
	}
	var none *collection.Finder
	if none.Has("a.b") {
		t.Error("a nil finder has collections")
	}
}

func TestBuiltinRedirects(t *testing.T) {
	for name, want := range map[string]string{"docker_container": "community.docker.docker_container", "aws_s3": "amazon.aws.aws_s3", "copy": ""} {
		if got := collection.Redirect(collection.Modules, name); got != want {
			t.Errorf("%s leads to %q, want %q", name, got, want)
		}
	}
}
