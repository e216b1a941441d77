package galaxy

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// member is one entry of an archive made by a test.
type member struct{ name, text, link string }

func writeTar(t *testing.T, file string, members ...member) {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Mode: 0o644, Size: int64(len(m.text)), Typeflag: tar.TypeReg}
		if m.link != "" {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, m.link, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if m.link == "" {
			if _, err := w.Write([]byte(m.text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func tree(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && p != dir && !d.IsDir() {
			rel, _ := filepath.Rel(dir, p)
			out = append(out, rel)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return out
}

// The messages are those of ansible-galaxy 2.18 for the same archives.
func TestHostileRole(t *testing.T) {
	meta := member{name: "role/meta/main.yml", text: "galaxy_info: {}\n"}
	for _, c := range []struct {
		name    string
		members []member
		problem string
		files   []string
	}{
		{"ordinary", []member{meta, {name: "role/tasks/main.yml"}}, "", []string{"meta/main.yml", "tasks/main.yml"}},
		{"path outside", []member{meta, {name: "role/../../evil"}}, "is not a subpath of the role", []string{"meta/main.yml"}},
		{"absolute link", []member{meta, {name: "role/l", link: "/etc/passwd"}}, "is not a subpath of the role", []string{"meta/main.yml"}},
		{"relative link outside", []member{meta, {name: "role/tasks/l", link: "../../x"}}, "is not a subpath of the role", []string{"meta/main.yml"}},
		{"link inside", []member{meta, {name: "role/tasks/l", link: "../meta/main.yml"}}, "", []string{"meta/main.yml", "tasks/l"}},
		{"through a link", []member{meta, {name: "role/d", link: "meta"}, {name: "role/d/../../../evil", text: "x"}}, "is not a subpath of the role", []string{"d", "meta/main.yml"}},
		{"names for a shell", []member{meta, {name: "role/tasks/~root"}, {name: "role/a$HOME"}}, "", []string{"meta/main.yml"}},
		{"something else", []member{meta, {name: "other/x"}}, "", []string{"meta/main.yml"}},
		{"no meta", []member{{name: "role/tasks/main.yml"}}, "this role does not appear to have a meta/main.yml file.", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := t.TempDir()
			file := filepath.Join(base, "r.tar")
			writeTar(t, file, c.members...)
			dir := filepath.Join(base, "roles", "r")
			err := unpackRole(file, dir)
			switch {
			case c.problem == "" && err != nil:
				t.Fatal(err)
			case c.problem != "" && (err == nil || !strings.Contains(words(err), c.problem)):
				t.Fatalf("%v, want %q", err, c.problem)
			}
			if got := tree(t, dir); !slices.Equal(got, c.files) {
				t.Errorf("files %q, want %q", got, c.files)
			}
			if got := tree(t, base); slices.ContainsFunc(got, func(f string) bool { return strings.Contains(f, "evil") }) {
				t.Errorf("something was written outside: %q", got)
			}
		})
	}
}

// sources makes a collection's directory.
func sources(t *testing.T, dir, galaxy string, files ...string) {
	t.Helper()
	for _, f := range append([]string{"README.md"}, files...) {
		p := filepath.Join(dir, f)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(f), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "galaxy.yml"), []byte("namespace: ns\nname: col\nversion: 1.0.0\nauthors: [a]\nreadme: README.md\n"+galaxy), 0o644); err != nil {
		t.Fatal(err)
	}
}

// What belongs to an archive, as ansible-galaxy collection build does it.
func TestBuild(t *testing.T) {
	for _, c := range []struct {
		name, galaxy string
		files, want  []string
	}{
		{"plain", "", []string{"plugins/modules/m.py", "a.retry", "x.pyc", "tests/output/x", "ns-col-0.1.0.tar.gz", ".git/HEAD", "__pycache__/x"},
			[]string{"README.md", "plugins/", "plugins/modules/", "plugins/modules/m.py", "tests/"}},
		{"build_ignore", "build_ignore: ['foo.txt', 'foobar/*', '*.skip']\n", []string{"foo.txt", "foobar/qux/bar", "a.skip", "d/b.skip"}, []string{"README.md", "d/", "foobar/"}},
		{"manifest", "license_file: GPL\nmanifest:\n  directives: [exclude foo.txt, recursive-exclude docs/foobar **]\n",
			[]string{"foo.txt", "bar.txt", "GPL", "docs/a.rst", "docs/foobar/b.txt", "plugins/modules/m.py", "plugins/modules/docs.md", "plugins/vars/v.yml", "artifacts/x", "roles/r/tasks/main.yml"},
			[]string{"GPL", "README.md", "bar.txt", "docs/", "docs/a.rst", "plugins/", "plugins/modules/", "plugins/modules/m.py", "plugins/vars/", "plugins/vars/v.yml", "roles/", "roles/r/", "roles/r/tasks/", "roles/r/tasks/main.yml"}},
		{"nothing but directives", "manifest:\n  omit_default_directives: true\n  directives: [include *.md, graft docs, prune docs/no, global-include *.special]\n",
			[]string{"a.txt", "docs/x/y", "docs/no/z", "q/r.special"}, []string{"README.md", "docs/", "docs/x/", "docs/x/y", "q/", "q/r.special"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, out := t.TempDir(), t.TempDir()
			sources(t, dir, c.galaxy, c.files...)
			_, file, err := Build(dir, out, false, nil)
			if err != nil {
				t.Fatal(err)
			}
			tr, closer, err := openTar(file)
			if err != nil {
				t.Fatal(err)
			}
			defer closer.Close()
			var got []string
			for h, err := tr.Next(); err == nil; h, err = tr.Next() {
				if h.Name != "MANIFEST.json" && h.Name != "FILES.json" {
					got = append(got, h.Name)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("%q\nwant %q", got, c.want)
			}
			if _, _, err := Build(dir, out, false, nil); err == nil || !strings.Contains(words(err), "already exists. You can use --force to re-create the collection artifact.") {
				t.Errorf("a second build: %v", err)
			}
		})
	}
}

// A collection's archive that was tampered with leaves what is installed alone.
func TestTampered(t *testing.T) {
	src, out, dest := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "ns", "col")
	sources(t, src, "", "a.txt")
	_, file, err := Build(src, out, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := unpack(file, dest); err != nil {
		t.Fatal(err)
	}
	m, err := members(file, "MANIFEST.json", "FILES.json")
	if err != nil {
		t.Fatal(err)
	}
	good := []member{{name: "MANIFEST.json", text: string(m["MANIFEST.json"])}, {name: "FILES.json", text: string(m["FILES.json"])}}
	for _, c := range []struct {
		name    string
		members []member
		problem string
	}{
		{"changed", append(slices.Clone(good), member{name: "README.md", text: "other"}, member{name: "a.txt", text: "a.txt"}), "Checksum mismatch for 'README.md' inside collection at '%s'"},
		{"missing", append(slices.Clone(good), member{name: "README.md", text: "README.md"}), "Collection tar at '%s' does not contain the expected file 'a.txt'."},
		{"link instead of a file", append(slices.Clone(good), member{name: "README.md", link: "/etc/passwd"}), "it is no file"},
		{"list changed", []member{good[0], {name: "FILES.json", text: `{"files": [{"name": "../../evil", "ftype": "file"}]}`}, {name: "../../evil", text: "x"}}, "Checksum mismatch for 'FILES.json' inside collection at '%s'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := filepath.Join(t.TempDir(), "bad.tar")
			writeTar(t, bad, c.members...)
			want := c.problem
			if strings.Contains(want, "%s") {
				want = fmt.Sprintf(want, bad)
			}
			if err := unpack(bad, dest); err == nil || !strings.Contains(words(err), want) {
				t.Errorf("%v, want %q", err, want)
			}
			if got := tree(t, dest); !slices.Equal(got, []string{"FILES.json", "MANIFEST.json", "README.md", "a.txt"}) {
				t.Errorf("what was installed changed: %q", got)
			}
		})
	}
}
