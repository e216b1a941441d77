package pyhost

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/inventory"
	"github.com/troupe-automation/troupe/internal/content/vars"
	"github.com/troupe-automation/troupe/value"
)

// VarsPlugins are the vars plugins of a project, host_group_vars aside.
type VarsPlugins struct {
	host   *Host
	files  []string // of which they were loaded
	count  int
	live   bool // one is asked for each task
	loaded bool
}

// VarsPlugins returns the vars plugins that a project has; they are loaded when variables are first asked for.
func (h *Host) VarsPlugins() *VarsPlugins { return &VarsPlugins{host: h} }

func (p *VarsPlugins) load() error {
	files := p.host.Search.Files("vars")
	if p.loaded && slices.Equal(files, p.files) {
		return nil
	}
	candidates := value.NewList()
	for _, f := range files {
		if slices.Contains(p.files, f) {
			continue
		}
		name := strings.TrimSuffix(f[strings.LastIndexByte(f, '/')+1:], ".py")
		candidates.Elems = append(candidates.Elems, (&Plugin{Name: name, Path: f}).value())
	}
	enabled := value.NewList()
	for _, e := range p.host.Config.List("VARIABLE_PLUGINS_ENABLED") {
		enabled.Elems = append(enabled.Elems, value.Str(e))
		if strings.Count(e, ".") >= 2 && !strings.HasPrefix(e, "ansible.") && !p.loaded {
			c, err := p.host.Search.Find("vars", e, nil)
			if err != nil {
				return err
			}
			if c != nil {
				candidates.Elems = append(candidates.Elems, c.value())
			}
		}
	}
	p.files, p.loaded = files, true
	if len(candidates.Elems) == 0 {
		return nil
	}
	v, err := p.host.Call(context.Background(), RunSide, "vars_load", value.DictOf(
		"candidates", candidates, "enabled", enabled, "once", value.Bool(p.host.Config.Str("RUN_VARS_PLUGINS") == "start")), nil, false)
	if err != nil {
		return err
	}
	if d, ok := v.(*value.Dict); ok {
		n, _ := d.GetStr("count")
		count, _ := n.(value.Int)
		live, _ := d.GetStr("live")
		p.count, p.live = int(count), live == value.True
	}
	return nil
}

// Changing reports whether some plugin is asked for each task: those that RUN_VARS_PLUGINS or their option stage does not bind to
// the inventory.
func (p *VarsPlugins) Changing() bool { return p.live }

// Layers gives the variables of a host or group below a directory: what vars.Manager.Plugins wants.
func (p *VarsPlugins) Layers(dir string, host bool, name string) ([]vars.Layer, error) {
	if err := p.load(); err != nil || p.count == 0 {
		return nil, err
	}
	v, err := p.host.Call(context.Background(), RunSide, "vars", value.DictOf("path", value.Str(dir), "name", value.Str(name), "host", value.Bool(host)), nil, true)
	if err != nil {
		return nil, err
	}
	d, _ := v.(*value.Dict)
	if d == nil || d.Len() == 0 {
		return nil, nil
	}
	return []vars.Layer{{Name: "vars plugins for " + name, Vars: d}}, nil
}

// Inventories runs inventory plugins. It implements inventory.External.
type Inventories struct {
	host  *Host
	extra func() *value.Dict // extra variables
}

// Inventories returns the inventory plugins of a project.
func (h *Host) Inventories(extra func() *value.Dict) *Inventories { return &Inventories{h, extra} }

func (i *Inventories) scope() *Scope {
	return &Scope{Ask: func(op string, _ *value.Dict) (value.Value, bool, error) {
		if op != "extra_vars" {
			return nil, false, nil
		}
		if d := i.extra(); d != nil {
			return d, true, nil
		}
		return value.NewDict(), true, nil
	}}
}

// Has implements inventory.External.
func (i *Inventories) Has(name string) bool {
	p, err := i.host.Search.Find("inventory", name, nil)
	return p != nil && err == nil
}

func (i *Inventories) plugin(name string) (*Plugin, error) {
	p, err := i.host.Search.Find("inventory", name, nil)
	if err == nil && p == nil {
		err = fmt.Errorf("there is no inventory plugin %s", name)
	}
	return p, err
}

// Verify implements inventory.External.
func (i *Inventories) Verify(ctx context.Context, name, source string) (bool, error) {
	p, err := i.plugin(name)
	if err != nil {
		return false, err
	}
	v, err := i.host.Call(ctx, RunSide, "inventory_verify", value.DictOf("plugin", p.value(), "asked", value.Str(name), "source", value.Str(source)), i.scope(), false)
	return v == value.True, err
}

// Parse implements inventory.External.
func (i *Inventories) Parse(ctx context.Context, inv *inventory.Inventory, name, source string, cache bool) error {
	p, err := i.plugin(name)
	if err != nil {
		return err
	}
	groups, hosts := value.NewList(), value.NewList()
	for _, g := range inv.Groups() {
		groups.Elems = append(groups.Elems, value.DictOf("name", value.Str(g.Name), "vars", g.Vars, "children", groupNames(g.Children), "hosts", ownHosts(g)))
	}
	for _, h := range inv.Hosts() {
		hosts.Elems = append(hosts.Elems, value.DictOf("name", value.Str(h.Name), "vars", h.Vars))
	}
	v, err := i.host.Call(ctx, RunSide, "inventory", value.DictOf("plugin", p.value(), "asked", value.Str(name), "source", value.Str(source), "groups", groups, "hosts", hosts, "cache", value.Bool(cache)), i.scope(), true)
	if err != nil {
		return err
	}
	ops, _ := v.(*value.List)
	if ops == nil {
		return nil
	}
	for _, o := range ops.Elems {
		if d, ok := o.(*value.Dict); ok {
			if err := apply(inv, d); err != nil {
				return err
			}
		}
	}
	return nil
}

func groupNames(groups []*inventory.Group) *value.List {
	l := value.NewList()
	for _, g := range groups {
		l.Elems = append(l.Elems, value.Str(g.Name))
	}
	return l
}

func ownHosts(g *inventory.Group) *value.List {
	l := value.NewList()
	for _, h := range g.Hosts {
		l.Elems = append(l.Elems, value.Str(h.Name))
	}
	return l
}

// apply does to the inventory what a plugin did to its copy.
func apply(inv *inventory.Inventory, d *value.Dict) error {
	text := func(name string) string { v, _ := d.GetStr(name); return plain(v) }
	switch text("op") {
	case "group":
		inv.AddGroup(text("name"))
	case "host":
		_, err := inv.AddHost(text("name"), "", int(number(d, "port")))
		return err
	case "child":
		return inv.AddChild(text("group"), text("child"))
	case "set":
		v, _ := d.GetStr("value")
		if g := inv.Group(text("entity")); g != nil {
			return g.SetVar(text("key"), v, noPos)
		}
		if h := inv.Host(text("entity")); h != nil {
			h.SetVar(text("key"), v, noPos)
		}
	}
	return nil
}

// FactCache is a cache plugin that keeps facts.
type FactCache struct {
	host   *Host
	plugin *Plugin
}

// FactCache opens the cache plugin of that name; nil when there is none.
func (h *Host) FactCache(name string) (*FactCache, error) {
	p, err := h.Search.Find("cache", name, nil)
	if err != nil || p == nil {
		return nil, err
	}
	c := &FactCache{h, p}
	_, err = c.call("open", "", nil)
	return c, err
}

func (c *FactCache) call(op, key string, v value.Value) (value.Value, error) {
	args := value.DictOf("plugin", c.plugin.value(), "op", value.Str(op), "key", value.Str(key))
	if v != nil {
		args.SetStr("value", v)
	}
	return c.host.Call(context.Background(), RunSide, "cache", args, &Scope{Lane: 2}, false)
}

// Get returns the facts of a host.
func (c *FactCache) Get(host string) (*value.Dict, bool) {
	v, err := c.call("get", host, nil)
	if err != nil {
		c.host.Output.Warning("error in fact cache for " + host + ": " + err.Error())
		return nil, false
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return nil, false
	}
	facts, _ := d.GetStr("v")
	f, ok := facts.(*value.Dict)
	return f, ok
}

// Set keeps the facts of a host.
func (c *FactCache) Set(host string, facts *value.Dict) error {
	_, err := c.call("set", host, facts)
	return err
}

// Clear forgets a host.
func (c *FactCache) Clear(host string) error {
	_, err := c.call("delete", host, nil)
	return err
}
