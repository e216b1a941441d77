package server

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnpack(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write([]byte("#!/bin/sh\n"))
	w.Close()
	dir := filepath.Join(t.TempDir(), "troupe")
	path, err := unpack(packed.Bytes(), dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || string(b) != "#!/bin/sh\n" {
		t.Fatalf("%q %v", b, err)
	}
	first, _ := os.Stat(path)
	if again, err := unpack(packed.Bytes(), dir); err != nil || again != path {
		t.Fatal(again, err)
	}
	second, _ := os.Stat(path)
	if !os.SameFile(first, second) || first.Mode().Perm() != 0o700 {
		t.Errorf("unpacked twice, or with mode %v", first.Mode())
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := unpack(packed.Bytes(), dir); err == nil || !strings.Contains(err.Error(), "written by others") {
		t.Errorf("a directory of everybody is taken: %v", err)
	}
}

func TestBeside(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"troupe", half} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(t.TempDir(), "troupe")
	if err := os.Symlink(filepath.Join(dir, "troupe"), link); err != nil {
		t.Fatal(err)
	}
	if got, err := find(link); err != nil || got != filepath.Join(dir, half) {
		t.Errorf("%s %v", got, err)
	}
}
