// Package session runs modules on hosts: it connects, brings the agent to the host when it is not there yet, starts
// it once, and multiplexes every call, file and output over that one process, for the login user and for each
// become user.
//
// Called by internal/engine (task, action) and by commands that talk to hosts. Modules are names and bytes here: the
// package knows neither playbooks nor what a module does.
package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-automation/troupe/internal/remote/become"
	"github.com/troupe-automation/troupe/internal/remote/connection"
	"github.com/troupe-automation/troupe/internal/remote/connection/all"
	"github.com/troupe-automation/troupe/internal/remote/pymodule"
	"github.com/troupe-automation/troupe/internal/wire"
)

// UnreachableError is a failure to reach a host or the loss of the connection; results show it as unreachable.
type UnreachableError = connection.UnreachableError

// TaskError is a failure of one task before its module could run: the become password is wrong, no Python is there …
// Its text is Ansible's msg where Ansible has one.
type TaskError struct {
	Code wire.FailureCode
	Msg  string
}

func (e *TaskError) Error() string { return e.Msg }

// Target says which machine to reach and how. Targets with equal keys share a Session.
type Target struct {
	// Connection is the value of ansible_connection; "" is ssh.
	Connection string
	// Options are the connection plugin's options by Ansible's option names: host, port, remote_user, password,
	// private_key_file, ssh_common_args … Absent options have the plugin's defaults.
	Options connection.Options
}

// Key is equal for targets that may share a connection. It contains secrets: do not print it.
func (t Target) Key() string {
	k := all.Find(t.Connection)
	if k == nil {
		return t.Connection
	}
	used := connection.Options{}
	for _, name := range k.Options {
		if v, ok := t.Options[name]; ok {
			used[name] = v
		}
	}
	return k.Name + " " + used.Key()
}

// Config is what sessions need to know about the program around them.
type Config struct {
	// Log takes messages about connections at Ansible's verbosity levels. May be nil.
	Log func(verbosity int, msg string)
	// Self is the command line that makes this very program the agent, for example {"/usr/bin/troupe", "agent"}. It
	// serves the local machine, and hosts like it when the build has no embedded agents. Its first word is a file.
	Self []string
	// Image names the agent's image that a module lives in, "" the first. May be nil. An image that the build does not have is not looked for.
	Image func(module string) string
	// Agents are the agents to send, GOOS-GOARCH.gz and GOOS-GOARCH-NAME.gz of further images; nil: those of the build.
	Agents fs.FS
	// PreferSelf sends the program itself even when the build has agents. For tests, whose program has modules of its own.
	PreferSelf bool
	// BecomeTimeout limits the start of a become user's agent; 0 is the connection's timeout option, else 10 s.
	BecomeTimeout time.Duration
}

// Call is one module execution.
type Call struct {
	Module      string           // native module, fully qualified; or
	Python      *pymodule.Module // a module that is not native
	Args        json.RawMessage  // an object of option names; nil is empty
	Check       bool
	Diff        bool
	Verbosity   int
	Env         map[string]string // keyword environment
	Interpreter string            // the Python that the user named, for native modules that deal with Python; "" is none
	RemoteTmp   string            // option remote_tmp; "" is ~/.ansible/tmp
	Tmp         string            // name of the call's own directory there; "" lets the agent choose
	Keep        bool              // what a module that is not native needs as files stays on the host
	File        string            // a file on the host that Python runs instead of the module (pymodule.Module.Kept), or ""
	Become      *become.Spec      // nil: run as the login user
	NoFile      int               // open files that a module in Python may have; 0: as many as the agent

	Payload *Payload                          // a file the module may pull
	Receive io.Writer                         // takes the file the module sends, or nil
	Output  func(stream string, chunk []byte) // takes what a command prints while it runs; may be nil. stream is "stdout" or "stderr"
	Async   *Async                            // detach into a job, or nil
}

// Payload is a file offered to a module.
type Payload struct {
	Size int64  // -1 when unknown
	SHA1 string // hex, "" when unknown
	Path string // the file on the controller, for messages; "" when it is none
	Open func() (io.ReadCloser, error)
}

// Async asks for a detached job (BEHAVIOUR §3.10).
type Async struct {
	JID   string        // job id without the process id, "j" and digits; "" makes one
	Limit time.Duration // time limit
	Dir   string        // option async_dir; "" is ~/.ansible_async
}

// Session is a connection to one machine with the agents on it. It may be used by several goroutines.
type Session struct {
	cfg    Config
	target Target
	kind   *connection.Kind
	conn   connection.Conn

	mu     sync.Mutex
	start  chan struct{} // closed when link is set; nil while nobody starts the agent
	link   *link
	err    error // why there is no link
	closed bool

	asked atomic.Bool // First was called
}

// Open connects to a target and authenticates. The agent starts with the first Run.
// Errors are *UnreachableError, an unknown connection plugin, or ctx's.
func Open(ctx context.Context, t Target, cfg Config) (*Session, error) {
	if cfg.Log == nil {
		cfg.Log = func(int, string) {}
	}
	kind := all.Find(t.Connection)
	if kind == nil {
		return nil, fmt.Errorf("the connection plugin '%s' was not found", t.Connection)
	}
	conn, err := kind.Dial(ctx, maps.Clone(t.Options), cfg.Log)
	if err != nil {
		return nil, err
	}
	return &Session{cfg: cfg, target: t, kind: kind, conn: conn}, nil
}

// agent returns the running agent, and starts it when it does not run. A start that failed is tried again by the next caller.
func (s *Session) agent(ctx context.Context) (*link, error) {
	for {
		s.mu.Lock()
		switch {
		case s.closed:
			s.mu.Unlock()
			return nil, errClosed
		case s.link != nil:
			defer s.mu.Unlock()
			return s.link, nil
		case s.start == nil:
			s.start = make(chan struct{})
			s.mu.Unlock()
			l, err := startAgent(ctx, s.conn, s.kind.Here, s.cfg)
			s.mu.Lock()
			s.link = l
			close(s.start)
			s.start = nil
			closed := s.closed
			s.mu.Unlock()
			if err == nil && closed {
				l.close()
				return nil, errClosed
			}
			return l, err
		}
		wait := s.start
		s.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

var errClosed = &UnreachableError{Phase: connection.PhaseLost, Msg: "the connection is closed"}

// Run executes a module and returns its result, a JSON object. When ctx ends, the module's processes are ended too.
// Errors are *UnreachableError, *TaskError, ctx's, or those of the Call's own readers and writers.
func (s *Session) Run(ctx context.Context, c Call) (json.RawMessage, error) {
	l, err := s.agent(ctx)
	if err != nil {
		return nil, err
	}
	n, err := l.node(c.Become, s.image(c), s.becomeTimeout())
	if err != nil {
		return nil, err
	}
	defer l.giveBack(n)
	return l.run(ctx, n, c)
}

// image names the agent's image that has the module of a call, "" for the first.
func (s *Session) image(c Call) string {
	if s.cfg.Image == nil || c.Module == "" {
		return ""
	}
	return s.cfg.Image(c.Module)
}

// Leave ends the agents of a user that tasks became, except those that calls use: while one runs, the user is in use and
// cannot be removed. Without a connection there are none.
func (s *Session) Leave(ctx context.Context, user string) error {
	s.mu.Lock()
	l := s.link
	s.mu.Unlock()
	if user == "" || l == nil || l.lost() {
		return nil
	}
	return l.leave(ctx, user)
}

func (s *Session) becomeTimeout() time.Duration {
	if s.cfg.BecomeTimeout > 0 {
		return s.cfg.BecomeTimeout
	}
	return s.target.Options.Seconds("timeout", 10*time.Second)
}

// Hello tells what the agent found out about its host when it started: operating system, architecture, user id, home.
func (s *Session) Hello(ctx context.Context) (wire.Hello, error) {
	l, err := s.agent(ctx)
	if err != nil {
		return wire.Hello{}, err
	}
	return l.hello, nil
}

// Lost reports whether the agent's connection broke, so that a new Session is needed.
func (s *Session) Lost() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed || s.link != nil && s.link.lost()
}

// Close ends all calls, the agents, and the connection.
func (s *Session) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	l := s.link
	s.mu.Unlock()
	if l != nil {
		l.close()
	}
	return s.conn.Close()
}

// asTaskError turns a failure that the agent reported into what Run returns.
func asTaskError(f *wire.Failure) error {
	if f.Code == wire.FailCancelled {
		return context.Canceled
	}
	return &TaskError{Code: f.Code, Msg: f.Msg}
}

func lostError(detail string, cause error) *UnreachableError {
	msg := "the connection to the agent was lost"
	if detail != "" {
		msg += ": " + detail
	} else if cause != nil && !errors.Is(cause, io.EOF) {
		msg += ": " + cause.Error()
	}
	return &UnreachableError{Phase: connection.PhaseLost, Msg: msg, Err: cause}
}

func streamName(b byte) string {
	if b == 2 {
		return "stderr"
	}
	return "stdout"
}

func seconds(d time.Duration) int { return max(1, int((d+time.Second-1)/time.Second)) }
