package accounts

import (
	"os"
	"testing"

	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
)

func TestMain(m *testing.M) { os.Exit(moduletest.Private(m)) }

func TestAuthorizedKey(t *testing.T) { moduletest.Replay(t, All, "testdata/authorized_key.json") }

func TestGetent(t *testing.T) { moduletest.Replay(t, All, "testdata/getent.json") }

func TestGroup(t *testing.T) {
	moduletest.Need(t, "groupadd")
	moduletest.Replay(t, All, "testdata/group.json")
}

func TestUser(t *testing.T) {
	moduletest.Need(t, "useradd")
	moduletest.Replay(t, All, "testdata/user.json")
}

func TestKnownHosts(t *testing.T) {
	moduletest.Need(t, "ssh-keygen")
	moduletest.Replay(t, All, "testdata/known_hosts.json")
}
