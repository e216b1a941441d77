package jinja

import (
	"github.com/troupe-automation/troupe/jinja/symbols"
	"github.com/troupe-automation/troupe/jinja/syntax"

	"github.com/troupe-automation/troupe/value"
)

// Context is the state of one render of one template: what filters and globals that depend on context are given.
type Context struct {
	env    *Environment
	prog   *Program
	vars   Resolver                // nil in a context derived from outer
	outer  *Context                // where names are looked up next
	locals map[string]value.Value  // locals of the including template or scoped block
	top    map[string]value.Value  // set at the top level of this template
	order  []string                // names of top, in order
	blocks map[string][]*blockImpl // innermost first
	run    *run
}

// run is what all contexts of one render share.
type run struct {
	limits Limits
	depth  int
	bytes  int
	steps  int
	vars   Resolver
	calls  []*callFrame // calls that ended, for the next ones
	loops  []*LoopContext
}

// callFrame is a Call with room for its arguments.
type callFrame struct {
	Call
	buf [4]value.Value
}

func (r *run) call() *callFrame {
	n := len(r.calls)
	if n == 0 {
		return &callFrame{}
	}
	c := r.calls[n-1]
	r.calls = r.calls[:n-1]
	return c
}

// done takes a call back whose result v cannot refer to it: generators do. What it holds is overwritten by the next.
func (r *run) done(c *callFrame, v value.Value) {
	switch v.(type) {
	case *value.List, *value.Dict:
		if v != c.Args[0] {
			return
		}
	default:
		if !plain(v) {
			return
		}
	}
	r.calls = append(r.calls, c)
}

// loop is a LoopContext, one that is over if there is one.
func (r *run) loop() *LoopContext {
	n := len(r.loops)
	if n == 0 {
		return &LoopContext{}
	}
	l := r.loops[n-1]
	r.loops = r.loops[:n-1]
	return l
}

// end forgets what the render worked on and keeps what its calls and loops worked with.
func (r *run) end() {
	for _, c := range r.calls {
		*c = callFrame{}
	}
	for _, l := range r.loops {
		*l = LoopContext{}
	}
	r.vars = nil
}

type blockImpl struct {
	prog *Program
	name string
	fn   *symbols.Function
	body execFn
}

// missing marks a variable that exists in its scope but has no value yet.
type missingType struct{}

func (missingType) TypeName() string { return "missing" }

var missing value.Value = missingType{}

// Environment is the environment of the program that runs.
func (c *Context) Environment() *Environment { return c.env }

// Vars is the Resolver given to the render.
func (c *Context) Vars() Resolver { return c.run.vars }

// Name is the name of the template that runs.
func (c *Context) Name() string { return c.prog.name }

// Resolve finds a name as the template would at its top level: names set there, then what an including template passed,
// then the Resolver, then globals. Values found in a Resolver are not kept.
func (c *Context) Resolve(name string) (value.Value, bool, error) {
	for x := c; x != nil; x = x.outer {
		if v, ok := x.top[name]; ok {
			return v, true, nil
		}
		if v, ok := x.locals[name]; ok {
			return v, true, nil
		}
		if x.vars != nil {
			v, ok, err := x.vars.Resolve(name)
			if ok || err != nil {
				return v, ok, err
			}
		}
	}
	v, ok := c.env.Globals[name]
	return v, ok, nil
}

func (c *Context) resolve(name string) (value.Value, error) {
	v, ok, err := c.Resolve(name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return &value.Undefined{Kind: c.env.Undefined, Name: value.Str(name)}, nil
	}
	return v, nil
}

func (c *Context) setTop(name string, v value.Value) {
	if c.top == nil {
		c.top = map[string]value.Value{}
	}
	if _, ok := c.top[name]; !ok {
		c.order = append(c.order, name)
	}
	c.top[name] = v
}

// derive makes the context of an included template or scoped block.
func (c *Context) derive(p *Program, locals map[string]value.Value) *Context {
	return &Context{env: p.env, prog: p, outer: c, locals: locals, run: c.run}
}

// isolated makes the context of a template that is imported without context: it sees globals alone.
func (c *Context) isolated(p *Program) *Context {
	return &Context{env: p.env, prog: p, run: c.run}
}

func (c *Context) enter() error {
	c.run.depth++
	if c.run.depth > c.run.limits.Depth {
		return value.Errorf("RecursionError", "maximum recursion depth exceeded")
	}
	return nil
}

func (c *Context) leave() { c.run.depth-- }

func (c *Context) step() error {
	c.run.steps++
	if c.run.steps > c.run.limits.Steps {
		return value.Errorf("RuntimeError", "the template ran more than %d loop steps", c.run.limits.Steps)
	}
	return nil
}

// Filter returns a filter for use on many values: an unknown name is an *UnknownError that is Late.
func (c *Context) Filter(name string) (*Filter, error) {
	f, err := c.env.Filter(name)
	if err == nil && f == nil {
		err = &UnknownError{Kind: "filter", Name: name, Late: true}
	}
	return f, err
}

// Test returns a test for use on many values.
func (c *Context) Test(name string) (*Filter, error) {
	f, err := c.env.Test(name)
	if err == nil && f == nil {
		err = &UnknownError{Kind: "test", Name: name, Late: true}
	}
	return f, err
}

func mustRepr(v value.Value) string {
	s, err := value.Repr(v)
	if err != nil {
		return "?"
	}
	return s
}

// Apply runs a filter or test on v with further arguments.
func (c *Context) Apply(f *Filter, v value.Value, args []value.Value, kw []value.Kwarg) (value.Value, error) {
	all := make([]value.Value, 0, len(args)+1)
	all = append(append(all, v), args...)
	return c.invoke(f.Name, f.Run, f.signature(), all, kw, nil)
}

// ApplyTo is Apply on the value that e gave.
func (c *Context) ApplyTo(f *Filter, e syntax.Expr, v value.Value) (value.Value, error) {
	return c.invoke(f.Name, f.Run, f.signature(), []value.Value{v}, nil, e)
}

func (c *Context) invoke(name string, run Func, sig *value.Signature, args []value.Value, kw []value.Kwarg, expr syntax.Expr) (value.Value, error) {
	call := &Call{Name: name, Ctx: c, Env: c.env, Args: args, Kw: kw, Expr: expr}
	if sig != nil {
		bound, err := sig.Bind(args, kw)
		if err != nil {
			return nil, err
		}
		call.Args, call.Kw = bound, nil
	}
	return run(call)
}

// ApplyFilter runs the filter of that name on v.
func (c *Context) ApplyFilter(name string, v value.Value, args []value.Value, kw []value.Kwarg) (value.Value, error) {
	f, err := c.Filter(name)
	if err != nil {
		return nil, err
	}
	return c.Apply(f, v, args, kw)
}

// ApplyTest runs the test of that name on v.
func (c *Context) ApplyTest(name string, v value.Value, args []value.Value, kw []value.Kwarg) (bool, error) {
	t, err := c.Test(name)
	if err != nil {
		return false, err
	}
	r, err := c.Apply(t, v, args, kw)
	if err != nil {
		return false, err
	}
	return value.Truth(r)
}

// CallValue calls fn with access to the context: macros, globals and plain functions alike.
func (c *Context) CallValue(fn value.Value, args []value.Value, kw []value.Kwarg) (value.Value, error) {
	if g, ok := fn.(*Global); ok {
		return c.invoke(g.Name, g.Run, g.signature(), args, kw, nil)
	}
	return value.Call(fn, args, kw)
}

// GetAttr is obj.name by Jinja's rule: attribute first, then item, else an Undefined.
func (c *Context) GetAttr(obj value.Value, name string) (value.Value, error) {
	return getattr(c.env, obj, name, value.Str(name))
}

// GetItem is obj[key] by Jinja's rule: item first, then (for a text key) attribute, else an Undefined.
func (c *Context) GetItem(obj, key value.Value) (value.Value, error) { return getitem(c.env, obj, key) }

// Undefined makes an undefined value of the environment's kind.
func (c *Context) Undefined(hint string) value.Value {
	return &value.Undefined{Kind: c.env.Undefined, Hint: hint}
}

func getattr(env *Environment, obj value.Value, name string, key value.Value) (value.Value, error) {
	if u, ok := obj.(*value.Undefined); ok {
		if u.Chains() {
			return u, nil
		}
		return nil, u.Err()
	}
	v, ok, err := value.Attribute(obj, name)
	if ok || err != nil {
		return v, err
	}
	v, ok, err = value.GetItem(obj, key)
	if ok || err != nil {
		return v, err
	}
	return &value.Undefined{Kind: env.Undefined, Obj: obj, Name: key}, nil
}

func getitem(env *Environment, obj, key value.Value) (value.Value, error) {
	v, ok, err := value.GetItem(obj, key)
	if ok || err != nil {
		return v, err
	}
	if name, isStr := value.AsString(key); isStr {
		v, ok, err := value.Attribute(obj, name)
		if ok || err != nil {
			return v, err
		}
	}
	return &value.Undefined{Kind: env.Undefined, Obj: obj, Name: key}, nil
}

// frame is one running function.
type frame struct {
	slots  []value.Value
	parent *frame
	ctx    *Context
	out    *output
	extend *Program // the parent template, once {% extends %} ran
}
