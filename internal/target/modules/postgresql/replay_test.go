package postgresql

import (
	"os"
	"testing"

	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
	"github.com/troupe-automation/troupe/test/database"
)

// The recordings are of PostgreSQL 15; other releases word some errors differently.
func TestRecordings(t *testing.T) {
	if _, err := os.Stat("/usr/lib/postgresql/15"); err != nil {
		t.Skip("this machine has no PostgreSQL 15, of which the recordings are")
	}
	moduletest.ReplayServer(t, All, database.PostgreSQL)
}
