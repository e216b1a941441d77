package packages

import (
	"testing"

	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
)

func TestAptKey(t *testing.T) {
	needs(t, "apt-key")
	needs(t, "gpg")
	moduletest.Replay(t, Fetching(nil), "testdata/apt_key.json")
}

func TestRPMKey(t *testing.T) {
	needs(t, "rpm")
	needs(t, "gpg")
	moduletest.Replay(t, Fetching(nil), "testdata/rpm_key.json")
}
