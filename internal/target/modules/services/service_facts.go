package services

import (
	"context"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var serviceFacts = &module.Module{
	Name: "ansible.builtin.service_facts",
	Doc:  "Lists the machine's services and their states as facts.",
	Spec: module.Spec{
		Options:   []module.Option{},
		CheckMode: true,
	},
	Run: runServiceFacts,
}

func runServiceFacts(ctx context.Context, c *module.Call) (module.Result, error) {
	run := hostos.RunnerOf(ctx, c)
	list := &module.Ordered{}
	if err := sysvServices(run, list); err != nil {
		return nil, err
	}
	if run.Find("systemctl") != "" && exists("/run/systemd/system/") {
		if err := systemdServices(run, list); err != nil {
			return nil, err
		}
	}
	if list.Len() == 0 {
		return module.Result{"skipped": true, "msg": "Failed to find any services. This can be due to privileges or some other configuration issue."}, nil
	}
	return module.Result{"ansible_facts": map[string]any{"services": list}}, nil
}

// sysvServices reads "service --status-all" and OpenRC's list.
func sysvServices(run hostos.Runner, list *module.Ordered) error {
	if bin := run.Find("service"); bin != "" && run.Find("chkconfig") == "" && exists("/etc/init.d") {
		out, err := run.Run(bin, "--status-all")
		if err != nil {
			return err
		}
		for line := range strings.Lines(out.Stdout) {
			mark, name, _ := strings.Cut(strings.TrimSpace(line), " ]")
			state := map[string]string{"[ +": "running", "[ -": "stopped"}[mark]
			if name = strings.TrimSpace(name); state != "" && name != "" {
				list.Set(name, map[string]any{"name": name, "state": state, "source": "sysv"})
			}
		}
	}
	if bin := run.Find("rc-status"); bin != "" {
		out, err := run.Run(bin, "-a", "-s", "-m", "-u")
		if err != nil {
			return err
		}
		level := ""
		for line := range strings.Lines(out.Stdout) {
			trimmed := strings.TrimSpace(line)
			if rest, ok := strings.CutPrefix(trimmed, "Runlevel: "); ok {
				level = rest
				continue
			}
			f := strings.Fields(trimmed)
			if len(f) < 3 || !strings.HasPrefix(line, " ") {
				continue
			}
			list.Set(f[0], map[string]any{"name": f[0], "runlevel": level, "state": f[len(f)-2], "source": "openrc"})
		}
	}
	return nil
}

func systemdServices(run hostos.Runner, list *module.Ordered) error {
	bin := run.Find("systemctl")
	out, err := run.Run(bin, "list-units", "--no-pager", "--type", "service", "--all", "--plain", "--no-legend")
	if err != nil {
		return err
	}
	for line := range strings.Lines(out.Stdout) {
		f := strings.Fields(line)
		if !strings.Contains(line, ".service") || len(f) < 4 {
			continue
		}
		status, state := f[2], "stopped"
		for _, bad := range badStates {
			if slices.Contains(f[:len(f)-1], bad) {
				status = bad
			}
		}
		if f[3] == "running" {
			state = "running"
		}
		list.Set(f[0], map[string]any{"name": f[0], "state": state, "status": status, "source": "systemd"})
	}
	files, err := run.Run(bin, "list-unit-files", "--no-pager", "--type", "service", "--all", "--plain", "--no-legend")
	if err != nil {
		return err
	}
	for line := range strings.Lines(files.Stdout) {
		f := strings.Fields(line)
		if !strings.Contains(line, ".service") || len(f) < 2 {
			continue
		}
		if old, ok := list.Get(f[0]).(map[string]any); !ok {
			state, err := unitState(run, bin, f[0])
			if err != nil {
				return err
			}
			list.Set(f[0], map[string]any{"name": f[0], "state": state, "status": f[1], "source": "systemd"})
		} else if status, _ := old["status"].(string); !slices.Contains(badStates, status) {
			old["status"] = f[1]
		}
	}
	return nil
}

// badStates of a unit are told rather than what its file says. Of several the last is.
var badStates = []string{"failed", "masked", "not-found"}

// unitState is the state of a unit that is not loaded: templates cannot be asked.
func unitState(run hostos.Runner, bin, name string) (string, error) {
	out, err := run.Run(bin, "show", name, "--property=ActiveState")
	if state, ok := strings.CutPrefix(strings.TrimSpace(out.Stdout), "ActiveState="); ok && out.RC == 0 {
		return state, err
	}
	return "unknown", err
}
