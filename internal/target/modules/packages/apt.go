package packages

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var apt = &module.Module{
	Name: "ansible.builtin.apt",
	Doc:  "Installs, upgrades and removes Debian packages.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "allow_change_held_packages", Type: module.TypeBool, Default: false},
			{Name: "allow_downgrade", Type: module.TypeBool, Default: false, Aliases: []string{"allow-downgrade", "allow_downgrades", "allow-downgrades"}},
			{Name: "allow_unauthenticated", Type: module.TypeBool, Default: false, Aliases: []string{"allow-unauthenticated"}},
			{Name: "autoclean", Type: module.TypeBool, Default: false},
			{Name: "autoremove", Type: module.TypeBool, Default: false},
			{Name: "cache_valid_time", Type: module.TypeInt, Default: int64(0)},
			{Name: "clean", Type: module.TypeBool, Default: false},
			{Name: "deb", Type: module.TypePath},
			{Name: "default_release", Aliases: []string{"default-release"}},
			{Name: "dpkg_options", Default: "force-confdef,force-confold"},
			{Name: "fail_on_autoremove", Type: module.TypeBool, Default: false},
			{Name: "force", Type: module.TypeBool, Default: false},
			{Name: "force_apt_get", Type: module.TypeBool, Default: false},
			{Name: "install_recommends", Type: module.TypeBool, Aliases: []string{"install-recommends"}},
			{Name: "lock_timeout", Type: module.TypeInt, Default: int64(60)},
			{Name: "only_upgrade", Type: module.TypeBool, Default: false},
			{Name: "package", Type: module.TypeList, Elements: module.TypeStr, Aliases: []string{"pkg", "name"}},
			{Name: "policy_rc_d", Type: module.TypeInt},
			{Name: "purge", Type: module.TypeBool, Default: false},
			{Name: "state", Default: "present", Choices: []any{"absent", "build-dep", "fixed", "latest", "present"}},
			{Name: "update_cache", Type: module.TypeBool, Aliases: []string{"update-cache"}},
			{Name: "update_cache_retries", Type: module.TypeInt, Default: int64(5)},
			{Name: "update_cache_retry_max_delay", Type: module.TypeInt, Default: int64(12)},
			{Name: "upgrade", Default: "no", Choices: []any{"dist", "full", "no", "safe", "yes"}},
		},
		Rules: module.Rules{
			MutuallyExclusive: [][]string{{"deb", "package", "upgrade"}},
			RequiredOneOf:     [][]string{{"autoremove", "deb", "package", "update_cache", "upgrade"}},
		},
		CheckMode: true,
	},
	Run: runApt,
}

// aptCall is one run of apt.
type aptCall struct {
	*module.Call
	ctx       context.Context
	run       hostos.Runner
	bin       string
	options   []string // for every apt-get that changes something
	dpkg      map[string]installed
	updated   bool
	cacheTime int64
}

// aptEnv keeps programs from asking.
var aptEnv = []string{"DEBIAN_FRONTEND=noninteractive", "DEBIAN_PRIORITY=critical"}

func runApt(ctx context.Context, c *module.Call) (module.Result, error) {
	run := hostos.RunnerOf(ctx, c)
	bin, err := run.Need("apt-get")
	if err != nil {
		return nil, err
	}
	a := &aptCall{Call: c, ctx: ctx, run: run, bin: bin}
	a.options = []string{"-y"}
	for o := range strings.SplitSeq(c.Str("dpkg_options"), ",") {
		if o = strings.TrimSpace(o); o != "" {
			a.options = append(a.options, "-o", "Dpkg::Options::=--"+o)
		}
	}
	a.options = append(a.options, "-o", fmt.Sprintf("DPkg::Lock::Timeout=%d", c.Int("lock_timeout")))

	names := splitNames(c.Strings("package"))
	state := c.Str("state")
	upgrade := c.Str("upgrade")
	if upgrade == "no" {
		upgrade = ""
	}
	a.cacheTime = cacheTime()
	if c.Bool("update_cache") || c.Int("cache_valid_time") > 0 {
		if err := a.update(); err != nil {
			return nil, err
		}
		if len(names) == 0 && upgrade == "" && !c.Has("deb") {
			return module.Result{"changed": a.updated, "cache_updated": a.updated, "cache_update_time": a.cacheTime}, nil
		}
	}
	if c.Bool("clean") {
		var out hostos.Output
		if !c.Check {
			out, err = a.exec(a.bin, "clean")
		}
		if err != nil {
			return nil, err
		}
		if out.RC != 0 {
			return nil, module.Fail("apt-get clean failed", module.Result{"stdout": out.Stdout, "rc": out.RC})
		}
		if len(names) == 0 && upgrade == "" && !c.Has("deb") {
			return module.Result{"changed": true, "msg": out.Stdout, "stdout": out.Stdout, "stderr": out.Stderr, "diff": a.prepared(out.Stdout)}, nil
		}
	}
	if upgrade != "" {
		return a.upgrade(upgrade)
	}
	if deb := c.Str("deb"); deb != "" {
		if state != "present" {
			return nil, module.Fail("deb only supports state=present", nil)
		}
		return a.fromFile(deb)
	}
	if c.Bool("autoclean") && len(names) == 0 {
		return a.tidy("autoclean", "Del ")
	}
	if c.Bool("autoremove") && len(names) == 0 {
		return a.tidy("autoremove", "")
	}
	if len(names) == 0 {
		return module.Result{"changed": false, "cache_updated": a.updated, "cache_update_time": a.cacheTime}, nil
	}
	if a.dpkg, err = readDpkg(); err != nil {
		return nil, module.Fail("cannot read dpkg's database: "+err.Error(), nil)
	}
	if names, err = a.expand(names, state); err != nil {
		return nil, err
	}
	switch state {
	case "absent":
		return a.remove(names)
	case "build-dep", "fixed":
		return a.install(names, state)
	}
	return a.install(names, state)
}

// splitNames cuts "a,b" apart.
func splitNames(list []string) []string {
	var out []string
	for _, n := range list {
		for p := range strings.SplitSeq(n, ",") {
			if p = strings.TrimSpace(p); p != "" {
				out = append(out, p)
			}
		}
	}
	return out
}

func (a *aptCall) exec(args ...string) (hostos.Output, error) {
	return a.run.With(hostos.Cmd{Args: args, Env: aptEnv, Output: a.Output})
}

// cacheTime is when the package lists were last updated, in seconds.
func cacheTime() int64 {
	t := int64(0)
	for _, p := range []string{"/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/lists"} {
		if info, err := os.Stat(p); err == nil {
			t = info.ModTime().Unix()
			break
		}
	}
	return t
}

// update brings the package lists up to date unless they are young enough.
func (a *aptCall) update() error {
	valid := a.Int("cache_valid_time")
	if valid > 0 && time.Now().Unix() <= a.cacheTime+valid {
		return nil
	}
	if a.Check {
		a.updated = true
		return nil
	}
	retries, maxDelay := a.Int("update_cache_retries"), a.Int("update_cache_retry_max_delay")
	deadline := time.Now().Add(time.Duration(a.Int("lock_timeout")) * time.Second)
	var last hostos.Output
	for try := int64(0); try < max(retries, 1); try++ {
		out, err := a.exec(a.bin, "-q", "-o", fmt.Sprintf("DPkg::Lock::Timeout=%d", a.Int("lock_timeout")), "update")
		if err != nil {
			return err
		}
		if out.RC == 0 {
			now := cacheTime()
			a.updated, a.cacheTime = now != a.cacheTime, now // apt leaves the time alone when nothing was new
			return nil
		}
		if lock, ok := strings.CutPrefix(out.Stderr, "E: "); ok && strings.HasPrefix(lock, "Could not get lock ") { // for that of the lists apt-get does not wait
			if !time.Now().Before(deadline) {
				lock, _, _ = strings.Cut(lock, "\n")
				return module.Fail("Failed to lock apt for exclusive operation: Failed to lock directory /var/lib/apt/lists/: E:"+lock, nil)
			}
			if err := a.pause(min(time.Until(deadline), time.Second/2)); err != nil {
				return err
			}
			try--
			continue
		}
		last = out
		delay := min(time.Duration(1<<min(try, 20))*time.Second, time.Duration(maxDelay)*time.Second)
		if try+1 < retries {
			if err := a.pause(delay + time.Duration(rand.IntN(1000))*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return module.Fail(fmt.Sprintf("Failed to update apt cache after %d retries: %s", retries, aptErrors(last)), nil)
}

func (a *aptCall) pause(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-a.ctx.Done():
		return context.Cause(a.ctx)
	}
}

// aptErrors are a failed command's errors and warnings in one line, as apt's library says them.
func aptErrors(out hostos.Output) string {
	var list []string
	for line := range strings.Lines(out.Stderr) {
		if kind, text, ok := strings.Cut(line, ": "); ok && (kind == "E" || kind == "W") {
			list = append(list, kind+":"+strings.TrimSpace(text))
		}
	}
	if len(list) == 0 {
		return strings.TrimSpace(out.Err())
	}
	return strings.Join(list, ", ")
}

// prepared is the diff of apt's announcement; empty without diff mode.
func (a *aptCall) prepared(stdout string) map[string]any {
	if !a.Diff {
		return map[string]any{}
	}
	lines := strings.Split(strings.TrimRight(stdout, "\n"), "\n")
	from := slices.Index(lines, "Reading state information...")
	if from < 0 {
		from = -1
	}
	lines = lines[from+1:]
	for i, l := range lines {
		if strings.Contains(l, " upgraded, ") && strings.Contains(l, " newly installed, ") {
			lines = lines[:i+1]
			break
		}
	}
	return map[string]any{"prepared": strings.Join(lines, "\n")}
}

// nothing is what apt says when there is nothing to do.
const nothing = "\n0 upgraded, 0 newly installed, 0 to remove"

func (a *aptCall) simulate() []string {
	if a.Check {
		return []string{"--simulate"}
	}
	return nil
}

func (a *aptCall) upgrade(mode string) (module.Result, error) {
	args := []string{a.bin}
	args = append(args, a.options...)
	args = append(args, a.simulate()...)
	if a.Bool("fail_on_autoremove") {
		args = append(args, "--no-remove")
	}
	if a.Bool("autoremove") {
		args = append(args, "--auto-remove")
	}
	args = append(args, a.allow()...)
	if r := a.Str("default_release"); r != "" {
		args = append(args, "-t", r)
	}
	verb := []string{"upgrade", "--with-new-pkgs"}
	if mode == "dist" || mode == "full" {
		verb = []string{"dist-upgrade"}
	}
	args = append(args, verb...)
	out, err := a.exec(args...)
	if err != nil {
		return nil, err
	}
	if out.RC != 0 {
		said := a.bin + " " + strings.Join(verb, " ") + " " + a.flag("autoremove", "--auto-remove")
		return nil, module.Fail(fmt.Sprintf("'%s' failed: %s", said, out.Stderr), module.Result{"stdout": out.Stdout, "rc": out.RC})
	}
	r := module.Result{"changed": !strings.Contains(out.Stdout, nothing), "msg": out.Stdout, "stdout": out.Stdout, "stderr": out.Stderr}
	if r["changed"] == true {
		r["diff"] = a.prepared(out.Stdout)
	}
	return r, nil
}

func (a *aptCall) allow() []string {
	var out []string
	for _, o := range []struct{ option, flag string }{
		{"force", "--force-yes"}, {"allow_unauthenticated", "--allow-unauthenticated"}, {"allow_downgrade", "--allow-downgrades"},
		{"allow_change_held_packages", "--allow-change-held-packages"},
	} {
		if a.Bool(o.option) {
			out = append(out, o.flag)
		}
	}
	return out
}

// tidy runs autoclean or autoremove.
func (a *aptCall) tidy(operation, marker string) (module.Result, error) {
	args := []string{a.bin}
	args = append(args, a.options...)
	if a.Bool("purge") && operation == "autoremove" {
		args = append(args, "--purge")
	}
	args = append(args, operation)
	args = append(args, a.simulate()...)
	out, err := a.exec(args...)
	if err != nil {
		return nil, err
	}
	if out.RC != 0 {
		return nil, module.Fail(fmt.Sprintf("'apt-get %s' failed: %s", operation, out.Stderr), module.Result{"stdout": out.Stdout, "stderr": out.Stderr, "rc": out.RC})
	}
	changed := strings.Contains(out.Stdout, marker)
	if marker == "" {
		changed = !strings.Contains(out.Stdout, nothing)
	}
	return module.Result{"changed": changed, "stdout": out.Stdout, "stderr": out.Stderr, "diff": a.prepared(out.Stdout)}, nil
}

// wish is a wanted package: name, and maybe a comparison with a version.
type wish struct{ name, op, version string }

func parseWish(s string) wish {
	for _, op := range []string{">=", "="} {
		if n, v, ok := strings.Cut(s, op); ok {
			return wish{strings.TrimSpace(n), op, strings.TrimSpace(v)}
		}
	}
	return wish{name: s}
}

// expand replaces names with * by what they match.
func (a *aptCall) expand(names []string, state string) ([]string, error) {
	var out []string
	var known []string
	for _, n := range names {
		w := parseWish(n)
		if !strings.ContainsAny(w.name, "*?[") {
			out = append(out, n)
			continue
		}
		if known == nil {
			if cache := a.run.Find("apt-cache"); cache != "" && state != "absent" {
				res, err := a.exec(cache, "pkgnames")
				if err != nil {
					return nil, err
				}
				known = strings.Fields(res.Stdout)
			}
			for k := range a.dpkg {
				if !strings.Contains(k, ":") {
					known = append(known, k)
				}
			}
			slices.Sort(known)
			known = slices.Compact(known)
		}
		found := false
		for _, k := range known {
			if ok, err := path.Match(w.name, k); ok && err == nil {
				found = true
				if w.op != "" {
					k += w.op + w.version
				}
				out = append(out, k)
			}
		}
		if !found && state != "absent" {
			return nil, module.Fail(fmt.Sprintf("No package(s) matching '%s' available", w.name), nil)
		}
	}
	return out, nil
}

// policy is what apt-cache policy says of a package.
type policy struct{ installed, candidate string }

func (a *aptCall) policies(names []string) (map[string]policy, error) {
	cache, err := a.run.Need("apt-cache")
	if err != nil {
		return nil, err
	}
	args := []string{cache}
	if r := a.Str("default_release"); r != "" {
		args = append(args, "-t", r)
	}
	out, err := a.exec(append(append(args, "policy"), names...)...)
	if err != nil {
		return nil, err
	}
	list := map[string]policy{}
	var name string
	for line := range strings.Lines(out.Stdout) {
		line = strings.TrimRight(line, "\n")
		if line != "" && line[0] != ' ' {
			name = strings.TrimSuffix(line, ":")
			list[name] = policy{}
			continue
		}
		p := list[name]
		k, v, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if v == "(none)" {
			v = ""
		}
		switch k {
		case "Installed":
			p.installed = v
		case "Candidate":
			p.candidate = v
		}
		list[name] = p
	}
	return list, nil
}

// provided says whether an installed package provides a virtual one.
func (a *aptCall) provided(name string) bool {
	for _, p := range a.dpkg {
		if p.full && slices.Contains(p.provides, name) {
			return true
		}
	}
	return false
}

// versionFits says whether an installed version is what the wish names.
func (a *aptCall) versionFits(have string, w wish) bool {
	if w.op == ">=" {
		out, err := a.exec("dpkg", "--compare-versions", have, "ge", w.version)
		return err == nil && out.RC == 0
	}
	ok, err := path.Match(w.version, have)
	return ok && err == nil || have == w.version
}

func (a *aptCall) install(names []string, state string) (module.Result, error) {
	if state == "build-dep" {
		return a.aptInstall(names, state)
	}
	var ask []string
	wishes := make([]wish, len(names))
	for i, n := range names {
		w := parseWish(n)
		wishes[i] = w
		p, ok := a.dpkg[w.name]
		if !ok || !p.done || state == "latest" || w.op != "" {
			ask = append(ask, w.name)
		}
	}
	var known map[string]policy
	if len(ask) > 0 {
		var err error
		if known, err = a.policies(ask); err != nil {
			return nil, err
		}
	}
	var todo []string
	for i, w := range wishes {
		p := a.dpkg[w.name]
		pol, exists := known[w.name]
		switch {
		case w.op != "":
			if p.done && a.versionFits(p.version, w) && (state != "latest" || pol.candidate == p.version || !a.versionFits(pol.candidate, w)) {
				continue
			}
			if a.Bool("only_upgrade") && !p.done {
				continue
			}
			if !exists {
				return nil, module.Fail(fmt.Sprintf("No package matching '%s' is available", w.name), nil)
			}
			found, err := a.candidate(w, pol)
			if err != nil {
				return nil, err
			}
			if found == "" {
				return nil, module.Fail(fmt.Sprintf("no available installation candidate for %s", names[i]),
					module.Result{"cache_updated": a.updated, "cache_update_time": a.cacheTime})
			}
			todo = append(todo, w.name+"="+found)
		case p.done:
			if state == "latest" && pol.candidate != "" && pol.candidate != p.version {
				todo = append(todo, w.name+"="+pol.candidate)
			}
		case a.Bool("only_upgrade"):
		case pol.candidate == "":
			if a.provided(w.name) && state != "latest" {
				continue
			}
			virtual, err := a.virtual(w.name)
			if err != nil {
				return nil, err
			}
			if !virtual {
				return nil, module.Fail(fmt.Sprintf("No package matching '%s' is available", w.name), nil)
			}
			todo = append(todo, w.name)
		default:
			todo = append(todo, w.name+"="+pol.candidate)
		}
	}
	r := module.Result{"changed": false, "cache_updated": a.updated, "cache_update_time": a.cacheTime}
	if len(todo) > 0 {
		var err error
		if r, err = a.aptInstall(todo, state); err != nil {
			return r, err
		}
	}
	return r, a.markManual(wishes)
}

// candidate is the newest available version that fits the wish; "" when none does.
func (a *aptCall) candidate(w wish, pol policy) (string, error) {
	if w.op == ">=" {
		if a.versionFits(pol.candidate, w) {
			return pol.candidate, nil
		}
		return "", nil
	}
	cache, err := a.run.Need("apt-cache")
	if err != nil {
		return "", err
	}
	out, err := a.exec(cache, "madison", w.name)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(out.Stdout) {
		f := strings.Split(line, "|")
		if len(f) < 2 || strings.Contains(f[len(f)-1], "Sources") {
			continue
		}
		if v := strings.TrimSpace(f[1]); a.versionFits(v, w) {
			return v, nil
		}
	}
	return "", nil
}

// virtual says whether something that can be installed provides the name.
func (a *aptCall) virtual(name string) (bool, error) {
	cache, err := a.run.Need("apt-cache")
	if err != nil {
		return false, err
	}
	out, err := a.exec(cache, "showpkg", name)
	if err != nil {
		return false, err
	}
	_, reverse, ok := strings.Cut(out.Stdout, "Reverse Provides:")
	return ok && strings.TrimSpace(reverse) != "", nil
}

func (a *aptCall) aptInstall(names []string, state string) (module.Result, error) {
	args := []string{a.bin}
	args = append(args, a.options...)
	if a.Bool("only_upgrade") {
		args = append(args, "--only-upgrade")
	}
	if state == "fixed" {
		args = append(args, "--fix-broken")
	}
	if a.Bool("fail_on_autoremove") {
		args = append(args, "--no-remove")
	}
	if a.Bool("autoremove") {
		args = append(args, "--auto-remove")
	}
	args = append(args, a.simulate()...)
	if state == "build-dep" {
		args = append(args, "build-dep")
	} else {
		args = append(args, "install")
	}
	args = append(args, names...)
	if r := a.Str("default_release"); r != "" {
		args = append(args, "-t", r)
	}
	if a.Has("install_recommends") {
		v := "no"
		if a.Bool("install_recommends") {
			v = "yes"
		}
		args = append(args, "-o", "APT::Install-Recommends="+v)
	}
	args = append(args, a.allow()...)
	restore, err := a.policyRC()
	if err != nil {
		return nil, err
	}
	out, err := a.exec(args...)
	restore()
	if err != nil {
		return nil, err
	}
	r := module.Result{"cache_updated": a.updated, "cache_update_time": a.cacheTime}
	if out.RC != 0 {
		r["stdout"], r["stderr"], r["rc"] = out.Stdout, out.Stderr, out.RC
		return r, module.Fail(fmt.Sprintf("'%s' failed: %s", a.said(names, state), out.Stderr), nil)
	}
	r["changed"], r["stdout"], r["stderr"], r["diff"] = true, out.Stdout, out.Stderr, a.prepared(out.Stdout)
	if state == "build-dep" {
		r["changed"] = !strings.Contains(out.Stdout, nothing)
	}
	return r, nil
}

func (a *aptCall) flag(option, flag string) string {
	if a.Bool(option) {
		return flag
	}
	return ""
}

// said is the command of an installation as Ansible's messages give it.
func (a *aptCall) said(names []string, state string) string {
	var dpkg []string
	for o := range strings.SplitSeq(a.Str("dpkg_options"), ",") {
		dpkg = append(dpkg, `-o "Dpkg::Options::=--`+o+`"`)
	}
	words := []string{a.bin, "-y", strings.Join(dpkg, " "), a.flag("only_upgrade", "--only-upgrade"), "", a.flag("force", "--force-yes")}
	if state == "fixed" {
		words[4] = "--fix-broken"
	}
	if state != "build-dep" {
		words = append(words, a.flag("autoremove", "--auto-remove"))
	}
	verb := "install"
	if state == "build-dep" {
		verb = state
	}
	words = append(words, a.flag("fail_on_autoremove", "--no-remove"), strings.Join(a.simulate(), " "), verb)
	for _, n := range names {
		words = append(words, "'"+n+"'")
	}
	if r := a.Str("default_release"); r != "" {
		words = append(words, "-t '"+r+"'")
	}
	if a.Has("install_recommends") {
		words = append(words, "-o APT::Install-Recommends="+map[bool]string{true: "yes", false: "no"}[a.Bool("install_recommends")])
	}
	return strings.Join(append(words, slices.DeleteFunc(a.allow(), func(f string) bool { return f == "--force-yes" })...), " ")
}

// markManual tells apt that packages are here for their own sake, unless it knows.
func (a *aptCall) markManual(wishes []wish) error {
	data, err := os.ReadFile("/var/lib/apt/extended_states")
	if err != nil || a.Check {
		return nil // nothing was installed automatically
	}
	var names []string
	for _, w := range wishes {
		for stanza := range strings.SplitSeq(string(data), "\n\n") {
			if strings.HasPrefix(stanza, "Package: "+w.name+"\n") && strings.Contains(stanza, "\nAuto-Installed: 1") {
				names = append(names, w.name)
				break
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	bin, err := a.run.Need("apt-mark")
	if err != nil {
		return err
	}
	_, err = a.exec(append([]string{bin, "manual"}, names...)...)
	return err
}

func (a *aptCall) remove(names []string) (module.Result, error) {
	var todo []string
	for _, n := range names {
		w := parseWish(n)
		if p, ok := a.dpkg[w.name]; ok && (p.done || a.Bool("purge")) {
			todo = append(todo, w.name)
		}
	}
	if len(todo) == 0 {
		return module.Result{"changed": false}, nil
	}
	args := []string{a.bin, "-q"}
	args = append(args, a.options...)
	if a.Bool("purge") {
		args = append(args, "--purge")
	}
	if a.Bool("force") {
		args = append(args, "--force-yes")
	}
	if a.Bool("autoremove") {
		args = append(args, "--auto-remove")
	}
	if a.Bool("allow_change_held_packages") {
		args = append(args, "--allow-change-held-packages")
	}
	args = append(args, a.simulate()...)
	args = append(append(args, "remove"), todo...)
	out, err := a.exec(args...)
	if err != nil {
		return nil, err
	}
	if out.RC != 0 {
		return nil, module.Fail(fmt.Sprintf("'apt-get remove '%s'' failed: %s", strings.Join(todo, "' '"), out.Stderr),
			module.Result{"stdout": out.Stdout, "stderr": out.Stderr, "rc": out.RC})
	}
	return module.Result{"changed": true, "stdout": out.Stdout, "stderr": out.Stderr, "diff": a.prepared(out.Stdout)}, nil
}
