package task

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/remote/pymodule"
	"github.com/troupe-automation/troupe/internal/remote/session"
	"github.com/troupe-automation/troupe/internal/wire"
	"github.com/troupe-automation/troupe/value"
)

// linesLevel is the verbosity from which on it is told what is executed on hosts.
const linesLevel = 3

// told reports whether somebody follows what is executed on hosts. What the lines need is not computed otherwise.
func (r *remote) told() bool { return r.x.Told >= linesLevel }

// line tells something about the host that is connected to.
func (r *remote) line(text string) {
	r.x.Emit(&event.Log{Verbosity: linesLevel, Host: r.target.Options["host"], Text: text})
}

// session returns the session of the host, and tells when that is a new one.
func (r *remote) session(ctx context.Context) (*session.Session, error) {
	s, err := r.x.Sessions.Get(ctx, r.target)
	if err != nil {
		return nil, r.callError(err)
	}
	if r.told() && s.First() {
		r.line("ESTABLISH " + strings.ToUpper(r.target.Connection) + " CONNECTION FOR USER: " + r.User())
	}
	return s, nil
}

// raw runs a command line without the agent, and tells so.
func (r *remote) raw(ctx context.Context, s *session.Session, c session.RawCommand) (session.RawResult, error) {
	if r.told() {
		r.line("EXEC " + r.hidden(c.Shown()))
	}
	return s.Raw(ctx, c)
}

// hidden is a command line as it is told: that of a task with no_log is not.
func (r *remote) hidden(command string) string {
	if r.noLog {
		return "(a command line that is hidden by no_log)"
	}
	return command
}

// using tells which file a module in Python comes from.
func (r *remote) using(p *pymodule.Module, keep bool) {
	if p == nil || p.Path == "" {
		return
	}
	r.x.Emit(&event.Log{Verbosity: linesLevel, Text: "Using module file " + p.Path})
	if p.Style == wire.StylePython && !keep {
		r.x.Emit(&event.Log{Verbosity: linesLevel, Text: "Pipelining is enabled."})
	}
}

// tell says what a call executes, and has it said when it moves a file.
func (r *remote) tell(ctx context.Context, s *session.Session, c *session.Call, call action.ModuleCall) error {
	if c.Tmp == "" {
		c.Tmp = tmpName()
	}
	line, err := s.ByHand(ctx, *c)
	if err != nil {
		return r.callError(err)
	}
	r.line("EXEC " + line)
	if p := c.Payload; p != nil {
		told := *p
		told.Open = func() (io.ReadCloser, error) {
			r.line(fmt.Sprintf("PUT %s TO %s", payloadName(p), argument(call.Args, "dest", c.TmpDir())))
			return p.Open()
		}
		c.Payload = &told
	}
	if c.Receive != nil {
		into := "(the result)"
		if n, ok := c.Receive.(interface{ Name() string }); ok {
			into = n.Name()
		}
		c.Receive = &toldWriter{Writer: c.Receive, tell: func() { r.line(fmt.Sprintf("FETCH %s TO %s", argument(call.Args, "src", "(a file)"), into)) }}
	}
	return nil
}

func payloadName(p *session.Payload) string {
	if p.Path == "" {
		return "(content)"
	}
	return p.Path
}

func argument(args *value.Dict, name, def string) string {
	v, _ := args.GetStr(name)
	if s, ok := value.AsString(v); ok {
		return s
	}
	return def
}

// toldWriter tells before the first byte.
type toldWriter struct {
	io.Writer
	tell func()
}

func (w *toldWriter) Write(p []byte) (int, error) {
	if w.tell != nil {
		w.tell()
		w.tell = nil
	}
	return w.Writer.Write(p)
}

// tmpName is a new name for the directory of a call.
func tmpName() string {
	now := time.Now()
	return fmt.Sprintf("ansible-tmp-%d.%07d-%d-%d", now.Unix(), now.Nanosecond()/100, os.Getpid(), rand.Uint64N(1<<48))
}
