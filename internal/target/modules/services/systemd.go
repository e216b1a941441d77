package services

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var systemdService = &module.Module{
	Name:    "ansible.builtin.systemd_service",
	Aliases: []string{"ansible.builtin.systemd"},
	Doc:     "Controls units of systemd.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "daemon_reexec", Type: module.TypeBool, Default: false, Aliases: []string{"daemon-reexec"}},
			{Name: "daemon_reload", Type: module.TypeBool, Default: false, Aliases: []string{"daemon-reload"}},
			{Name: "enabled", Type: module.TypeBool},
			{Name: "force", Type: module.TypeBool},
			{Name: "masked", Type: module.TypeBool},
			{Name: "name", Aliases: []string{"service", "unit"}},
			{Name: "no_block", Type: module.TypeBool, Default: false},
			{Name: "scope", Default: "system", Choices: []any{"system", "user", "global"}},
			{Name: "state", Choices: []any{"reloaded", "restarted", "started", "stopped"}},
		},
		Rules: module.Rules{
			RequiredOneOf: [][]string{{"state", "enabled", "masked", "daemon_reload", "daemon_reexec"}},
			RequiredBy:    map[string][]string{"enabled": []string{"name"}, "masked": []string{"name"}, "state": []string{"name"}},
		},
		CheckMode: true,
	},
	Run: runSystemd,
}

// unit is one run of systemd_service.
type unit struct {
	*module.Call
	run     hostos.Runner
	name    string
	ctl     []string // systemctl and its options
	env     []string
	found   bool
	sysv    bool
	systemd bool
	masked  bool
	status  map[string]any
	r       module.Result
}

func runSystemd(ctx context.Context, c *module.Call) (module.Result, error) {
	bin, err := hostos.RunnerOf(ctx, c).Need("systemctl")
	if err != nil {
		return nil, err
	}
	u := &unit{Call: c, run: hostos.RunnerOf(ctx, c), name: c.Str("name"), ctl: []string{bin}, status: map[string]any{}}
	u.r = module.Result{"name": c.Args["name"], "changed": false, "status": u.status}
	if strings.ContainsAny(u.name, "*?[") {
		return nil, module.Fail(fmt.Sprintf("This module does not currently support using glob patterns, found '%s' in service name: %s",
			u.name[strings.IndexAny(u.name, "*?["):strings.IndexAny(u.name, "*?[")+1], u.name), nil)
	}
	switch scope := c.Str("scope"); scope {
	case "user":
		u.ctl = append(u.ctl, "--user")
		if os.Getenv("XDG_RUNTIME_DIR") == "" {
			u.env = append(u.env, fmt.Sprintf("XDG_RUNTIME_DIR=/run/user/%d", os.Geteuid()))
		}
	case "global":
		u.ctl = append(u.ctl, "--global")
	}
	if c.Bool("no_block") {
		u.ctl = append(u.ctl, "--no-block")
	}
	if c.Bool("force") {
		u.ctl = append(u.ctl, "--force")
	}
	for _, o := range []struct{ option, verb string }{{"daemon_reload", "daemon-reload"}, {"daemon_reexec", "daemon-reexec"}} {
		if c.Bool(o.option) && !c.Check {
			out, err := u.call(o.verb)
			if err != nil {
				return nil, err
			}
			if out.RC != 0 {
				if inChroot() || os.Getenv("SYSTEMD_OFFLINE") == "1" {
					c.Warn(fmt.Sprintf("%s failed, but target is a chroot or systemd is offline. Continuing. Error was: %d / %s", o.verb, out.RC, out.Stderr))
				} else {
					return nil, module.Fail(fmt.Sprintf("failure %d during %s: %s", out.RC, o.verb, out.Stderr), nil)
				}
			}
		}
	}
	if u.name == "" {
		return u.r, nil
	}
	if err := u.look(); err != nil {
		return nil, err
	}
	for _, step := range []func() error{u.mask, u.enable, u.switchState} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return u.r, nil
}

func (u *unit) call(words ...string) (hostos.Output, error) {
	return u.run.With(hostos.Cmd{Args: slices.Concat(u.ctl, words), Env: u.env})
}

// inChroot says whether the root is another than that of process 1.
func inChroot() bool {
	mine, err1 := os.Stat("/")
	one, err2 := os.Stat("/proc/1/root/.")
	return err1 == nil && err2 == nil && !os.SameFile(mine, one)
}

// look asks systemd about the unit.
func (u *unit) look() error {
	u.sysv = sysvExists(strings.TrimSuffix(u.name, ".service"))
	out, err := u.call("show", u.name)
	if err != nil {
		return err
	}
	ignored := strings.Contains(out.Stdout, "ignoring request") || strings.Contains(out.Stdout, "ignoring command") ||
		strings.Contains(out.Stderr, "ignoring request") || strings.Contains(out.Stderr, "ignoring command")
	switch {
	case out.RC == 0 && !ignored:
		if out.Stdout != "" {
			for k, v := range parseShow(out.Stdout) {
				u.status[k] = v
			}
			load, _ := u.status["LoadState"].(string)
			u.systemd = load != "" && load != "not-found"
			u.masked = load == "masked"
			if u.systemd && !u.masked && u.status["LoadError"] != nil && u.status["LoadError"] != "" {
				return module.Fail(fmt.Sprintf("Error loading unit file '%s': %s", u.name, u.status["LoadError"]), nil)
			}
		}
	case out.RC != 0 && strings.Contains(out.Stderr, "Failed to parse bus message"):
		// A systemd that cannot describe a unit can still list it.
		list, err := u.call("list-unit-files", u.name)
		if err != nil {
			return err
		}
		u.systemd = list.RC == 0
		if active, err := u.call("is-active", u.name); err == nil {
			u.status["ActiveState"] = strings.TrimSpace(active.Stdout)
		}
	default:
		if ignored || inChroot() || os.Getenv("SYSTEMD_OFFLINE") == "1" {
			list, err := u.call("list-unit-files", u.name)
			if err != nil {
				return err
			}
			u.systemd = strings.Contains(list.Stdout, u.name)
		}
		if enabled, err := u.call("is-enabled", u.name); err == nil && enabled.RC == 0 {
			u.systemd = true
		}
	}
	u.found = u.systemd || u.sysv
	if u.systemd && !u.found {
		u.found = true
	}
	return nil
}

// parseShow reads "Key=value" lines. A value that opens a brace at the line's end goes on until it closes.
func parseShow(text string) map[string]any {
	out := map[string]any{}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		k, v, ok := strings.Cut(lines[i], "=")
		if !ok {
			continue
		}
		if strings.HasPrefix(k, "Exec") && strings.HasPrefix(strings.TrimLeft(v, " "), "{") {
			for !strings.HasSuffix(strings.TrimRight(v, " "), "}") && i+1 < len(lines) {
				i++
				v += "\n" + lines[i]
			}
		}
		out[k] = strings.TrimSpace(v)
	}
	return out
}

func (u *unit) missing() error {
	if u.found {
		return nil
	}
	return module.Fail(fmt.Sprintf("Could not find the requested service %s: host", u.name), nil)
}

func (u *unit) mask() error {
	if !u.Has("masked") {
		return nil
	}
	state, err := u.call("is-enabled", u.name)
	if err != nil {
		return err
	}
	if (strings.TrimSpace(state.Stdout) == "masked") == u.Bool("masked") {
		return nil
	}
	u.r["changed"] = true
	if u.Check {
		return nil
	}
	verb := "unmask"
	if u.Bool("masked") {
		verb = "mask"
	}
	out, err := u.call(verb, u.name)
	if err != nil {
		return err
	}
	if out.RC != 0 {
		return u.missing() // masking a unit that does not exist is the usual reason
	}
	return nil
}

func (u *unit) enable() error {
	if !u.Has("enabled") {
		return nil
	}
	if err := u.missing(); err != nil {
		return err
	}
	out, err := u.call("is-enabled", u.name, "-l")
	if err != nil {
		return err
	}
	state := strings.TrimSpace(out.Stdout)
	enabled := false
	switch {
	case out.RC == 0:
		enabled = true
		first := strings.Split(state, "\n")[0]
		if slices.Contains([]string{"enabled-runtime", "linked-runtime"}, first) && u.Bool("enabled") {
			enabled = false
		}
		if (first == "indirect" || first == "alias") && u.Bool("enabled") {
			enabled = len(strings.Split(state, "\n")) > 1
		}
	case out.RC == 1:
		preset := u.Str("scope") == "system" && u.sysv && !strings.HasPrefix(state, "disabled")
		if preset {
			enabled = sysvEnabled(strings.TrimSuffix(u.name, ".service"))
		}
	}
	u.r["enabled"] = enabled
	want := u.Bool("enabled")
	if enabled == want {
		return nil
	}
	u.r["changed"] = true
	verb := "disable"
	if want {
		verb = "enable"
	}
	if !u.Check {
		out, err := u.call(verb, u.name)
		if err != nil {
			return err
		}
		if out.RC != 0 {
			return module.Fail(fmt.Sprintf("Unable to %s service %s: %s", verb, u.name, out.Stdout+out.Stderr), nil)
		}
	}
	u.r["enabled"] = want
	return nil
}

func (u *unit) switchState() error {
	if !u.Has("state") {
		return nil
	}
	if err := u.missing(); err != nil {
		return err
	}
	want := u.Str("state")
	u.r["state"] = want
	active, ok := u.status["ActiveState"].(string)
	if !ok {
		if inChroot() || os.Getenv("SYSTEMD_OFFLINE") == "1" {
			u.Warn("Target is a chroot or systemd is offline. This can lead to false positives or prevent the init system tools from working.")
			return nil
		}
		return module.Fail("Service is in unknown state", module.Result{"status": u.status})
	}
	running := active == "active" || active == "activating"
	action := ""
	switch want {
	case "started":
		if !running {
			action = "start"
		}
	case "stopped":
		if running || active == "deactivating" {
			action = "stop"
		}
	default:
		action = "start"
		if running {
			action = strings.TrimSuffix(want, "ed")
		}
		u.r["state"] = "started"
	}
	if action == "" {
		return nil
	}
	u.r["changed"] = true
	if u.Check {
		return nil
	}
	out, err := u.call(action, u.name)
	if err != nil {
		return err
	}
	if out.RC != 0 {
		return module.Fail(fmt.Sprintf("Unable to %s service %s: %s", action, u.name, out.Stderr), nil)
	}
	return nil
}

// sysvExists says whether there is an init script of the name.
func sysvExists(name string) bool {
	info, err := os.Stat(filepath.Join("/etc/init.d", name))
	return err == nil && info.Mode()&0o111 != 0 && name != ""
}

// sysvEnabled says whether an init script is linked to start in some runlevel.
func sysvEnabled(name string) bool {
	found, err := filepath.Glob("/etc/rc[0-9S].d/S[0-9][0-9]" + name)
	return err == nil && len(found) > 0
}
