// Package pyhost runs people's own Python plugins on the controller: filters, tests, lookups, actions, callbacks, vars
// plugins, inventories, caches and connections. They run in long-lived Python processes that are started when the first
// plugin is met, against our own package `ansible` (base/), and talk with this process over two pipes.
//
// The root package makes one Host for a project; internal/engine/action, the commands and the root package call plugins
// through it. The protocol is in docs/design/python-plugins.md.
package pyhost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

// Output is where plugins' words go. It is called from several goroutines.
type Output interface {
	// Show writes text in a colour by its name ("" for none).
	Show(text, color string, toErr, newline bool)
	// Raw writes what a plugin printed itself.
	Raw(text string, toErr bool)
	Banner(text, color string)
	V(level int, host, text string)
	Warning(text string)
	Deprecated(text string)
	Error(text string)
}

// Host is the plugins of one project. It is safe for concurrent use.
type Host struct {
	Search    *Search
	Config    *config.Config
	Secrets   *vault.Secrets
	Templates *template.Engine
	Output    Output
	Verbosity int
	Columns   int
	Args      *value.Dict // flags of the command line by their Python names
	// Native reports whether Troupe itself is the action or lookup of that name.
	Native func(kind, name string) bool
	// Prompt asks on the terminal; ok false: nobody is there.
	Prompt func(text string, echo bool, seconds int) (answer string, ok bool, err error)

	mu       sync.Mutex
	procs    [2]*proc
	closed   bool
	docs     map[string]*documentation
	declared map[string][]option
	funcs    map[string]*funcSet
	texts    map[string]string // of filter and test plugins
}

// Side is one of the two processes: what belongs to the run as a whole must survive a plugin of a task that ends its process.
type Side int

// The sides.
const (
	TaskSide Side = iota // filters, tests, lookups, actions, connections
	RunSide              // callbacks, inventories, vars plugins, caches
)

// Scope is what a call may ask about while it runs.
type Scope struct {
	// Templar renders for the task; nil where there is none.
	Templar *template.Templar
	// Ask answers what only the caller knows; ok false: it does not know either.
	Ask func(op string, args *value.Dict) (answer value.Value, ok bool, err error)
	// Lane keeps calls of the same lane in order; 0 is none.
	Lane int

	objects objects
}

// Error is an exception that a plugin raised.
type Error struct {
	Class     string   // "AnsibleError"
	Bases     []string // names of the class and its bases, itself first
	Module    string   // where the class is defined
	Msg       string
	Traceback string
	File      string // of the plugin's own line, when it is known
	Line      int
	Result    *value.Dict // of actions that end themselves
}

func (e *Error) Error() string { return e.Msg }

// IsA reports whether the exception is of a class.
func (e *Error) IsA(class string) bool {
	for _, b := range e.Bases {
		if b == class {
			return true
		}
	}
	return e.Class == class
}

// Known is the nearest class that messages name: one of Ansible's or of Python's own.
func (e *Error) Known() string {
	for _, b := range e.Bases {
		switch b {
		case "AnsibleUndefinedVariable", "AnsibleFilterError", "AnsibleFilterTypeError", "AnsibleLookupError", "AnsibleOptionsError", "AnsibleError", "UndefinedError":
			return b
		case "Exception":
			return e.Class
		}
	}
	return e.Class
}

// errDead is what calls get whose process ended.
var errDead = errors.New("A worker was found in a dead state") //nolint:staticcheck // Ansible's words

type proc struct {
	host   *Host
	cmd    *exec.Cmd
	out    *os.File // calls and answers to Python
	in     *os.File
	write  sync.Mutex
	mu     sync.Mutex
	calls  map[int64]*call
	next   atomic.Int64
	dead   chan struct{}
	exited chan struct{}
	reader chan struct{}
	err    error
}

// call is one call at work: what comes back for it, in order.
type call struct {
	mu    sync.Mutex
	queue []*value.Dict
	more  chan struct{}
}

func (c *call) put(m *value.Dict) {
	c.mu.Lock()
	c.queue = append(c.queue, m)
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default:
	}
}

func (c *call) take() *value.Dict {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return nil
	}
	m := c.queue[0]
	c.queue = c.queue[1:]
	return m
}

// Call runs an operation and serves what it asks for until it answers. content says that texts in the answer are written by
// the plugin's author for the playbook: variables that may hold templates.
func (h *Host) Call(ctx context.Context, side Side, op string, args *value.Dict, s *Scope, content bool) (value.Value, error) {
	p, err := h.process(side)
	if err != nil {
		return nil, err
	}
	return p.call(ctx, op, args, s, content)
}

// process returns the process of a side, started when there is none or it died.
func (h *Host) process(side Side) (*proc, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errors.New("the run is over")
	}
	if p := h.procs[side]; p != nil {
		select {
		case <-p.dead:
			h.funcs = nil // functions are known to one process only
		default:
			return p, nil
		}
	}
	p, err := h.start()
	if err != nil {
		return nil, err
	}
	h.procs[side] = p
	return p, nil
}

func (h *Host) start() (*proc, error) {
	python, err := Interpreter()
	if err != nil {
		return nil, err
	}
	dir, err := unpack()
	if err != nil {
		return nil, fmt.Errorf("Python plugins cannot be run: %w", err)
	}
	toR, toW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	fromR, fromW, err := os.Pipe()
	if err != nil {
		toR.Close()
		toW.Close()
		return nil, err
	}
	p := &proc{host: h, out: toW, in: fromR, calls: map[int64]*call{}, dead: make(chan struct{}), exited: make(chan struct{}), reader: make(chan struct{})}
	p.cmd = exec.Command(python, "-c", "import sys; sys.path[0] = sys.argv[1]; import troupe_host.__main__", dir)
	p.cmd.ExtraFiles = []*os.File{toR, fromW}
	p.cmd.Stdout, p.cmd.Stderr = os.Stdout, os.Stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = p.cmd.Start()
	toR.Close()
	fromW.Close()
	if err != nil {
		toW.Close()
		fromR.Close()
		return nil, fmt.Errorf("%s cannot be started: %w", python, err)
	}
	go p.read()
	go p.wait()
	paths := value.NewList()
	for _, d := range h.Search.Finder.Roots() {
		paths.Elems = append(paths.Elems, value.Str(d))
	}
	cli := h.Args
	if cli == nil {
		cli = value.NewDict()
	}
	_, err = p.call(context.Background(), "hello", value.DictOf(
		"verbosity", value.Int(h.Verbosity), "columns", value.Int(h.Columns), "debug", value.Bool(h.Config.Bool("DEFAULT_DEBUG")), "cliargs", cli,
		"basedir", value.Str(h.Search.Basedir()), "collections", paths), &Scope{}, false)
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("Python plugins cannot be run with %s: %w", python, err)
	}
	return p, nil
}

// wait notes the end of the process. Whoever inherited its pipes does not keep them alive.
func (p *proc) wait() {
	p.err = p.cmd.Wait()
	close(p.exited)
	select {
	case <-p.reader:
	case <-time.After(time.Second):
		p.in.Close()
		<-p.reader
	}
	close(p.dead)
	p.out.Close()
	p.in.Close()
}

func (p *proc) read() {
	defer close(p.reader)
	for {
		m, err := readFrame(p.in)
		if err != nil {
			// Without an answer nobody can go on.
			p.kill()
			return
		}
		id := number(m, "id")
		if id == 0 {
			id = number(m, "for")
		}
		p.mu.Lock()
		c := p.calls[id]
		p.mu.Unlock()
		if c != nil {
			c.put(m)
			continue
		}
		if n := number(m, "ask"); n != 0 { // a thread that outlived its call
			go p.answer(n, nil, value.Errorf("AnsibleError", "the task is over"), &Scope{})
			continue
		}
		p.host.say(m)
	}
}

func (p *proc) kill() {
	select {
	case <-p.exited:
	default:
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	}
}

func (p *proc) send(frame []byte) error {
	p.write.Lock()
	defer p.write.Unlock()
	_, err := p.out.Write(frame)
	return err
}

func (p *proc) call(ctx context.Context, op string, args *value.Dict, s *Scope, content bool) (value.Value, error) {
	if s == nil {
		s = &Scope{}
	}
	id := p.next.Add(1)
	frame, err := encodeCall(id, op, args, s)
	if err != nil {
		return nil, err
	}
	c := &call{more: make(chan struct{}, 1)}
	p.mu.Lock()
	p.calls[id] = c
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.calls, id)
		p.mu.Unlock()
	}()
	if err := p.send(frame); err != nil {
		return nil, errDead
	}
	for {
		if m := c.take(); m != nil {
			if v, done, err := p.serve(ctx, m, s, content); done {
				return v, err
			}
			continue
		}
		select {
		case <-c.more:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-p.dead:
			for m := c.take(); m != nil; m = c.take() {
				if v, done, err := p.serve(ctx, m, s, content); done {
					return v, err
				}
			}
			return nil, errDead
		}
	}
}

// serve handles one message of a call; done says that it was the answer.
func (p *proc) serve(ctx context.Context, m *value.Dict, s *Scope, content bool) (v value.Value, done bool, err error) {
	if n := number(m, "ask"); n != 0 {
		op, _ := m.GetStr("op")
		args := value.NewDict()
		raw, _ := m.GetStr("a")
		if d, ok := raw.(*value.Dict); ok {
			args = d
		}
		answer, err := p.host.ask(ctx, plain(op), args, s)
		p.answer(n, answer, err, s)
		return nil, false, nil
	}
	if _, ok := m.GetStr("say"); ok {
		p.host.say(m)
		return nil, false, nil
	}
	if e, ok := m.GetStr("err"); ok {
		return nil, true, exception(e)
	}
	v, _ = m.GetStr("v")
	v, err = s.decode(p, v, content)
	return v, true, err
}

func (p *proc) answer(n int64, v value.Value, err error, s *Scope) {
	frame, ferr := encodeAnswer(n, v, err, s)
	if ferr != nil {
		frame, _ = encodeAnswer(n, nil, ferr, s)
	}
	_ = p.send(frame) // a process that is gone is noticed elsewhere
}

// say handles what a plugin tells the user.
func (h *Host) say(m *value.Dict) {
	if h.Output == nil {
		return
	}
	text := func(name string) string { v, _ := m.GetStr(name); return plain(v) }
	flag := func(name string) bool { v, _ := m.GetStr(name); return v == value.True }
	switch text("say") {
	case "display":
		h.Output.Show(text("text"), text("color"), flag("stderr"), flag("newline"))
	case "print":
		h.Output.Raw(text("text"), text("stream") == "stderr")
	case "banner":
		h.Output.Banner(text("text"), text("color"))
	case "verbose":
		h.Output.V(int(number(m, "level")), text("host"), text("text"))
	case "warning":
		h.Output.Warning(text("text"))
	case "deprecated":
		h.Output.Deprecated(text("text"))
	case "error":
		h.Output.Error(text("text"))
	}
}

// Close ends the processes: each may finish what it wants to do at its end, for a few seconds.
func (h *Host) Close() {
	h.mu.Lock()
	h.closed = true
	procs := h.procs
	h.mu.Unlock()
	for _, p := range procs {
		if p == nil {
			continue
		}
		p.write.Lock()
		p.out.Close()
		p.write.Unlock()
		select {
		case <-p.dead:
		case <-time.After(5 * time.Second):
			p.kill()
			<-p.dead
		}
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // what plugins left running in our group
	}
}
