package postgres_test

import (
	"testing"

	"github.com/troupe-automation/troupe/internal/server/store/postgres"
	"github.com/troupe-automation/troupe/internal/server/store/storetest"
	"github.com/troupe-automation/troupe/test/database"
)

func TestStore(t *testing.T) {
	dir := database.Dir(t)
	database.PostgreSQL(t, dir)
	db, err := postgres.Open(database.URL(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	storetest.Exercise(t, db)
}
