package services

import (
	"context"
	"os"
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
	list := map[string]any{}
	if err := sysvServices(run, list); err != nil {
		return nil, err
	}
	if hostos.FindBin("systemctl") != "" && exists("/run/systemd/system/") {
		if err := systemdServices(run, list); err != nil {
			return nil, err
		}
	}
	if len(list) == 0 {
		return module.Result{"skipped": true, "msg": "Failed to find any services. This can be due to privileges or some other configuration issue."}, nil
	}
	return module.Result{"ansible_facts": map[string]any{"services": list}}, nil
}

// sysvServices reads "service --status-all" and OpenRC's list.
func sysvServices(run hostos.Runner, list map[string]any) error {
	if bin := hostos.FindBin("service"); bin != "" && hostos.FindBin("chkconfig") == "" && exists("/etc/init.d") {
		out, err := run.Run(bin, "--status-all")
		if err != nil {
			return err
		}
		for line := range strings.Lines(out.Stdout) {
			f := strings.Fields(line)
			if len(f) < 4 || f[0] != "[" || f[2] != "]" {
				continue
			}
			state := "stopped"
			if f[1] == "+" {
				state = "running"
			}
			list[f[3]] = map[string]any{"name": f[3], "state": state, "source": "sysv"}
		}
	}
	if bin := hostos.FindBin("rc-status"); bin != "" {
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
			list[f[0]] = map[string]any{"name": f[0], "runlevel": level, "state": f[len(f)-2], "source": "openrc"}
		}
	}
	return nil
}

func systemdServices(run hostos.Runner, list map[string]any) error {
	bin := hostos.FindBin("systemctl")
	out, err := run.Run(bin, "list-units", "--no-pager", "--type", "service", "--all", "--plain", "--no-legend")
	if err != nil {
		return err
	}
	for line := range strings.Lines(out.Stdout) {
		line = strings.TrimSpace(line)
		bad := strings.HasPrefix(line, "●") || strings.Contains(line, "not-found") || strings.Contains(line, "failed")
		f := strings.Fields(strings.TrimPrefix(line, "●"))
		if len(f) < 4 {
			continue
		}
		status := "unknown"
		state := "stopped"
		if f[3] == "running" {
			state = "running"
		}
		if bad {
			for _, s := range []string{"not-found", "masked", "failed"} {
				if strings.Contains(line, s) {
					status = s
					break
				}
			}
			if status != "unknown" {
				state = map[string]string{"not-found": "stopped", "masked": "stopped", "failed": "failed"}[status]
			}
		}
		list[f[0]] = map[string]any{"name": f[0], "state": state, "status": status, "source": "systemd"}
	}
	files, err := run.Run(bin, "list-unit-files", "--no-pager", "--type", "service", "--all", "--plain", "--no-legend")
	if err != nil {
		return err
	}
	for line := range strings.Lines(files.Stdout) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		if old, ok := list[f[0]].(map[string]any); ok {
			if old["status"] == "unknown" || old["status"] != "failed" && old["status"] != "not-found" {
				old["status"] = f[1]
			}
			continue
		}
		list[f[0]] = map[string]any{"name": f[0], "state": unitState(run, bin, f[0]), "status": f[1], "source": "systemd"}
	}
	return nil
}

// unitState is the state of a unit that is not loaded: templates cannot be asked.
func unitState(run hostos.Runner, bin, name string) string {
	if strings.HasSuffix(name, "@.service") {
		return "unknown"
	}
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return "unknown"
	}
	return "inactive"
}
