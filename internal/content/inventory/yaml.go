package inventory

import (
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/value"
)

// parseYAML reads a YAML inventory (BEHAVIOUR §2.3).
func (inv *Inventory) parseYAML(root *yamldoc.Node) error {
	switch {
	case root.IsNull(), root.Kind != yamldoc.Scalar && len(root.Items)+len(root.Pairs) == 0, root.Text == "" && root.Kind == yamldoc.Scalar:
		return fmt.Errorf("Parsed empty YAML file")
	case root.Kind != yamldoc.Mapping:
		return wrong(root.Pos, 0, fmt.Errorf("YAML inventory has invalid structure, it should be a dictionary, got: <class '%s'>", root.PyType()))
	case root.Get("plugin") != nil && isTrue(root.Get("plugin").Value()):
		return fmt.Errorf("Plugin configuration YAML file, not YAML inventory")
	}
	for _, p := range root.Pairs {
		if _, err := inv.yamlGroup(p.Key, p.Value); err != nil {
			return err
		}
	}
	return nil
}

func isTrue(v value.Value) bool {
	ok, err := value.Truth(v)
	return err == nil && ok
}

func (inv *Inventory) yamlGroup(key, node *yamldoc.Node) (string, error) {
	if !node.IsNull() && node.Kind != yamldoc.Mapping {
		inv.warn("Skipping '%s' as this is not a valid group definition", key.Text)
		return key.Text, nil
	}
	if _, ok := key.Value().(value.Str); !ok {
		shown, _ := value.ToStr(key.Value())
		return "", wrong(key.Pos, len(key.Text), fmt.Errorf("Unable to add group %s: Invalid group name supplied, expected a string but got <class '%s'> for %s", shown, key.PyType(), shown))
	}
	name := inv.AddGroup(key.Text)
	sections := map[string]*yamldoc.Node{}
	for _, p := range node.Entries() {
		section := p.Name()
		if section == "vars" || section == "children" || section == "hosts" {
			v := p.Value
			if v.Kind == yamldoc.Scalar && !v.IsNull() {
				if _, ok := value.AsString(v.Value()); ok {
					// a bare name stands for a mapping with that one key
					sections[section] = &yamldoc.Node{Kind: yamldoc.Mapping, Pos: v.Pos, Pairs: []yamldoc.Pair{{Key: v, Value: nil}}}
					continue
				}
			}
			if v.Kind != yamldoc.Mapping && !v.IsNull() {
				return "", wrong(p.Key.Pos, len(section), fmt.Errorf("Invalid \"%s\" entry for \"%s\" group, requires a dictionary, found \"<class '%s'>\" instead.", section, name, v.PyType()))
			}
			sections[section] = v
			continue
		}
	}
	for _, p := range node.Entries() {
		switch section := p.Name(); section {
		case "vars":
			for _, v := range sections[section].Entries() {
				if err := inv.groups[name].SetVar(v.Name(), v.Value.Value(), v.Key.Pos); err != nil {
					return "", err
				}
			}
		case "children":
			for _, c := range sections[section].Entries() {
				child, err := inv.yamlGroup(c.Key, c.Value)
				if err != nil {
					return "", err
				}
				if err := inv.AddChild(name, child); err != nil {
					return "", wrong(c.Key.Pos, len(c.Key.Text), err)
				}
			}
		case "hosts":
			for _, h := range sections[section].Entries() {
				if err := inv.yamlHost(name, h); err != nil {
					return "", err
				}
			}
		default:
			if p.Value.Kind != yamldoc.Mapping && !p.Value.IsNull() {
				inv.warn("Skipping key (%s) in group (%s) as it is not a mapping, it is a <class '%s'>", section, name, p.Value.PyType())
			} else if !p.Value.IsNull() {
				inv.warn("Skipping unexpected key (%s) in group (%s), only \"vars\", \"children\" and \"hosts\" are valid", section, name)
			}
		}
	}
	return name, nil
}

func (inv *Inventory) yamlHost(group string, entry yamldoc.Pair) error {
	text, ok := value.AsString(entry.Key.Value())
	if !ok {
		shown, _ := value.ToStr(entry.Key.Value())
		return wrong(entry.Key.Pos, len(entry.Key.Text), fmt.Errorf("Host pattern %s must be a string. Enclose integers/floats in quotation marks.", shown))
	}
	names, port, err := expand(text)
	if err != nil {
		return wrong(entry.Key.Pos, len(entry.Key.Text), err)
	}
	if !entry.Value.IsNull() && entry.Value.Kind != yamldoc.Mapping {
		shown, _ := value.ToStr(entry.Value.Value())
		return wrong(entry.Value.Pos, len(entry.Value.Text), fmt.Errorf("Invalid data from file, expected dictionary and got:\n\n%s", shown))
	}
	for _, name := range names {
		h, err := inv.AddHost(name, group, port)
		if err != nil {
			return wrong(entry.Key.Pos, len(entry.Key.Text), err)
		}
		for _, v := range entry.Value.Entries() {
			h.SetVar(v.Name(), v.Value.Value(), v.Key.Pos)
		}
	}
	return nil
}

// unaddressed notes that an entry of a host list is taken as a name although it is no address.
func (inv *Inventory) unaddressed(why string) {
	inv.Notes = append(inv.Notes, "Unable to parse address from hostname, leaving unchanged: "+why)
}

// hostList reads "a,b,c:22,": names separated by commas.
func (inv *Inventory) hostList(text string, ranges bool) error {
	for _, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		names, port := []string{}, 0
		if ranges {
			var err error
			if names, port, err = expand(part); err != nil {
				if !errors.Is(err, errNoEnd) {
					return err
				}
				inv.unaddressed(err.Error())
				names, port = []string{part}, 0
			}
		} else if name, p := SplitPort(part); !strings.Contains(name, "[") {
			names, port = []string{name}, p
		} else {
			inv.unaddressed("Not a valid network hostname: " + part)
			names = []string{part}
		}
		for _, name := range names {
			if inv.hosts[name] != nil {
				continue
			}
			if _, err := inv.AddHost(name, "ungrouped", port); err != nil {
				return err
			}
		}
	}
	return nil
}
