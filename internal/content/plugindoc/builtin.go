package plugindoc

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the tables
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/troupe-automation/troupe/value"
)

// builtinData are the options and results of everything in ansible.builtin, by kind and name, as compressed JSON.
//
//go:embed builtin.json.gz
var builtinData []byte

// summaryData says in a line what each of them is for: kind, name, text.
//
//go:embed summaries.txt
var summaryData string

// builtin is the table, unpacked on first use.
var builtin = sync.OnceValue(func() *value.Dict {
	zr, err := gzip.NewReader(bytes.NewReader(builtinData))
	if err != nil {
		return value.NewDict()
	}
	text, err := io.ReadAll(zr)
	if err != nil {
		return value.NewDict()
	}
	v, err := value.ParseJSON(string(text))
	if err != nil {
		return value.NewDict()
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return value.NewDict()
	}
	return d
})

var summaries = sync.OnceValue(func() map[[2]string]string {
	out := map[[2]string]string{}
	for line := range strings.Lines(summaryData) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
		if len(f) == 3 {
			out[[2]string{f[0], f[1]}] = f[2]
		}
	}
	return out
})

// Builtins names what ansible.builtin has of a kind, sorted.
func Builtins(k Kind) []string {
	d := sub(builtin(), string(k))
	var out []string
	for n := range d.All() {
		s, _ := value.AsString(n)
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// sub is a dictionary in a dictionary, empty when it is not there.
func sub(d *value.Dict, key string) *value.Dict {
	if d == nil {
		return value.NewDict()
	}
	v, _ := d.GetStr(key)
	if s, ok := v.(*value.Dict); ok {
		return s
	}
	return value.NewDict()
}

// Builtin describes something of ansible.builtin.
func Builtin(k Kind, name string) (*Doc, bool) {
	v, ok := sub(builtin(), string(k)).GetStr(name)
	if !ok {
		return nil, false
	}
	src := v.(*value.Dict)
	text := summaries()[[2]string{string(k), name}]
	doc := value.DictOf("short_description", value.Str(text), "description", value.NewList(value.Str(text+".")), "author", value.NewList(value.Str("Troupe")))
	if k == Module {
		doc.SetStr("module", value.Str(name))
		_, has := src.GetStr("has_action")
		doc.SetStr("has_action", value.Bool(has))
	} else {
		doc.SetStr("name", value.Str(name))
	}
	if o := sub(src, "options"); o.Len() > 0 {
		doc.SetStr("options", described(o))
	}
	for _, key := range []string{"attributes", "version_added", "positional"} {
		if v, ok := src.GetStr(key); ok && v != value.None {
			doc.SetStr(key, v)
		}
	}
	d := &Doc{Kind: k, Name: name, FQCN: "ansible.builtin." + name, Collection: "ansible.builtin", Doc: doc}
	if r := sub(src, "returns"); r.Len() > 0 {
		d.Return = described(r)
	}
	tag(d.Doc, d.Return, k, "ansible.builtin")
	return d, true
}

// described copies options or results and gives each a description: none of its own is known, only its type.
func described(src *value.Dict) *value.Dict {
	out := value.NewDict()
	for k, v := range src.All() {
		e := v.(*value.Dict).Copy()
		e.SetStr("description", value.NewList())
		for _, inner := range []string{"suboptions", "contains"} {
			if s := sub(e, inner); s.Len() > 0 {
				e.SetStr(inner, described(s))
			}
		}
		_ = out.Set(k, e) // the key was hashable before
	}
	return out
}

// Keyword describes a keyword of playbooks.
func Keyword(name string) (*value.Dict, bool) {
	v, ok := sub(builtin(), "keyword").GetStr(name)
	if !ok {
		return nil, false
	}
	src := v.(*value.Dict)
	out := value.NewDict()
	out.SetStr("applies_to", get(src, "applies_to"))
	out.SetStr("description", value.Str(summaries()[[2]string{"keyword", name}]))
	out.SetStr("priority", get(src, "priority"))
	template := value.Str("explicit")
	if _, static := src.GetStr("static"); static {
		template = "static"
	}
	out.SetStr("template", template)
	out.SetStr("type", get(src, "type"))
	return out, true
}

func get(d *value.Dict, key string) value.Value {
	if v, ok := d.GetStr(key); ok {
		return v
	}
	return value.None
}
