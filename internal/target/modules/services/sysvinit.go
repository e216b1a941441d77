package services

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var sysvinit = &module.Module{
	Name: "ansible.builtin.sysvinit",
	Doc:  "Starts, stops and enables services that have an init script.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "arguments", Aliases: []string{"args"}},
			{Name: "daemonize", Type: module.TypeBool, Default: false},
			{Name: "enabled", Type: module.TypeBool},
			{Name: "name", Required: true, Aliases: []string{"service"}},
			{Name: "pattern"},
			{Name: "runlevels", Type: module.TypeList, Elements: module.TypeStr},
			{Name: "sleep", Type: module.TypeInt, Default: int64(1)},
			{Name: "state", Choices: []any{"started", "stopped", "restarted", "reloaded"}},
		},
		Rules: module.Rules{
			RequiredOneOf: [][]string{{"state", "enabled"}},
		},
		CheckMode: true,
	},
	Run: runSysvinit,
}

// sysv is one run of sysvinit.
type sysv struct {
	*module.Call
	ctx          context.Context
	run          hostos.Runner
	name, script string
}

func runSysvinit(ctx context.Context, c *module.Call) (module.Result, error) {
	s := &sysv{Call: c, ctx: ctx, run: hostos.RunnerOf(ctx, c), name: c.Str("name"), script: c.Str("name")}
	if !strings.HasPrefix(s.name, "/") {
		s.script = filepath.Join("/etc/init.d", s.name)
	}
	if !exists(s.script) {
		return nil, module.Fail(fmt.Sprintf("Could not find the requested service %s: ", s.name), nil)
	}
	running, err := s.running()
	if err != nil {
		return nil, err
	}
	status := module.Result{}
	enabled, err := s.enable(status)
	if err != nil {
		return nil, err
	}
	ordered, err := s.order(running, status)
	if err != nil {
		return nil, err
	}
	return module.Result{"name": s.name, "changed": enabled || ordered, "status": status}, nil
}

// running asks the script for its state; a pattern asks the process table instead. Scripts differ in what they say and in their
// exit codes, so one line of text counts more than the code, and the process table is asked last.
func (s *sysv) running() (bool, error) {
	if p := s.Str("pattern"); p != "" {
		return s.listed(p)
	}
	words := []string{s.script, "status"}
	if bin := s.run.Find("service"); bin != "" {
		words = []string{bin, s.name, "status"}
	}
	out, err := s.run.Run(words...)
	if err != nil {
		return false, err
	}
	if s.name == "iptables" && strings.Contains(out.Stdout, "ACCEPT") {
		return true, nil
	}
	if strings.Count(out.Stdout, "\n") <= 1 {
		text := strings.ReplaceAll(strings.ToLower(out.Stdout), strings.ToLower(s.name), "")
		has := func(w string) bool { return strings.Contains(text, w) }
		if slices.ContainsFunc([]string{"stop", "is dead ", "dead but ", "could not access pid file", "inactive"}, has) {
			return false, nil
		}
		if slices.ContainsFunc([]string{"run", "start", "active"}, has) && !has("not ") {
			return true, nil
		}
	}
	switch out.RC {
	case 0:
		return true, nil
	case 1, 2, 3, 4, 69:
		return false, nil
	}
	found, err := s.listed(s.name)
	if found {
		s.Warn("Used ps output to match service name and determine it is up, this is very unreliable")
	} else if err == nil {
		s.Warn("Unable to determine if service is up, assuming it is down")
	}
	return found, err
}

// listed looks for a text in the process table.
func (s *sysv) listed(text string) (bool, error) {
	bin, err := s.run.Need("ps")
	if err != nil {
		return false, err
	}
	out, err := s.run.Run(bin, "auxww")
	return out.RC == 0 && strings.Contains(out.Stdout, text), err
}

// enable makes the service start with the machine, or not, in all runlevels or those that are given.
func (s *sysv) enable(status module.Result) (bool, error) {
	levels := s.Strings("runlevels")
	said := map[string]any{"changed": false, "rc": nil, "stdout": nil, "stderr": nil}
	status["enabled"] = said
	changed := false
	if len(levels) == 0 {
		changed = s.Has("enabled") && s.Bool("enabled") != s.starts("?")
	} else {
		said["runlevels"] = levels
		for _, l := range levels { // no wish at all is like neither of the two
			changed = changed || !s.Has("enabled") || s.Bool("enabled") != s.starts(l)
		}
	}
	said["changed"] = changed
	if !changed || s.Check {
		return changed, nil
	}
	var words []string
	want := s.Bool("enabled")
	if bin := s.run.Find("update-rc.d"); bin != "" {
		verb := map[bool]string{true: "enable", false: "disable"}[want]
		if want && len(levels) == 0 {
			verb = "defaults"
		}
		words = append([]string{bin, s.name, verb}, levels...)
	} else if bin := s.run.Find("chkconfig"); bin != "" {
		words = []string{bin}
		if len(levels) > 0 {
			words = append(words, "--level", strings.Join(levels, ""))
		}
		words = append(words, s.name, map[bool]string{true: "on", false: "off"}[want])
	} else {
		return true, nil
	}
	out, err := s.run.Run(words...)
	if err != nil {
		return true, err
	}
	said["rc"], said["stdout"], said["stderr"] = out.RC, out.Stdout, out.Stderr
	if strings.Contains(out.Stderr, "illegal runlevel specified") {
		return true, module.Fail("Illegal runlevel specified for enable operation on service "+s.name,
			module.Result{"name": s.name, "changed": true, "status": status})
	}
	return true, nil
}

// starts says whether the service starts in a runlevel, "?" being any.
func (s *sysv) starts(level string) bool {
	dir := "/etc"
	if !exists("/etc/rc0.d") {
		dir = "/etc/init.d"
	}
	links, err := filepath.Glob(fmt.Sprintf("%s/rc%s.d/S??%s", dir, level, s.name))
	return err == nil && len(links) > 0
}

// orders are the words that init scripts know.
var orders = map[string]string{"started": "start", "stopped": "stop", "restarted": "restart", "reloaded": "reload"}

// order brings the service to the wanted state.
func (s *sysv) order(running bool, status module.Result) (bool, error) {
	state := s.Str("state")
	said := map[string]any{"changed": false, "rc": nil, "stdout": nil, "stderr": nil}
	if state == "" {
		status["null"] = said // Ansible keeps the state that nobody asked for too
		return false, nil
	}
	status[state] = said
	verb := orders[state]
	if verb == "start" && running || verb == "stop" && !running {
		return false, nil
	}
	said["changed"] = true
	if s.Check {
		return true, nil
	}
	verbs, pause := []string{verb}, time.Duration(0)
	if verb == "restart" { // what scripts make of the word differs
		verbs, pause = []string{"stop", "start"}, time.Duration(s.Int("sleep"))*time.Second
	}
	for _, v := range verbs {
		out, err := s.run.Run(append([]string{s.script, v}, strings.Fields(s.Str("arguments"))...)...)
		if err != nil {
			return true, err
		}
		if out.RC != 0 {
			return true, module.Fail(fmt.Sprintf("Failed to %s service: %s", verb, s.name),
				module.Result{"rc": out.RC, "stdout": out.Stdout, "stderr": out.Stderr})
		}
		said["rc"], said["stdout"], said["stderr"] = out.RC, out.Stdout, out.Stderr
		if pause > 0 {
			select {
			case <-time.After(pause):
			case <-s.ctx.Done():
				return true, context.Cause(s.ctx)
			}
		}
	}
	return true, nil
}
