package template

import (
	"strings"

	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// Templar renders for one scope of variables. It keeps every variable it rendered, so it must not outlive a change of
// them. It is not safe for concurrent use.
type Templar struct {
	Engine *Engine
	Vars   Vars
	// SearchPath are the directories where relative files of templates and lookups are searched, most specific first.
	SearchPath []string
	Basedir    string
	// Context is whatever the engine wants lookups to find again.
	Context any
	// Warn receives warnings; nil drops them.
	Warn func(text string)

	memo      map[string]memo
	resolving []string // names of variables being rendered, outermost first
	tainted   bool     // the render in progress read data
	lent      *reads   // what mappings that render on demand handed out; nil: none was read
	volatile  int      // counts uses of volatile functions
	depth     int
	lenient   bool
	fresh     bool // the program in progress changes containers: hand out copies
	sealed    bool // a variable is rendered for a template: what is encrypted stays so until it is read as text
	plain     bool // the text of a template is not turned into a list, dict or bool
}

type memo struct {
	v       value.Value
	tainted bool
}

// New returns a Templar for vars.
func (e *Engine) New(vars Vars) *Templar { return &Templar{Engine: e, Vars: vars} }

// Render renders every template inside v, deeply. Containers without templates are returned as they are: treat
// the result as read-only. The keys of dicts are never rendered. A text with template markers that is no template was
// marked !unsafe by its author (or is data): what is made from it is data too.
func (t *Templar) Render(v value.Value) (value.Value, error) {
	switch v := v.(type) {
	case *value.Template:
		return t.renderTemplate(v)
	case *value.Encrypted:
		if t.sealed {
			return v, nil
		}
		return openVault(v)
	case *value.List:
		out, err := t.renderAll(v.Elems)
		if err != nil || out == nil {
			return v, err
		}
		return value.NewList(out...), nil
	case *value.Tuple:
		out, err := t.renderAll(v.Elems)
		if err != nil {
			return v, err
		}
		if out == nil {
			out = append(out, v.Elems...)
		}
		return value.NewList(out...), nil
	case *value.Dict:
		return t.renderDict(v)
	case value.Str:
		t.tainted = t.tainted || IsTemplate(string(v))
	}
	return v, nil
}

// renderAll renders elems; nil means that nothing changed.
func (t *Templar) renderAll(elems []value.Value) ([]value.Value, error) {
	var out []value.Value
	for i, e := range elems {
		r, err := t.element(e)
		if err != nil {
			return nil, err
		}
		if out == nil && !same(r, e) {
			out = make([]value.Value, len(elems))
			copy(out, elems[:i])
		}
		if out != nil {
			out[i] = r
		}
	}
	return out, nil
}

func (t *Templar) renderDict(d *value.Dict) (value.Value, error) {
	var out *value.Dict
	for k, e := range d.All() {
		r, err := t.element(e)
		if err != nil {
			return nil, err
		}
		if out == nil && !same(r, e) {
			out = d.Copy()
		}
		if out != nil {
			if err := out.Set(k, r); err != nil {
				return nil, err
			}
		}
	}
	if out == nil {
		return d, nil
	}
	return out, nil
}

// same reports whether rendering left a value as it was. Only reference types can have changed.
func same(a, b value.Value) bool {
	switch b.(type) {
	case *value.Template, *value.Encrypted, *value.Tuple:
		return false
	case *value.List, *value.Dict:
		return a == b
	}
	return true
}

func openVault(v *value.Encrypted) (value.Value, error) {
	if v.Open == nil {
		return nil, &Error{Class: "AnsibleVaultError", Msg: "Attempting to decrypt but no vault secrets found", Pos: v.Pos}
	}
	text, err := v.Plain()
	if err != nil {
		return nil, err
	}
	return value.Str(text), nil
}

// renderTemplate renders one text to a value by the rules of template-semantics §2.
func (t *Templar) renderTemplate(tpl *value.Template) (value.Value, error) {
	if strings.HasPrefix(tpl.Text, "#jinja2:") {
		return t.renderOverridden(tpl)
	}
	p := t.Engine.programOf(tpl)
	if p.err != nil {
		return nil, t.wrap(p.err, tpl.Text, tpl.Pos)
	}
	if p.single != "" {
		if raw, data, ok := t.Vars.Lookup(p.single); ok {
			switch raw.(type) {
			case value.Bool, value.Int, *value.BigInt, value.Float, value.NoneType:
				t.tainted = t.tainted || data
				return raw, nil
			}
		}
	}
	v, err := t.run(p, t.Engine.Native)
	if err != nil {
		if t.lenient && IsUndefined(err) {
			return tpl, nil
		}
		return nil, t.wrap(err, tpl.Text, tpl.Pos)
	}
	return keepNewlines(v, tpl.Text), nil
}

// run executes a program in this scope and joins its nodes.
func (t *Templar) run(p *program, native bool) (value.Value, error) {
	if p.Volatile() {
		t.volatile++
	}
	fresh := t.fresh
	t.fresh = p.Mutates()
	nodes, err := p.Nodes(t)
	t.fresh = fresh
	if err != nil {
		return nil, err
	}
	join := concatText
	switch {
	case t.plain:
		join = concatPlain
	case native:
		join = t.Engine.concat
	}
	v, err := join(nodes)
	if t.lent != nil && !t.readData() {
		t.tainted = onDemand(v)
	}
	return v, err
}

// keepNewlines gives a text back the newlines at its end that the engine took away.
func keepNewlines(v value.Value, src string) value.Value {
	if !strings.HasSuffix(src, "\n") {
		return v
	}
	if n, ok := v.(value.NativeText); ok {
		v = value.Str(n)
	}
	s, ok := v.(value.Str)
	if !ok {
		return v
	}
	want := len(src) - len(strings.TrimRight(src, "\n"))
	have := len(s) - len(strings.TrimRight(string(s), "\n"))
	if want > have {
		return s + value.Str(strings.Repeat("\n", want-have))
	}
	return v
}

// RenderText renders text as if it stood in the content at pos. The caller vouches that it is content.
func (t *Templar) RenderText(text string, pos source.Pos) (value.Value, error) {
	if !IsTemplate(text) {
		return value.Str(text), nil
	}
	return t.renderTemplate(value.NewTemplate(text, pos))
}

// String renders v and returns it as text.
func (t *Templar) String(v value.Value) (string, error) {
	r, err := t.Render(v)
	if err != nil {
		return "", err
	}
	return value.ToStr(r)
}

// Lenient renders v; a text whose rendering meets an undefined variable stays as it is written (hostvars, task names).
func (t *Templar) Lenient(v value.Value) (value.Value, error) {
	was := t.lenient
	t.lenient = true
	defer func() { t.lenient = was }()
	return t.Render(v)
}

// Unconverted renders v to text: what looks like a list, a dict or a bool stays text. Variables that v reads are
// converted as always.
func (t *Templar) Unconverted(v value.Value) (value.Value, error) {
	was := t.plain
	t.plain = !t.Engine.Native
	defer func() { t.plain = was }()
	return t.Render(v)
}

// Bare renders v, where a text without markers that begins with the name of a variable, or that has a filter, is an
// expression: the variable of debug, for instance.
func (t *Templar) Bare(v value.Value) (value.Value, error) {
	text, ok := v.(value.Str)
	if !ok {
		return t.Render(v)
	}
	name := string(text)
	if i := strings.IndexAny(name, "|.["); i >= 0 {
		name = name[:i]
	}
	if _, _, known := t.Vars.Lookup(name); known || strings.Contains(string(text), "|") {
		return t.renderTemplate(value.NewTemplate("{{"+string(text)+"}}", noPos))
	}
	return text, nil
}

// Tainted reports whether anything that was rendered since the last call of ResetTaint came from outside the content.
func (t *Templar) Tainted() bool { return t.readData() }

// ResetTaint forgets what was read so far.
func (t *Templar) ResetTaint() { t.tainted, t.lent = false, nil }

// Forget drops a rendered variable, after its raw value changed.
func (t *Templar) Forget(name string) { delete(t.memo, name) }

// Resolve gives a template the variable of that name, rendered. It implements jinja.Resolver.
func (t *Templar) Resolve(name string) (value.Value, bool, error) {
	if m, ok := t.memo[name]; ok {
		t.tainted = t.tainted || m.tainted
		return t.handOut(m.v), true, nil
	}
	raw, data, ok := t.Vars.Lookup(name)
	if !ok {
		if name == "omit" && !t.Engine.NoOmit {
			return value.Str(OmitText), true, nil
		}
		return nil, false, nil
	}
	outer, lent := t.tainted, t.lent
	t.tainted, t.lent = data, nil
	volatile := t.volatile
	v, err := t.variable(name, raw)
	tainted := t.tainted
	t.tainted, t.lent = outer || tainted, lent
	if err != nil {
		return nil, false, err
	}
	if t.volatile == volatile {
		if t.memo == nil {
			t.memo = make(map[string]memo, 8)
		}
		t.memo[name] = memo{v, tainted}
	}
	return t.handOut(v), true, nil
}

// handOut copies containers when the program at work may change them, and binds those that render on demand.
func (t *Templar) handOut(v value.Value) value.Value {
	v = t.bind(v)
	if !t.fresh {
		return v
	}
	return value.MapLeaves(v, nil)
}

// maxNesting is how deep variables may refer to each other; Python's stack ends Ansible at about the same depth.
const maxNesting = 60

// variable renders the raw value of a variable by template-semantics §3.
func (t *Templar) variable(name string, raw value.Value) (value.Value, error) {
	switch raw.(type) {
	case value.Str, value.Int, value.Bool, value.Float, value.NoneType:
		return t.Render(raw)
	}
	if len(t.resolving) >= maxNesting || t.isResolving(name) {
		return nil, &Error{Class: "AnsibleError", Kind: "recursion", Msg: "recursive loop detected in template string: " + plainText(raw)}
	}
	t.resolving = append(t.resolving, name)
	lenient, fresh, sealed, plain := t.lenient, t.fresh, t.sealed, t.plain
	t.lenient, t.fresh, t.sealed, t.plain = false, false, true, false
	v, err := t.Render(raw)
	t.lenient, t.fresh, t.sealed, t.plain = lenient, fresh, sealed, plain
	t.resolving = t.resolving[:len(t.resolving)-1]
	if err == nil {
		return v, nil
	}
	if IsUndefined(err) {
		return &value.Undefined{Kind: Undefined, Hint: plainText(raw) + ": " + err.Error(), Name: value.Str(name), From: err}, nil
	}
	return nil, nested(err, plainText(raw))
}

func (t *Templar) isResolving(name string) bool {
	for _, n := range t.resolving {
		if n == name {
			return true
		}
	}
	return false
}

// plainText is Python's str() of a raw value, for messages.
func plainText(v value.Value) string {
	s, err := value.ToStr(v)
	if err != nil {
		return v.TypeName()
	}
	return s
}

// StripOmit removes dict entries whose value is omit, at any depth (template-semantics §8), under Core219 elements of lists too.
// v is not changed.
func (e *Engine) StripOmit(v value.Value) value.Value {
	switch v := v.(type) {
	case *value.Dict:
		out := value.NewDict()
		for k, x := range v.All() {
			if !omitted(x) {
				_ = out.Set(k, e.StripOmit(x)) // the key was hashable before
			}
		}
		return out
	case *value.List:
		out := make([]value.Value, 0, len(v.Elems))
		for _, x := range v.Elems {
			_, isDict := x.(*value.Dict)
			if e.Profile == Core219 && omitted(x) {
				continue
			}
			if isDict || e.Profile == Core219 {
				x = e.StripOmit(x)
			}
			out = append(out, x)
		}
		return value.NewList(out...)
	}
	return v
}

func omitted(v value.Value) bool {
	s, ok := value.AsString(v)
	return ok && s == OmitText
}

// unsafeText reports whether v is or holds text with template markers that is no template.
func unsafeText(v value.Value) bool {
	switch v := v.(type) {
	case value.Str:
		return IsTemplate(string(v))
	case *value.List:
		for _, e := range v.Elems {
			if unsafeText(e) {
				return true
			}
		}
	case *value.Dict:
		for _, e := range v.All() {
			if unsafeText(e) {
				return true
			}
		}
	}
	return false
}

// Content turns text that contains template markers back into templates, for values that are stored as variables and were
// made from content alone (set_fact of something untainted). Anything made from data stays data.
func Content(v value.Value, pos source.Pos) value.Value {
	switch v := v.(type) {
	case value.Str:
		if IsTemplate(string(v)) {
			return value.NewTemplate(string(v), pos)
		}
	case *value.List:
		for i, e := range v.Elems {
			if c := Content(e, pos); c != e {
				out := value.NewList(append([]value.Value(nil), v.Elems...)...)
				for j := i; j < len(out.Elems); j++ {
					out.Elems[j] = Content(out.Elems[j], pos)
				}
				return out
			}
		}
	case *value.Dict:
		var out *value.Dict
		for k, e := range v.All() {
			if c := Content(e, pos); c != e {
				if out == nil {
					out = v.Copy()
				}
				_ = out.Set(k, c) // the key was hashable before
			}
		}
		if out != nil {
			return out
		}
	}
	return v
}

// Rendered is Content for what a template gave: under Core219 that is data.
func (e *Engine) Rendered(v value.Value, pos source.Pos) value.Value {
	if e.Profile == Core219 {
		return v
	}
	return Content(v, pos)
}
