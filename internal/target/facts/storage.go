package facts

import (
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

func iscsi(h *host) {
	name := ""
	for _, l := range lines("/etc/iscsi/initiatorname.iscsi") {
		if v, ok := strings.CutPrefix(l, "InitiatorName="); ok {
			name = strings.TrimSpace(v)
			break
		}
	}
	h.set("iscsi_iqn", name)
}

func nvme(h *host) {
	nqn := ""
	for _, l := range lines("/etc/nvme/hostnqn") {
		if strings.HasPrefix(l, "nqn.") {
			nqn = strings.TrimSpace(l)
			break
		}
	}
	h.set("hostnqn", nqn)
}

func fibreChannel(h *host) {
	list := []any{}
	names, _ := filepath.Glob("/sys/class/fc_host/*/port_name")
	for _, n := range names {
		if v := readLine(n); v != "" {
			list = append(list, strings.TrimPrefix(v, "0x"))
		}
	}
	h.set("fibre_channel_wwn", list)
}

// facter adds the facts of Puppet's facter, where it is installed.
func facter(h *host) { external(h, "facter", []string{"cfacter", "facter"}, "--puppet", "--json") }

// ohai adds the facts of Chef's ohai, where it is installed.
func ohai(h *host) { external(h, "ohai", []string{"ohai"}) }

func external(h *host, prefix string, names []string, args ...string) {
	for _, n := range names {
		bin := hostos.FindBin(n)
		if bin == "" {
			continue
		}
		out, err := hostos.Run(h.ctx, hostos.Cmd{Args: append([]string{bin}, args...), Locale: true})
		if err != nil || out.RC != 0 {
			return
		}
		answer, _ := module.DecodeJSON([]byte(out.Stdout)) // no answer is no devices
		if d, ok := answer.(map[string]any); ok {
			for k, v := range d {
				h.set(prefix+"_"+strings.ReplaceAll(k, "-", "_"), v)
			}
		}
		return
	}
}
