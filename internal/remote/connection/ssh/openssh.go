package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// openssh is a host reached through the OpenSSH client. A master process holds the connection; commands go through its
// control socket, so that they cost one channel and no login each.
type openssh struct {
	exe    string
	args   []string // up to the host name
	host   string
	e      *endpoint
	dir    string // private, holds the control socket
	master *exec.Cmd
	ended  chan struct{}
	stderr *lockedBuffer
	ctx    context.Context
	stop   context.CancelFunc
	procs  sync.WaitGroup
	close  sync.Once
}

func dialOpenSSH(ctx context.Context, e *endpoint, o connection.Options, log connection.Log) (connection.Conn, error) {
	exe := o.String("ssh_executable", "ssh")
	if _, err := exec.LookPath(exe); err != nil {
		return nil, unreachable(connection.PhaseConnect, "ssh: "+err.Error(), err)
	}
	// Short, because a socket's path has about 100 characters; and private.
	dir, err := os.MkdirTemp("", "troupe-ssh-")
	if err != nil {
		return nil, unreachable(connection.PhaseConnect, err.Error(), err)
	}
	c := &openssh{exe: exe, host: e.view.original, e: e, dir: dir, stderr: &lockedBuffer{}, ended: make(chan struct{})}
	c.ctx, c.stop = context.WithCancel(context.Background())
	socket := filepath.Join(dir, "s")
	own := e.set.get("controlpath") != "" && strings.HasPrefix(e.openssh, "a control master")
	args := []string{}
	if !own {
		// The first -o counts: the socket is ours whatever the arguments say.
		args = append(args, "-o", "ControlPath="+socket)
	}
	args = append(args, e.args...)
	if p := o["port"]; p != "" {
		args = append(args, "-o", "Port="+p)
	}
	if k := o["private_key_file"]; k != "" {
		args = append(args, "-o", `IdentityFile="`+k+`"`)
	}
	if u := o["remote_user"]; u != "" {
		args = append(args, "-o", "User="+u)
	}
	if p := o["pkcs11_provider"]; p != "" {
		args = append(args, "-o", "PKCS11Provider="+p)
	}
	if p := o["control_path"]; p != "" && own {
		args = append(args, "-o", "ControlPath="+p)
	}
	if v := o["host_key_checking"]; v != "" && !o.Bool("host_key_checking", true) {
		args = append(args, "-o", "StrictHostKeyChecking=no")
	}
	if e.password == "" {
		args = append(args, "-o", "KbdInteractiveAuthentication=no", "-o", "PasswordAuthentication=no", "-o", "BatchMode=yes")
	} else {
		args = append(args, "-o", "NumberOfPasswordPrompts=1")
	}
	args = append(args, "-o", "ConnectTimeout="+strconv.Itoa(max(1, int(e.timeout/time.Second))))
	c.args = args
	if own {
		close(c.ended)
		return c, nil
	}
	if err := c.startMaster(ctx, socket); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// startMaster logs in once and waits until the control socket is there. The client prints nothing when it is ready, so
// the master runs a command that does.
func (c *openssh) startMaster(ctx context.Context, socket string) error {
	args := append([]string{"-o", "ControlMaster=yes", "-o", "ControlPersist=no"}, c.args...)
	c.master = exec.CommandContext(c.ctx, c.exe, append(args, "-T", c.host, "echo TRP-READY; exec cat >/dev/null")...)
	c.master.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal to ask on
	c.master.WaitDelay = 5 * time.Second                      // what it started may hold its output open
	c.master.Stderr = c.stderr
	if c.e.password != "" {
		env, err := c.askpass()
		if err != nil {
			return unreachable(connection.PhaseAuth, err.Error(), err)
		}
		c.master.Env = append(os.Environ(), env...)
	}
	stdin, err := c.master.StdinPipe() // its end is the master's end
	if err != nil {
		return unreachable(connection.PhaseConnect, err.Error(), err)
	}
	ready := &lockedBuffer{notify: make(chan struct{}, 1)}
	c.master.Stdout = ready
	if err := c.master.Start(); err != nil {
		return unreachable(connection.PhaseConnect, err.Error(), err)
	}
	go func() { // ends with the master, which ends with c.ctx
		c.master.Wait()
		stdin.Close()
		close(c.ended)
	}()
	for {
		select {
		case <-ready.notify:
			if strings.Contains(ready.String(), "TRP-READY") {
				return nil
			}
		case <-c.ended:
			text := strings.TrimSpace(c.stderr.String())
			if c.e.password != "" && strings.Contains(text, "Permission denied") {
				return &connection.UnreachableError{Phase: connection.PhaseAuth, Msg: "Invalid/incorrect password: " + text}
			}
			return unreachable(phaseOf(text), text, errors.New("ssh: "+c.master.ProcessState.String()))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func phaseOf(text string) connection.Phase {
	for _, p := range []struct {
		word  string
		phase connection.Phase
	}{
		{"Could not resolve", connection.PhaseResolve}, {"Host key verification", connection.PhaseHostKey}, {"Permission denied", connection.PhaseAuth},
		{"connect to host", connection.PhaseConnect},
	} {
		if strings.Contains(text, p.word) {
			return p.phase
		}
	}
	return connection.PhaseHandshake
}

// askpass makes ssh ask a script for the password. The script reads it from a pipe, so it is in no file, no argument
// and no environment. It answers once, and no question of another kind (an unknown host key): a second reader would
// wait for ever.
func (c *openssh) askpass() ([]string, error) {
	fifo, script := filepath.Join(c.dir, "p"), filepath.Join(c.dir, "askpass")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		return nil, fmt.Errorf("mkfifo: %w", err)
	}
	q := connection.Quote(fifo)
	text := "#!/bin/sh\ncase $1 in *'(yes/no'*) exit 1;; esac\n"
	if c.e.prompt != "" {
		text += "case $1 in *" + connection.Quote(c.e.prompt) + "*) ;; *) echo \"no prompt with sshpass_prompt came, but: $1\" >&2; exit 1;; esac\n"
	}
	text += "mv " + q + " " + q + ".once 2>/dev/null || exit 1\nIFS= read -r p <" + q + ".once && printf '%s\\n' \"$p\"\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		return nil, err
	}
	// Opened for both, so that opening does not wait for the script; the pipe holds the line as long as it is open.
	pipe, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(pipe, c.e.password+"\n"); err != nil {
		pipe.Close()
		return nil, err
	}
	c.procs.Go(func() {
		defer pipe.Close()
		select {
		case <-c.ended:
		case <-c.ctx.Done():
		}
	})
	return []string{"SSH_ASKPASS=" + script, "SSH_ASKPASS_REQUIRE=force", "DISPLAY=:0"}, nil
}

// Start implements connection.Conn.
func (c *openssh) Start(ctx context.Context, command string, o connection.StartOptions) (connection.Process, error) {
	if err := c.ctx.Err(); err != nil {
		return nil, unreachable(connection.PhaseLost, "the connection is closed", err)
	}
	tty := "-T"
	if o.PTY {
		tty = "-tt"
	}
	args := append([]string{"-o", "ControlMaster=no"}, c.args...)
	p := &opensshProcess{cmd: exec.Command(c.exe, append(args, tty, c.host, command)...), done: make(chan struct{})}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var ends [3][2]*os.File
	for i := range ends {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, unreachable(connection.PhaseStart, err.Error(), err)
		}
		ends[i] = [2]*os.File{r, w}
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = ends[0][0], ends[1][1], ends[2][1]
	p.stdin, p.stdout, p.stderr = ends[0][1], ends[1][0], ends[2][0]
	err := p.cmd.Start()
	ends[0][0].Close()
	ends[1][1].Close()
	ends[2][1].Close()
	if err != nil {
		return nil, unreachable(connection.PhaseStart, err.Error(), err)
	}
	c.procs.Go(func() {
		p.err = p.cmd.Wait()
		close(p.done)
	})
	c.procs.Go(func() {
		select {
		case <-ctx.Done():
			p.Kill()
		case <-c.ctx.Done():
			p.Kill()
		case <-p.done:
		}
	})
	return p, nil
}

// Close implements connection.Conn.
func (c *openssh) Close() error {
	c.close.Do(func() {
		c.stop()
		if c.master != nil && c.master.Process != nil {
			<-c.ended
		}
		c.procs.Wait()
		os.RemoveAll(c.dir)
	})
	return nil
}

type opensshProcess struct {
	cmd                   *exec.Cmd
	stdin, stdout, stderr *os.File
	done                  chan struct{}
	err                   error
}

func (p *opensshProcess) Stdin() io.WriteCloser { return p.stdin }
func (p *opensshProcess) Stdout() io.Reader     { return p.stdout }
func (p *opensshProcess) Stderr() io.Reader     { return p.stderr }

// Wait implements connection.Process. Exit code 255 is ssh's own failure.
func (p *opensshProcess) Wait() (int, error) {
	<-p.done
	var exit *exec.ExitError
	if p.err != nil && !errors.As(p.err, &exit) {
		return 0, p.err
	}
	code := p.cmd.ProcessState.ExitCode()
	if code < 0 || code == 255 {
		return 255, &connection.UnreachableError{Phase: connection.PhaseLost, Msg: "Failed to connect to the host via ssh: the connection was lost", Err: p.err}
	}
	return code, nil
}

func (p *opensshProcess) Kill() {
	select {
	case <-p.done:
	default:
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	}
}

// lockedBuffer collects output for readers in other goroutines.
type lockedBuffer struct {
	mu     sync.Mutex
	b      bytes.Buffer
	notify chan struct{} // capacity 1, or nil
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	if l.b.Len() < 64<<10 {
		l.b.Write(p)
	}
	l.mu.Unlock()
	select {
	case l.notify <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
