package accounts

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var group = &module.Module{
	Name: "ansible.builtin.group",
	Doc:  "Adds, changes or removes a group.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "force", Type: module.TypeBool, Default: false},
			{Name: "gid", Type: module.TypeInt},
			{Name: "gid_max", Type: module.TypeInt},
			{Name: "gid_min", Type: module.TypeInt},
			{Name: "local", Type: module.TypeBool, Default: false},
			{Name: "name", Required: true},
			{Name: "non_unique", Type: module.TypeBool, Default: false},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			{Name: "system", Type: module.TypeBool, Default: false},
		},
		Rules: module.Rules{
			RequiredIf: []module.RequiredIf{{Key: "non_unique", Value: true, Needs: []string{"gid"}}},
		},
		CheckMode: true,
	},
	Run: runGroup,
}

// inGroupFile says whether the machine's own group file has the name.
func inGroupFile(name string) bool { return inFile("/etc/group", name) }

func inFile(file, name string) bool {
	data, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, name+":") {
			return true
		}
	}
	return false
}

func runGroup(ctx context.Context, c *module.Call) (module.Result, error) {
	name, local := c.Str("name"), c.Bool("local")
	if local {
		if c.Bool("force") {
			return nil, module.Fail("force is not a valid option for local, force=True and local=True are mutually exclusive", nil)
		}
		for _, k := range []string{"gid_min", "gid_max"} {
			if c.Has(k) {
				return nil, module.Fail("'"+k+"' can not be used with 'local'", nil)
			}
		}
	}
	run := hostos.RunnerOf(ctx, c)
	g, found := hostos.LookupGroup(name)
	if local {
		found = inGroupFile(name)
	}
	r := module.Result{"name": name, "state": c.Str("state")}
	tool := func(plain, localised string) (string, error) {
		if local {
			return run.Need(localised)
		}
		return run.Need(plain)
	}
	describe := func() {
		if g, ok := hostos.LookupGroup(name); ok {
			r["system"], r["gid"] = c.Bool("system"), g.GID
		}
	}
	finish := func(out hostos.Output, err error) (module.Result, error) {
		if err != nil {
			return nil, err
		}
		if out.RC != 0 {
			return nil, module.Fail(out.Stderr, module.Result{"name": name})
		}
		r["changed"] = true
		if out.Stdout != "" {
			r["stdout"] = out.Stdout
		}
		if out.Stderr != "" {
			r["stderr"] = out.Stderr
		}
		return nil, nil
	}
	if c.Str("state") == "absent" {
		if !found {
			r["changed"] = false
			return r, nil
		}
		if c.Check {
			return module.Result{"changed": true}, nil
		}
		bin, err := tool("groupdel", "lgroupdel")
		if err != nil {
			return nil, err
		}
		args := []string{bin}
		if c.Bool("force") && !local {
			args = append(args, "-f")
		}
		if _, err := finish(run.Run(append(args, name)...)); err != nil {
			return nil, err
		}
		describe()
		return r, nil
	}
	gid, hasGID := c.Int("gid"), c.Has("gid")
	var limits []string
	for _, k := range []string{"gid_min", "gid_max"} {
		if c.Has(k) {
			limits = append(limits, "-K", fmt.Sprintf("%s=%d", strings.ToUpper(k), c.Int(k)))
		}
	}
	if local && gid != 0 && (!found || int64(g.GID) != gid) { // libuser's tools do not look
		for _, other := range hostos.Groups() {
			if int64(other.GID) == gid && other.Name != name {
				return nil, module.Fail(fmt.Sprintf("GID '%d' already exists with group '%s'", gid, other.Name), nil)
			}
		}
	}
	switch {
	case !found:
		if c.Check {
			return module.Result{"changed": true}, nil
		}
		bin, err := tool("groupadd", "lgroupadd")
		if err != nil {
			return nil, err
		}
		args := []string{bin}
		if hasGID {
			args = append(args, "-g", strconv.FormatInt(gid, 10))
			if c.Bool("non_unique") {
				args = append(args, "-o")
			}
		}
		if c.Bool("system") {
			args = append(args, "-r")
		}
		if _, err := finish(run.Run(append(append(args, limits...), name)...)); err != nil {
			return nil, err
		}
	case hasGID && int64(g.GID) != gid:
		if c.Check {
			r["changed"] = true
			break
		}
		bin, err := tool("groupmod", "lgroupmod")
		if err != nil {
			return nil, err
		}
		args := []string{bin, "-g", strconv.FormatInt(gid, 10)}
		if c.Bool("non_unique") {
			args = append(args, "-o")
		}
		if _, err := finish(run.Run(append(args, name)...)); err != nil {
			return nil, err
		}
	default:
		r["changed"] = false
	}
	describe()
	return r, nil
}
