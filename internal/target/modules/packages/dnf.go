package packages

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var dnf = &module.Module{
	Name:    "ansible.builtin.dnf",
	Aliases: []string{"ansible.builtin.yum", "ansible.builtin.dnf5"},
	Doc:     "Installs, updates and removes packages with dnf.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "allow_downgrade", Type: module.TypeBool, Default: false},
			{Name: "allowerasing", Type: module.TypeBool, Default: false},
			{Name: "autoremove", Type: module.TypeBool, Default: false},
			{Name: "best", Type: module.TypeBool},
			{Name: "bugfix", Type: module.TypeBool, Default: false},
			{Name: "cacheonly", Type: module.TypeBool, Default: false},
			{Name: "conf_file"},
			{Name: "disable_excludes"},
			{Name: "disable_gpg_check", Type: module.TypeBool, Default: false},
			{Name: "disable_plugin", Type: module.TypeList, Elements: module.TypeStr, Default: []any{}},
			{Name: "disablerepo", Type: module.TypeList, Elements: module.TypeStr, Default: []any{}},
			{Name: "download_dir"},
			{Name: "download_only", Type: module.TypeBool, Default: false},
			{Name: "enable_plugin", Type: module.TypeList, Elements: module.TypeStr, Default: []any{}},
			{Name: "enablerepo", Type: module.TypeList, Elements: module.TypeStr, Default: []any{}},
			{Name: "exclude", Type: module.TypeList, Elements: module.TypeStr, Default: []any{}},
			{Name: "install_repoquery", Type: module.TypeBool, Default: true},
			{Name: "install_weak_deps", Type: module.TypeBool, Default: true},
			{Name: "installroot", Default: "/"},
			{Name: "list"},
			{Name: "lock_timeout", Type: module.TypeInt, Default: int64(30)},
			{Name: "name", Type: module.TypeList, Elements: module.TypeStr, Default: []any{}, Aliases: []string{"pkg"}},
			{Name: "nobest", Type: module.TypeBool},
			{Name: "releasever"},
			{Name: "security", Type: module.TypeBool, Default: false},
			{Name: "skip_broken", Type: module.TypeBool, Default: false},
			{Name: "sslverify", Type: module.TypeBool, Default: true},
			{Name: "state", Choices: []any{"absent", "present", "installed", "removed", "latest"}},
			{Name: "update_cache", Type: module.TypeBool, Default: false, Aliases: []string{"expire-cache"}},
			{Name: "update_only", Type: module.TypeBool, Default: false},
			{Name: "use_backend", Default: "auto", Choices: []any{"auto", "dnf", "dnf4", "dnf5", "yum", "yum4"}},
			{Name: "validate_certs", Type: module.TypeBool, Default: true},
		},
		Rules: module.Rules{
			MutuallyExclusive: [][]string{{"name", "list"}, {"autoremove", "list"}, {"best", "nobest"}},
			RequiredOneOf:     [][]string{{"name", "list", "update_cache", "autoremove"}},
		},
		CheckMode: true,
	},
	Run: runDNF,
}

// dnfRun is one call of the module.
type dnfRun struct {
	c    *module.Call
	run  hostos.Runner
	rpm  string
	base []string // dnf with what the options say for every command
}

func runDNF(ctx context.Context, c *module.Call) (module.Result, error) {
	d := &dnfRun{c: c, run: hostos.RunnerOf(ctx, c)}
	if err := d.prepare(); err != nil {
		return nil, err
	}
	if list := c.Str("list"); list != "" {
		return d.list(list)
	}
	state := c.Str("state")
	switch {
	case state == "" && c.Bool("autoremove"), state == "removed":
		state = "absent"
	case state == "" || state == "installed":
		state = "present"
	}
	if c.Bool("autoremove") && state != "absent" {
		return nil, module.Fail("Autoremove should be used alone or with state=absent", module.Result{"results": []any{}})
	}
	names := slices.DeleteFunc(c.Strings("name"), func(n string) bool { return strings.TrimSpace(n) == "" })
	if c.Bool("update_cache") {
		if out, err := d.dnf("makecache", "--refresh"); err != nil {
			return nil, err
		} else if out.RC != 0 {
			return nil, dnfFailure(out)
		}
		if len(names) == 0 && !c.Bool("autoremove") {
			return module.Result{"changed": false, "msg": "Cache updated", "rc": 0, "results": []any{}}, nil
		}
	}
	plans, notes, err := d.plan(state, names)
	if err != nil {
		return nil, err
	}
	return d.carryOut(plans, notes)
}

// prepare sets the program and the options that all commands share.
func (d *dnfRun) prepare() error {
	c := d.c
	program := ""
	for _, name := range map[string][]string{"dnf5": {"dnf5"}, "dnf4": {"dnf4", "dnf-3", "dnf"}, "yum4": {"dnf-3", "dnf"}, "yum": {"dnf", "yum"}}[c.Str("use_backend")] {
		if program == "" {
			program = d.run.Find(name)
		}
	}
	for _, name := range []string{"dnf", "dnf5", "yum"} {
		if program == "" {
			program = d.run.Find(name)
		}
	}
	var err error
	if program == "" {
		_, err = d.run.Need("dnf")
		return err
	}
	if d.rpm, err = d.run.Need("rpm"); err != nil {
		return err
	}
	d.base = []string{program, "-y", "--setopt=localpkg_gpgcheck=1"}
	add := func(on bool, args ...string) {
		if on {
			d.base = append(d.base, args...)
		}
	}
	for option, flag := range map[string]string{"conf_file": "--config=", "releasever": "--releasever=", "disable_excludes": "--disableexcludes=", "download_dir": "--downloaddir="} {
		add(c.Str(option) != "", flag+c.Str(option))
	}
	for option, flag := range map[string]string{
		"disablerepo": "--disablerepo=", "enablerepo": "--enablerepo=", "exclude": "--exclude=", "disable_plugin": "--disableplugin=", "enable_plugin": "--enableplugin=",
	} {
		for _, v := range c.Strings(option) {
			add(true, flag+v)
		}
	}
	root := c.Str("installroot")
	add(root != "/" && root != "", "--installroot="+root)
	add(c.Bool("disable_gpg_check"), "--nogpgcheck")
	add(!c.Bool("sslverify") || !c.Bool("validate_certs"), "--setopt=sslverify=0")
	add(!c.Bool("install_weak_deps"), "--setopt=install_weak_deps=False")
	add(c.Bool("skip_broken"), "--setopt=skip_broken=True", "--setopt=strict=0")
	add(c.Bool("best"), "--best")
	add(c.Bool("nobest"), "--nobest")
	add(c.Bool("allowerasing"), "--allowerasing")
	add(c.Bool("cacheonly"), "--cacheonly")
	add(c.Bool("bugfix"), "--bugfix")
	add(c.Bool("security"), "--security")
	add(c.Bool("download_only"), "--downloadonly")
	return nil
}

// dnf runs one command.
func (d *dnfRun) dnf(args ...string) (hostos.Output, error) {
	return d.run.With(hostos.Cmd{Args: append(slices.Clone(d.base), args...), Output: d.c.Output})
}

// rpmQuery asks the database of installed packages.
func (d *dnfRun) rpmQuery(args ...string) (hostos.Output, error) {
	cmd := []string{d.rpm}
	if root := d.c.Str("installroot"); root != "/" && root != "" {
		cmd = append(cmd, "--root="+root)
	}
	return d.run.Run(append(append(cmd, "-q"), args...)...)
}

// installed gives the installed packages that a name, name with version, or pattern means.
func (d *dnfRun) installed(spec string) ([]rpmPackage, error) {
	args := []string{"--qf", rpmFormat, spec}
	if strings.ContainsAny(spec, "*?[") {
		args = append([]string{"-a"}, args...)
	}
	out, err := d.rpmQuery(args...)
	if err != nil || out.RC != 0 {
		return nil, err
	}
	return parsePackages(out.Stdout), nil
}

// plan sorts the names by what is to be done with them: dnf's command → names. notes are for the result's list.
func (d *dnfRun) plan(state string, names []string) (plans []dnfPlan, notes []any, err error) {
	add := func(command string, names ...string) {
		for i := range plans {
			if plans[i].command == command {
				plans[i].names = append(plans[i].names, names...)
				return
			}
		}
		plans = append(plans, dnfPlan{command, names})
	}
	if d.c.Bool("autoremove") && len(names) == 0 {
		add("autoremove")
	}
	for _, n := range names {
		group, file := strings.HasPrefix(n, "@"), strings.HasSuffix(n, ".rpm")
		if state == "absent" {
			have, err := d.installed(n)
			switch {
			case err != nil:
				return nil, nil, err
			case group || len(have) > 0:
				add(map[bool]string{true: "autoremove", false: "remove"}[d.c.Bool("autoremove")], n)
			default:
				notes = append(notes, "No match for argument: "+n)
			}
			continue
		}
		if n == "*" && state == "latest" {
			add("upgrade")
			continue
		}
		if group || file {
			if local := file && !strings.Contains(n, "://"); local {
				if done, command, err := d.localFile(n); err != nil {
					return nil, nil, err
				} else if !done {
					add(command, n)
				}
				continue
			}
			add("install", n)
			continue
		}
		have, err := d.installed(n)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case len(have) > 0 && state == "latest":
			add("upgrade", n)
		case len(have) > 0:
			// It is there, in this version when one is named.
		case d.c.Bool("update_only"):
		default:
			older, err := d.older(n)
			if err != nil {
				return nil, nil, err
			}
			switch {
			case !older:
				add("install", n)
			case d.c.Bool("allow_downgrade"):
				add("downgrade", n)
			}
		}
	}
	return plans, notes, nil
}

type dnfPlan struct {
	command string
	names   []string
}

// older reports whether a name with a version means one below the installed one.
func (d *dnfRun) older(spec string) (bool, error) {
	if strings.ContainsAny(spec, " *?[<>=") || !strings.Contains(spec, "-") {
		return false, nil
	}
	out, err := d.dnf("-q", "repoquery", "--qf", dnfFormat, spec)
	if err != nil || out.RC != 0 {
		return false, err
	}
	for _, p := range parsePackages(out.Stdout) {
		have, err := d.installed(p.name)
		if err != nil {
			return false, err
		}
		for _, h := range have {
			if h.arch == p.arch && h.compare(p) > 0 {
				return true, nil
			}
		}
	}
	return false, nil
}

// localFile says what is to be done with a package file: nothing when this version or a newer one is there.
func (d *dnfRun) localFile(file string) (done bool, command string, err error) {
	out, err := d.rpmQuery("--qf", rpmFormat, "-p", file)
	if err != nil {
		return false, "", err
	}
	packages := parsePackages(out.Stdout)
	if out.RC != 0 || len(packages) == 0 {
		return false, "", module.Fail("Error occurred attempting remote rpm operation: Could not open: "+file, module.Result{"rc": 1, "results": []any{}})
	}
	have, err := d.installed(packages[0].name)
	for _, h := range have {
		switch order := h.compare(packages[0]); {
		case order == 0:
			return true, "", err
		case order > 0:
			return !d.c.Bool("allow_downgrade"), "downgrade", err
		}
	}
	return false, "install", err
}

// carryOut finds out what dnf would do, and does it.
func (d *dnfRun) carryOut(plans []dnfPlan, notes []any) (module.Result, error) {
	var in, out []string
	for _, p := range plans {
		got, err := d.dnf(append([]string{"--assumeno", p.command}, p.names...)...)
		if err != nil {
			return nil, err
		}
		i, o, err := d.transaction(got)
		if err != nil {
			return nil, err
		}
		in, out = append(in, i...), append(out, o...)
	}
	results := []any{}
	slices.Sort(in)
	slices.Sort(out)
	if d.c.Bool("download_only") {
		for _, p := range in {
			results = append(results, "Downloaded: "+p)
		}
	} else {
		for _, p := range slices.Compact(in) {
			results = append(results, "Installed: "+p)
		}
		for _, p := range slices.Compact(out) {
			results = append(results, "Removed: "+p)
		}
	}
	r := module.Result{"changed": len(results) > 0, "msg": "", "rc": 0, "results": append(results, notes...)}
	switch {
	case len(results) == 0:
		r["msg"] = "Nothing to do"
		return r, nil
	case d.c.Check:
		r["msg"] = "Check mode: No changes made, but would have if not in check mode"
		return r, nil
	}
	for _, p := range plans {
		got, err := d.dnf(append([]string{p.command}, p.names...)...)
		if err != nil {
			return nil, err
		}
		if got.RC != 0 {
			return nil, dnfFailure(got)
		}
	}
	return r, nil
}

// transaction reads what dnf says it would do.
func (d *dnfRun) transaction(out hostos.Output) (in, gone []string, err error) {
	var failures []any
	for line := range strings.Lines(out.Stdout + out.Stderr) {
		line = strings.TrimRight(line, "\n")
		if name, ok := strings.CutPrefix(line, "No match for argument: "); ok {
			why := "No package " + name + " available."
			if slices.ContainsFunc(d.c.Strings("exclude"), func(p string) bool { ok, err := path.Match(p, name); return ok && err == nil }) {
				why = name + " All matches were filtered out by exclude filtering for argument: " + name
			}
			failures = append(failures, why)
		}
		if name, ok := strings.CutPrefix(line, "All matches were filtered out by exclude filtering for argument: "); ok {
			failures = append(failures, name+" "+line)
		}
		if name, ok := strings.CutPrefix(line, "Module or Group '"); ok {
			name, _, _ = strings.Cut(name, "'")
			return nil, nil, module.Fail("No group "+name+" available.", module.Result{"results": []any{}})
		}
	}
	if len(failures) > 0 && !d.c.Bool("skip_broken") {
		return nil, nil, module.Fail("Failed to install some of the specified packages", module.Result{"failures": failures, "rc": 1, "results": []any{}})
	}
	rows := transactionRows(out.Stdout)
	if out.RC != 0 && len(rows) == 0 && !strings.Contains(out.Stdout+out.Stderr, "Nothing to do") {
		return nil, nil, dnfFailure(out)
	}
	for _, row := range rows {
		if row.removes {
			gone = append(gone, row.String())
			continue
		}
		in = append(in, row.String())
		if row.replaces {
			have, err := d.installed(row.name + "." + row.arch)
			if err != nil {
				return nil, nil, err
			}
			for _, h := range have {
				gone = append(gone, h.String())
			}
		}
	}
	return in, gone, nil
}

// dnfFailure is what a failed command gives as the reason.
func dnfFailure(out hostos.Output) error {
	for line := range strings.Lines(out.Stdout + out.Stderr) {
		line = strings.TrimSpace(line)
		if file, ok := strings.CutSuffix(line, " is not signed"); ok {
			name := strings.TrimSuffix(filepath.Base(strings.TrimPrefix(file, "Package ")), ".rpm")
			return module.Fail(fmt.Sprintf("Failed to validate GPG signature for %s: %s", name, line), nil)
		}
	}
	msg := out.Err()
	if _, problem, ok := strings.Cut(out.Stderr, "Error: \n Problem"); ok {
		return module.Fail("Depsolve Error occurred: \n Problem"+strings.TrimRight(problem, "\n"), module.Result{"rc": out.RC, "results": []any{}, "failures": []any{}})
	}
	for line := range strings.Lines(out.Stderr) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "Error: "); ok {
			msg = rest
			break
		}
	}
	return module.Fail(msg, module.Result{"rc": out.RC, "results": []any{}})
}

// list answers the option list: installed, available, updates, repos, or a name.
func (d *dnfRun) list(what string) (module.Result, error) {
	results := []any{}
	if what == "repos" || what == "repositories" {
		out, err := d.dnf("-q", "repolist", "--enabled")
		if err != nil {
			return nil, err
		}
		for i, line := range strings.Split(strings.TrimSpace(out.Stdout), "\n") {
			if f := strings.Fields(line); i > 0 && len(f) > 0 {
				results = append(results, map[string]any{"repoid": f[0], "state": "enabled"})
			}
		}
		return module.Result{"changed": false, "msg": "", "results": results}, nil
	}
	var packages []rpmPackage
	query := func(args ...string) error {
		out, err := d.dnf(append([]string{"-q", "repoquery", "--qf", dnfFormat}, args...)...)
		packages = append(packages, parsePackages(out.Stdout)...)
		return err
	}
	local := func(pattern string) error {
		have, err := d.installed(pattern)
		for _, h := range have {
			h.repo = "@System"
			packages = append(packages, h)
		}
		return err
	}
	var err error
	switch what {
	case "installed":
		err = local("*")
	case "available":
		err = query("--available")
	case "updates", "upgrades":
		err = query("--upgrades")
	default:
		if err = local(what); err == nil {
			err = query(what)
		}
	}
	if err != nil {
		return nil, err
	}
	for _, p := range packages {
		state := "available"
		if p.repo == "@System" {
			state = "installed"
		}
		epoch := fmt.Sprintf("%s:%s-%s-%s.%s", p.epoch, p.name, p.version, p.release, p.arch)
		results = append(results, map[string]any{
			"name": p.name, "arch": p.arch, "epoch": p.epoch, "release": p.release, "version": p.version, "repo": p.repo, "yumstate": state,
			"nevra": epoch, "envra": epoch,
		})
	}
	return module.Result{"changed": false, "msg": "", "results": results}, nil
}
