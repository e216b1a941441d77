// Package debugger is the prompt of the strategy debug and the keyword debugger: after a result the user looks at task,
// variables and result, changes arguments and variables, and says how to go on. The expressions are Python's as far as
// Jinja's are: names, items, attributes, calls, arithmetic, comparisons.
//
// Called by internal/engine/run, from its one goroutine: nothing else happens meanwhile.
package debugger

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/builtins"
	"github.com/troupe-automation/troupe/value"
)

// Next is how the run goes on.
type Next int

// The ways to go on. A prompt that is left any other way quits.
const (
	Quit Next = iota
	Continue
	Redo
)

// Session is what one prompt is about.
type Session struct {
	Host string
	// Title is the task's name as banners show it.
	Title string
	// Keywords are the attributes of `task`; "args" among them is Args.
	Keywords *value.Dict
	Args     *Edited
	Vars     *Edited
	Result   *value.Dict
	// Update reads the task's arguments anew and renders them with the variables as they are now.
	Update func() error

	// Line prompts and reads a line; io.EOF ends the session.
	Line func(prompt string) (string, error)
	Say  func(text string)

	env   *jinja.Environment
	names jinja.Vars
	last  string
}

// Run prompts until the user says how to go on.
func (s *Session) Run() (Next, error) {
	s.env = builtins.New()
	s.names = jinja.Vars{
		"task": &object{name: "Task", text: "TASK: " + s.Title, attr: s.taskAttr}, "task_vars": s.Vars.Shown,
		"host":   &object{name: "Host", text: s.Host, attr: value.DictOf("name", value.Str(s.Host), "vars", s.Vars.Shown).GetStr},
		"result": s.resultObject(),
	}
	for name, f := range functions {
		s.names[name] = &value.Func{Name: name, Fn: f}
	}
	prompt := "[" + s.Host + "] TASK: " + s.Title + " (debug)> "
	for {
		line, err := s.Line(prompt)
		if err != nil && line == "" {
			if !errors.Is(err, io.EOF) {
				return Quit, err
			}
			s.Say("User interrupted execution")
			return Quit, nil
		}
		if next, done := s.do(strings.TrimSpace(line)); done {
			return next, nil
		}
	}
}

// command is a word of the prompt.
type command struct {
	words []string
	help  string
}

// commands are the words besides statements, with what help says of them.
var commands = []command{
	{[]string{"p", "pprint"}, "print EXPRESSION: task, task.args, task_vars, host, result._result …"},
	{[]string{"u", "update_task"}, "read the task anew, with the variables as they are now"},
	{[]string{"r", "redo"}, "run the task again"},
	{[]string{"c", "continue"}, "go on with the next result"},
	{[]string{"q", "quit"}, "end the run"},
	{[]string{"h", "help", "?"}, "list the commands"},
}

// do runs a line. An empty one repeats the line before.
func (s *Session) do(line string) (next Next, done bool) {
	if line == "" {
		line = s.last
	}
	s.last = line
	word, rest, _ := strings.Cut(line, " ")
	if strings.HasPrefix(line, "?") {
		word, rest = "help", line[1:]
	}
	rest = strings.TrimSpace(rest)
	switch word {
	case "":
	case "c", "continue":
		return Continue, true
	case "r", "redo":
		return Redo, true
	case "q", "quit", "EOF":
		s.Say("User interrupted execution")
		return Quit, true
	case "u", "update_task":
		s.tell(s.Update())
	case "p", "pprint":
		v, err := s.eval(rest)
		if err == nil {
			if strings.HasPrefix(rest, "result") {
				v = value.MapLeaves(v, unbroken)
			}
			var text string
			if text, err = value.Pformat(v, 80); err == nil {
				s.Say(text)
			}
		}
		s.tell(err)
	case "h", "help":
		s.help(rest)
	default:
		s.tell(s.statement(line))
	}
	return 0, false
}

func (s *Session) help(topic string) {
	for _, c := range commands {
		if topic == "" || slices.Contains(c.words, topic) {
			s.Say(strings.Join(c.words, ", ") + ": " + c.help)
		}
	}
	if topic == "" {
		s.Say(`task.args["x"] = …, task_vars["x"] = …, del task.args["x"]: change what the task runs with`)
	}
}

// tell says what went wrong as Python's prompt does: the class of the exception and its arguments.
func (s *Session) tell(err error) {
	if err == nil {
		return
	}
	class, msg := "Exception", err.Error()
	var e *value.Error
	if errors.As(err, &e) {
		class, msg = e.Class, e.Msg
	}
	args, err := value.Repr(value.Str(msg))
	if err != nil {
		args = "'?'"
	}
	s.Say("***" + class + ":" + class + "(" + args + ")")
}

// taskAttr are the attributes of `task`.
func (s *Session) taskAttr(name string) (value.Value, bool) {
	if name == "args" {
		return s.Args.Shown, true
	}
	return s.Keywords.GetStr(name)
}

func (s *Session) resultObject() *object {
	attrs := value.DictOf("_result", s.Result, "_host", value.Str(s.Host), "task_name", value.Str(s.Title))
	for method, key := range map[string]string{"is_failed": "failed", "is_changed": "changed", "is_skipped": "skipped", "is_unreachable": "unreachable"} {
		attrs.SetStr(method, &value.Func{Name: method, Fn: func([]value.Value, []value.Kwarg) (value.Value, error) {
			v, ok := s.Result.GetStr(key)
			if !ok {
				return value.False, nil
			}
			return v, nil
		}})
	}
	return &object{name: "TaskResult", text: "<ansible.executor.task_result.TaskResult object>", attr: attrs.GetStr}
}

// unbroken keeps text of a result in one line: it is of a class of Ansible's own there, which pprint does not break.
func unbroken(v value.Value) value.Value {
	if s, ok := v.(value.Str); ok {
		if text, err := value.Repr(s); err == nil {
			return &object{name: "AnsibleUnsafeText", text: text}
		}
	}
	return v
}

// object is a Python object that has attributes and shows itself as text.
type object struct {
	name, text string
	attr       func(name string) (value.Value, bool)
}

// TypeName is the class.
func (o *object) TypeName() string { return o.name }

// Repr is how it prints.
func (o *object) Repr() (string, error) { return o.text, nil }

// GetAttr is an attribute of it.
func (o *object) GetAttr(name string) (value.Value, bool, error) {
	v, ok := o.attr(name)
	return v, ok, nil
}
