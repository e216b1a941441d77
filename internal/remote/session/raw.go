package session

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/troupe-automation/troupe/internal/remote/become"
	"github.com/troupe-automation/troupe/internal/remote/connection"
	"github.com/troupe-automation/troupe/internal/wire"
)

// RawCommand is a command line that runs without the agent, on whatever the host is.
type RawCommand struct {
	Command    string
	Executable string       // shell; "" is /bin/sh
	Become     *become.Spec // nil: run as the login user
	Stdin      []byte
	PTY        bool // with a terminal
}

// RawResult is what a raw command left.
type RawResult struct {
	RC             int
	Stdout, Stderr string
}

// becameMark is printed by the shell that runs as the other user, so that what came before is not taken for output.
const becameMark = "BECOME-SUCCESS-troupe"

// line is what the login user's shell gets to execute; cmd is nil without become.
func (c *RawCommand) line() (line string, cmd *become.Command, err error) {
	shell := c.Executable
	if shell == "" {
		shell = "/bin/sh"
	}
	line = shell + " -c " + connection.Quote(c.Command)
	if c.Become == nil {
		return line, nil, nil
	}
	built, err := become.Build(*c.Become, "echo "+becameMark+" ; "+line)
	if err != nil {
		return "", nil, &TaskError{Code: wire.FailBecome, Msg: err.Error()}
	}
	return quoteAll(built.Argv), &built, nil
}

func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = connection.Quote(w)
	}
	return strings.Join(quoted, " ")
}

// Shown is the command line that is executed, for people who follow a run.
func (c *RawCommand) Shown() string {
	line, _, err := c.line()
	if err != nil {
		return c.Command
	}
	return line
}

// Raw runs a command. Errors are *UnreachableError, *TaskError, or ctx's; an exit code is none.
func (s *Session) Raw(ctx context.Context, c RawCommand) (RawResult, error) {
	line, cmd, err := c.line()
	if err != nil {
		return RawResult{}, err
	}
	o := connection.StartOptions{PTY: c.PTY}
	talk := &rawTalk{}
	if cmd != nil {
		o.PTY = o.PTY || cmd.PTY
		talk.cmd, talk.pass = cmd, c.Become.Pass
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p, err := s.conn.Start(ctx, line, o)
	if err != nil {
		return RawResult{}, err
	}
	talk.stdin, talk.cancel = p.Stdin(), cancel
	if talk.cmd == nil || talk.pass == "" {
		talk.feed(c.Stdin)
	} else {
		talk.input = c.Stdin
	}
	if talk.cmd != nil {
		timer := time.AfterFunc(s.becomeTimeout(), func() { talk.fail(wire.FailTimeout) })
		defer timer.Stop()
		talk.timer = timer
	}
	var wg sync.WaitGroup
	wg.Go(func() { io.Copy(&rawStream{talk: talk, buf: &talk.out, marked: true}, p.Stdout()) })
	wg.Go(func() { io.Copy(&rawStream{talk: talk, buf: &talk.err}, p.Stderr()) })
	wg.Wait()
	rc, err := p.Wait()
	talk.mu.Lock()
	defer talk.mu.Unlock()
	out, errs := talk.out.String(), talk.err.String()
	if talk.code != "" {
		return RawResult{}, talk.verdict(errs + out)
	}
	if ctx.Err() != nil {
		return RawResult{}, ctx.Err()
	}
	if err != nil {
		return RawResult{}, err
	}
	if talk.cmd != nil {
		if !talk.became {
			return RawResult{}, &TaskError{Code: wire.FailBecome, Msg: strings.TrimSpace(errs + out)}
		}
		_, out, _ = strings.Cut(out, becameMark)
		out = strings.TrimPrefix(strings.TrimPrefix(out, "\r"), "\n")
		errs = strings.TrimPrefix(errs, become.Prompt)
	}
	return RawResult{RC: rc, Stdout: out, Stderr: errs}, nil
}

// rawTalk watches a become program until the command runs.
type rawTalk struct {
	mu       sync.Mutex
	cmd      *become.Command // nil without become
	pass     string          // secret
	input    []byte          // for the command
	stdin    io.WriteCloser
	cancel   context.CancelFunc
	timer    *time.Timer
	out, err bytes.Buffer
	sent     bool
	became   bool
	code     wire.FailureCode
}

func (t *rawTalk) feed(input []byte) {
	go func() { // ends with the input or the process
		t.stdin.Write(input)
		t.stdin.Close()
	}()
}

func (t *rawTalk) fail(code wire.FailureCode) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.became && t.code == "" {
		t.code = code
		t.cancel()
	}
}

func (t *rawTalk) verdict(text string) error {
	m := t.cmd.Method
	switch t.code {
	case wire.FailIncorrectPass:
		return &TaskError{Code: t.code, Msg: "Incorrect " + m + " password"}
	case wire.FailMissingPass:
		return &TaskError{Code: t.code, Msg: "Missing " + m + " password"}
	}
	return &TaskError{Code: t.code, Msg: "Timeout waiting for privilege escalation prompt: " + strings.TrimSpace(text)}
}

// rawStream collects one output and looks at it while it comes.
type rawStream struct {
	talk   *rawTalk
	buf    *bytes.Buffer
	marked bool // the mark comes here
	since  int
}

func (r *rawStream) Write(p []byte) (int, error) {
	t := r.talk
	t.mu.Lock()
	defer t.mu.Unlock()
	r.buf.Write(p)
	if t.cmd == nil || t.became || t.code != "" {
		return len(p), nil
	}
	if r.marked && bytes.Contains(r.buf.Bytes(), []byte(becameMark)) {
		t.became = true
		t.timer.Stop()
		if t.pass != "" {
			t.feed(t.input)
		}
		return len(p), nil
	}
	text := strings.ToLower(string(r.buf.Bytes()[r.since:]))
	stop := func(code wire.FailureCode) {
		t.code = code
		t.cancel()
	}
	switch {
	case t.sent && containsAny(text, t.cmd.Wrong):
		stop(wire.FailIncorrectPass)
	case containsAny(text, t.cmd.Missing):
		stop(wire.FailMissingPass)
	case asks(text, t.cmd.Prompts):
		r.since = r.buf.Len()
		switch {
		case t.pass == "":
			stop(wire.FailMissingPass)
		case t.sent:
			stop(wire.FailIncorrectPass)
		default:
			t.sent = true
			if _, err := io.WriteString(t.stdin, t.pass+"\n"); err != nil {
				stop(wire.FailIncorrectPass)
			}
		}
	}
	return len(p), nil
}

// asks tells whether text ends in a line that asks for a password.
func asks(text string, words []string) bool {
	line := strings.TrimRight(text[strings.LastIndexByte(text, '\n')+1:], " ")
	return (strings.HasSuffix(line, ":") || strings.HasSuffix(line, "：")) && containsAny(line, words)
}

func containsAny(text string, words []string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}
