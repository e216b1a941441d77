package server_test

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
	"github.com/troupe-automation/troupe/internal/server/store/postgres"
	"github.com/troupe-automation/troupe/internal/server/store/sqlite"
	"github.com/troupe-automation/troupe/test/database"
)

func dump(t *testing.T, db *store.DB) (packed []byte, text string) {
	t.Helper()
	var b bytes.Buffer
	if _, err := db.Dump(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewReader(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), string(plain)
}

// TestMove takes an installation with jobs, events and secrets from SQLite to PostgreSQL and back: nothing is lost, and new rows get new ids.
func TestMove(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	s.sample()
	s.stop()
	from, err := sqlite.Open(filepath.Join(dir, "troupe.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	packed, first := dump(t, from)
	if !strings.Contains(first, `"Ops"`) {
		t.Fatalf("the dump has little in it: %.300s", first)
	}

	near := database.Dir(t)
	database.PostgreSQL(t, near)
	pg, err := postgres.Open(database.URL(near))
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close()
	back, err := sqlite.Open(filepath.Join(t.TempDir(), "back.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	for _, to := range []*store.DB{pg, back} {
		for _, broken := range [][]byte{packed[:len(packed)/2], []byte("no dump")} {
			if _, err := to.Restore(t.Context(), bytes.NewReader(broken)); err == nil {
				t.Error("half a dump was read")
			}
		}
		if steps, err := to.Plan(t.Context()); err != nil || len(steps) < 50 {
			t.Fatalf("half a dump left something: %d %v", len(steps), err)
		}
		if _, err := to.Restore(t.Context(), bytes.NewReader(packed)); err != nil {
			t.Fatal(to.Dialect(), err)
		}
		var again string
		if packed, again = dump(t, to); again != first {
			t.Errorf("what comes out of %s is not what went in", to.Dialect())
		}
		if steps, err := to.Plan(t.Context()); err != nil || len(steps) != 0 {
			t.Errorf("%s lacks %v %v", to.Dialect(), steps, err)
		}
		if _, err := to.Restore(t.Context(), bytes.NewReader(packed)); err == nil || !strings.Contains(err.Error(), "a database already") {
			t.Errorf("a dump is read over another: %v", err)
		}
		err := to.Write(context.Background(), func(tx *store.Tx) error { return tx.Insert("organization", domain.Record{"name": "new"}) })
		if err != nil {
			t.Errorf("%s: a new row: %v", to.Dialect(), err)
		}
		if _, err := to.Read(t.Context()).One("organization", store.Is("name", "new")); err != nil {
			t.Error(err)
		}
		if err := to.Write(context.Background(), func(tx *store.Tx) error {
			_, err := tx.Exec("DELETE FROM organization WHERE name = 'new'")
			return err
		}); err != nil {
			t.Error(err)
		}
	}
}
