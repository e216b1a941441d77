package galaxy

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCache asks twice: what is known of a version is asked once a day, which versions there are each time.
func TestCache(t *testing.T) {
	asked := map[string]int{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked[r.URL.Path]++
		switch {
		case strings.HasSuffix(r.URL.Path, "/versions/"):
			w.Write([]byte(`{"data": [{"version": "1.0.0"}]}`))
		case strings.HasSuffix(r.URL.Path, "/1.0.0/"):
			w.Write([]byte(`{"download_url": "/x.tar.gz", "artifact": {"sha256": "abc"}}`))
		case r.URL.Path == "/api":
			w.Write([]byte(`{"available_versions": {"v3": "v3/"}}`))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer srv.Close()
	dir, now, warned := filepath.Join(t.TempDir(), "cache"), time.Now(), ""
	run := func(keep bool) {
		t.Helper()
		s := &Server{Name: "test", URL: srv.URL + "/api", Token: "abc", Timeout: time.Minute}
		if keep {
			s.Cache = &Cache{Dir: dir, Now: func() time.Time { return now }, Warn: func(text string) { warned = text }}
		}
		got, err := s.versions(context.Background(), "ns.one")
		if err != nil || len(got) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		if r, err := s.release(context.Background(), "ns.one", "1.0.0"); err != nil || r.Sum != "abc" {
			t.Fatalf("%v, %v", r, err)
		}
	}
	check := func(when string, root, versions, release int) {
		t.Helper()
		got := [3]int{asked["/api"], asked["/api/v3/collections/ns/one/versions/"], asked["/api/v3/collections/ns/one/versions/1.0.0/"]}
		if got != [3]int{root, versions, release} {
			t.Errorf("%s: asked %v times, want %v", when, got, [3]int{root, versions, release})
		}
	}
	run(true)
	run(true)
	check("the same day", 1, 2, 1)
	run(false)
	check("without", 2, 3, 2)
	now = now.Add(25 * time.Hour)
	run(true)
	check("the day after", 3, 4, 3)
	file := filepath.Join(dir, "troupe-api.json")
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
	if b, err := os.ReadFile(file); err != nil || strings.Contains(string(b), "abc\"") && strings.Contains(string(b), "Token") {
		t.Errorf("the file holds a token: %s, %v", b, err)
	}
	if err := (&Cache{Dir: dir}).Clear(); err != nil {
		t.Fatal(err)
	}
	run(true)
	check("cleared", 4, 5, 4)
	if err := os.WriteFile(file, []byte(`{"version": 1, "answers": 5`), 0o600); err != nil {
		t.Fatal(err)
	}
	run(true)
	check("broken", 5, 6, 5)
	if err := os.Chmod(file, 0o606); err != nil {
		t.Fatal(err)
	}
	run(true)
	check("written by others", 6, 7, 6)
	if !strings.Contains(warned, "world writable") {
		t.Errorf("warned %q", warned)
	}
}
