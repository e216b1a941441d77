package packages

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var npm = &module.Module{
	Name: "community.general.npm",
	Doc:  "Installs, updates and removes packages of Node.js.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "name"},
			{Name: "path", Type: module.TypePath},
			{Name: "version"},
			{Name: "production", Type: module.TypeBool, Default: false},
			{Name: "executable", Type: module.TypePath},
			{Name: "registry"},
			{Name: "state", Default: "present", Choices: []any{"present", "absent", "latest"}},
			{Name: "ignore_scripts", Type: module.TypeBool, Default: false},
			{Name: "unsafe_perm", Type: module.TypeBool, Default: false},
			{Name: "ci", Type: module.TypeBool, Default: false},
			{Name: "no_optional", Type: module.TypeBool, Default: false},
			{Name: "no_bin_links", Type: module.TypeBool, Default: false},
			{Name: "global", Type: module.TypeBool, Default: false},
		},
		CheckMode: true,
	},
	Run: runNpm,
}

type npmCall struct {
	*module.Call
	run        hostos.Runner
	executable []string
	wanted     string // the name with the version
}

func runNpm(ctx context.Context, c *module.Call) (module.Result, error) {
	name, state := c.Str("name"), c.Str("state")
	switch {
	case c.Str("path") == "" && !c.Bool("global"):
		return nil, module.Fail("path must be specified when not using global", nil)
	case state == "absent" && name == "":
		return nil, module.Fail("uninstalling a package is only available for named packages", nil)
	}
	n := &npmCall{Call: c, run: hostos.RunnerOf(ctx, c), executable: strings.Split(c.Str("executable"), " "), wanted: name}
	var err error
	if c.Str("executable") == "" {
		if n.executable[0], err = n.run.Need("npm"); err != nil {
			return nil, err
		}
	}
	if v := c.Str("version"); v != "" && state != "absent" {
		if !c.Has("name") {
			return nil, module.Fail("version is that of a package: name is missing", nil)
		}
		n.wanted = name + "@" + v
	}
	if c.Bool("ci") {
		if err := n.change("ci"); err != nil {
			return nil, err
		}
		return module.Result{"changed": true}, nil
	}
	installed, err := n.list()
	if err != nil {
		return nil, err
	}
	missing := installed == nil || installed[""] || n.wanted != "" && !installed[n.wanted]
	changed, outdated := false, false
	switch state {
	case "absent":
		if changed = installed[name]; changed {
			err = n.change("uninstall")
		}
	case "latest":
		text, err := n.exec(false, true, "outdated")
		if err != nil {
			return nil, err
		}
		outdated = strings.TrimSpace(text) != ""
		fallthrough
	default:
		changed = missing || outdated
		if missing {
			err = n.change("install")
		}
		if err == nil && outdated {
			err = n.change("update")
		}
	}
	if err != nil {
		return nil, err
	}
	return module.Result{"changed": changed}, nil
}

// exec runs npm with the flags of the options.
func (n *npmCall) exec(must, named bool, words ...string) (string, error) {
	words = slices.Concat(n.executable, words)
	flag := func(wanted bool, w ...string) {
		if wanted {
			words = append(words, w...)
		}
	}
	flag(n.Bool("global"), "--global")
	flag(n.Bool("production") && slices.ContainsFunc(words, func(w string) bool { return w == "install" || w == "update" || w == "ci" }), "--production")
	flag(n.Bool("ignore_scripts"), "--ignore-scripts")
	flag(n.Bool("unsafe_perm"), "--unsafe-perm")
	flag(n.wanted != "" && named, n.wanted)
	flag(n.Str("registry") != "", "--registry", n.Str("registry"))
	flag(n.Bool("no_optional"), "--no-optional")
	flag(n.Bool("no_bin_links"), "--no-bin-links")
	dir := n.Str("path")
	if dir != "" {
		info, err := os.Stat(dir)
		if err != nil && n.Check {
			return "", nil // nothing is there yet
		}
		if err != nil {
			if err := os.MkdirAll(dir, 0o777); err != nil {
				return "", module.Fail(hostos.Errno(err), nil)
			}
		} else if !info.IsDir() {
			return "", module.Fail("path "+dir+" is not a directory", nil)
		}
	}
	run := n.run.With
	if must {
		run = n.run.MustWith
	}
	out, err := run(hostos.Cmd{Args: words, Dir: dir})
	return out.Stdout, err
}

// change is exec for what check mode leaves out.
func (n *npmCall) change(what string) error {
	if n.Check {
		return nil
	}
	_, err := n.exec(true, true, what)
	return err
}

// list is the set of what is installed, by name and by name@version, nil when nothing is. What is wanted by another package and missing,
// or there in a wrong version, is "".
func (n *npmCall) list() (map[string]bool, error) {
	text, err := n.exec(false, false, "list", "--json", "--long")
	if err != nil || text == "" {
		return nil, err
	}
	v, err := module.DecodeJSON([]byte(text))
	if err != nil {
		return nil, module.Fail("Failed to parse NPM output with error "+err.Error(), nil)
	}
	data, _ := v.(map[string]any)
	all, ok := data["dependencies"].(map[string]any)
	if !ok {
		return nil, nil
	}
	installed := map[string]bool{}
	for name, v := range all {
		p, _ := v.(map[string]any)
		if truthy(p["missing"]) || truthy(p["invalid"]) {
			installed[""] = true
			continue
		}
		installed[name] = true
		if truthy(p["version"]) {
			installed[name+"@"+module.Text(p["version"])] = true
		}
	}
	return installed, nil
}

// truthy is what counts as true in Python; npm says of some packages why they are invalid.
func truthy(v any) bool { return v != nil && v != false && v != "" && v != int64(0) }
