package ssh

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// proxied is the standard input and output of a ProxyCommand as a network connection.
type proxied struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *os.File
	end sync.Once
}

func proxyCommand(command string) (net.Conn, error) {
	fail := func(err error) error {
		return unreachable(connection.PhaseConnect, "ProxyCommand "+command+": "+err.Error(), err)
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, fail(err)
	}
	p := &proxied{cmd: exec.Command("/bin/sh", "-c", "exec "+command), out: outR}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Stdout = outW
	p.in, err = p.cmd.StdinPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	outW.Close()
	if err != nil {
		outR.Close()
		return nil, fail(err)
	}
	return p, nil
}

func (p *proxied) Read(b []byte) (int, error) {
	n, err := p.out.Read(b)
	if errors.Is(err, os.ErrClosed) {
		err = net.ErrClosed
	}
	return n, err
}

func (p *proxied) Write(b []byte) (int, error) { return p.in.Write(b) }

// Close ends the command and all it started. It may be called several times, also at once.
func (p *proxied) Close() error {
	p.end.Do(func() {
		p.in.Close()
		p.out.Close()
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
		p.cmd.Wait()
	})
	return nil
}

type proxyAddr struct{}

func (proxyAddr) Network() string { return "proxycommand" }
func (proxyAddr) String() string  { return "proxycommand" }

func (p *proxied) LocalAddr() net.Addr              { return proxyAddr{} }
func (p *proxied) RemoteAddr() net.Addr             { return proxyAddr{} }
func (p *proxied) SetDeadline(time.Time) error      { return nil }
func (p *proxied) SetReadDeadline(time.Time) error  { return nil }
func (p *proxied) SetWriteDeadline(time.Time) error { return nil }
