package facts

import (
	"path/filepath"
	"regexp"
	"strings"
)

func distribution(h *host) {
	for k, v := range h.distro() {
		h.set(k, v)
	}
}

// families are the distributions of each os_family.
var families = map[string][]string{
	"RedHat": {"RedHat", "RHEL", "Fedora", "CentOS", "Scientific", "SLC", "Ascendos", "CloudLinux", "PSBM", "OracleLinux", "OVS", "OEL", "Amazon",
		"Amzn", "Virtuozzo", "XenServer", "Alibaba", "EulerOS", "openEuler", "AlmaLinux", "Rocky", "TencentOS", "EuroLinux", "Kylin Linux Advanced Server",
		"MIRACLE"},
	"Debian": {"Debian", "Ubuntu", "Raspbian", "Neon", "KDE neon", "Linux Mint", "SteamOS", "Devuan", "Kali", "Cumulus Linux", "Pop!_OS", "Parrot",
		"Pardus GNU/Linux", "Uos", "Deepin", "OSMC", "Linuxmint", "Astra Linux"},
	"Suse": {"SuSE", "SLES", "SLED", "openSUSE", "openSUSE Tumbleweed", "SLES_SAP", "SUSE_LINUX", "openSUSE Leap", "ALP-Dolomite", "SL-Micro",
		"openSUSE MicroOS"},
	"Archlinux": {"Archlinux", "Antergos", "Manjaro"}, "Mandrake": {"Mandrake", "Mandriva"}, "Solaris": {"Solaris", "Nexenta", "OmniOS", "OpenIndiana", "SmartOS"},
	"Slackware": {"Slackware"}, "Altlinux": {"Altlinux"}, "SGML": {"SGML"}, "Gentoo": {"Gentoo", "Funtoo"}, "Alpine": {"Alpine"}, "AIX": {"AIX"},
	"HP-UX": {"HPUX"}, "Darwin": {"MacOSX"}, "FreeBSD": {"FreeBSD", "TrueOS"}, "ClearLinux": {"Clear Linux OS", "Clear Linux Mix"},
	"DragonFly": {"DragonflyBSD", "DragonFlyBSD", "Gentoo/DragonflyBSD", "Gentoo/DragonFlyBSD"}, "NetBSD": {"NetBSD"},
}

// osFamily is the family of a distribution, else its own name.
func osFamily(name string) string {
	for f, list := range families {
		for _, n := range list {
			if n == name {
				return f
			}
		}
	}
	return name
}

// osReleaseNames are distributions by the ID of os-release.
var osReleaseNames = map[string]string{
	"debian": "Debian", "ubuntu": "Ubuntu", "raspbian": "Raspbian", "linuxmint": "Linux Mint", "kali": "Kali", "devuan": "Devuan", "parrot": "Parrot",
	"pop": "Pop!_OS", "neon": "KDE neon", "steamos": "SteamOS", "uos": "Uos", "deepin": "Deepin", "osmc": "OSMC", "cumulus-linux": "Cumulus Linux",
	"astra": "Astra Linux", "rhel": "RedHat", "centos": "CentOS", "fedora": "Fedora", "rocky": "Rocky", "almalinux": "AlmaLinux", "ol": "OracleLinux",
	"amzn": "Amazon", "scientific": "Scientific", "cloudlinux": "CloudLinux", "eurolinux": "EuroLinux", "openEuler": "openEuler", "euleros": "EulerOS",
	"tencentos": "TencentOS", "virtuozzo": "Virtuozzo", "miraclelinux": "MIRACLE", "alinux": "Alibaba", "sles": "SLES", "sled": "SLED",
	"sles_sap": "SLES_SAP", "opensuse-leap": "openSUSE Leap", "opensuse-tumbleweed": "openSUSE Tumbleweed", "opensuse-microos": "openSUSE MicroOS",
	"sl-micro": "SL-Micro", "opensuse": "openSUSE", "alpine": "Alpine", "arch": "Archlinux", "archarm": "Archlinux", "manjaro": "Manjaro",
	"gentoo": "Gentoo", "nixos": "NixOS", "void": "Void", "slackware": "Slackware", "altlinux": "Altlinux", "clear-linux-os": "Clear Linux OS",
	"flatcar": "Flatcar", "coreos": "Coreos", "photon": "VMware Photon OS", "mariner": "Mariner", "azurelinux": "Azure Linux", "openwrt": "OpenWrt",
}

// osRelease reads /etc/os-release below root.
func osRelease(root string) map[string]string {
	out := map[string]string{}
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		for _, l := range lines(filepath.Join(root, name)) {
			if k, v, ok := strings.Cut(strings.TrimSpace(l), "="); ok && !strings.HasPrefix(k, "#") {
				out[k] = strings.NewReplacer(`\"`, `"`, `\$`, "$", `\\`, `\`).Replace(strings.Trim(v, `"'`))
			}
		}
		if len(out) > 0 {
			break
		}
	}
	return out
}

var (
	parenthesised = regexp.MustCompile(`\(([^)]+)\)`)
	firstNumber   = regexp.MustCompile(`\d+(\.\d+)*`)
)

// readDistribution finds the distribution of the system below root.
func readDistribution(root string) map[string]any {
	rel := osRelease(root)
	name := osReleaseNames[rel["ID"]]
	if name == "" {
		name = rel["NAME"]
		if name == "" {
			name = "Linux"
		}
	}
	version, codename := rel["VERSION_ID"], rel["VERSION_CODENAME"]
	file, variety := "/etc/os-release", osFamily(name)
	out := map[string]any{}
	switch family := osFamily(name); family {
	case "Debian":
		if name == "Debian" {
			if v := readLine(filepath.Join(root, "etc/debian_version")); v != "" && v[0] >= '0' && v[0] <= '9' {
				version = v
			}
			if _, minor, ok := strings.Cut(version, "."); ok {
				out["distribution_minor_version"] = minor
			}
		}
		if codename == "" {
			codename = rel["UBUNTU_CODENAME"]
		}
		if codename == "" {
			if m := parenthesised.FindStringSubmatch(rel["VERSION"]); m != nil {
				codename = m[1]
			}
		}
	case "RedHat":
		line := readLine(filepath.Join(root, "etc/redhat-release"))
		if name == "Amazon" {
			variety = "Amazon"
			codename = "NA"
			if l := readLine(filepath.Join(root, "etc/system-release")); l != "" && rel["VERSION_ID"] == "" {
				version = firstNumber.FindString(l)
			}
			if _, minor, ok := strings.Cut(version, "."); ok {
				out["distribution_minor_version"] = minor
			} else {
				out["distribution_minor_version"] = "NA"
			}
			break
		}
		if line != "" {
			file = "/etc/redhat-release"
			if v := firstNumber.FindString(line); v != "" {
				version = v
			}
			if m := parenthesised.FindStringSubmatch(line); m != nil {
				codename = m[1]
			}
			if name == "CentOS" && strings.Contains(line, "Stream") {
				codename = "Stream"
			}
			if name == "OracleLinux" {
				file, variety = "/etc/oracle-release", "OracleLinux"
				codename = "NA"
			}
			if name == "CentOS" || name == "Fedora" {
				variety = name
				if name == "CentOS" {
					file, variety = "/etc/centos-release", "CentOS"
				} else {
					variety = "RedHat"
				}
			}
		}
		if name == "Fedora" {
			codename = ""
		}
	case "Suse":
		file, variety = "/etc/os-release", "SUSE"
		if codename == "" {
			codename = "0"
			if _, minor, ok := strings.Cut(version, "."); ok {
				codename = minor
			}
		}
	case "Alpine":
		file = "/etc/alpine-release"
		if v := readLine(filepath.Join(root, "etc/alpine-release")); v != "" {
			version = v
		}
	case "Archlinux":
		file, version = "/etc/arch-release", "rolling"
	case "Gentoo":
		file = "/etc/gentoo-release"
	}
	if codename == "" && name != "Fedora" {
		codename = "NA"
	}
	major, _, _ := strings.Cut(version, ".")
	if version == "" {
		version, major = "NA", "NA"
	}
	out["distribution"], out["distribution_version"], out["distribution_release"] = name, version, codename
	out["distribution_major_version"], out["os_family"] = major, osFamily(name)
	out["distribution_file_path"], out["distribution_file_variety"], out["distribution_file_parsed"] = file, variety, true
	return out
}

// Distribution is the distribution's facts, without prefix.
func Distribution() map[string]any { return readDistribution("/") }

func lsb(h *host) {
	out := map[string]any{}
	rel := osRelease("/")
	file := map[string]string{}
	for _, l := range lines("/etc/lsb-release") {
		if k, v, ok := strings.Cut(l, "="); ok {
			file[k] = strings.Trim(v, `"'`)
		}
	}
	first := func(a ...string) string {
		for _, s := range a {
			if s != "" {
				return s
			}
		}
		return ""
	}
	if len(file) > 0 || exists("/usr/bin/lsb_release") {
		name, _, _ := strings.Cut(rel["NAME"], " ")
		release := first(file["DISTRIB_RELEASE"], rel["VERSION_ID"])
		out["id"] = first(file["DISTRIB_ID"], name)
		out["release"] = release
		out["description"] = first(file["DISTRIB_DESCRIPTION"], rel["PRETTY_NAME"])
		out["codename"] = first(file["DISTRIB_CODENAME"], rel["VERSION_CODENAME"], "n/a")
		out["major_release"], _, _ = strings.Cut(release, ".")
	}
	h.set("lsb", out)
}

// managers are the package managers by the program that shows them, the later before the earlier.
var managers = [][2]string{
	{"/usr/bin/rpm-ostree", "atomic_container"}, {"/usr/bin/apt-get", "apt"}, {"/usr/bin/yum", "yum"}, {"/usr/bin/dnf", "dnf"},
	{"/usr/bin/dnf5", "dnf5"}, {"/usr/bin/zypper", "zypper"}, {"/usr/bin/pacman", "pacman"}, {"/usr/bin/emerge", "portage"},
	{"/sbin/apk", "apk"}, {"/usr/bin/apk", "apk"}, {"/usr/sbin/swupd", "swupd"}, {"/usr/bin/swupd", "swupd"}, {"/usr/bin/xbps-install", "xbps"},
	{"/usr/sbin/slackpkg", "slackpkg"}, {"/usr/bin/installp", "installp"}, {"/opt/local/bin/pkgin", "pkgin"}, {"/run/current-system/sw/bin/nix", "nix"},
	{"/usr/bin/opkg", "opkg"}, {"/bin/opkg", "opkg"}, {"/usr/sbin/urpmi", "urpmi"}, {"/usr/local/sbin/pkg", "pkgng"},
}

// PkgMgr names the machine's package manager, "unknown" when there is none.
func PkgMgr() string { return packageManager(Distribution()) }

func packageManager(d map[string]any) string {
	switch d["os_family"] {
	case "RedHat":
		if exists("/run/ostree-booted") {
			return "atomic_container"
		}
		for _, p := range []string{"dnf5", "dnf", "yum"} {
			if p == "dnf5" && d["distribution"] == "Fedora" && !exists("/usr/bin/dnf5") {
				continue
			}
			if p == "dnf5" && d["distribution"] != "Fedora" {
				continue
			}
			if exists("/usr/bin/" + p) {
				return p
			}
		}
	case "Debian", "Altlinux":
		if exists("/usr/bin/apt-get") {
			if d["os_family"] == "Altlinux" {
				return "apt_rpm"
			}
			return "apt"
		}
	}
	found := "unknown"
	for _, m := range managers {
		if exists(m[0]) {
			found = m[1]
		}
	}
	return found
}

func pkgMgr(h *host) { h.set("pkg_mgr", packageManager(h.distro())) }
