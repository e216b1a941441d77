package accounts

import (
	"context"
	"testing"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
)

// cleanUp removes what a failed replay may have left on the machine.
func cleanUp(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		for _, args := range [][]string{{"userdel", "trpusr1"}, {"userdel", "trpusr2"}, {"userdel", "trpusr3"}, {"groupdel", "trpusr1"}, {"groupdel", "trpgrp1"}, {"groupdel", "trpgrp2"}} {
			if _, err := hostos.Run(context.Background(), hostos.Cmd{Args: args}); err != nil {
				t.Log(err)
			}
		}
	})
}

func needTools(t *testing.T) {
	t.Helper()
	if hostos.FindBin("useradd") == "" {
		t.Skip("this machine has no useradd")
	}
}

func TestGetent(t *testing.T) { moduletest.Replay(t, All, "testdata/getent.json") }

func TestGroup(t *testing.T) {
	needTools(t)
	cleanUp(t)
	moduletest.Replay(t, All, "testdata/group.json")
}

func TestUser(t *testing.T) {
	needTools(t)
	cleanUp(t)
	moduletest.Replay(t, All, "testdata/user.json")
}

func TestKnownHosts(t *testing.T) {
	if hostos.FindBin("ssh-keygen") == "" {
		t.Skip("this machine has no ssh-keygen")
	}
	moduletest.Replay(t, All, "testdata/known_hosts.json")
}
