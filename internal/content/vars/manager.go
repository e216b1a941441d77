package vars

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/troupe-automation/troupe/internal/content/inventory"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// Manager gives the variables that hosts have from inventories and from the files beside inventories and playbooks
// (layers 3 to 11 of BEHAVIOUR §1.1). Every file is read once. Safe for concurrent use.
type Manager struct {
	Inventory *inventory.Inventory
	Files     *Files
	// Precedence is the setting VARIABLE_PRECEDENCE: the order of group layers, weakest first; nil is Ansible's.
	Precedence []string
	// Merge is hash_behaviour=merge.
	Merge bool
	// Plugins gives the variables that vars plugins have for a host or group below a directory; nil: there are none.
	Plugins func(dir string, host bool, name string) ([]Layer, error)
	// Changing reports whether what Plugins gives may differ from task to task; nil: it does not.
	Changing func() bool

	mu       sync.Mutex
	entities map[string][]Layer // of files
	plugged  map[string][]Layer // of plugins
	hosts    map[hostKey]*HostVars
	groups   map[string]*value.Dict
}

type hostKey struct {
	host *inventory.Host
	dir  string
}

// HostVars are the layers of one host below its facts, the strongest first: host_vars, then group variables.
type HostVars struct{ Host, Groups Layer }

var defaultPrecedence = []string{
	"all_inventory", "groups_inventory", "all_plugins_inventory", "all_plugins_play", "groups_plugins_inventory", "groups_plugins_play",
}

// Forget drops what was computed for hosts, after the inventory changed.
func (m *Manager) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hosts, m.groups = nil, nil
}

// NextTask has plugins asked anew, as Ansible asks them for each task.
func (m *Manager) NextTask() {
	if m.Changing == nil || !m.Changing() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hosts, m.groups, m.plugged = nil, nil, nil
}

// Host returns the layers of a host for plays of the playbook directory ("" for none).
func (m *Manager) Host(h *inventory.Host, playbookDir string) (*HostVars, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := hostKey{h, playbookDir}
	if v, ok := m.hosts[key]; ok {
		return v, nil
	}
	groups, err := m.groupVars(h, playbookDir)
	if err != nil {
		return nil, err
	}
	host := h.Vars
	for _, dir := range m.dirs(playbookDir) {
		layers, err := m.entity(dir, "host_vars", h.Name)
		if err != nil {
			return nil, err
		}
		for _, l := range layers {
			host = m.over(host, l.Vars)
		}
	}
	v := &HostVars{Host: Layer{Name: "host " + h.Name, Vars: host}, Groups: Layer{Name: "groups of " + h.Name, Vars: groups}}
	v.Host.Kind = func(name string) template.TextKind {
		if h.Added(name) {
			return template.UnsafeText
		}
		return kindAt(h.Origin(name))
	}
	ordered := m.ordered(h)
	v.Groups.Kind = func(name string) template.TextKind {
		for _, g := range slices.Backward(ordered) {
			if _, ok := g.Vars.GetStr(name); ok {
				return kindAt(g.Origin(name))
			}
		}
		return template.YAMLText
	}
	if m.hosts == nil {
		m.hosts = map[hostKey]*HostVars{}
	}
	m.hosts[key] = v
	return v, nil
}

// kindAt is the kind of a text of an inventory that was written at a place: those in INI are no YAML.
func kindAt(at source.Pos) template.TextKind {
	if ext := filepath.Ext(at.File); at.File == "" || ext == ".yml" || ext == ".yaml" {
		return template.YAMLText
	}
	return template.PlainText
}

func (m *Manager) over(a, b *value.Dict) *value.Dict {
	if m.Merge {
		return Merge(a, b)
	}
	return Over(a, b)
}

// dirs are the directories whose host_vars and group_vars count: those of the inventory sources, then the playbook's.
func (m *Manager) dirs(playbookDir string) []string {
	dirs := m.inventoryDirs()
	if playbookDir != "" {
		dirs = append(dirs, playbookDir)
	}
	return dirs
}

// inventoryDirs are the directories of the inventory's sources: the one a file lies in, the working directory for lists.
func (m *Manager) inventoryDirs() []string {
	var dirs []string
	for _, src := range m.Inventory.Sources {
		dir := filepath.Dir(src)
		if inventory.IsList(src) {
			dir, _ = os.Getwd()
		} else if st, err := os.Stat(src); err == nil && st.IsDir() {
			dir = src
		}
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func (m *Manager) entity(dir, kind, name string) ([]Layer, error) {
	key := dir + "\x00" + kind + "\x00" + name
	l, ok := m.entities[key]
	if !ok {
		var err error
		if l, err = m.Files.Entity(dir, kind, name); err != nil {
			return nil, err
		}
		if m.entities == nil {
			m.entities = map[string][]Layer{}
		}
		m.entities[key] = l
	}
	if m.Plugins == nil {
		return l, nil
	}
	more, ok := m.plugged[key]
	if !ok {
		var err error
		if more, err = m.Plugins(dir, kind == "host_vars", name); err != nil {
			return nil, err
		}
		if m.plugged == nil {
			m.plugged = map[string][]Layer{}
		}
		m.plugged[key] = more
	}
	return append(l[:len(l):len(l)], more...), nil
}

// groupVars merges the variables of the host's groups. Hosts with the same groups share the result.
func (m *Manager) groupVars(h *inventory.Host, playbookDir string) (*value.Dict, error) {
	groups := m.ordered(h)
	var key strings.Builder
	key.WriteString(playbookDir)
	for _, g := range groups {
		key.WriteString("\x00" + g.Name)
	}
	if d, ok := m.groups[key.String()]; ok {
		return d, nil
	}
	order := m.Precedence
	if len(order) == 0 {
		order = defaultPrecedence
	}
	out := value.NewDict()
	all := m.Inventory.Group("all")
	inv := m.inventoryDirs()
	var play []string
	if playbookDir != "" {
		play = []string{playbookDir}
	}
	files := func(dirs []string, names ...string) error {
		for _, name := range names {
			for _, dir := range dirs {
				layers, err := m.entity(dir, "group_vars", name)
				if err != nil {
					return err
				}
				for _, l := range layers {
					out = m.over(out, l.Vars)
				}
			}
		}
		return nil
	}
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.Name
	}
	for _, step := range order {
		var err error
		switch step {
		case "all_inventory":
			if all != nil {
				out = m.over(out, all.Vars)
			}
		case "groups_inventory":
			for _, g := range groups {
				out = m.over(out, g.Vars)
			}
		case "all_plugins_inventory":
			err = files(inv, "all")
		case "all_plugins_play":
			err = files(play, "all")
		case "groups_plugins_inventory":
			err = files(inv, names...)
		case "groups_plugins_play":
			err = files(play, names...)
		}
		if err != nil {
			return nil, err
		}
	}
	if m.groups == nil {
		m.groups = map[string]*value.Dict{}
	}
	m.groups[key.String()] = out
	return out, nil
}

// ordered are the host's groups but all, weakest first.
func (m *Manager) ordered(h *inventory.Host) []*inventory.Group {
	return slices.DeleteFunc(h.Groups(), func(g *inventory.Group) bool { return g.Name == "all" })
}
