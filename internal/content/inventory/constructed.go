package inventory

import (
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

var errNoTemplar = errors.New("this command cannot render the templates of inventory plugins")

// settings reads a source that configures a plugin. It has to name the plugin as it was asked for.
func (inv *Inventory) settings(l *loader, src, asked string) (*yamldoc.Node, error) {
	root, err := inv.document(l, src)
	if err != nil {
		return nil, err
	}
	if l.o.Templar == nil {
		return nil, errNoTemplar
	}
	if root.IsNull() || root.Kind == yamldoc.Scalar && root.Text == "" {
		return nil, fmt.Errorf("%s is empty", src)
	}
	name := root.Get("plugin")
	switch {
	case name == nil:
		return nil, errors.New("Incorrect plugin name in file: none found") //nolint:staticcheck // Ansible's words
	case name.Text != asked:
		return nil, wrong(name.Pos, len(name.Text), fmt.Errorf("Incorrect plugin name in file: %s", name.Text))
	}
	return root, nil
}

// construct is the `compose`, `groups` and `keyed_groups` of a constructed source.
type construct struct {
	inv    *Inventory
	t      Templar
	strict bool
	root   *yamldoc.Node
}

// parseConstructed adds variables and groups that are computed from what earlier sources gave (sample inv_constructed).
func parseConstructed(inv *Inventory, l *loader, src, asked string) error {
	root, err := inv.settings(l, src, asked)
	if err != nil {
		return err
	}
	c := construct{inv: inv, t: l.o.Templar, root: root}
	if s := root.Get("strict"); s != nil {
		c.strict = config.Truth(s.Value())
	}
	var files func(h *Host) (*value.Dict, error)
	if use := root.Get("use_vars_plugins"); use != nil && config.Truth(use.Value()) && l.o.HostVars != nil {
		files = l.o.HostVars(inv)
	}
	extra := value.NewDict()
	if use := root.Get("use_extra_vars"); use != nil && config.Truth(use.Value()) && l.o.ExtraVars != nil {
		extra = l.o.ExtraVars
	}
	for _, h := range append([]*Host(nil), inv.order...) {
		vars := h.merged()
		if files != nil {
			if vars, err = files(h); err != nil {
				return err
			}
			h.addNames(vars)
		}
		for k, v := range extra.All() {
			_ = vars.Set(k, v) // the key was hashable before
		}
		if err := c.host(h, vars); err != nil {
			if d, ok := diag.As(err); ok {
				d.Classic = fmt.Sprintf("failed to parse %s: %s ", src, d.Classic)
				return d
			}
			return fmt.Errorf("failed to parse %s: %w ", src, err)
		}
	}
	return nil
}

// merged is the host's own and group variables with the host's magic names, as constructed sees them.
func (h *Host) merged() *value.Dict {
	d := value.NewDict()
	for _, g := range h.Groups() {
		for k, v := range g.Vars.All() {
			_ = d.Set(k, v)
		}
	}
	for k, v := range h.Vars.All() {
		_ = d.Set(k, v)
	}
	h.addNames(d)
	return d
}

// addNames adds the magic names of a host.
func (h *Host) addNames(d *value.Dict) {
	d.SetStr("inventory_hostname", value.Str(h.Name))
	short, _, _ := strings.Cut(h.Name, ".")
	d.SetStr("inventory_hostname_short", value.Str(short))
	names := value.NewList()
	for _, n := range h.GroupNames() {
		names.Elems = append(names.Elems, value.Str(n))
	}
	d.SetStr("group_names", names)
}

func (c *construct) host(h *Host, vars *value.Dict) error {
	for _, p := range c.root.Get("compose").Entries() {
		v, err := c.t.Render("{{"+p.Value.Text+"}}", vars)
		if err != nil {
			if c.strict {
				return wrong(p.Value.Pos, len(p.Value.Text), fmt.Errorf("Could not set %s for host %s: %w", p.Name(), h.Name, err))
			}
			continue
		}
		h.SetVar(p.Name(), v, source.Pos{})
		vars.SetStr(p.Name(), v)
	}
	for _, p := range c.root.Get("groups").Entries() {
		v, err := c.t.Render("{% if "+p.Value.Text+" %} True {% else %} False {% endif %}", vars)
		if err != nil {
			if c.strict {
				return wrong(p.Value.Pos, len(p.Value.Text), fmt.Errorf("Could not add host %s to group %s: %w", h.Name, p.Name(), err))
			}
			continue
		}
		if config.Truth(v) {
			name := c.inv.AddGroup(Identifier(p.Name()))
			c.inv.groups[name].add(h)
		}
	}
	keyed := c.root.Get("keyed_groups")
	if keyed == nil {
		return nil
	}
	for _, k := range keyed.Items {
		if err := c.keyed(h, k, vars); err != nil {
			return err
		}
	}
	return nil
}

// text reads a string key of a keyed_groups entry, rendered when it holds a template.
func (c *construct) text(entry *yamldoc.Node, key, fallback string, vars *value.Dict) (string, bool, error) {
	n := entry.Get(key)
	if n == nil || n.IsNull() {
		return fallback, false, nil
	}
	if t, ok := n.Value().(*value.Template); ok {
		v, err := c.t.Render(t.Text, vars)
		if err != nil {
			return "", false, err
		}
		s, err := value.ToStr(v)
		return s, true, err
	}
	return n.Text, true, nil
}

func (c *construct) keyed(h *Host, entry *yamldoc.Node, vars *value.Dict) error {
	if entry.Kind != yamldoc.Mapping {
		return wrong(entry.Pos, 0, fmt.Errorf("Invalid keyed group entry, it must be a dictionary"))
	}
	expr := entry.Get("key")
	if expr == nil {
		return wrong(entry.Pos, 0, fmt.Errorf("No key was supplied for keyed_groups"))
	}
	key, err := c.t.Render("{{"+expr.Text+"}}", vars)
	if err != nil {
		if c.strict {
			return fmt.Errorf("Could not generate group for host %s from %s entry: %w", h.Name, expr.Text, err)
		}
		return nil
	}
	empty := !isTrue(key)
	fallback, hasDefault := "", entry.Get("default_value") != nil
	trailing := true
	if t := entry.Get("trailing_separator"); t != nil {
		trailing = config.Truth(t.Value())
	}
	if hasDefault {
		fallback = entry.Get("default_value").Text
		if !trailing {
			return fmt.Errorf("parameters are mutually exclusive for keyed groups: default_value|trailing_separator")
		}
	}
	prefix, _, err := c.text(entry, "prefix", "", vars)
	if err != nil {
		return err
	}
	sep, _, err := c.text(entry, "separator", "_", vars)
	if err != nil {
		return err
	}
	parent, hasParent, err := c.text(entry, "parent_group", "", vars)
	if err != nil {
		if c.strict {
			return fmt.Errorf("Could not generate parent group %s for group %s: %w", entry.Get("parent_group").Text, expr.Text, err)
		}
		return nil
	}
	var names []string
	asText := func(v value.Value) string { s, _ := value.ToStr(v); return s }
	switch k := key.(type) {
	case *value.List:
		for _, e := range k.Elems {
			if !isTrue(e) && hasDefault {
				names = append(names, fallback)
			} else {
				names = append(names, asText(e))
			}
		}
	case *value.Dict:
		for n, v := range k.All() {
			switch text := asText(v); {
			case text != "":
				names = append(names, asText(n)+sep+text)
			case hasDefault:
				names = append(names, asText(n)+sep+fallback)
			case trailing:
				names = append(names, asText(n)+sep)
			default:
				names = append(names, asText(n))
			}
		}
	default:
		text, ok := value.AsString(key)
		switch {
		case !ok && !empty:
			return fmt.Errorf("Invalid group name format, expected a string or a list of them or dictionary, got: <class '%s'>", key.TypeName())
		case empty && hasDefault:
			names = append(names, fallback)
		case !empty:
			names = append(names, text)
		}
	}
	if len(names) == 0 && c.strict && !isList(key) {
		return fmt.Errorf("No key or key resulted empty for %s in host %s, invalid entry", expr.Text, h.Name)
	}
	leading := true
	if n := c.root.Get("leading_separator"); n != nil {
		leading = config.Truth(n.Value())
	}
	for _, bare := range names {
		full := prefix + sep + bare
		if prefix == "" && !leading {
			full = bare
		}
		name := c.inv.AddGroup(Identifier(full))
		c.inv.groups[name].add(h)
		if hasParent && parent != "" {
			if err := c.inv.AddChild(c.inv.AddGroup(Identifier(parent)), name); err != nil {
				return err
			}
		}
	}
	return nil
}

func isList(v value.Value) bool { _, ok := v.(*value.List); return ok }

// parseGenerator makes hosts and groups from every combination of the values of its layers (sample inv_generator).
func parseGenerator(inv *Inventory, l *loader, src, asked string) error {
	root, err := inv.settings(l, src, asked)
	if err != nil {
		return err
	}
	layers := root.Get("layers").Entries()
	hosts := root.Get("hosts")
	if hosts == nil {
		return fmt.Errorf("Element hosts has no name element")
	}
	total := 1
	for _, p := range layers {
		if total *= len(p.Value.Items); total > maxExpanded {
			return fmt.Errorf("the layers of %s give too many hosts", src)
		}
	}
	for i := 0; i < total; i++ {
		vars := value.NewDict()
		rest := i
		picked := make([]value.Value, len(layers))
		for j := len(layers) - 1; j >= 0; j-- {
			items := layers[j].Value.Items
			picked[j] = items[rest%len(items)].Value()
			rest /= len(items)
		}
		for j, p := range layers {
			vars.SetStr(p.Name(), picked[j])
		}
		name, err := generated(l.o.Templar, hosts.Get("name"), vars)
		if err != nil {
			return err
		}
		if _, err := inv.AddHost(name, "", 0); err != nil {
			return err
		}
		if err := inv.generateParents(l.o.Templar, name, hosts.Get("parents"), vars); err != nil {
			return err
		}
	}
	return nil
}

func generated(t Templar, n *yamldoc.Node, vars *value.Dict) (string, error) {
	if n == nil {
		return "", fmt.Errorf("Element has no name element")
	}
	v, err := t.Render(n.Text, vars)
	if err != nil {
		return "", err
	}
	return value.ToStr(v)
}

func (inv *Inventory) generateParents(t Templar, child string, parents *yamldoc.Node, vars *value.Dict) error {
	if parents == nil {
		return nil
	}
	for _, p := range parents.Items {
		name, err := generated(t, p.Get("name"), vars)
		if err != nil {
			return err
		}
		name = inv.AddGroup(name)
		for _, v := range p.Get("vars").Entries() {
			val, err := t.Render(v.Value.Text, vars)
			if err != nil {
				return err
			}
			if err := inv.groups[name].SetVar(v.Name(), val, source.Pos{}); err != nil {
				return err
			}
		}
		if err := inv.AddChild(name, child); err != nil {
			return err
		}
		if err := inv.generateParents(t, name, p.Get("parents"), vars); err != nil {
			return err
		}
	}
	return nil
}
