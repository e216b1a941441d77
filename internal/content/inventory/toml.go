package inventory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/value"
)

// parseTOMLFile reads a TOML inventory. It has the groups of a YAML inventory, only that the children of a group are a list.
func parseTOMLFile(_ context.Context, inv *Inventory, l *loader, src string) error {
	data, err := l.read(src)
	if err != nil {
		return err
	}
	var doc map[string]any
	md, err := toml.Decode(string(data), &doc)
	if err != nil {
		return fmt.Errorf("TOML file (%s) is invalid: %w", src, err)
	}
	if len(doc) == 0 {
		return fmt.Errorf("Parsed empty TOML file")
	}
	if p, ok := doc["plugin"]; ok && p != nil {
		return fmt.Errorf("Plugin configuration TOML file, not TOML inventory")
	}
	order := tomlOrder{}
	for _, k := range md.Keys() {
		order.add(k)
	}
	root := order.dict(doc, "")
	for _, g := range root.All() {
		if d, ok := g.(*value.Dict); ok {
			listedChildren(d)
		}
	}
	text, err := value.JSON(root, value.JSONOptions{})
	if err != nil {
		return err
	}
	node, err := yamldoc.LoadJSON([]byte(text), yamldoc.Options{File: src})
	if err != nil {
		return err
	}
	return inv.parseYAML(node)
}

// listedChildren makes a mapping of a group's list of children.
func listedChildren(group *value.Dict) {
	v, ok := group.GetStr("children")
	l, isList := v.(*value.List)
	if !ok || !isList {
		return
	}
	d := value.NewDict()
	for _, e := range l.Elems {
		if name, ok := value.AsString(e); ok {
			d.SetStr(name, value.None)
		}
	}
	group.SetStr("children", d)
}

// tomlOrder is the order of the keys of each table, by the table's path.
type tomlOrder map[string][]string

func (o tomlOrder) add(key toml.Key) {
	path := ""
	for _, part := range key {
		if !slices.Contains(o[path], part) {
			o[path] = append(o[path], part)
		}
		path += "\x00" + part
	}
}

// dict converts a table. Tables in arrays have no order of their own and are sorted.
func (o tomlOrder) dict(m map[string]any, path string) *value.Dict {
	d := value.NewDict()
	names := slices.Clone(o[path])
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(names, k) {
			names = append(names, k)
		}
	}
	for _, k := range names {
		if v, ok := m[k]; ok {
			d.SetStr(k, o.value(v, path+"\x00"+k))
		}
	}
	return d
}

func (o tomlOrder) value(v any, path string) value.Value {
	switch t := v.(type) {
	case map[string]any:
		return o.dict(t, path)
	case []any:
		l := value.NewList()
		for _, e := range t {
			l.Elems = append(l.Elems, o.value(e, path+"\x00"))
		}
		return l
	case []map[string]any:
		l := value.NewList()
		for _, e := range t {
			l.Elems = append(l.Elems, o.dict(e, path+"\x00"))
		}
		return l
	case string:
		return value.Str(t)
	case bool:
		return value.Bool(t)
	case int64:
		return value.Int(t)
	case float64:
		return value.Float(t)
	case time.Time:
		return value.Str(t.Format(time.RFC3339Nano))
	}
	return value.Str(fmt.Sprint(v))
}
