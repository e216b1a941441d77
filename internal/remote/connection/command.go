package connection

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/creack/pty"
)

// Command is a Conn whose commands are child processes of this program: on this machine, or through a program that reaches
// into another place (docker exec, chroot …).
type Command struct {
	Dir    string // where commands run; "" is this program's directory
	argv   func(command string, pty bool) []string
	ctx    context.Context // ends when the connection is closed
	cancel context.CancelFunc
	procs  sync.WaitGroup
}

// NewCommand returns a connection that runs argv(command line, with a terminal).
func NewCommand(argv func(command string, pty bool) []string) *Command {
	ctx, cancel := context.WithCancel(context.Background())
	return &Command{argv: argv, ctx: ctx, cancel: cancel}
}

// Start implements Conn.
func (c *Command) Start(ctx context.Context, command string, o StartOptions) (Process, error) {
	if err := c.ctx.Err(); err != nil {
		return nil, &UnreachableError{Phase: PhaseLost, Msg: "the connection is closed", Err: err}
	}
	argv := c.argv(command, o.PTY)
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), done: make(chan struct{})}
	p.cmd.Dir = c.Dir
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := p.open(o.PTY); err != nil {
		return nil, startError(argv[0], err)
	}
	if err := p.cmd.Start(); err != nil {
		p.closeAll()
		return nil, startError(argv[0], err)
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

// Close implements Conn.
func (c *Command) Close() error {
	c.cancel()
	c.procs.Wait()
	return nil
}

func startError(what string, err error) error {
	return &UnreachableError{Phase: PhaseStart, Msg: "start " + what + ": " + err.Error(), Err: err}
}

type process struct {
	cmd                   *exec.Cmd
	stdin, stdout, stderr *os.File
	childEnds             []*os.File
	done                  chan struct{}
	err                   error
}

// open makes plain pipes rather than exec's own, so that Wait does not close what is still to be read.
func (p *process) open(terminal bool) error {
	if terminal {
		master, slave, err := pty.Open()
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
