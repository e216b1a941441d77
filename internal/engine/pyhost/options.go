package pyhost

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/value"
)

// option is one documented option of a plugin.
type option struct {
	config.Setting
	def     value.Value // its default as documented, nil for none
	aliases []string
}

// documentation is what a plugin says of itself.
type documentation struct{ options []option }

// fragments are the parts of documentation that ansible-core offers to plugins and whose options are their own, as far as
// they are not those of a plugin that config knows.
var fragments = map[string][]config.Setting{
	"inventory_cache": {
		{Name: "cache", Type: "boolean", Default: false, Env: []string{"ANSIBLE_INVENTORY_CACHE"}, Ini: []config.IniKey{{Section: "inventory", Key: "cache"}}},
		{Name: "cache_plugin", Default: "memory", Env: []string{"ANSIBLE_CACHE_PLUGIN", "ANSIBLE_INVENTORY_CACHE_PLUGIN"}, Ini: []config.IniKey{{Section: "defaults", Key: "fact_caching"}, {Section: "inventory", Key: "cache_plugin"}}},
		{Name: "cache_timeout", Type: "integer", Default: 3600, Env: []string{"ANSIBLE_CACHE_PLUGIN_TIMEOUT", "ANSIBLE_INVENTORY_CACHE_TIMEOUT"}, Ini: []config.IniKey{{Section: "defaults", Key: "fact_caching_timeout"}, {Section: "inventory", Key: "cache_timeout"}}},
		{Name: "cache_connection", Env: []string{"ANSIBLE_CACHE_PLUGIN_CONNECTION", "ANSIBLE_INVENTORY_CACHE_CONNECTION"}, Ini: []config.IniKey{{Section: "defaults", Key: "fact_caching_connection"}, {Section: "inventory", Key: "cache_connection"}}},
		{Name: "cache_prefix", Default: "ansible_inventory_", Env: []string{"ANSIBLE_CACHE_PLUGIN_PREFIX", "ANSIBLE_INVENTORY_CACHE_PLUGIN_PREFIX"}, Ini: []config.IniKey{{Section: "defaults", Key: "fact_caching_prefix"}, {Section: "inventory", Key: "cache_prefix"}}},
	},
	"vars_plugin_staging": {
		{Name: "stage", Type: "string", Choices: []string{"all", "task", "inventory"}},
	},
	"connection_pipelining": {
		{Name: "pipelining", Type: "boolean", Default: false, Env: []string{"ANSIBLE_PIPELINING"}, Ini: []config.IniKey{{Section: "defaults", Key: "pipelining"}, {Section: "connection", Key: "pipelining"}}, Vars: []string{"ansible_pipelining"}},
	},
}

// borrowed are fragments that are the options of a plugin.
var borrowed = map[string][2]string{
	"constructed": {"inventory", "constructed"}, "default_callback": {"callback", "default"}, "result_format_callback": {"callback", "default"},
	"shell_common": {"shell", "sh"},
}

// builtinFragment is a fragment of ansible-core by its short name.
func builtinFragment(name string) []config.Setting {
	if from, ok := borrowed[name]; ok {
		var out []config.Setting
		for _, s := range config.PluginOptions(from[0], from[1]) {
			if s.Name != "plugin" && s.Name != "use_vars_plugins" {
				out = append(out, s)
			}
		}
		return out
	}
	return fragments[name]
}

// describe returns the options of a plugin: those that config knows, or those that the plugin documents.
func (h *Host) describe(kind, plugin, path string) (*documentation, error) {
	key := kind + "\x00" + plugin + "\x00" + path
	h.mu.Lock()
	doc, declared := h.docs[key], h.declared[kind+"\x00"+plugin]
	h.mu.Unlock()
	if doc != nil {
		return doc, nil
	}
	doc = &documentation{options: declared}
	col := ""
	if path == "" {
		p, err := h.Search.Find(kind, plugin, nil)
		if err != nil {
			return nil, err
		}
		if p != nil {
			path, plugin, col = p.Path, p.Name, p.Collection
		}
	} else if c, _, ok := collection.Split(plugin); ok {
		col = c
	}
	if path == "" {
		short := plugin
		for _, prefix := range []string{"ansible.builtin.", "ansible.legacy."} {
			short = strings.TrimPrefix(short, prefix)
		}
		for _, s := range config.PluginOptions(kind, short) {
			doc.options = append(doc.options, option{Setting: s})
		}
	} else if err := h.document(doc, kind, plugin, path, col); err != nil {
		return nil, err
	}
	h.mu.Lock()
	if h.docs == nil {
		h.docs = map[string]*documentation{}
	}
	h.docs[key] = doc
	h.mu.Unlock()
	return doc, nil
}

// document reads the documentation in a plugin's file, or beside it.
func (h *Host) document(doc *documentation, kind, plugin, path, col string) error {
	side := TaskSide
	switch kind {
	case "callback", "inventory", "vars", "cache":
		side = RunSide
	}
	v, err := h.Call(context.Background(), side, "documentation", value.DictOf(
		"kind", value.Str(kind), "path", value.Str(path), "name", value.Str(plugin), "collection", value.Str(col)), nil, false)
	if err != nil {
		return err
	}
	text := plain(v)
	if text == "" {
		for _, ext := range []string{".yml", ".yaml"} {
			if data, err := os.ReadFile(strings.TrimSuffix(path, ".py") + ext); err == nil {
				if n, err := yamldoc.Load(data, yamldoc.Options{Data: true}); err == nil && n.Get("DOCUMENTATION") != nil {
					doc.read(n.Get("DOCUMENTATION"))
				}
				return nil
			}
		}
		return nil
	}
	n, err := yamldoc.LoadYAML([]byte(text), yamldoc.Options{Data: true, File: path})
	if err != nil {
		return value.Errorf("AnsibleParserError", "%s plugin %s has broken documentation: %s", kind, plugin, err)
	}
	doc.read(n)
	extends := n.Get("extends_documentation_fragment")
	var names []string
	if extends != nil && extends.Kind == yamldoc.Sequence {
		for _, e := range extends.Items {
			names = append(names, e.Text)
		}
	} else if !extends.IsNull() {
		for part := range strings.SplitSeq(extends.Text, ",") {
			names = append(names, strings.TrimSpace(part))
		}
	}
	for _, name := range names {
		if err := h.extend(doc, side, strings.TrimPrefix(name, "ansible.builtin.")); err != nil {
			return err
		}
	}
	return nil
}

// extend adds the options of a fragment; those that are there stay.
func (h *Host) extend(doc *documentation, side Side, name string) error {
	if builtin := builtinFragment(name); builtin != nil {
		for _, s := range builtin {
			doc.add(option{Setting: s})
		}
		return nil
	}
	attr := "DOCUMENTATION"
	p, err := h.Search.Find("doc_fragments", name, nil)
	if err != nil {
		return err
	}
	if p == nil {
		if base, last, ok := cutLast(name); ok {
			if p, err = h.Search.Find("doc_fragments", base, nil); err != nil {
				return err
			}
			attr = strings.ToUpper(last)
		}
	}
	if p == nil {
		return nil // fragments that only describe, not offer options, need not be there
	}
	v, err := h.Call(context.Background(), side, "fragment", value.DictOf(
		"path", value.Str(p.Path), "name", value.Str(p.Name), "collection", value.Str(p.Collection), "attr", value.Str(attr)), nil, false)
	if err != nil {
		return err
	}
	if n, err := yamldoc.LoadYAML([]byte(plain(v)), yamldoc.Options{Data: true, File: p.Path}); err == nil {
		doc.read(n)
	}
	return nil
}

func cutLast(name string) (before, last string, ok bool) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return "", name, false
	}
	return name[:i], name[i+1:], true
}

func (d *documentation) find(name string) *option {
	for i := range d.options {
		if d.options[i].Name == name {
			return &d.options[i]
		}
	}
	return nil
}

func (d *documentation) add(o option) {
	if d.find(o.Name) == nil {
		d.options = append(d.options, o)
	}
}

// types are the names of types in documentation that config calls otherwise.
var types = map[string]string{
	"bool": "boolean", "int": "integer", "str": "string", "dictionary": "dict", "tmp": "tmppath", "temppath": "tmppath", "": "string", "none": "raw", "any": "raw",
}

// read adds the options that a piece of documentation has.
func (d *documentation) read(n *yamldoc.Node) {
	for _, p := range n.Get("options").Entries() {
		d.add(readOption(p.Name(), p.Value))
	}
}

func readOption(name string, n *yamldoc.Node) option {
	text := func(n *yamldoc.Node, key string) string {
		if v := n.Get(key); !v.IsNull() {
			s, _ := value.ToStr(v.Value())
			return s
		}
		return ""
	}
	o := option{Setting: config.Setting{Name: name, Type: text(n, "type"), Deprecated: map[string]config.Deprecation{}}}
	goes := func(name string, n *yamldoc.Node) {
		if d := n.Get("deprecated"); d != nil {
			o.Deprecated[name] = config.Deprecation{
				Why: text(d, "why"), Version: text(d, "version") + text(d, "removed_in"), Date: text(d, "removed_at_date"), Alternatives: text(d, "alternatives") + text(d, "alternative"),
			}
		}
	}
	goes(name, n)
	if t, ok := types[o.Type]; ok {
		o.Type = t
	}
	if d := n.Get("default"); !d.IsNull() {
		o.def = d.Value()
	}
	if r := n.Get("required"); r != nil {
		o.Required = config.Truth(r.Value())
	}
	if c := n.Get("choices"); c != nil && c.Kind == yamldoc.Sequence {
		for _, e := range c.Items {
			o.Choices = append(o.Choices, e.Text)
		}
	} else if c != nil {
		for _, e := range c.Entries() {
			o.Choices = append(o.Choices, e.Name())
		}
	}
	each := func(key string, add func(e *yamldoc.Node)) {
		if l := n.Get(key); l != nil {
			for _, e := range l.Items {
				add(e)
			}
		}
	}
	each("env", func(e *yamldoc.Node) {
		o.Env = append(o.Env, text(e, "name"))
		goes(text(e, "name"), e)
	})
	each("ini", func(e *yamldoc.Node) {
		k := config.IniKey{Section: text(e, "section"), Key: text(e, "key")}
		o.Ini = append(o.Ini, k)
		goes("["+k.Section+"]"+k.Key, e)
	})
	each("vars", func(e *yamldoc.Node) { o.Vars = append(o.Vars, text(e, "name")) })
	each("keyword", func(e *yamldoc.Node) { o.Keyword = text(e, "name") })
	each("cli", func(e *yamldoc.Node) { o.CLI = text(e, "name") })
	if l := n.Get("aliases"); l != nil {
		for _, e := range l.Items {
			o.aliases = append(o.aliases, e.Text)
		}
	}
	return o
}

// resolve gives an option its value.
func (q *question) resolve(kind, plugin string, o *option) (value.Value, string, error) {
	direct, keys := q.dict("direct"), q.dict("keys")
	t := q.within()
	given, _ := q.args.GetStr("variables")
	src := config.Sources{
		Direct: func(name string) (value.Value, bool) {
			if direct == nil {
				return nil, false
			}
			v, ok := direct.GetStr(name)
			for _, a := range o.aliases {
				if !ok {
					v, ok = direct.GetStr(a)
				}
			}
			return v, ok
		},
		Vars: func(name string) (value.Value, bool) {
			if given == nil || given == value.None {
				return nil, false
			}
			v, ok, err := t.Resolve(name)
			if _, undefined := v.(*value.Undefined); undefined {
				return nil, false
			}
			return v, ok && err == nil
		},
		Keyword: func(name string) (value.Value, bool) {
			if keys == nil {
				return nil, false
			}
			v, ok := keys.GetStr(name)
			return v, ok && v != value.None
		},
		CLI: func(name string) (value.Value, bool) {
			if q.h.Args == nil {
				return nil, false
			}
			v, ok := q.h.Args.GetStr(strings.ReplaceAll(name, "-", "_"))
			return v, ok && v != value.None
		},
	}
	entry := "plugin_type: " + kind + " plugin: " + plugin + " setting: " + o.Name + " "
	s := o.Setting
	if s.Keyword == "" {
		s.Keyword = o.Name // a keyword of the same name needs no declaration
	}
	if v, ok := src.Direct(o.Name); ok && v == value.None {
		return value.None, "Direct", nil
	}
	v, origin, err := q.h.Config.Option(&s, src)
	if err != nil {
		if len(o.Choices) > 0 {
			shown := ""
			if raw, ok := src.Direct(o.Name); ok {
				if text, ok := raw.(value.Str); ok && s.Type == "list" {
					l := &value.List{}
					for _, part := range strings.Split(string(text), ",") {
						l.Elems = append(l.Elems, value.Str(strings.TrimSpace(part)))
					}
					raw = l
				}
				shown, _ = value.ToStr(raw)
			}
			return nil, "", value.Errorf("AnsibleOptionsError", "Invalid value \"%s\" for configuration option \"%s\", valid values are: %s", shown, entry, strings.Join(o.Choices, ", "))
		}
		return nil, "", value.Errorf("AnsibleOptionsError", "Invalid type for configuration option %s (from %s): %s", strings.TrimSpace(entry), origin, err)
	}
	if origin.Kind == config.FromDefault && o.def != nil {
		def := o.def
		s.Choices, s.Deprecated = nil, map[string]config.Deprecation{}
		v, _, err = q.h.Config.Option(&s, config.Sources{Direct: func(string) (value.Value, bool) { return def, true }})
		if err != nil {
			v = def
		}
		return v, "default", nil
	}
	if v == value.None && kind == "connection" && keys != nil && (o.Name == "password" || slices.Contains(o.aliases, "password")) {
		if given, ok := keys.GetStr("password"); ok { // -k
			return given, "Direct", nil
		}
	}
	if v == value.None && o.Required && origin.Kind == config.FromDefault {
		return nil, "", value.Errorf("AnsibleRequiredOptionError", "No setting was provided for required configuration %s", entry)
	}
	return v, origin.String(), nil
}

func askOption(q *question) (value.Value, error) {
	kind, plugin := q.text("kind"), q.text("plugin")
	doc, err := q.h.describe(kind, plugin, q.text("path"))
	if err != nil {
		return nil, asked(err)
	}
	name := q.text("option")
	o := doc.find(name)
	if o == nil {
		return notFound(), nil
	}
	v, origin, err := q.resolve(kind, plugin, o)
	if err != nil {
		return nil, err
	}
	return value.DictOf("ok", value.True, "v", v, "origin", value.Str(origin)), nil
}

func askOptions(q *question) (value.Value, error) {
	kind, plugin := q.text("kind"), q.text("plugin")
	doc, err := q.h.describe(kind, plugin, q.text("path"))
	if err != nil {
		return nil, asked(err)
	}
	values, origins := value.NewDict(), value.NewDict()
	for i := range doc.options {
		o := &doc.options[i]
		if kind == "lookup" && o.Name == "_terms" { // describes the terms, which are no option
			continue
		}
		v, origin, err := q.resolve(kind, plugin, o)
		if err != nil {
			return nil, err
		}
		values.SetStr(o.Name, v)
		origins.SetStr(o.Name, value.Str(origin))
	}
	return value.DictOf("v", values, "origins", origins), nil
}

func askOptionNames(q *question) (value.Value, error) {
	doc, err := q.h.describe(q.text("kind"), q.text("plugin"), q.text("path"))
	if err != nil {
		return nil, asked(err)
	}
	names, variables := value.NewList(), value.NewList()
	for _, o := range doc.options {
		names.Elems = append(names.Elems, value.Str(o.Name))
		for _, v := range o.Vars {
			variables.Elems = append(variables.Elems, value.Str(v))
		}
	}
	return value.DictOf("names", names, "vars", variables), nil
}

// askDeclare takes options that a plugin defines itself, without documentation.
func askDeclare(q *question) (value.Value, error) {
	d := q.dict("options")
	if d == nil {
		return value.None, nil
	}
	text, err := value.JSON(d, value.JSONOptions{})
	if err != nil {
		return nil, err
	}
	n, err := yamldoc.Load([]byte(text), yamldoc.Options{Data: true})
	if err != nil {
		return nil, err
	}
	var list []option
	for _, p := range n.Entries() {
		list = append(list, readOption(p.Name(), p.Value))
	}
	q.h.mu.Lock()
	defer q.h.mu.Unlock()
	if q.h.declared == nil {
		q.h.declared = map[string][]option{}
	}
	q.h.declared[q.text("kind")+"\x00"+q.text("plugin")] = list
	return value.None, nil
}

// asked makes an error that goes back to Python of one that came from there.
func asked(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return &value.Error{Class: e.Known(), Msg: e.Msg}
	}
	return err
}

// setting is a setting by the name that it has in ansible.constants.
func (h *Host) setting(name string) (v value.Value, origin string, ok bool) {
	if _, known := config.Find(name); !known {
		return nil, "", false
	}
	v, o := h.Config.Value(name)
	return v, o.String(), true
}
