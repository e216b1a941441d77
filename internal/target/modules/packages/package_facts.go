package packages

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var packageFacts = &module.Module{
	Name: "ansible.builtin.package_facts",
	Doc:  "Lists the installed packages as facts.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "manager", Type: module.TypeList, Elements: module.TypeStr, Default: []any{"auto"}},
			{Name: "strategy", Default: "first", Choices: []any{"first", "all"}},
		},
		CheckMode: true,
	},
	Run: runPackageFacts,
}

// lister lists the installed packages of one package manager; nil when the machine does not have it.
type lister struct {
	name string
	list func(run hostos.Runner) (map[string][]any, error)
}

var listers = []lister{
	{"apt", listDpkg},
	{"rpm", listRPM},
	{"apk", listApk},
	{"pacman", listPacman},
}

// elsewhere are the managers that only Ansible's own module knows.
var elsewhere = []string{"apk", "pkg", "pkg5", "pkg_info", "portage"}

func runPackageFacts(ctx context.Context, c *module.Call) (module.Result, error) {
	run := hostos.RunnerOf(ctx, c)
	want := c.Strings("manager")
	for i, m := range want {
		m = strings.ToLower(m)
		if slices.Contains([]string{"dnf", "dnf5", "yum", "zypper"}, m) {
			m = "rpm"
		}
		want[i] = m
		if m != "auto" && !slices.ContainsFunc(listers, func(l lister) bool { return l.name == m }) {
			if !slices.Contains(elsewhere, m) {
				return nil, module.Fail("Unsupported package managers requested: "+m, nil)
			}
			return nil, &module.NotNative{Reason: "package_facts does not know the package manager " + m}
		}
	}
	packages := map[string]any{}
	found := 0
	for _, l := range asked(want) {
		if found > 0 && c.Str("strategy") == "first" {
			break
		}
		list, err := l.list(run)
		if err == nil && list == nil {
			if slices.Contains(want, l.name) {
				c.Warn("Requested package manager " + l.name + " was not usable by this module")
			}
			continue
		}
		found++
		if err != nil {
			c.Warn("Failed to retrieve packages with " + l.name + ": " + err.Error())
		}
		for k, v := range list {
			packages[k] = v
		}
	}
	if found == 0 {
		names := make([]string, len(want))
		for i, w := range want {
			names[i] = module.Quote(w)
		}
		return nil, module.Fail("Could not detect a supported package manager from the following list: ["+strings.Join(names, ", ")+"], "+
			"or the required Python library is not installed. Check warnings for details.", nil)
	}
	return module.Result{"ansible_facts": map[string]any{"packages": packages}}, nil
}

// asked are the listers of the wanted names, in their order, each once; auto adds the others.
func asked(want []string) []lister {
	var out []lister
	add := func(l lister) {
		if !slices.ContainsFunc(out, func(o lister) bool { return o.name == l.name }) {
			out = append(out, l)
		}
	}
	for _, w := range want {
		for _, l := range listers {
			if l.name == w {
				add(l)
			}
		}
	}
	if slices.Contains(want, "auto") {
		for _, l := range listers {
			add(l)
		}
	}
	return out
}

func listDpkg(hostos.Runner) (map[string][]any, error) {
	if _, err := os.Stat(dpkgStatus); err != nil {
		return nil, nil
	}
	all, err := readDpkg()
	if err != nil {
		return nil, module.Fail(err.Error(), nil)
	}
	out := map[string][]any{}
	for k, p := range all {
		name, _, ok := strings.Cut(k, ":")
		if !ok || !p.full {
			continue
		}
		out[name] = append(out[name], map[string]any{"name": name, "version": p.version, "arch": p.arch, "category": p.section,
			"origin": "", "source": "apt"})
	}
	return out, nil
}

func listRPM(run hostos.Runner) (map[string][]any, error) {
	bin := hostos.FindBin("rpm")
	if bin == "" || hostos.FindBin("dpkg") != "" {
		return nil, nil
	}
	res, err := run.Must(bin, "-qa", "--qf", "%{NAME}\t%{VERSION}\t%{RELEASE}\t%{EPOCHNUM}\t%|EPOCH?{x}|\t%{ARCH}\n")
	if err != nil {
		return nil, err
	}
	out := map[string][]any{}
	for line := range strings.Lines(res.Stdout) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 6 {
			continue
		}
		var epoch any
		if f[4] == "x" {
			epoch = atoi(f[3])
		}
		var arch any = f[5]
		if f[5] == "(none)" {
			arch = nil
		}
		out[f[0]] = append(out[f[0]], map[string]any{"name": f[0], "version": f[1], "release": f[2], "epoch": epoch, "arch": arch, "source": "rpm"})
	}
	return out, nil
}

func atoi(s string) int64 {
	n := int64(0)
	for _, r := range s {
		if r < '0' || r > '9' {
			return n
		}
		n = n*10 + int64(r-'0')
	}
	return n
}

func listApk(run hostos.Runner) (map[string][]any, error) {
	bin := run.Find("apk")
	if bin == "" {
		return nil, nil
	}
	res, err := run.Run(bin, "info", "-v")
	if err == nil && res.RC != 0 {
		err = fmt.Errorf("Unable to list packages rc=%d : %s", res.RC, res.Stderr) //nolint:staticcheck // Ansible's words
	}
	if err != nil {
		return nil, err
	}
	out := map[string][]any{}
	for line := range strings.Lines(res.Stdout) {
		f := strings.Split(strings.TrimSpace(line), "-")
		n := len(f)
		if n < 3 {
			name := strings.TrimSpace(line)
			out[name] = append(out[name], map[string]any{"name": name, "version": "", "release": "", "source": "apk"})
			continue
		}
		name := strings.Join(f[:n-2], "-")
		out[name] = append(out[name], map[string]any{"name": name, "version": f[n-2], "release": f[n-1], "source": "apk"})
	}
	return out, nil
}

func listPacman(run hostos.Runner) (map[string][]any, error) {
	bin := run.Find("pacman")
	if bin == "" {
		return nil, nil
	}
	res, err := run.Must(bin, "-Q")
	if err != nil {
		return nil, err
	}
	out := map[string][]any{}
	for line := range strings.Lines(res.Stdout) {
		f := strings.Fields(line)
		if len(f) != 2 {
			continue
		}
		version, release, _ := strings.Cut(f[1], "-")
		out[f[0]] = append(out[f[0]], map[string]any{"name": f[0], "version": version, "release": release, "source": "pacman"})
	}
	return out, nil
}
