package jinja

import (
	"strings"

	"github.com/troupe-automation/troupe/jinja/symbols"
	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/value"
)

// macroCode is a compiled macro or call block.
type macroCode struct {
	c        *compiler
	name     string // "" for the body of a call block
	fn       *symbols.Function
	params   []string
	vars     []*symbols.Variable
	defaults []evalFn
	caller   *symbols.Variable
	kwargs   *symbols.Variable
	varargs  *symbols.Variable
	explicit bool // a parameter is named caller
	enter    func(f *frame) error
	body     execFn
	off      int
	escape   bool // autoescape where it is written
}

// spelling is the name in messages.
func (c *macroCode) spelling() string {
	if c.name == "" {
		return "None"
	}
	return mustRepr(value.Str(c.name))
}

func (c *compiler) macroCode(name string, params []syntax.Param, body []syntax.Stmt, sc *scope, off int) (*macroCode, error) {
	in := sc.fresh()
	in.check = false
	in.fn.Captured = true
	m := &macroCode{c: c, name: name, fn: in.fn, off: off, escape: sc.escape}
	special := map[string]bool{}
	for i, p := range params {
		for _, q := range params[:i] {
			if q.Name == p.Name {
				line := syntax.Line(c.p.src, off)
				return nil, &Error{Template: c.p.name, Offset: off, Line: line, Err: &syntax.Error{
					Msg: "duplicate argument '" + p.Name + "' in function definition", Offset: off, Line: line}}
			}
		}
		m.params = append(m.params, p.Name)
		m.vars = append(m.vars, in.syms.Param(p.Name))
		switch p.Name {
		case "caller":
			m.explicit = true
			if p.Default == nil {
				line := syntax.Line(c.p.src, off)
				return nil, &Error{Template: c.p.name, Offset: off, Line: line, Err: &syntax.Error{
					Msg: `When defining macros or call blocks the special "caller" argument must be omitted or be given a default.`, Offset: off, Line: line}}
			}
			special["caller"] = true
		case "kwargs", "varargs":
			special[p.Name] = true
		}
	}
	declare := func(n string) *symbols.Variable {
		if special[n] || !symbols.Reads(body, n) {
			return nil
		}
		return in.syms.Param(n)
	}
	m.caller, m.kwargs, m.varargs = declare("caller"), declare("kwargs"), declare("varargs")
	for _, p := range params {
		if p.Default != nil {
			in.syms.Expr(p.Default)
		}
	}
	in.syms.Stmts(body)
	m.defaults = make([]evalFn, len(params))
	for i, p := range params {
		fn, err := c.optional(p.Default, in)
		if err != nil {
			return nil, err
		}
		m.defaults[i] = fn
	}
	m.enter = c.enterFn(in.syms, true)
	var err error
	m.body, err = c.stmts(body, in)
	return m, err
}

// Macro is a macro, or the caller of a call block, with the frame it was defined in.
type Macro struct {
	code  *macroCode
	frame *frame
}

// TypeName is "Macro".
func (*Macro) TypeName() string { return "Macro" }

// QualifiedTypeName is the name Jinja prints in "… has no attribute".
func (*Macro) QualifiedTypeName() string { return "jinja2.runtime.Macro" }

// Repr is "<Macro 'name'>".
func (m *Macro) Repr() (string, error) {
	return "<Macro " + m.code.spelling() + ">", nil
}

// GetAttr gives name, arguments, catch_kwargs, catch_varargs and caller.
func (m *Macro) GetAttr(name string) (value.Value, bool, error) {
	c := m.code
	switch name {
	case "name":
		if c.name == "" {
			return value.None, true, nil
		}
		return value.Str(c.name), true, nil
	case "arguments":
		t := value.NewTuple()
		for _, p := range c.params {
			t.Elems = append(t.Elems, value.Str(p))
		}
		return t, true, nil
	case "catch_kwargs":
		return value.Bool(c.kwargs != nil), true, nil
	case "catch_varargs":
		return value.Bool(c.varargs != nil), true, nil
	case "caller":
		return value.Bool(c.caller != nil || c.explicit), true, nil
	}
	return nil, false, nil
}

// Call runs the macro.
func (m *Macro) Call(args []value.Value, kw []value.Kwarg) (value.Value, error) {
	c, p := m.code, m.code.c.p
	f := &frame{slots: make([]value.Value, c.fn.Slots), parent: m.frame, ctx: m.frame.ctx, out: p.env.newOutput()}
	if err := f.ctx.enter(); err != nil {
		return nil, err
	}
	defer f.ctx.leave()
	rest := append([]value.Kwarg(nil), kw...)
	take := func(name string) value.Value {
		for i, k := range rest {
			if k.Name == name {
				rest = append(rest[:i:i], rest[i+1:]...)
				return k.Val
			}
		}
		return nil
	}
	bound := make([]value.Value, len(c.params))
	n := copy(bound, args)
	foundCaller := false
	if n != len(c.params) {
		for i := n; i < len(c.params); i++ {
			bound[i] = take(c.params[i])
			if c.params[i] == "caller" {
				foundCaller = true
			}
		}
	} else {
		foundCaller = c.explicit
	}
	if c.enter != nil {
		if err := c.enter(f); err != nil {
			return nil, err
		}
	}
	if c.caller != nil && !foundCaller {
		v := take("caller")
		if v == nil {
			v = &value.Undefined{Kind: p.env.Undefined, Hint: "No caller defined", Name: value.Str("caller")}
		}
		f.slots[c.caller.Slot] = v
	}
	if c.kwargs != nil {
		d := value.NewDict()
		for _, k := range rest {
			d.SetStr(k.Name, k.Val)
		}
		f.slots[c.kwargs.Slot] = d
	} else if len(rest) > 0 {
		for _, k := range rest {
			if k.Name == "caller" {
				return nil, value.TypeErrorf("macro %s was invoked with two values for the special caller argument. This is most likely a bug.", c.spelling())
			}
		}
		return nil, value.TypeErrorf("macro %s takes no keyword argument %s", c.spelling(), mustRepr(value.Str(rest[0].Name)))
	}
	if c.varargs != nil {
		f.slots[c.varargs.Slot] = value.NewTuple(append([]value.Value(nil), args[n:]...)...)
	} else if len(args) > len(c.params) {
		return nil, value.TypeErrorf("macro %s takes not more than %d argument(s)", c.spelling(), len(c.params))
	}
	for i, v := range bound {
		if v == nil {
			f.slots[c.vars[i].Slot] = missing
		} else {
			f.slots[c.vars[i].Slot] = v
		}
	}
	for i, v := range bound {
		if v != nil {
			continue
		}
		slot := c.vars[i].Slot
		if c.defaults[i] == nil {
			name := c.params[i]
			f.slots[slot] = &value.Undefined{Kind: p.env.Undefined, Hint: "parameter " + mustRepr(value.Str(name)) + " was not provided", Name: value.Str(name)}
			continue
		}
		d, err := c.defaults[i](f)
		if err != nil {
			return nil, err
		}
		f.slots[slot] = d
	}
	if _, err := c.body(f); err != nil {
		return nil, err
	}
	v, err := f.out.body(p.env, c.escape)
	if err != nil {
		return nil, p.wrap(err, c.off)
	}
	return v, nil
}

func (c *compiler) macroStmt(st *syntax.Macro, sc *scope) (execFn, error) {
	code, err := c.macroCode(st.Name, st.Params, st.Body, sc, st.Offset())
	if err != nil {
		return nil, err
	}
	sc.fn.Captured = true
	slot := sc.syms.Find(st.Name).Slot
	top := sc.top
	return func(f *frame) (signal, error) {
		m := &Macro{code: code, frame: f}
		f.slots[slot] = m
		if top {
			f.ctx.setTop(st.Name, m)
		}
		return goOn, nil
	}, nil
}

func (c *compiler) callBlock(st *syntax.CallBlock, sc *scope) (execFn, error) {
	code, err := c.macroCode("", st.Params, st.Body, sc, st.Offset())
	if err != nil {
		return nil, err
	}
	sc.fn.Captured = true
	call, err := c.call(st.Call, sc, func(f *frame) (value.Value, error) { return &Macro{code: code, frame: f}, nil })
	p, off, check := c.p, st.Offset(), sc.check
	return func(f *frame) (signal, error) {
		if check && f.extend != nil {
			return goOn, nil
		}
		v, err := call(f)
		if err != nil {
			return goOn, err
		}
		return goOn, p.wrapNil(f.write(v), off)
	}, err
}

// Namespace is what namespace() gives: an object whose attributes templates may set.
type Namespace struct{ d *value.Dict }

// NewNamespace returns a namespace with the given attributes.
func NewNamespace(d *value.Dict) *Namespace { return &Namespace{d} }

// TypeName is "Namespace".
func (*Namespace) TypeName() string { return "Namespace" }

// QualifiedTypeName is the name Jinja prints in "… has no attribute".
func (*Namespace) QualifiedTypeName() string { return "jinja2.utils.Namespace" }

// GetAttr reads an attribute.
func (n *Namespace) GetAttr(name string) (value.Value, bool, error) {
	v, ok := n.d.GetStr(name)
	return v, ok, nil
}

// SetItem is Namespace.__setitem__.
func (n *Namespace) SetItem(k, v value.Value) error { return n.d.Set(k, v) }

// Repr is "<Namespace {…}>".
func (n *Namespace) Repr() (string, error) {
	s, err := value.Repr(n.d)
	return "<Namespace " + s + ">", err
}

// selfRef is the variable self: the template's blocks as functions.
type selfRef struct{ ctx *Context }

func (*selfRef) TypeName() string { return "TemplateReference" }

func (s *selfRef) QualifiedTypeName() string { return "jinja2.runtime.TemplateReference" }

func (s *selfRef) GetItem(key value.Value) (value.Value, bool, error) {
	name, ok := value.AsString(key)
	if !ok {
		return nil, false, nil
	}
	return s.GetAttr(name)
}

func (s *selfRef) GetAttr(name string) (value.Value, bool, error) {
	stack := s.ctx.blocks[name]
	if len(stack) == 0 {
		return nil, false, nil
	}
	return &blockRef{s.ctx, name, stack, 0}, true, nil
}

// blockRef is a block that can be called: self.name and super.
type blockRef struct {
	ctx   *Context
	name  string
	stack []*blockImpl
	depth int
}

func (*blockRef) TypeName() string { return "BlockReference" }

func (b *blockRef) GetAttr(name string) (value.Value, bool, error) {
	if name == "super" {
		return superAt(b.ctx, b.name, b.stack, b.depth), true, nil
	}
	return nil, false, nil
}

func (b *blockRef) Call(args []value.Value, kw []value.Kwarg) (value.Value, error) {
	out := b.ctx.env.newOutput()
	if err := b.stack[b.depth].run(b.ctx, out); err != nil {
		return nil, err
	}
	return out.value(b.ctx.env)
}

func superAt(ctx *Context, name string, stack []*blockImpl, depth int) value.Value {
	if depth+1 >= len(stack) {
		return &value.Undefined{Kind: ctx.env.Undefined, Hint: "there is no parent block called " + mustRepr(value.Str(name)) + ".", Name: value.Str("super")}
	}
	return &blockRef{ctx, name, stack, depth + 1}
}

func superOf(ctx *Context, name string, impl *blockImpl) value.Value {
	stack := ctx.blocks[name]
	for i, b := range stack {
		if b == impl {
			return superAt(ctx, name, stack, i)
		}
	}
	return superAt(ctx, name, stack, len(stack))
}

func (b *blockImpl) run(ctx *Context, out *output) error {
	if err := ctx.enter(); err != nil {
		return b.prog.wrap(err, 0)
	}
	defer ctx.leave()
	f := &frame{slots: make([]value.Value, b.fn.Slots), ctx: ctx, out: out}
	_, err := b.body(f)
	return err
}

func (c *compiler) blockStmt(st *syntax.Block, sc *scope) (execFn, error) {
	var locals func(f *frame) (map[string]value.Value, error)
	if st.Scoped {
		locals = c.localsOf(sc)
	}
	p, off, check := c.p, st.Offset(), sc.check
	return func(f *frame) (signal, error) {
		if check && f.extend != nil {
			return goOn, nil
		}
		stack := f.ctx.blocks[st.Name]
		if len(stack) == 0 {
			return goOn, nil
		}
		if st.Required && len(stack) <= 1 {
			return goOn, p.wrap(value.Errorf("TemplateRuntimeError", "Required block %s not found", mustRepr(value.Str(st.Name))), off)
		}
		ctx := f.ctx
		if locals != nil {
			vars, err := locals(f)
			if err != nil {
				return goOn, err
			}
			ctx = f.ctx.derive(f.ctx.prog, vars)
			ctx.blocks = f.ctx.blocks
		}
		return goOn, stack[0].run(ctx, f.out)
	}, nil
}

// localsOf compiles the collecting of all variables that are set where sc is.
func (c *compiler) localsOf(sc *scope) func(f *frame) (map[string]value.Value, error) {
	vars := sc.syms.Visible()
	reads := make([]func(f *frame) (value.Value, error), len(vars))
	for i, v := range vars {
		reads[i] = rawRead(v, sc.fn)
	}
	return func(f *frame) (map[string]value.Value, error) {
		m := make(map[string]value.Value, len(vars))
		for i, v := range vars {
			x, err := reads[i](f)
			if err != nil {
				return nil, err
			}
			if x == missing {
				continue
			}
			if u, ok := x.(*value.Undefined); ok && u.Obj == nil && u.Hint == "" {
				if name, ok := value.AsString(u.Name); ok && name == v.Name {
					continue // never set
				}
			}
			m[v.Name] = x
		}
		return m, nil
	}
}

func joinNames(names []string) string { return strings.Join(names, ", ") }
