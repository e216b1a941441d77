package services

import (
	"os"
	"testing"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
)

func TestMain(m *testing.M) { os.Exit(moduletest.Private(m)) }

func TestCron(t *testing.T)     { moduletest.Replay(t, All, "testdata/cron.json") }
func TestSystemd(t *testing.T)  { moduletest.Replay(t, All, "testdata/systemd.json") }
func TestSysvinit(t *testing.T) { moduletest.Replay(t, All, "testdata/sysvinit.json") }

// TestServiceFacts has a systemctl of its own in the place of the machine's.
func TestServiceFacts(t *testing.T) {
	if !exists("/usr/bin/systemctl") {
		t.Skip("this machine has no /usr/bin/systemctl")
	}
	moduletest.Replay(t, All, "testdata/service_facts.json")
}

func TestService(t *testing.T) {
	if exists("/run/systemd/system") || hostos.FindBin("update-rc.d") == "" || hostos.FindBin("service") == "" {
		t.Skip("this machine has systemd or no init scripts; the recording is of one with them")
	}
	moduletest.Replay(t, All, "testdata/service.json")
}
