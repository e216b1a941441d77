package task

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/engine/pyhost"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/internal/remote/become"
	"github.com/troupe-automation/troupe/internal/remote/connection"
	"github.com/troupe-automation/troupe/internal/remote/connection/all"
	"github.com/troupe-automation/troupe/internal/remote/pymodule"
	"github.com/troupe-automation/troupe/internal/remote/session"
	"github.com/troupe-automation/troupe/module"
	"github.com/troupe-automation/troupe/value"
)

// remote is the host that one attempt runs on. It implements action.Remote.
type remote struct {
	x           *exec
	t           *template.Templar // variables of the task
	conn        *template.Templar // variables that connection options come from: the delegated host's, or t
	check, diff bool

	target session.Target
	plugin *pyhost.Plugin // the connection, when it is written in Python
	at     string         // name of the host that is connected to
	become *become.Spec
	env    map[string]string
	user   string
	noLog  bool
	kept   string // the directory of the last call whose files stay on the host
	wrong  error  // what kept the first variable that says how to reach the host from being rendered
}

// prepare renders what reaching the host needs: connection options, become, environment.
func (r *remote) prepare(a *attempt) error {
	r.conn, r.noLog = r.t, a.noLog
	host := r.x.Host
	if a.delegate.Delegate != "" {
		host = a.delegate.Delegate
		r.conn = r.x.templar(r.x.DelegateVars(host))
	}
	src := config.Sources{Vars: r.variable, Keyword: r.keyword, CLI: r.flag}
	name, err := r.connectionName(a.delegate.Delegate != "")
	if err != nil {
		return err
	}
	if r.x.Plugins != nil && strings.Contains(name, ".") {
		name = r.x.Plugins.Search.Builtin("connection", name)
	}
	opts := connection.Options{}
	for _, s := range config.PluginOptions("connection", name) {
		v, origin, err := r.x.Config.Option(&s, src)
		if err != nil {
			return err
		}
		if v == value.None || origin.Kind == config.FromDefault && s.Default == nil {
			continue
		}
		text, err := value.ToStr(v)
		if err != nil {
			return err
		}
		opts[s.Name] = text
	}
	if err := r.findPlugin(name, src, opts); err != nil {
		return err
	}
	if _, ok := opts["host"]; !ok {
		opts["host"] = host
	}
	opts["cwd"] = r.x.Basedir // for the kind that has a directory here
	r.at = host
	if kind := all.Find(name); kind != nil {
		kind.FromVars(opts, func(name string) (string, bool) {
			v, ok := r.variable(name)
			if !ok {
				return "", false
			}
			text, err := value.ToStr(v)
			return text, err == nil
		})
	}
	r.user = opts["remote_user"]
	r.target = session.Target{Connection: name, Options: opts}
	if err := r.prepareBecome(src); err != nil {
		return err
	}
	if r.wrong != nil {
		return r.wrong
	}
	return r.prepareEnvironment()
}

// variable returns a rendered variable of the host that is connected to.
func (r *remote) variable(name string) (value.Value, bool) {
	if impliedVars[name] != nil && r.conn == r.t { // what would be said of the option is what is asked here
		if _, _, set := r.x.Vars.Lookup(name); !set {
			return nil, false
		}
	}
	v, ok, err := r.conn.Resolve(name)
	if _, isUndef := v.(*value.Undefined); isUndef && err == nil {
		raw, _, _ := r.conn.Vars.Lookup(name)
		if _, err = r.conn.Render(raw); err == nil {
			return nil, false
		}
	}
	if err != nil {
		if r.wrong == nil {
			r.wrong = r.variableError(name, err)
		}
		return nil, false
	}
	if !ok {
		return nil, false
	}
	return v, v != value.None
}

// variableError words what kept a variable from being rendered: as the field of the play that it stands for, and for a
// delegated task, whose fields are not asked, as it is.
func (r *remote) variableError(name string, err error) error {
	if r.conn == r.t {
		field := strings.TrimPrefix(name, "ansible_")
		if f, ok := variableFields[field]; ok {
			field = f
		}
		return fieldError(field, err)
	}
	var e *template.Error
	if errors.As(err, &e) && template.IsUndefined(err) {
		return &action.Failure{Msg: e.Msg, Cause: err, Bare: true}
	}
	return err
}

// variableFields are the fields of the play that variables stand for, where the names differ in more than the prefix.
var variableFields = map[string]string{
	"host": "remote_addr", "ssh_host": "remote_addr", "user": "remote_user", "ssh_user": "remote_user",
	"ssh_pass": "password", "ssh_port": "port", "ssh_timeout": "timeout", "ssh_private_key_file": "private_key_file", "become_password": "become_pass",
}

// keyword returns a rendered keyword of the task or what it stands in.
func (r *remote) keyword(name string) (value.Value, bool) {
	v := r.x.inherited(r.t, name)
	if v == nil || v == value.None {
		return nil, false
	}
	rendered, err := r.t.Render(v)
	if err != nil || rendered == value.None || rendered == value.Str(template.OmitText) {
		return nil, false
	}
	return rendered, true
}

// flag returns a setting of the command line.
func (r *remote) flag(name string) (value.Value, bool) {
	c := &r.x.CLI
	text := ""
	switch strings.TrimLeft(name, "-") {
	case "user", "remote_user":
		text = c.RemoteUser
	case "private_key_file", "private-key", "key-file":
		text = c.PrivateKey
	case "timeout":
		if c.Timeout > 0 {
			return value.Int(c.Timeout), true
		}
	case "ssh_common_args", "ssh-common-args":
		text = c.SSHCommonArgs
	case "ssh_extra_args", "ssh-extra-args":
		text = c.SSHExtraArgs
	case "scp_extra_args", "scp-extra-args":
		text = c.SCPExtraArgs
	case "sftp_extra_args", "sftp-extra-args":
		text = c.SFTPExtraArgs
	case "become_user", "become-user":
		text = c.BecomeUser
	case "become_method", "become-method":
		text = c.BecomeMethod
	}
	return value.Str(text), text != ""
}

func (r *remote) connectionName(delegated bool) (string, error) {
	if v, ok := r.variable("ansible_connection"); ok {
		return value.ToStr(v)
	}
	if !delegated {
		if v, ok := r.keyword("connection"); ok {
			return value.ToStr(v)
		}
	}
	if r.x.CLI.Connection != "" {
		return r.x.CLI.Connection, nil
	}
	name := r.x.Config.Str("DEFAULT_TRANSPORT")
	if name == "" || name == "smart" {
		name = "ssh"
	}
	return strings.TrimPrefix(name, "ansible.builtin."), nil
}

func (r *remote) prepareBecome(src config.Sources) error {
	on := r.x.CLI.Become || r.x.Config.Bool("DEFAULT_BECOME")
	if v := r.x.inherited(r.t, "become"); v != nil && v != value.None {
		b, err := r.x.boolean(r.t, v, "become")
		if err != nil {
			return err
		}
		on = b
	}
	if v, ok := r.variable("ansible_become"); ok {
		b, err := action.ToBool(v, "ansible_become")
		if err != nil {
			return err
		}
		on = b
	}
	if !on {
		return nil
	}
	method := r.x.Config.Str("DEFAULT_BECOME_METHOD")
	if r.x.CLI.BecomeMethod != "" {
		method = r.x.CLI.BecomeMethod
	}
	if v, ok := r.keyword("become_method"); ok {
		method, _ = value.AsString(v)
	}
	if v, ok := r.variable("ansible_become_method"); ok {
		method, _ = value.AsString(v)
	}
	if r.x.Plugins != nil {
		if spec, err := r.becomePlugin(method); spec != nil || err != nil {
			r.become = spec
			return err
		}
	}
	spec := &become.Spec{Method: method, Pass: r.x.CLI.BecomePass}
	short := strings.TrimPrefix(strings.TrimPrefix(method, "ansible.builtin."), "community.general.")
	for _, s := range config.PluginOptions("become", short) {
		v, origin, err := r.x.Config.Option(&s, src)
		if err != nil {
			return err
		}
		if v == value.None || origin.Kind == config.FromDefault {
			continue
		}
		text, err := value.ToStr(v)
		if err != nil {
			return err
		}
		switch s.Name {
		case "become_user":
			spec.User = text
		case "become_exe":
			spec.Exe = text
		case "become_flags":
			spec.Flags = &text
		case "become_pass":
			spec.Pass = text
		}
	}
	r.become = spec
	return nil
}

// prepareEnvironment merges the environment keywords, the outermost first.
func (r *remote) prepareEnvironment() error {
	for _, e := range r.x.Task.Extended("environment") {
		v, err := r.environmentEntry(e)
		if err != nil {
			return placed(fieldError("environment", err), r.x.Task.Pos)
		}
		dicts, ok := listOf(v)
		if !ok {
			dicts = []value.Value{v}
		}
		for _, one := range dicts {
			d, ok := one.(*value.Dict)
			if !ok {
				if one == value.None {
					continue
				}
				r.x.warn(fmt.Sprintf("could not parse environment value, skipping: ['%s']", plain(e)))
				continue
			}
			if r.env == nil {
				r.env = map[string]string{}
			}
			for k, val := range d.All() {
				if val == value.Str(template.OmitText) {
					continue
				}
				r.env[plain(k)] = plain(val)
			}
		}
	}
	return nil
}

// environmentEntry renders an entry of environment. What needs facts of the host's environment that are not known is left out: it may stand
// around the task that gathers them.
func (r *remote) environmentEntry(e value.Value) (value.Value, error) {
	d, ok := e.(*value.Dict)
	if !ok {
		return r.t.Render(e)
	}
	out := value.NewDict()
	for k, v := range d.All() {
		got, err := r.t.Render(v)
		if err != nil {
			gathers := r.x.Task.Action == "ansible.builtin.setup" || r.x.Task.Action == "ansible.builtin.gather_facts"
			if template.IsUndefined(err) && (strings.Contains(err.Error(), "ansible_env") || gathers && strings.Contains(err.Error(), "ansible_facts.env")) {
				continue
			}
			return nil, err
		}
		_ = out.Set(k, got) // the key was hashable before
	}
	return out, nil
}

func plain(v value.Value) string {
	s, err := value.ToStr(v)
	if err != nil {
		return ""
	}
	return s
}

// Module implements action.Remote.
func (r *remote) Module(ctx context.Context, call action.ModuleCall) (*value.Dict, error) {
	d, err := r.module(ctx, call)
	if err != nil {
		return nil, err
	}
	if _, ok := d.GetStr(module.NotNativeKey); ok {
		// The native module knows that it lacks a part and has touched nothing: the module of Ansible, where there is one, does it.
		d.DeleteStr(module.NotNativeKey)
		if _, err := r.x.Python(r.x.Task, call.Name); err == nil {
			call.Python = true
			if d, err = r.module(ctx, call); err != nil {
				return nil, err
			}
		}
	}
	if _, ok := d.GetStr("changed"); !ok {
		d.SetStr("changed", value.False)
	}
	if !call.Python {
		r.named(d, call.Name)
	}
	return d, nil
}

// named gives a native module that refuses a parameter the name that Ansible shows: the task's own spelling, and for modules
// that an action calls the one it calls them by.
func (r *remote) named(d *value.Dict, name string) {
	v, _ := d.GetStr("msg")
	msg, _ := value.AsString(v)
	short := name[strings.LastIndexByte(name, '.')+1:]
	rest, ok := strings.CutPrefix(msg, "Unsupported parameters for ("+short+")")
	if !ok {
		return
	}
	shown := r.x.Task.ActionAsWritten
	if name == "ansible.builtin.command" || name != "ansible.builtin.script" && action.Find(r.x.Task.Action) != nil {
		shown = "ansible.legacy." + short
	}
	d.SetStr("msg", value.Str("Unsupported parameters for ("+shown+")"+rest))
}

func (r *remote) module(ctx context.Context, call action.ModuleCall) (*value.Dict, error) {
	if r.plugin != nil {
		return r.plugModule(ctx, call)
	}
	s, c, err := r.call(ctx, call)
	if err != nil {
		return nil, err
	}
	if name := removedUser(call, c.Check); name != "" {
		if err := s.Leave(ctx, name); err != nil {
			return nil, r.callError(err)
		}
	}
	raw, err := s.Run(ctx, c)
	if err != nil {
		return nil, r.callError(err)
	}
	d, err := r.decode(raw)
	if err == nil && r.target.Connection == "ssh" && r.target.Options["use_tty"] != "False" && r.target.Options["pipelining"] != "True" {
		overTerminal(d, r.target.Options["host"])
	}
	return d, err
}

// removedUser is the user that a call of the module user removes, "" for all other calls. userdel refuses users that have
// processes, and an agent that waits for its next task is one.
func removedUser(call action.ModuleCall, check bool) string {
	text := func(key string) string {
		v, _ := call.Args.GetStr(key)
		s, _ := value.AsString(v)
		return s
	}
	if check || call.Name != "ansible.builtin.user" && call.Name != "ansible.legacy.user" || text("state") != "absent" {
		return ""
	}
	return cmp.Or(text("name"), text("user"))
}

// overTerminal shows what a module that broke down printed as it looks when it ran over a terminal, as modules do with Ansible's
// ssh connection unless pipelining is on: errors are among the output.
func overTerminal(d *value.Dict, host string) {
	stderr, broken := d.GetStr("module_stderr")
	if !broken {
		return
	}
	stdout, _ := d.GetStr("module_stdout")
	out, _ := value.AsString(stdout)
	more, _ := value.AsString(stderr)
	d.SetStr("module_stdout", value.Str(strings.ReplaceAll(out+more, "\n", "\r\n")))
	d.SetStr("module_stderr", value.Str("Shared connection to "+host+" closed.\r\n"))
}

// call opens the session and describes the execution of a module.
func (r *remote) call(ctx context.Context, call action.ModuleCall) (*session.Session, session.Call, error) {
	c, err := r.describe(call)
	if err != nil {
		return nil, c, err
	}
	s, err := r.session(ctx)
	if err != nil {
		return nil, c, err
	}
	keep := r.x.Config.Bool("DEFAULT_KEEP_REMOTE_FILES")
	if r.told() {
		r.using(c.Python, keep)
	}
	if keep {
		if err := r.keep(ctx, s, &c); err != nil {
			return nil, c, err
		}
	}
	if r.told() {
		if err := r.tell(ctx, s, &c, call); err != nil {
			return nil, c, err
		}
	}
	return s, c, nil
}

// describe says what is executed.
func (r *remote) describe(call action.ModuleCall) (session.Call, error) {
	c := session.Call{
		Module: call.Name, Check: r.check && !call.NoCheck, Diff: r.diff, Verbosity: r.x.Verbosity, Env: r.env,
		Payload: call.Payload, Receive: call.Receive,
		Output: func(stream string, chunk []byte) {
			r.x.Emit(&event.Progress{Host: r.x.Host, Phase: "running", Stream: stream, Chunk: chunk})
		},
	}
	if call.Become {
		c.Become = r.become
	}
	if tmp, _, err := r.x.Config.PluginOption("shell", "sh", "remote_tmp", config.Sources{Vars: r.variable}); err == nil && tmp != value.None {
		c.RemoteTmp = plain(tmp)
	}
	if c.Become != nil && c.Become.Guest() {
		c.RemoteTmp = "/var/tmp"
	}
	if call.Python || !r.x.Services.IsNative(call.Name) {
		py, err := r.x.Python(r.x.Task, call.Name)
		if err != nil {
			return c, err
		}
		m := *py
		if err := r.interpreter(&m); err != nil {
			return c, err
		}
		c.Module, c.Python = "", &m
		if c.NoFile, err = r.noFile(); err != nil {
			return c, err
		}
	} else {
		text := r.x.Config.Str("INTERPRETER_PYTHON")
		if v, ok := r.variable("ansible_python_interpreter"); ok {
			text = plain(v)
		}
		if !strings.HasPrefix(text, "auto") {
			c.Interpreter = text
		}
	}
	if _, given := call.Args.GetStr("_async_dir"); call.Name == "ansible.builtin.async_status" && !given {
		if dir := r.asyncDir(); dir != "" {
			call.Args = call.Args.Copy()
			call.Args.SetStr("_async_dir", value.Str(dir))
		}
	}
	text, err := value.JSON(call.Args, value.JSONOptions{})
	if err != nil {
		return c, err
	}
	c.Args = json.RawMessage(text)
	return c, nil
}

// noFile is how many files a Python module may have open, 0 when nothing is said.
func (r *remote) noFile() (int, error) {
	v, ok := r.variable("ansible_python_module_rlimit_nofile")
	if !ok {
		v, _ = r.x.Config.Value("PYTHON_MODULE_RLIMIT_NOFILE") // text, where it is set
	}
	n, err := strconv.Atoi(strings.TrimSpace(plain(v)))
	if err != nil {
		return 0, &action.Failure{Msg: fmt.Sprintf("PYTHON_MODULE_RLIMIT_NOFILE must be a number, not %q", plain(v)), Keys: value.NewDict()}
	}
	return n, nil
}

// interpreter sets the command that runs a module that is not native: ansible_<language>_interpreter, or one that the agent
// discovers.
func (r *remote) interpreter(m *pymodule.Module) error {
	language := "python"
	if len(m.Shebang) > 0 {
		language = filepath.Base(m.Shebang[0])
		if language == "env" && len(m.Shebang) > 1 {
			language = filepath.Base(m.Shebang[1])
		}
		language = strings.TrimRight(language, "0123456789.")
	}
	v, ok := r.variable("ansible_" + language + "_interpreter")
	if !ok && language != "python" {
		return nil
	}
	text := r.x.Config.Str("INTERPRETER_PYTHON")
	if language != "python" || text == "" {
		text = "auto"
	}
	if ok {
		s, err := value.ToStr(v)
		if err != nil {
			return err
		}
		text = s
	}
	switch text {
	case "", "auto", "auto_silent", "auto_legacy", "auto_legacy_silent":
		m.Interpreter = []string{"auto"}
		m.Probe = r.x.Config.List("INTERPRETER_PYTHON_FALLBACK")
	default:
		m.Interpreter = []string{text} // one word, whatever is in it
	}
	return nil
}

// callError words failures before a module ran as Ansible does.
func (r *remote) callError(err error) error {
	var t *session.TaskError
	if errors.As(err, &t) {
		return &action.Failure{Msg: t.Msg, Keys: value.NewDict()}
	}
	return err
}

func (r *remote) decode(raw json.RawMessage) (*value.Dict, error) {
	v, err := value.ParseJSON(string(raw))
	if err != nil {
		return nil, fmt.Errorf("the module's result cannot be read: %w", err)
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return nil, errors.New("the module's result is not an object")
	}
	for _, v := range d.All() {
		dropInternal(v)
	}
	for _, k := range []string{"warnings", "deprecations"} { // said by nobody
		v, _ := d.GetStr(k)
		if l, ok := v.(*value.List); ok && len(l.Elems) == 0 {
			d.DeleteStr(k)
		}
	}
	return d, nil
}

// dropInternal removes what Ansible keeps for itself from below a module's result, in place.
func dropInternal(v value.Value) {
	switch v := v.(type) {
	case *value.List:
		for _, e := range v.Elems {
			dropInternal(e)
		}
	case *value.Dict:
		var gone []string
		for k, e := range v.All() {
			if name, _ := value.AsString(k); strings.HasPrefix(name, "_ansible_") {
				gone = append(gone, name)
				continue
			}
			dropInternal(e)
		}
		for _, name := range gone {
			v.DeleteStr(name)
		}
	}
}

// Shell implements action.Remote.
func (r *remote) Shell(ctx context.Context, command, executable string) (int, string, string, error) {
	if r.plugin != nil {
		if executable != "" {
			command = executable + " -c " + connection.Quote(command)
		}
		return r.plugCommand(ctx, command, true)
	}
	s, err := r.session(ctx)
	if err != nil {
		return 0, "", "", err
	}
	var env strings.Builder
	for _, k := range slices.Sorted(maps.Keys(r.env)) {
		env.WriteString(k + "=" + connection.Quote(r.env[k]) + " ")
	}
	raw := session.RawCommand{Command: command, Executable: executable, Become: r.become}
	if r.told() {
		shown := raw.Shown()
		if executable == "" && r.become == nil { // the login user's shell has it as it is
			shown = command
		}
		r.line("EXEC " + r.hidden(shown))
	}
	raw.Command = env.String() + command
	got, err := s.Raw(ctx, raw)
	if err != nil {
		return 0, "", "", r.callError(err)
	}
	return got.RC, got.Stdout, got.Stderr, nil
}

// Reset implements action.Remote.
func (r *remote) Reset() {
	if r.plugin != nil {
		_, _ = r.use(r.x.ctx, "reset") // a connection that cannot be reset is made anew by the next task
		return
	}
	r.x.Sessions.Reset(r.target)
}

// Becomes implements action.Remote.
func (r *remote) Becomes() bool { return r.become != nil }

// Local implements action.Remote.
func (r *remote) Local() bool { return r.target.Connection == "local" }

// User implements action.Remote.
func (r *remote) User() string {
	if r.user != "" {
		return r.user
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// async is the time limit of the async keyword in seconds, 0 for tasks that are waited for.
func (r *remote) async() int {
	v := r.x.Task.Get("async")
	if v == nil {
		return 0
	}
	n, err := r.x.number(r.t, "async", v, 0)
	if err != nil {
		return 0
	}
	return int(n)
}

// asyncDir is the directory of job files: the environment's, the option async_dir, "" for the default.
func (r *remote) asyncDir() string {
	if d, ok := r.env["ANSIBLE_ASYNC_DIR"]; ok {
		return d
	}
	if v, _, err := r.x.Config.PluginOption("shell", "sh", "async_dir", config.Sources{Vars: r.variable}); err == nil && v != value.None {
		return plain(v)
	}
	return ""
}

func number(d *value.Dict, key string) int {
	v, _ := d.GetStr(key)
	if n, ok := v.(value.Int); ok {
		return int(n)
	}
	if truth(d, key) {
		return 1
	}
	return 0
}
