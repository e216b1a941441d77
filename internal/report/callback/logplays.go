package callback

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/value"
)

// logPlays is community.general.log_plays: a log file for each host.
type logPlays struct {
	*Display
	dir  string
	book string
	now  func() time.Time
}

func newLogPlays(d *Display, opt Options) Callback {
	return &logPlays{Display: d, dir: opt.env("ANSIBLE_LOG_FOLDER", "/var/log/ansible/hosts"), now: opt.clock()}
}

// Emit implements event.Sink.
func (l *logPlays) Emit(e event.Event) {
	switch e := e.(type) {
	case *event.PlaybookStart:
		l.book = filepath.Base(e.File)
	case *event.Result:
		word := map[event.Status]string{event.Failed: "FAILED", event.Skipped: "SKIPPED", event.Unreachable: "UNREACHABLE"}[e.Status]
		if word == "" {
			word = "OK"
		}
		l.line(e, word)
	}
}

func (l *logPlays) line(e *event.Result, word string) {
	result, args := value.NewDict(), ""
	for k, v := range e.Result.All() {
		switch name, _ := value.AsString(k); name {
		case "failed", "skipped", "exception":
		case "invocation":
			args = compact(v) + " => "
		case "ansible_facts":
			result.SetStr(name, value.Str("<facts>"))
		default:
			_ = result.Set(k, v) // the key was hashable before
		}
	}
	name := e.Task.Name
	if prefix := e.Task.Role + " : "; e.Task.Role != "" && len(name) > len(prefix) && name[:len(prefix)] == prefix {
		name = name[len(prefix):]
	}
	text := fmt.Sprintf("%s - %s - %s - %s - %s - %s%s\n\n", l.now().Format("Jan 02 2006 15:04:05"), l.book, name, e.Task.Written, word, args, compact(result))
	if err := l.write(e.Host.Name, text); err != nil {
		l.Warning("log_plays: " + err.Error())
	}
}

func (l *logPlays) write(host, text string) error {
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(l.dir, filepath.Base(host)), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// compact is a value as JSON on one line, in the order it has.
func compact(v value.Value) string {
	s, err := value.JSON(v, value.JSONOptions{Default: func(v value.Value) (value.Value, error) {
		s, err := value.ToStr(v)
		return value.Str(s), err
	}})
	if err != nil {
		return err.Error()
	}
	return s
}
