package system

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/facts"
	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var hostname = &module.Module{
	Name: "ansible.builtin.hostname",
	Doc:  "Sets the machine's name.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "name", Required: true},
			{Name: "use", Choices: []any{"alpine", "debian", "freebsd", "generic", "macos", "macosx", "darwin", "openbsd", "openrc", "redhat", "sles", "solaris", "systemd"}},
		},
		CheckMode: true,
	},
	Run: runHostname,
}

func runHostname(ctx context.Context, c *module.Call) (module.Result, error) {
	name := c.Str("name")
	use := c.Str("use")
	if use == "" {
		use = "file"
		if facts.ServiceMgr() == "systemd" {
			use = "systemd"
		} else if f := facts.Distribution()["os_family"]; f == "RedHat" {
			use = "redhat"
		}
	}
	run := hostos.RunnerOf(ctx, c)
	current, err := os.Hostname()
	if err != nil {
		return nil, module.Fail(err.Error(), nil)
	}
	var permanent string
	var set func() error
	now := func() error {
		_, err := run.Must("hostname", name)
		return err
	}
	switch use {
	case "systemd", "debian":
		permanent, current, set, now, err = hostnamectl(run, name)
	case "redhat":
		permanent, set = redhatName(name)
	case "file", "generic", "alpine":
		permanent, set = fileName(name)
	default:
		return nil, &module.NotNative{Reason: "hostname does not know the way of " + use}
	}
	if err != nil {
		return nil, err
	}
	changed := permanent != name
	if changed && !c.Check {
		if err := set(); err != nil {
			return nil, err
		}
	}
	if current != name {
		changed = true
		if !c.Check {
			if err := now(); err != nil {
				return nil, err
			}
		}
	}
	found, _, err := facts.Gather(ctx, facts.Query{Subset: []string{"!all", "!min", "platform"}})
	if err != nil {
		return nil, module.Fail(err.Error(), nil)
	}
	short, _, _ := strings.Cut(name, ".")
	r := module.Result{"changed": changed, "name": name, "ansible_facts": map[string]any{
		"ansible_hostname": short, "ansible_nodename": name, "ansible_fqdn": found["ansible_fqdn"], "ansible_domain": found["ansible_domain"]}}
	if changed {
		before := permanent
		if before == name {
			before = current
		}
		r["diff"] = map[string]any{"after": "hostname = " + name + "\n", "before": "hostname = " + before + "\n"}
	}
	return r, nil
}

// hostnamectl asks systemd, which keeps the running name apart.
func hostnamectl(run hostos.Runner, name string) (kept, running string, keep, now func() error, err error) {
	bin, err := run.Need("hostnamectl")
	if err != nil {
		return "", "", nil, nil, err
	}
	ask := func(args ...string) (string, error) {
		out, err := run.Run(append([]string{bin}, args...)...)
		if err == nil && out.RC != 0 {
			err = module.Fail(fmt.Sprintf("Command failed rc=%d, out=%s, err=%s", out.RC, out.Stdout, out.Stderr), nil)
		}
		return strings.TrimSpace(out.Stdout), err
	}
	if kept, err = ask("--static", "status"); err == nil {
		running, err = ask("--transient", "status")
	}
	keep = func() error {
		if len(name) > 64 {
			return module.Fail("name cannot be longer than 64 characters on systemd servers, try a shorter name", nil)
		}
		_, err := ask("--pretty", "--static", "set-hostname", name)
		return err
	}
	now = func() error { // which the kept name may have set already
		running, err := ask("--transient", "status")
		if err == nil && running != name {
			_, err = ask("--transient", "set-hostname", name)
		}
		return err
	}
	return kept, running, keep, now, err
}

// fileName keeps the name in /etc/hostname.
func fileName(name string) (string, func() error) {
	data, err := os.ReadFile("/etc/hostname")
	have := ""
	if err == nil {
		have = strings.TrimSpace(string(data))
	}
	return have, func() error {
		if err := hostos.WriteFile("/etc/hostname", []byte(name+"\n"), true); err != nil {
			return module.Fail("failed to update hostname: "+err.Error(), nil)
		}
		return nil
	}
}

// redhatName keeps the name in /etc/sysconfig/network.
func redhatName(name string) (string, func() error) {
	const file = "/etc/sysconfig/network"
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		data = nil
	}
	have := ""
	var keep []string
	for line := range strings.Lines(string(data)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "HOSTNAME="); ok {
			have = strings.Trim(strings.TrimSpace(v), `"'`)
			continue
		}
		keep = append(keep, strings.TrimRight(line, "\n"))
	}
	return have, func() error {
		text := strings.Join(append(keep, "HOSTNAME="+name), "\n") + "\n"
		if err := hostos.WriteFile(file, []byte(text), true); err != nil {
			return module.Fail("failed to update hostname: "+err.Error(), nil)
		}
		return nil
	}
}
