// Package recorded reads what the real thing was recorded to say, from the gzip files beside the tests.
//
// Called by the tests of jinja, internal/lang, internal/server and test/oracle.
package recorded

import (
	"compress/gzip"
	"io"
	"os"
	"testing"
)

// Open gives the content of a gzip file; the file is closed with the test.
func Open(t testing.TB, file string) io.Reader {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return z
}
