package action

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/remote/session"
	"github.com/troupe-automation/troupe/value"
)

var gatherFactsAction = &Action{Name: "ansible.builtin.gather_facts", Run: runGatherFacts}

// runGatherFacts runs the fact modules of FACTS_MODULES; smart means setup.
func runGatherFacts(c *Context) (*Outcome, error) {
	args := without(c.Args, "parallel")
	defaults := c.Services.ModuleDefaults(c.Task, "ansible.builtin.setup")
	merged := value.NewDict()
	for _, d := range defaults {
		if m, ok := d.(*value.Dict); ok {
			for k, v := range m.All() {
				r, err := c.Templar.Render(v)
				if err != nil {
					return nil, err
				}
				if err := merged.Set(k, r); err != nil {
					return nil, err
				}
			}
		}
	}
	for k, v := range args.All() {
		if err := merged.Set(k, v); err != nil {
			return nil, err
		}
	}
	names := []string{"ansible.builtin.setup"}
	if custom := c.Config.List("FACTS_MODULES"); len(custom) > 0 && custom[0] != "smart" {
		names = custom
	}
	if v, _, ok := c.Templar.Vars.Lookup("ansible_facts_modules"); ok {
		r, err := c.Templar.Render(v)
		if err != nil {
			return nil, err
		}
		if custom := texts(r); len(custom) > 0 && custom[0] != "smart" {
			names = custom
		}
	}
	facts := value.NewDict()
	result := value.DictOf("changed", value.False)
	for _, name := range names {
		r, err := c.Remote.Module(c, ModuleCall{Name: name, Args: merged, Become: true})
		if err != nil {
			return nil, err
		}
		if truth(r, "failed") {
			return &Outcome{Result: r}, nil
		}
		if f, ok := r.GetStr("ansible_facts"); ok {
			if d, ok := f.(*value.Dict); ok {
				for k, v := range d.All() {
					if err := facts.Set(k, v); err != nil {
						return nil, err
					}
				}
			}
		}
		for _, k := range []string{"warnings", "deprecations"} {
			if v, ok := r.GetStr(k); ok {
				result.SetStr(k, v)
			}
		}
	}
	facts.SetStr("_ansible_facts_gathered", value.True)
	result.SetStr("ansible_facts", facts)
	return &Outcome{Result: result, Facts: facts}, nil
}

var packageAction = &Action{Name: "ansible.builtin.package", Async: true, Run: runPackage}

// runPackage picks the package manager's module by the fact pkg_mgr, asking the host when the fact is not known.
func runPackage(c *Context) (*Outcome, error) {
	use := c.Text("use", "auto")
	args := without(c.Args, "use")
	if use == "auto" {
		if v, ok, err := c.Templar.Resolve("ansible_package_use"); err == nil && ok {
			if s, isText := value.AsString(v); isText && s != "" {
				use = s
			}
		}
	}
	if use == "auto" {
		found, err := factOf(c, "pkg_mgr")
		if err != nil {
			return nil, err
		}
		use = found
	}
	if use == "" || use == "auto" {
		return nil, failf("Could not detect which package manager to use. Try gathering facts or setting the \"use\" option.")
	}
	name := use
	if !strings.Contains(use, ".") {
		name = "ansible.builtin." + use
	}
	if name == "ansible.builtin.yum" || name == "ansible.builtin.dnf4" || name == "ansible.builtin.dnf5" {
		name = "ansible.builtin.dnf"
	}
	if !c.Services.IsNative(name) {
		if r, err := c.Services.Resolve(use, c.Task.Collections); err == nil && r != nil {
			return c.callModule(r.FQCN, args, nil)
		}
		return nil, failf("Could not find a matching action for the \"%s\" package manager.", use)
	}
	return c.callModule(name, args, nil)
}

// factOf returns a fact of the host as text, gathering it when it is not there.
func factOf(c *Context, name string) (string, error) {
	v, err := c.Templar.RenderText("{{ ansible_facts."+name+" | default('') }}", c.Task.Pos)
	if err == nil {
		if s, ok := value.AsString(v); ok && s != "" {
			return s, nil
		}
	}
	r, err := c.Remote.Module(c, ModuleCall{
		Name: "ansible.builtin.setup", NoCheck: true, Become: true,
		Args: value.DictOf("gather_subset", value.NewList(value.Str("!all"), value.Str(name)), "filter", value.NewList(value.Str("ansible_"+name))),
	})
	if err != nil {
		return "", err
	}
	f, _ := r.GetStr("ansible_facts")
	if d, ok := f.(*value.Dict); ok {
		return text(d, "ansible_"+name), nil
	}
	return "", nil
}

var serviceAction = &Action{Name: "ansible.builtin.service", Async: true, Run: runService}

// serviceUnknown lists options of service that systemd's module does not take.
var serviceUnknown = []string{"use", "pattern", "runlevel", "sleep", "arguments", "args"}

func runService(c *Context) (*Outcome, error) {
	use := c.Text("use", "auto")
	if use == "auto" {
		found, err := factOf(c, "service_mgr")
		if err != nil {
			return nil, err
		}
		use = found
	}
	if use == "systemd" {
		return c.callModule("ansible.builtin.systemd_service", without(c.Args, serviceUnknown...), nil)
	}
	return c.callModule("ansible.builtin.service", without(c.Args, "use"), nil)
}

var uriAction = &Action{Name: "ansible.builtin.uri", Async: true, Run: runURI}

// runURI sends the file of src along unless it is on the host.
func runURI(c *Context) (*Outcome, error) {
	remote, err := c.Flag("remote_src", false)
	if err != nil {
		return nil, err
	}
	src := c.Text("src", "")
	if src == "" || remote {
		return c.callModule(c.Name, c.Args, nil)
	}
	path, err := c.Find("files", src)
	if err != nil {
		return nil, err
	}
	payload, err := filePayload(c, path)
	if err != nil {
		return nil, err
	}
	return c.callModule(c.Name, without(c.Args, "src"), payload)
}

var waitForConnectionAction = &Action{Name: "ansible.builtin.wait_for_connection", Valid: []string{"connect_timeout", "delay", "sleep", "timeout"}, Run: func(c *Context) (*Outcome, error) {
	timeout, err := seconds(c, "timeout", 600)
	if err != nil {
		return nil, err
	}
	delay, err := seconds(c, "delay", 0)
	if err != nil {
		return nil, err
	}
	pause, err := seconds(c, "sleep", 1)
	if err != nil {
		return nil, err
	}
	if c.Check {
		return outcome("changed", value.False, "elapsed", value.Int(0)), nil
	}
	start := time.Now()
	sleep(c, delay)
	if err := waitAlive(c, timeout, pause); err != nil {
		return nil, &Failure{Msg: fmt.Sprintf("timed out waiting for ping module test: %s", err), Keys: value.DictOf("elapsed", value.Int(time.Since(start)/time.Second))}
	}
	return outcome("changed", value.False, "elapsed", value.Int(time.Since(start)/time.Second)), nil
}}

func seconds(c *Context, name string, def int) (time.Duration, error) {
	if !c.Has(name) {
		return time.Duration(def) * time.Second, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(c.Text(name, "")))
	if err != nil {
		return 0, failf("argument '%s' is of type %s and we were unable to convert to int: %s cannot be converted to an int", name, pyType(value.Str("")), pyType(value.Str("")))
	}
	return time.Duration(n) * time.Second, nil
}

// waitAlive pings the host until it answers or the time is up.
func waitAlive(c *Context, timeout, pause time.Duration) error {
	deadline := time.Now().Add(timeout)
	for {
		r, err := c.Remote.Module(c, ModuleCall{Name: "ansible.builtin.ping", Args: value.NewDict(), NoCheck: true})
		if err == nil && !truth(r, "failed") {
			return nil
		}
		if err == nil {
			err = errors.New(text(r, "msg"))
		}
		if time.Now().After(deadline) || c.Err() != nil {
			return err
		}
		c.Remote.Reset()
		sleep(c, max(pause, 100*time.Millisecond))
	}
}

var rebootAction = &Action{Name: "ansible.builtin.reboot", Run: runReboot}

// runReboot restarts the host and waits until it has booted anew: the boot id differs and the test command succeeds.
func runReboot(c *Context) (*Outcome, error) {
	if c.Remote.Local() {
		return nil, &Failure{Msg: "Running reboot with local connection would reboot the control node.", Keys: value.DictOf("changed", value.False, "elapsed", value.Int(0), "rebooted", value.False)}
	}
	if err := checkNames(c, []string{"boot_time_command", "connect_timeout", "msg", "post_reboot_delay", "pre_reboot_delay", "reboot_command", "reboot_timeout", "search_paths", "test_command"}); err != nil {
		return nil, err
	}
	if c.Check {
		return outcome("changed", value.True, "elapsed", value.Int(0), "rebooted", value.True), nil
	}
	timeout, err := seconds(c, "reboot_timeout", 600)
	if err != nil {
		return nil, err
	}
	before, after := time.Duration(0), time.Duration(0)
	if before, err = seconds(c, "pre_reboot_delay", 0); err != nil {
		return nil, err
	}
	if after, err = seconds(c, "post_reboot_delay", 0); err != nil {
		return nil, err
	}
	msg := c.Text("msg", "Reboot initiated by Ansible")
	bootCmd := c.Text("boot_time_command", "cat /proc/sys/kernel/random/boot_id")
	bootID := func() (string, error) {
		r, err := c.Remote.Module(c, ModuleCall{Name: "ansible.builtin.command", Args: value.DictOf("_raw_params", value.Str(bootCmd)), NoCheck: true})
		if err != nil {
			return "", err
		}
		return text(r, "stdout"), nil
	}
	old, err := bootID()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	command := c.Text("reboot_command", fmt.Sprintf("shutdown -r +%d %s", int(before/time.Minute), shellQuote(msg)))
	if before < time.Minute && !c.Has("reboot_command") {
		command = "shutdown -r now " + shellQuote(msg)
	}
	r, err := c.Remote.Module(c, ModuleCall{Name: "ansible.builtin.command", Args: value.DictOf("_raw_params", value.Str(command)), NoCheck: true, Become: true})
	var lost *session.UnreachableError
	if err != nil && !errors.As(err, &lost) {
		return nil, err
	}
	if err == nil && truth(r, "failed") {
		return nil, &Failure{Msg: "Reboot command failed. Error was: '" + strings.TrimSpace(text(r, "stdout")+", "+text(r, "stderr")) + "'", Keys: value.DictOf("rebooted", value.False)}
	}
	sleep(c, after)
	deadline := time.Now().Add(timeout)
	test := c.Text("test_command", "whoami")
	for {
		c.Remote.Reset()
		id, err := bootID()
		if err == nil && id != "" && id != old {
			r, err := c.Remote.Module(c, ModuleCall{Name: "ansible.builtin.shell", Args: value.DictOf("_raw_params", value.Str(test)), NoCheck: true})
			if err == nil && !truth(r, "failed") {
				return outcome("changed", value.True, "elapsed", value.Int(time.Since(start)/time.Second), "rebooted", value.True), nil
			}
		}
		if time.Now().After(deadline) || c.Err() != nil {
			return nil, &Failure{Msg: fmt.Sprintf("Timed out waiting for last boot time check (timeout=%d)", int(timeout/time.Second)), Keys: value.DictOf("rebooted", value.True, "elapsed", value.Int(time.Since(start)/time.Second))}
		}
		sleep(c, time.Second)
	}
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'" }
