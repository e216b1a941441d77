package facts

import (
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/troupe-automation/troupe/internal/target/hostos"
)

func apparmor(h *host) {
	status := "disabled"
	if exists("/sys/kernel/security/apparmor") {
		status = "enabled"
	}
	h.set("apparmor", map[string]any{"status": status})
}

func fips(h *host) { h.set("fips", readLine("/proc/sys/crypto/fips_enabled") == "1") }

func selinux(h *host) {
	h.set("selinux_python_present", true) // nothing here needs the bindings
	if !hostos.SELinuxEnabled() {
		h.set("selinux", map[string]any{"status": "disabled"})
		return
	}
	config := map[string]string{}
	for _, l := range lines("/etc/selinux/config") {
		if k, v, ok := strings.Cut(strings.TrimSpace(l), "="); ok && !strings.HasPrefix(k, "#") {
			config[k] = v
		}
	}
	mode := "permissive"
	if readLine("/sys/fs/selinux/enforce") == "1" {
		mode = "enforcing"
	}
	vers, err := strconv.ParseInt(readLine("/sys/fs/selinux/policyvers"), 10, 64)
	var policy any = vers
	if err != nil {
		policy = "unknown"
	}
	h.set("selinux", map[string]any{"status": "enabled", "policyvers": policy, "config_mode": config["SELINUX"], "mode": mode, "type": config["SELINUXTYPE"]})
}

// caps says what capsh prints. When this process has all capabilities there is nothing to ask it.
func caps(h *host) {
	bin := hostos.FindBin("capsh")
	if bin == "" {
		h.set("system_capabilities_enforced", "N/A")
		h.set("system_capabilities", "N/A")
		return
	}
	eff, last := "", readLine("/proc/sys/kernel/cap_last_cap")
	for _, l := range lines("/proc/self/status") {
		if v, ok := strings.CutPrefix(l, "CapEff:"); ok {
			eff = strings.TrimSpace(v)
		}
	}
	have, err1 := strconv.ParseUint(eff, 16, 64)
	n, err2 := strconv.ParseUint(last, 10, 6)
	if err1 == nil && err2 == nil && have == 1<<(n+1)-1 {
		h.set("system_capabilities_enforced", "False")
		h.set("system_capabilities", []any{})
		return
	}
	out, err := hostos.Run(h.ctx, hostos.Cmd{Args: []string{bin, "--print"}, Locale: true})
	enforced, list := "NA", []any{}
	if err == nil && out.RC == 0 {
		for line := range strings.Lines(out.Stdout) {
			if v, ok := strings.CutPrefix(line, "Current:"); ok {
				v = strings.TrimSpace(v)
				if v == "=ep" {
					enforced = "False"
					break
				}
				enforced = "True"
				if i := strings.Index(v, "="); i >= 0 {
					v = v[i+1:]
				}
				for _, c := range strings.Split(v, ",") {
					list = append(list, strings.TrimSpace(c))
				}
				break
			}
		}
	}
	h.set("system_capabilities_enforced", enforced)
	h.set("system_capabilities", list)
}

// chroot compares the own root with that of process 1.
func chroot(h *host) {
	if os.Getenv("debian_chroot") != "" {
		h.set("is_chroot", true)
		return
	}
	mine, err := os.Stat("/")
	if err != nil {
		h.set("is_chroot", nil)
		return
	}
	if one, err := os.Stat("/proc/1/root/."); err == nil {
		h.set("is_chroot", !os.SameFile(mine, one))
		return
	}
	// Without the right to look, the root of a real system has inode 2, or a number the filesystem's kind is known for.
	st := mine.Sys().(*syscall.Stat_t)
	root := uint64(2)
	var fs syscall.Statfs_t
	if syscall.Statfs("/", &fs) == nil {
		switch fs.Type {
		case 0x9123683e: // btrfs
			root = 256
		case 0x58465342: // xfs
			root = 128
		}
	}
	h.set("is_chroot", st.Ino != root)
}
