package postgres_test

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/troupe-automation/troupe/internal/server/store/postgres"
	"github.com/troupe-automation/troupe/internal/server/store/storetest"
	"github.com/troupe-automation/troupe/test/database"
)

func TestStore(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "store-") // which the server's user may enter, with a short name for the socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	database.PostgreSQL(t, dir)
	db, err := postgres.Open("postgres://postgres@/postgres?host=" + url.QueryEscape(filepath.Join(dir, "pg")))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	storetest.Exercise(t, db)
}
