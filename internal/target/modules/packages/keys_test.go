package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/module"
)

// makeKey makes a key pair and returns the file of the public key and its number.
func makeKey(t *testing.T) (file, id string) {
	t.Helper()
	home, err := os.MkdirTemp("", "gpg") // short: gpg's sockets are in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		os.RemoveAll(home)
	})
	gpg := func(args ...string) string {
		out, err := exec.Command("gpg", append([]string{"--homedir", home, "--batch", "--quiet", "--passphrase", ""}, args...)...).Output()
		if err != nil {
			t.Fatalf("gpg %v: %v", args, err)
		}
		return string(out)
	}
	gpg("--quick-gen-key", "test@example.com", "rsa2048", "sign", "never")
	file = filepath.Join(t.TempDir(), "key.asc")
	if err := os.WriteFile(file, []byte(gpg("--armor", "--export", "test@example.com")), 0o644); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(gpg("--list-keys", "--with-colons")) {
		if f := strings.Split(line, ":"); f[0] == "fpr" {
			return file, f[9]
		}
	}
	t.Fatal("gpg lists no key")
	return "", ""
}

func TestAptKey(t *testing.T) {
	needs(t, "apt-key")
	needs(t, "gpg")
	file, id := makeKey(t)
	ring := filepath.Join(t.TempDir(), "ring.gpg")
	for _, step := range []struct {
		name    string
		args    map[string]any
		check   bool
		changed bool
		before  int // keys
		msg     string
	}{
		{"check mode", map[string]any{"file": file}, true, true, 0, ""},
		{"add", map[string]any{"file": file}, false, true, 0, ""},
		{"again, by number", map[string]any{"file": file, "id": id}, false, false, 1, ""},
		{"another number", map[string]any{"file": file, "id": "DEADBEEF"}, false, true, 1, "apt-key did not return an error, but failed to add the key (check that the id is correct and *not* a subkey)"},
		{"remove", map[string]any{"id": "0x" + strings.ToLower(id[24:]), "state": "absent"}, false, true, 1, ""},
		{"again", map[string]any{"id": id, "state": "absent"}, false, false, 0, ""},
		{"nothing to add", map[string]any{"id": "DEADBEEF"}, false, true, 0, "No key to add ... how did i get here?!?!"},
		{"no number", map[string]any{"id": "XYZ", "state": "absent"}, false, false, -1, "Invalid key_id"},
		{"no key", map[string]any{"data": "not a key"}, false, false, -1, "Unable to extract key from 'inline data'"},
	} {
		t.Run(step.name, func(t *testing.T) {
			step.args["keyring"] = ring
			r := module.Execute(t.Context(), aptKey(nil), step.args, module.Options{Check: step.check})
			msg, _ := r["msg"].(string)
			before := -1
			if list, ok := r["before"].([]any); ok {
				before = len(list)
			}
			if (r["changed"] == true) != step.changed || msg != step.msg || before != step.before {
				t.Errorf("got %v", r)
			}
		})
	}
}

func TestRPMKey(t *testing.T) {
	needs(t, "rpm")
	needs(t, "gpg")
	file, id := makeKey(t)
	t.Cleanup(func() { exec.Command("rpm", "--erase", "--allmatches", "gpg-pubkey-"+strings.ToLower(id[32:])).Run() })
	for _, step := range []struct {
		name    string
		args    map[string]any
		check   bool
		changed bool
		msg     string
	}{
		{"wrong fingerprint", map[string]any{"key": file, "fingerprint": "0000 1111"}, false, false, "The specified fingerprint, '{'00001111'}', does not match any key fingerprints in '{'" + id + "'}'"},
		{"check mode", map[string]any{"key": file}, true, true, ""},
		{"add", map[string]any{"key": file, "fingerprint": id}, false, true, ""},
		{"again", map[string]any{"key": file}, false, false, ""},
		{"by number", map[string]any{"key": id[32:]}, false, false, ""},
		{"remove", map[string]any{"key": id[32:], "state": "absent"}, false, true, ""},
		{"again", map[string]any{"key": id[32:], "state": "absent"}, false, false, ""},
		{"a number to add", map[string]any{"key": id[32:]}, false, false, "When importing a key, a valid file must be given"},
		{"no such file", map[string]any{"key": "/none"}, false, false, "Not a valid key /none"},
	} {
		t.Run(step.name, func(t *testing.T) {
			r := module.Execute(t.Context(), rpmKey(nil), step.args, module.Options{Check: step.check})
			msg, _ := r["msg"].(string)
			if (r["changed"] == true) != step.changed || msg != step.msg {
				t.Errorf("got %v", r)
			}
		})
	}
}
