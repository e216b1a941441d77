package launch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/cli/argparse"
	"github.com/troupe-automation/troupe/internal/diag"
)

// Events is the flag of the machine interface.
func Events() []argparse.Flag {
	return []argparse.Flag{{Names: []string{"--events"}, Dest: "events", Metavar: "FD|FILE", Help: "write events as lines of JSON there, with what would be printed"}}
}

// lines writes the events of a run as lines of JSON, each with what was printed because of it. While it is open nothing goes to
// the command's own streams: a reader of the lines has it all, in order.
type lines struct {
	inner event.Sink
	out   *bufio.Writer
	file  *os.File
	mu    sync.Mutex
	said  bytes.Buffer
	err   error
}

// Write keeps what is printed for the next line.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.Write(p)
}

func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.said.String()
	l.said.Reset()
	return s
}

// Emit lets the callbacks speak, then writes the line. Every line is written at once: whoever reads follows the run.
func (l *lines) Emit(e event.Event) {
	l.inner.Emit(e)
	l.write(event.NewLine(e, time.Now(), l.take()))
}

func (l *lines) write(line event.Line) {
	if l.err != nil {
		return
	}
	b, err := json.Marshal(line)
	if err == nil {
		l.out.Write(b)
		err = l.out.WriteByte('\n')
	}
	if err == nil {
		err = l.out.Flush()
	}
	l.err = err
}

// Lines puts --events between a run and its callbacks; without the flag it does nothing. done ends it.
func (s *Session) Lines(inner event.Sink) (sink event.Sink, done func(), err error) {
	target := s.Values.Str("events")
	if target == "" {
		return inner, func() {}, nil
	}
	f, err := openEvents(target)
	if err != nil {
		msg := fmt.Sprintf("--events %s: %v", target, err)
		return nil, nil, &diag.Diagnostic{Code: diag.FileNotFound, Summary: msg, Classic: msg, Exit: diag.ExitError}
	}
	l := &lines{inner: inner, out: bufio.NewWriterSize(f, 1<<16), file: f}
	stdout, stderr := s.Display.Out.W, s.Display.Err.W
	s.Display.Out.W, s.Display.Err.W = l, l
	return l, func() {
		s.Display.Out.W, s.Display.Err.W = stdout, stderr
		if rest := l.take(); rest != "" {
			l.write(event.Line{V: event.Version, Type: "output", Time: time.Now().UTC(), Stdout: rest})
		}
		l.file.Close()
		if l.err != nil {
			io.WriteString(stderr, fmt.Sprintf("--events %s: %v\n", target, l.err))
		}
	}, nil
}

// openEvents opens a file, or a descriptor that was inherited.
func openEvents(target string) (*os.File, error) {
	if fd, err := strconv.Atoi(target); err == nil {
		if fd < 1 {
			return nil, fmt.Errorf("no descriptor to write to")
		}
		f := os.NewFile(uintptr(fd), "events")
		if _, err := f.Stat(); err != nil {
			return nil, err
		}
		return f, nil
	}
	return os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
}
