package agent

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"

	"github.com/troupe-automation/troupe/internal/wire"
)

// child is another agent: of a become user, or with the other image. Frames for it wait in a queue until it is up.
type child struct {
	s      *server
	become wire.Become
	offer  uint32 // the stream that its program is pulled by, 0: it is this very program
	limit  *time.Timer
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.Reader
	files  []io.Closer // our ends of its pipes
	talk   *dialogue
	exited chan struct{} // closed when the program has been reaped

	mu    sync.Mutex
	wake  *sync.Cond
	queue []wire.Frame
	over  bool
}

func (s *server) startChild(b wire.Become, offer uint32) {
	c := &child{s: s, become: b, offer: offer}
	c.wake = sync.NewCond(&c.mu)
	s.mu.Lock()
	s.nodes[b.Node] = c
	s.mu.Unlock()
	s.work.Go(c.run)
}

// forward gives a frame to the child it is for. Frames for a child that is gone were answered by its Gone or Fail frame.
func (s *server) forward(f wire.Frame) {
	s.mu.Lock()
	c := s.nodes[f.Node]
	s.mu.Unlock()
	if c == nil {
		return
	}
	c.mu.Lock()
	if !c.over {
		c.queue = append(c.queue, f)
	}
	c.mu.Unlock()
	c.wake.Signal()
}

// run lives as long as the child does. A program that insists on a terminal gets one in a second attempt.
func (c *child) run() {
	defer c.forget()
	for again := true; again; {
		again = c.attempt() && !c.become.PTY && c.s.ctx.Err() == nil
		c.become.PTY = true
	}
}

// attempt runs the program once. wantsTTY says that it may work on a terminal.
func (c *child) attempt() (wantsTTY bool) {
	if err := c.start(); err != nil {
		c.s.fail(c.become.Node, 0, wire.FailBecome, fmt.Sprintf("%s: %v", c.become.Method, err))
		return false
	}
	c.limit = time.AfterFunc(time.Duration(c.become.Seconds)*time.Second, func() {
		if c.talk.settle(wire.FailTimeout) {
			c.kill()
		}
	})
	hangUp := make(chan struct{})
	go func() { // the connection's end is the child's end
		select {
		case <-c.s.ctx.Done():
			c.hangUp()
		case <-hangUp:
		}
	}()
	frames := wire.NewReader(c.stdout)
	err := c.greet(frames)
	c.limit.Stop()
	up := err == nil && c.talk.settle("up")
	if up {
		written := make(chan struct{})
		go func() { defer close(written); c.write() }()
		err = c.relay(frames)
		c.endQueue()
		<-written
	}
	c.kill()
	if !up {
		c.talk.waitErr() // before hangUp, which closes what the last words come through
	}
	close(hangUp)
	c.hangUp()
	if up {
		c.s.out.Write(wire.Frame{Node: c.become.Node, Kind: wire.KindGone, Data: []byte(c.gone(err))})
		return false
	}
	code, msg := c.talk.verdict(c.become, c.ended())
	if code == wire.FailBecome && !c.become.PTY && containsAny(strings.ToLower(msg), []string{"must have a tty", "a terminal is required", "must be run from a terminal"}) {
		return true
	}
	c.s.fail(c.become.Node, 0, code, msg)
	return false
}

func (c *child) gone(err error) string {
	whose := "agent"
	if c.become.Method != "" {
		whose += " of the " + c.become.Method + " user"
	}
	msg := fmt.Sprintf("the %s ended (%s)", whose, c.ended())
	if !errors.Is(err, io.EOF) && err != nil {
		msg += ": " + err.Error()
	}
	if text := c.talk.text(); text != "" {
		msg += ": " + text
	}
	return msg
}

func (c *child) start() error {
	if len(c.become.Command) == 0 {
		return errors.New("empty command")
	}
	c.cmd = exec.Command(c.become.Command[0], c.become.Command[1:]...)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if c.become.PTY {
		master, slave, err := pty.Open()
		if err != nil {
			return err
		}
		defer slave.Close()
		c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = slave, slave, slave
		c.cmd.SysProcAttr.Setctty = true
		c.stdin, c.files = master, []io.Closer{master}
		c.talk = newDialogue(c.become, c.stdin)
		c.stdout = io.TeeReader(master, c.talk)
		c.talk.errDone(nil)
		if err := c.cmd.Start(); err != nil {
			master.Close()
			return err
		}
		c.wait()
		return nil
	}
	var ends []*os.File
	for range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(ends)
			return err
		}
		ends = append(ends, r, w)
	}
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = ends[0], ends[3], ends[5]
	c.stdin, c.files = ends[1], []io.Closer{ends[1], ends[2], ends[4]}
	c.talk = newDialogue(c.become, c.stdin)
	c.stdout = io.TeeReader(ends[2], c.talk)
	err := c.cmd.Start()
	for _, i := range []int{0, 3, 5} {
		ends[i].Close()
	}
	if err != nil {
		c.hangUp()
		return err
	}
	c.talk.errDone(ends[4])
	c.wait()
	return nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

func (c *child) hangUp() {
	for _, f := range c.files {
		f.Close()
	}
}

// kill ends the become program's process group; its agent notices that its input ended. Programs of other users cannot
// be killed, only hung up, and are not waited for forever.
func (c *child) kill() {
	c.files[0].Close()
	select {
	case <-c.exited:
		return
	case <-time.After(time.Second):
	}
	syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	select {
	case <-c.exited:
	case <-time.After(time.Second):
	}
}

// wait reaps the program.
func (c *child) wait() {
	c.exited = make(chan struct{})
	go func() { // ends with the program
		c.cmd.Wait()
		close(c.exited)
	}()
}

// ended describes how the program ended.
func (c *child) ended() string {
	select {
	case <-c.exited:
		return c.cmd.ProcessState.String()
	default:
		return "it still runs"
	}
}

// greet waits for the child's hello and sends it on. A starter that asks for the agent gets this very program, or what
// the controller offers.
func (c *child) greet(frames *wire.Reader) error {
	for {
		if _, err := frames.SkipToMagic(); err != nil {
			return err
		}
		line, err := frames.ReadLine()
		if err != nil {
			return err
		}
		what, rest, _ := strings.Cut(strings.TrimSuffix(line, "\r"), " ")
		switch what {
		case wire.LineUp:
			return nil
		case wire.LineMiss:
			c.limit.Stop() // the user is changed; a slow line may take its time
			send := c.sendSelf
			if c.offer != 0 {
				send = func() error { return c.sendOffer(rest) }
			}
			if err := send(); err != nil {
				c.talk.Write([]byte("\n" + err.Error()))
				return err
			}
		default:
			c.talk.Write([]byte("\n" + rest))
			return errors.New(rest)
		}
	}
}

// sendOffer passes on the program from the controller. asked is the starter's line: os, machine, encoding, directory.
func (c *child) sendOffer(asked string) error {
	words := strings.SplitN(asked, " ", 4)
	if len(words) != 4 {
		return fmt.Errorf("%w: %q", wire.ErrProtocol, asked)
	}
	r, err := c.s.pull(c.offer, "image:"+words[0]+" "+words[1]+":"+words[2])
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(c.stdin, r)
	return err
}

func (c *child) sendSelf() error {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		exe, exeErr := os.Executable()
		if exeErr != nil {
			return err
		}
		if f, err = os.Open(exe); err != nil {
			return err
		}
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c.stdin, "%d %d\n", st.Size(), st.Size()); err != nil {
		return err
	}
	_, err = io.Copy(c.stdin, f)
	return err
}

func (c *child) relay(frames *wire.Reader) error {
	for {
		f, err := frames.ReadFrame()
		if err != nil {
			return err
		}
		f.Node = c.become.Node
		if err := c.s.out.Relay(f); err != nil {
			return err
		}
	}
}

// write sends the queue to the child.
func (c *child) write() {
	out := wire.NewWriter(c.stdin)
	for {
		c.mu.Lock()
		for len(c.queue) == 0 && !c.over {
			c.wake.Wait()
		}
		if c.over {
			c.mu.Unlock()
			return
		}
		batch := c.queue
		c.queue = nil
		c.mu.Unlock()
		for _, f := range batch {
			f.Node = 0
			if out.Relay(f) != nil {
				return // relay sees the end too
			}
		}
	}
}

func (c *child) endQueue() {
	c.mu.Lock()
	c.over, c.queue = true, nil
	c.mu.Unlock()
	c.wake.Broadcast()
}

func (c *child) forget() {
	c.endQueue()
	c.s.mu.Lock()
	delete(c.s.nodes, c.become.Node)
	c.s.mu.Unlock()
}
