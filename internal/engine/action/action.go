// Package action is what tasks do on the controller: the actions that need no host (debug, set_fact, assert …) and the
// controller's halves of modules that need something from here (copy, template, fetch, script …).
// One file each, one row in All.
//
// Called by internal/engine/task for every attempt of a task. An action gets a Context with rendered arguments and
// returns an Outcome; it never prints and never changes the state of the run itself.
package action

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/lang/filters"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/internal/remote/session"
	"github.com/troupe-automation/troupe/module"
	"github.com/troupe-automation/troupe/value"
)

// Action is one action by its fully qualified name.
type Action struct {
	Name string
	// Spec checks the arguments on the controller; nil when the module on the target does.
	Spec *module.Spec
	Run  func(c *Context) (*Outcome, error)
	// Once says that the action runs once for all hosts of the batch (add_host, pause).
	Once bool
	// Inventory says that the action changes the inventory: it never runs beside another task.
	Inventory bool
	// Verbose results are shown in full at any verbosity (debug, assert).
	Verbose bool
	// Async says that a task may leave the action to itself and ask for it later.
	Async bool
	// Valid names all arguments that there are; nil where the action looks itself, or the module on the host does.
	Valid []string
	// Raw names arguments that are rendered by the action itself (debug's var).
	Raw []string
	// Local says that the action never touches the host, so that no connection is made.
	Local bool
}

// CheckAsync refuses to leave an action to itself that cannot be.
func (a *Action) CheckAsync(c *Context) error {
	if a.Async {
		return nil
	}
	return raisef("This action (%s) does not support async.", c.Written)
}

// CheckArgs refuses arguments that the action does not have.
func (a *Action) CheckArgs(c *Context) error {
	if a.Valid == nil {
		return nil
	}
	return checkNames(c, a.Valid)
}

func checkNames(c *Context, valid []string) error {
	var wrong []string
	for k := range c.Args.All() {
		if name, _ := value.AsString(k); !slices.Contains(valid, name) {
			wrong = append(wrong, name)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	slices.Sort(wrong)
	return raisef("Invalid options for %s: %s", c.Written, strings.Join(wrong, ", "))
}

// Context is one attempt of one task on one host.
type Context struct {
	context.Context
	Task    *playbook.Task
	Name    string // fully qualified name
	Written string // as the playbook spells it
	Host    string // inventory_hostname
	Args    *value.Dict
	RawText string // free-form text
	HasRaw  bool
	Templar *template.Templar
	Config  *config.Config

	Check, Diff bool
	NoLog       bool
	Verbosity   int

	// SearchPath are the directories that relative file names are looked up in, most specific first.
	SearchPath []string
	Basedir    string

	// Remote reaches the host the task runs on (the delegated one, if any).
	Remote Remote
	// Services of the run.
	Services Services
	// Warn shows a warning once; Log a line at a verbosity.
	Warn func(text string)
	// Say shows a line to the user at once.
	Say func(text string)
	Log func(verbosity int, text string)
}

// Remote runs things on the task's host, with the task's become, environment, check and diff mode.
type Remote interface {
	// Module runs a native or Python module by name and returns its result.
	Module(ctx context.Context, call ModuleCall) (*value.Dict, error)
	// Shell runs a command line without the agent (raw).
	Shell(ctx context.Context, command, executable string) (rc int, stdout, stderr string, err error)
	// Reset ends the connection, so that the next task makes a new one.
	Reset()
	// Local reports whether the host is the controller itself.
	Local() bool
	// User is the login user's name, "" when not known.
	User() string
	// Becomes reports whether the task becomes another user.
	Becomes() bool
}

// ModuleCall is one execution of a module on the host.
type ModuleCall struct {
	Name    string      // fully qualified
	Args    *value.Dict // rendered
	Payload *session.Payload
	Receive io.Writer
	NoCheck bool // run for real in check mode too (reading modules inside actions)
	Become  bool // false runs as the login user
	Python  bool // run the Python module although there is a native one
}

// Services are the parts of a run that actions may ask about.
type Services interface {
	// HostNames lists the hosts of the inventory.
	HostNames() []string
	// Groups returns the group → hosts mapping.
	Groups() *value.Dict
	// LoadVars reads a file of variables, decrypting it when needed.
	LoadVars(path string) (*value.Dict, error)
	// ReadFile reads a file of the content, decrypting it when it is a vault file and decrypt is set.
	ReadFile(path string, decrypt bool) ([]byte, error)
	// Prompt asks on the terminal; ok false: there is none.
	Prompt(text string, echo bool, seconds int) (answer string, ok bool, err error)
	// ModuleDefaults returns the module_defaults of a module for the task.
	ModuleDefaults(t *playbook.Task, name string) []value.Value
	// IsNative reports whether the agent has a module.
	IsNative(name string) bool
	// Resolve finds the module or action of a name that was not known when the playbook was read; nil: there is none.
	Resolve(name string, collections []string) (*collection.Resolved, error)
	// AddHost and GroupBy change the inventory and report whether anything is new. The run sees to it that no other task is at work.
	AddHost(*NewHost) bool
	GroupBy(host string, g *NewGroup) bool
}

// Outcome is what an action gives back.
type Outcome struct {
	Result *value.Dict

	// Facts set by the action, with how long they live.
	Facts     *value.Dict
	FactsKind FactsKind
	Cacheable bool
	// Untainted says that Facts were made from content alone and may hold templates.
	Untainted bool
	// Kinds tells where the texts of Facts come from, when they are Untainted; YAML where nothing is said.
	Kinds map[string]template.TextKind

	Stats   *Stats
	Include *Include
}

// FactsKind says which layer of variables facts go to.
type FactsKind uint8

// The layers: facts of the host, set_fact, include_vars.
const (
	HostFacts FactsKind = iota
	SetFact
	IncludeVars
)

// NewHost is what add_host asks for.
type NewHost struct {
	Name   string
	Groups []string
	Vars   *value.Dict
}

// NewGroup is what group_by asks for.
type NewGroup struct {
	Name    string
	Parents []string
}

// Stats is what set_stats asks for.
type Stats struct {
	Data      *value.Dict
	PerHost   bool
	Aggregate bool
}

// Include is a file or role that the run must load.
type Include struct {
	Role bool
	Name string // file or role as given, rendered
	Args *value.Dict
}

// All are the actions. Names not listed run as modules.
var All = []*Action{
	addHostAction, assertAction, assembleAction, copyAction, debugAction, failAction, fetchAction,
	gatherFactsAction, groupByAction, includeRoleAction, includeTasksAction, includeVarsAction, pauseAction, packageAction,
	rawAction, rebootAction, scriptAction, serviceAction, setFactAction, setStatsAction, shellAction, templateAction,
	unarchiveAction, uriAction, validateArgumentSpecAction, waitForConnectionAction,
}

var byName = func() map[string]*Action {
	m := make(map[string]*Action, len(All))
	for _, a := range All {
		m[a.Name] = a
	}
	return m
}()

// Find returns the action of a fully qualified name, or nil when a module does it all.
func Find(name string) *Action { return byName[name] }

// Failure is an error whose result has more keys than msg.
type Failure struct {
	Msg  string
	Keys *value.Dict
	// Exception is the text that Ansible shows for it in a line of its own; "" shows none.
	Exception string
	Cause     error
	// Bare says that the result does not tell whether something changed.
	Bare bool
}

func (f *Failure) Error() string { return f.Msg }

func (f *Failure) Unwrap() error { return f.Cause }

func failf(format string, args ...any) error { return &Failure{Msg: fmt.Sprintf(format, args...)} }

func raisef(format string, args ...any) error {
	return &Failure{Msg: fmt.Sprintf(format, args...), Exception: "NoneType: None"}
}

// outcome returns an Outcome around a result.
func outcome(pairs ...any) *Outcome { return &Outcome{Result: value.DictOf(pairs...)} }

// Has reports whether an argument was given.
func (c *Context) Has(name string) bool {
	v, ok := c.Args.GetStr(name)
	return ok && v != value.None
}

// Text returns an argument as text, or def.
func (c *Context) Text(name, def string) string {
	v, ok := c.Args.GetStr(name)
	if !ok || v == value.None {
		return def
	}
	s, err := value.ToStr(v)
	if err != nil {
		return def
	}
	return s
}

// Flag returns an argument as a boolean by Ansible's spelling. A value that is none is an error in Ansible's words.
func (c *Context) Flag(name string, def bool) (bool, error) {
	v, ok := c.Args.GetStr(name)
	if !ok || v == value.None {
		return def, nil
	}
	return ToBool(v, name)
}

// ToBool converts a value as argument_spec's bool does.
func ToBool(v value.Value, name string) (bool, error) {
	if b, ok := Boolean(v); ok {
		return b, nil
	}
	s, err := value.ToStr(v)
	if err != nil {
		return false, err
	}
	return false, failf("argument '%s' is of type %s and we were unable to convert to bool: The value '%s' is not a valid boolean.  Valid booleans include: 0, 1, 'true', 'yes', 'n', 'no', 'false', 'y', 't', '1', 'on', '0', 'f', 'off'", name, pyType(v), s)
}

// NotBoolean is what Ansible says of a keyword whose value is no boolean.
func NotBoolean(keyword, text string) string {
	return fmt.Sprintf("the field '%s' has an invalid value ('%s'), and could not be converted to bool.. The value '%s' is not a valid boolean.  Valid booleans include: 0, 1, 'true', 'yes', 'n', 'no', 'false', 'y', 't', '1', 'on', '0', 'f', 'off'", keyword, text, text)
}

// Boolean reads Ansible's spellings of booleans.
func Boolean(v value.Value) (b, ok bool) {
	switch v := v.(type) {
	case value.Bool:
		return bool(v), true
	case value.Int:
		return v == 1, v == 0 || v == 1
	case value.Float:
		return v == 1, v == 0 || v == 1
	}
	s, isText := value.AsString(v)
	if !isText {
		return false, false
	}
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "y", "yes", "on", "1", "true", "t":
		return true, true
	case "n", "no", "off", "0", "false", "f":
		return false, true
	}
	return false, false
}

// pyType is how messages of the controller name the type of a value.
func pyType(v value.Value) string {
	switch v.(type) {
	case value.Str, *value.Template:
		return "<class 'str'>"
	}
	return "<class '" + v.TypeName() + "'>"
}

// Find searches a file below the search path: first in the folder of the kind (files, templates, vars), then beside.
// Its error is Ansible's, with every place that was tried.
func (c *Context) Find(kind, name string) (string, error) {
	name = filters.ExpandUser(name)
	if filepath.IsAbs(name) {
		if _, err := os.Stat(name); err == nil {
			return name, nil
		}
		return "", notFound(name, nil)
	}
	var tried []string
	for _, dir := range append(c.SearchPath, c.Basedir) {
		for _, p := range []string{filepath.Join(dir, kind, name), filepath.Join(dir, name)} {
			if _, err := os.Stat(p); err == nil {
				return p, nil
			}
			tried = append(tried, p)
		}
	}
	return "", notFound(name, tried)
}

func notFound(name string, tried []string) error {
	searched := "" // an absolute name is looked for nowhere else
	if len(tried) > 0 {
		searched = "\nSearched in:\n\t" + strings.Join(tried, "\n\t")
	}
	msg := fmt.Sprintf("Could not find or access '%s'%s on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option", name, searched)
	return &Failure{Msg: msg, Exception: msg}
}

// callModule runs the module of the task's own name with the given arguments.
func (c *Context) callModule(name string, args *value.Dict, payload *session.Payload) (*Outcome, error) {
	r, err := c.Remote.Module(c, ModuleCall{Name: name, Args: args, Payload: payload, Become: true})
	if err != nil {
		return nil, err
	}
	return FromModule(r), nil
}

// FromModule makes the outcome of a module's result: facts it returned go to the host's facts.
func FromModule(r *value.Dict) *Outcome {
	o := &Outcome{Result: r}
	if f, ok := r.GetStr("ansible_facts"); ok {
		if d, ok := f.(*value.Dict); ok {
			o.Facts = d
		}
	}
	return o
}

// list reads an argument that is a list, or comma separated text.
func list(v value.Value) []value.Value {
	switch v := v.(type) {
	case nil, value.NoneType:
		return nil
	case *value.List:
		return v.Elems
	case *value.Tuple:
		return v.Elems
	}
	if d, ok := v.(*value.Dict); ok {
		return []value.Value{d}
	}
	if s, ok := value.AsString(v); ok {
		var out []value.Value
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, value.Str(part))
			}
		}
		return out
	}
	return []value.Value{v}
}

func texts(v value.Value) []string {
	var out []string
	for _, e := range list(v) {
		if s, err := value.ToStr(e); err == nil {
			out = append(out, s)
		}
	}
	return out
}

// toJSON is a value as a JSON document for the wire.
func toJSON(v value.Value) (json.RawMessage, error) {
	s, err := value.JSON(v, value.JSONOptions{})
	return json.RawMessage(s), err
}
