// Package ssh is the connection to hosts by SSH. It speaks the protocol itself (golang.org/x/crypto/ssh), reads OpenSSH's
// configuration, known_hosts and agent, and hands over to the OpenSSH client where something is asked for that only
// that has, saying why.
//
// Registered in connection/all, used through internal/remote/session.
package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// Kind is the registry entry.
var Kind = connection.Kind{
	Name: "ssh", Aliases: []string{"paramiko", "paramiko_ssh", "libssh", "ansible.netcommon.libssh"},
	Options: []string{
		"host", "port", "remote_user", "password", "private_key_file", "private_key_passphrase", "ssh_args", "ssh_common_args", "ssh_extra_args",
		"host_key_checking", "timeout", "reconnection_retries", "ssh_executable", "control_path", "pkcs11_provider", "sshpass_prompt",
	},
	// ansible-core knows these from 2.19 on.
	Vars: map[string][]string{"private_key_passphrase": {"ansible_private_key_passphrase", "ansible_ssh_private_key_passphrase"}},
	Dial: dial,
}

func dial(ctx context.Context, o connection.Options, log connection.Log) (connection.Conn, error) {
	e, err := resolve(ctx, o)
	if err != nil {
		return nil, unreachable(connection.PhaseConnect, err.Error(), err)
	}
	retries := o.Int("reconnection_retries", 0)
	for attempt := 0; ; attempt++ {
		conn, err := dialOnce(ctx, e, o, log)
		if err == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var u *connection.UnreachableError
		if attempt >= retries || errors.As(err, &u) && (u.Phase == connection.PhaseHostKey || u.Phase == connection.PhaseAuth && e.password != "") {
			return nil, err
		}
		pause := time.Duration(min(math.Pow(2, float64(attempt))-1, 30) * float64(time.Second))
		log(2, fmt.Sprintf("ssh_retry: attempt: %d, %v, pausing for %v", attempt+1, err, pause))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func dialOnce(ctx context.Context, e *endpoint, o connection.Options, log connection.Log) (connection.Conn, error) {
	if e.openssh != "" {
		log(1, "using the OpenSSH client: "+e.openssh)
		return dialOpenSSH(ctx, e, o, log)
	}
	c, err := connect(ctx, e, nil, log)
	var switchTo *opensshError
	if errors.As(err, &switchTo) {
		log(1, "using the OpenSSH client: "+switchTo.why)
		return dialOpenSSH(ctx, e, o, log)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// opensshError says that the OpenSSH client may succeed where this package cannot.
type opensshError struct{ why string }

func (e *opensshError) Error() string { return e.why }

// unreachable makes the error in Ansible's form; text is what the ssh program would have printed.
func unreachable(phase connection.Phase, text string, cause error, hints ...string) *connection.UnreachableError {
	return &connection.UnreachableError{Phase: phase, Msg: "Failed to connect to the host via ssh: " + text, Hints: hints, Err: cause}
}

// client is an SSH connection and the connections it goes through.
type client struct {
	*ssh.Client
	e     *endpoint
	rings *keyring
	via   *client         // the last hop, or nil
	life  context.Context // ends with the connection, whoever ends it
	stop  context.CancelFunc
	work  sync.WaitGroup
	close sync.Once
}

func newClient(e *endpoint, rings *keyring, via *client, cc ssh.Conn, chans <-chan ssh.NewChannel, reqs <-chan *ssh.Request) *client {
	c := &client{Client: ssh.NewClient(cc, chans, reqs), e: e, rings: rings, via: via}
	c.life, c.stop = context.WithCancel(context.Background())
	go func() { // ends with the connection; Close does not wait for it, since a server that breaks the protocol can hold it up
		c.Client.Wait()
		c.stop()
	}()
	return c
}

func (c *client) Close() error {
	var err error
	c.close.Do(func() {
		c.stop()
		err = c.Client.Close()
		c.work.Wait()
		c.rings.close()
		if c.via != nil {
			c.via.Close()
		}
		if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
			err = nil
		}
	})
	return err
}

// connect connects to e, through via or through the hops that e itself asks for.
func connect(ctx context.Context, e *endpoint, via *client, log connection.Log) (*client, error) {
	if via == nil {
		for _, spec := range e.jumps() {
			hop, err := e.hop(ctx, spec)
			if err == nil {
				hop.set["proxyjump"] = []string{"none"}
				var next *client
				if next, err = connect(ctx, hop, via, log); err == nil {
					via = next
					continue
				}
			}
			if via != nil {
				via.Close()
			}
			var u *connection.UnreachableError
			if errors.As(err, &u) {
				u.Hints = append(u.Hints, "this happened at the jump host "+spec)
				return nil, u
			}
			return nil, err
		}
	}
	c, err := handshake(ctx, e, via, log)
	if err != nil && via != nil {
		via.Close()
	}
	return c, err
}

func handshake(ctx context.Context, e *endpoint, via *client, log connection.Log) (*client, error) {
	conn, err := transport(ctx, e, via, log)
	if err != nil {
		return nil, err
	}
	ring := &keyring{e: e, log: log}
	keys := newHostKeys(e)
	auth := newAuth(ctx, e, ring)
	// Deadlines do not work on channels of a jump host, so a timer closes the connection instead.
	timedOut := make(chan struct{})
	expire := func() { close(timedOut); conn.Close() }
	timer := time.AfterFunc(e.timeout, expire)
	interrupted := context.AfterFunc(ctx, func() { conn.Close() })
	var keyErr error
	cfg := &ssh.ClientConfig{
		User: e.user, Auth: auth.methods(), HostKeyAlgorithms: keys.algorithms(),
		HostKeyCallback: func(remote string, _ net.Addr, key ssh.PublicKey) error {
			// The limit is for reaching the host; logging in may take longer (PAM, a tired machine).
			if timer.Stop() {
				timer = time.AfterFunc(max(e.timeout, time.Minute), expire)
			}
			keyErr = keys.check(remote, key)
			return keyErr
		},
		BannerCallback: func(msg string) error {
			log(3, e.host+": "+strings.TrimSpace(msg))
			return nil
		},
	}
	cfg.SetDefaults()
	cfg.Config.KeyExchanges = e.list("kexalgorithms", cfg.Config.KeyExchanges)
	cfg.Config.Ciphers = e.list("ciphers", cfg.Config.Ciphers)
	cfg.Config.MACs = e.list("macs", cfg.Config.MACs)
	cc, chans, reqs, err := ssh.NewClientConn(conn, e.knownAddress(), cfg)
	timer.Stop()
	if !interrupted() && err == nil {
		cc.Close()
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		ring.close()
		select {
		case <-timedOut:
			return nil, unreachable(connection.PhaseHandshake, fmt.Sprintf("Connection timed out during banner exchange\r\nConnection to %s port %s timed out", e.host, e.port), err)
		default:
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, auth.explain(err, keyErr)
	}
	c := newClient(e, ring, via, cc, chans, reqs)
	if n, err := strconv.Atoi(e.set.get("serveraliveinterval")); err == nil && n > 0 {
		limit, err := strconv.Atoi(e.set.get("serveralivecountmax"))
		if err != nil || limit < 1 {
			limit = 3
		}
		c.work.Go(func() { c.keepAlive(time.Duration(n)*time.Second, limit) })
	}
	log(2, fmt.Sprintf("connected to %s as %s, %s", e.address(), e.user, cc.ServerVersion()))
	return c, nil
}

// knownAddress is what the host key callback gets as the name.
func (e *endpoint) knownAddress() string { return e.address() }

// keepAlive closes the connection when the server stays silent.
func (c *client) keepAlive(every time.Duration, limit int) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	missed := 0
	answers := make(chan error, 1)
	waiting := false
	for {
		select {
		case <-c.life.Done():
			return
		case err := <-answers:
			waiting, missed = false, 0
			if err != nil {
				return
			}
		case <-tick.C:
			if waiting {
				if missed++; missed >= limit {
					c.Client.Close()
					return
				}
				continue
			}
			waiting = true
			go func() { // ends with the answer or with the connection
				_, _, err := c.Client.SendRequest("keepalive@openssh.com", true, nil)
				answers <- err
			}()
		}
	}
}

// transport opens the byte stream to the server.
func transport(ctx context.Context, e *endpoint, via *client, log connection.Log) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	if via != nil {
		conn, err := via.Client.DialContext(ctx, "tcp", e.address())
		if err != nil {
			return nil, unreachable(connection.PhaseConnect, fmt.Sprintf("channel 0: open failed: connect failed: %v\r\nstdio forwarding failed", err), err)
		}
		return conn, nil
	}
	if p := e.set.get("proxycommand"); p != "" && !strings.EqualFold(p, "none") {
		log(2, "ProxyCommand "+p)
		return proxyCommand(e.view.expand(p))
	}
	network := "tcp"
	switch strings.ToLower(e.set.get("addressfamily")) {
	case "inet":
		network = "tcp4"
	case "inet6":
		network = "tcp6"
	}
	d := net.Dialer{}
	if b := e.set.get("bindaddress"); b != "" {
		ip := net.ParseIP(b)
		if ip == nil {
			return nil, &opensshError{"BindAddress=" + b}
		}
		d.LocalAddr = &net.TCPAddr{IP: ip}
	}
	conn, err := d.DialContext(ctx, network, e.address())
	if err == nil {
		return conn, nil
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		why := "Name or service not known"
		if dns.IsTemporary {
			why = "Temporary failure in name resolution"
		}
		return nil, unreachable(connection.PhaseResolve, fmt.Sprintf("ssh: Could not resolve hostname %s: %s", e.host, why), err)
	}
	why := err.Error()
	var errno syscall.Errno
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		why = "Connection timed out"
	case errors.As(err, &errno):
		why = strings.ToUpper(errno.Error()[:1]) + errno.Error()[1:]
	}
	return nil, unreachable(connection.PhaseConnect, fmt.Sprintf("ssh: connect to host %s port %s: %s", e.host, e.port, why), err)
}

// list applies a setting such as KexAlgorithms to our defaults: + appends, - removes, ^ moves to the front.
// Names this package does not know are left out; when none is left the defaults stay.
func (e *endpoint) list(key string, defaults []string) []string {
	v := e.set.get(key)
	if v == "" {
		return defaults
	}
	known := append(slices.Clone(defaults), supported(key)...)
	op := byte(0)
	if strings.IndexByte("+-^", v[0]) >= 0 {
		op, v = v[0], v[1:]
	}
	var named []string
	for _, n := range strings.Split(v, ",") {
		for _, k := range known {
			if matchList([]string{n}, k) && !slices.Contains(named, k) {
				named = append(named, k)
			}
		}
	}
	without := slices.DeleteFunc(slices.Clone(defaults), func(d string) bool { return slices.Contains(named, d) })
	switch op {
	case '+':
		return append(without, named...)
	case '-':
		return without
	case '^':
		return append(named, without...)
	}
	if len(named) == 0 {
		return defaults
	}
	return named
}

// supported are all algorithms of a setting, insecure ones included, which are used when asked for by name.
func supported(key string) []string {
	good, bad := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
	switch key {
	case "kexalgorithms":
		return append(good.KeyExchanges, bad.KeyExchanges...)
	case "ciphers":
		return append(good.Ciphers, bad.Ciphers...)
	case "macs":
		return append(good.MACs, bad.MACs...)
	default:
		return append(good.HostKeys, bad.HostKeys...)
	}
}
