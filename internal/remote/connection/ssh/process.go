package ssh

import (
	"context"
	"errors"
	"io"
	"net"
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
	select {
	case <-c.life.Done():
		return nil, unreachable(connection.PhaseLost, "the connection was lost", net.ErrClosed)
	default:
	}
	type started struct {
		p   *process
		err error
	}
	// The server's answers are awaited here with an eye on the context and on the connection's end: a server may be stuck,
	// and the library misses the end when it comes while a channel is being opened; its call then never returns.
	answer := make(chan started)
	gone := make(chan struct{})
	defer close(gone)
	go func() {
		p, err := c.open(command, o)
		select {
		case answer <- started{p, err}:
		case <-gone:
			if err == nil {
				p.sess.Close()
			}
		}
	}()
	var p *process
	select {
	case s := <-answer:
		if s.err != nil {
			return nil, unreachable(connection.PhaseStart, s.err.Error(), s.err)
		}
		p = s.p
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.life.Done():
		return nil, unreachable(connection.PhaseLost, "the connection was lost", net.ErrClosed)
	}
	c.work.Go(func() {
		p.wait()
		p.sess.Close()
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

// open starts a command in a session of its own.
func (c *client) open(command string, o connection.StartOptions) (*process, error) {
	sess, err := c.NewSession()
	if err != nil {
		return nil, err
	}
	p := &process{sess: sess, done: make(chan struct{})}
	if err := p.start(c, command, o); err != nil {
		sess.Close()
		return nil, err
	}
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
