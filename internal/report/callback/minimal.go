package callback

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/value"
)

// minimal is the callback of ad-hoc commands (samples adhoc_basic, tools_callbacks).
type minimal struct {
	standard
	line bool // oneline
}

func newMinimal(d *Display, opt Options) Callback {
	return &minimal{standard: standard{Display: d, opt: opt}}
}

func newOneline(d *Display, opt Options) Callback {
	return &minimal{standard: standard{Display: d, opt: opt}, line: true}
}

func (m *minimal) Emit(e event.Event) {
	switch e := e.(type) {
	case *event.Result:
		m.show(e)
	case *event.Message, *event.Warning, *event.Log, *event.AsyncPoll:
		m.standard.Emit(e)
	}
}

// noSuffix are the actions whose output is shown as text.
func isCommand(t *event.Task, r *value.Dict) bool {
	switch strings.TrimPrefix(t.Action, "ansible.builtin.") {
	case "command", "shell", "raw":
		_, hasModuleOutput := r.GetStr("module_stdout")
		return !hasModuleOutput
	}
	return false
}

func (m *minimal) show(e *event.Result) {
	host := e.Host.Name
	switch e.Status {
	case event.Skipped:
		m.Print(host+" | SKIPPED", "skip")
		return
	case event.Unreachable:
		if m.line {
			m.Print(host+" | UNREACHABLE!: "+text(e.Result, "msg"), "unreachable")
			return
		}
		m.Print(fmt.Sprintf("%s | UNREACHABLE! => %s", host, m.json(e.Result)), "unreachable")
		return
	case event.Failed:
		m.exceptionOf(e)
		m.warnings(e.Result)
		if isCommand(e.Task, e.Result) && !m.line {
			m.command(host, "FAILED", e.Result, "error")
		} else {
			m.Print(fmt.Sprintf("%s | FAILED! => %s", host, m.json(e.Result)), "error")
		}
	default:
		m.warnings(e.Result)
		word, kind := "SUCCESS", "ok"
		if e.Status == event.Changed {
			word, kind = "CHANGED", "changed"
		}
		if isCommand(e.Task, e.Result) {
			m.command(host, word, e.Result, kind)
			return
		}
		if !m.line {
			m.standard.diff(e.Task, e.Result)
		}
		m.Print(fmt.Sprintf("%s | %s => %s", host, word, m.debugOr(e)), kind)
	}
}

func (m *minimal) exceptionOf(e *event.Result) {
	if m.line {
		if v, ok := e.Result.GetStr("exception"); ok && m.Verbosity < 3 {
			lines := strings.Split(strings.TrimSpace(str(v)), "\n")
			m.Print("An exception occurred during task execution. To see the full traceback, use -vvv. The error was: "+lines[len(lines)-1], "error")
		}
		return
	}
	m.exception(e.Result)
}

func (m *minimal) debugOr(e *event.Result) string {
	if isDebug(e.Task) && !m.line {
		return toJSON(visible(e.Result, m.Verbosity, true), 4)
	}
	if m.line && e.Verbose {
		return oneLine(toJSON(visible(e.Result, m.Verbosity, false), 4), true)
	}
	return m.json(e.Result)
}

// oneLine joins the lines of a document. Results that are always shown in full keep their indentation.
func oneLine(doc string, indented bool) string {
	lines := strings.Split(doc, "\n")
	if !indented {
		for i, l := range lines {
			lines[i] = strings.TrimLeft(l, " ")
		}
	}
	return strings.Join(lines, "")
}

func (m *minimal) json(r *value.Dict) string {
	v := visible(r, m.Verbosity, false)
	if m.line {
		return oneLine(toJSON(v, 4), false)
	}
	return toJSON(v, 4)
}

func text(r *value.Dict, key string) string {
	if v, ok := r.GetStr(key); ok && v != value.None {
		return str(v)
	}
	return ""
}

// command shows what a command printed.
func (m *minimal) command(host, word string, r *value.Dict, kind string) {
	rc := text(r, "rc")
	if rc == "" {
		rc = "-1"
	}
	if m.line {
		flat := func(key string) string {
			return strings.ReplaceAll(strings.ReplaceAll(text(r, key), "\n", "\\n"), "\r", "\\r")
		}
		line := fmt.Sprintf("%s | %s | rc=%s | (stdout) %s", host, word, rc, flat("stdout"))
		if text(r, "stderr") != "" {
			line += " (stderr) " + flat("stderr")
		}
		m.Print(line, kind)
		return
	}
	out := fmt.Sprintf("%s | %s | rc=%s >>\n%s%s%s", host, word, rc, text(r, "stdout"), text(r, "stderr"), text(r, "msg"))
	m.Print(out+"\n", kind)
}

// tree writes each host's result to a file (ansible -t DIR).
type tree struct {
	*Display
	dir string
}

func newTree(d *Display, opt Options) Callback {
	dir := opt.TreeDir
	if dir == "" {
		dir = filepath.Join(os.Getenv("HOME"), ".ansible", "tree")
	}
	return &tree{d, dir}
}

func (t *tree) Emit(e event.Event) {
	r, ok := e.(*event.Result)
	if !ok {
		return
	}
	if err := os.MkdirAll(t.dir, 0o755); err != nil {
		t.Warning(fmt.Sprintf("Unable to access or create the configured directory (%s): %s", t.dir, err))
		return
	}
	body := toJSON(visible(r.Result, t.Verbosity, false), 0)
	if err := os.WriteFile(filepath.Join(t.dir, filepath.Base(r.Host.Name)), []byte(body), 0o644); err != nil {
		t.Warning(fmt.Sprintf("Unable to write to %s's file: %s", r.Host.Name, err))
	}
}
