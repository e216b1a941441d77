package project_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/server/project"
)

// signer is a person with a key of GnuPG.
type signer struct {
	t    *testing.T
	home string
	key  string // public
}

func newSigner(t *testing.T, name string) *signer {
	t.Helper()
	if _, err := exec.LookPath("gpg"); err != nil {
		t.Skip("no GnuPG on this machine")
	}
	home, err := os.MkdirTemp("", "gpg-") // a short path: there is a socket in it
	if err != nil {
		t.Fatal(err)
	}
	s := &signer{t: t, home: home}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		os.RemoveAll(home)
	})
	s.gpg("--passphrase", "", "--quick-gen-key", name+"@example.com", "ed25519", "sign", "never")
	s.key = s.gpg("--armor", "--export")
	return s
}

func (s *signer) gpg(args ...string) string {
	s.t.Helper()
	out, err := exec.Command("gpg", append([]string{"--homedir", s.home, "--batch", "--quiet", "--no-tty"}, args...)...).Output()
	if err != nil {
		s.t.Fatalf("gpg %v: %v", args, err)
	}
	return string(out)
}

// sign writes what ansible-sign writes, for the files that are named.
func (s *signer) sign(dir string, armor bool, names ...string) {
	s.t.Helper()
	var list strings.Builder
	for _, name := range names {
		fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256([]byte(content(s.t, filepath.Join(dir, name)))), name)
	}
	put(s.t, dir, ".ansible-sign/sha256sum.txt", list.String())
	file := filepath.Join(dir, ".ansible-sign/sha256sum.txt")
	args := []string{"--yes", "--output", file + ".sig", "--detach-sign"}
	if armor {
		args = append([]string{"--armor"}, args...)
	}
	s.gpg(append(args, file)...)
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestVerify(t *testing.T) {
	ann, eve := newSigner(t, "ann"), newSigner(t, "eve")
	make := func(armor bool) string {
		dir := t.TempDir()
		for name, text := range map[string]string{"MANIFEST.in": "# files\n\nrecursive-exclude .git *\ninclude *.yml\nrecursive-include roles *\nprune notes\nglobal-exclude *.swp\n", "site.yml": "- hosts: all\n",
			"roles/r/tasks/main.yml": "[]\n", "notes/x.txt": "not signed", "a.swp": "x", "roles/r/.b.swp": "x", ".git/config": "x"} {
			put(t, dir, name, text)
		}
		ann.sign(dir, armor, "MANIFEST.in", "site.yml", "roles/r/tasks/main.yml")
		return dir
	}
	for _, armor := range []bool{true, false} {
		if err := project.Verify(make(armor), eve.key+ann.key); err != nil {
			t.Errorf("what ann signed, armored %v: %v", armor, err)
		}
	}
	for _, c := range []struct {
		name   string
		change func(dir string)
		want   string
	}{
		{"another key", func(dir string) { eve.sign(dir, true, "MANIFEST.in", "site.yml", "roles/r/tasks/main.yml") }, "does not hold"},
		{"a changed file", func(dir string) { put(t, dir, "site.yml", "- hosts: web\n") }, "site.yml was changed"},
		{"a new file", func(dir string) { put(t, dir, "library/evil.py", "") }, "library/evil.py was added"},
		{"a lost file", func(dir string) { os.Remove(filepath.Join(dir, "roles/r/tasks/main.yml")) }, "roles/r/tasks/main.yml is missing"},
		{"a changed manifest", func(dir string) { put(t, dir, "MANIFEST.in", "global-exclude *\n") }, "MANIFEST.in was changed"},
		{"a changed list", func(dir string) { put(t, dir, ".ansible-sign/sha256sum.txt", "") }, "does not hold"},
		{"no signature", func(dir string) { os.Remove(filepath.Join(dir, ".ansible-sign/sha256sum.txt.sig")) }, "it has no .ansible-sign/sha256sum.txt.sig"},
		{"nothing signed", func(dir string) { os.RemoveAll(filepath.Join(dir, ".ansible-sign")) }, "it has no .ansible-sign/sha256sum.txt"},
		{"a broken signature", func(dir string) { put(t, dir, ".ansible-sign/sha256sum.txt.sig", "xxx") }, "does not hold"},
		{"a path outside", func(dir string) {
			put(t, filepath.Dir(dir), "outside", "x")
			ann.sign(dir, true, "MANIFEST.in", "../outside")
		}, "lies outside"},
		{"a link outside", func(dir string) {
			if err := os.Symlink("/etc/passwd", filepath.Join(dir, "roles/r/link")); err != nil {
				t.Fatal(err)
			}
		}, "leads outside"},
		{"a bad manifest", func(dir string) {
			put(t, dir, "MANIFEST.in", "frobnicate *\n")
			ann.sign(dir, true, "MANIFEST.in", "site.yml", "roles/r/tasks/main.yml")
		}, "is no directive"},
	} {
		dir := make(true)
		c.change(dir)
		if err := project.Verify(dir, ann.key); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if err := project.Verify(make(true), "no key"); err == nil || !strings.Contains(err.Error(), "public key") {
		t.Errorf("no key: %v", err)
	}
}

func FuzzSignatureFiles(f *testing.F) {
	f.Add("include *.yml\nprune a[!b]\nglobal-exclude *[", strings.Repeat("0", 64)+"  a")
	f.Add("recursive-exclude . *", "SHA256 (x) = "+strings.Repeat("f", 64))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, manifest, list string) {
		put(t, dir, "MANIFEST.in", manifest)
		project.ReadSigned(dir, []byte(list)) // it must not panic
	})
}
