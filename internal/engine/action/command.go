package action

import (
	"regexp"
	"strings"

	"github.com/troupe-automation/troupe/value"
)

var rawAction = &Action{Name: "ansible.builtin.raw", Run: runRaw}

// runRaw runs a command line through the login shell, without agent or Python.
func runRaw(c *Context) (*Outcome, error) {
	if c.Check {
		return outcome("skipped", value.True), nil
	}
	line := c.RawText
	executable := c.Text("executable", "")
	rc, stdout, stderr, err := c.Remote.Shell(c, line, executable)
	if err != nil {
		return nil, err
	}
	r := value.DictOf("changed", value.True, "rc", value.Int(rc), "stdout", value.Str(stdout), "stderr", value.Str(stderr))
	r.SetStr("stdout_lines", lines(stdout))
	r.SetStr("stderr_lines", lines(stderr))
	if rc != 0 {
		r.SetStr("failed", value.True)
		r.SetStr("msg", value.Str("non-zero return code"))
	}
	return &Outcome{Result: r}, nil
}

// lines are the lines of a text as Python's splitlines cuts them at the usual line ends.
func lines(text string) *value.List {
	l := value.NewList()
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if text == "" {
		return l
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		l.Elems = append(l.Elems, value.Str(line))
	}
	return l
}

var shellAction = &Action{Name: "ansible.builtin.shell", Async: true, Run: func(c *Context) (*Outcome, error) {
	if _, ok := c.Args.GetStr("expand_argument_vars"); ok {
		return nil, raisef("Unsupported parameters for (shell) module: expand_argument_vars")
	}
	args := c.Args.Copy()
	args.SetStr("_uses_shell", value.True)
	if c.HasRaw {
		args.SetStr("_raw_params", value.Str(c.RawText))
	}
	return c.callModule("ansible.builtin.command", args, nil)
}}

// compilePattern compiles a pattern of the user; "" is no pattern.
func compilePattern(p string) (*regexp.Regexp, error) {
	if p == "" {
		return nil, nil
	}
	re, err := regexp.Compile(p)
	if err != nil {
		return nil, failf("Invalid Regexp (%s) in %q", err, p)
	}
	return re, nil
}
