package packages

import (
	"testing"

	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
)

func TestAptKey(t *testing.T) {
	moduletest.Need(t, "apt-key", "gpg")
	moduletest.Replay(t, Fetching(nil), "testdata/apt_key.json")
}

func TestRPMKey(t *testing.T) {
	moduletest.Need(t, "rpm", "gpg")
	moduletest.Replay(t, Fetching(nil), "testdata/rpm_key.json")
}
