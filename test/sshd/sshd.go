// Package sshd serves SSH with the real sshd program, for tests and the demo. The listener is ours and each connection gets
// a server process of its own (sshd -i), so a port is never anybody else's and Close leaves nothing running.
//
// Called by test/fleet and by connectiontest.
package sshd

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
)

// Server accepts connections until it is closed.
type Server struct {
	Port int

	listener *net.TCPListener
	log      *os.File
	stop     context.CancelFunc
	work     sync.WaitGroup
	once     sync.Once
}

// Find returns the path of sshd, or "".
func Find() string {
	for _, p := range []string{"/usr/sbin/sshd", "/usr/local/sbin/sshd"} {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	p, err := exec.LookPath("sshd")
	if err != nil {
		return ""
	}
	return p
}

// Listen takes a free port of the address; the port is part of what known_hosts says, so Serve comes later.
func Listen(addr string) (*Server, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.ParseIP(addr)})
	if err != nil {
		return nil, err
	}
	return &Server{Port: l.Addr().(*net.TCPAddr).Port, listener: l, stop: func() {}}, nil
}

// Serve answers connections with the program exe and the sshd_config conf. Its log is written beside conf.
func (s *Server) Serve(ctx context.Context, exe, conf string) error {
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd refuses to start without it
			return err
		}
	}
	if out, err := exec.Command(exe, "-t", "-f", conf).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", conf, err, out)
	}
	log, err := os.OpenFile(logFile(conf), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	s.log = log
	ctx, s.stop = context.WithCancel(ctx)
	s.work.Go(func() {
		for {
			c, err := s.listener.AcceptTCP()
			if err != nil {
				return
			}
			s.work.Go(func() { s.connection(ctx, exe, conf, c) })
		}
	})
	return nil
}

func (s *Server) connection(ctx context.Context, exe, conf string, c *net.TCPConn) {
	f, err := c.File()
	c.Close()
	if err != nil {
		fmt.Fprintln(s.log, err)
		return
	}
	// A file of its own for the log: a pipe would be held by what the session leaves behind, and Wait would wait for that.
	cmd := exec.CommandContext(ctx, exe, "-i", "-e", "-f", conf)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = f, f, s.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = cmd.Start()
	f.Close()
	if err != nil {
		fmt.Fprintln(s.log, err)
		return
	}
	cmd.Wait()
}

// Log is what the servers said. It is for messages of failed tests.
func Log(conf string) string {
	b, err := os.ReadFile(logFile(conf))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func logFile(conf string) string { return filepath.Clean(conf) + ".log" }

// Close ends the listener and every connection. It may be called several times.
func (s *Server) Close() {
	s.once.Do(func() {
		s.listener.Close()
		s.stop()
		s.work.Wait()
		if s.log != nil {
			s.log.Close()
		}
	})
}
