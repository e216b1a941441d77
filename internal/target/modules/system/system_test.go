package system

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
	"github.com/troupe-automation/troupe/module"
)

func TestSysctlFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sysctl.conf")
	reg := module.NewRegistry(All)
	for _, s := range []struct {
		name    string
		args    map[string]any
		check   bool
		changed bool
		want    string
	}{
		{"check", map[string]any{"name": "net.ipv4.ip_forward", "value": 1}, true, true, ""},
		{"new", map[string]any{"name": "net.ipv4.ip_forward", "value": 1}, false, true, "net.ipv4.ip_forward=1\n"},
		{"same", map[string]any{"name": "net.ipv4.ip_forward", "value": "1"}, false, false, "net.ipv4.ip_forward=1\n"},
		{"boolean", map[string]any{"name": "net.ipv4.ip_forward", "value": "yes"}, false, false, "net.ipv4.ip_forward=1\n"},
		{"other value", map[string]any{"name": "net.ipv4.ip_forward", "value": 0}, false, true, "net.ipv4.ip_forward=0\n"},
		{"second", map[string]any{"name": "kernel.sem", "value": "1 2 3 4"}, false, true, "net.ipv4.ip_forward=0\nkernel.sem=1 2 3 4\n"},
		{"spaces", map[string]any{"name": "kernel.sem", "value": "1\t2 3  4"}, false, false, "net.ipv4.ip_forward=0\nkernel.sem=1 2 3 4\n"},
		{"absent", map[string]any{"name": "net.ipv4.ip_forward", "state": "absent"}, false, true, "kernel.sem=1 2 3 4\n"},
		{"absent again", map[string]any{"name": "net.ipv4.ip_forward", "state": "absent"}, false, false, "kernel.sem=1 2 3 4\n"},
	} {
		t.Run(s.name, func(t *testing.T) {
			s.args["sysctl_file"], s.args["reload"] = file, false
			got := module.Execute(t.Context(), reg.Lookup("ansible.posix.sysctl"), s.args, module.Options{Check: s.check})
			if got["changed"] != s.changed || got["failed"] == true {
				t.Errorf("got %v", got)
			}
			if text, _ := os.ReadFile(file); string(text) != s.want {
				t.Errorf("file %q, want %q", text, s.want)
			}
		})
	}
}

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
