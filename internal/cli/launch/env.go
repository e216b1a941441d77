package launch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/report/callback"
	"github.com/troupe-automation/troupe/internal/report/render"
	"github.com/troupe-automation/troupe/internal/term"
)

// Env is the world of one command. Tests give one of their own.
type Env struct {
	Args           []string // program name first
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	// Self is the command line that makes this program an agent.
	Self []string
	// Classic is set under Ansible's names: messages are Ansible's when nobody watches on a terminal.
	Classic bool

	// Run runs another command in this process and returns its exit code: pull is two of them.
	Run func(ctx context.Context, env *Env) int
	// Names are Ansible's names of the commands.
	Names []string

	display *callback.Display
	lines   *bufio.Reader
}

// OSEnv is the process's own world.
func OSEnv() *Env {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return &Env{Args: os.Args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Self: []string{self, "agent"}}
}

// Fork is the same world for another command line, program name first.
func (e *Env) Fork(args []string) *Env {
	return &Env{Args: args, Stdin: e.Stdin, Stdout: e.Stdout, Stderr: e.Stderr, Getenv: e.Getenv, Self: e.Self, Classic: e.Classic, Run: e.Run, Names: e.Names}
}

// Display is the command's output, set up from the configuration (nil: from the environment alone).
func (e *Env) Display(c *config.Config, verbosity int) *callback.Display {
	if e.display != nil && c == nil {
		return e.display
	}
	d := &callback.Display{Out: term.Stat(e.Stdout), Err: term.Stat(e.Stderr), Verbosity: verbosity}
	noColor, force := e.Getenv("ANSIBLE_NOCOLOR") != "", e.Getenv("ANSIBLE_FORCE_COLOR") != ""
	if c != nil {
		noColor, force = c.Bool("ANSIBLE_NOCOLOR"), c.Bool("ANSIBLE_FORCE_COLOR")
		d.NoDeprecations = !c.Bool("DEPRECATION_WARNINGS")
		d.VerboseToErr = c.Bool("VERBOSE_TO_STDERR")
		d.NoWarnings = !c.Bool("SYSTEM_WARNINGS") && false
		d.Colors = map[string]string{}
		for _, k := range []string{"ok", "changed", "error", "unreachable", "skip", "included", "warn", "deprecate", "verbose", "debug", "highlight", "diff_add", "diff_remove", "diff_lines"} {
			d.Colors[k] = c.Str("COLOR_" + strings.ToUpper(k))
		}
	}
	d.Out.Color = term.ColorPolicy(d.Out, e.Getenv, noColor, force)
	d.Err.Color = term.ColorPolicy(d.Err, e.Getenv, noColor, force)
	e.display = d
	return d
}

// classic reports whether messages are Ansible's: under its names, when nobody watches on a terminal, or a program does, which
// has a callback plugin of its own write the output (ansible-runner).
func (e *Env) classic(d *callback.Display) bool {
	if !e.Classic || !d.Err.TTY {
		return e.Classic
	}
	name := e.Getenv("ANSIBLE_STDOUT_CALLBACK")
	_, ours := callback.Find(name)
	return name != "" && !ours
}

// Report prints an error and returns the exit code. code is what the command suggests; the error may know better.
func (e *Env) Report(err error, code int) int {
	d := e.Display(nil, 0)
	for _, one := range diag.All(err) {
		if e.classic(d) && e.Getenv("TROUPE_OUTPUT") != "full" {
			if one.Exit == diag.ExitOptions && (one.Code == diag.ConfigSyntax || one.Code == diag.BadSetting) {
				fmt.Fprintln(e.Stderr, "ERROR: "+one.Message()) // Ansible has no display yet when it reads its configuration
				continue
			}
			d.Error(one.Message())
			continue
		}
		io.WriteString(e.Stderr, render.Full(one, d.Err))
	}
	if x := diag.ExitOf(err); code == 0 || x != diag.ExitError {
		code = int(x)
	}
	return code
}

// Ask prompts on stderr and reads a line, without echo for secrets. It fails when nobody is there to answer.
func (e *Env) Ask(prompt string, secret bool) (string, error) {
	if !term.IsTerminal(e.Stdin) {
		if tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); secret && err == nil {
			defer tty.Close()
			s, err := term.ReadPassword(tty, tty, prompt)
			fmt.Fprintln(tty)
			return s, err
		}
		if e.lines == nil {
			e.lines = bufio.NewReader(e.Stdin)
		}
		line, err := e.lines.ReadString('\n')
		if err != nil && line == "" {
			return "", errors.New("nobody is there to answer: standard input is not a terminal")
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	if secret {
		s, err := term.ReadPassword(e.Stdin, e.Stderr, prompt)
		fmt.Fprintln(e.Stderr)
		return s, err
	}
	fmt.Fprint(e.Stderr, prompt)
	if e.lines == nil {
		e.lines = bufio.NewReader(e.Stdin)
	}
	line, err := e.lines.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

// Lines reads what is typed at a prompt: edited lines with completion on a terminal, plain ones elsewhere.
func (e *Env) Lines(complete func(line string) []string) func(prompt string) (string, error) {
	if edit := term.NewEditor(e.Stdin, e.Stdout, complete); edit != nil {
		return edit
	}
	return func(prompt string) (string, error) {
		fmt.Fprint(e.Stdout, prompt)
		if e.lines == nil {
			e.lines = bufio.NewReader(e.Stdin)
		}
		return e.lines.ReadString('\n')
	}
}

// Version is Troupe's version; releases set it when they are linked.
var Version = "0.1.0-dev"

// coreVersion is the version of ansible-core whose behaviour is followed; roles test it.
const coreVersion = "2.18.0rc1"

// VersionLine is the first line of --version: Ansible's form, so that scripts that parse it go on working.
func VersionLine(prog string) string {
	return fmt.Sprintf("%s [core %s] (troupe %s, %s)", prog, coreVersion, Version, runtime.Version())
}
