package playbook

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// roles reads the `roles` of a play, dependencies included.
func (l *Loader) roles(p *Play) ([]*Role, error) {
	a := p.Attrs.Find("roles")
	if a == nil || a.Node.IsNull() {
		return nil, nil
	}
	if a.Node.Kind != yamldoc.Sequence {
		d := problem(diag.WrongKeywordType, p.Pos, fmt.Sprintf("A malformed role declaration was encountered.. ds (%s) should be a list but was a %s", shown(a.Node), classOf(a.Node)))
		return nil, point(d, a.Node.Pos, 0, "")
	}
	var out []*Role
	for _, n := range a.Node.Items {
		r, err := l.roleEntry(n, p, nil, p.Collections)
		if err != nil {
			return nil, err
		}
		r.Public, r.Static = true, true
		out = append(out, r)
	}
	return out, nil
}

// roleEntry reads one entry of `roles` or of a role's dependencies.
func (l *Loader) roleEntry(n *yamldoc.Node, p *Play, parents []*Role, collections []string) (*Role, error) {
	r := &Role{Pos: n.Pos, Play: p, Parents: parents, Params: value.NewDict(), VarsKw: value.NewDict(), Collections: collections}
	if len(parents) > 0 { // a dependency comes the way its parent came
		up := parents[len(parents)-1]
		r.FromInclude, r.IncludeTask, r.applied, r.Public, r.Static = up.FromInclude, up.IncludeTask, up.applied, up.Public, up.Static
	}
	var name *yamldoc.Node
	switch {
	case n.Kind == yamldoc.Mapping:
		if n.Get("role") == nil && n.Get("name") == nil && n.Get("src") != nil {
			name = n.Get("src")
		}
		for _, e := range n.Pairs {
			switch key := e.Name(); {
			case key == "role":
				name = e.Value
			case key == "name":
				if name == nil {
					name = e.Value
				}
			case roleKeywords[key]:
				r.Attrs = append(r.Attrs, Attr{key, e.Value.Value(), e.Key.Pos, e.Value})
			default:
				_ = r.Params.Set(e.Key.Value(), e.Value.Value())
			}
		}
		if role := n.Get("role"); role != nil {
			name = role
		}
	case n.Kind == yamldoc.Scalar && isString(n.Value()):
		if strings.Contains(n.Text, ",") {
			d := problem(diag.WrongKeywordType, source.Pos{}, "Invalid old style role requirement: "+n.Text)
			d.Exit = diag.ExitError
			return nil, d.At(n.Pos, len(n.Text), "a role's name has no comma")
		}
		name = n
	default:
		d := problem(diag.WrongKeywordType, source.Pos{}, "Invalid role definition: "+shown(n))
		return nil, d.At(n.Pos, 0, "")
	}
	if name.IsNull() || name.Kind != yamldoc.Scalar || name.Text == "" {
		d := problem(diag.WrongKeywordType, n.Pos, "role definitions must contain a role name")
		d.Exit = diag.ExitError
		return nil, d
	}
	var err error
	if r.VarsKw, err = l.varsOf(r.Attrs, "RoleInclude"); err != nil {
		return nil, err
	}
	if err := checkTags(r.Attrs); err != nil {
		return nil, err
	}
	if err := l.checkDefaults(r.Attrs); err != nil {
		return nil, err
	}
	r.Collections = collectionsOf(r.Attrs, collections)
	vars := value.NewDict()
	merge(vars, p.Vars)
	merge(vars, r.Params)
	merge(vars, l.ExtraVars)
	if r.Name, err = l.renderName(name.Value(), vars, n.Pos); err != nil {
		return nil, err
	}
	return r, l.loadRole(r, n.Pos, name.Pos)
}

// loadRole finds the role's directory and reads everything in it. at is what Ansible's message points at.
func (l *Loader) loadRole(r *Role, at, token source.Pos) error {
	if err := l.findRole(r, at, token); err != nil {
		return err
	}
	if libraries, ok := l.Actions.(Libraries); ok {
		libraries.AddLibrary(filepath.Join(r.Path, "library"))
	}
	for _, p := range r.Parents {
		if p.Path == r.Path {
			d := problem(diag.RoleRecursion, r.Parents[len(r.Parents)-1].Pos, "A recursion loop was detected with the roles specified. Make sure child roles do not have dependencies on parent roles")
			d.Exit = diag.ExitError
			return d.Also(p.Pos, 0, "the same role")
		}
	}
	var err error
	if r.Vars, r.VarsFilesRead, err = l.roleVars(r, "vars", r.VarsFrom); err != nil {
		return err
	}
	if r.Defaults, r.DefaultsFiles, err = l.roleVars(r, "defaults", r.DefaultsFrom); err != nil {
		return err
	}
	if err := l.roleMeta(r); err != nil {
		return err
	}
	if err := l.roleDependencies(r); err != nil {
		return err
	}
	r.Collections = l.roleCollections(r)
	if r.Handlers, err = l.roleTasks(r, "handlers", r.HandlersFrom); err != nil {
		return err
	}
	r.Blocks, err = l.roleTasks(r, "tasks", r.TasksFrom)
	return err
}

// findRole looks for a role: collections, roles beside the playbook, DEFAULT_ROLES_PATH, beside the role that wants it, the
// playbook's directory, and at last as a path (BEHAVIOUR §3.5).
func (l *Loader) findRole(r *Role, at, token source.Pos) error {
	name := r.Name
	if dir, col, ok := l.Collections.Role(name, r.Collections); ok {
		r.Path, r.Collection = dir, col
		short := name
		if s, ok := strings.CutPrefix(name, col+"."); ok {
			short = s
		}
		r.FQCN = col + "." + short
		r.Name = short
		r.Collections = append([]string{col}, without(r.Collections, col)...) // for its dependencies
		return nil
	}
	var search []string
	if len(r.Collections) > 0 || len(r.Parents) > 0 {
		search = append(search, r.Collections...)
		if len(r.Parents) > 0 && len(r.Collections) == 0 {
			search = append(search, "ansible.legacy")
		}
	}
	named := len(search)
	search = append(search, filepath.Join(l.basedir(r.Play), "roles"))
	search = append(search, l.RolesPath...)
	if n := len(r.Parents); n > 0 {
		search = append(search, filepath.Dir(r.Parents[n-1].Path))
	} else if r.IncludeTask != nil && r.IncludeTask.Role != nil {
		search = append(search, filepath.Dir(r.IncludeTask.Role.Path))
	}
	search = append(search, l.basedir(r.Play))
	if !filepath.IsAbs(name) {
		for _, dir := range search[named:] {
			p := filepath.Join(dir, name)
			if st, err := os.Stat(p); err == nil && st.IsDir() {
				r.Path, r.FQCN = realDir(p), name
				return nil
			}
		}
	}
	path := expandHome(name)
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.basedir(r.Play), path)
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		r.Path, r.Name, r.FQCN = realDir(path), filepath.Base(path), filepath.Base(path)
		return nil
	}
	d := problem(diag.RoleNotFound, at, fmt.Sprintf("the role '%s' was not found in %s", name, strings.Join(search, ":")))
	d.Exit = diag.ExitError
	d.Summary = "no role " + name
	d.Detail = "searched in:\n  " + strings.Join(search[named:], "\n  ")
	point(d, token, len([]rune(name)), "")
	var candidates []string
	for _, dir := range search[named : len(search)-1] {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if e.IsDir() {
				candidates = append(candidates, e.Name())
			}
		}
	}
	return suggest(d, name, candidates)
}

// realDir is where a directory is: of a role that is a link, its target, as in role_path and all paths below it.
func realDir(p string) string {
	if real, err := filepath.EvalSymlinks(p); err == nil {
		return real
	}
	return p
}

func expandHome(p string) string {
	if home, err := os.UserHomeDir(); err == nil && (p == "~" || strings.HasPrefix(p, "~/")) {
		return home + p[1:]
	}
	return p
}

func without(list []string, s string) []string {
	out := make([]string, 0, len(list))
	for _, e := range list {
		if e != s {
			out = append(out, e)
		}
	}
	return out
}

// roleFile finds the file of a role's sub-directory: main, or the one that a *_from option names, with or without extension.
func (l *Loader) roleFile(r *Role, sub, from string) (path string, isDir bool, err error) {
	dir := filepath.Join(r.Path, sub)
	name := from
	if name == "" {
		name = "main"
	}
	for _, ext := range []string{"", ".yml", ".yaml", ".json"} {
		p := filepath.Join(dir, name+ext)
		if filepath.IsAbs(name) {
			p = name + ext
		}
		st, err := os.Stat(p)
		if err != nil {
			continue
		}
		if rel, err := filepath.Rel(dir, p); err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
			written := filepath.Join(r.Path, sub) + "/" + name + ext
			if filepath.IsAbs(name) {
				written = p
			}
			d := problem(diag.FileNotFound, source.Pos{}, fmt.Sprintf("Failed loading '%s' for role (%s) as it is not inside the expected role path: '%s'", written, r.GetName(), dir))
			if r.IncludeTask != nil {
				d.At(r.IncludeTask.Pos, 0, "")
			}
			return "", false, d
		}
		if !st.IsDir() {
			return p, false, nil
		}
		if ext == "" && (sub == "vars" || sub == "defaults") {
			return p, true, nil
		}
	}
	if from != "" {
		d := problem(diag.FileNotFound, source.Pos{}, fmt.Sprintf("Could not find specified file in role: %s/%s", sub, from))
		d.Fact("role", r.GetName(), source.Pos{File: r.Path}, "")
		if r.IncludeTask != nil {
			d.At(r.IncludeTask.Pos, 0, "")
		}
		return "", false, d
	}
	return "", false, nil
}

// roleVars reads vars/ or defaults/.
func (l *Loader) roleVars(r *Role, sub, from string) (*value.Dict, []string, error) {
	out := value.NewDict()
	path, isDir, err := l.roleFile(r, sub, from)
	if err != nil || path == "" {
		return out, nil, err
	}
	files := []string{path}
	if isDir {
		files = varsFiles(path)
	}
	for _, f := range files {
		root, err := l.Document(f)
		if err != nil {
			return nil, nil, err
		}
		if root.IsNull() {
			continue
		}
		if root.Kind != yamldoc.Mapping {
			d := problem(diag.VarsNotMapping, source.Pos{}, fmt.Sprintf("The %s/main.yml file for role '%s' must contain a dictionary of variables", sub, r.Name))
			return nil, nil, d.At(root.Pos, 0, "")
		}
		merge(out, root.Value().(*value.Dict))
	}
	return out, files, nil
}

// varsFiles lists the files of a directory of variables, in the order they are merged.
func varsFiles(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	var out []string
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") {
			continue
		}
		ext := filepath.Ext(name)
		if e.IsDir() {
			if ext == "" {
				out = append(out, varsFiles(filepath.Join(dir, name))...)
			}
			continue
		}
		switch ext {
		case "", ".yml", ".yaml", ".json":
			out = append(out, filepath.Join(dir, name))
		}
	}
	return out
}

// roleMeta reads meta/main.yml and meta/argument_specs.yml.
func (l *Loader) roleMeta(r *Role) error {
	path, _, err := l.roleFile(r, "meta", "")
	if err != nil {
		return err
	}
	if path != "" {
		root, err := l.Document(path)
		if err != nil {
			return err
		}
		r.Meta.Path = path
		if !root.IsNull() && root.Kind != yamldoc.Mapping {
			d := problem(diag.WrongKeywordType, source.Pos{}, fmt.Sprintf("the 'meta/main.yml' for role %s is not a dictionary", r.Name))
			return d.At(root.Pos, 0, "")
		}
		for _, e := range root.Entries() {
			if !metaKeywords[e.Name()] {
				return l.unknownKeyword(root, e.Key, "RoleMetadata", metaKeywords)
			}
			switch e.Name() {
			case "allow_duplicates":
				r.Meta.AllowDuplicates = truth(e.Value.Value())
			case "dependencies":
				r.Meta.Dependencies = e.Value
			case "collections":
				for _, c := range e.Value.Items {
					r.Meta.Collections = append(r.Meta.Collections, c.Text)
				}
			case "galaxy_info":
				r.Meta.GalaxyInfo = e.Value.Value()
			case "argument_specs":
				if err := r.setSpecs(e.Value); err != nil {
					return err
				}
			}
		}
	}
	for _, name := range []string{"argument_specs.yml", "argument_specs.yaml"} {
		p := filepath.Join(r.Path, "meta", name)
		if _, err := os.Stat(p); err != nil {
			continue
		}
		root, err := l.Document(p)
		if err != nil {
			return err
		}
		if specs := root.Get("argument_specs"); specs != nil {
			if err := r.setSpecs(specs); err != nil {
				return err
			}
		}
		break
	}
	r.AllowDuplicates = r.AllowDuplicates || r.Meta.AllowDuplicates
	return nil
}

// roleCollections is what the tasks of a role are searched in: nothing that a play says, but the role's own collection, or that of
// the playbook, and those of its meta/main.yml.
func (l *Loader) roleCollections(r *Role) []string {
	own, last := l.DefaultCollections, "ansible.legacy"
	if r.Collection != "" {
		own, last = []string{r.Collection}, "ansible.builtin"
	}
	list := slices.Clone(own)
	for _, c := range r.Meta.Collections {
		if !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return withBuiltin(list, last)
}

func (l *Loader) roleDependencies(r *Role) error {
	deps := r.Meta.Dependencies
	if deps.IsNull() {
		return nil
	}
	if deps.Kind != yamldoc.Sequence {
		d := problem(diag.WrongKeywordType, deps.Pos, "Expected role dependencies to be a list.")
		return d
	}
	chain := append(append([]*Role(nil), r.Parents...), r)
	for _, n := range deps.Items {
		dep, err := l.roleEntry(n, r.Play, chain, r.Collections)
		if err != nil {
			return err
		}
		r.Dependencies = append(r.Dependencies, dep)
	}
	return nil
}

// parentOf is what the role's blocks hang in: the include that brought the role.
func (r *Role) parentOf() Parent {
	if r.applied != nil {
		return r.applied
	}
	if r.IncludeTask == nil {
		return nil
	}
	return r.IncludeTask
}

// roleTasks reads tasks/ or handlers/.
func (l *Loader) roleTasks(r *Role, sub, from string) ([]*Block, error) {
	path, _, err := l.roleFile(r, sub, from)
	if err != nil {
		return nil, err
	}
	s := scope{play: r.Play, role: r, path: path, handlers: sub == "handlers", collections: r.Collections, parent: r.parentOf()}
	var blocks []*Block
	if path != "" {
		root, err := l.Document(path)
		if err != nil {
			return nil, err
		}
		if !root.IsNull() && root.Kind != yamldoc.Sequence && !(root.Kind == yamldoc.Scalar && root.Text == "") {
			d := problem(diag.MalformedBlock, root.Pos, fmt.Sprintf("The %s/main.yml file for role '%s' must contain a list of tasks. %s should be a list or None but is %s", sub, r.Name, shown(root), classOf(root)))
			return nil, d
		}
		if blocks, err = l.blocks(root, s); err != nil {
			return nil, err
		}
	}
	if sub == "tasks" {
		if t := r.validation(); t != nil {
			if len(blocks) == 0 || !blocks[0].Implicit {
				blocks = append([]*Block{{Implicit: true, Vars: emptyDict(), Parent: s.parent, Role: r, Play: r.Play, Path: path}}, blocks...)
			}
			t.Parent = blocks[0]
			blocks[0].Tasks = append([]Item{t}, blocks[0].Tasks...)
		}
	}
	return blocks, nil
}

// setSpecs takes the specifications of a role's entry points. Ansible breaks down on one that is no mapping.
func (r *Role) setSpecs(node *yamldoc.Node) error {
	d, ok := node.Value().(*value.Dict)
	if !ok && !node.IsNull() {
		return problem(diag.WrongKeywordType, node.Pos, "argument_specs is a mapping from entry points to their options")
	}
	r.Meta.ArgumentSpecs = d
	return nil
}

// validation is the implicit first task that checks the role's arguments, nil when the entry point has no spec
// (BEHAVIOUR §3.5). Its provided_arguments are left to the engine, which knows the variables.
func (r *Role) validation() *Task {
	if r.Meta.ArgumentSpecs == nil || r.skipValidation {
		return nil
	}
	entry := "main"
	if r.TasksFrom != "" {
		base := filepath.Base(r.TasksFrom)
		entry = strings.TrimSuffix(base, filepath.Ext(base))
	}
	v, ok := r.Meta.ArgumentSpecs.GetStr(entry)
	spec, isDict := v.(*value.Dict)
	if !ok || !isDict {
		return nil
	}
	name := "Validating arguments against arg spec '" + entry + "'"
	if short, ok := spec.GetStr("short_description"); ok {
		if s, ok := value.AsString(short); ok && s != "" {
			name += " - " + s
		}
	}
	options, ok := spec.GetStr("options")
	if !ok {
		options = value.NewDict()
	}
	t := &Task{
		Name: name, ActionAsWritten: "ansible.builtin.validate_argument_spec", Action: "ansible.builtin.validate_argument_spec",
		Path: r.Meta.Path, Vars: emptyDict(), Implicit: true, Role: r, Play: r.Play, Collections: r.Collections,
		Tags: []value.Value{value.Str("always")},
		Args: value.DictOf(
			"argument_spec", options,
			"provided_arguments", r.Params,
			"validate_args_context", value.DictOf(
				"type", value.Str("role"), "name", value.Str(r.Name), // without its collection
				"argument_spec_name", value.Str(entry), "path", value.Str(r.Path)),
		),
	}
	t.Resolved.FQCN, t.Resolved.Collection, t.Resolved.Name = t.Action, "ansible.builtin", "validate_argument_spec"
	return t
}

// Includers lists the roles whose include_role or import_role brought this one, the innermost first. A role that merely depends
// on this one is none of them.
func (r *Role) Includers() []*Role {
	var out []*Role
	for r != nil && r.IncludeTask != nil && r.IncludeTask.Role != nil {
		r = r.IncludeTask.Role
		out = append(out, r)
	}
	return out
}

// Compile lists the role's blocks, those of its dependencies first; every role ends with an implicit meta role_complete, by
// which the engine knows that it has run.
func (r *Role) Compile() []*Block {
	var out []*Block
	for _, d := range r.Dependencies {
		out = append(out, d.Compile()...)
	}
	out = append(out, r.Blocks...)
	end := r.Play.metaBlock("role_complete", r)
	end.Parent, end.alone = r.parentOf(), true
	return append(out, end)
}

// AllHandlers lists the handlers of the role, those of its dependencies first.
func (r *Role) AllHandlers() []*Block {
	var out []*Block
	for _, d := range r.Dependencies {
		out = append(out, d.AllHandlers()...)
	}
	return append(out, r.Handlers...)
}

// importRole replaces an import_role by the blocks of the role; its handlers go to the play.
func (l *Loader) importRole(t *Task, s scope) ([]*Block, error) {
	if s.depth > maxNesting {
		return nil, problem(diag.RoleRecursion, t.Pos, "maximum recursion depth exceeded: import_role imports itself")
	}
	t.Static = true
	r, err := l.includedRole(t, t, nil, l.staticVars(t))
	if err != nil {
		return nil, err
	}
	r.Static, r.Public = true, !l.PrivateRoles
	if p, ok := t.Args.GetStr("public"); ok {
		r.Public = truth(p)
	}
	if t.Play != nil {
		t.Play.Handlers = append(t.Play.Handlers, r.AllHandlers()...)
		t.Play.Imported = append(t.Play.Imported, r)
	}
	return r.Compile(), nil
}

// LoadRole reads the role of an include_role at run time. args are its rendered arguments, vars the rendered variables for this
// host and item (nil keeps the written ones). The caller adds the role's handlers to those of the play.
func (l *Loader) LoadRole(include *Task, args, vars *value.Dict) (*Include, error) {
	parent, err := l.applied(include, vars)
	if err != nil {
		return nil, err
	}
	r, err := l.includedRole(include, parent, args, l.staticVars(include))
	if err != nil {
		return nil, err
	}
	if args == nil {
		args = include.Args
	}
	r.Public = l.PublicIncludes
	if p, ok := args.GetStr("public"); ok {
		r.Public = truth(p)
	}
	return &Include{Blocks: r.Compile(), Role: r, Handlers: r.AllHandlers()}, nil
}

// includedRole reads the role of an include_role or import_role. parent is what its blocks hang in.
func (l *Loader) includedRole(t *Task, parent Parent, args *value.Dict, vars *value.Dict) (*Role, error) {
	if args == nil {
		args = t.Args
	}
	r := &Role{
		Pos: t.Pos, Play: t.Play, FromInclude: true, Params: value.NewDict(), VarsKw: value.NewDict(), Collections: t.Collections,
		AllowDuplicates: true,
	}
	// blocks hang in the include, or in the block of its `apply`
	holder := *t
	if c, ok := parent.(*Task); ok {
		r.IncludeTask = c
	} else {
		r.IncludeTask, r.applied = &holder, parent
	}
	text := func(key string) (string, error) {
		v, ok := args.GetStr(key)
		if !ok || v == value.None {
			return "", nil
		}
		return l.renderName(v, vars, t.Pos)
	}
	var err error
	if r.Name, err = text("name"); err != nil {
		return nil, err
	}
	for key, into := range map[string]*string{"tasks_from": &r.TasksFrom, "vars_from": &r.VarsFrom, "defaults_from": &r.DefaultsFrom, "handlers_from": &r.HandlersFrom} {
		if *into, err = text(key); err != nil {
			return nil, err
		}
	}
	if v, ok := args.GetStr("allow_duplicates"); ok {
		r.AllowDuplicates = truth(v)
	}
	if v, ok := args.GetStr("rolespec_validate"); ok {
		r.skipValidation = !truth(v)
	}
	at := t.Pos
	if n := t.ArgsNode.Get("name"); n != nil {
		at = n.Pos
	}
	return r, l.loadRole(r, at, at)
}
