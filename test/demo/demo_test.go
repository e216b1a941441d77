package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestDemo runs the demo as `make demo` does: real SSH, become, a template, handlers, a Python module, and the proof that a
// second run changes nothing.
func TestDemo(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3 on this machine: the farm's own module needs it")
	}
	bin := filepath.Join(t.TempDir(), "troupe")
	if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/troupe").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	before, err := filepath.Glob(filepath.Join(os.TempDir(), "troupe-*"))
	if err != nil {
		t.Fatal(err)
	}
	if err := demo(context.Background(), bin, "../../examples/webfarm"); err != nil {
		t.Fatal(err)
	}
	after, err := filepath.Glob(filepath.Join(os.TempDir(), "troupe-*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(after) > len(before) {
		t.Errorf("the demo left files behind: %q, before it there were %q", after, before)
	}
}
