package packages

import (
	"os"
	"testing"

	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
)

func TestMain(m *testing.M) { os.Exit(moduletest.Private(m)) }

func TestDebconf(t *testing.T) {
	moduletest.Need(t, "debconf-set-selections")
	moduletest.Replay(t, All, "testdata/debconf.json")
}

func TestYumRepository(t *testing.T) { moduletest.Replay(t, All, "testdata/yum_repository.json") }

func TestApt(t *testing.T) {
	moduletest.Need(t, "apt-get")
	moduletest.Replay(t, All, "testdata/apt.json")
}

// TestAptBroken: locks that another process holds, and packages that dpkg left half-way.
func TestAptBroken(t *testing.T) {
	moduletest.Need(t, "apt-get", "python3") // which holds the locks
	moduletest.Replay(t, All, "testdata/apt_broken.json")
}

func TestAptRepository(t *testing.T) {
	moduletest.Need(t, "apt-get")
	moduletest.Replay(t, All, "testdata/apt_repository.json")
}

func TestDeb822Repository(t *testing.T) {
	moduletest.Replay(t, Fetching(nil), "testdata/deb822_repository.json")
}

func TestPipOptions(t *testing.T) { moduletest.Replay(t, All, "testdata/pip.json") }

func TestDnf(t *testing.T) {
	moduletest.Need(t, "dnf", "rpmbuild", "createrepo_c")
	moduletest.Replay(t, All, "testdata/dnf.json")
}

func TestPackageFacts(t *testing.T) {
	moduletest.Need(t, "apt-get")
	moduletest.Replay(t, All, "testdata/package_facts.json")
}

func TestNpm(t *testing.T) { moduletest.Replay(t, All, "testdata/npm.json") }
