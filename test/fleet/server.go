package fleet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// startOwn serves a host in this process, for machines without sshd: key login, and commands run by /bin/sh.
func (f *Fleet) startOwn(ctx context.Context, h *Host, hostKey ssh.Signer, client ssh.PublicKey) error {
	conf := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if !bytes.Equal(key.Marshal(), client.Marshal()) {
			return nil, errors.New("unknown key")
		}
		return nil, nil
	}}
	conf.AddHostKey(hostKey)
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", h.Addr+":0")
	if err != nil {
		return err
	}
	h.Port = l.Addr().(*net.TCPAddr).Port
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { serve(ctx, c, conf) })
		}
	})
	h.stop = func() {
		cancel()
		l.Close()
		wg.Wait()
	}
	return nil
}

func serve(ctx context.Context, c net.Conn, conf *ssh.ServerConfig) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	conn, channels, requests, err := ssh.NewServerConn(c, conf)
	if err != nil {
		return
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go ssh.DiscardRequests(requests)
	for n := range channels {
		if n.ChannelType() != "session" {
			n.Reject(ssh.UnknownChannelType, "only sessions")
			continue
		}
		ch, reqs, err := n.Accept()
		if err != nil {
			return
		}
		go session(ctx, ch, reqs)
	}
}

// session runs the command of an exec request.
func session(ctx context.Context, ch ssh.Channel, reqs <-chan *ssh.Request) {
	defer ch.Close()
	for r := range reqs {
		if r.Type != "exec" {
			r.Reply(r.Type == "env", nil)
			continue
		}
		var p struct{ Command string }
		if err := ssh.Unmarshal(r.Payload, &p); err != nil {
			r.Reply(false, nil)
			continue
		}
		r.Reply(true, nil)
		go ssh.DiscardRequests(reqs)
		ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{run(ctx, ch, p.Command)}))
		return
	}
}

func run(ctx context.Context, ch ssh.Channel, command string) uint32 {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
	in, err := cmd.StdinPipe()
	if err != nil {
		return 255
	}
	if err := cmd.Start(); err != nil {
		return 255
	}
	go func() { io.Copy(in, ch); in.Close() }()
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return uint32(exit.ExitCode())
	}
	if err != nil {
		return 255
	}
	return 0
}
