package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/troupe-automation/troupe/internal/server/store/sqlite"
	"github.com/troupe-automation/troupe/internal/server/store/storetest"
)

func TestStore(t *testing.T) {
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "troupe.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	storetest.Exercise(t, db)
}
