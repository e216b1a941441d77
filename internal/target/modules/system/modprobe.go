package system

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var modprobe = &module.Module{
	Name: "community.general.modprobe",
	Doc:  "Loads and unloads kernel modules, now and at every start of the machine.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "name", Required: true},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			{Name: "params", Default: ""},
			{Name: "persistent", Default: "disabled", Choices: []any{"disabled", "present", "absent"}},
		},
		CheckMode: true,
	},
	Run: runModprobe,
}

// Where programs that run at the start of the machine look for modules and their parameters.
const (
	modulesDir    = "/etc/modules-load.d"
	parametersDir = "/etc/modprobe.d"
)

type kernelModule struct {
	*module.Call
	run     hostos.Runner
	bin     string
	name    string
	changed bool
}

func runModprobe(ctx context.Context, c *module.Call) (module.Result, error) {
	k := &kernelModule{Call: c, run: hostos.RunnerOf(ctx, c), name: c.Str("name")}
	var err error
	if k.bin, err = k.run.Need("modprobe"); err != nil {
		return nil, err
	}
	loaded, err := k.loaded()
	if err == nil && loaded != (c.Str("state") == "present") {
		if loaded {
			err = k.unload()
		} else {
			err = k.load()
		}
	}
	if err == nil {
		switch c.Str("persistent") {
		case "present":
			err = k.persist()
		case "absent":
			err = k.forget()
		}
	}
	return k.result(), err
}

func (k *kernelModule) result() module.Result {
	return module.Result{"changed": k.changed, "name": k.name, "params": k.Str("params"), "state": k.Str("state")}
}

// loaded says whether the kernel has the module, loaded or built in.
func (k *kernelModule) loaded() (bool, error) {
	list, err := os.ReadFile("/proc/modules")
	if err != nil {
		return false, module.Fail(pathError(err, "/proc/modules"), nil)
	}
	for line := range strings.Lines(string(list)) {
		if strings.HasPrefix(line, strings.ReplaceAll(k.name, "-", "_")+" ") {
			return true, nil
		}
	}
	builtin := filepath.Join("/lib/modules", kernelRelease(), "modules.builtin")
	if list, err = os.ReadFile(builtin); err != nil {
		return false, module.Fail(pathError(err, builtin), nil)
	}
	for line := range strings.Lines(string(list)) {
		if strings.HasSuffix(strings.TrimSpace(line), "/"+k.name+".ko") {
			return true, nil
		}
	}
	return false, nil
}

func kernelRelease() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// modprobe runs the program. A refusal fails the task.
func (k *kernelModule) modprobe(words ...string) error {
	out, err := k.run.Run(append([]string{k.bin}, words...)...)
	if err == nil && out.RC != 0 {
		err = module.Fail(out.Stderr, module.Result{"rc": out.RC, "stdout": out.Stdout, "stderr": out.Stderr})
	}
	return err
}

func (k *kernelModule) load() error {
	params, err := hostos.SplitWords(k.Str("params"))
	if err != nil {
		return module.Fail(err.Error(), nil)
	}
	words := append([]string{k.name}, params...)
	if k.Check {
		words = append([]string{"-n"}, words...)
	}
	if err := k.modprobe(words...); err != nil {
		return err
	}
	if k.changed = k.Check; k.changed {
		return nil
	}
	if k.changed, err = k.loaded(); err != nil || k.changed {
		return err
	}
	out, err := k.run.Run(append([]string{k.bin, "-n", "--first-time"}, words...)...)
	if err == nil && out.RC != 0 {
		k.Warn(out.Stderr)
	}
	return err
}

func (k *kernelModule) unload() error {
	words := []string{"-r", k.name}
	if k.Check {
		words = append(words, "-n")
	}
	err := k.modprobe(words...)
	k.changed = err == nil
	return err
}

// The lines about a module; those of parameters have one each.
func (k *kernelModule) moduleLine() *regexp.Regexp {
	return regexp.MustCompile(`^ *` + regexp.QuoteMeta(k.name) + ` *(?:[#;].*)?\n?$`)
}

func (k *kernelModule) parameterLine() *regexp.Regexp {
	return regexp.MustCompile(`^options ` + regexp.QuoteMeta(k.name) + ` (\w+=\S+) *(?:[#;].*)?\n?$`)
}

// find collects from the files of a directory what re captures, or else the lines it matches.
func find(dir string, re *regexp.Regexp) ([]string, error) {
	var found []string
	err := eachFile(dir, func(_ string, lines []string) error {
		for _, l := range lines {
			if m := re.FindStringSubmatch(l); m != nil {
				found = append(found, m[len(m)-1])
			}
		}
		return nil
	})
	slices.Sort(found)
	return slices.Compact(found), err
}

// comment makes comments of the lines that re matches. All lines of such a file are followed by an empty one then, as Ansible does it.
func (k *kernelModule) comment(dir string, re *regexp.Regexp) error {
	return eachFile(dir, func(path string, lines []string) error {
		found := false
		for i, l := range lines {
			if re.MatchString(l) {
				lines[i], found = "#"+l, true
			}
		}
		if !found {
			return nil
		}
		return k.write(path, strings.Join(lines, "\n"))
	})
}

func eachFile(dir string, do func(path string, lines []string) error) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return module.Fail(pathError(err, dir), nil)
	}
	for _, e := range list {
		path := filepath.Join(dir, e.Name())
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return module.Fail(pathError(err, path), nil)
		}
		if err := do(path, slices.Collect(strings.Lines(string(text)))); err != nil {
			return err
		}
	}
	return nil
}

func (k *kernelModule) write(path, text string) error {
	if k.Check {
		return nil
	}
	if err := hostos.WriteFile(hostos.RealPath(path), []byte(text), true); err != nil {
		return module.Fail(pathError(err, path), nil)
	}
	return nil
}

// persist has the module loaded at the start of the machine, with these parameters and no others.
func (k *kernelModule) persist() error {
	there, err := find(modulesDir, k.moduleLine())
	if err != nil {
		return err
	}
	have, err := find(parametersDir, k.parameterLine())
	if err != nil {
		return err
	}
	params := strings.Fields(k.Str("params"))
	if len(there) == 0 {
		k.changed = true
		if err := k.write(filepath.Join(modulesDir, k.name+".conf"), k.name+"\n"); err != nil {
			return err
		}
	}
	wanted := slices.Clone(params)
	slices.Sort(wanted)
	if slices.Equal(slices.Compact(wanted), have) {
		return nil
	}
	k.changed = true
	if err := k.comment(parametersDir, k.parameterLine()); err != nil {
		return err
	}
	text := "\n"
	for i, p := range params {
		if i == 0 {
			text = ""
		}
		text += "options " + k.name + " " + p + "\n"
	}
	return k.write(filepath.Join(parametersDir, k.name+".conf"), text)
}

func (k *kernelModule) forget() error {
	for _, x := range []struct {
		dir string
		re  *regexp.Regexp
	}{{modulesDir, k.moduleLine()}, {parametersDir, k.parameterLine()}} {
		found, err := find(x.dir, x.re)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			k.changed = true
			if err := k.comment(x.dir, x.re); err != nil {
				return err
			}
		}
	}
	return nil
}
