package settings

import (
	"slices"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/content/plugindoc"
	"github.com/troupe-automation/troupe/value"
)

// kinds are the kinds of plugins that have settings.
var kinds = []string{"become", "cache", "callback", "cliconf", "connection", "httpapi", "inventory", "lookup", "netconf", "shell", "vars"}

// kinds are those that the run is about.
func (d *dumper) kinds() []string {
	switch d.kind {
	case "base":
		return nil
	case "all":
		return kinds
	}
	return []string{d.kind}
}

// plugins are those of a kind that the run is about.
func (d *dumper) plugins(kind string) []string {
	all := plugindoc.Builtins(plugindoc.Kind(kind))
	if len(d.only) == 0 || d.kind == "all" {
		return all
	}
	var out []string
	for _, p := range d.only {
		if slices.Contains(all, p) {
			out = append(out, p)
		} else {
			d.warn("Skipping " + p + " as we could not find matching plugin")
		}
	}
	return out
}

// settingsOf are the options of a plugin.
func settingsOf(kind, plugin string) []config.Setting {
	doc, ok := plugindoc.Builtin(plugindoc.Kind(kind), plugin)
	if !ok {
		return nil
	}
	opts, _ := doc.Doc.GetStr("options")
	o, ok := opts.(*value.Dict)
	if !ok {
		return nil
	}
	var out []config.Setting
	for k, v := range o.All() {
		name, _ := value.AsString(k)
		d, ok := v.(*value.Dict)
		if !ok {
			continue
		}
		s := config.Setting{Name: name, Type: text(d, "type"), Env: names(d, "env", "name"), Vars: names(d, "vars", "name")}
		if s.Type == "str" {
			s.Type = "string"
		}
		if req, ok := d.GetStr("required"); ok {
			s.Required = req == value.Value(value.True)
		}
		keys, sections := names(d, "ini", "key"), names(d, "ini", "section")
		for i := range keys {
			s.Ini = append(s.Ini, config.IniKey{Section: sections[i], Key: keys[i]})
		}
		if def, ok := d.GetStr("default"); ok {
			s.Default = plain(def)
		}
		if c, ok := d.GetStr("choices"); ok {
			if l, ok := c.(*value.List); ok {
				for _, e := range l.Elems {
					t, _ := value.ToStr(e)
					s.Choices = append(s.Choices, t)
				}
			}
		}
		out = append(out, s)
	}
	return out
}

func text(d *value.Dict, key string) string {
	v, ok := d.GetStr(key)
	if !ok {
		return ""
	}
	s, _ := value.AsString(v)
	return s
}

// names takes one key out of each dictionary of a list.
func names(d *value.Dict, list, key string) []string {
	v, ok := d.GetStr(list)
	l, isList := v.(*value.List)
	if !ok || !isList {
		return nil
	}
	var out []string
	for _, e := range l.Elems {
		if ed, ok := e.(*value.Dict); ok {
			out = append(out, text(ed, key))
		}
	}
	return out
}

// plain is a default in the form that settings have it.
func plain(v value.Value) any {
	switch t := v.(type) {
	case value.Bool:
		return bool(t)
	case value.Int:
		return int(t)
	case value.Float:
		return float64(t)
	case value.Str:
		return string(t)
	case *value.List:
		out := []string{}
		for _, e := range t.Elems {
			s, _ := value.ToStr(e)
			out = append(out, s)
		}
		return out
	case *value.Dict:
		out := map[string]any{}
		for k, e := range t.All() {
			s, _ := value.ToStr(k)
			out[s] = plain(e)
		}
		return out
	}
	return nil
}

// options are the settings of a plugin with their values.
func (d *dumper) options(kind, plugin string) ([]row, error) {
	var out []row
	for _, s := range settingsOf(kind, plugin) {
		choices := s.Choices
		s.Choices = nil // a wrong one is no reason to show nothing
		v, origin, err := d.c.Option(&s, config.Sources{})
		s.Choices = choices
		if err != nil {
			return nil, err
		}
		r := row{s.Name, origin.String(), v, origin.Kind == config.FromDefault}
		if r.isDefault && s.Required {
			r.origin = "REQUIRED"
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b row) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return d.kept(out), nil
}
