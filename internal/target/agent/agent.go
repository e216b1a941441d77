// Package agent is the program on the target: it reads calls from its standard input, runs them, several at a time,
// and writes results, output and file contents to its standard output, in the frames of internal/wire. It starts
// agents of other users (become) and relays their frames, and detaches jobs (async). When its input ends it ends every
// process it started, removes its temporary files and exits.
//
// Called by cmd/troupe-agent, and by cmd/troupe when that is started as an agent.
package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/internal/wire"
	"github.com/troupe-automation/troupe/module"
)

// Main is the agent's main function. args are the words after the program's name (and after the word that makes a
// bigger program the agent, which self repeats: self is the command line that starts this agent again).
// It returns the exit code.
func Main(self []string, args []string, modules *module.Registry) int {
	// A handler that does nothing instead of "ignore", which children would inherit.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE, syscall.SIGHUP)
	if len(args) > 0 && args[0] == jobWord {
		return runJob(modules)
	}
	// Results are few and short-lived: a lazier collector halves the CPU time of small calls.
	debug.SetGCPercent(400)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if len(args) > 1 && args[0] == wire.OnceWord {
		reply, err := runOnce(ctx, args[1], Config{Modules: modules, Self: self})
		if err == nil {
			err = json.NewEncoder(os.Stdout).Encode(reply)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "troupe agent:", err)
			return 1
		}
		return 0
	}
	if len(args) > 1 && args[0] == wire.ModuleWord {
		return runByHand(ctx, args[1:], modules)
	}
	if raw := rawTerminal(os.Stdin); raw != nil {
		fmt.Fprintln(os.Stderr, raw)
		return 1
	}
	go tidyCache() // ends with the process at the latest
	err := Serve(ctx, os.Stdin, os.Stdout, Config{Modules: modules, Self: self})
	if err != nil {
		fmt.Fprintln(os.Stderr, "troupe agent:", err)
		return 1
	}
	return 0
}

// Config is what an agent needs to know about the program around it.
type Config struct {
	Modules *module.Registry
	Self    []string // the command line that starts this agent again
}

// Serve speaks the protocol on in and out until in ends or ctx does, and then ends everything it started.
// It returns an error when in held something that is no protocol.
func Serve(ctx context.Context, in io.Reader, out io.Writer, cfg Config) error {
	ctx, cancel := context.WithCancel(ctx)
	s := &server{
		ctx: ctx, cfg: cfg, out: wire.NewWriter(out), calls: map[uint32]context.CancelFunc{},
		streams: map[uint32]streamEnd{}, nodes: map[uint16]*child{}, nextStream: wire.AgentStreams, blobs: newBlobs(),
	}
	if err := s.greet(out); err != nil {
		cancel()
		return err
	}
	read := make(chan error, 1)
	go func() { read <- s.read(wire.NewReader(in)) }() // when ctx ends first, the process ends with this reader in it
	var err error
	select {
	case err = <-read:
	case <-ctx.Done():
	}
	cancel()
	s.shutDown()
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.EIO) { // EIO: a terminal was hung up
		err = nil
	}
	return err
}

type server struct {
	ctx   context.Context // ends with the connection
	cfg   Config
	out   *wire.Writer
	work  sync.WaitGroup // calls and children
	temp  tempDir
	blobs *blobs
	py    pythons

	mu         sync.Mutex
	calls      map[uint32]context.CancelFunc
	streams    map[uint32]streamEnd
	nodes      map[uint16]*child
	nextStream uint32
}

// streamEnd is our end of a stream that we opened.
type streamEnd interface{ Abort(error) }

func (s *server) greet(out io.Writer) error {
	exe, err := os.Executable()
	if err != nil && len(s.cfg.Self) > 0 {
		exe = s.cfg.Self[0]
	}
	hello := wire.Encode(wire.Hello{
		Version: wire.Version, PID: os.Getpid(), OS: runtime.GOOS, Arch: runtime.GOARCH, UID: os.Getuid(), Home: os.Getenv("HOME"), Exe: exe,
	})
	// One write, so that the greeting is one packet.
	b := bufio.NewWriterSize(out, 4096)
	b.WriteString(wire.Magic + wire.LineUp + "\n")
	b.Write(wire.AppendHeader(nil, wire.Frame{Kind: wire.KindHello, Data: hello}))
	b.Write(hello)
	return b.Flush()
}

func (s *server) read(frames *wire.Reader) error {
	for {
		f, err := frames.ReadFrame()
		if err != nil {
			return err
		}
		if f.Node != 0 {
			s.forward(f)
			continue
		}
		f, whole, err := frames.Join(f)
		if err == nil && whole {
			err = s.dispatch(f)
		}
		if err != nil {
			return err
		}
	}
}

func (s *server) dispatch(f wire.Frame) error {
	switch f.Kind {
	case wire.KindCall:
		var c wire.Call
		if err := json.Unmarshal(f.Data, &c); err != nil {
			return fmt.Errorf("%w: call: %w", wire.ErrProtocol, err)
		}
		ctx, cancel := context.WithCancel(s.ctx)
		s.mu.Lock()
		s.calls[f.Stream] = cancel
		s.mu.Unlock()
		s.work.Go(func() { s.call(ctx, f.Stream, &c) })
	case wire.KindCancel:
		s.mu.Lock()
		cancel := s.calls[f.Stream]
		s.mu.Unlock()
		if cancel != nil {
			cancel()
		}
	case wire.KindBecome:
		var b wire.Become
		if err := json.Unmarshal(f.Data, &b); err != nil {
			return fmt.Errorf("%w: become: %w", wire.ErrProtocol, err)
		}
		s.startChild(b, f.Stream)
	case wire.KindLeave:
		return io.EOF
	case wire.KindData, wire.KindEnd, wire.KindCredit, wire.KindStop:
		s.mu.Lock()
		end := s.streams[f.Stream]
		s.mu.Unlock()
		passOn(end, f)
	default:
		return fmt.Errorf("%w: unexpected %s frame", wire.ErrProtocol, f.Kind)
	}
	return nil
}

// shutDown waits for what the end of ctx has stopped.
func (s *server) shutDown() {
	s.mu.Lock()
	for _, e := range s.streams {
		e.Abort(errors.New("the connection was lost"))
	}
	s.mu.Unlock()
	s.py.close()
	over := make(chan struct{})
	go func() { s.work.Wait(); close(over) }()
	select {
	case <-over:
	case <-time.After(5 * time.Second): // a module hangs in the kernel; the process ends all the same
	}
	s.temp.remove()
}

func (s *server) fail(node uint16, stream uint32, code wire.FailureCode, msg string) {
	s.out.Write(wire.Frame{Node: node, Kind: wire.KindFail, Stream: stream, Data: wire.Encode(wire.Failure{Code: code, Msg: msg})})
}
