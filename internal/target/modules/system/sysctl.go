package system

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var sysctl = &module.Module{
	Name: "ansible.posix.sysctl",
	Doc:  "Keeps kernel parameters in a file and in the running kernel.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "ignoreerrors", Type: module.TypeBool, Default: false},
			{Name: "name", Required: true, Aliases: []string{"key"}},
			{Name: "reload", Type: module.TypeBool, Default: true},
			{Name: "state", Default: "present", Choices: []any{"present", "absent"}},
			{Name: "sysctl_file", Type: module.TypePath, Default: "/etc/sysctl.conf"},
			{Name: "sysctl_set", Type: module.TypeBool, Default: false},
			{Name: "value", Aliases: []string{"val"}},
		},
		CheckMode: true,
	},
	Run: runSysctl,
}

// sysctlFile is the text of a file of kernel parameters.
type sysctlFile struct {
	path  string
	lines []string
}

// key is the parameter a line sets, "" for comments.
func (f *sysctlFile) key(line string) (key, value string) {
	t := strings.TrimSpace(line)
	if t == "" || t[0] == '#' || t[0] == ';' {
		return "", ""
	}
	k, v, ok := strings.Cut(t, "=")
	if !ok {
		return "", ""
	}
	return strings.TrimPrefix(strings.TrimSpace(k), "-"), strings.TrimSpace(v)
}

// same compares values by their words: the kernel separates some with tabs.
func same(a, b string) bool { return slices.Equal(strings.Fields(a), strings.Fields(b)) }

func runSysctl(ctx context.Context, c *module.Call) (module.Result, error) {
	name, state := strings.TrimSpace(c.Str("name")), c.Str("state")
	value := sysctlValue(c.Str("value"))
	switch {
	case name == "":
		return nil, module.Fail("name cannot be blank", nil)
	case !c.Has("value") && state == "present":
		return nil, module.Fail("value cannot be None", nil)
	case state == "present" && strings.TrimSpace(value) == "":
		return nil, module.Fail("value cannot be blank", nil)
	}
	run := hostos.RunnerOf(ctx, c)
	f := &sysctlFile{path: hostos.RealPath(c.Str("sysctl_file"))}
	data, err := os.ReadFile(f.path)
	if err != nil && !os.IsNotExist(err) {
		return nil, module.Fail("Failed to open "+f.path+": "+hostos.Errno(err), nil)
	}
	f.lines = strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(data) == 0 {
		f.lines = nil
	}
	have, found := "", false
	for _, l := range f.lines {
		if k, v := f.key(l); k == name {
			have, found = v, true
		}
	}
	changed, write := false, false
	switch {
	case state == "absent" && found, state == "present" && (!found || !same(have, value)):
		changed, write = true, true
	}
	setLive := false
	if c.Bool("sysctl_set") && state == "present" {
		live, err := liveValue(name)
		if err != nil || !same(live, value) {
			changed, setLive = true, true
		}
	}
	if c.Check {
		return module.Result{"changed": changed}, nil
	}
	if setLive {
		if err := setSysctl(run, name, value, c.Bool("ignoreerrors")); err != nil {
			return nil, err
		}
	}
	if write {
		var out []string
		done := false
		for _, l := range f.lines {
			if k, _ := f.key(l); k == name {
				if state == "absent" || done {
					continue
				}
				l, done = name+"="+value, true
			}
			out = append(out, l)
		}
		if state == "present" && !done {
			out = append(out, name+"="+value)
		}
		text := strings.Join(out, "\n")
		if text != "" {
			text += "\n"
		}
		if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
			return nil, module.Fail(hostos.Errno(err), nil)
		}
		if err := hostos.WriteFile(f.path, []byte(text), true); err != nil {
			return nil, module.Fail("Failed to write to file "+f.path+": "+err.Error(), nil)
		}
		if c.Bool("reload") {
			args := []string{"sysctl", "-p", f.path}
			if c.Bool("ignoreerrors") {
				args = []string{"sysctl", "-e", "-p", f.path}
			}
			out, err := run.Run(args...)
			if err != nil {
				return nil, err
			}
			if out.RC != 0 || sysctlComplains(out) {
				return nil, module.Fail("Failed to reload sysctl: "+out.Stdout+out.Stderr, nil)
			}
		}
	}
	return module.Result{"changed": changed}, nil
}

// sysctlValue turns booleans into what the kernel wants.
func sysctlValue(v string) string {
	switch strings.ToLower(v) {
	case "true", "yes", "on", "y", "t":
		return "1"
	case "false", "no", "off", "n", "f":
		return "0"
	}
	return v
}

// liveValue reads a parameter from the running kernel.
func liveValue(name string) (string, error) {
	b, err := os.ReadFile("/proc/sys/" + strings.NewReplacer(".", "/", "/", ".").Replace(name))
	return strings.TrimSpace(string(b)), err
}

func setSysctl(run hostos.Runner, name, value string, ignore bool) error {
	args := []string{"sysctl", "-w", name + "=" + value}
	if ignore {
		args = []string{"sysctl", "-e", "-w", name + "=" + value}
	}
	out, err := run.Run(args...)
	if err != nil {
		return err
	}
	if out.RC != 0 || sysctlComplains(out) {
		return module.Fail("setting "+name+" failed: "+out.Stdout+out.Stderr, nil)
	}
	return nil
}

// sysctlComplains finds errors that sysctl reports with exit code 0.
func sysctlComplains(out hostos.Output) bool {
	for line := range strings.Lines(out.Stderr) {
		if strings.Contains(line, "Invalid argument") || strings.Contains(line, "Read-only file system") || strings.Contains(line, "Operation not permitted") {
			return true
		}
	}
	return false
}
