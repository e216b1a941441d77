package files

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// disk mounts a file system of 1 MiB with the file f of 600 KiB.
func disk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("troupe-test", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("file systems cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	if err := os.WriteFile(filepath.Join(dir, "f"), slices.Concat([]byte("[s]\na = 1\n"), bytes.Repeat([]byte("text\n"), 600<<10/5)), 0o640); err != nil {
		t.Fatal(err)
	}
	return dir
}

// contents are all files below a directory.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			b, err := os.ReadFile(p)
			out[p] = string(b)
			return err
		}
		if err == nil && p != dir {
			out[p] = d.Type().String()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// execute runs a module with a private directory for its temporary files, of which none may stay.
func execute(t *testing.T, name string, args map[string]any, payload []byte) module.Result {
	t.Helper()
	tmp := t.TempDir()
	opts := module.Options{Name: name, TmpDir: tmp}
	if payload != nil {
		opts.Payload = &module.Payload{Size: int64(len(payload)), SHA1: hostos.SHA1(payload), Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(payload)), nil
		}}
	}
	r := module.Execute(t.Context(), module.NewRegistry(slices.Concat(All, Fetching(nil))).Lookup(name), args, opts)
	if left := contents(t, tmp); len(left) > 0 {
		t.Errorf("temporary files stay: %v", slices.Collect(maps.Keys(left)))
	}
	return r
}

// writers are calls that write more to the directory D than there is room for.
func writers(dir string) map[string]map[string]any {
	f := filepath.Join(dir, "f")
	return map[string]map[string]any{
		"ansible.builtin.copy":           {"dest": f, "_original_basename": "f"},
		"ansible.builtin.lineinfile":     {"path": f, "line": "new"},
		"ansible.builtin.blockinfile":    {"path": f, "block": "new"},
		"ansible.builtin.replace":        {"path": f, "regexp": "text", "replace": "else"},
		"community.general.ini_file":     {"path": f, "section": "s", "option": "a", "value": "2"},
		"ansible.builtin.assemble":       {"src": filepath.Join(dir, "../parts"), "dest": f},
		"ansible.builtin.copy remote":    {"src": f, "dest": filepath.Join(dir, "g"), "remote_src": true},
		"ansible.builtin.copy backup":    {"src": "/etc/hostname", "dest": f, "remote_src": true, "backup": true},
		"ansible.builtin.replace backup": {"path": f, "regexp": "text", "replace": "x", "backup": true},
	}
}

func runWriters(t *testing.T, dir, want string) {
	t.Helper()
	parts := filepath.Join(filepath.Dir(dir), "parts")
	if err := os.Mkdir(parts, 0o755); err != nil {
		t.Fatal(err)
	}
	payload := bytes.Repeat([]byte("sent\n"), 2<<20/5)
	if err := os.WriteFile(filepath.Join(parts, "1"), payload, 0o644); err != nil {
		t.Fatal(err)
	}
	before := contents(t, dir)
	calls := writers(dir)
	for _, key := range slices.Sorted(maps.Keys(calls)) {
		t.Run(key, func(t *testing.T) {
			name, _, _ := strings.Cut(key, " ")
			var sent []byte
			if calls[key]["_original_basename"] != nil {
				sent = payload
			}
			r := execute(t, name, calls[key], sent)
			msg, _ := r["msg"].(string)
			if r["failed"] != true || !strings.Contains(msg, want) && !strings.HasPrefix(msg, "failed to copy: ") {
				t.Errorf("failed %v, msg %q, want one with %q", r["failed"], msg, want)
			}
			if after := contents(t, dir); !maps.Equal(before, after) {
				t.Errorf("files afterwards: %v", slices.Sorted(maps.Keys(after)))
			}
		})
	}
}

// TestFullDisk: what does not fit leaves the old file, nothing beside it, and a message.
func TestFullDisk(t *testing.T) { runWriters(t, disk(t), "No space left on device") }

func TestReadOnlyDisk(t *testing.T) {
	dir := disk(t)
	if err := syscall.Mount("troupe-test", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=1m"); err != nil {
		t.Fatal(err)
	}
	runWriters(t, dir, "")
	f := filepath.Join(dir, "f")
	for _, args := range []map[string]any{{"path": f, "mode": "0600"}, {"path": f, "state": "absent"}, {"path": f, "state": "touch"}, {"path": f + "2", "state": "touch"}, {"path": f + "d", "state": "directory"}, {"path": f + "l", "src": f, "state": "link"}} {
		r := execute(t, "ansible.builtin.file", args, nil)
		if msg, _ := r["msg"].(string); r["failed"] != true || msg == "" {
			t.Errorf("file %v: %v", args, r)
		}
	}
}

// TestOddNames: names that are no text, and circles of links, give results that can be written as JSON, and end.
func TestOddNames(t *testing.T) {
	dir := t.TempDir()
	odd := "a\nb\xff\xfe'\"é"
	if err := os.WriteFile(filepath.Join(dir, odd), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"loop": "loop", "one": "two", "two": "one", "up": ".."} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	loop, f := filepath.Join(dir, "loop"), filepath.Join(dir, odd)
	for _, c := range []struct {
		name  string
		args  map[string]any
		works bool
	}{
		{"find", map[string]any{"paths": dir, "recurse": true, "follow": true, "hidden": true, "get_checksum": true}, true},
		{"stat", map[string]any{"path": f}, true},
		{"stat", map[string]any{"path": loop}, true},
		{"stat", map[string]any{"path": loop, "follow": true}, false},
		{"slurp", map[string]any{"path": f}, true},
		{"slurp", map[string]any{"path": loop}, false},
		{"copy", map[string]any{"src": f, "dest": f + "2", "remote_src": true}, true},
		{"copy", map[string]any{"src": loop, "dest": f + "2", "remote_src": true}, false},
		{"lineinfile", map[string]any{"path": f, "line": "x"}, true},
		{"lineinfile", map[string]any{"path": filepath.Join(dir, "one"), "line": "x", "create": true}, true}, // takes the place of the link, as in Ansible
		{"blockinfile", map[string]any{"path": loop + "/f", "block": "x", "create": true}, false},
		{"replace", map[string]any{"path": loop, "regexp": "x"}, false},
		{"assemble", map[string]any{"src": loop, "dest": f}, false},
		{"file", map[string]any{"path": loop, "state": "touch"}, false},
		{"file", map[string]any{"path": loop, "state": "directory"}, false},
		{"file", map[string]any{"path": dir, "state": "directory", "recurse": true, "mode": "u+rwX"}, true},
		{"file", map[string]any{"path": f, "state": "absent"}, true},
		{"file", map[string]any{"path": dir, "state": "absent"}, true},
	} {
		done := make(chan module.Result, 1)
		go func() { done <- execute(t, "ansible.builtin."+c.name, c.args, nil) }()
		select {
		case r := <-done:
			if failed := r["failed"] == true; failed == c.works {
				t.Errorf("%s %q: %v", c.name, c.args, r)
			}
			if _, err := json.Marshal(r); err != nil {
				t.Errorf("%s %q: %v", c.name, c.args, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s %q hangs", c.name, c.args)
		}
	}
}
