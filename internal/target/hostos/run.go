package hostos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/module"
)

// Cmd is a command to run.
type Cmd struct {
	Args   []string // the program, found on PATH unless it has a slash, and its arguments
	Dir    string
	Env    []string // "K=V" on top of this process's environment
	Locale bool     // run with messages in English, for output that is parsed
	Stdin  io.Reader
	Umask  string                            // octal; "" leaves it
	Output func(stream string, chunk []byte) // sees output as it comes; may be nil
	Arg0   string                            // replaces Args[0] as the program's name for itself
}

// Output is what a command left behind.
type Output struct {
	RC             int // -N when signal N ended it
	Stdout, Stderr string
}

// Err describes a failed command: what it wrote to stderr, else to stdout, else its exit code.
func (o Output) Err() string {
	if s := strings.TrimSpace(o.Stderr); s != "" {
		return s
	}
	if s := strings.TrimSpace(o.Stdout); s != "" {
		return s
	}
	return fmt.Sprintf("exit code %d", o.RC)
}

// lingering is how long to wait for output after the command ended while a process it left behind holds the pipes.
const lingering = time.Second

// Run runs a command to its end. A command that ends with an exit code or by a signal is no error. When ctx ends first, the command's
// whole process group is killed and ctx's error returned. Other errors mean that it could not be started.
func Run(ctx context.Context, c Cmd) (Output, error) {
	args := c.Args
	if c.Umask != "" {
		args = append([]string{"/bin/sh", "-c", `umask "$0" && exec "$@"`, c.Umask}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	if c.Arg0 != "" {
		cmd.Args[0] = c.Arg0
	}
	cmd.Dir = c.Dir
	cmd.Env = Environ(c.Env, c.Locale)
	if !strings.Contains(args[0], "/") {
		if p := findIn(args[0], cmd.Env); p != "" {
			cmd.Path, cmd.Err = p, nil
		}
	}
	cmd.Stdin = c.Stdin
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = tee(&stdout, "stdout", c.Output), tee(&stderr, "stderr", c.Output)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = lingering
	err := cmd.Run()
	out := Output{Stdout: stdout.String(), Stderr: stderr.String()}
	if ctx.Err() != nil {
		return out, context.Cause(ctx)
	}
	if cmd.ProcessState == nil {
		return out, err
	}
	out.RC = cmd.ProcessState.ExitCode()
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		out.RC = -int(ws.Signal())
	}
	return out, nil
}

type teeWriter struct {
	buf    *bytes.Buffer
	stream string
	pass   func(string, []byte)
}

func tee(buf *bytes.Buffer, stream string, pass func(string, []byte)) io.Writer {
	if pass == nil {
		return buf
	}
	return &teeWriter{buf, stream, pass}
}

func (t *teeWriter) Write(p []byte) (int, error) {
	t.pass(t.stream, p)
	return t.buf.Write(p)
}

// Environ is this process's environment with extra on top; with english, all messages in English.
func Environ(extra []string, english bool) []string {
	env := os.Environ()
	if english {
		l := ParsableLocale()
		env = append(env, "LANG="+l, "LC_ALL="+l, "LC_MESSAGES="+l, "LC_CTYPE="+l, "LANGUAGE="+l)
	}
	return append(env, extra...)
}

// Getenv is a variable as a process with extra on top of this one's environment sees it.
func Getenv(extra []string, name string) string {
	for _, kv := range slices.Backward(extra) {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			return v
		}
	}
	return os.Getenv(name)
}

// ParsableLocale is a locale with English messages, UTF-8 where the machine has it.
func ParsableLocale() string {
	if _, err := os.Stat("/usr/lib/locale/C.utf8"); err == nil {
		return "C.UTF-8"
	}
	return "C"
}

// systemDirs hold programs that are often missing from PATH.
var systemDirs = []string{"/sbin", "/usr/sbin", "/usr/local/sbin"}

// FindBin finds a program on PATH or in the directories of system programs; "" when there is none.
func FindBin(name string) string { return findIn(name, nil) }

// searchDirs are the directories that programs are looked for in.
func searchDirs(env []string) []string {
	path := os.Getenv("PATH")
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = v
		}
	}
	list := filepath.SplitList(path)
	for _, d := range systemDirs {
		if _, err := os.Stat(d); err == nil && !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	return list
}

func findIn(name string, env []string) string {
	for _, d := range searchDirs(env) {
		if d == "" {
			continue
		}
		p := name
		if !filepath.IsAbs(name) {
			p = filepath.Join(d, name)
		}
		if info, err := os.Stat(p); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return p
		}
	}
	return ""
}

// NeedBin is FindBin that fails the task when the program is missing.
func NeedBin(name string) (string, error) { return needIn(name, nil) }

func needIn(name string, env []string) (string, error) {
	if p := findIn(name, env); p != "" {
		return p, nil
	}
	return "", module.Fail(fmt.Sprintf("Failed to find required executable \"%s\" in paths: %s", name, strings.Join(searchDirs(env), ":")), nil)
}

// Runner runs commands for one module call: with its environment additions, and with English messages.
type Runner struct {
	ctx context.Context
	env []string
}

// RunnerOf makes a Runner for a call.
func RunnerOf(ctx context.Context, c *module.Call) Runner { return Runner{ctx, c.Env} }

// Find is FindBin with the call's environment.
func (r Runner) Find(name string) string { return findIn(name, r.env) }

// Need is NeedBin with the call's environment.
func (r Runner) Need(name string) (string, error) { return needIn(name, r.env) }

// Run runs the words as one command. Errors fail the task with the words a failing start has in Ansible.
func (r Runner) Run(args ...string) (Output, error) { return r.With(Cmd{Args: args}) }

// With is Run with more settings.
func (r Runner) With(c Cmd) (Output, error) {
	c.Locale = true
	c.Env = append(append([]string(nil), r.env...), c.Env...)
	out, err := Run(r.ctx, c)
	if err != nil {
		return out, StartFailure(c.Args, err)
	}
	return out, nil
}

// Must is Run that fails the task unless the command ends with 0.
func (r Runner) Must(args ...string) (Output, error) { return r.MustWith(Cmd{Args: args}) }

// MustWith is With that fails the task unless the command ends with 0.
func (r Runner) MustWith(c Cmd) (Output, error) {
	out, err := r.With(c)
	if err == nil && out.RC != 0 {
		err = module.Fail(strings.TrimRight(out.Err(), "\n"), module.Result{
			"rc": out.RC, "stdout": out.Stdout, "stderr": out.Stderr, "cmd": ShellWords(c.Args),
		})
	}
	return out, err
}

// StartFailure is the failure of a command that could not be started.
func StartFailure(args []string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	rc, msg := 257, Errno(err)
	var n syscall.Errno
	if errors.Is(err, exec.ErrNotFound) {
		n = syscall.ENOENT
	}
	if n != 0 || errors.As(err, &n) {
		rc = int(n)
		msg = fmt.Sprintf("[Errno %d] %s: b%s", rc, ErrText(n), module.Quote(args[0]))
	}
	return module.Fail(msg, module.Result{"rc": rc, "stdout": "", "stderr": "", "cmd": ShellWords(args)})
}

// ShellWords is a command line that sh(1) would split into args.
func ShellWords(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = ShellQuote(a)
	}
	return strings.Join(quoted, " ")
}

// ShellQuote quotes a word for sh(1) where needed, as Python's shlex.quote does.
func ShellQuote(s string) string {
	if s == "" {
		return "''"
	}
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./-_", r)) {
			return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
		}
	}
	return s
}

// SplitWords splits a command line as sh(1) would, without expansions.
func SplitWords(s string) ([]string, error) {
	var words []string
	var w strings.Builder
	in, quote := false, rune(0)
	escaped := false
	for _, r := range s {
		switch {
		case escaped:
			if quote == '"' && r != '"' && r != '\\' {
				w.WriteByte('\\')
			}
			w.WriteRune(r)
			escaped = false
		case quote == '\'':
			if r == quote {
				quote = 0
			} else {
				w.WriteRune(r)
			}
		case r == '\\':
			escaped, in = true, true
		case quote == '"':
			if r == quote {
				quote = 0
			} else {
				w.WriteRune(r)
			}
		case r == '\'' || r == '"':
			quote, in = r, true
		case r == ' ' || r == '\t' || r == '\n' || r == '\r':
			if in {
				words = append(words, w.String())
				w.Reset()
				in = false
			}
		default:
			w.WriteRune(r)
			in = true
		}
	}
	if escaped {
		return nil, errors.New("No escaped character")
	}
	if quote != 0 {
		return nil, errors.New("No closing quotation")
	}
	if in {
		words = append(words, w.String())
	}
	return words, nil
}
