package secret_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/server/secret"
)

func TestBox(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	box, err := secret.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the key file is open to others: %v %v", st.Mode(), err)
	}
	sealed := box.Seal("a.b", "hush")
	if strings.Contains(sealed, "hush") || sealed == box.Seal("a.b", "hush") {
		t.Error("the same text is encrypted the same way twice")
	}
	if text, err := box.Open("a.b", sealed); text != "hush" || err != nil {
		t.Errorf("%q %v", text, err)
	}
	if _, err := box.Open("a.c", sealed); err == nil {
		t.Error("a value opens in another place")
	}
	if _, err := box.Open("a.b", sealed[:len(sealed)-4]+"AAAA"); err == nil {
		t.Error("a damaged value opens")
	}
	if _, err := box.Open("a.b", "hush"); err == nil {
		t.Error("plain text opens")
	}
	if err := secret.Rotate(path); err != nil {
		t.Fatal(err)
	}
	newer, err := secret.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := newer.Open("a.b", sealed); text != "hush" || err != nil {
		t.Errorf("after a rotation: %q %v", text, err)
	}
	if newer.Current(sealed) || !newer.Current(newer.Seal("a.b", "x")) {
		t.Error("the newest key is not the one that encrypts")
	}
}
