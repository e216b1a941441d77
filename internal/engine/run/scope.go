package run

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/inventory"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/content/vars"
	"github.com/troupe-automation/troupe/internal/engine/task"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
)

// templarFor is a Templar with the variables of a host for a task.
func (p *play) templarFor(h *hostRun, t *playbook.Task) *template.Templar {
	tpl := p.Templates.New(p.scope(h.host, t))
	tpl.SearchPath, tpl.Basedir = p.searchPath(t), p.Basedir
	return tpl
}

// job describes a task on a host for the task runner.
func (p *play) job(h *hostRun, t *playbook.Task, info *event.Task) task.Job {
	return task.Job{
		Task: t, Info: info, Host: h.name, Vars: p.scope(h.host, t), SearchPath: p.searchPath(t), Basedir: p.Basedir,
		DelegateVars: func(name string) template.Vars { return p.delegateScope(h.name, name, t) },
	}
}

// delegateScope are the variables of the host that a task of another host is delegated to. It has an address in any case, and
// inventory_hostname stays the host that delegates, in its variables, too: that is Ansible's rule.
func (p *play) delegateScope(from, to string, t *playbook.Task) *vars.Scope {
	s := p.scope(p.delegate(to), t)
	s.Layers = slices.Insert(s.Layers, 0, vars.Layer{Name: "delegation", Vars: value.DictOf("inventory_hostname", value.Str(from))})
	s.Layers = append(s.Layers, vars.Layer{Name: "delegation", Vars: value.DictOf("ansible_host", value.Str(to))})
	return s
}

// delegate returns a host by name; one that the inventory does not know is reached by its name.
func (p *play) delegate(name string) *host {
	if h := p.Inventory.Host(name); h != nil {
		return p.host(h)
	}
	if name == "localhost" || name == "127.0.0.1" || name == "::1" {
		return p.host(p.Inventory.Localhost(""))
	}
	inv := &inventory.Host{Name: name, Vars: value.NewDict()}
	return &host{name: name, inv: inv, facts: value.NewDict(), set: value.NewDict(), setKind: map[string]template.TextKind{}, loaded: value.NewDict()}
}

// playScope are the variables that exist without a host: for the keywords of the play.
func (p *play) playScope() *vars.Scope {
	return &vars.Scope{Merge: p.merges(), Layers: []vars.Layer{
		p.playMagic(), {Name: "extra vars", Vars: p.ExtraVars}, {Name: "vars_prompt", Vars: p.prompts, Data: true}, {Name: "play vars", Vars: p.Play.Vars},
	}}
}

// handlerScope are the variables for the name of a handler: those of the play and of its role, none of a host.
func (p *play) handlerScope(h *playbook.Task) *vars.Scope {
	s := p.playScope()
	add := func(name string, d *value.Dict) {
		if d != nil && d.Len() > 0 {
			s.Layers = append(s.Layers, vars.Layer{Name: name, Vars: d})
		}
	}
	for _, l := range slices.Backward(h.VarLayers()) {
		add(l.Name, l.Vars)
	}
	for r := range roleChain(h.Role) {
		add("role params of "+r.Name, r.Params)
	}
	own, ownDefaults, public, publicDefaults := p.roleLayers(h.Role)
	add("vars of role", own)
	add("vars of roles", public)
	add("defaults of role", ownDefaults)
	add("defaults of roles", publicDefaults)
	return s
}

func (p *play) merges() bool { return p.Config.Str("DEFAULT_HASH_BEHAVIOUR") == "merge" }

// scope are the variables of a host for a task, by the ladder of BEHAVIOUR §1.1, the strongest layer first. t may be nil.
func (p *play) scope(h *host, t *playbook.Task) *vars.Scope {
	s := &vars.Scope{Merge: p.merges(), Layers: make([]vars.Layer, 0, 20)}
	add := func(name string, d *value.Dict) {
		if d != nil && d.Len() > 0 {
			s.Layers = append(s.Layers, vars.Layer{Name: name, Vars: d})
		}
	}
	s.Layers = append(s.Layers, p.hostMagic(h, t, s))
	add("extra vars", p.ExtraVars)
	var role *playbook.Role
	if t != nil {
		role = t.Role
		for _, l := range slices.Backward(t.IncludeParams()) {
			add(l.Name, l.Vars)
		}
		for r := range roleChain(role) {
			add("role params of "+r.Name, r.Params)
		}
	}
	s.Layers = append(s.Layers, h.setLayer(), h.loadedLayer())
	if t != nil {
		for _, l := range slices.Backward(t.VarLayers()) {
			add(l.Name, l.Vars)
		}
	}
	own, ownDefaults, public, publicDefaults := p.roleLayers(role)
	if role != nil {
		add("vars of role "+role.Name, own)
	}
	add("vars of roles", public)
	p.varsFiles(h, s, add)
	if p.prompts.Len() > 0 {
		s.Layers = append(s.Layers, vars.Layer{Name: "vars_prompt", Vars: p.prompts, Data: true})
	}
	add("play vars", p.Play.Vars)
	p.inventoryLayers(s, h)
	if role != nil {
		add("defaults of role "+role.Name, ownDefaults)
	}
	add("defaults of roles", publicDefaults)
	return s
}

// roleChain yields a role and the roles around it, the innermost first: those that depend on it, and those that include it.
func roleChain(r *playbook.Role) func(func(*playbook.Role) bool) {
	return func(yield func(*playbook.Role) bool) {
		for r != nil {
			if !yield(r) {
				return
			}
			for _, parent := range slices.Backward(r.Parents) {
				if !yield(parent) {
					return
				}
			}
			if r.IncludeTask == nil {
				return
			}
			r = r.IncludeTask.Role
		}
	}
}

// rolesAround are the roles around a role, the outermost first.
func rolesAround(r *playbook.Role) []*playbook.Role {
	chain := slices.Collect(roleChain(r))[1:]
	slices.Reverse(chain)
	return chain
}

// roleVars are vars/main of the roles around, of the dependencies, and of the role itself, which wins.
func (p *play) roleVars(r *playbook.Role) *value.Dict {
	if d, ok := p.roleVarsOf[r]; ok {
		return d
	}
	out := value.NewDict()
	for _, parent := range rolesAround(r) {
		out = vars.Over(vars.Over(out, parent.Vars), orEmpty(parent.VarsKw))
	}
	for _, dep := range r.Dependencies {
		out = vars.Over(out, p.roleVars(dep))
	}
	out = vars.Over(vars.Over(out, r.Vars), orEmpty(r.VarsKw))
	p.roleVarsOf[r] = out
	return out
}

func orEmpty(d *value.Dict) *value.Dict {
	if d == nil {
		return value.NewDict()
	}
	return d
}

// roleDefaults are the defaults of the dependencies, of the roles around, and of the role itself, which wins.
func (p *play) roleDefaults(r *playbook.Role) *value.Dict {
	if d, ok := p.roleDefaultsOf[r]; ok {
		return d
	}
	out := value.NewDict()
	for _, dep := range r.Dependencies {
		out = vars.Over(out, p.roleDefaults(dep))
	}
	for _, parent := range rolesAround(r) {
		out = vars.Over(out, parent.Defaults)
	}
	out = vars.Over(out, r.Defaults)
	p.roleDefaultsOf[r] = out
	return out
}

// roleLayers are the variables of the task's own role and what the roles of the play show to the whole play.
func (p *play) roleLayers(role *playbook.Role) (own, ownDefaults, public, publicDefaults *value.Dict) {
	p.scopeMu.Lock()
	defer p.scopeMu.Unlock()
	if role != nil {
		own, ownDefaults = p.roleVars(role), p.roleDefaults(role)
	}
	p.joinRoles()
	return own, ownDefaults, p.rolesVars, p.rolesDefaults
}

// publicRoles are the roles whose variables the whole play sees.
func (p *play) publicRoles() []*playbook.Role {
	var roles []*playbook.Role
	if !p.Config.Bool("DEFAULT_PRIVATE_ROLE_VARS") {
		roles = slices.Clone(p.Play.Roles)
	}
	for _, r := range p.Play.Imported {
		if r.Public {
			roles = append(roles, r)
		}
	}
	return append(roles, p.included...)
}

func (p *play) joinRoles() {
	roles := p.publicRoles()
	if p.rolesVars != nil && p.rolesJoined == len(roles) {
		return
	}
	p.rolesVars, p.rolesDefaults, p.rolesJoined = value.NewDict(), value.NewDict(), len(roles)
	for _, r := range roles {
		p.rolesVars = vars.Over(p.rolesVars, exportedVars(r))
		p.rolesDefaults = vars.Over(p.rolesDefaults, p.roleDefaults(r))
	}
}

// exportedVars are the variables that a role shows to the whole play: vars/main of its dependencies and its own. What `vars` of
// its entry says stays inside.
func exportedVars(r *playbook.Role) *value.Dict {
	out := value.NewDict()
	for _, dep := range r.Dependencies {
		out = vars.Over(out, exportedVars(dep))
	}
	return vars.Over(out, r.Vars)
}

// varsFiles adds the files of vars_files, the last one strongest; names may use the host's variables.
func (p *play) varsFiles(h *host, s *vars.Scope, add func(string, *value.Dict)) {
	if len(p.Play.VarsFiles) == 0 {
		return
	}
	lower := &vars.Scope{Layers: append([]vars.Layer{p.hostMagic(h, nil, s), {Name: "extra vars", Vars: p.ExtraVars}, h.setLayer(), {Name: "play vars", Vars: p.Play.Vars}}, p.factsLayer(h))}
	if inv, err := p.Run.Vars.Host(h.inv, p.Basedir); err == nil {
		lower.Layers = append(lower.Layers, inv.Host, inv.Groups)
	}
	t := p.Templates.New(lower)
	for _, entry := range slices.Backward(p.Play.VarsFiles) {
		choices := []value.Value{entry}
		if l, ok := entry.(*value.List); ok {
			choices = l.Elems
		}
		for _, c := range choices {
			name, err := t.String(c)
			if err != nil {
				continue // a name that cannot be rendered yet names no file (BEHAVIOUR §1.1)
			}
			d, path, err := p.varsFile(name)
			if err != nil {
				p.fileErr = err
				return
			}
			if d != nil {
				add(path, d)
				break
			}
		}
	}
}

// varsFile loads one file of vars_files; nil when there is none of that name.
func (p *play) varsFile(name string) (*value.Dict, string, error) {
	for _, path := range []string{filepath.Join(p.Basedir, "vars", name), filepath.Join(p.Basedir, name)} {
		if filepath.IsAbs(name) {
			path = name
		}
		p.filesMu.Lock()
		d, known := p.files[path]
		p.filesMu.Unlock()
		if known {
			return d, path, nil
		}
		if st, err := os.Stat(path); err != nil || st.IsDir() {
			continue
		}
		d, err := p.Run.Vars.Files.LoadList(path)
		if err != nil {
			return nil, path, err
		}
		p.filesMu.Lock()
		p.files[path] = d
		p.filesMu.Unlock()
		return d, path, nil
	}
	return nil, "", nil
}

func (h *host) setLayer() vars.Layer {
	return vars.Layer{
		Name: "set_fact and register",
		Lookup: func(name string) (value.Value, bool) {
			h.mu.RLock()
			defer h.mu.RUnlock()
			return h.set.GetStr(name)
		},
		IsData: func(name string) bool {
			h.mu.RLock()
			defer h.mu.RUnlock()
			k := h.setKind[name]
			return k == template.UnsafeText || k == template.UnsafeNativeText || k == template.DataText
		},
		Kind: func(name string) template.TextKind {
			h.mu.RLock()
			defer h.mu.RUnlock()
			return h.setKind[name]
		},
		Names: func() []string {
			h.mu.RLock()
			defer h.mu.RUnlock()
			return keys(h.set)
		},
	}
}

func (h *host) loadedLayer() vars.Layer {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return vars.Layer{Name: "include_vars", Vars: h.loaded}
}

func keys(d *value.Dict) []string {
	names := make([]string, 0, d.Len())
	for k := range d.All() {
		s, _ := value.AsString(k)
		names = append(names, s)
	}
	return names
}

// factsLayer is ansible_facts and, unless that is switched off, the facts as variables of their own.
func (p *play) factsLayer(h *host) vars.Layer {
	h.mu.RLock()
	defer h.mu.RUnlock()
	facts, spaced := h.facts, h.namespaced()
	inject := p.Config.Bool("INJECT_FACTS_AS_VARS")
	return vars.Layer{
		Name: "facts", Data: true,
		Lookup: func(name string) (value.Value, bool) {
			if name == "ansible_facts" {
				return spaced, true
			}
			if !inject || connectionFact(name) {
				return nil, false
			}
			return facts.GetStr(name)
		},
		Names: func() []string {
			if !inject {
				return []string{"ansible_facts"}
			}
			return append(slices.DeleteFunc(keys(facts), connectionFact), "ansible_facts")
		},
	}
}

// connectionFact names facts that must not become variables, because they would decide how hosts are reached.
func connectionFact(name string) bool {
	switch name {
	case "ansible_facts", "ansible_connection", "ansible_host", "ansible_port", "ansible_user", "ansible_password", "ansible_shell_executable", "ansible_rsync_path":
		return true
	}
	return strings.HasPrefix(name, "ansible_become") || strings.HasPrefix(name, "ansible_ssh_") && !strings.HasPrefix(name, "ansible_ssh_host_key") ||
		strings.HasPrefix(name, "discovered_interpreter_") || strings.HasSuffix(name, "_interpreter")
}

// namespaced is ansible_facts: the facts without their prefix. The caller holds the lock.
func (h *host) namespaced() *value.Dict {
	if h.spaced != nil && h.spacedOf == h.facts {
		return h.spaced
	}
	out := value.NewDict()
	for k, v := range h.facts.All() {
		name, _ := value.AsString(k)
		if short, ok := strings.CutPrefix(name, "ansible_"); ok && name != "ansible_local" {
			name = short
		}
		out.SetStr(name, v)
	}
	h.spaced, h.spacedOf = out, h.facts
	return out
}

// searchPath are the directories that relative files of a task are searched in: its role and the roles that depend on it,
// the files it is included from, the play.
func (p *play) searchPath(t *playbook.Task) []string {
	var dirs []string
	add := func(d string) {
		if d != "" && !slices.Contains(dirs, d) {
			dirs = append(dirs, d)
		}
	}
	if t == nil {
		return []string{p.Basedir}
	}
	for r := range roleChain(t.Role) {
		add(r.Path)
		add(filepath.Join(r.Path, "tasks"))
	}
	for inc := range t.Including() {
		add(filepath.Dir(inc.Path))
	}
	return dirs
}
