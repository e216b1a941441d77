package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	troupe "github.com/troupe-automation/troupe"
	"github.com/troupe-automation/troupe/internal/cli/argparse"
	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/engine/pyhost"
	"github.com/troupe-automation/troupe/internal/engine/task"
	"github.com/troupe-automation/troupe/internal/report/callback"
	"github.com/troupe-automation/troupe/internal/target/modules/all"
	"github.com/troupe-automation/troupe/internal/term"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

// Session is one command with everything loaded that it needs.
type Session struct {
	Env       *Env
	Values    *argparse.Values
	Config    *config.Config
	Display   *callback.Display
	Verbosity int

	plugins *pyhost.Callbacks // callbacks in Python, once they are loaded
	stdout  bool              // one of them writes standard output
}

// Start reads the configuration and sets up the display.
func Start(env *Env, v *argparse.Values) (*Session, error) {
	c, err := config.Load(config.OSEnviron(), v.Str("config_file"))
	if err != nil {
		return nil, err
	}
	s := &Session{Env: env, Values: v, Config: c, Verbosity: v.Int("verbosity") + c.Int("DEFAULT_VERBOSITY")}
	s.Display = env.Display(c, s.Verbosity)
	if path := c.Str("DEFAULT_LOG_PATH"); path != "" && !slices.Contains(c.List("DEFAULT_LOG_FILTER"), "ansible") { // the name of all that is said
		if err := s.openLog(path); err != nil {
			s.Display.Warning(err.Error())
		}
	}
	for _, w := range c.Warnings {
		s.Display.Warning(w)
	}
	c.TellDeprecated(s.Display.Deprecated)
	return s, nil
}

// ConfigNote says under -v which configuration file is used.
func (s *Session) ConfigNote() {
	if s.Config.File != "" {
		s.Display.V(1, "", "Using "+s.Config.File+" as config file")
		return
	}
	s.Display.V(1, "", "No config file found; using defaults")
}

func (s *Session) openLog(path string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("log file at %s is not writeable and we cannot create it, aborting", path)
	}
	who := logUser(s.Env.Getenv)
	s.Display.Log, s.Display.LogVerbosity = f, s.Config.Int("LOG_VERBOSITY")
	s.Display.LogPrefix = func(level string) string {
		return fmt.Sprintf("%s p=%d u=%s n=ansible %s| ", callback.LogTime(time.Now()), os.Getpid(), who, level)
	}
	return nil
}

// logUser is who runs the program, as Python finds it out.
func logUser(getenv func(string) string) string {
	for _, name := range []string{"LOGNAME", "USER", "LNAME", "USERNAME"} {
		if v := getenv(name); v != "" {
			return v
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid=%d", os.Getuid())
}

// Secrets loads the vault passwords of flags and configuration.
func (s *Session) Secrets(ctx context.Context) (*vault.Secrets, error) {
	out := &vault.Secrets{MatchOnly: s.Config.Bool("DEFAULT_VAULT_ID_MATCH")}
	ids := append(s.Config.List("DEFAULT_VAULT_IDENTITY_LIST"), s.Values.List("vault_ids")...)
	for _, f := range s.Values.List("vault_password_files") {
		ids = append(ids, s.Config.Str("DEFAULT_VAULT_IDENTITY")+"@"+f)
	}
	if s.Values.Bool("ask_vault_pass") || s.Config.Bool("DEFAULT_ASK_VAULT_PASS") {
		ids = append(ids, s.Config.Str("DEFAULT_VAULT_IDENTITY")+"@prompt_ask_vault_pass")
	}
	if f := s.Config.Str("DEFAULT_VAULT_PASSWORD_FILE"); f != "" {
		ids = append([]string{s.Config.Str("DEFAULT_VAULT_IDENTITY") + "@" + f}, ids...)
	}

	var failed error
	for _, id := range ids {
		label, src := vault.SplitID(id)
		switch src {
		case "prompt", "prompt_ask_vault_pass":
			text := "Vault password: "
			if src == "prompt" {
				text = fmt.Sprintf("Vault password (%s): ", label)
			}
			pass, err := s.Env.Ask(text, true)
			if err != nil {
				return nil, err
			}
			if label == "" {
				label = "default"
			}
			out.List = append(out.List, vault.Secret{Label: label, Password: []byte(strings.TrimSpace(pass))})
		default:
			secret, err := vault.Load(ctx, label, src)
			if err != nil && ctx.Err() == nil { // the others may do
				what := "in vault password file loading"
				if strings.HasSuffix(err.Error(), "was not found") {
					what = "getting vault password file"
				}
				shown := label
				if shown == "" {
					shown = s.Config.Str("DEFAULT_VAULT_IDENTITY")
				}
				s.Display.Warning(fmt.Sprintf("Error %s (%s): %s", what, shown, err))
				failed = &diag.Diagnostic{Code: diag.VaultNoPassword, Summary: err.Error(), Classic: err.Error(), Exit: diag.ExitError, Cause: err}
				continue
			}
			if err != nil {
				return nil, err
			}
			out.List = append(out.List, secret)
		}
	}
	if len(out.List) == 0 && failed != nil {
		return nil, failed
	}
	return out, nil
}

// Project loads inventory and variables.
func (s *Session) Project(ctx context.Context, dir string) (*troupe.Project, error) {
	return s.project(ctx, dir, false)
}

func (s *Session) project(ctx context.Context, dir string, filesOnly bool) (*troupe.Project, error) {
	secrets, err := s.Secrets(ctx)
	if err != nil {
		return nil, err
	}
	return troupe.Load(ctx, troupe.Options{
		Config: s.Config, Inventory: s.inventory(), ExtraVars: s.Values.List("extra_vars"), Secrets: secrets, PlaybookDir: dir, FilesOnly: filesOnly,
		ModulePath: s.Values.List("module_path"), Natives: all.Registry, Image: all.Image, Self: s.Env.Self, Warn: s.Display.Warning,
		Log: func(v int, msg string) { s.Display.V(v, "", msg) }, Output: s.Display, Flags: s.flags(), Verbosity: s.Verbosity, LogVerbosity: s.Display.LogVerbosity,
	})
}

// Basedir is the directory that stands for a playbook's where a command has none: --playbook-dir, or PLAYBOOK_DIR; "" when nobody said.
func (s *Session) Basedir() string {
	if dir := s.Values.Str("basedir"); dir != "" {
		return s.Config.Path(dir)
	}
	return s.Config.Str("PLAYBOOK_DIR")
}

// Standalone is Project for commands without a playbook: in Basedir, else with the files of fallback. Names are searched in the collection that
// Basedir lies in, too.
func (s *Session) Standalone(ctx context.Context, fallback string) (*troupe.Project, error) {
	dir := s.Basedir()
	if dir == "" {
		return s.project(ctx, fallback, true)
	}
	p, err := s.Project(ctx, dir)
	if err != nil {
		return nil, err
	}
	if col, ok := p.Loader.Collections.Around(dir); ok {
		s.Display.Warning("running with default collection " + col)
		p.Loader.DefaultCollections = []string{col}
	}
	return p, nil
}

// flags are the command line's flags as Python plugins know them.
func (s *Session) flags() *value.Dict {
	d := value.NewDict()
	set := func(name string, v value.Value) { d.SetStr(name, v) }
	v := s.Values
	for _, n := range []string{"remote_user", "private_key_file", "connection", "become_method", "become_user", "ssh_common_args", "ssh_extra_args", "scp_extra_args", "sftp_extra_args", "subset", "module_name", "start_at_task"} {
		if v.Has(n) {
			set(n, value.Str(v.Str(n)))
		} else {
			set(n, value.None)
		}
	}
	for _, n := range []string{"check", "diff", "become", "syntax", "step"} {
		set(n, value.Bool(v.Bool(n)))
	}
	list := func(items []string) value.Value {
		l := value.NewList()
		for _, e := range items {
			l.Elems = append(l.Elems, value.Str(e))
		}
		return l
	}
	set("tags", list(Tags(v.List("tags"))))
	set("skip_tags", list(Tags(v.List("skip_tags"))))
	set("inventory", list(v.List("inventory")))
	set("extra_vars", list(v.List("extra_vars")))
	args := value.NewTuple()
	for _, a := range v.Args {
		args.Elems = append(args.Elems, value.Str(a))
	}
	set("args", args)
	set("verbosity", value.Int(s.Verbosity))
	if n := v.Int("forks"); n > 0 {
		set("forks", value.Int(n))
	}
	if n := v.Int("timeout"); n > 0 {
		set("timeout", value.Int(n))
	}
	return d
}

// inventory are the sources of -i; nil when none is given.
func (s *Session) inventory() []string { return s.Values.List("inventory") }

// CLI are the connection and become settings of the flags; passwords are asked for or read.
func (s *Session) CLI() (task.CLI, error) {
	v := s.Values
	c := task.CLI{
		Check: v.Bool("check"), Diff: v.Bool("diff") || s.Config.Bool("DIFF_ALWAYS"), Become: v.Bool("become"), BecomeMethod: v.Str("become_method"),
		BecomeUser: v.Str("become_user"), Connection: v.Str("connection"), RemoteUser: v.Str("remote_user"), PrivateKey: v.Str("private_key_file"),
		SSHCommonArgs: v.Str("ssh_common_args"), SSHExtraArgs: v.Str("ssh_extra_args"), SCPExtraArgs: v.Str("scp_extra_args"),
		SFTPExtraArgs: v.Str("sftp_extra_args"), Timeout: v.Int("timeout"), TaskTimeout: v.Int("task_timeout"),
	}
	if c.TaskTimeout == 0 {
		c.TaskTimeout = s.Config.Int("TASK_TIMEOUT")
	}
	var err error
	if c.ConnPass, err = s.password("ask_pass", "DEFAULT_ASK_PASS", "connection_password_file", "CONNECTION_PASSWORD_FILE", "SSH password: "); err != nil {
		return c, err
	}
	prompt := "BECOME password: "
	if c.ConnPass != "" {
		prompt = "BECOME password[defaults to SSH password]: "
	}
	if c.BecomePass, err = s.password("become_ask_pass", "DEFAULT_BECOME_ASK_PASS", "become_password_file", "BECOME_PASSWORD_FILE", prompt); err != nil {
		return c, err
	}
	if c.BecomePass == "" && (v.Bool("become_ask_pass") || s.Config.Bool("DEFAULT_BECOME_ASK_PASS")) {
		c.BecomePass = c.ConnPass
	}
	return c, nil
}

// password asks for a password or reads it from a file, when flags or configuration want one.
func (s *Session) password(askFlag, askSetting, fileFlag, fileSetting, prompt string) (string, error) {
	file := s.Values.Str(fileFlag)
	if file == "" {
		file = s.Config.Str(fileSetting)
	}
	if s.Values.Bool(askFlag) || s.Config.Bool(askSetting) {
		return s.Env.Ask(prompt, true)
	}
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("the password file %s was not found", file)
	}
	return strings.TrimSpace(string(b)), nil
}

// Prompt asks the user, when there is one (vars_prompt, pause).
func (s *Session) Prompt(text string, echo bool, _ int) (string, bool, error) {
	if !term.IsTerminal(s.Env.Stdin) {
		return "", false, nil
	}
	answer, err := s.Env.Ask(text, !echo)
	return answer, true, err
}

// Limit is --limit as terms.
func (s *Session) Limit() []string {
	if !s.Values.Has("subset") {
		return nil
	}
	return []string{s.Values.Str("subset")}
}

// WarnNoHosts says that the inventory has no hosts, unless the pattern asks for this machine alone.
func (s *Session) WarnNoHosts(p *troupe.Project, pattern string) {
	switch pattern {
	case "localhost", "127.0.0.1", "::1":
		return
	}
	if len(p.Inventory.Hosts()) == 0 && s.Config.Bool("LOCALHOST_WARNING") {
		s.Display.Warning("provided hosts list is empty, only localhost is available. Note that the implicit localhost does not match 'all'")
	}
}

// CallbackOptions are the settings of the default callback.
func (s *Session) CallbackOptions() callback.Options {
	get := func(name string) value.Value {
		v, _, err := s.Config.PluginOption("callback", "default", name, config.Sources{})
		if err != nil {
			return value.None
		}
		return v
	}
	on := func(name string) bool { return config.Truth(get(name)) }
	o := callback.Options{
		DisplayOK: on("display_ok_hosts"), DisplaySkipped: on("display_skipped_hosts"), FailedToStderr: on("display_failed_stderr"),
		CheckMarkers: on("check_mode_markers"), CustomStats: on("show_custom_stats"), PerHostStart: on("show_per_host_start"),
		PathOnFailure: on("show_task_path_on_failure"), ArgsToStdout: s.Config.Bool("DISPLAY_ARGS_TO_STDOUT"), DiffContext: s.Config.Int("DIFF_CONTEXT"),
	}
	o.Env = s.Env.Getenv
	o.Invocation = s.invocation()
	o.Option = func(opt *config.Setting) value.Value {
		v, _, err := s.Config.Option(opt, config.Sources{})
		if err != nil {
			s.Display.Warning(err.Error())
			return value.None
		}
		return v
	}
	o.ResultFormat, _ = value.AsString(get("result_format"))
	if p := get("pretty_results"); p != value.None {
		b := config.Truth(p)
		o.Pretty = &b
	}
	return o
}

// invocation is what the command line said, for callbacks that tell it.
func (s *Session) invocation() callback.Invocation {
	v := s.Values
	i := callback.Invocation{Inventory: v.List("inventory"), Tags: Tags(v.List("tags")), SkipTags: Tags(v.List("skip_tags")), Limit: v.Str("subset"), RemoteUser: v.Str("remote_user")}
	if len(i.Inventory) == 0 {
		i.Inventory = s.Config.List("DEFAULT_HOST_LIST")
	}
	if len(i.Tags) == 0 {
		i.Tags = []string{"all"}
	}
	for _, e := range v.List("extra_vars") {
		if file, ok := strings.CutPrefix(e, "@"); ok {
			e = "@" + s.Config.Path(file)
		}
		i.ExtraVars = append(i.ExtraVars, e)
	}
	return i
}

// Tags splits what --tags or --skip-tags were given.
func Tags(flags []string) []string {
	var out []string
	for _, f := range flags {
		for t := range strings.SplitSeq(f, ",") {
			if t = strings.TrimSpace(t); t != "" {
				out = append(out, t)
			}
		}
	}
	return out
}

// ErrInterrupted ends a command that the user stopped.
var ErrInterrupted = errors.New("interrupted")

// WriteVersion answers --version.
func WriteVersion(env *Env, prog string) error {
	s, err := Start(env, &argparse.Values{})
	if err != nil {
		return err
	}
	_, err = io.WriteString(env.Stdout, versionText(env, prog, s.Config))
	return err
}

// VersionNote says under -vv which command runs, and where it finds things.
func (s *Session) VersionNote(prog string) {
	s.Display.V(2, "", strings.TrimSuffix(versionText(s.Env, prog, s.Config), "\n"))
}

func versionText(env *Env, prog string, c *config.Config) string {
	var b strings.Builder
	b.WriteString(VersionLine(prog) + "\n")
	file := "None"
	if c != nil && c.File != "" {
		file = c.File
	}
	fmt.Fprintf(&b, "  config file = %s\n", file)
	if c != nil {
		fmt.Fprintf(&b, "  configured module search path = [%s]\n", quoted(c.List("DEFAULT_MODULE_PATH")))
		fmt.Fprintf(&b, "  ansible collection location = %s\n", strings.Join(c.List("COLLECTIONS_PATHS"), ":"))
	}
	if len(env.Self) > 0 {
		fmt.Fprintf(&b, "  executable location = %s\n", env.Self[0])
	}
	fmt.Fprintf(&b, "  jinja version = 3.1.2\n  libyaml = True\n")
	return b.String()
}

func quoted(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = "'" + s + "'"
	}
	return strings.Join(out, ", ")
}
