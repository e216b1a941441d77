package settings

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/lang/yamlout"
	"github.com/troupe-automation/troupe/value"
)

// dumper is one run of a subcommand over settings.
type dumper struct {
	c       *config.Config
	kind    string   // "base", "all", or a kind of plugin
	only    []string // plugins, empty for all
	changed bool
	warn    func(string)
}

// row is one line of a dump.
type row struct {
	name, origin string
	val          value.Value
	isDefault    bool
}

func (r row) data() value.Value {
	return value.DictOf("name", value.Str(r.name), "origin", value.Str(r.origin), "value", r.val)
}

// base are the settings of the program.
func (d *dumper) base() []row {
	file := value.None
	if d.c.File != "" {
		file = value.Str(d.c.File)
	}
	out := []row{{"CONFIG_FILE", "", file, false}}
	for _, s := range config.Settings() {
		if internal(s) {
			continue
		}
		v, origin := d.c.Value(s.Name)
		if n, ok := v.(value.Int); ok && s.Type == "string" {
			v = value.Str(fmt.Sprint(int(n)))
		}
		if d.changed && origin.Kind == config.FromDefault {
			continue
		}
		out = append(out, row{s.Name, origin.String(), v, origin.Kind == config.FromDefault})
	}
	slices.SortFunc(out, func(a, b row) int { return strings.Compare(a.name, b.name) })
	return out
}

// internal reports a setting that is not for users, or that Ansible does not have.
func internal(s config.Setting) bool {
	return s.Own || strings.HasPrefix(s.Name, "_") && strings.ToUpper(s.Name) == s.Name
}

// galaxyKeys are the keys a [galaxy_server.NAME] section may have.
var galaxyKeys = []string{"api_version", "auth_url", "client_id", "password", "timeout", "token", "url", "username", "validate_certs"}

// server are the settings of one Galaxy server, sorted by name.
func (d *dumper) server(name string) []row {
	var out []row
	for _, k := range galaxyKeys {
		r := row{k, "default", value.None, true}
		if k == "timeout" {
			r.val = value.Int(d.c.Int("GALAXY_SERVER_TIMEOUT"))
		}
		env := "ANSIBLE_GALAXY_SERVER_" + strings.ToUpper(name) + "_" + strings.ToUpper(k)
		if v, ok := os.LookupEnv(env); ok {
			r = row{k, "env: " + env, value.Str(v), false}
		} else if v, ok := d.c.Ini("galaxy_server."+name, k); ok {
			r = row{k, d.c.File, value.Str(v), false}
		}
		out = append(out, r)
	}
	return out
}

func (d *dumper) dump(format string) (string, error) {
	if format == "json" || format == "yaml" {
		doc, err := d.data()
		if err != nil {
			return "", err
		}
		return encode(doc, format)
	}
	var b strings.Builder
	if d.kind == "base" || d.kind == "all" {
		if err := write(&b, d.base()); err != nil {
			return "", err
		}
		b.WriteString("\nGALAXY_SERVERS:\n")
		if names := d.c.List("GALAXY_SERVER_LIST"); len(names) > 0 {
			b.WriteString("\n")
			for _, name := range names {
				b.WriteString("\n" + name + "\n" + strings.Repeat("=", len(name)) + "\n")
				if err := write(&b, d.kept(d.server(name))); err != nil {
					return "", err
				}
			}
		}
	}
	first := true
	for _, k := range d.kinds() {
		var part strings.Builder
		for _, p := range d.plugins(k) {
			rows, err := d.options(k, p)
			if err != nil {
				return "", err
			}
			if len(rows) == 0 {
				continue
			}
			part.WriteString("\n" + p + ":\n" + strings.Repeat("_", len(p)) + "\n")
			if err := write(&part, rows); err != nil {
				return "", err
			}
		}
		if d.kind == "all" && (part.Len() > 0 || !d.changed) {
			title := strings.ToUpper(k)
			if first && len(d.c.List("GALAXY_SERVER_LIST")) == 0 {
				b.WriteString("\n")
			}
			first = false
			b.WriteString("\n" + title + ":\n" + strings.Repeat("=", len(title)) + "\n")
		}
		b.WriteString(part.String())
	}
	return b.String(), nil
}

// kept leaves defaults out where only changes are wanted.
func (d *dumper) kept(rows []row) []row {
	if !d.changed {
		return rows
	}
	return slices.DeleteFunc(rows, func(r row) bool { return r.isDefault })
}

func write(b *strings.Builder, rows []row) error {
	for _, r := range rows {
		s, err := value.ToStr(r.val)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "%s(%s) = %s\n", r.name, r.origin, s)
	}
	return nil
}

// data is a dump as JSON or YAML has it.
func (d *dumper) data() (value.Value, error) {
	doc := value.NewList()
	if d.kind == "base" || d.kind == "all" {
		for _, r := range d.base() {
			doc.Elems = append(doc.Elems, r.data())
		}
		galaxy := value.NewDict()
		for _, name := range d.c.List("GALAXY_SERVER_LIST") {
			one := value.NewDict()
			for _, r := range d.server(name) {
				one.SetStr(r.name, value.NewList(value.Str(r.name), r.val, value.Str(r.origin), value.None))
			}
			galaxy.SetStr(name, one)
		}
		doc.Elems = append(doc.Elems, value.DictOf("GALAXY_SERVERS", galaxy))
	}
	for _, k := range d.kinds() {
		list := value.NewList()
		for _, p := range d.plugins(k) {
			rows, err := d.options(k, p)
			if err != nil {
				return nil, err
			}
			if len(rows) == 0 {
				continue
			}
			opts := value.NewList()
			for _, r := range rows {
				opts.Elems = append(opts.Elems, r.data())
			}
			list.Elems = append(list.Elems, value.DictOf(p, value.Value(opts)))
		}
		if d.kind != "all" {
			doc.Elems = append(doc.Elems, list.Elems...)
		} else if len(list.Elems) > 0 || !d.changed {
			doc.Elems = append(doc.Elems, value.DictOf(strings.ToUpper(k)+"_PLUGINS", value.Value(list)))
		}
	}
	return doc, nil
}

// list describes the settings that exist, as data.
func (d *dumper) list(format string) (string, error) {
	doc := value.NewDict()
	if d.kind == "base" || d.kind == "all" {
		for _, s := range config.Settings() {
			if !internal(s) {
				doc.SetStr(s.Name, describe(&s))
			}
		}
	}
	if d.kind != "base" {
		all := value.NewDict()
		for _, k := range d.kinds() {
			one := value.NewDict()
			for _, p := range d.plugins(k) {
				opts := value.NewDict()
				for _, s := range settingsOf(k, p) {
					opts.SetStr(s.Name, describe(&s))
				}
				one.SetStr(p, opts)
			}
			all.SetStr(k, one)
		}
		doc.SetStr("PLUGINS", all)
	}
	return encode(doc, format)
}

func named(list []string) value.Value {
	l := value.NewList()
	for _, e := range list {
		l.Elems = append(l.Elems, value.DictOf("name", value.Str(e)))
	}
	return l
}

// describe is one setting as data.
func describe(s *config.Setting) *value.Dict {
	d := value.NewDict()
	if def := config.Default(s); def != value.None || !s.Required {
		d.SetStr("default", def)
	}
	if len(s.Choices) > 0 {
		d.SetStr("choices", value.Strs(s.Choices))
	}
	if len(s.Env) > 0 {
		d.SetStr("env", named(s.Env))
	}
	if len(s.Ini) > 0 {
		l := value.NewList()
		for _, k := range s.Ini {
			l.Elems = append(l.Elems, value.DictOf("key", value.Str(k.Key), "section", value.Str(k.Section)))
		}
		d.SetStr("ini", l)
	}
	if s.Required {
		d.SetStr("required", value.True)
	}
	if s.Type != "" {
		d.SetStr("type", value.Str(s.Type))
	}
	if len(s.Vars) > 0 {
		d.SetStr("vars", named(s.Vars))
	}
	return d
}

func encode(doc value.Value, format string) (string, error) {
	if format == "json" {
		return value.JSON(doc, value.JSONOptions{Pretty: true, Indent: "    ", SortKeys: true})
	}
	return yamlout.Dump(doc, yamlout.Options{FlowStyle: yamlout.Block, Unicode: true})
}
