package moduletest

import (
	"testing"

	"github.com/troupe-automation/troupe/internal/target/hostos"
)

// Need skips a test on machines that lack one of the programs.
func Need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if hostos.FindBin(p) == "" {
			t.Skipf("this machine has no %s", p)
		}
	}
}
