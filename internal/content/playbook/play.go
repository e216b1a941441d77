package playbook

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// play reads one play of a playbook file.
// imported are the variables of the import_playbook around it, which names of static imports in the play may use.
func (l *Loader) play(n *yamldoc.Node, path string, imported *value.Dict) (*Play, error) {
	p := &Play{Path: path, Pos: n.Pos, Basedir: filepath.Dir(path)}
	var err error
	for _, e := range n.Pairs {
		key := e.Name()
		if key == "user" {
			if n.Pair("remote_user") != nil {
				return nil, problem(diag.UnknownKeyword, n.Pos, "both 'user' and 'remote_user' are set for this play. The use of 'user' is deprecated, and should be removed")
			}
			key = "remote_user"
		}
		if !playKeywords[key] {
			return nil, l.unknownKeyword(n, e.Key, "Play", playKeywords)
		}
		p.Attrs = append(p.Attrs, Attr{key, e.Value.Value(), e.Key.Pos, e.Value})
	}
	if err := l.hosts(p, n); err != nil {
		return nil, err
	}
	if p.Name, _, err = nameOf(p.Attrs, n); err != nil {
		return nil, err
	}
	if p.Vars, err = l.varsOf(p.Attrs, "Play"); err != nil {
		return nil, err
	}
	merge(p.Vars, imported)
	if a := p.Attrs.Find("vars"); a != nil {
		p.VarsNode = a.Node
	}
	if err := checkTags(p.Attrs); err != nil {
		return nil, err
	}
	if err := l.checkDefaults(p.Attrs); err != nil {
		return nil, err
	}
	p.VarsFiles = listOf(p.Attrs.Get("vars_files"))
	if p.VarsPrompt, err = prompts(p.Attrs.Find("vars_prompt")); err != nil {
		return nil, err
	}
	p.Collections = collectionsOf(p.Attrs, withBuiltin(slices.Clone(l.DefaultCollections), "ansible.legacy"))
	if p.Roles, err = l.roles(p); err != nil {
		return nil, err
	}
	for _, s := range []struct {
		keyword  string
		handlers bool
		into     *[]*Block
	}{{"handlers", true, &p.Handlers}, {"pre_tasks", false, &p.PreTasks}, {"tasks", false, &p.Tasks}, {"post_tasks", false, &p.PostTasks}} {
		a := p.Attrs.Find(s.keyword)
		if a == nil || a.Node.IsNull() {
			continue
		}
		if a.Node.Kind != yamldoc.Sequence {
			text := fmt.Sprintf("%s should be a list or None but is %s", shown(a.Node), classOf(a.Node))
			what := "A malformed block was encountered while loading " + s.keyword + ": "
			d := problem(diag.MalformedBlock, n.Pos, what+text+". "+text)
			if s.handlers {
				d = problem(diag.MalformedBlock, n.Pos, "A malformed block was encountered while loading handlers. "+text)
			}
			d.Summary = fmt.Sprintf("%s must be a list of tasks", s.keyword)
			return nil, point(d, a.Node.Pos, 0, "")
		}
		blocks, err := l.blocks(a.Node, scope{play: p, path: path, handlers: s.handlers})
		if err != nil {
			return nil, err
		}
		*s.into = append(blocks, *s.into...)
	}
	return p, nil
}

func (l *Loader) hosts(p *Play, n *yamldoc.Node) error {
	a := p.Attrs.Find("hosts")
	if a == nil {
		d := problem(diag.MissingHosts, source.Pos{}, "the field 'hosts' is required but was not set")
		return d.At(n.Pos, 0, "this play")
	}
	fail := func(text string) error {
		d := problem(diag.MissingHosts, source.Pos{}, text)
		return d.At(a.Key, len("hosts"), "")
	}
	p.HostsPos = a.Node.Pos
	switch v := a.Value.(type) {
	case *value.List:
		if len(v.Elems) == 0 {
			return fail("Hosts list cannot be empty. Please check your playbook")
		}
		for _, e := range v.Elems {
			if e == value.None {
				return fail("Hosts list cannot contain values of 'None'. Please check your playbook")
			}
			if _, ok := value.AsString(e); !ok {
				return fail("Hosts list contains an invalid host value: '" + shownValue(e) + "'")
			}
		}
		p.Hosts = v.Elems
	case value.NoneType:
		return fail("Hosts list cannot be empty. Please check your playbook")
	default:
		s, ok := value.AsString(v)
		switch {
		case ok && s == "":
			return fail("Hosts list cannot be empty. Please check your playbook")
		case !ok:
			return fail("Hosts list must be a sequence or string. Please check your playbook.")
		}
		p.Hosts = []value.Value{v}
	}
	return nil
}

func shownValue(v value.Value) string {
	s, _ := value.ToStr(v)
	return s
}

// nameOf is the `name` of an object, as text.
func nameOf(attrs Attrs, in *yamldoc.Node) (string, *yamldoc.Node, error) {
	a := attrs.Find("name")
	if a == nil || a.Node.IsNull() {
		return "", nil, nil
	}
	if a.Node.Kind != yamldoc.Scalar {
		d := problem(diag.WrongKeywordType, in.Pos, fmt.Sprintf("The field 'name' is supposed to be a string type, however the incoming data structure is a %s", classOf(a.Node)))
		return "", nil, point(d, a.Node.Pos, 0, "")
	}
	return shown(a.Node), a.Node, nil
}

// checkDefaults makes sure that the groups of module_defaults exist.
func (l *Loader) checkDefaults(attrs Attrs) error {
	a := attrs.Find("module_defaults")
	if a == nil {
		return nil
	}
	levels := []*yamldoc.Node{a.Node}
	if a.Node.Kind == yamldoc.Sequence {
		levels = a.Node.Items
	}
	for _, level := range levels {
		for _, e := range level.Entries() {
			name, isGroup := strings.CutPrefix(e.Name(), "group/")
			if !isGroup {
				continue
			}
			g, ok := l.Collections.ActionGroup(name)
			if !ok {
				d := problem(diag.UnknownModule, source.Pos{}, "Error loading module_defaults: could not resolve the module_defaults group "+g.Name)
				d.Exit, d.Summary = diag.ExitError, "no action group "+g.Name
				return point(d, e.Key.Pos, len(e.Name()), "")
			}
			if len(g.Problems) > 0 && !l.KeepInvalidGroups {
				for _, p := range g.Problems {
					l.warn(diag.WrongKeywordType, e.Key.Pos, "Invalid metadata was found for action_group "+g.Name+" while loading module_defaults. "+p)
				}
			}
		}
	}
	return nil
}

func checkTags(attrs Attrs) error {
	a := attrs.Find("tags")
	if a == nil || a.Node == nil {
		return nil
	}
	if _, ok := tagList(a.Node); ok {
		return nil
	}
	at := a.Node.Pos
	if a.Node.Kind == yamldoc.Scalar {
		at = source.Pos{} // Ansible points only at texts, lists and mappings
	}
	d := problem(diag.WrongKeywordType, at, "tags must be specified as a list")
	d.Exit = diag.ExitError
	return point(d, a.Node.Pos, 0, "")
}

func prompts(a *Attr) ([]VarsPrompt, error) {
	if a == nil || a.Node.IsNull() {
		return nil, nil
	}
	items := a.Node.Items
	if a.Node.Kind == yamldoc.Mapping {
		items = []*yamldoc.Node{a.Node}
	}
	var out []VarsPrompt
	for _, n := range items {
		p := VarsPrompt{Private: true, Pos: n.Pos}
		if n.Kind != yamldoc.Mapping {
			return nil, problem(diag.WrongKeywordType, a.Node.Pos, "Invalid vars_prompt data structure, expected dictionary or list of them, got "+classOf(n))
		}
		if n.Get("name") == nil {
			return nil, problem(diag.WrongKeywordType, a.Node.Pos, "Invalid vars_prompt data structure, missing 'name' key")
		}
		for _, e := range n.Pairs {
			v := e.Value.Value()
			switch e.Name() {
			case "name":
				p.Name = shown(e.Value)
			case "prompt":
				p.Prompt = v
			case "default":
				p.Default = v
			case "private":
				p.Private = truth(v)
			case "confirm":
				p.Confirm = truth(v)
			case "unsafe":
				p.Unsafe = truth(v)
			case "encrypt":
				p.Encrypt = shown(e.Value)
			case "salt":
				p.Salt = shown(e.Value)
			case "salt_size":
				if n, ok := v.(value.Int); ok {
					p.SaltSize = int(n)
				}
			default:
				d := problem(diag.UnknownKeyword, a.Node.Pos, fmt.Sprintf("Invalid vars_prompt data structure, found unsupported key '%s'", e.Name()))
				return nil, suggest(point(d, e.Key.Pos, len(e.Name()), ""), e.Name(), []string{"name", "prompt", "default", "private", "confirm", "encrypt", "salt", "salt_size", "unsafe"})
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// truth is Ansible's lenient boolean on literal values.
func truth(v value.Value) bool {
	switch v := v.(type) {
	case value.Bool:
		return bool(v)
	case value.Int:
		return v == 1
	case value.Str:
		switch v {
		case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "1", "true", "True", "TRUE", "t":
			return true
		}
	}
	return false
}

// withBuiltin ends a list of collections with the one that stands for all that has no other; no list at all means that, too.
func withBuiltin(list []string, last string) []string {
	if len(list) == 0 || slices.Contains(list, "ansible.builtin") || slices.Contains(list, "ansible.legacy") {
		return list
	}
	return append(list, last)
}

// collectionsOf is the `collections` keyword, or what is inherited.
func collectionsOf(attrs Attrs, inherited []string) []string {
	a := attrs.Find("collections")
	if a == nil {
		return inherited
	}
	var out []string
	for _, v := range listOf(a.Value) {
		if s, ok := value.AsString(v); ok {
			out = append(out, s)
		}
	}
	return withBuiltin(out, "ansible.legacy")
}

// Compile lists the blocks of the play in the order they run: pre_tasks, roles with their dependencies, tasks, post_tasks,
// and a flush of handlers after each of the three sections (BEHAVIOUR §3.1). Gathering facts is the engine's.
func (p *Play) Compile() []*Block {
	flush := func() *Block { return p.metaBlock("flush_handlers", nil) }
	var out []*Block
	out = append(out, p.PreTasks...)
	out = append(out, flush())
	for _, r := range p.Roles {
		out = append(out, r.Compile()...)
	}
	out = append(out, p.Tasks...)
	out = append(out, flush())
	out = append(out, p.PostTasks...)
	return append(out, flush())
}

// metaBlock is an implicit block with one meta task. Implicit tasks run whatever tags were selected.
func (p *Play) metaBlock(action string, r *Role) *Block {
	b := &Block{Implicit: true, Vars: value.NewDict(), Play: p, Role: r}
	t := &Task{
		ActionAsWritten: "meta", Action: "ansible.builtin.meta", Args: value.NewDict(), RawParams: value.Str(action), Vars: value.NewDict(),
		Implicit: true, Parent: b, Play: p, Role: r,
	}
	t.Args.SetStr("_raw_params", value.Str(action))
	if action == "role_complete" {
		t.When, t.Tags = []value.Value{value.True}, []value.Value{value.Str("always")}
	}
	b.Tasks = []Item{t}
	return b
}

// AllHandlers lists the blocks of handlers of the play's roles and then its own: the order they are defined in. Handlers of
// roles that include_role and import_role brought come last.
func (p *Play) AllHandlers() []*Block {
	var out []*Block
	for _, r := range p.Roles {
		out = append(out, r.AllHandlers()...)
	}
	return append(out, p.Handlers...)
}
