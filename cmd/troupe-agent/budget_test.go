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

// The agent travels to every host, its further images to some: what they are made of, and how big they are, changes only on
// purpose. The ceiling for an image is 7 MB, and 3 MiB compressed; the first is far below it and stays there: a module of a collection
// costs it 20 kB, 8 compressed, and those that most playbooks use are worth it. The one for databases is bigger when it is unpacked, in which
// clients, TLS and certificates are 3 MB; what travels keeps to the ceiling.
var limits = map[string]struct{ plain, compressed int }{
	"troupe-agent":      {5_750_000, 2_300_000},
	"troupe-agent-web":  {7_000_000, 3 << 20},
	"troupe-agent-data": {7_750_000, 3 << 20},
}

func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".", "../troupe-agent-web", "../troupe-agent-data").Output()
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
		ok := p == "module" || strings.HasPrefix(p, "cmd/troupe-agent") || p == "internal/wire" || strings.HasPrefix(p, "internal/target/")
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

// The first image has no HTTP and no TLS: they would double it.
func TestFirstImageHasNoHTTP(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range strings.Fields(string(out)) {
		if p == "net/http" || p == "crypto/tls" {
			t.Errorf("the agent contains %s", p)
		}
	}
}

func TestSize(t *testing.T) {
	flags, err := os.ReadFile("build.flags") // as the Makefile builds it
	if err != nil {
		t.Fatal(err)
	}
	for name, limit := range limits {
		for _, arch := range []string{"amd64", "arm64"} {
			file := filepath.Join(t.TempDir(), arch)
			cmd := exec.Command("go", append(append([]string{"build"}, strings.Fields(string(flags))...), "-ldflags", "-s -w -funcalign=8", "-o", file, "../"+name)...)
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
			t.Logf("%s linux/%s: %d bytes, %d compressed", name, arch, len(plain), packed.Len())
			if len(plain) > limit.plain || packed.Len() > limit.compressed {
				t.Errorf("%s linux/%s: %d bytes, %d compressed; the limits are %d and %d", name, arch, len(plain), packed.Len(), limit.plain, limit.compressed)
			}
		}
	}
}
