package packages

import (
	"os"
	"testing"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
)

func TestMain(m *testing.M) { os.Exit(moduletest.Private(m)) }

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

func TestApt(t *testing.T) {
	needs(t, "apt-get")
	moduletest.Replay(t, All, "testdata/apt.json")
}

// TestAptBroken: locks that another process holds, and packages that dpkg left half-way.
func TestAptBroken(t *testing.T) {
	needs(t, "apt-get")
	needs(t, "python3") // holds the locks
	moduletest.Replay(t, All, "testdata/apt_broken.json")
}

func TestAptRepository(t *testing.T) {
	needs(t, "apt-get")
	moduletest.Replay(t, All, "testdata/apt_repository.json")
}

func TestDeb822Repository(t *testing.T) {
	moduletest.Replay(t, Fetching(nil), "testdata/deb822_repository.json")
}

func TestPipOptions(t *testing.T) { moduletest.Replay(t, All, "testdata/pip.json") }

func TestDnf(t *testing.T) {
	for _, tool := range []string{"dnf", "rpmbuild", "createrepo_c"} {
		needs(t, tool)
	}
	moduletest.Replay(t, All, "testdata/dnf.json")
}

func TestPackageFacts(t *testing.T) {
	needs(t, "apt-get")
	moduletest.Replay(t, All, "testdata/package_facts.json")
}
