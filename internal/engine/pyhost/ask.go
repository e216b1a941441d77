package pyhost

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/vars"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

// question is what a plugin asks while it runs.
type question struct {
	h    *Host
	ctx  context.Context
	s    *Scope
	args *value.Dict
}

func (q *question) text(name string) string { v, _ := q.args.GetStr(name); return plain(v) }

func (q *question) list(name string) []value.Value {
	v, _ := q.args.GetStr(name)
	switch v := v.(type) {
	case *value.List:
		return v.Elems
	case *value.Tuple:
		return v.Elems
	}
	return nil
}

func (q *question) dict(name string) *value.Dict {
	v, _ := q.args.GetStr(name)
	d, _ := v.(*value.Dict)
	return d
}

// templar is the task's, or one without variables.
func (q *question) templar() *template.Templar {
	if q.s.Templar != nil {
		return q.s.Templar
	}
	t := q.h.Templates.New(&vars.Scope{})
	t.Basedir = q.h.Search.Basedir()
	return t
}

// within is the templar with the variables that the plugin gave: more of them over the task's, or others altogether.
func (q *question) within() *template.Templar {
	t := q.templar()
	v, _ := q.args.GetStr("variables")
	switch v := v.(type) {
	case *overlay:
		if v.vars.Len() > 0 {
			return t.With(v.vars)
		}
	case *value.Dict:
		n := t.Engine.New(&vars.Scope{Layers: []vars.Layer{{Name: "plugin", Vars: v}}})
		n.SearchPath, n.Basedir, n.Context, n.Warn = t.SearchPath, t.Basedir, t.Context, t.Warn
		return n
	}
	return t
}

// questions are all there are, by name. Those of actions and connections are answered by Scope.Ask.
var questions map[string]func(*question) (value.Value, error)

func init() {
	// Assigned here because templates lead back to plugins, and these to this table.
	questions = map[string]func(*question) (value.Value, error){
		"var": askVar, "raw": askRaw, "raws": askRaws, "item": askItem, "keys": askKeys, "template": askTemplate,
		"filter": askFilter, "test": askTest, "exists": askExists, "lookup": askLookup,
		"find": askFind, "find_all": askFindAll, "native": askNative, "moved": askMoved,
		"setting": askSetting, "option": askOption, "options": askOptions, "option_names": askOptionNames, "declare": askDeclare,
		"yaml": askYAML, "read": askRead, "decrypt": askDecrypt, "prompt": askPrompt,
	}
}

func (h *Host) ask(ctx context.Context, op string, args *value.Dict, s *Scope) (value.Value, error) {
	decoded, err := s.decode(nil, args, op == "template")
	if err != nil {
		return nil, err
	}
	args, _ = decoded.(*value.Dict)
	if f := questions[op]; f != nil {
		return f(&question{h, ctx, s, args})
	}
	if s.Ask != nil {
		if v, ok, err := s.Ask(op, args); ok || err != nil {
			return v, err
		}
	}
	return nil, value.Errorf("AnsibleError", "a plugin asks for something that is not offered here: %s", op)
}

func found(v value.Value) value.Value { return value.DictOf("ok", value.True, "v", v) }

func notFound() value.Value { return value.DictOf("ok", value.False) }

func askVar(q *question) (value.Value, error) {
	v, ok, err := q.templar().Resolve(q.text("name"))
	if err != nil || !ok {
		return notFound(), err
	}
	return found(v), nil
}

func askRaw(q *question) (value.Value, error) {
	v, _, ok := q.templar().Vars.Lookup(q.text("name"))
	if !ok {
		return notFound(), nil
	}
	return found(v), nil
}

func askRaws(q *question) (value.Value, error) {
	t := q.templar()
	d := value.NewDict()
	for _, n := range t.Vars.Names() {
		if v, _, ok := t.Vars.Lookup(n); ok {
			d.SetStr(n, v)
		}
	}
	return d, nil
}

func (q *question) object() value.Value { return q.s.objects.get(number(q.args, "id")) }

func askItem(q *question) (value.Value, error) {
	m, ok := q.object().(value.Mapping)
	key, _ := q.args.GetStr("key")
	if !ok {
		return notFound(), nil
	}
	v, ok, err := m.GetItem(key)
	if err != nil || !ok {
		return notFound(), err
	}
	return found(v), nil
}

func askKeys(q *question) (value.Value, error) {
	m, ok := q.object().(value.Mapping)
	if !ok {
		return value.NewList(), nil
	}
	keys, err := m.Keys()
	return value.NewList(keys...), err
}

func askTemplate(q *question) (value.Value, error) {
	t := q.within()
	v, _ := q.args.GetStr("value")
	flag := func(name string) bool { f, _ := q.args.GetStr(name); return f == value.True }
	overrides := q.dict("overrides")
	text := ""
	if tpl, ok := v.(*value.Template); ok {
		text = tpl.Text
	} else {
		text = plain(v)
	}
	if text != "" && (overrides.Len() > 0 || flag("whole") || !flag("convert")) {
		o := template.DefaultFileOptions()
		o.Convert = flag("convert")
		set := func(name string, dst *string) {
			if s, ok := overrides.GetStr(name); ok && s != value.None {
				*dst = plain(s)
			}
		}
		if overrides != nil {
			set("variable_start_string", &o.VariableStart)
			set("variable_end_string", &o.VariableEnd)
			set("block_start_string", &o.BlockStart)
			set("block_end_string", &o.BlockEnd)
			set("comment_start_string", &o.CommentStart)
			set("comment_end_string", &o.CommentEnd)
			set("newline_sequence", &o.NewlineSequence)
			if b, ok := overrides.GetStr("trim_blocks"); ok {
				o.TrimBlocks = b == value.True
			}
			if b, ok := overrides.GetStr("lstrip_blocks"); ok {
				o.LstripBlocks = b == value.True
			}
		}
		o.SearchPath = t.SearchPath
		for _, p := range q.list("searchpath") {
			o.SearchPath = append(o.SearchPath, plain(p))
		}
		r, err := t.RenderFile(text, o)
		if err != nil && !flag("strict") && template.IsUndefined(err) {
			return v, nil
		}
		return r, err
	}
	if !flag("strict") {
		return t.Lenient(v)
	}
	return t.Render(v)
}

func askFilter(q *question) (value.Value, error) { return q.function("v | ") }

func askTest(q *question) (value.Value, error) { return q.function("v is ") }

// function runs a filter or test of any kind.
func (q *question) function(expr string) (value.Value, error) {
	args := q.list("args")
	if len(args) == 0 {
		return nil, value.TypeErrorf("a filter needs a value")
	}
	t := q.templar()
	names := value.NewDict()
	expr += q.text("name") + "("
	names.SetStr("v", args[0])
	n := 0
	add := func(prefix string, v value.Value) {
		name := "a" + string(rune('a'+n%26)) + strings.Repeat("_", n/26)
		n++
		names.SetStr(name, v)
		expr += prefix + name + ","
	}
	for _, a := range args[1:] {
		add("", a)
	}
	if kw := q.dict("kw"); kw != nil {
		for k, v := range kw.All() {
			add(plain(k)+"=", v)
		}
	}
	return t.WithData(names).Expression(expr + ")")
}

func askExists(q *question) (value.Value, error) {
	if q.text("kind") == "test" {
		return value.Bool(q.h.Templates.HasTest(q.text("name"))), nil
	}
	return value.Bool(q.h.Templates.HasFilter(q.text("name"))), nil
}

func askLookup(q *question) (value.Value, error) {
	var options []value.Kwarg
	if d := q.dict("options"); d != nil {
		for k, v := range d.All() {
			options = append(options, value.Kwarg{Name: plain(k), Val: v})
		}
	}
	return q.within().RunLookup(q.text("name"), q.list("terms"), options)
}

func askFind(q *question) (value.Value, error) {
	var collections []string
	for _, c := range q.list("collections") {
		collections = append(collections, plain(c))
	}
	p, err := q.h.Search.Find(q.text("kind"), q.text("name"), collections)
	if err != nil {
		return nil, err
	}
	if p == nil {
		p = &Plugin{}
	}
	d := p.value()
	way := value.NewList()
	for _, name := range p.Way {
		way.Elems = append(way.Elems, value.Str(name))
	}
	d.SetStr("way", way)
	return d, nil
}

func (p *Plugin) value() *value.Dict {
	return value.DictOf("path", value.Str(p.Path), "name", value.Str(p.Name), "collection", value.Str(p.Collection))
}

func askFindAll(q *question) (value.Value, error) {
	l := value.NewList()
	for _, f := range q.h.Search.Files(q.text("kind")) {
		p := &Plugin{Name: strings.TrimSuffix(f[strings.LastIndexByte(f, '/')+1:], ".py"), Path: f}
		l.Elems = append(l.Elems, p.value())
	}
	return l, nil
}

func askNative(q *question) (value.Value, error) {
	return value.Bool(q.h.Native != nil && q.h.Native(q.text("kind"), q.text("name"))), nil
}

// askMoved tells the dotted name of a module of module_utils that was moved.
func askMoved(q *question) (value.Value, error) {
	to, err := q.h.Search.Finder.Utils(q.text("name"))
	if err != nil || to == "" {
		return value.None, err
	}
	return value.Str(to), nil
}

func askSetting(q *question) (value.Value, error) {
	name := q.text("name")
	if name == "CONFIG_FILE" {
		if q.h.Config.File == "" {
			return found(value.None), nil
		}
		return found(value.Str(q.h.Config.File)), nil
	}
	v, origin, ok := q.h.setting(name)
	if !ok {
		return notFound(), nil
	}
	return value.DictOf("ok", value.True, "v", v, "origin", value.Str(origin)), nil
}

func askYAML(q *question) (value.Value, error) {
	var open func(string) (string, error)
	if q.h.Secrets != nil {
		open = q.h.Secrets.Open
	}
	n, err := yamldoc.Load([]byte(q.text("text")), yamldoc.Options{File: q.text("file"), Open: open})
	if err != nil {
		return nil, value.Errorf("AnsibleParserError", "%s", err.Error())
	}
	return n.Value(), nil
}

func askRead(q *question) (value.Value, error) {
	data, err := os.ReadFile(q.text("path"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, value.Errorf("AnsibleFileNotFound", "%s", err.Error())
	}
	if err != nil {
		return nil, value.Errorf("AnsibleParserError", "an error occurred while trying to read the file '%s': %s", q.text("path"), err)
	}
	if vault.IsEncrypted(data) {
		if data, err = q.h.Secrets.Decrypt(data, q.text("path")); err != nil {
			return nil, err
		}
	}
	return value.Bytes(data), nil
}

func askDecrypt(q *question) (value.Value, error) {
	text, err := q.h.Secrets.Open(q.text("text"))
	return value.Str(text), err
}

func askPrompt(q *question) (value.Value, error) {
	if q.h.Prompt == nil {
		return value.None, nil
	}
	private, _ := q.args.GetStr("private")
	answer, ok, err := q.h.Prompt(q.text("text"), private != value.True, int(number(q.args, "seconds")))
	if err != nil || !ok {
		return value.None, err
	}
	return value.Str(answer), nil
}
