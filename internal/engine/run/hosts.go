package run

import (
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/value"
)

// addHost puts a host into the inventory, and reports whether it, one of its groups or a variable is new.
func (r *Run) addHost(n *action.NewHost) bool {
	changed := r.Inventory.Host(n.Name) == nil
	h, err := r.Inventory.AddHost(n.Name, "all", 0) // Ansible makes it a member of all itself, which comes first there
	if err != nil {
		r.warn(err.Error())
		return false
	}
	for _, g := range n.Groups {
		name := r.Inventory.AddGroup(g)
		changed = r.join(name, n.Name) || changed
	}
	for k, v := range n.Vars.All() {
		name, _ := value.AsString(k)
		if old, ok := h.Vars.GetStr(name); !ok || !equal(old, v) {
			changed = true
		}
		h.AddVar(name, v)
	}
	r.reconcile()
	if changed {
		r.inventoryChanged()
	}
	return changed
}

// groupBy puts a host into a group below its parents, and reports whether anything is new.
func (r *Run) groupBy(host string, n *action.NewGroup) bool {
	changed := r.Inventory.Group(n.Name) == nil
	name := r.Inventory.AddGroup(n.Name)
	for _, parent := range n.Parents {
		parent = r.Inventory.AddGroup(parent)
		if err := r.Inventory.AddChild(parent, name); err != nil {
			r.warn(err.Error())
		}
	}
	changed = r.join(name, host) || changed
	r.reconcile()
	if changed {
		r.inventoryChanged()
	}
	return changed
}

// join puts a host into a group, and reports whether it was not in it before.
func (r *Run) join(group, host string) bool {
	for _, h := range r.Inventory.Group(group).Hosts {
		if h.Name == host {
			return false
		}
	}
	if _, err := r.Inventory.AddHost(host, group, 0); err != nil {
		r.warn(err.Error())
		return false
	}
	return true
}

func (r *Run) reconcile() {
	if err := r.Inventory.Reconcile(); err != nil {
		r.warn(err.Error())
	}
}

func equal(a, b value.Value) bool {
	eq, err := value.Equal(a, b)
	return err == nil && eq
}
