package action

import (
	"errors"
	"os"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/engine/pyhost"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/internal/remote/connection"
	"github.com/troupe-automation/troupe/internal/remote/session"
	"github.com/troupe-automation/troupe/value"
)

// Reach says how the host of a task is reached, for actions written in Python.
type Reach struct {
	Connection string // as ansible_connection names it
	Options    map[string]string
	Become     *value.Dict // options of the become plugin; nil when the task becomes nobody
	Plugged    *value.Dict // what Python must know of a connection that is a plugin; nil for our own
}

// PythonRemote is what actions written in Python ask of the host beyond Remote.
type PythonRemote interface {
	Remote
	Reach() Reach
	// ConnectionOption gives an option of the connection plugin.
	ConnectionOption(name string) (v value.Value, ok bool, err error)
	// Command runs a command line, as the become user or as the login user.
	Command(c *Context, command string, become bool) (rc int, stdout, stderr string, err error)
	// Kept is the directory on the host that the last module left its files in, "" when it left none.
	Kept() string
	// OpenPlugged makes the connection that is a plugin ready, with the variables of the host that is connected to.
	OpenPlugged(c *Context) error
	// BecomeCommand wraps a command line so that it runs as the become user.
	BecomeCommand(command string) (string, error)
	// StartJob starts a module that is not waited for (the keyword async); AwaitJob waits as poll says.
	StartJob(c *Context, call ModuleCall) (*value.Dict, error)
	AwaitJob(c *Context, started *value.Dict) (*Outcome, error)
}

// Python runs an action plugin written in Python.
func Python(h *pyhost.Host, p *pyhost.Plugin, c *Context) (*Outcome, error) {
	remote, ok := c.Remote.(PythonRemote)
	if !ok {
		return nil, errors.New("actions in Python need a host")
	}
	a := &pythonAction{host: h, c: c, remote: remote}
	args := c.Args.Copy()
	if c.HasRaw {
		args.SetStr("_raw_params", value.Str(c.RawText))
	}
	if err := remote.OpenPlugged(c); err != nil {
		return nil, err
	}
	v, err := h.Call(c, pyhost.TaskSide, "action", value.DictOf(
		"path", value.Str(p.Path), "name", value.Str(p.Name), "collection", value.Str(p.Collection), "args", args,
		"task", a.task(), "context", PlayContext(remote.Reach(), c.Templar, c.Check, c.Diff, c.Verbosity), "connection", a.connection()),
		&pyhost.Scope{Templar: c.Templar, Ask: a.ask}, false)
	if err != nil {
		return a.failed(err)
	}
	r, _ := v.(*value.Dict)
	if r == nil {
		r = value.NewDict()
	}
	r.DeleteStr("_ansible_parsed")
	if a.job != nil {
		if id, ok := r.GetStr("ansible_job_id"); ok && id != value.None {
			return remote.AwaitJob(c, a.job)
		}
	}
	o := FromModule(r)
	if a.native != nil {
		a.native.Result = r
		if a.native.Facts == nil {
			a.native.Facts = o.Facts
		}
		return a.native, nil
	}
	return o, nil
}

// pythonAction is one run of an action written in Python.
type pythonAction struct {
	host   *pyhost.Host
	c      *Context
	remote PythonRemote
	native *Outcome    // of an action of ours that it called
	job    *value.Dict // a job that it started
}

// failed gives an exception the result that Ansible gives it.
func (a *pythonAction) failed(err error) (*Outcome, error) {
	var e *pyhost.Error
	if !errors.As(err, &e) {
		return nil, err
	}
	switch {
	case e.IsA("AnsibleActionSkip"), e.IsA("_AnsibleActionDone"), e.IsA("AnsibleActionFail"):
		r := e.Result
		if r == nil {
			r = value.DictOf("msg", value.Str(e.Msg))
		}
		if e.IsA("AnsibleActionFail") {
			r.SetStr("failed", value.True)
			r.SetStr("msg", value.Str(e.Msg))
			keys := r.Copy()
			keys.DeleteStr("msg")
			text, _ := keys.GetStr("exception")
			keys.DeleteStr("exception")
			exception, _ := value.AsString(text)
			return nil, &Failure{Msg: e.Msg, Keys: keys, Exception: strings.TrimSuffix(exception, "\n")}
		}
		return &Outcome{Result: r}, nil
	case e.IsA("AnsibleConnectionFailure"):
		return nil, &session.UnreachableError{Phase: connection.PhaseLost, Msg: e.Msg}
	case e.IsA("AnsibleError"):
		return nil, errors.New(e.Msg)
	case strings.HasPrefix(e.Msg, "cannot pickle '"):
		return nil, errors.New(e.Msg)
	}
	return nil, &Failure{
		Msg: "Unexpected failure during module execution: " + e.Msg, Keys: value.DictOf("stdout", value.Str("")), Bare: true, Exception: strings.TrimSuffix(e.Traceback, "\n"),
	}
}

// task is the task as Python sees it.
func (a *pythonAction) task() *value.Dict {
	t := a.c.Task
	d := value.DictOf(
		"name", value.Str(t.Name), "action", value.Str(a.c.Written), "resolved_action", value.Str(a.c.Name), "check_mode", value.Bool(a.c.Check),
		"diff", value.Bool(a.c.Diff), "no_log", value.Bool(a.c.NoLog), "_uuid", value.Str(t.Pos.String()), "_path", value.Str(t.Pos.File),
		"tags", value.NewList(t.Tags...), "collections", strs(t.Collections))
	if t.Register != "" {
		d.SetStr("register", value.Str(t.Register))
	}
	search := append(append([]string(nil), a.c.SearchPath...), a.c.Basedir)
	d.SetStr("_search", strs(search))
	d.SetStr("environment", value.NewList(t.Extended("environment")...))
	for _, k := range []string{"delegate_to", "become", "become_user", "become_method", "ignore_errors", "run_once", "remote_user", "connection", "port", "timeout"} {
		if v := t.Inherited(k); v != nil {
			if r, err := a.c.Templar.Render(v); err == nil {
				d.SetStr(k, r)
			}
		}
	}
	for k, name := range map[string]string{"async": "async_val", "poll": "poll", "retries": "retries", "delay": "delay"} {
		if v := t.Get(k); v != nil {
			if r, err := a.c.Templar.Render(v); err == nil {
				if n, err := value.Call(intType, []value.Value{r}, nil); err == nil {
					r = n
				}
				d.SetStr(name, r)
			}
		}
	}
	if r := t.Role; r != nil {
		d.SetStr("_role", value.DictOf("_role_name", value.Str(r.Name), "_role_path", value.Str(r.Path), "name", value.Str(r.Name)))
	}
	return d
}

// intType turns keywords that were written as text into numbers.
var intType = &value.Func{Name: "int", Fn: func(args []value.Value, _ []value.Kwarg) (value.Value, error) {
	s, ok := value.AsString(args[0])
	if !ok {
		return args[0], nil
	}
	return value.LiteralEval(s)
}}

func strs(list []string) *value.List {
	l := value.NewList()
	for _, s := range list {
		l.Elems = append(l.Elems, value.Str(s))
	}
	return l
}

// PlayContext is what Python plugins know as the play context.
func PlayContext(reach Reach, t *template.Templar, check, diff bool, verbosity int) *value.Dict {
	d := value.DictOf(
		"check_mode", value.Bool(check), "diff", value.Bool(diff), "verbosity", value.Int(verbosity), "connection", value.Str(reach.Connection),
		"become", value.Bool(reach.Become != nil))
	for option, name := range map[string]string{"host": "remote_addr", "remote_user": "remote_user", "private_key_file": "private_key_file", "password": "password"} {
		if v := reach.Options[option]; v != "" {
			d.SetStr(name, value.Str(v))
		}
	}
	for _, n := range []string{"port", "timeout"} {
		if v, err := value.LiteralEval(reach.Options[n]); err == nil && reach.Options[n] != "" {
			d.SetStr(n, v)
		}
	}
	if reach.Become != nil {
		for _, k := range []string{"become_user", "become_method", "become_pass", "become_flags", "become_exe"} {
			if v, ok := reach.Become.GetStr(k); ok {
				d.SetStr(k, v)
			}
		}
	}
	if v, ok, err := t.Resolve("ansible_network_os"); ok && err == nil {
		d.SetStr("network_os", v)
	}
	return d
}

// connection is the task's connection.
func (a *pythonAction) connection() *value.Dict {
	reach := a.remote.Reach()
	if reach.Plugged != nil {
		return reach.Plugged
	}
	options := value.NewDict()
	for k, v := range reach.Options {
		options.SetStr(k, value.Str(v))
	}
	var become value.Value = value.None
	if reach.Become != nil {
		become = reach.Become
	}
	return value.DictOf(
		"name", value.Str(reach.Connection), "host", value.Str(reach.Options["host"]), "options", options, "local", value.Bool(a.remote.Local()), "become", become)
}

// ask answers what the plugin asks of its task's host.
func (a *pythonAction) ask(op string, args *value.Dict) (value.Value, bool, error) {
	text := func(name string) string { v, _ := args.GetStr(name); s, _ := value.AsString(v); return s }
	flag := func(name string) bool { v, _ := args.GetStr(name); return v == value.True }
	given, _ := args.GetStr("args")
	params, _ := given.(*value.Dict)
	if params == nil {
		params = value.NewDict()
	}
	var v value.Value = value.None
	var err error
	switch op {
	case "module":
		v, err = a.module(text("name"), params, flag("wrap_async"))
	case "action":
		v, err = a.action(text("name"), params)
	case "exec":
		var rc int
		var out, stderr string
		rc, out, stderr, err = a.remote.Command(a.c, text("cmd"), flag("sudoable"))
		v = value.DictOf("rc", value.Int(rc), "stdout", value.Str(out), "stderr", value.Str(stderr))
	case "put":
		data, _ := args.GetStr("data")
		b, isData := data.(value.Bytes)
		v, err = a.put(text("source"), text("dest"), []byte(b), isData)
	case "get":
		v, err = a.get(text("source"), text("dest"))
	case "reset":
		a.remote.Reset()
	case "become":
		var line string
		line, err = a.remote.BecomeCommand(text("cmd"))
		v = value.Str(line)
	case "connection_option":
		var ok bool
		v, ok, err = a.remote.ConnectionOption(text("option"))
		if v == nil {
			v = value.None
		}
		v = value.DictOf("ok", value.Bool(ok), "v", v)
	default:
		return nil, false, nil
	}
	return v, true, asRaised(err)
}

// asRaised makes a host that cannot be reached the exception that plugins know.
func asRaised(err error) error {
	var lost *session.UnreachableError
	if errors.As(err, &lost) {
		return value.Errorf("AnsibleConnectionFailure", "%s", lost.Error())
	}
	return err
}

// resolve gives a module its full name.
func (a *pythonAction) resolve(name string) (string, error) {
	r, err := a.c.Services.Resolve(name, a.c.Task.Collections)
	if err != nil {
		return "", err
	}
	if r == nil {
		return "", errors.New("The module " + name + " was not found in configured module paths") //nolint:staticcheck // Ansible's words
	}
	if r.Module != "" {
		return r.Module, nil
	}
	if short, legacy := strings.CutPrefix(r.FQCN, "ansible.legacy."); legacy && r.Path == "" {
		return "ansible.builtin." + short, nil
	}
	return r.FQCN, nil
}

func (a *pythonAction) module(name string, args *value.Dict, async bool) (value.Value, error) {
	full, err := a.resolve(name)
	if err != nil {
		return nil, err
	}
	if full == "ansible.builtin.shell" {
		args = args.Copy()
		args.SetStr("_uses_shell", value.True)
		full = "ansible.builtin.command"
	}
	call := ModuleCall{Name: full, Args: args, Become: true}
	if async {
		a.job, err = a.remote.StartJob(a.c, call)
		return a.job, err
	}
	r, err := a.remote.Module(a.c, call)
	if f := (*Failure)(nil); errors.As(err, &f) {
		return value.DictOf("failed", value.True, "msg", value.Str(f.Msg), "changed", value.False), nil
	}
	if err != nil {
		return nil, err
	}
	if dir := a.remote.Kept(); dir != "" {
		r.SetStr("_troupe_tmpdir", value.Str(dir+"/"))
	}
	return r, nil
}

// action runs an action of ours with the arguments that the plugin made.
func (a *pythonAction) action(name string, args *value.Dict) (value.Value, error) {
	full, err := a.resolve("ansible.builtin." + name[strings.LastIndexByte(name, '.')+1:])
	if err != nil {
		return nil, err
	}
	act := Find(full)
	if act == nil {
		return a.module(name, args, false)
	}
	c := *a.c
	c.Name, c.Written, c.Args, c.RawText, c.HasRaw = full, name, args, "", false
	if raw, ok := args.GetStr("_raw_params"); ok {
		c.Args = without(args, "_raw_params")
		c.RawText, _ = value.AsString(raw)
		c.HasRaw = true
	}
	o, err := act.Run(&c)
	if f := (*Failure)(nil); errors.As(err, &f) {
		r := value.DictOf("failed", value.True, "msg", value.Str(f.Msg))
		if f.Keys != nil {
			for k, v := range f.Keys.All() {
				_ = r.Set(k, v) // the key was hashable before
			}
		}
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	a.native = o
	return o.Result, nil
}

// put writes a file on the host.
func (a *pythonAction) put(source, dest string, data []byte, isData bool) (value.Value, error) {
	payload := BytesPayload(data)
	if !isData {
		if _, err := os.Stat(source); err != nil {
			return nil, value.Errorf("AnsibleFileNotFound", "file or module does not exist: %s", source)
		}
		p, err := filePayload(a.c, source)
		if err != nil {
			return nil, err
		}
		payload = p
	}
	r, err := a.remote.Module(a.c, ModuleCall{Name: "ansible.builtin.copy", Args: value.DictOf("dest", value.Str(dest), "_original_basename", value.Str("file")), Payload: payload, Become: true, NoCheck: true})
	if err != nil {
		return nil, err
	}
	if truth(r, "failed") {
		return nil, value.Errorf("AnsibleError", "failed to transfer file to %s: %s", dest, text(r, "msg"))
	}
	return value.None, nil
}

// get brings a file from the host.
func (a *pythonAction) get(source, dest string) (value.Value, error) {
	out := &download{target: dest}
	r, err := a.remote.Module(a.c, ModuleCall{Name: "ansible.builtin.fetch", Args: value.DictOf("src", value.Str(source)), Receive: out, Become: true, NoCheck: true})
	if err == nil && truth(r, "failed") {
		err = value.Errorf("AnsibleError", "failed to fetch %s: %s", source, text(r, "msg"))
	}
	if err != nil {
		out.drop()
		return nil, err
	}
	_, err = out.commit()
	return value.None, err
}

// PythonAction is the plugin of a task whose action is written in Python; nil when it is not.
func PythonAction(h *pyhost.Host, t *playbook.Task) *pyhost.Plugin {
	if h == nil {
		return nil
	}
	if path := t.Resolved.ActionPath; path != "" {
		p := &pyhost.Plugin{Name: t.Resolved.FQCN, Path: path}
		if c := t.Resolved.Collection; c != "ansible.builtin" && c != "ansible.legacy" {
			p.Collection = c
		}
		return p
	}
	if Find(t.Action) != nil {
		return nil
	}
	return h.Search.Adjacent("action", "normal") // somebody replaced what runs modules
}
