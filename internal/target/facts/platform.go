package facts

import (
	"context"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// uname is a field of uname(2).
func uname(field [65]int8) string {
	var b []byte
	for _, c := range field {
		if c == 0 {
			break
		}
		b = append(b, byte(c))
	}
	return string(b)
}

func platform(h *host) {
	var u syscall.Utsname
	if err := syscall.Uname(&u); err != nil {
		return
	}
	machine := uname(u.Machine)
	h.set("system", uname(u.Sysname))
	h.set("kernel", uname(u.Release))
	h.set("kernel_version", uname(u.Version))
	h.set("machine", machine)
	arch := machine
	if len(machine) == 4 && machine[0] == 'i' && strings.HasSuffix(machine, "86") {
		arch = "i386"
	}
	bits := "64"
	if slices.Contains([]string{"armv6l", "armv7l", "i386", "i486", "i586", "i686", "mips", "ppc"}, machine) {
		bits = "32"
	}
	h.set("architecture", arch)
	h.set("userspace_bits", bits)
	h.set("userspace_architecture", arch)
	node, err := os.Hostname()
	if err != nil {
		node = uname(u.Nodename)
	}
	h.set("nodename", node)
	h.set("hostname", strings.SplitN(node, ".", 2)[0])
	fqdn := fullName(h.ctx, node)
	h.set("fqdn", fqdn)
	_, domain, _ := strings.Cut(fqdn, ".")
	h.set("domain", domain)
	id := readLine("/var/lib/dbus/machine-id")
	if id == "" {
		id = readLine("/etc/machine-id")
	}
	if id != "" {
		h.set("machine_id", strings.Fields(id)[0])
	}
	if py := findPython(h.ctx, h.Python); py != nil {
		h.set("python_version", py.version())
	}
}

// nameTimeout bounds the question for the own name: a machine without working DNS still has facts.
const nameTimeout = 3 * time.Second

// fullName is the host's name as its own address is resolved back, the first one with a dot.
func fullName(ctx context.Context, node string) string {
	names := hostsFile(node)
	if names == nil {
		ctx, cancel := context.WithTimeout(ctx, nameTimeout)
		defer cancel()
		addrs, err := net.DefaultResolver.LookupHost(ctx, node)
		if err != nil || len(addrs) == 0 {
			return node
		}
		if names, err = net.DefaultResolver.LookupAddr(ctx, addrs[0]); err != nil || len(names) == 0 {
			return node
		}
		for i := range names {
			names[i] = strings.TrimSuffix(names[i], ".")
		}
	}
	for _, n := range names {
		if strings.Contains(n, ".") {
			return n
		}
	}
	return names[0]
}

// hostsFile are the names that /etc/hosts gives the address of a name; nil when it does not have the name.
func hostsFile(node string) []string {
	var addr string
	entries := lines("/etc/hosts")
	for i, l := range entries {
		l, _, _ = strings.Cut(l, "#")
		entries[i] = l
		f := strings.Fields(l)
		if len(f) > 1 && addr == "" && !strings.Contains(f[0], ":") && slices.Contains(f[1:], node) {
			addr = f[0]
		}
	}
	if addr == "" {
		return nil
	}
	for _, l := range entries {
		if f := strings.Fields(l); len(f) > 1 && f[0] == addr {
			return f[1:]
		}
	}
	return nil
}
