package postgres_test

import (
	"os"
	"testing"

	"github.com/troupe-automation/troupe/internal/server/store/postgres"
	"github.com/troupe-automation/troupe/internal/server/store/storetest"
)

// TestStore needs an empty database: TROUPE_TEST_POSTGRES=postgres://…
func TestStore(t *testing.T) {
	url := os.Getenv("TROUPE_TEST_POSTGRES")
	if url == "" {
		t.Skip("TROUPE_TEST_POSTGRES names no database")
	}
	db, err := postgres.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	storetest.Exercise(t, db)
}
