package project

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzUnpack unpacks anything: nothing appears outside, and no link leads there.
func FuzzUnpack(f *testing.F) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{{Name: "d/", Typeflag: tar.TypeDir}, {Name: "d/l", Typeflag: tar.TypeSymlink, Linkname: "../x"}, {Name: "d/f", Typeflag: tar.TypeReg}} {
		if err := w.WriteHeader(&h); err != nil {
			f.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("PK\x05\x06" + string(make([]byte, 18))))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		base := t.TempDir()
		path := filepath.Join(base, "archive")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		_ = unpack(file, int64(len(data)), filepath.Join(base, "in", "files")) // the parent is not there: nothing can be made
		if err := os.Mkdir(filepath.Join(base, "in"), 0o700); err != nil {
			t.Fatal(err)
		}
		_ = unpack(file, int64(len(data)), filepath.Join(base, "in", "files"))
		if entries, err := os.ReadDir(filepath.Join(base, "in")); err != nil || len(entries) > 1 {
			t.Fatalf("%v %v", entries, err)
		}
		err = filepath.WalkDir(filepath.Join(base, "in"), func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type()&os.ModeSymlink != 0 {
				target, err := os.Readlink(path)
				if err != nil || !filepath.IsLocal(relative(base, path, target)) {
					t.Fatalf("%s leads to %s", path, target)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// relative is a link's target seen from the archive's top.
func relative(base, path, target string) string {
	rel, err := filepath.Rel(filepath.Join(base, "in", "files"), filepath.Dir(path))
	if err != nil {
		return ".."
	}
	return filepath.Join(rel, target)
}
