package project_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/server/project"
)

func tarball(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range headers {
		content := "content of " + h.Name
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(content))
		}
		h.Mode = 0o755
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write([]byte(content)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestArchive(t *testing.T) {
	var zipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	f, err := z.Create("site-1.0/site.yml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("content of site-1.0/site.yml")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	dir, reg, sym, hard, dev := byte(tar.TypeDir), byte(tar.TypeReg), byte(tar.TypeSymlink), byte(tar.TypeLink), byte(tar.TypeChar)
	bodies := map[string][]byte{
		"/good.tar.gz":   tarball(t, tar.Header{Name: "site-1.0/", Typeflag: dir}, tar.Header{Name: "site-1.0/site.yml", Typeflag: reg}, tar.Header{Name: "site-1.0/link.yml", Typeflag: sym, Linkname: "site.yml"}),
		"/good.zip":      zipped.Bytes(),
		"/up.tar.gz":     tarball(t, tar.Header{Name: "../evil", Typeflag: reg}),
		"/abs.tar.gz":    tarball(t, tar.Header{Name: "/tmp/evil", Typeflag: reg}),
		"/link.tar.gz":   tarball(t, tar.Header{Name: "a", Typeflag: sym, Linkname: "/etc"}, tar.Header{Name: "a/evil", Typeflag: reg}),
		"/within.tar.gz": tarball(t, tar.Header{Name: "b/a", Typeflag: sym, Linkname: "../.."}, tar.Header{Name: "b/a/evil", Typeflag: reg}),
		"/hard.tar.gz":   tarball(t, tar.Header{Name: "a", Typeflag: hard, Linkname: "/etc/passwd"}),
		"/dev.tar.gz":    tarball(t, tar.Header{Name: "null", Typeflag: dev}),
		"/twice.tar.gz":  tarball(t, tar.Header{Name: "a", Typeflag: reg}, tar.Header{Name: "a", Typeflag: reg}),
		"/none.txt":      []byte("no archive at all"),
	}
	var auth string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auth = r.Header.Get("Authorization")
		b, known := bodies[r.URL.Path]
		if !known {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(b)
	}))
	defer srv.Close()
	for _, name := range []string{"/good.tar.gz", "/good.zip"} {
		s := project.New(t.TempDir())
		src := project.Source{Kind: "archive", URL: srv.URL + name, Username: "u", Password: "p"}
		revision, err := s.Update(t.Context(), src, func(string) {})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		files := filepath.Join(t.TempDir(), "files")
		if err := s.Checkout(t.Context(), src, revision, files); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(files, "site.yml")); err != nil || string(b) != "content of site-1.0/site.yml" || len(revision) != 40 || !strings.HasPrefix(auth, "Basic ") {
			t.Errorf("%s: %q %v, revision %s", name, b, err, revision)
		}
	}
	for name := range bodies {
		if strings.HasPrefix(name, "/good") {
			continue
		}
		base := t.TempDir()
		if _, err := project.New(filepath.Join(base, "projects")).Update(t.Context(), project.Source{Kind: "archive", URL: srv.URL + name}, func(string) {}); err == nil {
			t.Errorf("%s is accepted", name)
		}
		if err := filepath.WalkDir(base, func(path string, _ os.DirEntry, err error) error {
			if filepath.Base(path) == "evil" {
				t.Errorf("%s wrote %s", name, path)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, url := range []string{srv.URL + "/missing", "file:///etc/passwd", "ext::sh", ""} {
		if _, err := project.New(t.TempDir()).Update(t.Context(), project.Source{Kind: "archive", URL: url}, func(string) {}); err == nil {
			t.Errorf("%q is accepted", url)
		}
	}
}
