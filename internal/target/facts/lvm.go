package facts

import (
	"os"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
)

// lvm asks the LVM tools for groups, volumes and disks. "N/A" without the tools or the right to ask.
func lvm(h *host) any {
	vgs := hostos.FindBin("vgs")
	if os.Geteuid() != 0 || vgs == "" {
		return "N/A"
	}
	ask := func(tool string, fields ...string) [][]string {
		bin := hostos.FindBin(tool)
		if bin == "" {
			return nil
		}
		out, err := hostos.Run(h.ctx, hostos.Cmd{Locale: true, Args: []string{bin, "--noheadings", "--nosuffix", "--units", "g", "--separator", ",",
			"-o", strings.Join(fields, ",")}})
		if err != nil || out.RC != 0 {
			return nil
		}
		var rows [][]string
		for line := range strings.Lines(out.Stdout) {
			if f := strings.Split(strings.TrimSpace(line), ","); len(f) == len(fields) {
				rows = append(rows, f)
			}
		}
		return rows
	}
	groups, volumes, disks := map[string]any{}, map[string]any{}, map[string]any{}
	for _, r := range ask("vgs", "vg_name", "lv_count", "pv_count", "vg_size", "vg_free") {
		groups[r[0]] = map[string]any{"size_g": r[3], "free_g": r[4], "num_lvs": r[1], "num_pvs": r[2]}
	}
	for _, r := range ask("lvs", "lv_name", "vg_name", "lv_size") {
		volumes[r[0]] = map[string]any{"size_g": r[2], "vg": r[1]}
	}
	for _, r := range ask("pvs", "pv_name", "vg_name", "pv_size", "pv_free") {
		disks[r[0]] = map[string]any{"size_g": r[2], "free_g": r[3], "vg": r[1]}
	}
	return map[string]any{"lvs": volumes, "vgs": groups, "pvs": disks}
}
