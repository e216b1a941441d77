package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite deps.txt")

// The agent travels to every host: what it is made of, and how big it is, changes only on purpose.
const (
	plainLimit      = 7_700_000 // what travels is the compressed size; the aim is 7 MB, by a second image with the HTTP modules (docs/compat.md)
	compressedLimit = 3 << 20
)

func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("deps.txt", out, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var foreign []string
	for _, p := range strings.Fields(string(out)) {
		if !strings.HasPrefix(p, "github.com/troupe-automation/troupe/") {
			foreign = append(foreign, p)
			continue
		}
		p = strings.TrimPrefix(p, "github.com/troupe-automation/troupe/")
		ok := p == "module" || p == "cmd/troupe-agent" || p == "internal/wire" || strings.HasPrefix(p, "internal/target/")
		if !ok {
			t.Errorf("the agent contains %s", p)
		}
	}
	want, err := os.ReadFile("deps.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, p := range strings.Fields(string(want)) {
		known[p] = true
	}
	for _, p := range foreign {
		if !known[p] {
			t.Errorf("the agent now contains %s: is that wanted? go test ./cmd/troupe-agent -update", p)
		}
	}
}

func TestSize(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the agent twice")
	}
	flags, err := os.ReadFile("build.flags") // as the Makefile builds it
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		file := filepath.Join(t.TempDir(), arch)
		cmd := exec.Command("go", append(append([]string{"build"}, strings.Fields(string(flags))...), "-ldflags", "-s -w -funcalign=8", "-o", file, ".")...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		plain, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		zw, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		zw.Write(plain)
		zw.Close()
		t.Logf("linux/%s: %d bytes, %d compressed", arch, len(plain), packed.Len())
		if len(plain) > plainLimit || packed.Len() > compressedLimit {
			t.Errorf("linux/%s: %d bytes, %d compressed; the limits are %d and %d", arch, len(plain), packed.Len(), plainLimit, compressedLimit)
		}
	}
}
