package doc

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/plugindoc"
	"github.com/troupe-automation/troupe/internal/lang/yamlout"
	"github.com/troupe-automation/troupe/value"
)

// renderer writes documentation as text. The layout is that of ansible-doc off a terminal.
type renderer struct {
	lib     *plugindoc.Library
	width   int // of paragraphs
	columns int // of the output
	verbose bool
}

var errNoDescription = errors.New("All (sub-)options and return values must have a 'description' field") //nolint:staticcheck // Ansible's words

var (
	plainMark    = regexp.MustCompile(`\b([IBCMUR])\(([^)]+)\)`)
	linkMark     = regexp.MustCompile(`\bL\(([^)]+?), *([^)]+)\)`)
	semanticMark = regexp.MustCompile(`\b(P|O|RV|V|E)\(((?:[^\\)]+|\\.)+)\)`)
	rstRole      = regexp.MustCompile(":(?:ref|term|doc|keyword):`([^`<]+?)(?: *<[^>]*>)?`")
	escaped      = regexp.MustCompile(`\\(.)`)
)

// markup turns the marks of documentation, as in O(name=value), into text.
func (r *renderer) markup(t string) string {
	t = linkMark.ReplaceAllString(t, "$1 <$2>")
	t = semanticMark.ReplaceAllStringFunc(t, func(m string) string {
		p := semanticMark.FindStringSubmatch(m)
		return semantic(p[1], escaped.ReplaceAllString(p[2], "$1"))
	})
	t = plainMark.ReplaceAllStringFunc(t, func(m string) string {
		p := plainMark.FindStringSubmatch(m)
		switch p[1] {
		case "I":
			return "`" + p[2] + "`"
		case "B":
			return "*" + p[2] + "*"
		case "C":
			return "`" + p[2] + "'"
		case "M":
			return "[" + p[2] + "]"
		case "R":
			text, _, _ := strings.Cut(p[2], ",")
			return text
		}
		return p[2]
	})
	t = strings.ReplaceAll(t, "HORIZONTALLINE", "\n-------------\n")
	return rstRole.ReplaceAllString(t, "`$1`")
}

// semantic writes options, results, plugins and values.
func semantic(kind, text string) string {
	switch kind {
	case "V", "E":
		return "`" + text + "'"
	case "P":
		name, _, _ := strings.Cut(text, "#")
		return "[[" + name + "]]"
	}
	from := ""
	if rest, ok := strings.CutPrefix(text, "ignore:"); ok {
		text = rest
	} else if plugin, rest, ok := strings.Cut(text, "#"); ok {
		what, name, has := strings.Cut(rest, ":")
		if has {
			entry := ""
			if what == "role" {
				if e, n, ok := strings.Cut(name, ":"); ok {
					entry, name = e, n
				}
			}
			switch what {
			case "role", "module", "playbook":
			default:
				what += " plugin"
			}
			from = " (of " + what + " " + plugin
			if entry != "" {
				from += ", " + entry + " entrypoint"
			}
			from += ")"
			text = name
		}
	}
	return "`" + text + "'" + from
}

// fill wraps paragraphs as Python's textwrap does, without breaking words.
func fill(text string, width int, first, rest string) string {
	var out []string
	for _, para := range strings.Split(text, "\n\n") {
		line, empty := first, true
		for _, w := range words(para) {
			lead := ""
			if !empty {
				lead = w.space
			}
			if !empty && runes(line)+len(lead)+runes(w.text) > width {
				out = append(out, line)
				line, lead = rest, ""
			}
			line += lead + w.text
			empty = false
		}
		if !empty {
			out = append(out, line)
		}
		first = rest
	}
	return strings.Join(out, "\n")
}

type word struct{ space, text string }

// words splits at white space and keeps its length: textwrap makes blanks of line ends but does not join them.
func words(t string) []word {
	t = strings.Map(func(r rune) rune {
		switch r {
		case '\n', '\t', '\r', '\v', '\f':
			return ' '
		}
		return r
	}, strings.ReplaceAll(t, "\t", "        "))
	var out []word
	for t != "" {
		trimmed := strings.TrimLeft(t, " ")
		space := t[:len(t)-len(trimmed)]
		end := strings.IndexByte(trimmed, ' ')
		if end < 0 {
			end = len(trimmed)
		}
		if end > 0 {
			out = append(out, word{space, trimmed[:end]})
		}
		t = trimmed[end:]
	}
	return out
}

func runes(s string) int { return len([]rune(s)) }

// lines are the paragraphs of a description: a text or a list of texts.
func lines(v value.Value) []string {
	switch t := v.(type) {
	case *value.List:
		var out []string
		for _, e := range t.Elems {
			s, _ := value.ToStr(e)
			out = append(out, s)
		}
		return out
	case nil, value.NoneType:
		return nil
	}
	s, _ := value.ToStr(v)
	return []string{s}
}

// yaml writes keys and values, indented.
func yaml(v value.Value, indent string, flow yamlout.Flow) string {
	text, err := yamlout.Dump(v, yamlout.Options{FlowStyle: flow, Unicode: true})
	if err != nil {
		return ""
	}
	var out []string
	for _, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		out = append(out, indent+l)
	}
	return strings.Join(out, "\n")
}

// entry writes one key of an option. Lists stand in brackets.
func entry(key string, v value.Value, indent string) string {
	if _, ok := v.(*value.List); !ok {
		return yaml(value.DictOf(key, v), indent, yamlout.Block)
	}
	return indent + key + ": " + strings.TrimPrefix(yaml(v, indent, yamlout.Always), indent)
}

// added is the text about the version something came with.
func added(version, col string) string {
	text := "version " + version
	switch col {
	case "":
		return text
	case "ansible.builtin":
		return text + " of ansible-core"
	}
	return text + " of " + col
}

// fields writes options or results, sorted by name.
func (r *renderer) fields(b *[]string, fields *value.Dict, results bool, indent, base string) error {
	for _, name := range keys(fields) {
		raw, _ := fields.GetStr(name)
		src, ok := raw.(*value.Dict)
		if !ok {
			return errNoDescription
		}
		o := src.Copy()
		*b = append(*b, "")
		required := pop(o, "required") == value.Value(value.True)
		lead := "-"
		if required && !results {
			lead = "="
		}
		key := base + lead + " " + name
		about, has := o.GetStr("description")
		if !has {
			return errNoDescription
		}
		o.DeleteStr("description")
		*b = append(*b, r.described(key, base, indent, lines(about)))
		pre := value.NewDict()
		for _, k := range []string{"aliases", "choices"} {
			if v := pop(o, k); v != nil && v != value.None {
				pre.SetStr(k, v)
			}
		}
		if !results {
			if v, ok := o.GetStr("default"); ok {
				o.DeleteStr("default")
				pre.SetStr("default", v)
			} else if !required {
				pre.SetStr("default", value.None)
			}
		} else if v, ok := o.GetStr("default"); ok {
			o.DeleteStr("default")
			pre.SetStr("default", v)
		}
		version, col := text(pop(o, "version_added")), text(pop(o, "version_added_collection"))
		inner := value.NewDict()
		var groups []string
		for _, k := range []string{"options", "suboptions", "contains", "spec"} {
			if d, ok := o.GetStr(k); ok {
				if dd, ok := d.(*value.Dict); ok && dd.Len() > 0 {
					inner.SetStr(k, dd)
					groups = append(groups, k)
				}
				o.DeleteStr(k)
			}
		}
		if via := r.sources(o); via.Len() > 0 {
			*b = append(*b, yaml(value.DictOf("set_via", via), indent, yamlout.Block))
		}
		for _, k := range []string{"aliases", "choices", "default"} {
			if v, ok := pre.GetStr(k); ok {
				*b = append(*b, entry(k, v, indent))
			}
		}
		for _, k := range keys(o) {
			if strings.HasPrefix(k, "_") && k != "_prefix" || k == "cli" || k == "keyword" {
				continue
			}
			v, _ := o.GetStr(k)
			if k == "deprecated" {
				if d, ok := v.(*value.Dict); ok {
					v = without(d, "collection_name", "removed_from_collection")
				}
			}
			line := entry(k, v, indent)
			if _, ok := v.(value.Str); ok {
				line = r.markup(line)
			}
			*b = append(*b, line)
		}
		if version != "" && (r.verbose || base != "") {
			*b = append(*b, indent+"added in: "+added(version, coreless(col)))
		}
		for _, g := range groups {
			d, _ := inner.GetStr(g)
			*b = append(*b, indent+g+":")
			if err := r.fields(b, d.(*value.Dict), results, indent+"  ", indent); err != nil {
				return err
			}
		}
	}
	return nil
}

// coreless leaves the name of the builtin collection out of versions of options.
func coreless(col string) string {
	if col == "ansible.builtin" {
		return "ansible-core"
	}
	return col
}

// described is the first lines of an option: its name, and what it is for beside it.
func (r *renderer) described(key, base, indent string, paras []string) string {
	rest := strings.Repeat(" ", max(len(key), len(indent))+3)
	if base != "" {
		rest = strings.Repeat(" ", len(key)+3)
	}
	var out []string
	for i, p := range paras {
		p = r.markup(p)
		if i > 0 {
			out = append(out, fill(p, r.width, rest, rest))
			continue
		}
		gap := indent
		if base == "" {
			gap = strings.Repeat(" ", max(0, len(indent)-len(key))+2)
		}
		out = append(out, key+fill(p, r.width, gap, rest))
	}
	if len(out) == 0 {
		return key
	}
	return strings.Join(out, "\n")
}

// sources takes out what sets an option: environment, ansible.cfg, variables.
func (r *renderer) sources(o *value.Dict) *value.Dict {
	via := value.NewDict()
	for _, k := range []string{"env", "ini", "vars", "yaml"} {
		l, ok := pop(o, k).(*value.List)
		if !ok || len(l.Elems) == 0 {
			continue
		}
		list := value.NewList()
		for _, e := range l.Elems {
			d, ok := e.(*value.Dict)
			if !ok {
				continue
			}
			c := d.Copy()
			version, col := text(pop(c, "version_added")), text(pop(c, "version_added_collection"))
			if version != "" && r.verbose {
				if col == "" || col == "ansible.builtin" {
					col = "ansible-core"
				}
				c.SetStr("added_in", value.Str("version "+version+" of "+col))
			}
			if dep, ok := c.GetStr("deprecated"); ok {
				if dd, ok := dep.(*value.Dict); ok {
					c.SetStr("deprecated", without(dd, "collection_name"))
				}
			}
			list.Elems = append(list.Elems, c)
		}
		via.SetStr(k, list)
	}
	return via
}

func without(d *value.Dict, names ...string) *value.Dict {
	c := d.Copy()
	for _, n := range names {
		c.DeleteStr(n)
	}
	return c
}

func pop(d *value.Dict, key string) value.Value {
	v, ok := d.GetStr(key)
	if !ok {
		return nil
	}
	d.DeleteStr(key)
	return v
}

func text(v value.Value) string {
	if v == nil || v == value.None {
		return ""
	}
	s, _ := value.ToStr(v)
	return s
}

func keys(d *value.Dict) []string {
	var out []string
	for k := range d.All() {
		s, _ := value.ToStr(k)
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// plugin writes the documentation of one plugin.
func (r *renderer) plugin(d *plugindoc.Doc) (string, error) {
	const indent = "        "
	doc := d.Doc.Copy()
	file := d.File
	if file == "" {
		file = "built in"
	}
	b := []string{fmt.Sprintf("> %s %s (%s)", strings.ToUpper(string(d.Kind)), d.FQCN, file), ""}
	about := pop(doc, "description")
	for _, p := range lines(about) {
		b = append(b, fill(r.markup(p), r.width, "  ", "  "))
	}
	b = append(b, r.deprecated(pop(doc, "deprecated"))...)
	if pop(doc, "has_action") == value.Value(value.True) {
		b = append(b, "", "  * note: This module has a corresponding action plugin.")
	}
	if o, ok := pop(doc, "options").(*value.Dict); ok && o.Len() > 0 {
		b = append(b, "", "OPTIONS (= indicates it is required):")
		if err := r.fields(&b, o, false, indent, ""); err != nil {
			return "", err
		}
	}
	if a, ok := pop(doc, "attributes").(*value.Dict); ok && a.Len() > 0 {
		b = append(b, "", "ATTRIBUTES:")
		b = r.attributes(b, a, indent)
	}
	if n := lines(pop(doc, "notes")); len(n) > 0 {
		b = append(b, "", "NOTES:")
		for _, one := range n {
			b = append(b, fill(r.markup(one), r.width-6, "      * ", indent))
		}
	}
	if l, ok := pop(doc, "seealso").(*value.List); ok && len(l.Elems) > 0 {
		b = append(b, "", "SEE ALSO:")
		for _, e := range l.Elems {
			if one, ok := e.(*value.Dict); ok {
				b = append(b, r.also(one)...)
			}
		}
	}
	if req := lines(pop(doc, "requirements")); len(req) > 0 {
		b = append(b, "", "REQUIREMENTS:"+fill(r.markup(strings.Join(req, ", ")), r.width-16, "  ", indent), "")
	}
	version, col := text(pop(doc, "version_added")), text(pop(doc, "version_added_collection"))
	if version != "" && version != "historical" && r.verbose {
		b = append(b, "", "ADDED_IN: "+added(version, coreless(col)))
	}
	b = append(b, r.others(doc, d)...)
	b = append(b, r.examples(d)...)
	if d.Return != nil && d.Return.Len() > 0 {
		b = append(b, "", "RETURN VALUES:")
		if err := r.fields(&b, d.Return, true, indent, ""); err != nil {
			return "", err
		}
	}
	return strings.Join(b, "\n") + "\n\n", nil
}

func (r *renderer) deprecated(v value.Value) []string {
	switch d := v.(type) {
	case *value.Dict:
		out := []string{"DEPRECATED: "}
		why, _ := d.GetStr("why")
		out = append(out, "\tReason: "+text(why))
		if date, ok := d.GetStr("removed_at_date"); ok {
			out = append(out, "\tWill be removed in a release after "+text(date))
		} else {
			in, ok := d.GetStr("removed_in")
			if !ok {
				in, _ = d.GetStr("version")
			}
			out = append(out, "\tWill be removed in: Ansible "+text(in))
		}
		alt, ok := d.GetStr("alternatives")
		if !ok {
			alt, _ = d.GetStr("alternative")
		}
		return append(out, "\tAlternatives: "+text(alt))
	case nil, value.NoneType:
		return nil
	}
	return []string{"DEPRECATED: ", "\t" + text(v)}
}

func (r *renderer) attributes(b []string, a *value.Dict, indent string) []string {
	for key, v := range a.All() {
		n, _ := value.ToStr(key)
		d, ok := v.(*value.Dict)
		if !ok {
			continue
		}
		b = append(b, "", indent+"`"+n+":`")
		for _, k := range keys(d) {
			if k == "version_added_collection" {
				continue
			}
			dv, _ := d.GetStr(k)
			if k == "description" {
				dv = value.Str(r.markup(strings.Join(lines(dv), " ")))
			}
			b = append(b, yaml(value.DictOf(k, dv), indent, yamlout.Block))
		}
	}
	return b
}

const docSite = "https://docs.ansible.com/ansible-core/2.18/"

// also writes one reference.
func (r *renderer) also(one *value.Dict) []string {
	const first, rest = "      * ", "           "
	get := func(k string) string { v, _ := one.GetStr(k); return text(v) }
	about := get("description")
	var out []string
	say := func(t string) { out = append(out, fill(t, r.width-6, first, rest)) }
	more := func(t string) {
		if t != "" {
			out = append(out, fill(r.markup(t), r.width-6, rest, rest))
		}
	}
	page := func(name, kind string) string {
		if p := strings.Split(name, "."); len(p) == 3 && p[0] == "ansible" && p[1] == "builtin" {
			return rest + docSite + "collections/ansible/builtin/" + p[2] + "_" + kind + ".html"
		}
		return ""
	}
	switch {
	case get("module") != "":
		n := get("module")
		say("Module " + n)
		url := page(n, "module")
		if about == "" && url != "" {
			about = "The official documentation on the " + n + " module."
		}
		more(about)
		if url != "" {
			out = append(out, url)
		}
	case get("plugin") != "":
		n, kind := get("plugin"), get("plugin_type")
		what := kind + " plugin"
		if kind == "module" || kind == "role" {
			what = kind
		}
		say(strings.ToUpper(what[:1]) + what[1:] + " " + n)
		url := page(n, kind)
		if about == "" && url != "" {
			about = "The official documentation on the " + n + " " + what + "."
		}
		more(about)
		if url != "" {
			out = append(out, url)
		}
	case get("name") != "" && get("link") != "":
		say(r.markup(get("name")))
		more(about)
		out = append(out, rest+get("link"))
	case get("ref") != "":
		say("Ansible documentation [" + get("ref") + "]")
		more(about)
		out = append(out, rest+docSite+"#stq="+get("ref")+"&stp=1")
	}
	return out
}

// others writes the keys that have no section of their own.
func (r *renderer) others(doc *value.Dict, d *plugindoc.Doc) []string {
	for _, k := range []string{"short_description", "filename", "collection", "plugin_name", "docuri", "now_date", "plainexamples", "metadata", "examples", "returndocs", string(d.Kind)} {
		doc.DeleteStr(k)
	}
	var out []string
	for _, k := range keys(doc) {
		v, _ := doc.GetStr(k)
		if v == value.None {
			continue
		}
		switch t := v.(type) {
		case *value.Dict:
			out = append(out, "", strings.ToUpper(k)+": ", yaml(t, "        ", yamlout.Block))
		case *value.List:
			out = append(out, "", strings.ToUpper(k)+": "+r.markup(strings.Join(lines(t), ", ")))
		default:
			label := strings.ToUpper(k) + ": "
			out = append(out, "", label+strings.TrimPrefix(fill(r.markup(strings.Join(lines(v), ", ")), r.width-len(k)-2, "", "        "), ""))
		}
	}
	return out
}

func (r *renderer) examples(d *plugindoc.Doc) []string {
	switch t := d.Examples.(type) {
	case nil, value.NoneType:
		return nil
	case value.Str:
		return []string{"", "EXAMPLES:", strings.TrimSpace(string(t))}
	default:
		return []string{"", "EXAMPLES:", yaml(t, "", yamlout.Block)}
	}
}

// role writes the specification of a role.
func (r *renderer) role(d plugindoc.RoleDoc, entry string) (string, error) {
	const indent = "          "
	b := []string{fmt.Sprintf("> ROLE: *%s* (%s)", d.Name, d.Dir)}
	for k, v := range d.Entries.All() {
		name, _ := value.AsString(k)
		src, ok := v.(*value.Dict)
		if !ok || entry != "" && name != entry {
			continue
		}
		doc := src.Copy()
		b = append(b, "")
		head := "ENTRY POINT: *" + name + "*"
		if short := text(pop(doc, "short_description")); short != "" {
			head += " - " + r.markup(short)
		}
		b = append(b, head, "")
		for _, p := range lines(pop(doc, "description")) {
			b = append(b, fill(r.markup(p), r.width, indent, indent))
		}
		if o, ok := pop(doc, "options").(*value.Dict); ok && o.Len() > 0 {
			b = append(b, "", "Options (= indicates it is required):")
			if err := r.fields(&b, o, false, indent, ""); err != nil {
				return "", err
			}
		}
		if a, ok := pop(doc, "attributes").(*value.Dict); ok && a.Len() > 0 {
			b = append(b, "", "ATTRIBUTES:")
			b = r.attributes(b, a, indent)
		}
		examples := pop(doc, "examples")
		b = append(b, r.others(doc, &plugindoc.Doc{Kind: plugindoc.Role})...)
		b = append(b, r.examples(&plugindoc.Doc{Examples: examples})...)
	}
	return strings.Join(b, "\n") + "\n", nil
}

// snippet writes something to paste into a playbook.
func (r *renderer) snippet(d *plugindoc.Doc) (string, error) {
	doc := d.Doc
	opts, _ := doc.GetStr("options")
	o, _ := opts.(*value.Dict)
	if o == nil {
		o = value.NewDict()
	}
	name := d.Name[strings.LastIndexByte(d.Name, '.')+1:]
	short, _ := doc.GetStr("short_description")
	switch d.Kind {
	case plugindoc.Module:
		out := "- name: " + r.markup(text(short)) + "\n  " + name + ":\n"
		out += r.pasted(o)
		return out, nil
	case plugindoc.Lookup:
		return lookupSnippet(name, o), nil
	case plugindoc.Invent:
		if _, ok := o.GetStr("plugin"); !ok {
			return "", fmt.Errorf("The %s inventory plugin does not take YAML type config source that can be used with the \"auto\" plugin so a snippet cannot be created.", d.FQCN) //nolint:staticcheck // Ansible's words
		}
		return "plugin: " + d.FQCN + "\n" + r.pasted(without(o, "plugin")), nil
	}
	return "", errors.New("Only the following plugin types support snippets: inventory, lookup, module") //nolint:staticcheck // Ansible's words
}

// pasted writes options with what they are for as comments.
func (r *renderer) pasted(o *value.Dict) string {
	const pad = 29
	var b strings.Builder
	for _, name := range keys(o) {
		v, _ := o.GetStr(name)
		d, ok := v.(*value.Dict)
		if !ok {
			continue
		}
		about, _ := d.GetStr("description")
		t := r.markup(strings.Join(lines(about), " "))
		if req, _ := d.GetStr("required"); req == value.Value(value.True) {
			t = "(required) " + t
		}
		t = fill(t, r.columns-pad, "", strings.Repeat(" ", pad)+"# ")
		fmt.Fprintf(&b, "      %-20s   # %s\n", name+":", t)
	}
	return b.String()
}

func lookupSnippet(name string, o *value.Dict) string {
	var b strings.Builder
	call := "lookup('" + name + "'"
	if terms, ok := o.GetStr("_terms"); ok {
		if d, ok := terms.(*value.Dict); ok {
			kind, _ := d.GetStr("type")
			about, _ := d.GetStr("description")
			fmt.Fprintf(&b, "# _terms(%s): %s\n\n", orText(text(kind), "string"), strings.Join(lines(about), " "))
		}
		call += ", < _terms >"
	}
	var rest []string
	for k := range o.All() {
		n, _ := value.ToStr(k)
		if n != "_terms" && !strings.HasPrefix(n, "_") {
			rest = append(rest, n+"=< "+n+" >")
		}
	}
	slices.Sort(rest)
	for _, one := range rest {
		call += ", " + one
	}
	return b.String() + call + ")\n"
}

func orText(a, b string) string {
	if a == "" {
		return b
	}
	return a
}
