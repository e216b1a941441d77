// Package pyexec runs modules that are not native: Python modules in a warm worker process that forks for each, and
// programs of any language as plain processes.
//
// Called by internal/target/agent. Its worker is worker.py, which the interpreter gets on its command line.
package pyexec

import (
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

//go:embed worker.py
var workerSource string

// Task is one execution of a Python module.
type Task struct {
	Interpreter []string // command and arguments
	Name        string   // for messages
	Full        string   // dotted name, for relative imports
	Hash        string   // of Source
	Source      []byte
	Base        Library   // what the worker imports once
	Extra       []Library // what this module needs besides
	Args        []byte    // JSON: {"ANSIBLE_MODULE_ARGS": {…}}
	Env         []string  // "K=V" additions
	NoFile      int       // open files it may have, at most what the system allows; 0: as many as the worker
}

// Library is a set of Python modules as JSON: dotted name to source.
type Library struct {
	Hash string
	Data []byte
}

// Outcome is what a finished process left.
type Outcome struct {
	RC     int // negative: ended by that signal
	Stdout []byte
	Stderr []byte
}

// ErrInterpreter is wrapped by errors about an interpreter that does not start.
var ErrInterpreter = errors.New("the Python interpreter does not work")

// MaxOutput is how much a module may write to each of standard output and standard error. One that writes more is ended: a result
// is held in memory several times on its way.
const MaxOutput = 64 << 20

// ErrOutput says that a module wrote more than MaxOutput. The outcome has the beginning of what it wrote.
var ErrOutput = errors.New("the module wrote more than 64 MiB and was ended")

// shownOutput is what is kept of an output that is too long.
const shownOutput = 4 << 10

// Pool holds warm workers, one for each interpreter and base library. It may be used by several goroutines.
// The zero Pool is ready.
type Pool struct {
	mu      sync.Mutex
	workers map[string]*worker
	closed  bool
}

// Run executes a task. When ctx ends, the process group of the module is killed.
func (p *Pool) Run(ctx context.Context, t Task) (Outcome, error) {
	w, err := p.worker(ctx, t)
	if err != nil {
		return Outcome{}, err
	}
	return w.run(ctx, t)
}

func (p *Pool) worker(ctx context.Context, t Task) (*worker, error) {
	key := strings.Join(t.Interpreter, "\x00") + "\x00" + t.Base.Hash
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, context.Canceled
	}
	w := p.workers[key]
	if w == nil || w.ended() {
		w = &worker{ready: make(chan struct{}), done: make(chan struct{}), tasks: map[int]*running{}}
		if p.workers == nil {
			p.workers = map[string]*worker{}
		}
		p.workers[key] = w
		go w.live(t.Interpreter, t.Base) // ends with the worker process, which close ends
	}
	p.mu.Unlock()
	select {
	case <-w.ready:
		return w, nil
	case <-w.done:
		return nil, w.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close ends all workers and what runs in them.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	workers := p.workers
	p.workers = nil
	p.mu.Unlock()
	for _, w := range workers {
		w.hangUp()
	}
	for _, w := range workers {
		select {
		case <-w.done:
		case <-time.After(2 * time.Second):
			w.kill()
		}
	}
}

// worker is one Python process.
type worker struct {
	ready chan struct{} // closed when it takes tasks
	done  chan struct{} // closed when it has ended; err is set then
	err   error

	mu    sync.Mutex
	cmd   *exec.Cmd
	sock  *os.File
	gone  bool            // hangUp was called
	order sync.Mutex      // a task that brings a source is sent before those that count on it
	known map[string]bool // hashes of sources and libraries that the process has
	next  int
	tasks map[int]*running
}

type running struct {
	pid     int
	started chan struct{} // closed when pid is set
	rc      chan int      // capacity 1
}

func (w *worker) ended() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// live starts the process and takes its messages until it ends.
func (w *worker) live(interpreter []string, base Library) {
	defer close(w.done)
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		w.err = fmt.Errorf("socketpair: %w", err)
		return
	}
	syscall.CloseOnExec(fds[0])
	syscall.CloseOnExec(fds[1])
	syscall.SetNonblock(fds[0], true)
	ours, theirs := os.NewFile(uintptr(fds[0]), "worker"), os.NewFile(uintptr(fds[1]), "agent")
	var last lastWords
	cmd := exec.Command(interpreter[0], append(interpreter[1:len(interpreter):len(interpreter)], "-c", workerSource)...)
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stderr = &last
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Env = append(os.Environ(), "PYTHONUNBUFFERED=")
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		ours.Close()
		w.err = fmt.Errorf("%w: %w", ErrInterpreter, err)
		return
	}
	w.mu.Lock()
	w.cmd, w.sock = cmd, ours
	gone := w.gone
	w.mu.Unlock()
	if gone {
		ours.Close()
	}
	hello := struct {
		Libraries []json.RawMessage `json:"libraries"`
	}{[]json.RawMessage{base.Data}}
	if err = w.send(hello, nil); err == nil {
		err = w.receive(ours)
	}
	ours.Close()
	waitErr := cmd.Wait()
	select {
	case <-w.ready:
		w.err = fmt.Errorf("the Python worker ended: %v: %s", cmd.ProcessState, last.String())
	default:
		if waitErr != nil {
			err = waitErr
		}
		w.err = fmt.Errorf("%w: %s: %v: %s", ErrInterpreter, strings.Join(interpreter, " "), err, last.String())
	}
}

func (w *worker) receive(sock *os.File) error {
	for {
		var head [4]byte
		if _, err := io.ReadFull(sock, head[:]); err != nil {
			return err
		}
		n := binary.BigEndian.Uint32(head[:])
		if n > 1<<16 {
			return errors.New("the worker does not keep to the protocol")
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(sock, body); err != nil {
			return err
		}
		var m struct {
			Ready, ID, PID int
			RC             *int
		}
		if err := json.Unmarshal(body, &m); err != nil {
			return err
		}
		if m.Ready != 0 {
			close(w.ready)
			continue
		}
		w.mu.Lock()
		r := w.tasks[m.ID]
		if m.RC != nil {
			delete(w.tasks, m.ID)
		}
		w.mu.Unlock()
		switch {
		case r == nil:
		case m.RC != nil:
			r.rc <- *m.RC
		default:
			r.pid = m.PID
			close(r.started)
		}
	}
}

// send writes a message with file descriptors.
func (w *worker) send(message any, fds []int) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	var rights []byte
	if len(fds) > 0 {
		rights = syscall.UnixRights(fds...)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	head := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	raw, err := w.sock.SyscallConn()
	if err != nil {
		return err
	}
	var sendErr error
	err = raw.Write(func(fd uintptr) bool {
		sendErr = syscall.Sendmsg(int(fd), head, rights, nil, 0)
		return !errors.Is(sendErr, syscall.EAGAIN)
	})
	if err == nil {
		err = sendErr
	}
	if err != nil {
		return err
	}
	_, err = w.sock.Write(body)
	return err
}

func (w *worker) run(ctx context.Context, t Task) (Outcome, error) {
	out, err := newCapture()
	if err != nil {
		return Outcome{}, err
	}
	errs, err := newCapture()
	if err != nil {
		out.close()
		return Outcome{}, err
	}
	defer out.close()
	defer errs.close()
	env := map[string]string{}
	for _, kv := range t.Env {
		name, value, _ := strings.Cut(kv, "=")
		env[name] = value
	}
	r := &running{started: make(chan struct{}), rc: make(chan int, 1)}
	w.mu.Lock()
	w.next++
	id := w.next
	w.tasks[id] = r
	w.mu.Unlock()
	err = w.start(id, t, env, out.w, errs.w)
	out.w.Close()
	errs.w.Close()
	if err != nil {
		return Outcome{}, fmt.Errorf("python worker: %w", err)
	}
	flooded := false
	select {
	case rc := <-r.rc:
		return finished(rc, out, errs)
	case <-w.done: // somebody killed the worker; what it forked lives on
		select {
		case <-r.started:
			syscall.Kill(-r.pid, syscall.SIGKILL)
		default:
		}
		return Outcome{}, w.err
	case <-ctx.Done():
	case <-out.flood:
		flooded = true
	case <-errs.flood:
		flooded = true
	}
	rc := -int(syscall.SIGKILL)
	select {
	case <-r.started:
		syscall.Kill(-r.pid, syscall.SIGKILL)
		select {
		case rc = <-r.rc:
		case <-w.done:
		}
	case <-w.done:
	}
	if flooded {
		return finished(rc, out, errs)
	}
	return Outcome{}, ctx.Err()
}

// sent is a library as the worker gets it. Those that it has go by their hash alone.
type sent struct {
	Hash    string          `json:"hash"`
	Modules json.RawMessage `json:"modules,omitempty"`
}

// start sends a task, with the sources that the worker does not have.
func (w *worker) start(id int, t Task, env map[string]string, out, errs *os.File) error {
	w.order.Lock()
	defer w.order.Unlock()
	message := map[string]any{"id": id, "full": t.Full, "hash": t.Hash, "file": "ansible_module_" + t.Name + ".py", "args": string(t.Args), "env": env}
	if t.NoFile > 0 {
		message["nofile"] = t.NoFile
	}
	fresh := []string{}
	if !w.known[t.Hash] {
		message["source"] = string(t.Source)
		fresh = append(fresh, t.Hash)
	}
	libraries := make([]sent, len(t.Extra))
	for i, l := range t.Extra {
		libraries[i].Hash = l.Hash
		if !w.known[l.Hash] {
			libraries[i].Modules = l.Data
			fresh = append(fresh, l.Hash)
		}
	}
	message["libraries"] = libraries
	if err := w.send(message, []int{int(out.Fd()), int(errs.Fd())}); err != nil {
		return err
	}
	if w.known == nil {
		w.known = map[string]bool{}
	}
	for _, h := range fresh {
		w.known[h] = true
	}
	return nil
}

// finished collects the output of a process that has ended.
func finished(rc int, out, errs *capture) (o Outcome, err error) {
	o = Outcome{rc, out.finish(), errs.finish()}
	if len(o.Stdout) > MaxOutput || len(o.Stderr) > MaxOutput {
		o.Stdout, o.Stderr = o.Stdout[:min(len(o.Stdout), shownOutput)], o.Stderr[:min(len(o.Stderr), shownOutput)]
		return o, ErrOutput
	}
	return o, nil
}

func (w *worker) hangUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = true
	if w.sock != nil {
		w.sock.Close()
	}
}

func (w *worker) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cmd != nil {
		syscall.Kill(-w.cmd.Process.Pid, syscall.SIGKILL)
	}
}

// capture collects what is written to a pipe, up to a byte more than MaxOutput.
type capture struct {
	r, w  *os.File
	data  []byte
	done  chan struct{}
	flood chan struct{} // closed when there is too much
}

func newCapture() (*capture, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c := &capture{r: r, w: w, done: make(chan struct{}), flood: make(chan struct{})}
	go func() { // ends with the last writer, too much output, finish, or close
		defer close(c.done)
		c.data, _ = io.ReadAll(io.LimitReader(r, MaxOutput+1))
		if len(c.data) > MaxOutput {
			close(c.flood)
		}
	}()
	return c, nil
}

// finish returns the output of a process that has ended. Children it left behind may hold the pipe open; they are not waited for.
func (c *capture) finish() []byte {
	select {
	case <-c.done:
	case <-time.After(100 * time.Millisecond):
		c.r.SetReadDeadline(time.Now())
		<-c.done
	}
	return c.data
}

func (c *capture) close() {
	c.w.Close()
	c.r.Close()
}

// lastWords keeps the end of what is written to it.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

func (l *lastWords) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text = append(l.text, p...); len(l.text) > 4<<10 {
		l.text = append(l.text[:0], l.text[len(l.text)-2<<10:]...)
	}
	return len(p), nil
}

func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(string(l.text))
}
