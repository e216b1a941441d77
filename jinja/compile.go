package jinja

import (
	"fmt"

	"github.com/troupe-automation/troupe/jinja/symbols"
	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/value"
)

// compiler turns a parsed template into closures, with every variable resolved to a slot.
type compiler struct {
	p   *Program
	env *Environment
	err error
	// unwritable are constant parts whose value Jinja cannot write into its code, with the name that Python misses there.
	unwritable map[syntax.Expr]string
	depth      int // of compileExpr
}

// scope is where a piece of template is compiled: the variables it sees and what kind of frame it is in.
type scope struct {
	syms   *symbols.Table
	fn     *symbols.Function
	top    bool // top level of the template or of a block: assignments are exported
	root   bool // not inside any block tag
	check  bool // output stops once {% extends %} ran
	maybe  bool // in a branch, which may not run: unknown filters fail when it does
	loop   bool // inside a loop, where break and continue work
	escape bool // autoescape
}

func (s *scope) inner() *scope {
	c := *s
	c.top, c.root, c.maybe = false, false, false
	c.syms = symbols.New(s.syms, s.fn)
	return &c
}

// soft is the same scope, not at the root any more: branches of an if.
func (s *scope) soft() *scope {
	c := *s
	c.root, c.maybe = false, true
	return &c
}

// fresh is a scope in a function of its own.
func (s *scope) fresh() *scope {
	c := *s
	c.top, c.root, c.loop, c.maybe = false, false, false, false
	c.fn = &symbols.Function{Parent: s.fn}
	c.syms = symbols.New(s.syms, c.fn)
	return &c
}

var mutators = map[string]bool{
	"append": true, "extend": true, "insert": true, "pop": true, "popitem": true, "remove": true, "clear": true, "update": true,
	"setdefault": true, "sort": true, "reverse": true, "add": true, "discard": true, "difference_update": true,
	"intersection_update": true, "symmetric_difference_update": true, "__setitem__": true, "__delitem__": true,
}

func (c *compiler) failAt(n syntax.Node, err error) error {
	return &Error{Template: c.p.name, Offset: n.Offset(), Line: syntax.Line(c.p.src, n.Offset()), Err: err}
}

func (c *compiler) assertf(n syntax.Node, format string, args ...any) error {
	off := n.Offset()
	line := syntax.Line(c.p.src, off)
	return &Error{Template: c.p.name, Offset: off, Line: line, Err: &syntax.Error{Msg: fmt.Sprintf(format, args...), Offset: off, Line: line}}
}

// template compiles the whole template.
func (c *compiler) template(t *syntax.Template) error {
	p := c.p
	syntax.WalkStmts(t.Body, func(s syntax.Stmt) bool {
		if _, ok := s.(*syntax.Extends); ok {
			p.extends = true
		}
		return true
	}, func(e syntax.Expr) {
		if call, ok := e.(*syntax.Call); ok {
			switch fn := call.Fn.(type) {
			case *syntax.Getattr:
				p.mutates = p.mutates || mutators[fn.Name]
			case *syntax.Getitem:
				if k, ok := fn.Key.(*syntax.StrConst); ok {
					p.mutates = p.mutates || mutators[k.Val]
				}
			}
		}
	})
	p.root = &symbols.Function{}
	sc := &scope{fn: p.root, syms: symbols.New(nil, p.root), top: true, root: true, check: p.extends}
	selfVar := c.declareSelf(t.Body, sc)
	sc.syms.Stmts(t.Body)
	enter := c.enterFn(sc.syms, false)
	body, err := c.stmts(t.Body, sc)
	if err != nil {
		return err
	}
	p.body = func(f *frame) (signal, error) {
		if selfVar != nil {
			f.slots[selfVar.Slot] = &selfRef{f.ctx}
		}
		if enter != nil {
			if err := enter(f); err != nil {
				return goOn, err
			}
		}
		return body(f)
	}
	for _, b := range t.Blocks {
		if err := c.block(b); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) declareSelf(body []syntax.Stmt, sc *scope) *symbols.Variable {
	if symbols.Reads(body, "self") {
		return sc.syms.Param("self")
	}
	return nil
}

// block compiles a named block as a function of its own, with no sight of the variables around it.
func (c *compiler) block(b *syntax.Block) error {
	fn := &symbols.Function{}
	sc := &scope{fn: fn, syms: symbols.New(nil, fn)}
	selfVar := c.declareSelf(b.Body, sc)
	var superVar *symbols.Variable
	if symbols.Reads(b.Body, "super") {
		superVar = sc.syms.Param("super")
	}
	sc.syms.Stmts(b.Body)
	enter := c.enterFn(sc.syms, false)
	body, err := c.stmts(b.Body, sc)
	if err != nil {
		return err
	}
	impl := &blockImpl{prog: c.p, name: b.Name, fn: fn}
	impl.body = func(f *frame) (signal, error) {
		if selfVar != nil {
			f.slots[selfVar.Slot] = &selfRef{f.ctx}
		}
		if superVar != nil {
			f.slots[superVar.Slot] = superOf(f.ctx, b.Name, impl)
		}
		if enter != nil {
			if err := enter(f); err != nil {
				return goOn, err
			}
		}
		return body(f)
	}
	if c.p.blocks == nil {
		c.p.blocks = map[string]*blockImpl{}
	}
	c.p.blocks[b.Name] = impl
	return nil
}

// enterFn prepares the variables of a scope that is entered: aliases are copied, others start as missing or unresolved.
// again says that the scope may be entered more than once in one frame.
func (c *compiler) enterFn(s *symbols.Table, again bool) func(f *frame) error {
	var aliases, undefined, resolve []*symbols.Variable
	for _, v := range s.All {
		switch v.Load {
		case symbols.Alias:
			aliases = append(aliases, v)
		case symbols.Undefined:
			undefined = append(undefined, v)
		case symbols.Resolve:
			if again && (c.p.mutates || s.Stores(v.Name)) { // what one round of a loop set, the next does not see
				resolve = append(resolve, v)
			}
		}
	}
	if aliases == nil && undefined == nil && resolve == nil {
		return nil
	}
	reads := make([]func(f *frame) (value.Value, error), len(aliases))
	for i, v := range aliases {
		reads[i] = rawRead(v.Outer, s.Fn)
	}
	return func(f *frame) error {
		for _, v := range undefined {
			f.slots[v.Slot] = missing
		}
		for _, v := range resolve {
			f.slots[v.Slot] = nil
		}
		for i, v := range aliases {
			x, err := reads[i](f)
			if err != nil {
				return err
			}
			f.slots[v.Slot] = x
		}
		return nil
	}
}

// rawRead reads a variable from function fn, resolving it when that has not happened; missing stays missing.
func rawRead(v *symbols.Variable, fn *symbols.Function) func(f *frame) (value.Value, error) {
	hops := fn.Hops(v.Fn)
	markCaptured(fn, v.Fn)
	slot, name := v.Slot, v.Name
	return func(f *frame) (value.Value, error) {
		for range hops {
			f = f.parent
		}
		x := f.slots[slot]
		if x != nil {
			return x, nil
		}
		x, err := f.ctx.resolve(name)
		if err != nil {
			return nil, err
		}
		f.slots[slot] = x
		return x, nil
	}
}

func markCaptured(fn, owner *symbols.Function) {
	for g := fn; g != owner; g = g.Parent {
		g.Parent.Captured = true
	}
}

func (c *compiler) name(n *syntax.Name, sc *scope) evalFn {
	v := sc.syms.Find(n.Name)
	if v == nil {
		// A name that no analysis saw can only come from the context.
		name := n.Name
		return func(f *frame) (value.Value, error) {
			x, err := f.ctx.resolve(name)
			if err != nil {
				return nil, c.p.wrap(err, n.Offset())
			}
			return x, nil
		}
	}
	p, off, name, slot := c.p, n.Offset(), n.Name, v.Slot
	kind := c.env.Undefined
	if v.Fn == sc.fn {
		return func(f *frame) (value.Value, error) {
			x := f.slots[slot]
			if x == nil {
				var err error
				if x, err = f.ctx.resolve(name); err != nil {
					return nil, p.wrap(err, off)
				}
				f.slots[slot] = x
				return x, nil
			}
			if x == missing {
				return &value.Undefined{Kind: kind, Name: value.Str(name)}, nil
			}
			return x, nil
		}
	}
	read := rawRead(v, sc.fn)
	return func(f *frame) (value.Value, error) {
		x, err := read(f)
		if err != nil {
			return nil, p.wrap(err, off)
		}
		if x == missing {
			return &value.Undefined{Kind: kind, Name: value.Str(name)}, nil
		}
		return x, nil
	}
}

// assign compiles the storing of a value in a target.
func (c *compiler) assign(target syntax.Expr, sc *scope) (func(f *frame, v value.Value) error, error) {
	switch t := target.(type) {
	case *syntax.Name:
		slot := sc.syms.Find(t.Name).Slot
		return func(f *frame, v value.Value) error {
			f.slots[slot] = v
			return nil
		}, nil
	case *syntax.NSRef:
		read := c.name(&syntax.Name{At: t.At, Name: t.Name}, sc)
		return func(f *frame, v value.Value) error {
			ns, err := read(f)
			if err != nil {
				return err
			}
			n, ok := ns.(*Namespace)
			if !ok {
				return value.Errorf("TemplateRuntimeError", "cannot assign attribute on non-namespace object")
			}
			n.d.SetStr(t.Attr, v)
			return nil
		}, nil
	case *syntax.Tuple:
		parts := make([]func(f *frame, v value.Value) error, len(t.Items))
		for i, item := range t.Items {
			part, err := c.assign(item, sc)
			if err != nil {
				return nil, err
			}
			parts[i] = part
		}
		return func(f *frame, v value.Value) error {
			elems, err := unpack(v, len(parts))
			if err != nil {
				return err
			}
			for i, part := range parts {
				if err := part(f, elems[i]); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}
	return nil, c.assertf(target, "can't assign")
}

// unpack gives the n elements that a tuple target needs.
func unpack(v value.Value, n int) ([]value.Value, error) {
	if t, ok := v.(*value.Tuple); ok && len(t.Elems) == n {
		return t.Elems, nil
	}
	if u, ok := v.(*value.Undefined); ok && u.Kind != value.Lenient {
		return nil, u.Err()
	}
	it, err := value.Iterate(v)
	if err != nil {
		if value.ErrorClass(err) == "TypeError" {
			return nil, value.TypeErrorf("cannot unpack non-iterable %s object", v.TypeName())
		}
		return nil, err
	}
	var out []value.Value
	for {
		x, ok, err := it.Next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if len(out) == n {
			return nil, value.ValueErrorf("too many values to unpack (expected %d)", n)
		}
		out = append(out, x)
	}
	if len(out) < n {
		return nil, value.ValueErrorf("not enough values to unpack (expected %d, got %d)", n, len(out))
	}
	return out, nil
}

// exported gives the names that an assignment at the top level shares with includes, blocks and importers.
func (c *compiler) export(target syntax.Expr, sc *scope) func(f *frame) {
	if !sc.top {
		return nil
	}
	var vars []*symbols.Variable
	syntax.WalkExpr(target, func(e syntax.Expr) {
		if n, ok := e.(*syntax.Name); ok {
			vars = append(vars, sc.syms.Find(n.Name))
		}
	})
	return func(f *frame) {
		for _, v := range vars {
			f.ctx.setTop(v.Name, f.slots[v.Slot])
		}
	}
}
