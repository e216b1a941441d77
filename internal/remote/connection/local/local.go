// Package local is the connection to the machine Troupe runs on: commands are child processes.
//
// Registered in connection/all, used through internal/remote/session.
package local

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// Kind is the registry entry.
var Kind = connection.Kind{Name: "local", Aliases: []string{"ansible.builtin.local"}, Shared: true, Dial: dial}

func dial(_ context.Context, _ connection.Options, _ connection.Log) (connection.Conn, error) {
	ctx, cancel := context.WithCancel(context.Background())
	return &conn{ctx: ctx, cancel: cancel}, nil
}

type conn struct {
	ctx    context.Context // ends when the connection is closed
	cancel context.CancelFunc
	procs  sync.WaitGroup
}

func (c *conn) Start(ctx context.Context, command string, o connection.StartOptions) (connection.Process, error) {
	if err := c.ctx.Err(); err != nil {
		return nil, &connection.UnreachableError{Phase: connection.PhaseLost, Msg: "the connection is closed", Err: err}
	}
	p := &process{cmd: exec.Command("/bin/sh", "-c", command), done: make(chan struct{})}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := p.open(o.PTY); err != nil {
		return nil, startError(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.closeAll()
		return nil, startError(err)
	}
	p.closeChildEnds()
	c.procs.Add(1)
	go func() {
		defer c.procs.Done()
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	go func() {
		select {
		case <-ctx.Done():
			p.Kill()
		case <-c.ctx.Done():
			p.Kill()
		case <-p.done:
		}
	}()
	return p, nil
}

func (c *conn) Close() error {
	c.cancel()
	c.procs.Wait()
	return nil
}

func startError(err error) error {
	return &connection.UnreachableError{Phase: connection.PhaseStart, Msg: "start a local process: " + err.Error(), Err: err}
}

type process struct {
	cmd                   *exec.Cmd
	stdin, stdout, stderr *os.File
	childEnds             []*os.File
	done                  chan struct{}
	err                   error
	reap                  sync.Mutex
}

// open makes plain pipes rather than exec's own, so that Wait does not close what is still to be read.
func (p *process) open(pty bool) error {
	if pty {
		master, slave, err := openPTY()
		if err != nil {
			return err
		}
		p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = slave, slave, slave
		p.cmd.SysProcAttr.Setctty = true
		p.stdin, p.stdout = master, master
		p.childEnds = []*os.File{slave}
		return nil
	}
	for i := range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			p.closeAll()
			return err
		}
		switch i {
		case 0:
			p.cmd.Stdin, p.stdin = r, w
			p.childEnds = append(p.childEnds, r)
		case 1:
			p.cmd.Stdout, p.stdout = w, r
			p.childEnds = append(p.childEnds, w)
		case 2:
			p.cmd.Stderr, p.stderr = w, r
			p.childEnds = append(p.childEnds, w)
		}
	}
	return nil
}

func (p *process) closeChildEnds() {
	for _, f := range p.childEnds {
		f.Close()
	}
}

func (p *process) closeAll() {
	p.closeChildEnds()
	for _, f := range []*os.File{p.stdin, p.stdout, p.stderr} {
		if f != nil {
			f.Close()
		}
	}
}

func (p *process) Stdin() io.WriteCloser { return p.stdin }
func (p *process) Stdout() io.Reader     { return ttyReader{p.stdout} }

func (p *process) Stderr() io.Reader {
	if p.stderr == nil {
		return eof{}
	}
	return p.stderr
}

func (p *process) Wait() (int, error) {
	<-p.done
	var exit *exec.ExitError
	if p.err != nil && !errors.As(p.err, &exit) {
		return 0, p.err
	}
	if ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return p.cmd.ProcessState.ExitCode(), nil
}

func (p *process) Kill() {
	select {
	case <-p.done:
	default:
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	}
}

// ttyReader turns the EIO of a terminal whose other end is gone into EOF.
type ttyReader struct{ f *os.File }

func (t ttyReader) Read(b []byte) (int, error) {
	n, err := t.f.Read(b)
	if errors.Is(err, syscall.EIO) || errors.Is(err, os.ErrClosed) {
		err = io.EOF
	}
	return n, err
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
