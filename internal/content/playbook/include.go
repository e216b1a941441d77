package playbook

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// checkInclude checks the options of include_tasks, import_tasks, include_role and import_role.
func (l *Loader) checkInclude(t *Task, n *yamldoc.Node) error {
	short := Short(t.ActionAsWritten)
	var valid map[string]bool
	switch short {
	case "include_tasks":
		valid = includeTasksOptions
	case "import_tasks":
		valid = importTasksOptions
	case "include_role":
		valid = includeRoleOptions
	case "import_role":
		valid = importRoleOptions
	default:
		return nil
	}
	var bad []string
	for k := range t.Args.All() {
		if s, _ := value.AsString(k); !valid[s] && s != "_raw_params" {
			bad = append(bad, s)
		}
	}
	if short == "import_tasks" || short == "import_role" {
		if t.Loop != nil {
			return problem(diag.LoopOnImport, n.Pos, fmt.Sprintf("You cannot use loops on '%s' statements. You should use '%s' instead.", t.ActionAsWritten, strings.Replace(t.ActionAsWritten, "import", "include", 1)))
		}
	}
	if short == "include_tasks" || short == "import_tasks" {
		if file, ok := t.Args.GetStr("file"); ok && t.RawParams == nil {
			t.RawParams = file
			t.Args.DeleteStr("file")
			t.Args.SetStr("_raw_params", file)
		}
		if t.RawParams == nil || t.RawParams == value.None {
			return problem(diag.IncludeOptions, n.Pos, "No file specified for "+t.ActionAsWritten)
		}
	}
	if len(bad) > 0 {
		sort.Strings(bad)
		d := problem(diag.IncludeOptions, n.Pos, fmt.Sprintf("Invalid options for %s: %s", t.ActionAsWritten, strings.Join(bad, ",")))
		if p := t.ArgsNode.Pair(bad[0]); p != nil {
			point(d, p.Key.Pos, len(bad[0]), "")
		}
		return suggest(d, bad[0], known(valid))
	}
	if apply := t.ArgsNode.Get("apply"); apply != nil && apply.Kind != yamldoc.Mapping {
		d := problem(diag.IncludeOptions, n.Pos, fmt.Sprintf("Expected a dict for apply but got %s instead", classOf(apply)))
		return point(d, apply.Pos, 0, "")
	}
	if short == "include_tasks" || short == "import_tasks" {
		return nil
	}
	if _, ok := t.Args.GetStr("name"); !ok {
		if role, ok := t.Args.GetStr("role"); ok {
			t.Args.SetStr("name", role)
		} else {
			return problem(diag.IncludeOptions, n.Pos, fmt.Sprintf("'name' is a required field for %s.", t.ActionAsWritten))
		}
	}
	for _, from := range []string{"tasks_from", "vars_from", "defaults_from", "handlers_from"} {
		v, ok := t.Args.GetStr(from)
		if ok && !isString(v) {
			d := problem(diag.IncludeOptions, source.Pos{}, fmt.Sprintf("Expected a string for %s but got <class '%s'> instead", from, v.TypeName()))
			return d.At(t.ArgsNode.Get(from).At(), 0, "")
		}
	}
	return nil
}

// staticVars are the variables that names of static imports may use: extra vars, and the vars of play, blocks, roles and imports.
func (l *Loader) staticVars(t *Task) *value.Dict {
	d := value.NewDict()
	if t.Role != nil {
		merge(d, t.Role.Defaults)
	}
	if t.Play != nil {
		merge(d, t.Play.Vars)
		for _, f := range t.Play.VarsFiles {
			l.mergeVarsFile(d, f, t.Play)
		}
		d.SetStr("playbook_dir", value.Str(l.basedir(t.Play)))
	}
	if t.Role != nil {
		merge(d, t.Role.Vars)
		d.SetStr("role_name", value.Str(t.Role.Name))
		d.SetStr("role_path", value.Str(t.Role.Path))
	}
	for _, layer := range t.VarLayers() {
		merge(d, layer.Vars)
	}
	if t.Role != nil {
		merge(d, t.Role.Params)
	}
	merge(d, l.ExtraVars)
	return d
}

// mergeVarsFile adds the variables of a vars_files entry whose name is literal; others need hosts.
func (l *Loader) mergeVarsFile(into *value.Dict, entry value.Value, p *Play) {
	for _, alternative := range listOf(entry) {
		name, ok := value.AsString(alternative)
		if !ok || isTemplate(alternative) {
			continue
		}
		if !filepath.IsAbs(name) {
			name = filepath.Join(p.Basedir, name)
		}
		if root, err := l.Document(name); err == nil && root.Kind == yamldoc.Mapping {
			merge(into, root.Value().(*value.Dict))
			return
		}
	}
}

// importTasks replaces an import_tasks by the blocks of its file.
func (l *Loader) importTasks(t *Task, s scope) ([]*Block, error) {
	if s.depth > maxNesting {
		return nil, problem(diag.MalformedPlaybook, t.Pos, "maximum recursion depth exceeded: import_tasks imports itself")
	}
	t.Static = true
	name, err := l.renderName(t.RawParams, l.staticVars(t), t.Pos)
	if err != nil {
		return nil, err
	}
	path, _ := l.FindTasks(t, name)
	return l.tasksFile(t, path, s.depth+1)
}

// FindTasks finds the file of an include_tasks or import_tasks: beside the file that names it, beside the files that
// included that one, in the role's tasks, in the playbook's directory. tried lists the places in order. When there is no such
// file, path is the place Ansible's message names.
func (l *Loader) FindTasks(t *Task, name string) (path string, tried []string) {
	if filepath.IsAbs(name) {
		return name, []string{name}
	}
	sub := "tasks"
	if t.IsHandler {
		sub = "handlers"
	}
	add := func(dir string) {
		p := filepath.Join(dir, name)
		for _, have := range tried {
			if have == p {
				return
			}
		}
		tried = append(tried, p)
	}
	if t.Path != "" {
		add(filepath.Dir(t.Path))
	}
	for p := t.Parent; p != nil; p = p.parentOf() {
		if inc, ok := p.(*Task); ok && inc != nil && inc.Path != "" {
			add(filepath.Dir(inc.Path))
		}
	}
	last := filepath.Join(l.basedir(t.Play), name)
	if t.Role != nil {
		add(filepath.Join(t.Role.Path, sub))
		add(filepath.Join(t.Role.Path, "tasks")) // handlers may include the role's tasks
		add(t.Role.Path)
		last = filepath.Join(t.Role.Path, sub, name)
	}
	add(filepath.Join(l.basedir(t.Play), sub))
	add(l.basedir(t.Play))
	for _, p := range tried {
		if st, err := os.Stat(p); err == nil && !st.IsDir() {
			return p, tried
		}
	}
	return last, tried
}

// tasksFile reads the blocks of a task file as children of the include.
func (l *Loader) tasksFile(include *Task, path string, depth int) ([]*Block, error) {
	root, err := l.Document(path)
	if err != nil {
		return nil, err
	}
	if root.IsNull() || root.Kind == yamldoc.Scalar && root.Text == "" {
		l.warn(diag.MalformedBlock, source.Pos{File: path}, "file "+path+" is empty and had no tasks to include")
		return nil, nil
	}
	if root.Kind != yamldoc.Sequence {
		d := problem(diag.MalformedBlock, root.Pos, "included task files must contain a list of tasks")
		return nil, d.Also(include.Pos, 0, "included from here")
	}
	return l.blocks(root, scope{
		play: include.Play, role: include.Role, parent: include, path: path, handlers: include.IsHandler,
		collections: include.Collections, depth: depth,
	})
}

// Include is what a dynamic include brought.
type Include struct {
	Blocks   []*Block
	Role     *Role // include_role
	Handlers []*Block
}

// LoadTasks reads the file of an include_tasks at run time. vars are the include's rendered variables for this host and
// item, which the tasks inside see; nil keeps the written ones. Problems of the content are diagnostics with ExitParse.
func (l *Loader) LoadTasks(include *Task, path string, vars *value.Dict) ([]*Block, error) {
	parent, err := l.applied(include, vars)
	if err != nil {
		return nil, err
	}
	root, err := l.Document(path)
	if err != nil {
		return nil, err
	}
	if root.IsNull() || root.Kind == yamldoc.Scalar && root.Text == "" {
		return nil, nil
	}
	if root.Kind != yamldoc.Sequence {
		d := problem(diag.MalformedBlock, root.Pos, "included task files must contain a list of tasks")
		d.Exit = diag.ExitError
		return nil, d.Also(include.Pos, 0, "included from here")
	}
	return l.blocks(root, scope{
		play: include.Play, role: include.Role, parent: parent, path: path, handlers: include.IsHandler, collections: include.Collections,
	})
}

// applied is the parent of what a dynamic include brings: a copy of the include with its variables, inside it a block with
// the keywords of `apply`.
func (l *Loader) applied(include *Task, vars *value.Dict) (Parent, error) {
	c := *include
	if vars != nil {
		c.Vars = vars
	}
	apply := include.ArgsNode.Get("apply")
	if apply == nil || apply.Kind != yamldoc.Mapping {
		return &c, nil
	}
	b := &Block{Implicit: true, Pos: apply.Pos, Path: include.Path, Parent: &c, Role: include.Role, Play: include.Play, IsHandlers: include.IsHandler}
	for _, e := range apply.Pairs {
		if !blockKeywords[e.Name()] {
			return nil, l.unknownKeyword(apply, e.Key, "Block", blockKeywords)
		}
		b.Attrs = append(b.Attrs, Attr{e.Name(), e.Value.Value(), e.Key.Pos, e.Value})
	}
	var err error
	if b.Vars, err = l.varsOf(b.Attrs, "Block"); err != nil {
		return nil, err
	}
	if a := b.Attrs.Find("vars"); a != nil {
		b.VarsNode = a.Node
	}
	if err := l.checkDefaults(b.Attrs); err != nil {
		return nil, err
	}
	return b, checkTags(b.Attrs)
}
