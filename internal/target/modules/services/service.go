package services

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/target/facts"
	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var service = &module.Module{
	Name: "ansible.builtin.service",
	Doc:  "Starts, stops and enables services with whatever manages them on the machine.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "arguments", Default: "", Aliases: []string{"args"}},
			{Name: "enabled", Type: module.TypeBool},
			{Name: "name", Required: true},
			{Name: "pattern"},
			{Name: "runlevel", Default: "default"},
			{Name: "sleep", Type: module.TypeInt},
			{Name: "state", Choices: []any{"started", "stopped", "reloaded", "restarted"}},
		},
		Rules: module.Rules{
			RequiredOneOf: [][]string{{"state", "enabled"}},
		},
		CheckMode: true,
	},
	Run: runService,
}

func runService(ctx context.Context, c *module.Call) (module.Result, error) {
	use := c.Str("use")
	if use == "" || use == "auto" {
		use = facts.ServiceMgr()
	}
	if strings.HasSuffix(use, "systemd") || strings.HasSuffix(use, "systemd_service") {
		args := map[string]any{}
		for _, k := range []string{"name", "state", "enabled"} {
			if c.Has(k) {
				args[k] = c.Args[k]
			}
		}
		for _, k := range []string{"pattern", "runlevel", "sleep", "arguments"} {
			if c.Has(k) && c.Args[k] != "default" && c.Args[k] != "" {
				c.Warn(fmt.Sprintf("Ignoring \"%s\" as it is not used in \"systemd\"", k))
			}
		}
		checked := systemdService.Spec.Check("ansible.builtin.systemd", args)
		if checked.Err != "" {
			return nil, module.Fail(checked.Err, nil)
		}
		own := *c
		own.Args = checked.Args
		r, err := runSystemd(ctx, &own)
		c.Warnings = own.Warnings
		return r, err
	}
	s := &script{Call: c, ctx: ctx, run: hostos.RunnerOf(ctx, c), name: c.Str("name"), openrc: hostos.FindBin("rc-service") != "" && exists("/run/openrc")}
	return s.apply()
}

func exists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}

// script is a service run by an init script or by OpenRC.
type script struct {
	*module.Call
	ctx    context.Context
	run    hostos.Runner
	name   string
	openrc bool
}

// command is the words that give the service an order.
func (s *script) command(order string) []string {
	words := []string{}
	switch {
	case s.openrc:
		words = append(words, hostos.FindBin("rc-service"), s.name, order)
	case sysvExists(s.name) && hostos.FindBin("service") == "":
		words = append(words, filepath.Join("/etc/init.d", s.name), order)
	default:
		words = append(words, hostos.FindBin("service"), s.name, order)
	}
	return append(words, strings.Fields(s.Str("arguments"))...)
}

func (s *script) present() bool {
	if s.openrc {
		return exists(filepath.Join("/etc/init.d", s.name))
	}
	return sysvExists(s.name) || exists(filepath.Join("/etc/init", s.name+".conf"))
}

// running asks the service for its state; a pattern asks the process table instead.
func (s *script) running() (bool, error) {
	if p := s.Str("pattern"); p != "" {
		out, err := s.run.Run("ps", "auxww")
		if err != nil {
			return false, err
		}
		for line := range strings.Lines(out.Stdout) {
			if strings.Contains(line, p) && !strings.Contains(line, "pattern=") {
				return true, nil
			}
		}
		return false, nil
	}
	out, err := s.run.Run(s.command("status")...)
	if err != nil {
		return false, err
	}
	text := strings.ToLower(out.Stdout + out.Stderr)
	clean := strings.ReplaceAll(text, strings.ToLower(s.name), "")
	switch {
	case strings.Contains(clean, "stop") || strings.Contains(clean, "dead") && strings.Contains(clean, "exited"):
		return false, nil
	case strings.Contains(clean, "run") && strings.Contains(clean, "not"):
		return false, nil
	case out.RC == 3 || out.RC == 4 || out.RC == 1 || out.RC == 2 || out.RC == 69:
		return false, nil
	case strings.Contains(clean, "run") || strings.Contains(clean, "start") || out.RC == 0:
		return true, nil
	}
	return false, nil
}

func (s *script) apply() (module.Result, error) {
	r := module.Result{"name": s.name, "changed": false}
	if !s.present() {
		return nil, module.Fail(fmt.Sprintf("Could not find the requested service %s: host", s.name), nil)
	}
	if s.Has("enabled") {
		changed, err := s.enable(s.Bool("enabled"))
		if err != nil {
			return nil, err
		}
		r["enabled"] = s.Bool("enabled")
		if changed {
			r["changed"] = true
		}
	}
	if !s.Has("state") {
		return r, nil
	}
	running, err := s.running()
	if err != nil {
		return nil, err
	}
	want := s.Str("state")
	var orders []string
	switch want {
	case "started":
		if !running {
			orders = []string{"start"}
		}
	case "stopped":
		if running {
			orders = []string{"stop"}
		}
	case "restarted":
		switch {
		case s.openrc:
			orders = []string{"restart"}
		case s.Int("sleep") > 0:
			orders = []string{"stop", "wait", "start"}
		default: // not every script knows restart
			orders = []string{"stop", "start"}
		}
	case "reloaded":
		orders = []string{"reload"}
		if !running {
			orders = []string{"start"}
		}
	}
	r["state"] = want
	if want == "restarted" || want == "reloaded" {
		r["state"] = "started"
	}
	if len(orders) == 0 {
		return r, nil
	}
	if s.Check {
		return module.Result{"changed": true, "msg": "service state changed"}, nil
	}
	r["changed"] = true
	for _, o := range orders {
		if o == "wait" {
			select {
			case <-time.After(time.Duration(s.Int("sleep")) * time.Second):
			case <-s.ctx.Done():
				return nil, context.Cause(s.ctx)
			}
			continue
		}
		out, err := s.run.Run(s.command(o)...)
		if err != nil {
			return nil, err
		}
		if out.RC != 0 && o != "stop" {
			msg := out.Stderr
			if msg == "" {
				msg = out.Stdout
			}
			return nil, module.Fail(msg, nil)
		}
	}
	return r, nil
}

// enable makes the service start with the machine, or not.
func (s *script) enable(want bool) (bool, error) {
	if s.openrc {
		level := s.Str("runlevel")
		has := exists(filepath.Join("/etc/runlevels", level, s.name))
		if has == want {
			return false, nil
		}
		verb := "del"
		if want {
			verb = "add"
		}
		return true, s.tool("rc-update", verb, s.name, level)
	}
	if sysvEnabled(s.name) == want {
		return false, nil
	}
	verb := "disable"
	if want {
		verb = "enable"
	}
	if hostos.FindBin("update-rc.d") != "" {
		if want {
			if err := s.tool("update-rc.d", s.name, "defaults"); err != nil {
				return true, err
			}
		}
		return true, s.tool("update-rc.d", s.name, verb)
	}
	if hostos.FindBin("chkconfig") != "" {
		state := map[bool]string{true: "on", false: "off"}[want]
		if want {
			if err := s.tool("chkconfig", "--add", s.name); err != nil {
				return true, err
			}
		}
		return true, s.tool("chkconfig", s.name, state)
	}
	return false, module.Fail(fmt.Sprintf("cannot detect command to enable service %s, typo or init system potentially unknown", s.name), nil)
}

func (s *script) tool(words ...string) error {
	if s.Check {
		return nil
	}
	bin, err := hostos.NeedBin(words[0])
	if err != nil {
		return err
	}
	out, err := s.run.Run(append([]string{bin}, words[1:]...)...)
	if err != nil {
		return err
	}
	if out.RC != 0 {
		return module.Fail(out.Err(), nil)
	}
	return nil
}
