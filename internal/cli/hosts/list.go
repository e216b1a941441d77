package hosts

import (
	"github.com/troupe-automation/troupe/internal/content/inventory"
	"github.com/troupe-automation/troupe/internal/lang/yamlout"
	"github.com/troupe-automation/troupe/value"
)

// output builds documents and drawings of what --limit leaves.
func (o *out) output() *inventory.Output {
	hosts := o.p.Inventory.Group("all").AllHosts()
	if o.chosen != nil {
		kept := hosts[:0:0]
		for _, h := range hosts {
			if o.chosen[h] {
				kept = append(kept, h)
			}
		}
		hosts = kept
	}
	return &inventory.Output{
		Inventory: o.p.Inventory, Hosts: hosts, HostVars: o.hostVars, Export: o.export,
		GroupVars: func(g *inventory.Group) (*value.Dict, error) { return g.Vars, nil },
	}
}

// list is everything: in the form an inventory script has, or as a YAML inventory.
func (o *out) list() (string, error) {
	if o.s.Values.Bool("yaml") {
		d, err := o.output().Tree()
		if err != nil {
			return "", err
		}
		return o.yaml(d)
	}
	if o.s.Values.Bool("toml") {
		d, err := o.output().Sections()
		if err != nil {
			return "", err
		}
		return tomlText(d)
	}
	d, err := o.output().List()
	if err != nil {
		return "", err
	}
	return o.dump(d)
}

// yaml prints a document in block style.
func (o *out) yaml(d *value.Dict) (string, error) {
	s, err := yamlout.Dump(d, yamlout.Options{FlowStyle: yamlout.Block, Unicode: true})
	for len(s) > 0 && s[len(s)-1] == '\n' {
		s = s[:len(s)-1]
	}
	return s, err
}
