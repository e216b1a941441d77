package commands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/internal/target/regex"
	"github.com/troupe-automation/troupe/module"
)

var expect = &module.Module{
	Name: "ansible.builtin.expect",
	Doc:  "Runs a command on a terminal and answers what it asks.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "chdir", Type: module.TypePath},
			{Name: "command", Required: true},
			{Name: "creates", Type: module.TypePath},
			{Name: "echo", Type: module.TypeBool, Default: false},
			{Name: "removes", Type: module.TypePath},
			{Name: "responses", Type: module.TypeDict, Required: true},
			{Name: "timeout", Type: module.TypeRaw, Default: int64(30)},
		},
	},
	Run: runExpect,
}

// question is a pattern and its answers.
type question struct {
	pattern string
	regex   *regex.Regex
	answers []string // given one after the other when each is to be used once
	once    bool
}

func runExpect(ctx context.Context, c *module.Call) (module.Result, error) {
	questions, err := expectQuestions(c.Args["responses"])
	if err != nil {
		return nil, err
	}
	timeout, err := expectTimeout(c.Args["timeout"])
	if err != nil {
		return nil, err
	}
	line := c.Str("command")
	if strings.TrimSpace(line) == "" {
		return nil, module.Fail("no command given", module.Result{"rc": 256})
	}
	dir := c.Str("chdir")
	if info, err := os.Stat(dir); dir != "" && (err != nil || !info.IsDir()) {
		return nil, module.Fail("Unable to change directory before execution: "+dir+" is no directory", module.Result{"rc": 257})
	}
	skipped := func(path, why string) (module.Result, error) {
		return module.Result{"cmd": line, "stdout": fmt.Sprintf("skipped, since %s %s", path, why), "changed": false, "rc": 0}, nil
	}
	if p := c.Str("creates"); p != "" && globExists(dir, p) {
		return skipped(p, "exists")
	}
	if p := c.Str("removes"); p != "" && !globExists(dir, p) {
		return skipped(p, "does not exist")
	}
	argv, err := hostos.SplitWords(line)
	if err != nil {
		return nil, module.Fail(err.Error(), nil)
	}
	program := argv[0]
	if strings.Contains(program, "/") {
		if info, err := os.Stat(program); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			program = ""
		}
	} else {
		program = hostos.RunnerOf(ctx, c).Find(program)
	}
	if program == "" {
		return nil, module.Fail(fmt.Sprintf("The command was not found or was not executable: %s.", argv[0]), nil)
	}
	cmd := exec.CommandContext(ctx, program, argv[1:]...)
	cmd.Dir, cmd.Env = dir, hostos.Environ(c.Env, false)
	start := time.Now()
	text, err := converse(ctx, cmd, questions, timeout, c.Bool("echo"))
	if err != nil {
		return nil, err
	}
	if !utf8.ValidString(text) {
		return nil, module.Fail("the command returned non UTF-8 data", module.Result{"cmd": line})
	}
	end := time.Now()
	r := module.Result{
		"cmd": line, "stdout": strings.TrimRight(text, "\r\n"), "rc": nil, "changed": true,
		"start": start.Format(timeLayout), "end": end.Format(timeLayout), "delta": duration(end.Sub(start)),
	}
	// A command that was ended by a signal, ours included, has no exit code.
	if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !s.Exited() {
		return r, module.Fail("command exceeded timeout", r)
	}
	r["rc"] = cmd.ProcessState.ExitCode()
	if cmd.ProcessState.ExitCode() != 0 {
		return r, module.Fail("non-zero return code", r)
	}
	return r, nil
}

func expectQuestions(v any) ([]*question, error) {
	responses, _ := v.(map[string]any)
	var list []*question
	for pattern, answer := range responses {
		re, err := regex.Compile(pattern, regex.DotAll)
		if err != nil {
			return nil, module.Fail(err.Error(), nil)
		}
		q := &question{pattern: pattern, regex: re}
		if answers, ok := answer.([]any); ok {
			q.once = true
			for _, a := range answers {
				q.answers = append(q.answers, module.Text(a))
			}
		} else {
			q.answers = []string{module.Text(answer)}
		}
		list = append(list, q)
	}
	slices.SortFunc(list, func(a, b *question) int { return strings.Compare(a.pattern, b.pattern) })
	return list, nil
}

// expectTimeout is how long to wait for the next question; 0 means that it waits for ever.
func expectTimeout(v any) (time.Duration, error) {
	if v == nil {
		return 0, nil
	}
	spec := module.Spec{Options: []module.Option{{Name: "timeout", Type: module.TypeInt}}}
	checked := spec.Check("expect", map[string]any{"timeout": v})
	if checked.Err != "" {
		return 0, module.Fail(checked.Err, nil)
	}
	seconds, _ := checked.Args["timeout"].(int64)
	return max(time.Duration(seconds)*time.Second, time.Nanosecond), nil
}

// converse runs a command on a terminal of its own until it ends or says nothing that is expected for too long, and returns all
// that was on the terminal.
func converse(ctx context.Context, cmd *exec.Cmd, questions []*question, timeout time.Duration, echo bool) (string, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return "", module.Fail("no terminal for the command: "+err.Error(), nil)
	}
	defer master.Close()
	if err := prepareTerminal(slave, echo); err != nil {
		slave.Close()
		return "", module.Fail("no terminal for the command: "+err.Error(), nil)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = cmd.Start()
	slave.Close()
	if err != nil {
		return "", hostos.StartFailure(cmd.Args, err)
	}
	chunks := make(chan string)
	done := make(chan struct{})
	defer close(done)
	go func() { // ends when the last process closes the terminal, or with the master that is closed above
		defer close(chunks)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			if n > 0 {
				select {
				case chunks <- string(buf[:n]):
				case <-done:
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }() // ends with the command, which hangUp sees to
	all, talkErr := talk(ctx, master, chunks, questions, timeout)
	hangUp(cmd, exited)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return all, talkErr
}

// hangUp ends a command that still runs, politely first, as the end of its terminal does.
func hangUp(cmd *exec.Cmd, exited <-chan error) {
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGKILL} {
		select {
		case <-exited:
			return
		case <-time.After(100 * time.Millisecond):
			syscall.Kill(-cmd.Process.Pid, sig)
		}
	}
	<-exited
}

// talk answers questions until the terminal ends or nothing expected comes in time.
func talk(ctx context.Context, terminal *os.File, chunks <-chan string, questions []*question, timeout time.Duration) (string, error) {
	var all strings.Builder
	pending := "" // what came after the last question
	for {
		wait, stop := timer(timeout)
		for {
			q, end, err := nextQuestion(questions, pending)
			if err != nil {
				stop()
				return "", module.Fail(err.Error(), nil)
			}
			if q != nil {
				asked := pending[:end]
				pending = pending[end:]
				if len(q.answers) == 0 {
					stop()
					return "", module.Fail(fmt.Sprintf("No remaining responses for '%s', output was '%s'", q.pattern, bytesRepr(asked)), nil)
				}
				answer := q.answers[0]
				if q.once {
					q.answers = q.answers[1:]
				}
				if _, err := terminal.WriteString(answer + "\n"); err != nil && !errors.Is(err, syscall.EIO) {
					stop()
					return "", module.Fail("answer the command: "+err.Error(), nil)
				}
				break
			}
			select {
			case chunk, ok := <-chunks:
				if !ok {
					stop()
					return all.String(), nil
				}
				all.WriteString(chunk)
				pending += chunk
				continue
			case <-wait:
			case <-ctx.Done():
			}
			stop()
			return all.String(), nil
		}
		stop()
	}
}

func timer(d time.Duration) (<-chan time.Time, func()) {
	if d == 0 {
		return nil, func() {}
	}
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// nextQuestion is the question that comes first in text, and where it ends.
func nextQuestion(questions []*question, text string) (first *question, end int, err error) {
	start := -1
	for _, q := range questions {
		m, err := q.regex.Find(text, 0)
		if err != nil {
			return nil, 0, err
		}
		if m != nil && (start < 0 || m.Groups[0][0] < start) {
			first, start, end = q, m.Groups[0][0], m.Groups[0][1]
		}
	}
	return first, end, nil
}

// prepareTerminal makes the terminal 80 characters wide, and silent unless it shall show what is typed.
func prepareTerminal(f *os.File, echo bool) error {
	if err := pty.Setsize(f, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		return err
	}
	if echo {
		return nil
	}
	modes, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return err
	}
	modes.Lflag &^= unix.ECHO
	return unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, modes)
}

// bytesRepr is Python's repr of bytes.
func bytesRepr(s string) string {
	var b strings.Builder
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	b.WriteString("b")
	b.WriteByte(quote)
	for i := range len(s) {
		switch c := s[i]; {
		case c == quote || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte(quote)
	return b.String()
}
