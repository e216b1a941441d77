package accounts

import (
	"os"
	"testing"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
)

func TestMain(m *testing.M) { os.Exit(moduletest.Private(m)) }

func need(t *testing.T, program string) {
	t.Helper()
	if hostos.FindBin(program) == "" {
		t.Skipf("this machine has no %s", program)
	}
}

func TestAuthorizedKey(t *testing.T) { moduletest.Replay(t, All, "testdata/authorized_key.json") }

func TestGetent(t *testing.T) { moduletest.Replay(t, All, "testdata/getent.json") }

func TestGroup(t *testing.T) {
	need(t, "groupadd")
	moduletest.Replay(t, All, "testdata/group.json")
}

func TestUser(t *testing.T) {
	need(t, "useradd")
	moduletest.Replay(t, All, "testdata/user.json")
}

func TestKnownHosts(t *testing.T) {
	need(t, "ssh-keygen")
	moduletest.Replay(t, All, "testdata/known_hosts.json")
}
