package commands

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// commandOptions are the options of command and shell. Both take the text as _raw_params; _uses_shell tells them apart.
func commandOptions(shell bool) []module.Option {
	options := []module.Option{
		{Name: "_raw_params"},
		{Name: "_uses_shell", Type: module.TypeBool, Default: shell},
		{Name: "argv", Type: module.TypeList, Elements: module.TypeStr},
		{Name: "chdir", Type: module.TypePath},
		{Name: "executable"},
		{Name: "creates", Type: module.TypePath},
		{Name: "removes", Type: module.TypePath},
		{Name: "stdin"},
		{Name: "stdin_add_newline", Type: module.TypeBool, Default: true},
		{Name: "strip_empty_ends", Type: module.TypeBool, Default: true},
	}
	if !shell {
		options = append(options, module.Option{Name: "expand_argument_vars", Type: module.TypeBool, Default: true})
	}
	return options
}

var commandReturns = []string{"changed", "stdout", "stderr", "rc", "cmd", "start", "end", "delta", "failed", "msg"}

var command = &module.Module{
	Name:    "ansible.builtin.command",
	Doc:     "Runs a command, without a shell.",
	Spec:    module.Spec{Options: commandOptions(false), CheckMode: true, FreeForm: true},
	Returns: commandReturns,
	Run:     runCommand,
}

var shell = &module.Module{
	Name:    "ansible.builtin.shell",
	Doc:     "Runs a command line with the shell.",
	Spec:    module.Spec{Options: commandOptions(true), CheckMode: true, FreeForm: true},
	Returns: commandReturns,
	Run:     runCommand,
}

// timeLayout is how results write points in time.
const timeLayout = "2006-01-02 15:04:05.000000"

func runCommand(ctx context.Context, c *module.Call) (module.Result, error) {
	r := module.Result{"changed": false, "stdout": "", "stderr": "", "rc": nil, "cmd": nil, "start": nil, "end": nil, "delta": nil, "msg": ""}
	fail := func(msg string) (module.Result, error) { return r, module.Fail(msg, nil) }

	line, useShell, argv := c.Str("_raw_params"), c.Bool("_uses_shell"), c.Strings("argv")
	executable := c.Str("executable")
	if !useShell && executable != "" {
		c.Warn(fmt.Sprintf("As of Ansible 2.4, the parameter 'executable' is no longer supported with the 'command' module. Not using '%s'.", executable))
		executable = ""
	}
	if strings.TrimSpace(line) == "" && len(argv) == 0 {
		r["rc"] = 256
		return fail("no command given")
	}
	if strings.TrimSpace(line) != "" && len(argv) > 0 {
		r["rc"] = 256
		return fail("only command or argv can be given, not both")
	}
	if !useShell && len(argv) == 0 {
		words, err := hostos.SplitWords(line)
		if err != nil {
			return fail(err.Error())
		}
		argv = words
	}
	r["cmd"] = argv
	if useShell && len(argv) > 0 {
		line = hostos.ShellQuote(argv[0])
		for _, w := range argv[1:] {
			line += " " + hostos.ShellQuote(w)
		}
	} else if useShell {
		r["cmd"] = line
	}

	dir := c.Str("chdir")
	if dir != "" {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			return fail("Unable to change directory before execution: [Errno 20] Not a directory: b" + module.Quote(dir))
		}
		if err != nil {
			return fail("Unable to change directory before execution: [Errno 2] No such file or directory: b" + module.Quote(dir))
		}
	}
	skip := ""
	if p := c.Str("creates"); p != "" && globExists(dir, p) {
		skip = fmt.Sprintf("'%s' exists", p)
		r["stdout"] = fmt.Sprintf("skipped, since %s exists", p)
	} else if p := c.Str("removes"); p != "" && !globExists(dir, p) {
		skip = fmt.Sprintf("'%s' does not exist", p)
		r["stdout"] = fmt.Sprintf("skipped, since %s does not exist", p)
	}
	if skip != "" {
		should := "Did"
		if c.Check {
			should = "Would"
		}
		r["msg"] = fmt.Sprintf("%s not run command since %s", should, skip)
		r["rc"] = 0
		return r, nil
	}
	if c.Check {
		r["rc"], r["msg"] = 0, "Command would have run if not in check mode"
		if !c.Has("creates") && !c.Has("removes") {
			r["skipped"] = true
		} else {
			r["changed"] = true
		}
		return r, nil
	}

	cmd := hostos.Cmd{Dir: dir, Env: c.Env, Output: c.Output}
	if useShell {
		if executable == "" {
			executable = c.Shell
		}
		if executable == "" {
			executable = "/bin/sh"
		}
		cmd.Args = []string{executable, "-c", line}
	} else {
		cmd.Args = argv
		if c.Bool("expand_argument_vars") {
			cmd.Args = make([]string, len(argv))
			for i, a := range argv {
				cmd.Args[i] = module.ExpandPathEnv(a, c.Env)
			}
		}
	}
	if c.Has("stdin") {
		text := c.Str("stdin")
		if c.Bool("stdin_add_newline") {
			text += "\n"
		}
		cmd.Stdin = strings.NewReader(text)
	}
	start := time.Now()
	out, err := hostos.Run(ctx, cmd)
	if err != nil {
		return module.Result{"changed": false}, hostos.StartFailure(cmd.Args, err)
	}
	end := time.Now()
	r["changed"] = true
	r["start"], r["end"], r["delta"] = start.Format(timeLayout), end.Format(timeLayout), duration(end.Sub(start))
	r["rc"], r["stdout"], r["stderr"] = out.RC, out.Stdout, out.Stderr
	if c.Bool("strip_empty_ends") {
		r["stdout"], r["stderr"] = strings.TrimRight(out.Stdout, "\r\n"), strings.TrimRight(out.Stderr, "\r\n")
	}
	if out.RC != 0 {
		return fail("non-zero return code")
	}
	return r, nil
}

func globExists(dir, pattern string) bool {
	if dir != "" && !filepath.IsAbs(pattern) {
		pattern = filepath.Join(dir, pattern)
	}
	if _, err := os.Lstat(pattern); err == nil {
		return true
	}
	found, err := filepath.Glob(pattern)
	return err == nil && len(found) > 0
}

// duration writes d as Python's timedelta: "0:00:01.234567".
func duration(d time.Duration) string {
	us := d.Microseconds()
	s := us / 1e6
	text := fmt.Sprintf("%d:%02d:%02d.%06d", s/3600%24, s/60%60, s%60, us%1e6)
	switch days := s / 86400; {
	case days == 1:
		text = "1 day, " + text
	case days > 1:
		text = fmt.Sprintf("%d days, %s", days, text)
	}
	return text
}
