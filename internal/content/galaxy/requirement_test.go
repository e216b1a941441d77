package galaxy

import (
	"os"
	"path/filepath"
	"testing"
)

// The messages are those of ansible-galaxy 2.18.
func TestReadRequirements(t *testing.T) {
	for _, c := range []struct {
		name, text  string
		roles, cols int
		onlyCols    bool
		problem     string
	}{
		{"roles", "- src: git+https://example.com/a.git,v1,web\n- {name: x, src: x.y}\n", 2, 0, false, ""},
		{"both", "roles: [a.b]\ncollections:\n- ns.x\n- {name: ns.y, version: '>=1.0.0'}\n- git+https://example.com/c.git\n", 1, 3, false, ""},
		{"list for collections", "- ns.x\n", 0, 0, true, "Expecting requirements file to be a dict with the key 'collections' that contains a list of collections to install"},
		{"other key", "foo: []\n", 0, 0, false, "Expecting only 'roles' and/or 'collections' as base keys in the requirements file. Found: foo"},
		{"text", "foo\n", 0, 0, false, "Expecting requirements yaml to be a list or dictionary but got str"},
		{"role without a name", "- foo: 1\n", 0, 0, false, "Must specify name or src for role"},
		{"bad name", "collections: [bad]\n", 0, 0, false, notConcrete + "\n\nCould not find bad."},
		{"dictionary for collections", "collections: {name: ns.x, version: 1.0.0}\n", 0, 0, false, notConcrete + "\n\nCould not find name."},
		{"names as keys", "collections: {ns.x: 1.0.0, ns.y: 2.0.0}\n", 0, 2, false, ""},
		{"text for collections", "collections: ns.x\n", 0, 0, false, notConcrete + "\n\nCould not find n."},
		{"number for collections", "collections: 5\n", 0, 0, false, "'collections' of a requirements file should be a list, but it is a int"},
		{"dictionary for roles", "roles: {src: a.b}\n", 1, 0, false, ""},
		{"number for roles", "roles: 5\n", 0, 0, false, "'roles' of a requirements file should be a list, but it is a int"},
		{"nothing", "roles:\ncollections: 0\n", 0, 0, false, ""},
		{"git as source", "collections: [{name: ns.x, source: git+file:///x}]\n", 0, 0, false, "Collections requirement 'source' entry should contain a valid Galaxy API URL but it does not: git+file:///x is not an HTTP URL."},
		{"unknown type", "collections: [{name: ns.x, type: cvs}]\n", 0, 0, false, "The collection requirement entry key 'type' must be one of file, galaxy, git, url, dir, or subdirs."},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "requirements.yml")
			if err := os.WriteFile(file, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			r, err := ReadRequirements(file, !c.onlyCols, nil)
			if c.problem != "" {
				if err == nil || words(err) != c.problem {
					t.Fatalf("%v\nwant %s", err, c.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Roles) != c.roles || len(r.Collections) != c.cols {
				t.Errorf("%d roles and %d collections, want %d and %d", len(r.Roles), len(r.Collections), c.roles, c.cols)
			}
		})
	}
}

func TestParseRole(t *testing.T) {
	for _, c := range []struct {
		text string
		want RoleRequirement
	}{
		{"geerlingguy.nginx", RoleRequirement{Name: "geerlingguy.nginx", Src: "geerlingguy.nginx"}},
		{"geerlingguy.nginx,1.2", RoleRequirement{Name: "geerlingguy.nginx", Src: "geerlingguy.nginx", Version: "1.2"}},
		{"git+https://git.example.com/web.git,v1,site", RoleRequirement{Name: "site", Src: "https://git.example.com/web.git", Scm: "git", Version: "v1"}},
		{"git+https://git.example.com/web.git", RoleRequirement{Name: "web", Src: "https://git.example.com/web.git", Scm: "git"}},
		{"https://github.com/a/b", RoleRequirement{Name: "b", Src: "https://github.com/a/b", Scm: "git"}},
		{"https://example.com/x/web.tar.gz", RoleRequirement{Name: "web", Src: "https://example.com/x/web.tar.gz"}},
		{"hg+https://example.com/web", RoleRequirement{Name: "web", Src: "https://example.com/web", Scm: "hg"}},
		{"git@example.com:a/web.git", RoleRequirement{Name: "web", Src: "git@example.com:a/web.git"}},
	} {
		if got := ParseRole(c.text); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.text, got, c.want)
		}
	}
}
