package troupe

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/content/inventory"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/content/vars"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/engine/pyhost"
	"github.com/troupe-automation/troupe/internal/engine/run"
	"github.com/troupe-automation/troupe/internal/engine/task"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/remote/session"
	"github.com/troupe-automation/troupe/module"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

// Options describe the surroundings of a project.
type Options struct {
	Config    *config.Config // nil: searched as Ansible does
	Inventory []string       // sources; nil: the configured ones
	ExtraVars []string       // as -e takes them: "k=v", "@file", JSON or YAML
	Secrets   *vault.Secrets
	// PlaybookDir is where roles, group_vars and plugins are looked for; "" is the directory of the first playbook.
	PlaybookDir string
	// FilesOnly: nobody named PlaybookDir, so what lies there as library/ and plugins does not count.
	FilesOnly  bool
	ModulePath []string
	Natives    *module.Registry           // modules of the agent
	Image      func(module string) string // which of its images one lives in
	Self       []string                   // command line that makes this program the agent
	// Warn takes warnings in Ansible's words, Log messages of -v and above.
	Warn func(text string)
	Log  func(verbosity int, text string)
	// Output takes what Python plugins say; nil drops it. Flags are those of the command line, by their Python names.
	Output    pyhost.Output
	Flags     *value.Dict
	Verbosity int
	// LogVerbosity is what a log wants to be told, when it is more than Verbosity.
	LogVerbosity int
}

// Project is loaded content: configuration, inventory, variables, and the way to playbooks.
type Project struct {
	Config    *config.Config
	Inventory *inventory.Inventory
	Vars      *vars.Manager
	Loader    *playbook.Loader
	Templates *template.Engine
	ExtraVars *value.Dict
	Secrets   *vault.Secrets
	// Plugins runs plugins written in Python.
	Plugins *pyhost.Host

	first       string // directory of the first playbook
	varsPlugins *pyhost.VarsPlugins
	actions     *actions
	opt         Options
}

// Load reads configuration and inventory. Playbooks are read by Playbooks.
func Load(ctx context.Context, o Options) (*Project, error) {
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	if o.Log == nil {
		o.Log = func(int, string) {}
	}
	if o.Config == nil {
		c, err := config.Load(config.OSEnviron(), "")
		if err != nil {
			return nil, err
		}
		o.Config = c
	}
	if o.Secrets == nil {
		o.Secrets = &vault.Secrets{}
	}
	p := &Project{Config: o.Config, Secrets: o.Secrets, opt: o}
	dups := duplicates(o.Config.Str("DUPLICATE_YAML_DICT_KEY"))
	warn := func(d *diag.Diagnostic) { o.Warn(d.Message()) }
	extensions := strings.Join(o.Config.List("DEFAULT_JINJA2_EXTENSIONS"), ",")
	p.Templates = template.New(template.Options{
		Native: o.Config.Bool("DEFAULT_JINJA2_NATIVE"), Profile: template.Profile(o.Config.Str("TEMPLATE_PROFILE")),
		Do: strings.Contains(extensions, "jinja2.ext.do"), LoopControls: strings.Contains(extensions, "loopcontrols"),
	})
	p.Templates.BrokenConditions = o.Config.Bool("ALLOW_BROKEN_CONDITIONALS")
	p.Templates.Basedir = o.PlaybookDir
	finder := collection.Open(o.Config)
	finder.Log = o.Log
	if o.Output != nil {
		finder.Deprecated = o.Output.Deprecated
	}
	p.Plugins = p.pluginHost(finder)
	p.varsPlugins = p.Plugins.VarsPlugins()
	if o.PlaybookDir != "" {
		if dir, err := filepath.Abs(o.PlaybookDir); err == nil {
			if p.Plugins.Search.SetBasedir(dir); !o.FilesOnly {
				finder.Paths = append([]string{filepath.Join(dir, "collections")}, finder.Paths...)
				p.Plugins.Search.Add(dir)
			}
			p.first = dir
		}
	}
	p.Templates.PythonFilter, p.Templates.Overrides, p.Templates.Moved = p.Plugins.Function, p.Plugins.Overrides, p.Plugins.Search.Builtin
	p.Templates.Lookup = p.lookup(ctx)
	files := &vars.Files{Secrets: o.Secrets, Duplicates: dups, Warn: warn}
	extra, err := p.extraVars(o.ExtraVars, files)
	if err != nil {
		return nil, err
	}
	p.ExtraVars = extra
	if err := p.loadInventory(ctx); err != nil {
		return nil, err
	}
	p.Vars = &vars.Manager{
		Inventory: p.Inventory, Files: files, Precedence: o.Config.List("VARIABLE_PRECEDENCE"),
		Merge: o.Config.Str("DEFAULT_HASH_BEHAVIOUR") == "merge", Plugins: p.varsPlugins.Layers, Changing: p.varsPlugins.Changing,
	}
	p.actions = &actions{utils: newModuleUtils(o.Config), plugins: p.Plugins.Search, natives: o.Natives, finder: finder, paths: append(o.ModulePath, o.Config.List("DEFAULT_MODULE_PATH")...)}
	if p.actions.rejects, err = p.rejectedModules(); err != nil {
		return nil, err
	}
	p.Loader = &playbook.Loader{
		RolesPath: o.Config.List("DEFAULT_ROLES_PATH"), Actions: p.actions, Renderer: &renderer{p.Templates}, Collections: finder,
		Secrets: o.Secrets, ExtraVars: extra, Duplicates: dups, Warn: warn,
		KeepInvalidAttributes: !o.Config.Bool("INVALID_TASK_ATTRIBUTE_FAILED"), KeepInvalidGroups: !o.Config.Bool("VALIDATE_ACTION_GROUP_METADATA"), PrivateRoles: o.Config.Bool("DEFAULT_PRIVATE_ROLE_VARS"),
	}
	if _, origin := o.Config.Value("DEFAULT_PRIVATE_ROLE_VARS"); origin.Kind != config.FromDefault {
		p.Loader.PublicIncludes = !p.Loader.PrivateRoles
	}
	p.SetBasedir(o.PlaybookDir)
	return p, nil
}

// Close ends what runs beside the project: the processes of Python plugins.
func (p *Project) Close() { p.Plugins.Close() }

// SetBasedir says where roles and adjacent plugins are looked for.
func (p *Project) SetBasedir(dir string) {
	if dir == "" {
		return
	}
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	p.Loader.Basedir = dir
	if p.Plugins.Search.SetBasedir(dir); p.opt.FilesOnly {
		return
	}
	p.actions.setBasedir(dir)
	p.Plugins.Search.Add(dir)
	paths := []string{filepath.Join(dir, "collections")}
	if p.first != "" && p.first != dir { // a playbook of a collection finds the collections beside the first one too
		paths = append(paths, filepath.Join(p.first, "collections"))
	}
	p.actions.finder.Paths = append(paths, p.Config.List("COLLECTIONS_PATHS")...)
}

func duplicates(s string) yamldoc.Duplicates {
	switch s {
	case "error":
		return yamldoc.DuplicatesError
	case "ignore":
		return yamldoc.DuplicatesIgnore
	}
	return yamldoc.DuplicatesWarn
}

// refresh reads the inventory's sources anew; hosts that tasks added stay.
func (p *Project) refresh(ctx context.Context) error {
	return p.Inventory.Refresh(ctx, p.sources(), p.inventoryOptions())
}

func (p *Project) sources() []string {
	if p.opt.Inventory != nil {
		return p.opt.Inventory
	}
	return p.Config.List("DEFAULT_HOST_LIST")
}

func (p *Project) inventoryOptions() inventory.Options {
	o := inventory.Options{
		Plugins: p.Config.List("INVENTORY_ENABLED"), IgnoreExts: p.Config.List("INVENTORY_IGNORE_EXTS"), IgnorePatterns: p.Config.List("INVENTORY_IGNORE_PATTERNS"),
		Names: inventory.NameRule(p.Config.Str("TRANSFORM_INVALID_GROUP_CHARS")), FailUnparsed: p.Config.Bool("INVENTORY_ANY_UNPARSED_IS_FAILED"),
		FailNone: p.Config.Bool("INVENTORY_UNPARSED_IS_FAILED"), YAMLExts: p.Config.List("YAML_FILENAME_EXTENSIONS"),
		NoWarnUnparsed: !p.Config.Bool("INVENTORY_UNPARSED_WARNING"), Secrets: p.Secrets, Open: p.Secrets.Open, Templar: &renderer{p.Templates}, ExtraVars: p.ExtraVars,
		External: p.Plugins.Inventories(func() *value.Dict { return p.ExtraVars }), Duplicates: duplicates(p.Config.Str("DUPLICATE_YAML_DICT_KEY")), Default: "/etc/ansible/hosts",
	}
	merge := p.Config.Str("DEFAULT_HASH_BEHAVIOUR") == "merge"
	if merge {
		o.Merge = vars.Merge
	}
	o.HostVars = func(inv *inventory.Inventory) func(h *inventory.Host) (*value.Dict, error) {
		m := &vars.Manager{Inventory: inv, Files: &vars.Files{Secrets: p.Secrets, Duplicates: o.Duplicates}, Precedence: p.Config.List("VARIABLE_PRECEDENCE"), Merge: merge, Plugins: p.varsPlugins.Layers}
		return func(h *inventory.Host) (*value.Dict, error) {
			v, err := m.Host(h, p.opt.PlaybookDir)
			if err != nil {
				return nil, err
			}
			return vars.Over(v.Groups.Vars, v.Host.Vars), nil
		}
	}
	return o
}

func (p *Project) loadInventory(ctx context.Context) error {
	inv, err := inventory.Load(ctx, p.sources(), p.inventoryOptions())
	if err != nil {
		return err
	}
	for _, w := range inv.Warnings {
		p.opt.Warn(w)
	}
	for _, n := range inv.Notes {
		p.opt.Log(3, n)
	}
	p.Inventory = inv
	return nil
}

// extraVars reads -e arguments; later ones win (BEHAVIOUR §1.5).
func (p *Project) extraVars(args []string, files *vars.Files) (*value.Dict, error) {
	out := value.NewDict()
	for _, a := range args {
		a = strings.TrimSpace(a)
		var d *value.Dict
		var err error
		switch {
		case strings.HasPrefix(a, "@"):
			d, err = files.Load(expand(a[1:]))
		case strings.HasPrefix(a, "{"), strings.HasPrefix(a, "["):
			d, err = p.extraDocument(a)
		case a == "":
			continue
		case strings.HasPrefix(a, "/"), strings.HasPrefix(a, "."):
			msg := fmt.Sprintf("Please prepend extra_vars filename '%s' with '@'", a)
			err = &diag.Diagnostic{Code: diag.BadExtraVars, Summary: msg, Classic: msg, Exit: diag.ExitOptions}
		default:
			d, _, err = playbook.ParseKV(a, false, noPos)
		}
		if err != nil {
			return nil, err
		}
		if p.Config.Str("DEFAULT_HASH_BEHAVIOUR") == "merge" {
			out = vars.Merge(out, d)
		} else {
			out = vars.Over(out, d)
		}
	}
	return out, nil
}

func (p *Project) extraDocument(text string) (*value.Dict, error) {
	n, err := yamldoc.Load([]byte(text), yamldoc.Options{Open: p.Secrets.Open})
	if err != nil {
		return nil, err
	}
	d, ok := n.Value().(*value.Dict)
	if !ok {
		msg := fmt.Sprintf("Invalid extra vars data supplied. '%s' could not be made into a dictionary", text)
		return nil, &diag.Diagnostic{Code: diag.BadExtraVars, Summary: msg, Classic: msg, Exit: diag.ExitOptions}
	}
	return d, nil
}

func expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return path
}

// renderer renders text without a host: names of static imports, constructed inventories.
type renderer struct{ e *template.Engine }

// Render implements playbook.Renderer and inventory.Templar.
func (r *renderer) Render(text string, v *value.Dict) (value.Value, error) {
	t := r.e.New(&vars.Scope{Layers: []vars.Layer{{Vars: v}}})
	return t.Render(value.NewTemplate(text, noPos))
}

// RunOptions say what to run.
type RunOptions struct {
	Playbooks     []*playbook.Playbook
	Sink          event.Sink
	Tags, Skip    []string
	StartAtTask   string
	Step          func(task string) (run, all bool)
	Limit         []string
	Forks         int
	Verbosity     int
	ForceHandlers bool
	FlushCache    bool
	CLI           task.CLI
	Prompt        func(text string, echo bool, seconds int) (answer string, ok bool, err error)
	Line          func(prompt string) (string, error) // reads what is typed at the debugger's prompt
}

// Run runs playbooks and returns the exit code. When the content is to blame the error says where.
func (p *Project) Run(ctx context.Context, o RunOptions) (int, error) {
	pool := session.NewPool(session.Config{Log: p.opt.Log, Self: p.opt.Self, Image: p.opt.Image})
	defer pool.Close()
	forks := o.Forks
	if forks == 0 {
		forks = defaultForks
		if _, origin := p.Config.Value("DEFAULT_FORKS"); origin.Kind != config.FromDefault {
			forks = p.Config.Int("DEFAULT_FORKS")
		}
	}
	var cache run.FactCache
	if c, err := factCache(p.Config, p.Plugins); err != nil {
		return run.ExitError, err
	} else if c != nil {
		cache = c
	}
	runner := &task.Runner{
		Templates: p.Templates, Config: p.Config, Sessions: pool, Natives: p.opt.Natives, Python: p.actions.python, Plugins: p.Plugins, Verbosity: o.Verbosity, CLI: o.CLI,
		Told: max(o.Verbosity, p.opt.LogVerbosity),
	}
	p.Plugins.Prompt = o.Prompt
	r := run.New(run.Options{
		Config: p.Config, Inventory: p.Inventory, Loader: p.Loader, Vars: p.Vars, Templates: p.Templates, Runner: runner, Sink: o.Sink,
		ExtraVars: p.ExtraVars, Tags: run.Tags{Run: o.Tags, Skip: o.Skip}, StartAtTask: o.StartAtTask, Step: o.Step, Limit: o.Limit, Forks: forks,
		Verbosity: o.Verbosity, Check: o.CLI.Check, Diff: o.CLI.Diff, ForceHandlers: o.ForceHandlers, FlushCache: o.FlushCache,
		RetryFile: p.retryFile(), Facts: cache, Prompt: o.Prompt, Line: o.Line, ResolveAction: p.actions.fqcn, IsNative: p.actions.isNative, InActionGroup: p.actions.inGroup,
		Refresh: p.refresh,
	})
	return r.Playbooks(ctx, o.Playbooks)
}

// defaultForks is how many hosts are worked on at once unless somebody says otherwise: goroutines are cheap (docs/compat.md).
const defaultForks = 50

// retryFile writes retry files when they are switched on.
func (p *Project) retryFile() func(string, []string) (string, error) {
	if !p.Config.Bool("RETRY_FILES_ENABLED") {
		return nil
	}
	return func(pb string, hosts []string) (string, error) {
		dir := p.Config.Str("RETRY_FILES_SAVE_PATH")
		if dir == "" {
			dir = filepath.Dir(pb)
		}
		base := filepath.Base(pb)
		path := filepath.Join(dir, strings.TrimSuffix(base, filepath.Ext(base))+".retry")
		if abs, err := filepath.Abs(path); err == nil {
			path = abs
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return path, err
		}
		return path, os.WriteFile(path, []byte(strings.Join(hosts, "\n")+"\n"), 0o644)
	}
}

// Match returns the hosts of patterns under a limit.
func (p *Project) Match(patterns, limit []string) ([]*inventory.Host, error) {
	before := len(p.Inventory.Warnings)
	hosts, err := p.Inventory.Match(inventory.Query{Patterns: patterns, Limit: limit, Mismatch: inventory.Mismatch(p.Config.Str("HOST_PATTERN_MISMATCH"))})
	for _, w := range p.Inventory.Warnings[before:] {
		p.opt.Warn(w)
	}
	return hosts, err
}

// CheckLimit fails when a limit leaves no host at all. Where the inventory is empty there is nothing to leave: the
// implicit localhost can still be met.
func (p *Project) CheckLimit(limit []string) error {
	if all, err := p.Match([]string{"all"}, nil); err == nil && len(all) == 0 {
		return nil
	}
	hosts, err := p.Match([]string{"all"}, limit)
	if err != nil {
		return err
	}
	if len(hosts) == 0 {
		return NoHostsToTarget()
	}
	return nil
}

// NoHostsToTarget is the error of a limit that leaves no host.
func NoHostsToTarget() error {
	msg := "Specified inventory, host pattern and/or --limit leaves us with no hosts to target."
	return &diag.Diagnostic{Code: diag.LimitNoHosts, Summary: msg, Classic: msg, Exit: diag.ExitError}
}

// Renderer renders keywords of a play without a host: with extra variables and the play's own.
func (p *Project) Renderer(pl *playbook.Play) func(value.Value) (value.Value, error) {
	t := p.Templates.New(&vars.Scope{Layers: []vars.Layer{{Vars: p.ExtraVars}, {Vars: pl.Vars}}})
	return t.Render
}

// HostScope are the variables of a host outside any play: extra variables, then those of the inventory and the files
// beside it.
func (p *Project) HostScope(name string) (*vars.Scope, error) {
	h := p.Inventory.Host(name)
	if h == nil {
		if name != "localhost" {
			msg := fmt.Sprintf("the inventory has no host %q", name)
			return nil, &diag.Diagnostic{Code: diag.UnknownHost, Summary: msg, Classic: msg, Exit: diag.ExitError}
		}
		h = p.Inventory.Localhost("")
	}
	own, err := p.Vars.Host(h, p.Loader.Basedir)
	if err != nil {
		return nil, err
	}
	var groups []value.Value
	for _, g := range h.GroupNames() {
		groups = append(groups, value.Str(g))
	}
	return &vars.Scope{Layers: []vars.Layer{
		{Name: "magic variables", Vars: value.DictOf("inventory_hostname", value.Str(h.Name), "group_names", value.NewList(groups...), "playbook_dir", value.Str(p.Loader.Basedir))},
		{Name: "extra vars", Vars: p.ExtraVars}, own.Host, own.Groups,
	}}, nil
}
