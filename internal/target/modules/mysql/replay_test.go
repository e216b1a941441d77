package mysql

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/target/modules/commands"
	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
	"github.com/troupe-automation/troupe/test/database"
)

// The recordings are of MariaDB 10.11.
func TestRecordings(t *testing.T) {
	if out, _ := exec.Command("mariadbd", "--version").Output(); !strings.Contains(string(out), " 10.11.") {
		t.Skipf("this machine has %s, the recordings are of MariaDB 10.11", out)
	}
	moduletest.ReplayServer(t, slices.Concat(All, commands.All), database.MySQL)
}
