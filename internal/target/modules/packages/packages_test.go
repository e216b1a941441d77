package packages

import (
	"testing"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
)

func needs(t *testing.T, program string) {
	t.Helper()
	if hostos.FindBin(program) == "" {
		t.Skipf("no %s on this machine", program)
	}
}

func TestDebconf(t *testing.T) {
	needs(t, "debconf-set-selections")
	moduletest.Replay(t, All, "testdata/debconf.json")
}

func TestYumRepository(t *testing.T) { moduletest.Replay(t, All, "testdata/yum_repository.json") }
