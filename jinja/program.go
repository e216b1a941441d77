package jinja

import (
	"errors"
	"sync"

	"github.com/troupe-automation/troupe/jinja/symbols"
	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/value"
)

type (
	evalFn func(f *frame) (value.Value, error)
	execFn func(f *frame) (signal, error)
)

// signal says how a statement ended.
type signal uint8

const (
	goOn signal = iota
	breakLoop
	continueLoop
)

// Program is a compiled template: immutable, safe for concurrent renders.
type Program struct {
	env  *Environment
	name string
	src  string

	root     *symbols.Function
	body     execFn
	expr     evalFn // of CompileExpression
	blocks   map[string]*blockImpl
	frames   sync.Pool
	contexts sync.Pool // of *rendering

	mutates  bool
	volatile bool
	extends  bool
}

// Name is the name given to Compile.
func (p *Program) Name() string { return p.name }

// Source is the text given to Compile.
func (p *Program) Source() string { return p.src }

// Mutates reports whether the template calls methods that may change a container in place (append, update, pop …), so
// that a Resolver should hand out copies.
func (p *Program) Mutates() bool { return p.mutates }

// Volatile reports whether the template uses a filter or test that is marked Volatile.
func (p *Program) Volatile() bool { return p.volatile }

// Compile parses and compiles src. Errors are *Error. name appears in errors and is what include and import know the
// template by.
func (e *Environment) Compile(name, src string) (*Program, error) {
	t, err := syntax.Parse(&e.Syntax, src)
	if err != nil {
		return nil, syntaxError(name, err)
	}
	p := &Program{env: e, name: name, src: src}
	c := &compiler{p: p, env: e}
	if err := c.template(t); err != nil {
		return nil, err
	}
	return p, nil
}

func syntaxError(name string, err error) error {
	var se *syntax.Error
	if errors.As(err, &se) {
		return &Error{Template: name, Offset: se.Offset, Line: se.Line, Err: se}
	}
	return &Error{Template: name, Line: 1, Err: err}
}

// CompileExpression compiles src as a bare expression (no delimiters). Its Value is the expression's value, without Finalize
// and Concat.
func (e *Environment) CompileExpression(name, src string) (*Program, error) {
	x, err := syntax.ParseExpression(&e.Syntax, src)
	if err != nil {
		return nil, syntaxError(name, err)
	}
	p := &Program{env: e, name: name, src: src, root: &symbols.Function{}}
	c := &compiler{p: p, env: e}
	s := symbols.New(nil, p.root)
	s.Expr(x)
	sc := &scope{syms: s, fn: p.root}
	if p.expr, err = c.compileExpr(x, sc); err != nil {
		return nil, err
	}
	return p, nil
}

// wrap adds the place to an error that has none yet.
func (p *Program) wrap(err error, off int) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return &Error{Template: p.name, Offset: off, Line: syntax.Line(p.src, off), Err: err}
}

// rendering is the state of one render.
type rendering struct {
	ctx Context
	run run
}

func (p *Program) start(vars Resolver) *rendering {
	r, _ := p.contexts.Get().(*rendering)
	if r == nil {
		r = &rendering{}
	}
	r.run = run{limits: p.env.Limits.withDefaults(), vars: vars, calls: r.run.calls, loops: r.run.loops}
	r.ctx = Context{env: p.env, prog: p, vars: vars, run: &r.run}
	return r
}

// finish keeps the state for the next render. kept says that what the render gave may still refer to it: a macro, a
// generator, or something that was put into a variable.
func (p *Program) finish(r *rendering, kept bool) {
	if kept || p.root.Captured || p.mutates {
		return
	}
	r.ctx = Context{}
	r.run.end()
	p.contexts.Put(r)
}

func (p *Program) context(vars Resolver) *Context { return &p.start(vars).ctx }

// plain reports whether v is a value that refers to nothing else.
func plain(v value.Value) bool {
	switch v.(type) {
	case value.Str, value.Int, value.Bool, value.Float, value.NoneType, value.Markup, value.NativeText, *value.BigInt:
		return true
	}
	return false
}

func (p *Program) frame(ctx *Context) *frame {
	f, _ := p.frames.Get().(*frame)
	if f == nil {
		f = &frame{slots: make([]value.Value, p.root.Slots), out: &output{}}
	}
	f.ctx = ctx
	return f
}

func (p *Program) release(f *frame) {
	if p.root.Captured {
		return
	}
	clear(f.slots)
	f.out.reset()
	f.ctx, f.extend, f.parent = nil, nil, nil
	p.frames.Put(f)
}

// run renders the template in ctx; the nodes go to out.
func (p *Program) run(ctx *Context, out *output) error {
	f := p.frame(ctx)
	own := f.out
	f.out = out
	err := p.runFrame(f)
	f.out = own
	p.release(f)
	return err
}

func (p *Program) runFrame(f *frame) error {
	ctx := f.ctx
	if err := ctx.enter(); err != nil {
		return p.wrap(err, 0)
	}
	defer ctx.leave()
	if p.expr != nil {
		v, err := p.expr(f)
		if err == nil {
			f.out.nodes = append(f.out.nodes, v)
		}
		return err
	}
	for name, b := range p.blocks {
		if ctx.blocks == nil {
			ctx.blocks = map[string][]*blockImpl{}
		}
		ctx.blocks[name] = append(ctx.blocks[name], b)
	}
	if _, err := p.body(f); err != nil {
		return err
	}
	if f.extend != nil {
		return f.extend.run(&Context{env: f.extend.env, prog: f.extend, outer: ctx, blocks: ctx.blocks, run: ctx.run}, f.out)
	}
	return nil
}

// Nodes renders the template and returns its output nodes: literal text as value.Str and the finalized values of {{ }},
// before any conversion to text. The slice is the caller's own.
func (p *Program) Nodes(vars Resolver) ([]value.Value, error) {
	var out output
	r := p.start(vars)
	if err := p.run(&r.ctx, &out); err != nil {
		return nil, err
	}
	kept := false
	for _, n := range out.nodes {
		kept = kept || !plain(n)
	}
	p.finish(r, kept)
	return out.nodes, nil
}

// Value renders the template and joins its nodes with the environment's Concat. For a program of CompileExpression it is
// the value of the expression.
func (p *Program) Value(vars Resolver) (value.Value, error) {
	r := p.start(vars)
	f := p.frame(&r.ctx)
	defer p.release(f)
	f.out.asText = p.env.Concat == nil && p.expr == nil
	if err := p.runFrame(f); err != nil {
		return nil, err
	}
	if p.expr != nil {
		v := f.out.nodes[0]
		p.finish(r, !plain(v))
		return v, nil
	}
	v, err := f.out.value(p.env)
	p.finish(r, err != nil || !plain(v))
	return v, err
}

// Render renders the template as text: its nodes' str() joined, whatever Concat is.
func (p *Program) Render(vars Resolver) (string, error) {
	r := p.start(vars)
	f := p.frame(&r.ctx)
	defer p.release(f)
	f.out.asText = p.env.Concat == nil
	if err := p.runFrame(f); err != nil {
		return "", err
	}
	p.finish(r, false)
	if f.out.asText {
		return string(f.out.text), nil
	}
	s, err := Join(f.out.nodes)
	if err != nil {
		return "", p.wrap(err, 0)
	}
	return s, nil
}

func (f *Filter) signature() *value.Signature { return value.SignatureOf(f.Signature) }

func (g *Global) signature() *value.Signature { return value.SignatureOf(g.Signature) }

// Call without a context serves plain functions only.
func (g *Global) Call(args []value.Value, kw []value.Kwarg) (value.Value, error) {
	return nil, value.TypeErrorf("%s() can only be called from a template", g.Name)
}

// Repr is Python's spelling without an address.
func (g *Global) Repr() (string, error) { return "<function " + g.Name + ">", nil }
