package inventory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// parseTOMLFile reads an inventory in TOML: a table for each group with hosts, children and vars.
func parseTOMLFile(_ context.Context, inv *Inventory, l *loader, src string) error {
	data, err := l.read(src)
	if err != nil {
		return err
	}
	var doc map[string]any
	meta, err := toml.Decode(string(data), &doc)
	if err != nil {
		return fmt.Errorf("TOML file (%s) is invalid: %w", src, err)
	}
	if len(doc) == 0 {
		return fmt.Errorf("Parsed empty TOML file")
	}
	if _, plugin := doc["plugin"]; plugin {
		return fmt.Errorf("Plugin configuration TOML file, not TOML inventory")
	}
	t := tomlFile{inv: inv, pos: source.Pos{File: src, Line: 1, Col: 1}, order: map[string]int{}}
	for i, k := range meta.Keys() {
		for n := range k { // a table is there from its first key on
			if name := k[:n+1].String(); !t.named(name) {
				t.order[name] = i
			}
		}
	}
	for _, name := range t.keys("", doc) {
		if err := t.group(name, doc[name]); err != nil {
			return err
		}
	}
	return nil
}

// tomlFile is one file that is read. Tables are maps; order says where each key stood.
type tomlFile struct {
	inv   *Inventory
	pos   source.Pos
	order map[string]int
}

func (t *tomlFile) named(name string) bool {
	_, ok := t.order[name]
	return ok
}

// keys are the keys of a table in the order of the file.
func (t *tomlFile) keys(path string, table map[string]any) []string {
	names := make([]string, 0, len(table))
	for k := range table {
		names = append(names, k)
	}
	at := func(k string) int {
		key := toml.Key{k}.String()
		if path != "" {
			key = path + "." + key
		}
		return t.order[key]
	}
	slices.SortFunc(names, func(a, b string) int { return at(a) - at(b) })
	return names
}

func (t *tomlFile) group(name string, data any) error {
	table, ok := data.(map[string]any)
	if !ok {
		t.inv.warn("Skipping '%s' as this is not a valid group definition", name)
		return nil
	}
	group := t.inv.AddGroup(name)
	path := toml.Key{name}.String()
	for _, key := range t.keys(path, table) {
		var err error
		switch key {
		case "vars":
			err = t.vars(path+".vars", table[key], func(k string, v value.Value) error { return t.inv.groups[group].SetVar(k, v, t.pos) })
		case "children":
			children, _ := table[key].([]any)
			for _, c := range children {
				child, ok := c.(string)
				if !ok {
					return fmt.Errorf("children of %s are no names", name)
				}
				if err = t.inv.AddChild(group, t.inv.AddGroup(child)); err != nil {
					return err
				}
			}
		case "hosts":
			err = t.hosts(group, path+".hosts", table[key])
		default:
			t.inv.warn("Skipping unexpected key \"%s\" in group \"%s\", only \"vars\", \"children\" and \"hosts\" are valid", key, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tomlFile) hosts(group, path string, data any) error {
	table, ok := data.(map[string]any)
	if !ok {
		return fmt.Errorf("Invalid \"hosts\" entry for \"%s\" group, requires a dictionary, found \"%v\" instead.", group, data) //nolint:staticcheck // Ansible's words
	}
	for _, pattern := range t.keys(path, table) {
		names, port, err := expand(pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			h, err := t.inv.AddHost(name, group, port)
			if err != nil {
				return err
			}
			err = t.vars(path+"."+toml.Key{pattern}.String(), table[pattern], func(k string, v value.Value) error {
				h.SetVar(k, v, t.pos)
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tomlFile) vars(path string, data any, set func(name string, v value.Value) error) error {
	table, ok := data.(map[string]any)
	if !ok {
		return fmt.Errorf("Invalid \"vars\" entry at %s, requires a dictionary, found \"%v\" instead.", path, data) //nolint:staticcheck // Ansible's words
	}
	for _, k := range t.keys(path, table) {
		if err := set(k, t.value(path+"."+toml.Key{k}.String(), table[k])); err != nil {
			return err
		}
	}
	return nil
}

// value is a value of TOML as content: text with template markers is a template.
func (t *tomlFile) value(path string, v any) value.Value {
	switch v := v.(type) {
	case string:
		if yamldoc.IsTemplate(v) {
			return value.NewTemplate(v, t.pos)
		}
		return value.Str(v)
	case bool:
		return value.Bool(v)
	case int64:
		return value.Int(v)
	case float64:
		return value.Float(v)
	case time.Time:
		layout := map[string]string{"date-local": time.DateOnly, "datetime-local": time.DateTime, "time-local": time.TimeOnly}[v.Location().String()]
		if layout == "" {
			layout = "2006-01-02 15:04:05-07:00"
		}
		return value.Str(v.Format(layout))
	case []any:
		l := value.NewList()
		for _, e := range v {
			l.Elems = append(l.Elems, t.value(path, e))
		}
		return l
	case []map[string]any:
		l := value.NewList()
		for _, e := range v {
			l.Elems = append(l.Elems, t.value(path, e))
		}
		return l
	case map[string]any:
		d := value.NewDict()
		for _, k := range t.keys(path, v) {
			d.SetStr(k, t.value(path+"."+toml.Key{k}.String(), v[k]))
		}
		return d
	}
	return value.Str(fmt.Sprint(v))
}
