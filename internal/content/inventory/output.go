package inventory

import (
	"sort"
	"strings"

	"github.com/troupe-automation/troupe/value"
)

// Output builds what ansible-inventory prints (BEHAVIOUR §2.6). Callers encode it: JSON with sorted keys and an indent of 4, YAML
// with sorted keys.
type Output struct {
	Inventory *Inventory
	Hosts     []*Host // the hosts to show: all, or those of --limit
	// HostVars gives the variables of a host: merged with those of its groups, or its own with Export.
	HostVars func(*Host) (*value.Dict, error)
	// GroupVars gives the variables of a group; only asked with Export, and for graphs with variables.
	GroupVars func(*Group) (*value.Dict, error)
	Export    bool
}

// internal are variables that ansible-inventory leaves out.
var internal = func() map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields("ansible_async_path ansible_collection_name ansible_config_file ansible_dependent_role_names ansible_diff_mode " +
		"ansible_facts ansible_forks ansible_inventory_sources ansible_limit ansible_play_batch ansible_play_hosts ansible_play_hosts_all " +
		"ansible_play_role_names ansible_playbook_python ansible_role_name ansible_role_names ansible_run_tags ansible_skip_tags ansible_verbosity " +
		"ansible_version group_names groups hostvars inventory_dir inventory_file inventory_hostname inventory_hostname_short omit play_hosts " +
		"playbook_dir role_name role_names role_path role_uuid") {
		m[n] = true
	}
	return m
}()

func (o *Output) hostVars(h *Host) (*value.Dict, error) {
	vars, err := o.HostVars(h)
	if err != nil {
		return nil, err
	}
	return shownVars(vars), nil
}

func (o *Output) groupVars(g *Group) (*value.Dict, error) {
	if o.GroupVars == nil {
		return value.NewDict(), nil
	}
	vars, err := o.GroupVars(g)
	if err != nil {
		return nil, err
	}
	vars = shownVars(vars)
	if g.Priority != 1 {
		vars.SetStr("ansible_group_priority", value.Int(g.Priority))
	}
	return vars, nil
}

func shownVars(vars *value.Dict) *value.Dict {
	out := value.NewDict()
	for k, v := range vars.All() {
		if s, _ := value.AsString(k); !internal[s] {
			_ = out.Set(k, v)
		}
	}
	return out
}

func (o *Output) available() map[*Host]bool {
	in := make(map[*Host]bool, len(o.Hosts))
	for _, h := range o.Hosts {
		in[h] = true
	}
	return in
}

// Host is `--host`: the variables of one host.
func (o *Output) Host(h *Host) (*value.Dict, error) { return o.hostVars(h) }

// List is `--list`: groups with hosts and children, and the variables of all hosts under _meta.
func (o *Output) List() (*value.Dict, error) {
	in := o.available()
	out, hostvars := value.NewDict(), value.NewDict()
	seen := map[*Group]bool{}
	var walk func(g *Group) error
	walk = func(g *Group) error {
		entry := value.NewDict()
		out.SetStr(g.Name, entry)
		if g.Name != "all" {
			hosts := value.NewList()
			for _, h := range g.Hosts {
				if in[h] {
					hosts.Elems = append(hosts.Elems, value.Str(h.Name))
				}
			}
			if len(hosts.Elems) > 0 {
				entry.SetStr("hosts", hosts)
			}
		}
		children := value.NewList()
		for _, c := range g.Children {
			children.Elems = append(children.Elems, value.Str(c.Name))
			if !seen[c] {
				seen[c] = true
				if err := walk(c); err != nil {
					return err
				}
			}
		}
		if len(children.Elems) > 0 {
			entry.SetStr("children", children)
		}
		if o.Export {
			vars, err := o.groupVars(g)
			if err != nil {
				return err
			}
			if vars.Len() > 0 {
				entry.SetStr("vars", vars)
			}
		}
		if entry.Len() == 0 {
			out.DeleteStr(g.Name)
		}
		return nil
	}
	if err := walk(o.Inventory.groups["all"]); err != nil {
		return nil, err
	}
	for _, h := range o.Hosts {
		vars, err := o.hostVars(h)
		if err != nil {
			return nil, err
		}
		if vars.Len() > 0 {
			hostvars.SetStr(h.Name, vars)
		}
	}
	out.SetStr("_meta", value.DictOf("hostvars", hostvars))
	return out, nil
}

// Tree is `--list --yaml`: groups nested in groups, every host with its variables where it comes first.
func (o *Output) Tree() (*value.Dict, error) {
	in := o.available()
	seenGroups, seenHosts := map[*Group]bool{}, map[*Host]bool{}
	var walk func(g *Group) (*value.Dict, error)
	walk = func(g *Group) (*value.Dict, error) {
		entry, children, hosts := value.NewDict(), value.NewDict(), value.NewDict()
		for _, c := range g.Children {
			if seenGroups[c] {
				children.SetStr(c.Name, value.NewDict())
				continue
			}
			sub, err := walk(c)
			if err != nil {
				return nil, err
			}
			if sub.Len() > 0 {
				children.SetStr(c.Name, sub)
			}
			seenGroups[c] = true
		}
		if g.Name != "all" {
			for _, h := range g.Hosts {
				if !in[h] {
					continue
				}
				vars := value.NewDict()
				if !seenHosts[h] {
					seenHosts[h] = true
					var err error
					if vars, err = o.hostVars(h); err != nil {
						return nil, err
					}
				}
				hosts.SetStr(h.Name, vars)
			}
		}
		if children.Len() > 0 {
			entry.SetStr("children", children)
		}
		if hosts.Len() > 0 {
			entry.SetStr("hosts", hosts)
		}
		if o.Export {
			vars, err := o.groupVars(g)
			if err != nil {
				return nil, err
			}
			if vars.Len() > 0 {
				entry.SetStr("vars", vars)
			}
		}
		return entry, nil
	}
	all, err := walk(o.Inventory.groups["all"])
	if err != nil {
		return nil, err
	}
	out := value.NewDict()
	if all.Len() > 0 {
		out.SetStr("all", all)
	}
	return out, nil
}

// Graph is `--graph`: a drawing of a group, with variables when vars is set; it shows hosts outside --limit too. It ends without a newline.
func (o *Output) Graph(g *Group, vars bool) (string, error) {
	var lines []string
	line := func(depth int, text string) {
		if depth > 0 {
			text = strings.Repeat("  |", depth) + "--" + text
		}
		lines = append(lines, text)
	}
	draw := func(d *value.Dict, depth int) error {
		var names []string
		texts := map[string]string{}
		for k, v := range d.All() {
			s, err := value.ToStr(k)
			if err != nil {
				return err
			}
			if texts[s], err = value.ToStr(v); err != nil {
				return err
			}
			names = append(names, s)
		}
		sort.Strings(names)
		for _, n := range names {
			line(depth, "{"+n+" = "+texts[n]+"}")
		}
		return nil
	}
	var walk func(g *Group, depth int) error
	walk = func(g *Group, depth int) error {
		line(depth, "@"+g.Name+":")
		depth++
		for _, c := range g.Children {
			if err := walk(c, depth); err != nil {
				return err
			}
		}
		if g.Name != "all" {
			for _, h := range g.Hosts {
				line(depth, h.Name)
				if vars {
					d, err := o.hostVars(h)
					if err != nil {
						return err
					}
					if err := draw(d, depth+1); err != nil {
						return err
					}
				}
			}
		}
		if !vars {
			return nil
		}
		d, err := o.groupVars(g)
		if err != nil {
			return err
		}
		return draw(d, depth)
	}
	err := walk(g, 0)
	return strings.Join(lines, "\n"), err
}

// Sections is `--list --toml`: groups side by side, each with the names of its children, its hosts with their variables, and
// with Export its own variables. A host has its variables in the first group that lists it.
func (o *Output) Sections() (*value.Dict, error) {
	in := o.available()
	out := value.NewDict()
	seenHosts, seenGroups := map[*Host]bool{}, map[*Group]bool{}
	var walk func(g *Group) error
	walk = func(g *Group) error {
		entry, below, hosts := value.NewDict(), value.NewList(), value.NewDict()
		top := g.Name == "all"
		if !top {
			out.SetStr(g.Name, entry)
		}
		for _, c := range g.Children {
			if c.Name == "ungrouped" && len(c.Hosts) == 0 {
				continue
			}
			below.Elems = append(below.Elems, value.Str(c.Name))
			if !seenGroups[c] {
				seenGroups[c] = true
				if err := walk(c); err != nil {
					return err
				}
			}
		}
		if !top {
			if len(below.Elems) > 0 {
				entry.SetStr("children", below)
			}
			for _, h := range g.Hosts {
				if !in[h] {
					continue
				}
				vars := value.NewDict()
				if !seenHosts[h] {
					seenHosts[h] = true
					var err error
					if vars, err = o.hostVars(h); err != nil {
						return err
					}
				}
				hosts.SetStr(h.Name, vars)
			}
			if hosts.Len() > 0 {
				entry.SetStr("hosts", hosts)
			}
		}
		if o.Export {
			vars, err := o.groupVars(g)
			if err != nil {
				return err
			}
			if vars.Len() > 0 {
				entry.SetStr("vars", vars)
			}
		}
		switch {
		case top && entry.Len() > 0:
			out.SetStr(g.Name, entry)
		case !top && entry.Len() == 0:
			out.DeleteStr(g.Name)
		}
		return nil
	}
	if err := walk(o.Inventory.groups["all"]); err != nil {
		return nil, err
	}
	return out, nil
}
