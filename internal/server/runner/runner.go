// Package runner runs one job as a child process of this same program: in a private directory, with a private environment, secrets
// in memory-backed files, and its events read as they come. It knows neither database nor API.
//
// Called by internal/server/dispatch.
package runner

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/event"
)

// Spec is one run.
type Spec struct {
	Self []string // the program and the first words of its command line, "troupe playbook"
	Args []string // further arguments; SecretDir in them stands for the directory of Files
	Env  []string
	Dir  string   // where the project is
	Own  []string // directories that belong to the run, the one that has the project among them
	// Cage keeps the run apart from the server; nil for not at all.
	Cage *Cage
	// Groups limits what the run may take; nil for no limits.
	Groups *Groups
	// Owner is a name that no other server on this machine has: by it the next server finds what this one, killed, leaves behind.
	Owner string
	// Image is what the run's container is made of, by Engine; nil for none.
	Image  *Image
	Engine *Engine
	// Files are secrets and other inputs, by name; they live as long as the run.
	Files   map[string][]byte
	Timeout time.Duration // 0: none
}

// SecretDir stands for the directory of a run's files in its arguments and environment.
const SecretDir = "{{secrets}}"

// Outcome is how a run ended.
type Outcome struct {
	Code     int
	Canceled bool
	TimedOut bool
	Starved  bool // it, or a part of it, was killed because it needed more memory than it may have
	// Stderr is what the program said outside of events: why it could not start, say.
	Stderr string
	Err    error // the run could not be made or followed
}

// maxLine is the longest event that is read; a child that writes more is not one of ours.
const maxLine = 64 << 20

// grace is how long a run has to end after it was asked to.
const grace = 15 * time.Second

// Run starts the child and gives its lines to each, in order. It ends when the child has ended and every line was read; when ctx is
// done the child is asked to stop, then killed with all that it started.
func Run(ctx context.Context, spec Spec, each func(event.Line)) Outcome {
	c, err := spec.child(true)
	if err != nil {
		return Outcome{Err: err}
	}
	defer c.close()
	runCtx, stop := ctx, func() {}
	if spec.Timeout > 0 {
		runCtx, stop = context.WithTimeout(ctx, spec.Timeout)
	}
	defer stop()
	stderr := &tail{max: 32 << 10}
	c.cmd.Stderr = stderr
	if err := c.start(); err != nil {
		return Outcome{Err: err}
	}
	ended := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		select {
		case <-ended:
			return
		case <-runCtx.Done():
		}
		syscall.Kill(-c.cmd.Process.Pid, syscall.SIGINT)
		select {
		case <-ended:
		case <-time.After(grace):
			c.kill()
		}
	})
	// Reading stops soon after the child's end: something that it left behind may hold the pipe open.
	read := make(chan error, 1)
	go func() { read <- readLines(c.events, each) }()
	waitErr := c.cmd.Wait()
	close(ended)
	watcher.Wait()
	c.sweep()
	c.events.SetReadDeadline(time.Now().Add(5 * time.Second))
	readErr := <-read
	out := Outcome{Code: c.cmd.ProcessState.ExitCode(), Stderr: stderr.String(), Canceled: ctx.Err() != nil, TimedOut: ctx.Err() == nil && runCtx.Err() != nil, Starved: c.in.starved()}
	var exit *exec.ExitError
	if waitErr != nil && !errors.As(waitErr, &exit) && !errors.Is(waitErr, exec.ErrWaitDelay) {
		out.Err = waitErr
	}
	if readErr != nil && !errors.Is(readErr, os.ErrDeadlineExceeded) {
		out.Err = readErr
	}
	return out
}

// Output runs a command that prints its result, and returns it with what it said beside.
func Output(ctx context.Context, spec Spec) (out []byte, said string, err error) {
	c, err := spec.child(false)
	if err != nil {
		return nil, "", err
	}
	defer c.close()
	stdout, stderr := &head{max: maxLine}, &tail{max: 32 << 10}
	c.cmd.Stdout, c.cmd.Stderr = stdout, stderr
	if err := c.start(); err != nil {
		return nil, "", err
	}
	ended := context.AfterFunc(ctx, c.kill)
	err = c.cmd.Wait()
	if ended() {
		c.sweep()
	}
	if c.in.starved() {
		err = errors.Join(ErrStarved, err)
	}
	if stdout.over {
		err = fmt.Errorf("it printed more than %d bytes", maxLine)
	}
	return stdout.b, stderr.String(), errors.Join(ctx.Err(), err)
}

// ErrStarved says that a run was killed because it needed more memory than it may have.
const ErrStarved = starved("it needed more memory than a run may have here")

type starved string

func (s starved) Error() string { return string(s) }

// child is the process of a run with all that belongs to it.
type child struct {
	cmd           *exec.Cmd
	in            *group
	mate          *inmate
	dirs          []string // to be removed
	events, write *os.File
	contained     func() // removes the run's container
}

// child makes the process of a run, not yet started; with events it gets a pipe to tell them by.
func (spec *Spec) child(events bool) (c *child, err error) {
	c = &child{}
	defer func() {
		if err != nil {
			c.close()
			c = nil
		}
	}()
	dir, err := privateDir(spec.Owner)
	if err != nil {
		return c, err
	}
	c.dirs = append(c.dirs, dir)
	for name, content := range spec.Files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return c, err
		}
	}
	argv := append(append([]string{}, spec.Self...), spec.Args...)
	for i := range argv {
		argv[i] = strings.ReplaceAll(argv[i], SecretDir, dir)
	}
	c.cmd = exec.Command(argv[0], argv[1:]...)
	c.cmd.Dir = spec.Dir
	for _, e := range spec.Env {
		c.cmd.Env = append(c.cmd.Env, strings.ReplaceAll(e, SecretDir, dir))
	}
	c.cmd.WaitDelay = 2 * time.Second
	cage := spec.Cage
	if cage == nil {
		cage = &Cage{kind: None}
	}
	fifo := ""
	switch {
	case events && spec.Image != nil:
		fifo = filepath.Join(dir, "events")
		c.events, c.write, err = pipe(fifo)
	case events:
		c.events, c.write, err = os.Pipe()
		c.cmd.ExtraFiles = []*os.File{c.write} // descriptor 3
	}
	if err != nil {
		return c, err
	}
	dirs := append(append([]string{}, spec.Own...), dir)
	if c.mate, err = cage.enter(argv[0], dirs...); err != nil {
		return c, fmt.Errorf("isolating the run: %w", err)
	}
	if spec.Image == nil {
		if err := c.mate.wrap(c.cmd); err != nil {
			return c, err
		}
		c.in = spec.Groups.enter()
		return c, nil
	}
	registry, err := privateDir(spec.Owner)
	if err != nil {
		return c, err
	}
	c.dirs = append(c.dirs, registry)
	c.contained = func() { spec.Engine.remove(spec.Image.Container) }
	return c, spec.Engine.wrap(c.cmd, spec.Image, c.mate, dirs, dir, registry, fifo)
}

// start starts it. The writing end of its events is the child's alone then, or, when it opens a named one, is held until it has ended.
func (c *child) start() error {
	err := c.in.start(c.cmd)
	if c.write != nil && c.contained == nil {
		c.write.Close()
		c.write = nil
	}
	return err
}

// kill ends the child, and what it has started.
func (c *child) kill() {
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	c.in.kill()
	if c.contained != nil {
		c.contained()
	}
}

// sweep ends what is left of a child that has ended. The container of one that ended itself is gone.
func (c *child) sweep() {
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	c.in.kill()
	if c.contained != nil && !c.cmd.ProcessState.Exited() {
		c.contained()
	}
	if c.write != nil {
		c.write.Close()
		c.write = nil
	}
}

// close removes what the run had.
func (c *child) close() {
	c.in.leave()
	if c.mate != nil {
		c.mate.leave()
	}
	for _, f := range []*os.File{c.events, c.write} {
		if f != nil {
			f.Close()
		}
	}
	for _, dir := range c.dirs {
		os.RemoveAll(dir)
	}
}

// readLines reads events until the end. A line that is no event ends the reading: the child is not to be trusted.
func readLines(r io.Reader, each func(event.Line)) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 64<<10), maxLine)
	for sc.Scan() {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		var l event.Line
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			io.Copy(io.Discard, r)
			return fmt.Errorf("the run wrote an event that cannot be read: %w", err)
		}
		if l.V > event.Version {
			io.Copy(io.Discard, r)
			return fmt.Errorf("the run writes events of version %d, this server reads %d", l.V, event.Version)
		}
		each(l)
	}
	if err := sc.Err(); err != nil {
		io.Copy(io.Discard, r)
		return err
	}
	return nil
}

// privateDir makes a directory for secrets, in memory where the system has a place for that. It has the owner's name, so that Sweep finds it.
func privateDir(owner string) (string, error) {
	if st, err := os.Stat("/dev/shm"); err == nil && st.IsDir() {
		if dir, err := os.MkdirTemp("/dev/shm", private(owner)); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp("", private(owner))
}

func private(owner string) string { return "troupe-" + owner + "-" }

// Sweep removes the secrets of runs whose server was killed. owner is a name that no other server on this machine has.
func Sweep(owner string) error {
	var failed []error
	for _, dir := range []string{"/dev/shm", os.TempDir()} {
		left, err := filepath.Glob(filepath.Join(dir, private(owner)+"*"))
		failed = append(failed, err)
		for _, path := range left {
			failed = append(failed, os.RemoveAll(path))
		}
	}
	return errors.Join(failed...)
}

// head keeps the beginning of what is written to it.
type head struct {
	b    []byte
	max  int
	over bool
}

func (h *head) Write(p []byte) (int, error) {
	if len(h.b)+len(p) > h.max {
		h.over = true
		return len(p), nil
	}
	h.b = append(h.b, p...)
	return len(p), nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	b   []byte
	max int
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if len(t.b) > t.max {
		t.b = append([]byte{}, t.b[len(t.b)-t.max:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}
