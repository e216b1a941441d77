package system

import (
	"os"
	"testing"

	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
)

func TestMain(m *testing.M) { os.Exit(moduletest.Private(m)) }

func TestPing(t *testing.T)     { moduletest.Replay(t, All, "testdata/ping.json") }
func TestSetup(t *testing.T)    { moduletest.Replay(t, All, "testdata/setup.json") }
func TestHostname(t *testing.T) { moduletest.Replay(t, All, "testdata/hostname.json") }

func TestMount(t *testing.T) {
	moduletest.Need(t, "mount", "umount")
	moduletest.Replay(t, All, "testdata/mount.json")
}

func TestUfw(t *testing.T) { moduletest.Replay(t, All, "testdata/ufw.json") }

func TestModprobe(t *testing.T) { moduletest.Replay(t, All, "testdata/modprobe.json") }

func TestAlternatives(t *testing.T) {
	moduletest.Need(t, "update-alternatives")
	moduletest.Replay(t, All, "testdata/alternatives.json")
}

func TestLocaleGen(t *testing.T) { moduletest.Replay(t, All, "testdata/locale_gen.json") }
func TestPamLimits(t *testing.T) { moduletest.Replay(t, All, "testdata/pam_limits.json") }
func TestSysctl(t *testing.T)    { moduletest.Replay(t, All, "testdata/sysctl.json") }

func TestTimezone(t *testing.T) {
	if _, err := os.Stat(zoneDir + "Asia/Tokyo"); err != nil {
		t.Skip("this machine has no time zones")
	}
	moduletest.Replay(t, All, "testdata/timezone.json")
}
