// Package plugindoc finds and reads the documentation of plugins, modules and roles: what ansible.builtin has (from tables),
// DOCUMENTATION, EXAMPLES and RETURN of people's own Python files and of those in collections, files beside plugins,
// fragments, argument specifications of roles. Python files are read, never run.
//
// Called by internal/cli/doc.
package plugindoc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/value"
)

// Kind is a kind of plugin as ansible-doc names it.
type Kind string

// Kinds that are treated in a way of their own.
const (
	Module  Kind = "module"
	Filter  Kind = "filter"
	Test    Kind = "test"
	Role    Kind = "role"
	Keywd   Kind = "keyword"
	Lookup  Kind = "lookup"
	Invent  Kind = "inventory"
	Connect Kind = "connection"
)

// Kinds lists all kinds of plugins, without roles and keywords.
var Kinds = []Kind{"become", "cache", "callback", "cliconf", Connect, "httpapi", Invent, Lookup, "netconf", "shell", "vars", Module, "strategy", Test, Filter}

// dir is the directory of a kind in a collection.
func (k Kind) dir() string {
	if k == Module {
		return "modules"
	}
	return string(k)
}

// Doc is what is known of one plugin.
type Doc struct {
	Kind       Kind
	Name       string
	FQCN       string // as shown: "ns.col.name", or the bare name of one's own
	Collection string // "" for one's own
	File       string
	Doc        *value.Dict
	Examples   value.Value // text, or what a file beside the plugin has; nil for none
	Return     *value.Dict
	Metadata   value.Value // nil for none
}

// Place is a plugin that was found, not read.
type Place struct {
	Kind       Kind
	Name       string
	Collection string // "ansible.builtin", "ansible.legacy", "ns.col"
	File       string // "" for what is built in

	brief bool // only DOCUMENTATION is wanted
}

// FQCN is the plugin's full name.
func (p Place) FQCN() string { return p.Collection + "." + p.Name }

// Library is where plugins are looked for.
type Library struct {
	Finder *collection.Finder
	Dirs   func(Kind) []string // directories with one's own plugins of a kind
	Warn   func(string)
}

// ErrNotFound is returned for names that nothing has.
var ErrNotFound = errors.New("was not found")

func broken(format string, args ...any) error {
	msg := fmt.Sprintf(format, args...)
	return &diag.Diagnostic{Code: diag.DocsBroken, Summary: strings.SplitN(msg, "\n", 2)[0], Classic: msg, Exit: diag.ExitError}
}

var rejected = []string{".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".ini", ".cfg", ".retry", ".toml", ".license"}

func isPlugin(name string) bool {
	return !strings.HasPrefix(name, ".") && name != "__init__.py" && !slices.ContainsFunc(rejected, func(e string) bool { return strings.HasSuffix(name, e) })
}

// in lists the plugins of a kind below a directory. Names of plugins in sub-directories of collections have dots.
func in(dir string, k Kind, col string) []Place {
	var out []Place
	seen := map[string]bool{}
	var walk func(dir, prefix string)
	add := func(name, file string) {
		if !seen[name] {
			seen[name] = true
			out = append(out, Place{Kind: k, Name: name, Collection: col, File: file})
		}
	}
	walk = func(dir, prefix string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return
		}
		inner := prefix
		for _, e := range entries {
			name, file := e.Name(), filepath.Join(dir, e.Name())
			if st, err := os.Stat(file); err == nil && st.IsDir() {
				if name != "__pycache__" && !strings.HasPrefix(name, ".") {
					sub := inner + name + "."
					if col == "ansible.legacy" {
						sub = ""
					}
					walk(file, sub)
				}
				continue
			}
			if !isPlugin(name) {
				continue
			}
			ext := filepath.Ext(name)
			base := strings.TrimSuffix(name, ext)
			side := ext == ".yml" || ext == ".yaml" || ext == ".json"
			switch {
			case k == Filter || k == Test:
				if side {
					add(prefix+base, file)
					continue
				}
				data, err := os.ReadFile(file)
				if err != nil || ext != ".py" {
					continue
				}
				for _, n := range jinjaNames(string(data), k) {
					add(prefix+n, file)
				}
			case side:
			case ext == ".py" || k == Module:
				add(prefix+strings.TrimPrefix(base, "_"), file)
			}
		}
	}
	walk(dir, "")
	slices.SortFunc(out, func(a, b Place) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// own are one's own plugins of a kind.
func (l *Library) own(k Kind) []Place {
	var out []Place
	seen := map[string]bool{}
	for _, d := range l.Dirs(k) {
		for _, p := range in(d, k, "ansible.legacy") {
			if !seen[p.Name] {
				seen[p.Name] = true
				out = append(out, p)
			}
		}
	}
	return out
}

// Collections names the installed collections.
func (l *Library) Collections() []string {
	var out []string
	for _, p := range l.Finder.Roots() {
		p = filepath.Join(p, "ansible_collections")
		spaces, _ := os.ReadDir(p)
		for _, ns := range spaces {
			cols, _ := os.ReadDir(filepath.Join(p, ns.Name()))
			for _, c := range cols {
				name := ns.Name() + "." + c.Name()
				if _, ok := l.Finder.Dir(name); ok && strings.Count(name, ".") == 1 && !slices.Contains(out, name) {
					out = append(out, name)
				}
			}
		}
	}
	return out
}

// List lists the plugins of a kind, sorted by full name. filter names collections; without it all are listed.
func (l *Library) List(k Kind, filter []string) ([]Place, error) {
	var out []Place
	all := len(filter) == 0
	cols := filter
	if all {
		cols = append([]string{"ansible.legacy"}, l.Collections()...)
	}
	builtins := false
	for _, c := range cols {
		if strings.Count(c, ".") != 1 {
			return nil, broken("Invalid collection name (must be of the form namespace.collection): %s", c)
		}
		switch c {
		case "ansible.builtin", "ansible.legacy":
			if !builtins {
				builtins = true
				for _, n := range Builtins(k) {
					out = append(out, Place{Kind: k, Name: n, Collection: "ansible.builtin"})
				}
			}
			if c == "ansible.legacy" {
				out = append(out, l.own(k)...)
			}
		default:
			dir, ok := l.Finder.Dir(c)
			if !ok {
				return nil, broken("Cannot use supplied collection %s: unable to locate collection %s. unable to locate collection %s", c, c, c)
			}
			out = append(out, in(filepath.Join(dir, "plugins", k.dir()), k, c)...)
		}
	}
	slices.SortStableFunc(out, func(a, b Place) int { return strings.Compare(a.FQCN(), b.FQCN()) })
	return out, nil
}

// Find finds a plugin by its name, full or bare.
func (l *Library) Find(k Kind, name string) (Place, error) {
	for range 20 { // redirects
		if rest, ok := strings.CutPrefix(name, "ansible.builtin."); ok {
			if _, ok := Builtin(k, rest); ok {
				return Place{Kind: k, Name: rest, Collection: "ansible.builtin"}, nil
			}
			to := collection.Redirect(collection.Kind(k.dir()), rest)
			if to == "" {
				return Place{}, ErrNotFound
			}
			name = to
			continue
		}
		legacy := strings.TrimPrefix(name, "ansible.legacy.")
		if col, rest, ok := collection.Split(name); ok && legacy == name {
			return l.inCollection(k, col, rest)
		}
		for _, p := range l.own(k) {
			if p.Name == legacy || strings.TrimPrefix(p.Name, "_") == legacy {
				return p, nil
			}
		}
		name = "ansible.builtin." + legacy
	}
	return Place{}, ErrNotFound
}

func (l *Library) inCollection(k Kind, col, name string) (Place, error) {
	if r, err := l.Finder.Plugin(collection.Kind(k.dir()), col+"."+name); err == nil && r != nil && r.FQCN != "" {
		if r.Collection == "ansible.builtin" || r.Collection == "ansible.legacy" {
			return l.Find(k, "ansible.builtin."+r.Name)
		}
		col, name = r.Collection, r.Name
	}
	dir, ok := l.Finder.Dir(col)
	if !ok {
		return Place{}, ErrNotFound
	}
	for _, p := range in(filepath.Join(dir, "plugins", k.dir()), k, col) {
		if p.Name == name {
			return p, nil
		}
	}
	return Place{}, ErrNotFound
}

// Brief reads what a plugin is for. Mistakes in what it returns do not matter here.
func (l *Library) Brief(p Place) (*Doc, error) {
	p.brief = true
	return l.Read(p)
}

// Read reads the documentation of a plugin.
func (l *Library) Read(p Place) (*Doc, error) {
	if p.Collection == "ansible.builtin" {
		d, ok := Builtin(p.Kind, p.Name)
		if !ok {
			return nil, ErrNotFound
		}
		return d, nil
	}
	d := &Doc{Kind: p.Kind, Name: p.Name, FQCN: p.FQCN(), Collection: p.Collection, File: p.File}
	col := p.Collection
	if col == "ansible.legacy" {
		d.FQCN, d.Collection, col = strings.TrimSuffix(filepath.Base(p.File), filepath.Ext(p.File)), "", ""
		if p.Kind == Filter || p.Kind == Test || !strings.HasPrefix(d.FQCN, "_") {
			d.FQCN = p.Name
		}
	}
	if err := l.load(d, p); err != nil {
		return nil, err
	}
	if err := l.fragments(d.Doc, p.Kind, col); err != nil {
		return nil, err
	}
	tag(d.Doc, d.Return, p.Kind, col)
	if p.Kind == Module {
		d.Doc.SetStr("has_action", value.Bool(l.hasAction(p)))
	}
	return d, nil
}

func (l *Library) hasAction(p Place) bool {
	if p.Collection != "ansible.legacy" {
		dir, ok := l.Finder.Dir(p.Collection)
		return ok && collection.File(filepath.Join(dir, "plugins", "action"), p.Name) != ""
	}
	for _, d := range l.Dirs("action") {
		if collection.File(d, p.Name) != "" {
			return true
		}
	}
	return false
}

// beside finds the file with documentation beside a plugin.
func beside(file, name string) string {
	base := filepath.Join(filepath.Dir(file), name)
	for _, n := range []string{base, strings.TrimSuffix(file, filepath.Ext(file))} {
		for _, ext := range []string{".yml", ".yaml"} {
			if st, err := os.Stat(n + ext); err == nil && st.Mode().IsRegular() {
				return n + ext
			}
		}
	}
	return ""
}

func (l *Library) load(d *Doc, p Place) error {
	last := p.Name[strings.LastIndexByte(p.Name, '.')+1:]
	side := beside(p.File, last)
	if ext := filepath.Ext(p.File); ext == ".yml" || ext == ".yaml" {
		side = p.File
	}
	shown := d.FQCN
	if side != "" {
		return d.loadSide(side, shown)
	}
	file := p.File
	if (p.Kind == Filter || p.Kind == Test) && strings.TrimSuffix(filepath.Base(file), ".py") != last {
		return missing(p.Kind, shown, fmt.Sprintf("No documentation available for %s (%s)", shown, file))
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	texts := assignments(string(data), 0)
	raw, ok := texts["DOCUMENTATION"]
	if !ok || strings.TrimSpace(raw) == "" {
		return missing(p.Kind, shown, fmt.Sprintf("No documentation available for %s (%s)", shown, file))
	}
	fail := func(err error) error {
		text := err.Error()
		return missing(p.Kind, shown, fmt.Sprintf("%s did not contain a DOCUMENTATION attribute (%s). Unable to parse documentation in python file '%s': %s. %s", shown, file, file, text, text))
	}
	if d.Doc, err = mapping(raw); err != nil {
		return fail(err)
	}
	if d.Doc == nil {
		return missing(p.Kind, shown, fmt.Sprintf("No documentation available for %s (%s)", shown, file))
	}
	if p.brief {
		return nil
	}
	if t, ok := texts["EXAMPLES"]; ok {
		d.Examples = value.Str(t)
	}
	if t, ok := texts["RETURN"]; ok {
		if d.Return, err = mapping(t); err != nil {
			return fail(err)
		}
	}
	d.File = file
	return nil
}

// NoDocs is the mistake of a plugin without documentation that can be read.
type NoDocs struct {
	Kind   Kind
	Name   string
	Reason string
}

func (e *NoDocs) Error() string {
	return fmt.Sprintf("%s %s missing documentation (or could not parse documentation): %s", e.Kind, e.Name, e.Reason)
}

func missing(k Kind, name, reason string) error { return &NoDocs{k, name, reason} }

func (d *Doc) loadSide(file, shown string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	root, err := yamldoc.LoadYAML(data, yamldoc.Options{Data: true})
	if err != nil {
		return missing(d.Kind, shown, fmt.Sprintf("Unable to parse documentation in '%s': %s", file, err))
	}
	top, _ := root.Value().(*value.Dict)
	if top == nil {
		return missing(d.Kind, shown, fmt.Sprintf("No documentation available for %s (%s)", shown, file))
	}
	d.File = file
	doc, ok := top.GetStr("DOCUMENTATION")
	d.Doc, _ = doc.(*value.Dict)
	if !ok || d.Doc == nil {
		return missing(d.Kind, shown, fmt.Sprintf("No documentation available for %s (%s)", shown, file))
	}
	if v, ok := top.GetStr("EXAMPLES"); ok {
		d.Examples = v
	}
	if v, ok := top.GetStr("RETURN"); ok {
		d.Return, _ = v.(*value.Dict)
	}
	return nil
}

// mapping reads a YAML dictionary; nil for an empty text.
func mapping(text string) (*value.Dict, error) {
	root, err := yamldoc.LoadYAML([]byte(text), yamldoc.Options{Data: true})
	if err != nil {
		return nil, err
	}
	d, _ := root.Value().(*value.Dict)
	if d == nil {
		return nil, nil
	}
	// Aliases of a document share dictionaries and lists, and they are changed.
	return value.MapLeaves(d, nil).(*value.Dict), nil
}

// fragments adds what extends_documentation_fragment names. What the plugin says itself wins.
func (l *Library) fragments(doc *value.Dict, k Kind, col string) error {
	v, ok := doc.GetStr("extends_documentation_fragment")
	if !ok {
		return nil
	}
	doc.DeleteStr("extends_documentation_fragment")
	var names []string
	switch t := v.(type) {
	case value.Str:
		for n := range strings.SplitSeq(string(t), ",") {
			names = append(names, strings.TrimSpace(n))
		}
	case *value.List:
		for _, e := range t.Elems {
			s, _ := value.AsString(e)
			names = append(names, s)
		}
	}
	for _, n := range names {
		frag, from, err := l.fragment(n)
		if err != nil {
			return err
		}
		if frag == nil {
			continue
		}
		tag(frag, nil, k, from)
		for key, fv := range frag.All() {
			name, _ := value.AsString(key)
			have, ok := doc.GetStr(name)
			switch {
			case !ok:
				doc.SetStr(name, fv)
			case name == "options" || name == "attributes":
				hd, hok := have.(*value.Dict)
				fd, fok := fv.(*value.Dict)
				if hok && fok {
					for ok2, ov := range fd.All() {
						if mine, taken, _ := hd.Get(ok2); !taken {
							_ = hd.Set(ok2, ov) // the key was hashable before
						} else if md, isDict := mine.(*value.Dict); isDict {
							if od, isDict := ov.(*value.Dict); isDict {
								for ik, iv := range od.All() {
									if _, there, _ := md.Get(ik); !there {
										_ = md.Set(ik, iv)
									}
								}
							}
						}
					}
				}
			default:
				hl, hok := have.(*value.List)
				fl, fok := fv.(*value.List)
				if !hok || !fok {
					continue
				}
				both := append(slices.Clone(hl.Elems), fl.Elems...)
				if name != "notes" && name != "seealso" { // Ansible sorts what it joins here
					slices.SortStableFunc(both, func(a, b value.Value) int {
						as, _ := value.ToStr(a)
						bs, _ := value.ToStr(b)
						return strings.Compare(as, bs)
					})
				}
				doc.SetStr(name, value.NewList(both...))
			}
		}
	}
	return nil
}

// fragment reads "name", "name.part", "ns.col.name" or "ns.col.name.part"; from is its collection.
func (l *Library) fragment(name string) (frag *value.Dict, from string, err error) {
	part := "DOCUMENTATION"
	file := ""
	from = ""
	if p := strings.Split(name, "."); len(p) >= 3 && !(p[0] == "ansible" && p[1] == "builtin") {
		from = p[0] + "." + p[1]
		dir, ok := l.Finder.Dir(from)
		if !ok {
			return nil, "", broken("unknown doc_fragment(s) in file: %s", name)
		}
		file = filepath.Join(dir, "plugins", "doc_fragments", p[2]+".py")
		if len(p) > 3 {
			part = strings.ToUpper(p[3])
		}
	} else {
		bare := strings.TrimPrefix(name, "ansible.builtin.")
		base, sub, has := strings.Cut(bare, ".")
		if has {
			part = strings.ToUpper(sub)
		}
		for _, d := range l.Dirs("doc_fragment") {
			if st, err := os.Stat(filepath.Join(d, base+".py")); err == nil && st.Mode().IsRegular() {
				file = filepath.Join(d, base+".py")
			}
		}
		if file == "" {
			return builtinFragment(base, part), "ansible.builtin", nil
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, "", broken("unknown doc_fragment(s) in file: %s", name)
	}
	for _, depth := range []int{4, 2, 8, 1} {
		if text, ok := assignments(string(data), depth)[part]; ok {
			frag, err = mapping(text)
			if err != nil {
				return nil, "", broken("the documentation fragment %s cannot be read: %s", name, err)
			}
			return frag, from, nil
		}
	}
	return nil, "", broken("unknown doc_fragment(s) in file: %s", name)
}

// fragmentOf names, for fragments of ansible.builtin that hold options, a plugin that has exactly these options.
var fragmentOf = map[string][2]string{
	"files": {"module", "file"}, "backup": {"module", "copy"}, "validate": {"module", "copy"}, "decrypt": {"module", "copy"}, "url": {"module", "uri"},
	"constructed": {"inventory", "constructed"}, "connection_pipelining": {"connection", "local"}, "default_callback": {"callback", "default"},
	"result_format_callback": {"callback", "default"}, "shell_common": {"shell", "sh"}, "inventory_cache": {"inventory", "constructed"}, "vars_plugin_staging": {"vars", "host_group_vars"},
}

// fragmentOptions are the options of those fragments.
var fragmentOptions = map[string][]string{
	"files":  {"mode", "owner", "group", "seuser", "serole", "setype", "selevel", "unsafe_writes", "attributes"},
	"backup": {"backup"}, "validate": {"validate"}, "decrypt": {"decrypt"}, "connection_pipelining": {"pipelining"}, "vars_plugin_staging": {"stage"},
	"result_format_callback": {"result_format", "pretty_results"}, "constructed": {"strict", "compose", "groups", "keyed_groups", "use_extra_vars", "leading_separator"},
	"inventory_cache": {"cache", "cache_plugin", "cache_timeout", "cache_connection", "cache_prefix"},
	"url":             {"url", "force", "http_agent", "use_proxy", "validate_certs", "url_username", "url_password", "force_basic_auth", "client_cert", "client_key", "use_gssapi"},
}

// builtinFragment is a fragment of ansible.builtin, taken from a plugin that has it.
func builtinFragment(base, part string) *value.Dict {
	src, ok := fragmentOf[base]
	if !ok {
		return value.NewDict()
	}
	d, ok := Builtin(Kind(src[0]), src[1])
	if !ok {
		return value.NewDict()
	}
	have := sub(d.Doc, "options")
	out := value.NewDict()
	if base == "default_callback" || base == "shell_common" {
		out = have
	}
	for _, n := range fragmentOptions[base] {
		if v, ok := have.GetStr(n); ok {
			out.SetStr(n, v)
		}
	}
	_ = part
	return value.DictOf("options", out)
}

// tag writes into documentation which collection its versions belong to.
func tag(doc, ret *value.Dict, k Kind, col string) {
	mark := func(d *value.Dict) {
		if _, ok := d.GetStr("version_added"); ok {
			if _, ok := d.GetStr("version_added_collection"); !ok {
				d.SetStr("version_added_collection", value.Str(col))
			}
		}
	}
	deprecated := func(d *value.Dict, key string) {
		dep := sub(d, "deprecated")
		if dep.Len() > 0 {
			if _, ok := dep.GetStr(key); !ok {
				dep.SetStr(key, value.Str(col))
			}
		}
	}
	var options func(o *value.Dict)
	options = func(o *value.Dict) {
		for _, v := range o.All() {
			d, ok := v.(*value.Dict)
			if !ok {
				continue
			}
			mark(d)
			if k != Module {
				deprecated(d, "collection_name")
				for _, where := range []string{"env", "ini", "vars"} {
					l, _ := get(d, where).(*value.List)
					if l == nil {
						continue
					}
					for _, e := range l.Elems {
						if ed, ok := e.(*value.Dict); ok {
							mark(ed)
							deprecated(ed, "collection_name")
						}
					}
				}
			}
			options(sub(d, "suboptions"))
		}
	}
	if doc != nil {
		mark(doc)
		deprecated(doc, "removed_from_collection")
		options(sub(doc, "options"))
	}
	var returns func(r *value.Dict)
	returns = func(r *value.Dict) {
		for _, v := range r.All() {
			if d, ok := v.(*value.Dict); ok {
				mark(d)
				returns(sub(d, "contains"))
			}
		}
	}
	if ret != nil {
		returns(ret)
	}
}
