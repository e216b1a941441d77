package facts

import (
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
)

func serviceMgr(h *host) { h.set("service_mgr", ServiceMgr()) }

// ServiceMgr names what starts the machine's services: systemd, openrc, sysvinit, upstart, or the name of process 1.
func ServiceMgr() string {
	one := readLine("/proc/1/comm")
	switch one {
	case "runit-init":
		return "runit"
	case "svscan":
		return "svc"
	case "openrc-init":
		return "openrc"
	case "", "init", "sh", "bash", "dash", "busybox", "COMMAND":
	default:
		if !strings.HasSuffix(one, "sh") {
			return filepath.Base(one)
		}
	}
	switch {
	case systemdRuns():
		return "systemd"
	case hostos.FindBin("initctl") != "" && exists("/etc/init/"):
		return "upstart"
	case exists("/sbin/openrc"):
		return "openrc"
	case strings.HasSuffix(hostos.RealPath("/sbin/init"), "systemd"):
		return "systemd"
	case exists("/etc/init.d/"):
		return "sysvinit"
	}
	return "service"
}

// systemdRuns says whether systemd is process 1.
func systemdRuns() bool {
	return exists("/run/systemd/system/") || exists("/dev/.run/systemd/") || exists("/dev/.systemd/")
}

func systemd(h *host) {
	bin := hostos.FindBin("systemctl")
	if bin == "" || !exists("/run/systemd/system/") {
		return
	}
	out, err := hostos.Run(h.ctx, hostos.Cmd{Args: []string{bin, "--version"}, Locale: true})
	if err != nil || out.RC != 0 {
		return
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(out.Stdout), "\n")
	if f := strings.Fields(first); len(f) > 1 {
		h.set("systemd", map[string]any{"version": number(f[1]), "features": strings.TrimSpace(rest)})
	}
}
