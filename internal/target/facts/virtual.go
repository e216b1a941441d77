package facts

import (
	"os"
	"regexp"
	"slices"
	"strings"
)

var (
	cgroupDocker = regexp.MustCompile(`/docker(/|-[0-9a-f]+\.scope)`)
	cgroupLXC    = regexp.MustCompile(`/lxc/`)
	cgroupPodman = regexp.MustCompile(`libpod-|/machine\.slice/`)
)

// virtual finds out what this machine runs in, and what can run on it.
func virtual(h *host) {
	kind, role := "", ""
	guest, hostTech := []string{}, []string{}
	is := func(tech, as string) {
		if tech != "" {
			list := &guest
			if as == "host" {
				list = &hostTech
			}
			if !slices.Contains(*list, tech) {
				*list = append(*list, tech)
			}
		}
		if kind == "" {
			kind, role = tech, as
		}
	}
	one := readLine("/proc/1/cgroup")
	environ := readLine("/proc/1/environ")
	switch {
	case exists("/.dockerenv") || exists("/.dockerinit") || cgroupDocker.MatchString(one):
		is("docker", "guest")
		is("container", "guest")
	case exists("/run/.containerenv") || strings.Contains(environ, "container=podman") || cgroupPodman.MatchString(one):
		is("podman", "guest")
		is("container", "guest")
	case cgroupLXC.MatchString(one) || strings.Contains(environ, "container=lxc"):
		is("lxc", "guest")
		is("container", "guest")
	case strings.Contains(environ, "container="):
		is("container", "guest")
	}
	if exists("/proc/vz") && !exists("/proc/lve") {
		if exists("/proc/bc") {
			is("openvz", "host")
		} else {
			is("openvz", "guest")
		}
	}
	if c := readLine("/run/systemd/container"); c != "" {
		is(c, "guest")
		is("container", "guest")
	}
	if exists("/proc/xen") {
		as := "guest"
		if strings.Contains(readLine("/proc/xen/capabilities"), "control_d") {
			as = "host"
		}
		is("xen", as)
	}
	product, vendor := readLine("/sys/devices/virtual/dmi/id/product_name"), readLine("/sys/devices/virtual/dmi/id/sys_vendor")
	bios, family := readLine("/sys/devices/virtual/dmi/id/bios_vendor"), readLine("/sys/devices/virtual/dmi/id/product_family")
	switch {
	case slices.Contains([]string{"KVM", "KVM Server", "Bochs", "AHV"}, product), vendor == "Amazon EC2", vendor == "QEMU", vendor == "oVirt",
		vendor == "Google", product == "Google Compute Engine", product == "OpenStack Compute", vendor == "OpenStack Foundation",
		product == "RHV Hypervisor" && family == "RHV", vendor == "DigitalOcean", vendor == "Hetzner":
		is("kvm", "guest")
	case product == "RHEV Hypervisor":
		is("RHEV", "guest")
	case product == "oVirt Node":
		is("oVirt", "guest")
	case product == "VMware Virtual Platform", product == "VMware7,1", product == "VMware20,1", vendor == "VMware, Inc.":
		is("VMware", "guest")
	case bios == "Xen":
		is("xen", "guest")
	case bios == "innotek GmbH", product == "VirtualBox":
		is("virtualbox", "guest")
	case vendor == "Microsoft Corporation" && product == "Virtual Machine":
		is("VirtualPC", "guest")
	case vendor == "Parallels Software International Inc.", vendor == "Parallels International GmbH.":
		is("parallels", "guest")
	case vendor == "Apple Inc." && product == "Apple Virtualization Generic Platform":
		is("kvm", "guest")
	case product == "HVM domU":
		is("xen", "guest")
	}
	cpu := readLine("/proc/cpuinfo")
	switch {
	case strings.Contains(cpu, "QEMU Virtual CPU"):
		is("kvm", "guest")
	case strings.Contains(cpu, "User Mode Linux"):
		is("uml", "guest")
	}
	modules := readLine("/proc/modules")
	loaded := func(name string) bool {
		return strings.HasPrefix(modules, name+" ") || strings.Contains(modules, "\n"+name+" ")
	}
	if loaded("kvm") || exists("/dev/kvm") {
		is("kvm", "host")
	}
	if loaded("vboxdrv") {
		is("virtualbox", "host")
	}
	if loaded("virtio") && kind == "" {
		is("kvm", "guest")
	}
	if os.Getenv("container") == "oci" && kind == "" {
		is("container", "guest")
	}
	if kind == "" {
		kind, role = "NA", "NA"
	}
	h.set("virtualization_type", kind)
	h.set("virtualization_role", role)
	h.set("virtualization_tech_guest", guest)
	h.set("virtualization_tech_host", hostTech)
}
