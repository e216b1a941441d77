// Package template is Ansible's templating on top of jinja: lazy variables, type conversion of results, omit, undefined
// messages as users know them, conditionals, lookups by interface, template files.
//
// An Engine holds what a whole run shares (environments, compiled programs). A Templar renders for one scope of variables,
// usually one task on one host, and keeps each variable it rendered. The rules are those of ansible-core 2.18
// (template-semantics; the corpus in test/corpus proves them).
//
// Trust is by type: only *value.Template is ever evaluated. Called by the engine, by callbacks of loops and conditions,
// and by test/corpus.
package template

import (
	"fmt"
	"strings"
	"sync"

	"github.com/troupe-automation/troupe/internal/lang/filters"
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

// OmitText is what `omit` prints as: a name nobody uses for anything else.
const OmitText = "__omit_place_holder__6c1f0a3d52e94b7788a0d3c9e1b24f5760718293"

// Vars are the variables of one scope, raw. Lookups must be cheap: they happen for each name of each template.
type Vars interface {
	// Lookup returns the raw value of a variable. data says that the value came from outside the content (facts,
	// registered results): templates that read it give data.
	Lookup(name string) (v value.Value, data, ok bool)
	// Names lists all variables.
	Names() []string
}

// LookupFunc runs the lookup plugin of that name. terms are rendered. The answer is the list of results; plugins in Python may
// give something else.
type LookupFunc func(t *Templar, name string, terms []value.Value, options []value.Kwarg) (value.Value, error)

// Engine is what all templates of a run share. It is safe for concurrent use once set up.
type Engine struct {
	// Native is jinja2_native: results keep the type of the expression. Profile Core219 has it always.
	Native  bool
	Profile Profile
	// BrokenConditions lets conditions under Core219 have results that are no bool.
	BrokenConditions bool
	// Lookup runs lookup plugins; nil: none exist.
	Lookup LookupFunc
	// PythonFilter finds filters and tests that are Python plugins; nil: there are none.
	PythonFilter func(kind, name string) (*jinja.Filter, error)
	// Moved is the name that a filter or test has in ansible.builtin now, the name itself when it did not move there.
	Moved func(kind, name string) string
	// Overrides says whether a Python plugin may take the place of a filter or test of ours; nil: none does.
	Overrides func(kind, name string) bool

	// Basedir is where values of playbooks find the files they include.
	Basedir string
	// NoOmit leaves `omit` undefined, as it is outside of tasks.
	NoOmit bool

	// text renders files for an engine with native types: text all the way down, but None prints as None. nil without.
	text *Engine

	args, file *jinja.Environment // for values of playbooks; for template files

	concat   func(nodes []value.Value) (value.Value, error)
	textOnce sync.Once
	mu       sync.RWMutex
	programs map[programKey]*program
}

type programKey struct {
	env        *jinja.Environment
	text       string
	expression bool
}

// program is a compiled text with what is known about it beforehand.
type program struct {
	*jinja.Program
	err    error
	single string // the variable's name when the text is {{ name }} and nothing else
}

// maxPrograms bounds the cache of texts that have no *value.Template to live in (conditions, rendered names).
const maxPrograms = 20_000

// Options are what an Engine is made with.
type Options struct {
	Native           bool
	Do, LoopControls bool    // the optional extensions of Jinja in the setting jinja2_extensions
	Profile          Profile // "" is Core218
}

// Undefined is what a name that nobody defined gives (template-semantics §4).
var Undefined = &value.UndefinedClass{Name: "AnsibleUndefined", Chained: true, Described: true}

// New returns an engine with all of Jinja's and Ansible's filters and tests.
func New(o Options) *Engine {
	e := &Engine{Native: o.Native || o.Profile == Core219, Profile: o.Profile, programs: map[programKey]*program{}}
	env := filters.Environment()
	env.Syntax.TrimBlocks = true
	env.Syntax.DoubleBackslashes = true
	env.Syntax.Do, env.Syntax.LoopControls = o.Do, o.LoopControls
	env.Undefined = Undefined
	env.MissingFilter = func(name string) (*jinja.Filter, error) { return e.missing("filter", name, env.Filter) }
	env.MissingTest = func(name string) (*jinja.Filter, error) { return e.missing("test", name, env.Test) }
	env.Override = e.override
	e.addGlobals(env)
	switch {
	case o.Profile == Core219:
		env.Finalize, e.concat, env.TypedConstants = finalizeNative, concatKept, true
	case o.Native:
		env.Finalize, e.concat = finalizeNative, concatNative
	default:
		env.Finalize, e.concat = finalize, concatText
	}
	env.Concat = e.concat
	env.Loader = textLoader{e}
	e.args = env
	e.file = env.Copy()
	e.file.Loader = nil
	e.file.Finalize, e.file.Concat = finalize, concatText
	e.file.Syntax.DoubleBackslashes, e.file.TypedConstants = false, false
	if o.Native && o.Profile != Core219 {
		o.Native = false
		e.text = New(o)
		for _, env := range []*jinja.Environment{e.text.args, e.text.file} {
			env.Finalize = finalizeNative
		}
	}
	return e
}

// forText returns the engine that renders files.
func (e *Engine) forText() *Engine {
	if e.text == nil {
		return e
	}
	e.textOnce.Do(func() {
		e.text.Lookup, e.text.PythonFilter, e.text.Moved, e.text.Overrides, e.text.Basedir, e.text.NoOmit = e.Lookup, e.PythonFilter, e.Moved, e.Overrides, e.Basedir, e.NoOmit
	})
	return e.text
}

// override finds a Python plugin that takes the place of a filter or test of ours.
func (e *Engine) override(kind, name string) (*jinja.Filter, error) {
	if e.Overrides == nil || e.PythonFilter == nil || !e.Overrides(kind, name) {
		return nil, nil
	}
	return e.PythonFilter(kind, name)
}

// missing finds filters and tests that are Python plugins, and those of ours that went by another name. Jinja's own have no full
// names.
func (e *Engine) missing(kind, name string, ours func(string) (*jinja.Filter, error)) (*jinja.Filter, error) {
	if e.PythonFilter == nil {
		return nil, nil
	}
	f, err := e.PythonFilter(kind, name)
	if f != nil || err != nil || e.Moved == nil {
		return f, err
	}
	if to := e.Moved(kind, name); to != name {
		return ours(to)
	}
	return nil, nil
}

// compile returns the program of text under env, from the cache when it was compiled before.
func (e *Engine) compile(env *jinja.Environment, text string) *program {
	return e.cached(programKey{env: env, text: text}, func() *program { return compile(env, text) })
}

// compileExpression is compile for a bare expression of a playbook.
func (e *Engine) compileExpression(text string) *program {
	return e.cached(programKey{env: e.args, text: text, expression: true}, func() *program {
		p := &program{}
		p.Program, p.err = e.args.CompileExpression("", text)
		return p
	})
}

func (e *Engine) cached(key programKey, make func() *program) *program {
	e.mu.RLock()
	p := e.programs[key]
	e.mu.RUnlock()
	if p != nil {
		return p
	}
	p = make()
	e.mu.Lock()
	if len(e.programs) >= maxPrograms {
		clear(e.programs)
	}
	e.programs[key] = p
	e.mu.Unlock()
	return p
}

func compile(env *jinja.Environment, text string) *program {
	p := &program{single: singleName(text)}
	p.Program, p.err = env.Compile("", text)
	return p
}

// programOf returns the program of a template of content, which is kept in the template itself.
func (e *Engine) programOf(t *value.Template) *program {
	if p, ok := t.Program().(*boundProgram); ok && p.engine == e {
		return p.program
	}
	p := e.compile(e.args, t.Text)
	t.SetProgram(&boundProgram{e, p})
	return p
}

// boundProgram remembers for which engine a template was compiled.
type boundProgram struct {
	engine *Engine
	*program
}

// singleName returns the name in "{{ name }}", as the expression ^{{\s*(\w*)\s*}}$ finds it, or "".
func singleName(text string) string {
	s, ok := strings.CutPrefix(text, "{{")
	if !ok {
		return ""
	}
	s, ok = strings.CutSuffix(strings.TrimSuffix(s, "\n"), "}}")
	if !ok {
		return ""
	}
	s = strings.TrimSpace(s)
	for _, r := range s {
		if r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r < 128 {
			return ""
		}
	}
	return s
}

// IsTemplate reports whether text contains a template marker, or a header that may define others.
func IsTemplate(text string) bool {
	if strings.HasPrefix(text, "#jinja2:") {
		return true
	}
	for i := 0; i+1 < len(text); i++ {
		if text[i] == '{' {
			switch text[i+1] {
			case '{', '%', '#':
				return true
			}
		}
	}
	return false
}

// HasGlobal reports whether templates know a function or object of that name without any variable: lookup, range, lipsum …
func (e *Engine) HasGlobal(name string) bool { return e.args.Globals[name] != nil }

// HasFilter and HasTest report whether templates know a filter or test of that name.
func (e *Engine) HasFilter(name string) bool {
	f, err := e.args.Filter(name)
	return f != nil && err == nil
}

// HasTest is HasFilter for tests.
func (e *Engine) HasTest(name string) bool {
	f, err := e.args.Test(name)
	return f != nil && err == nil
}

// Expression evaluates an expression of ours against the variables of t; the result keeps its type.
func (t *Templar) Expression(text string) (value.Value, error) {
	p, err := t.Engine.args.CompileExpression("", text)
	if err != nil {
		return nil, t.wrap(err, text, noPos)
	}
	nodes, err := p.Nodes(t)
	if err != nil || len(nodes) != 1 {
		return value.None, err
	}
	return nodes[0], nil
}

// Filter applies a filter to a value outside any template.
func (e *Engine) Filter(name string, v value.Value, args ...value.Value) (value.Value, error) {
	expr := "v | " + name + "("
	vars := jinja.Vars{"v": v}
	for i, a := range args {
		n := fmt.Sprintf("a%d", i)
		vars[n] = a
		expr += n + ","
	}
	p, err := e.args.CompileExpression("", expr+")")
	if err != nil {
		return nil, err
	}
	nodes, err := p.Nodes(vars)
	if err != nil || len(nodes) != 1 {
		return nil, err
	}
	return nodes[0], nil
}
