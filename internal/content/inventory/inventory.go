// Package inventory is the hosts and groups of a run: it reads the sources, answers patterns, and takes the hosts and
// groups that tasks add. It knows nothing of playbooks.
package inventory

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// Host is one managed host.
type Host struct {
	Name     string
	Vars     *value.Dict // set by inventory sources and add_host; never nil
	Implicit bool        // localhost that no source names
	Source   string      // the source that named it first: a file, or the text of a host list
	Dir      string      // directory of Source; "" for host lists

	groups []*Group // direct groups, in order
	origin map[string]source.Pos
	added  map[string]bool                        // variables that tasks of the run gave
	merge  func(old, new *value.Dict) *value.Dict // Options.Merge
}

// Group is a named set of hosts and groups.
type Group struct {
	Name     string
	Vars     *value.Dict // never nil
	Hosts    []*Host     // direct members in order
	Children []*Group
	Parents  []*Group
	Depth    int // longest way from `all`
	Priority int // ansible_group_priority, default 1

	members map[*Host]bool
	origin  map[string]source.Pos
	merge   func(old, new *value.Dict) *value.Dict // Options.Merge
}

// Inventory holds all hosts and groups. Reading is safe for concurrent use while nobody changes it; the engine makes
// changes (AddHost, AddGroup, AddChild, SetHostVar) between tasks only.
type Inventory struct {
	Sources  []string // as given, paths absolute
	Warnings []string // for stderr, Ansible's texts, each once
	Notes    []string // for -vvv
	Parsed   bool     // some source could be read

	hosts  map[string]*Host
	order  []*Host
	groups map[string]*Group
	gorder []*Group

	localhost *Host // the first host that is called localhost, ::1 or 127.0.0.1
	source    string
	dir       string       // of source, "" for a list of hosts
	joined    []membership // what tasks added, for Refresh
	warned    map[string]bool
	invalid   NameRule
	merge     func(old, new *value.Dict) *value.Dict // Options.Merge
}

// membership is a host, or a group, that a task put into a group.
type membership struct{ group, host, child string }

// NameRule says what happens to group names that are no identifiers (setting TRANSFORM_INVALID_GROUP_CHARS).
type NameRule string

const (
	NamesNever    NameRule = "never"    // keep, warn
	NamesIgnore   NameRule = "ignore"   // keep, say nothing
	NamesAlways   NameRule = "always"   // replace, warn
	NamesSilently NameRule = "silently" // replace, say nothing
)

// New returns an inventory with the groups `all` and `ungrouped`.
func New() *Inventory {
	inv := &Inventory{
		hosts: map[string]*Host{}, groups: map[string]*Group{}, warned: map[string]bool{}, invalid: NamesNever,
	}
	all, ungrouped := inv.group("all"), inv.group("ungrouped")
	_ = all.adopt(ungrouped)
	return inv
}

func (inv *Inventory) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !inv.warned[text] {
		inv.warned[text] = true
		inv.Warnings = append(inv.Warnings, text)
	}
}

// Host returns a host by name; "localhost" and its addresses find the implicit localhost when no source names one
// and Localhost made it. It returns nil for unknown names.
func (inv *Inventory) Host(name string) *Host {
	if h, ok := inv.hosts[name]; ok {
		return h
	}
	return nil
}

// Localhost returns the host that stands for this machine: the one an inventory source names, else an implicit one
// that is no member of `all` and has ansible_connection=local (BEHAVIOUR §2.1).
func (inv *Inventory) Localhost(python string) *Host {
	if inv.localhost != nil {
		return inv.localhost
	}
	return inv.implicitLocalhost("localhost", python)
}

func (inv *Inventory) implicitLocalhost(name, python string) *Host {
	if python == "" {
		python = "{{ ansible_playbook_python }}"
	}
	h := &Host{Name: name, Vars: value.NewDict(), Implicit: true}
	var interp value.Value = value.Str(python)
	if strings.Contains(python, "{{") {
		interp = value.NewTemplate(python, source.Pos{})
	}
	h.Vars.SetStr("ansible_python_interpreter", interp)
	h.Vars.SetStr("ansible_connection", value.Str("local"))
	for k, v := range inv.groups["all"].Vars.All() {
		if _, ok, _ := h.Vars.Get(k); !ok {
			_ = h.Vars.Set(k, v)
		}
	}
	inv.localhost = h
	return h
}

// Group returns a group by name, or nil.
func (inv *Inventory) Group(name string) *Group { return inv.groups[name] }

// Groups lists all groups in the order they were first named: `all` and `ungrouped` first.
func (inv *Inventory) Groups() []*Group { return inv.gorder }

// Hosts lists all hosts in the order they were first named. For the order of a run see Match.
func (inv *Inventory) Hosts() []*Host { return inv.order }

// group returns the group, made when it is new. The name is taken as it is.
func (inv *Inventory) group(name string) *Group {
	if g, ok := inv.groups[name]; ok {
		return g
	}
	g := &Group{Name: name, Vars: value.NewDict(), Priority: 1, merge: inv.merge, members: map[*Host]bool{}}
	inv.groups[name] = g
	inv.gorder = append(inv.gorder, g)
	return g
}

// AddGroup makes sure a group exists and returns its name, which differs from the given one when the name rule replaces characters.
func (inv *Inventory) AddGroup(name string) string {
	name = inv.SafeName(name)
	inv.group(name)
	return name
}

// Identifier is a group name with everything that no variable name may have replaced by "_".
func Identifier(name string) string {
	safe := strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127 && isWord(r) {
			return r
		}
		return '_'
	}, name)
	if name != "" && name[0] >= '0' && name[0] <= '9' {
		safe = "_" + safe[1:]
	}
	return safe
}

// SafeName applies the name rule to a group name.
func (inv *Inventory) SafeName(name string) string {
	safe := Identifier(name)
	if safe == name {
		return name
	}
	switch inv.invalid {
	case NamesAlways:
		inv.warn("Invalid characters were found in group names and automatically replaced, use -vvvv to see details")
		return safe
	case NamesSilently:
		return safe
	case NamesNever:
		inv.warn("Invalid characters were found in group names but not replaced, use -vvvv to see details")
	}
	return name
}

// AddHost makes sure a host exists and is in the group (none when ""). port is set as ansible_port for a new host (0: none).
func (inv *Inventory) AddHost(name, group string, port int) (*Host, error) {
	h, ok := inv.hosts[name]
	if !ok {
		h = &Host{Name: name, Vars: value.NewDict(), Source: inv.source, Dir: inv.dir, merge: inv.merge, origin: map[string]source.Pos{}}
		if port != 0 {
			h.Vars.SetStr("ansible_port", value.Int(port))
		}
		inv.hosts[name] = h
		inv.order = append(inv.order, h)
		if isLocalhost(name) {
			if inv.localhost == nil || inv.localhost.Implicit {
				inv.localhost = h
			} else {
				inv.warn("A duplicate localhost-like entry was found (%s). First found localhost was %s", name, inv.localhost.Name)
			}
		}
	}
	if group != "" {
		g := inv.groups[group]
		if g == nil {
			return nil, fmt.Errorf("Could not find group %s in inventory", group)
		}
		g.add(h)
		if inv.source == "" {
			inv.joined = append(inv.joined, membership{group: group, host: name})
		}
	}
	return h, nil
}

func isLocalhost(name string) bool {
	return name == "localhost" || name == "127.0.0.1" || name == "::1"
}

// AddChild puts a group, or else a host, of that name into the group.
func (inv *Inventory) AddChild(group, child string) error {
	g := inv.groups[group]
	if g == nil {
		return fmt.Errorf("%s is not a known group", group)
	}
	if c := inv.groups[child]; c != nil {
		if inv.source == "" {
			inv.joined = append(inv.joined, membership{group: group, child: child})
		}
		return g.adopt(c)
	}
	if h := inv.hosts[child]; h != nil {
		g.add(h)
		return nil
	}
	return fmt.Errorf("%s is not a known host nor group", child)
}

// add puts a host into the group and reports whether it is new there.
func (g *Group) add(h *Host) bool {
	if g.members[h] {
		return false
	}
	g.members[h] = true
	g.Hosts = append(g.Hosts, h)
	h.groups = append(h.groups, g)
	return true
}

func (g *Group) remove(h *Host) {
	if !g.members[h] {
		return
	}
	delete(g.members, h)
	for i, m := range g.Hosts {
		if m == h {
			g.Hosts = append(g.Hosts[:i:i], g.Hosts[i+1:]...)
			break
		}
	}
	for i, m := range h.groups {
		if m == g {
			h.groups = append(h.groups[:i:i], h.groups[i+1:]...)
			break
		}
	}
}

// adopt makes child a direct child of g.
func (g *Group) adopt(child *Group) error {
	if g == child {
		return fmt.Errorf("can't add group to itself")
	}
	for _, c := range g.Children {
		if c == child {
			return nil
		}
	}
	for _, a := range g.Ancestors() {
		if a == child {
			return &diag.Diagnostic{
				Code:    diag.GroupLoop,
				Summary: fmt.Sprintf("group %s cannot be a child of %s: it is one of its parents", child.Name, g.Name),
				Classic: fmt.Sprintf("Adding group '%s' as child to '%s' creates a recursive dependency loop.", child.Name, g.Name),
			}
		}
	}
	g.Children = append(g.Children, child)
	child.Parents = append(child.Parents, g)
	child.deepen(g.Depth + 1)
	return nil
}

func (g *Group) deepen(depth int) {
	if depth <= g.Depth {
		return
	}
	g.Depth = depth
	for _, c := range g.Children {
		c.deepen(depth + 1)
	}
}

// Ancestors lists all groups above g, each once.
func (g *Group) Ancestors() []*Group {
	var out []*Group
	seen := map[*Group]bool{}
	level := g.Parents
	for len(level) > 0 {
		var next []*Group
		for _, p := range level {
			if !seen[p] {
				seen[p] = true
				out = append(out, p)
				next = append(next, p.Parents...)
			}
		}
		level = next
	}
	return out
}

// AllHosts lists the hosts of g and of all groups below it, each once: breadth first, in inventory order.
func (g *Group) AllHosts() []*Host {
	var out []*Host
	seen := map[*Host]bool{}
	done := map[*Group]bool{g: true}
	for level := []*Group{g}; len(level) > 0; {
		var next []*Group
		for _, l := range level {
			for _, h := range l.Hosts {
				if !seen[h] {
					seen[h] = true
					out = append(out, h)
				}
			}
			for _, c := range l.Children {
				if !done[c] {
					done[c] = true
					next = append(next, c)
				}
			}
		}
		level = next
	}
	return out
}

// Groups lists the groups of h and their ancestors, `all` included, sorted as their variables are merged: by depth,
// priority and name (BEHAVIOUR §1.2).
func (h *Host) Groups() []*Group {
	seen := map[*Group]bool{}
	var out []*Group
	for _, g := range h.groups {
		if !seen[g] {
			seen[g] = true
			out = append(out, g)
		}
		for _, a := range g.Ancestors() {
			if !seen[a] {
				seen[a] = true
				out = append(out, a)
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.Depth != b.Depth {
			return a.Depth < b.Depth
		}
		if a.Priority != b.Priority {
			return a.Priority < b.Priority
		}
		return a.Name < b.Name
	})
	return out
}

// GroupNames is the group_names variable: sorted, without `all` and `ungrouped`.
func (h *Host) GroupNames() []string {
	var names []string
	for _, g := range h.Groups() {
		if g.Name != "all" {
			names = append(names, g.Name)
		}
	}
	sort.Strings(names)
	return names
}

// Origin is where a variable of the host was written, the zero Pos when that is not known.
func (h *Host) Origin(name string) source.Pos { return h.origin[name] }

// Origin is where a variable of the group was written, the zero Pos when that is not known.
func (g *Group) Origin(name string) source.Pos { return g.origin[name] }

// SetVar sets a variable of the host. Two mappings are not merged; the new one counts.
func (h *Host) SetVar(name string, v value.Value, at source.Pos) {
	h.Vars.SetStr(name, joined(h.merge, h.Vars, name, v))
	if at.IsValid() {
		if h.origin == nil {
			h.origin = map[string]source.Pos{}
		}
		h.origin[name] = at
	}
}

// AddVar sets a variable that a task of the run gives.
func (h *Host) AddVar(name string, v value.Value) {
	h.SetVar(name, v, source.Pos{})
	if h.added == nil {
		h.added = map[string]bool{}
	}
	h.added[name] = true
}

// Added reports whether a task of the run gave the variable.
func (h *Host) Added(name string) bool { return h.added[name] }

// joined is the value of a variable that is set: over a mapping that is there, when mappings are merged.
func joined(merge func(old, new *value.Dict) *value.Dict, vars *value.Dict, name string, v value.Value) value.Value {
	d, ok := v.(*value.Dict)
	if !ok || merge == nil {
		return v
	}
	old, _ := vars.GetStr(name)
	if had, ok := old.(*value.Dict); ok {
		return merge(had, d)
	}
	return v
}

// SetVar sets a variable of the group; ansible_group_priority sets Priority instead.
func (g *Group) SetVar(name string, v value.Value, at source.Pos) error {
	if name == "ansible_group_priority" {
		switch p := v.(type) {
		case value.Int:
			g.Priority = int(p)
		case value.Str:
			n, err := strconv.Atoi(strings.TrimSpace(string(p)))
			if err != nil {
				return fmt.Errorf("invalid literal for int() with base 10: '%s'", string(p))
			}
			g.Priority = n
		default:
			return fmt.Errorf("invalid group priority of type %s", v.TypeName())
		}
		return nil
	}
	g.Vars.SetStr(name, joined(g.merge, g.Vars, name, v))
	if at.IsValid() {
		if g.origin == nil {
			g.origin = map[string]source.Pos{}
		}
		g.origin[name] = at
	}
	return nil
}

// Reconcile hangs groups without parents under `all`, keeps `ungrouped` to the hosts that are in no other group, and warns of
// names that are both host and group. Call it after adding hosts or groups.
func (inv *Inventory) Reconcile() error {
	for _, g := range inv.gorder {
		if g.Name != "all" && len(g.Parents) == 0 {
			if err := inv.groups["all"].adopt(g); err != nil {
				return err
			}
		}
	}
	all, ungrouped := inv.groups["all"], inv.groups["ungrouped"]
	for _, h := range inv.order {
		others := false
		for _, g := range h.groups {
			if g != all && g != ungrouped {
				others = true
				break
			}
		}
		switch {
		case others:
			ungrouped.remove(h)
		case !h.Implicit:
			ungrouped.add(h)
		}
	}
	var both []string
	for name := range inv.groups {
		if inv.hosts[name] != nil {
			both = append(both, name)
		}
	}
	sort.Strings(both)
	for _, name := range both {
		inv.warn("Found both group and host with same name: %s", name)
	}
	return nil
}
