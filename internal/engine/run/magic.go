package run

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/content/vars"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
)

// magic are the variables that nothing overrides (surface/magic_vars.json, sample var_magic). Each is computed when it is asked for.
type magic struct {
	p     *play
	h     *host
	t     *playbook.Task
	scope *vars.Scope
}

type magicFunc func(m *magic) value.Value

// playMagicVars need no host; hostMagicVars do.
var playMagicVars map[string]magicFunc

func init() {
	// Assigned here because hostvars leads back to this table.
	playMagicVars = map[string]magicFunc{
		"playbook_dir":                 func(m *magic) value.Value { return value.Str(m.p.Basedir) },
		"ansible_play_name":            func(m *magic) value.Value { return value.Str(m.p.name) },
		"ansible_play_hosts_all":       func(m *magic) value.Value { return hostNames(m.p.targeted) },
		"ansible_play_hosts":           func(m *magic) value.Value { return hostNames(m.p.alive(m.p.targeted)) },
		"ansible_play_batch":           func(m *magic) value.Value { return m.p.batchNames() },
		"play_hosts":                   func(m *magic) value.Value { return m.p.batchNames() },
		"ansible_play_role_names":      func(m *magic) value.Value { return strList(m.p.roleNames()) },
		"ansible_dependent_role_names": func(m *magic) value.Value { return strList(m.p.dependentRoles()) },
		"ansible_role_names":           func(m *magic) value.Value { return strList(m.p.allRoles()) },
		"role_names":                   func(m *magic) value.Value { return strList(m.p.roleNames()) },
		"groups":                       func(m *magic) value.Value { return m.p.groups() },
		"hostvars":                     func(m *magic) value.Value { return m.p.hostVars() },
		"ansible_check_mode":           func(m *magic) value.Value { return value.Bool(m.p.Check) },
		"ansible_diff_mode":            func(m *magic) value.Value { return value.Bool(m.p.Diff) },
		"ansible_forks":                func(m *magic) value.Value { return value.Int(m.p.Forks) },
		"ansible_verbosity":            func(m *magic) value.Value { return value.Int(m.p.Verbosity) },
		"ansible_playbook_python":      func(*magic) value.Value { return value.Str(pythonPath()) },
		"ansible_config_file":          func(m *magic) value.Value { return orNoneText(m.p.Config.File) },
		"ansible_inventory_sources":    func(m *magic) value.Value { return strList(m.p.Inventory.Sources) },
		"ansible_run_tags":             func(m *magic) value.Value { return strList(m.p.Tags.Run) },
		"ansible_skip_tags":            func(m *magic) value.Value { return strList(m.p.Tags.Skip) },
		"omit":                         func(*magic) value.Value { return value.Str(template.OmitText) },
		"ansible_version": func(*magic) value.Value {
			return value.DictOf("string", value.Str(CoreVersion), "full", value.Str(CoreVersion), "major", value.Int(2), "minor", value.Int(18), "revision", value.Int(0))
		},
	}
}

// CoreVersion is the version of ansible-core whose behaviour is followed.
const CoreVersion = "2.18.0rc1"

var hostMagicVars = map[string]magicFunc{
	"inventory_hostname":       func(m *magic) value.Value { return value.Str(m.h.name) },
	"inventory_hostname_short": func(m *magic) value.Value { s, _, _ := strings.Cut(m.h.name, "."); return value.Str(s) },
	"inventory_file":           func(m *magic) value.Value { return orNoneText(m.h.inv.Source) },
	"inventory_dir":            func(m *magic) value.Value { return orNoneText(m.h.inv.Dir) },
	"group_names":              func(m *magic) value.Value { return strList(m.h.inv.GroupNames()) },
	"vars":                     func(m *magic) value.Value { return &template.RawVars{Vars: m.scope} },
	"ansible_search_path": func(m *magic) value.Value {
		dirs := m.p.searchPath(m.t)
		if !slices.Contains(dirs, m.p.Basedir) {
			dirs = append(dirs, m.p.Basedir)
		}
		return strList(dirs)
	},
	"environment": func(m *magic) value.Value {
		if m.t == nil {
			return value.NewList()
		}
		return value.NewList(m.t.Extended("environment")...)
	},
}

var roleMagicVars = map[string]magicFunc{
	"role_name": func(m *magic) value.Value { return value.Str(m.t.Role.Name) },
	"role_path": func(m *magic) value.Value { return value.Str(m.t.Role.Path) },
	"role_uuid": func(m *magic) value.Value { return value.Str(roleIdentity(m.t.Role)) },
	"ansible_role_name": func(m *magic) value.Value {
		return value.Str(m.t.Role.FQCN)
	},
	"ansible_collection_name": func(m *magic) value.Value {
		return orNoneText(m.t.Role.Collection)
	},
	"ansible_parent_role_names": func(m *magic) value.Value {
		var names []string
		for _, r := range m.t.Role.Includers() {
			names = append(names, r.FQCN)
		}
		if names == nil {
			return nil
		}
		return strList(names)
	},
	"ansible_parent_role_paths": func(m *magic) value.Value {
		var paths []string
		for _, r := range m.t.Role.Includers() {
			paths = append(paths, r.Path)
		}
		if paths == nil {
			return nil
		}
		return strList(paths)
	},
}

func (m *magic) lookup(name string) (value.Value, bool) {
	f := playMagicVars[name]
	if f == nil && m.h != nil {
		f = hostMagicVars[name]
	}
	if f == nil && m.t != nil && m.t.Role != nil {
		f = roleMagicVars[name]
	}
	if f == nil {
		if name == "ansible_limit" && len(m.p.Limit) > 0 {
			return value.Str(strings.Join(m.p.Limit, ",")), true
		}
		return nil, false
	}
	v := f(m)
	return v, v != nil
}

func (m *magic) layer(name string) vars.Layer {
	return vars.Layer{Name: name, Lookup: m.lookup, Names: func() []string {
		var names []string
		for _, table := range []map[string]magicFunc{playMagicVars, hostMagicVars, roleMagicVars} {
			for n := range table {
				if _, ok := m.lookup(n); ok {
					names = append(names, n)
				}
			}
		}
		slices.Sort(names)
		return names
	}}
}

func (p *play) playMagic() vars.Layer { return (&magic{p: p}).layer("magic variables") }

func (p *play) hostMagic(h *host, t *playbook.Task, s *vars.Scope) vars.Layer {
	return (&magic{p: p, h: h, t: t, scope: s}).layer("magic variables")
}

func strList(names []string) *value.List {
	l := &value.List{Elems: make([]value.Value, len(names))}
	for i, n := range names {
		l.Elems[i] = value.Str(n)
	}
	return l
}

func orNoneText(s string) value.Value {
	if s == "" {
		return value.None
	}
	return value.Str(s)
}

func hostNames(hosts []*host) *value.List {
	l := &value.List{Elems: make([]value.Value, len(hosts))}
	for i, h := range hosts {
		l.Elems[i] = value.Str(h.name)
	}
	return l
}

func (p *play) alive(hosts []*host) []*host {
	return slices.DeleteFunc(slices.Clone(hosts), func(h *host) bool { return h.failed.Load() || h.unreachable.Load() })
}

func (p *play) batchNames() *value.List {
	l := value.NewList()
	for _, h := range p.batch {
		if !h.host.failed.Load() && !h.host.unreachable.Load() {
			l.Elems = append(l.Elems, value.Str(h.name))
		}
	}
	return l
}

// roles are the roles of the play: listed, imported, and included so far.
func (p *play) roles() []*playbook.Role {
	p.scopeMu.Lock()
	defer p.scopeMu.Unlock()
	return slices.Concat(p.Play.Roles, p.Play.Imported, p.loaded)
}

func (p *play) roleNames() []string {
	var names []string
	for _, r := range p.roles() {
		if !slices.Contains(names, r.Name) {
			names = append(names, r.Name)
		}
	}
	return names
}

func (p *play) dependentRoles() []string {
	var names []string
	var walk func(r *playbook.Role)
	walk = func(r *playbook.Role) {
		for _, d := range r.Dependencies {
			if !slices.Contains(names, d.Name) {
				names = append(names, d.Name)
			}
			walk(d)
		}
	}
	for _, r := range p.roles() {
		walk(r)
	}
	return names
}

// allRoles are the names of all roles of the play and of those that they depend on.
func (p *play) allRoles() []string {
	names := p.dependentRoles()
	for _, n := range p.roleNames() {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// groups is the variable groups, made anew when the inventory changed.
func (r *Run) groups() *value.Dict {
	r.groupsMu.Lock()
	defer r.groupsMu.Unlock()
	if r.groupsDict == nil {
		d := value.NewDict()
		for _, g := range r.Inventory.Groups() {
			names := value.NewList()
			for _, h := range g.AllHosts() {
				names.Elems = append(names.Elems, value.Str(h.Name))
			}
			d.SetStr(g.Name, names)
		}
		r.groupsDict = d
	}
	return r.groupsDict
}

// inventoryChanged drops what was computed from the inventory.
func (r *Run) inventoryChanged() {
	r.groupsMu.Lock()
	r.groupsDict = nil
	r.groupsMu.Unlock()
	r.Vars.Forget()
}

// hostVars is the variable hostvars.
func (p *play) hostVars() *template.HostVars {
	return &template.HostVars{
		Engine: p.Templates,
		VarsOf: func(name string) template.Vars {
			inv := p.Inventory.Host(name)
			if inv == nil {
				if name != "localhost" && name != "127.0.0.1" && name != "::1" {
					return nil
				}
				inv = p.Inventory.Localhost("")
			}
			return p.hostScope(p.host(inv))
		},
		Hosts: func() []string {
			names := make([]string, 0, len(p.Inventory.Hosts()))
			for _, h := range p.Inventory.Hosts() {
				names = append(names, h.Name)
			}
			return names
		},
	}
}

// pythonPath is a Python of the controller, for content that asks for ansible_playbook_python.
func pythonPath() string {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		p := filepath.Join(dir, "python3")
		if st, err := os.Stat(p); err == nil && !st.IsDir() {
			return p
		}
	}
	return "/usr/bin/python3"
}

// hostMagicNames are the magic variables that hostvars shows: those that belong to no play.
var hostMagicNames = map[string]bool{
	"inventory_hostname": true, "inventory_hostname_short": true, "inventory_file": true, "inventory_dir": true, "group_names": true,
	"playbook_dir": true, "ansible_playbook_python": true, "ansible_config_file": true, "groups": true, "ansible_version": true,
	"ansible_check_mode": true, "ansible_diff_mode": true, "ansible_forks": true, "ansible_inventory_sources": true,
	"omit": true, "ansible_skip_tags": true, "ansible_run_tags": true, "ansible_verbosity": true,
}

// hostScope are a host's variables as hostvars shows them: what belongs to the host whatever play is running, without the
// variables of plays and roles and without those that would lead back to all hosts (test/oracle/testdata/plays/hostvars).
func (p *play) hostScope(h *host) *vars.Scope {
	magic := (&magic{p: p, h: h}).layer("magic variables")
	lookup, names := magic.Lookup, magic.Names
	magic.Lookup = func(name string) (value.Value, bool) {
		if !hostMagicNames[name] {
			return nil, false
		}
		return lookup(name)
	}
	magic.Names = func() []string {
		return slices.DeleteFunc(names(), func(n string) bool { return !hostMagicNames[n] })
	}
	s := &vars.Scope{Merge: p.merges(), Layers: []vars.Layer{magic}}
	if p.ExtraVars != nil && p.ExtraVars.Len() > 0 {
		s.Layers = append(s.Layers, vars.Layer{Name: "extra vars", Vars: p.ExtraVars})
	}
	s.Layers = append(s.Layers, h.setLayer(), h.loadedLayer())
	return p.inventoryLayers(s, h)
}

// inventoryLayers adds the facts of a host and what the inventory says of it.
func (p *play) inventoryLayers(s *vars.Scope, h *host) *vars.Scope {
	s.Layers = append(s.Layers, p.factsLayer(h))
	if inv, err := p.Run.Vars.Host(h.inv, p.Basedir); err == nil {
		s.Layers = append(s.Layers, inv.Host, inv.Groups)
	} else {
		p.fileErr = err
	}
	return s
}
