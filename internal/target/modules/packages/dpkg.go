package packages

import (
	"bufio"
	"os"
	"strings"
)

// installed is a package that dpkg knows.
type installed struct {
	version, arch, section string
	full                   bool // unpacked; otherwise only its configuration files are left
	done                   bool // unpacked and configured
	provides               []string
}

// dpkgStatus is dpkg's database. Variable for tests.
var dpkgStatus = "/var/lib/dpkg/status"

// readDpkg reads all packages by name, and by name:architecture.
func readDpkg() (map[string]installed, error) {
	f, err := os.Open(dpkgStatus)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := map[string]installed{}
	var name string
	var p installed
	flush := func() {
		if name != "" && (p.full || p.version != "") {
			if old, ok := out[name]; !ok || !old.full || p.full && isNative(p.arch) {
				out[name] = p
			}
			out[name+":"+p.arch] = p
		}
		name, p = "", installed{}
	}
	in := bufio.NewScanner(f)
	in.Buffer(make([]byte, 0, 1<<16), 1<<22)
	for in.Scan() {
		line := in.Text()
		if line == "" {
			flush()
			continue
		}
		switch line[0] {
		case ' ', '\t':
			continue
		}
		k, v, _ := strings.Cut(line, ":")
		v = strings.TrimSpace(v)
		switch k {
		case "Package":
			name = v
		case "Status":
			f := strings.Fields(v)
			state := ""
			if len(f) == 3 {
				state = f[2]
			}
			p.full = state == "installed" || state == "unpacked" || state == "half-configured" || state == "triggers-awaited" || state == "triggers-pending"
			p.done = state == "installed"
			if state == "not-installed" {
				name = ""
			}
		case "Version":
			p.version = v
		case "Section":
			p.section = v
		case "Architecture":
			p.arch = v
		case "Provides":
			for _, w := range strings.Split(v, ",") {
				if f := strings.Fields(w); len(f) > 0 {
					p.provides = append(p.provides, f[0])
				}
			}
		}
	}
	flush()
	return out, in.Err()
}

// isNative says whether an architecture is the one packages without a suffix have.
func isNative(arch string) bool { return arch == "all" || arch == nativeArch }
