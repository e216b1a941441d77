package system

import (
	"context"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var sysctl = &module.Module{
	Name: "ansible.posix.sysctl",
	Doc:  "Keeps kernel parameters in a file and in the running kernel.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "name", Required: true, Aliases: []string{"key"}},
			{Name: "value", Aliases: []string{"val"}},
			{Name: "state", Default: "present", Choices: []any{"present", "absent"}},
			{Name: "reload", Type: module.TypeBool, Default: true},
			{Name: "sysctl_set", Type: module.TypeBool, Default: false},
			{Name: "ignoreerrors", Type: module.TypeBool, Default: false},
			{Name: "sysctl_file", Type: module.TypePath, Default: "/etc/sysctl.conf"},
		},
		Rules:     module.Rules{RequiredIf: []module.RequiredIf{{Key: "state", Value: "present", Needs: []string{"value"}}}},
		CheckMode: true,
	},
	Run: runSysctl,
}

// kernelParameter is one parameter, in the file and in the kernel.
type kernelParameter struct {
	*module.Call
	run         hostos.Runner
	bin         string
	name, value string
	file        string
}

func runSysctl(ctx context.Context, c *module.Call) (module.Result, error) {
	if runtime.GOOS != "linux" {
		return nil, &module.NotNative{Reason: "sysctl is native on Linux only"}
	}
	present := c.Str("state") == "present"
	switch {
	case present && !c.Has("value"):
		return nil, module.Fail("value cannot be None", nil)
	case c.Str("name") == "":
		return nil, module.Fail("name cannot be blank", nil)
	case present && c.Str("value") == "":
		return nil, module.Fail("value cannot be blank", nil)
	}
	k := &kernelParameter{Call: c, run: hostos.RunnerOf(ctx, c), name: strings.TrimSpace(c.Str("name")), value: sysctlValue(c.Str("value")), file: c.Str("sysctl_file")}
	var err error
	if k.bin, err = k.run.Need("sysctl"); err != nil {
		return nil, err
	}
	live, err := k.live()
	if err != nil {
		return nil, err
	}
	text, have, err := k.edit()
	if err != nil {
		return nil, err
	}
	right := live != nil && slices.Equal(strings.Fields(*live), strings.Fields(k.value)) // the kernel separates some with tabs
	changed, write := false, false
	switch {
	case have == nil:
		changed, write = present, present
	case *have != "" && !present, *have != k.value:
		changed, write = true, true
	case c.Bool("reload"):
		changed = !right
	}
	set := c.Bool("sysctl_set") && present && !right
	changed = changed || set
	if !c.Check {
		if set && live != nil {
			err = k.set()
		}
		if err == nil && write {
			err = k.write(text)
		}
		if err == nil && changed && c.Bool("reload") {
			err = k.reload()
		}
	}
	if err != nil {
		return nil, err
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
	return strings.TrimSpace(v)
}

// sysctl runs the program. Ansible has its words split as a shell does.
func (k *kernelParameter) sysctl(words ...string) (hostos.Output, error) {
	args, err := hostos.SplitWords(strings.Join(words, " "))
	if err != nil {
		return hostos.Output{}, module.Fail(err.Error(), nil)
	}
	return k.run.With(hostos.Cmd{Args: append([]string{k.bin}, args...), Env: []string{"LANG=C", "LC_ALL=C", "LC_MESSAGES=C"}})
}

// live is the value in the running kernel, nil when it does not say.
func (k *kernelParameter) live() (*string, error) {
	out, err := k.sysctl("-e", "-n", k.name)
	if err != nil || out.RC != 0 {
		return nil, err
	}
	return &out.Stdout, nil
}

// parameter splits a line that sets a parameter.
func parameter(line string) (name, value string, ok bool) {
	if line == "" || line[0] == '#' || line[0] == ';' {
		return "", "", false
	}
	name, value, ok = strings.Cut(line, "=")
	return strings.TrimSpace(name), strings.TrimSpace(value), ok
}

// edit returns the text of the file as wanted, each parameter once, and the value that is in it now.
func (k *kernelParameter) edit() (text string, have *string, err error) {
	var data []byte
	if info, err := os.Stat(k.file); err == nil && info.Mode().IsRegular() {
		if data, err = os.ReadFile(k.file); err != nil {
			return "", nil, module.Fail("Failed to open "+k.file+": "+pathError(err, k.file), nil)
		}
	}
	if !utf8.Valid(data) {
		return "", nil, module.Fail("The file "+k.file+" is not text in UTF-8", nil)
	}
	var b strings.Builder
	seen := map[string]bool{}
	for line := range strings.Lines(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data))) {
		line = strings.TrimSpace(line)
		name, value, ok := parameter(line)
		if !ok {
			b.WriteString(line + "\n")
			continue
		}
		if name == k.name {
			have = &value
		}
		if seen[name] {
			continue
		}
		seen[name] = true
		if name != k.name {
			b.WriteString(strings.TrimSpace(name+"="+value) + "\n")
		} else if k.Str("state") == "present" {
			b.WriteString(strings.TrimSpace(name+"="+k.value) + "\n")
		}
	}
	if !seen[k.name] && k.Str("state") == "present" {
		b.WriteString(strings.TrimSpace(k.name+"="+k.value) + "\n")
	}
	return b.String(), have, nil
}

func (k *kernelParameter) write(text string) error {
	if err := hostos.WriteFile(k.file, []byte(text), false); err != nil {
		return module.Fail("Failed to write to file "+k.file+": "+hostos.Errno(err), nil)
	}
	return nil
}

// sysctlRefusal finds errors that sysctl reports with exit code 0.
var sysctlRefusal = regexp.MustCompile(`(?m)^sysctl: setting key "[^"]+": (Invalid argument|Read-only file system)$`)

func (k *kernelParameter) set() error {
	words := []string{"-w", k.name + "=" + k.value}
	if len(strings.Fields(k.value)) > 0 {
		words[1] = k.name + `="` + k.value + `"`
	}
	if k.Bool("ignoreerrors") {
		words = append([]string{"-e"}, words...)
	}
	out, err := k.sysctl(words...)
	if err == nil && (out.RC != 0 || sysctlRefusal.MatchString(out.Stderr)) {
		err = module.Fail("setting "+k.name+" failed: "+out.Stdout+out.Stderr, nil)
	}
	return err
}

// reload has the kernel take all that is in the file.
func (k *kernelParameter) reload() error {
	words := []string{"-p", hostos.ShellQuote(k.file)}
	if k.Bool("ignoreerrors") {
		words = append([]string{"-e"}, words...)
	}
	out, err := k.sysctl(words...)
	if err == nil && (out.RC != 0 || sysctlRefusal.MatchString(out.Stderr)) {
		err = module.Fail("Failed to reload sysctl: "+out.Stdout+out.Stderr, nil)
	}
	return err
}
