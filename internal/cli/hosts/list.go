package hosts

import (
	"slices"

	"github.com/troupe-automation/troupe/internal/content/inventory"
	"github.com/troupe-automation/troupe/value"
)

// list is everything, in the form an inventory script has.
func (o *out) list() (string, error) {
	if o.s.Values.Bool("yaml") {
		d, err := o.nested()
		if err != nil {
			return "", err
		}
		return o.yaml(d)
	}
	doc := value.NewDict()
	if err := o.groups(doc, o.p.Inventory.Group("all"), map[string]bool{}); err != nil {
		return "", err
	}
	meta := value.NewDict()
	for _, h := range o.p.Inventory.Hosts() {
		if !o.shown(h) {
			continue
		}
		d, err := o.hostVars(h)
		if err != nil {
			return "", err
		}
		if d.Len() > 0 {
			meta.SetStr(h.Name, d)
		}
	}
	doc.SetStr("_meta", value.DictOf("hostvars", meta))
	return o.dump(doc)
}

// groups adds a group and those below it.
func (o *out) groups(doc *value.Dict, g *inventory.Group, seen map[string]bool) error {
	entry := value.NewDict()
	if g.Name != "all" {
		hosts := value.NewList()
		for _, h := range g.Hosts {
			if o.shown(h) {
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
		if !seen[c.Name] {
			seen[c.Name] = true
			if err := o.groups(doc, c, seen); err != nil {
				return err
			}
		}
	}
	if len(children.Elems) > 0 {
		entry.SetStr("children", children)
	}
	if o.export && g.Vars.Len() > 0 {
		entry.SetStr("vars", g.Vars)
	}
	if entry.Len() > 0 {
		doc.SetStr(g.Name, entry)
	}
	return nil
}

// nested is everything in the form of a YAML inventory; a host's variables stand where it comes first.
func (o *out) nested() (*value.Dict, error) {
	all := o.p.Inventory.Group("all")
	d, err := o.nest(all, map[string]bool{})
	if err != nil {
		return nil, err
	}
	return value.DictOf("all", d), nil
}

func (o *out) nest(g *inventory.Group, seen map[string]bool) (*value.Dict, error) {
	entry := value.NewDict()
	children := value.NewDict()
	kids := slices.Clone(g.Children)
	slices.SortFunc(kids, func(a, b *inventory.Group) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	for _, c := range kids {
		d, err := o.nest(c, seen)
		if err != nil {
			return nil, err
		}
		if d.Len() > 0 {
			children.SetStr(c.Name, d)
		}
	}
	if children.Len() > 0 {
		entry.SetStr("children", children)
	}
	if g.Name != "all" {
		hosts := value.NewDict()
		for _, h := range g.Hosts {
			if !o.shown(h) {
				continue
			}
			vars := value.NewDict()
			if !seen[h.Name] {
				seen[h.Name] = true
				d, err := o.hostVars(h)
				if err != nil {
					return nil, err
				}
				vars = d
			}
			hosts.SetStr(h.Name, vars)
		}
		if hosts.Len() > 0 {
			entry.SetStr("hosts", hosts)
		}
	}
	if o.export && g.Vars.Len() > 0 {
		entry.SetStr("vars", g.Vars)
	}
	return entry, nil
}

// yaml prints a document in block style.
func (o *out) yaml(d *value.Dict) (string, error) {
	v, err := o.p.Templates.Filter("to_nice_yaml", d, value.Int(2))
	if err != nil {
		return "", err
	}
	return value.ToStr(v)
}
