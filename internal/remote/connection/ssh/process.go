package ssh

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// process is a command on one channel.
type process struct {
	sess   *ssh.Session
	stdin  io.WriteCloser
	stdout io.Reader
	stderr io.Reader
	done   chan struct{}
	code   int
	err    error
	kill   sync.Once
}

// Start implements connection.Conn.
func (c *client) Start(ctx context.Context, command string, o connection.StartOptions) (connection.Process, error) {
	sess, err := c.NewSession()
	if err != nil {
		return nil, unreachable(connection.PhaseStart, err.Error(), err)
	}
	p := &process{sess: sess, done: make(chan struct{})}
	if err := p.start(c, command, o); err != nil {
		sess.Close()
		return nil, unreachable(connection.PhaseStart, err.Error(), err)
	}
	c.work.Go(func() {
		p.wait()
		sess.Close()
		close(p.done)
	})
	c.work.Go(func() {
		select {
		case <-ctx.Done():
			p.Kill()
		case <-p.done:
		}
	})
	return p, nil
}

func (p *process) start(c *client, command string, o connection.StartOptions) (err error) {
	if c.e.set.is("forwardagent", false) && c.rings.agent != nil {
		if agent.ForwardToAgent(c.Client, c.rings.agent) == nil {
			agent.RequestAgentForwarding(p.sess)
		}
	}
	for _, kv := range c.e.set["setenv"] {
		for _, word := range strings.Fields(kv) {
			name, value, _ := strings.Cut(word, "=")
			p.sess.Setenv(name, value) // servers refuse most names; ssh goes on then too
		}
	}
	if p.stdin, err = p.sess.StdinPipe(); err != nil {
		return err
	}
	if p.stdout, err = p.sess.StdoutPipe(); err != nil {
		return err
	}
	if p.stderr, err = p.sess.StderrPipe(); err != nil {
		return err
	}
	if o.PTY {
		if err := p.sess.RequestPty("xterm", 24, 80, ssh.TerminalModes{ssh.ECHO: 0, ssh.ONLCR: 0}); err != nil {
			return err
		}
	}
	return p.sess.Start(command)
}

func (p *process) wait() {
	err := p.sess.Wait()
	var exit *ssh.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		p.code = exit.ExitStatus()
		if exit.Signal() != "" && p.code == 0 {
			p.code = 255
		}
	default:
		p.err = &connection.UnreachableError{Phase: connection.PhaseLost, Msg: "Failed to connect to the host via ssh: the connection was lost", Err: err}
	}
}

func (p *process) Stdin() io.WriteCloser { return p.stdin }
func (p *process) Stdout() io.Reader     { return p.stdout }
func (p *process) Stderr() io.Reader     { return p.stderr }

func (p *process) Wait() (int, error) {
	<-p.done
	return p.code, p.err
}

// Kill asks the server to kill the command, and closes the channel, which commands that read or write notice.
func (p *process) Kill() {
	p.kill.Do(func() {
		p.sess.Signal(ssh.SIGKILL)
		p.sess.Close()
	})
}
