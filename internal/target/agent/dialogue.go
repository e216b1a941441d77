package agent

import (
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/troupe-automation/troupe/internal/wire"
)

// dialogue watches what a become program prints until the agent is up, types the password when it is asked for, and
// knows afterwards why there is no agent.
type dialogue struct {
	become wire.Become
	stdin  io.Writer
	errEnd chan struct{} // closed when stderr has ended

	mu      sync.Mutex
	seen    strings.Builder // since the last prompt, lower case
	all     []byte          // last 4 KiB
	sent    bool
	outcome wire.FailureCode // "up", or why it failed; "" while undecided
}

func newDialogue(b wire.Become, stdin io.Writer) *dialogue {
	return &dialogue{become: b, stdin: stdin, errEnd: make(chan struct{})}
}

// errDone reads stderr until it ends; nil means that it comes with stdout.
func (d *dialogue) errDone(stderr *os.File) {
	if stderr == nil {
		close(d.errEnd)
		return
	}
	go func() { // ends when the program and what it started do, or the pipe is closed
		defer close(d.errEnd)
		io.Copy(d, stderr)
	}()
}

// waitErr waits for the last words, but not for a stranger that holds the pipe open.
func (d *dialogue) waitErr() {
	select {
	case <-d.errEnd:
	case <-time.After(time.Second):
	}
}

// settle decides the outcome, once.
func (d *dialogue) settle(code wire.FailureCode) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.outcome != "" {
		return false
	}
	d.outcome = code
	return true
}

// Write takes what the program printed. It never fails.
func (d *dialogue) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.outcome == "up" && d.become.PTY {
		return len(p), nil // frames
	}
	if d.all = append(d.all, p...); len(d.all) > 8<<10 {
		d.all = append(d.all[:0], d.all[len(d.all)-4<<10:]...)
	}
	if d.outcome != "" {
		return len(p), nil
	}
	if d.seen.Len() > 8<<10 {
		d.seen.Reset()
	}
	d.seen.WriteString(strings.ToLower(string(p)))
	text := d.seen.String()
	switch {
	case d.sent && containsAny(text, d.become.Wrong):
		d.stop(wire.FailIncorrectPass)
	case containsAny(text, d.become.Missing):
		if d.sent {
			d.stop(wire.FailIncorrectPass)
		} else {
			d.stop(wire.FailMissingPass)
		}
	case isPrompt(text, d.become.Prompts):
		d.seen.Reset()
		switch {
		case d.become.Secret == "":
			d.stop(wire.FailMissingPass)
		case d.sent:
			d.stop(wire.FailIncorrectPass)
		default:
			d.sent = true
			io.WriteString(d.stdin, d.become.Secret+"\n")
		}
	}
	return len(p), nil
}

// stop gives up: the program sees the end of its input.
func (d *dialogue) stop(code wire.FailureCode) {
	d.outcome = code
	if c, ok := d.stdin.(io.Closer); ok {
		c.Close()
	}
}

// isPrompt tells whether text ends in a line that asks for a password: one of the words, and a colon at the end.
func isPrompt(text string, words []string) bool {
	line := strings.TrimRight(text[strings.LastIndexByte(text, '\n')+1:], " \x00")
	if !strings.HasSuffix(line, ":") && !strings.HasSuffix(line, "：") {
		return false
	}
	return containsAny(line, words)
}

func containsAny(text string, words []string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

func (d *dialogue) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.TrimSpace(string(d.all))
}

// verdict says why there is no agent, in Ansible's words where it has some.
func (d *dialogue) verdict(b wire.Become, state string) (wire.FailureCode, string) {
	text := d.text()
	d.mu.Lock()
	defer d.mu.Unlock()
	switch d.outcome {
	case wire.FailIncorrectPass:
		return d.outcome, "Incorrect " + b.Method + " password"
	case wire.FailMissingPass:
		return d.outcome, "Missing " + b.Method + " password"
	case wire.FailTimeout:
		return d.outcome, "Timeout waiting for privilege escalation prompt: " + text
	}
	if text == "" {
		text = "no agent: " + state
	}
	return wire.FailBecome, text
}
