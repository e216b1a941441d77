package troupe_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	maxFileLines    = 800
	maxPackageLines = 4000
)

// sizeExceptions names packages that may be larger, each with its reason. It is meant to stay short.
var sizeExceptions = map[string]string{
	"internal/content/galaxy": "roles and collections share servers, requirements, archives and signatures",
	"internal/server/api":     "the frame of all resources and what each does beyond it share one request; to be split in two",
	"value":                   "one data model: methods, formatting and arithmetic reach into the same concrete types",
}

var vague = regexp.MustCompile(`(^|/)(utils?|common|helpers?|misc)(/|\.go$)`)

// TestSizes keeps rooms small enough to be read: a file up to 800 lines, a package up to 4,000, tests not counted.
func TestSizes(t *testing.T) {
	perPackage := map[string]int{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		if vague.MatchString(path) {
			t.Errorf("%s: the name says nothing", path)
		}
		if strings.HasSuffix(path, "_gen.go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n := bytes.Count(b, []byte("\n"))
		perPackage[filepath.Dir(path)] += n
		if n > maxFileLines {
			t.Errorf("%s has %d lines, the limit is %d", path, n, maxFileLines)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for p, n := range perPackage {
		if n > maxPackageLines && sizeExceptions[p] == "" {
			t.Errorf("package %s has %d lines, the limit is %d", p, n, maxPackageLines)
		}
	}
}
