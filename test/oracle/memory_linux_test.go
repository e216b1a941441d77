package oracle

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// bigFile is more than ceiling, what the controller and its agent may have in memory each while they move it.
const (
	bigFile = 300 << 20
	ceiling = 120 << 20
)

// TestBigFiles moves a file that would not fit in the memory that is allowed.
func TestBigFiles(t *testing.T) {
	bin := build(t)
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, bigFile); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("tar", "-cf", filepath.Join(dir, "big.tar"), "-C", dir, "big").CombinedOutput(); err != nil {
		t.Fatalf("tar: %v %s", err, out)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	for name, task := range map[string]string{
		"copy":      "copy: {src: big, dest: new}",
		"fetch":     "fetch: {src: big, dest: new, flat: true}",
		"unarchive": "unarchive: {src: big.tar, dest: sub}",
		"get_url":   "get_url: {url: SERVER/big, dest: new}",
		"slurp":     "slurp: {src: big}",
	} {
		t.Run(name, func(t *testing.T) {
			for _, f := range []string{"new", "sub"} {
				os.RemoveAll(filepath.Join(dir, f))
			}
			if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
				t.Fatal(err)
			}
			task = strings.NewReplacer("SERVER", server.URL, "src: ", "src: "+dir+"/", "dest: ", "dest: "+dir+"/").Replace(task)
			book := filepath.Join(dir, "book.yml")
			if err := os.WriteFile(book, []byte("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - "+task+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(filepath.Join(bin, "ansible-playbook"), "-c", "local", book)
			out, err := cmd.CombinedOutput()
			if name == "slurp" {
				if err == nil || !strings.Contains(string(out), "the file is too large for slurp") {
					t.Errorf("slurp: %v\n%.2000s", err, out)
				}
			} else if err != nil || !strings.Contains(string(out), "changed=1") {
				t.Errorf("%v\n%.2000s", err, out)
			}
			used := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10 // the larger of controller and agent
			t.Logf("%d MiB of memory for %d MiB", used>>20, bigFile>>20)
			if used > ceiling {
				t.Errorf("%d MiB of memory, the ceiling is %d", used>>20, ceiling>>20)
			}
		})
	}
}
