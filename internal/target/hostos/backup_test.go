package hostos

import (
	"os"
	"path/filepath"
	"testing"
)

// TestBackups: what was there first is not lost when tasks follow each other quickly.
func TestBackups(t *testing.T) {
	f := filepath.Join(t.TempDir(), "f")
	names := map[string]string{}
	for _, text := range []string{"one", "two", "three"} {
		if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		name, err := Backup(f)
		if err != nil {
			t.Fatal(err)
		}
		names[name] = text
	}
	for name, text := range names {
		if b, err := os.ReadFile(name); err != nil || string(b) != text {
			t.Errorf("%s: %q, %v, want %q", name, b, err, text)
		}
	}
	if len(names) != 3 {
		t.Errorf("names: %v", names)
	}
}
