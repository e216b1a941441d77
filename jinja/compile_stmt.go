package jinja

import (
	"strconv"

	"github.com/troupe-automation/troupe/jinja/symbols"
	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/value"
)

func itoa(n int) string { return strconv.Itoa(n) }

func (c *compiler) stmts(body []syntax.Stmt, sc *scope) (execFn, error) {
	var fns []execFn
	for _, st := range body {
		fn, err := c.stmt(st, sc)
		if err != nil {
			return nil, err
		}
		if fn != nil {
			fns = append(fns, fn)
		}
	}
	switch len(fns) {
	case 0:
		return func(*frame) (signal, error) { return goOn, nil }, nil
	case 1:
		return fns[0], nil
	}
	return func(f *frame) (signal, error) {
		for _, fn := range fns {
			if sig, err := fn(f); err != nil || sig != goOn {
				return sig, err
			}
		}
		return goOn, nil
	}, nil
}

func (c *compiler) stmt(st syntax.Stmt, sc *scope) (execFn, error) {
	switch st := st.(type) {
	case *syntax.Output:
		return c.output(st, sc)
	case *syntax.If:
		return c.ifStmt(st, sc)
	case *syntax.For:
		return c.forStmt(st, sc)
	case *syntax.Assign:
		return c.assignStmt(st, sc)
	case *syntax.AssignBlock:
		return c.assignBlock(st, sc)
	case *syntax.With:
		return c.with(st, sc)
	case *syntax.FilterBlock:
		return c.filterBlock(st, sc)
	case *syntax.Macro:
		return c.macroStmt(st, sc)
	case *syntax.CallBlock:
		return c.callBlock(st, sc)
	case *syntax.Block:
		return c.blockStmt(st, sc)
	case *syntax.Extends:
		return c.extendsStmt(st, sc)
	case *syntax.Include:
		return c.include(st, sc)
	case *syntax.Import:
		return c.importStmt(st, sc)
	case *syntax.FromImport:
		return c.fromImport(st, sc)
	case *syntax.Autoescape:
		return c.autoescape(st, sc)
	case *syntax.Do:
		node, err := c.compileExpr(st.Node, sc)
		return func(f *frame) (signal, error) {
			_, err := node(f)
			return goOn, err
		}, err
	case *syntax.Break, *syntax.Continue:
		if !sc.loop {
			return nil, c.assertf(st, "'%s' outside loop", map[bool]string{true: "break", false: "continue"}[isBreak(st)])
		}
		sig := continueLoop
		if isBreak(st) {
			sig = breakLoop
		}
		return func(*frame) (signal, error) { return sig, nil }, nil
	}
	return nil, c.assertf(st, "unexpected statement")
}

func isBreak(s syntax.Stmt) bool {
	_, ok := s.(*syntax.Break)
	return ok
}

// output compiles text and {{ }}. Constants are turned into text now and joined with the text around them, as Jinja does:
// whether a template has one node or more decides about its result's type.
func (c *compiler) output(st *syntax.Output, sc *scope) (execFn, error) {
	var pieces []piece
	var text []byte
	have := false
	flush := func() {
		if have {
			pieces = append(pieces, piece{text: string(text), node: value.Str(text), off: st.Offset()})
			text, have = nil, false
		}
	}
	for _, n := range st.Nodes {
		if d, ok := n.(*syntax.Data); ok {
			text = append(text, d.Text...)
			have = true
			continue
		}
		fn, err := c.compileExpr(n, sc)
		if err != nil {
			return nil, err
		}
		if s, ok := c.foldOutput(n, fn, sc); ok {
			text = append(text, s...)
			have = true
			continue
		}
		flush()
		pieces = append(pieces, piece{eval: c.printed(n, fn, sc), off: n.Offset()})
	}
	flush()
	check, p := sc.check, c.p
	return func(f *frame) (signal, error) {
		if check && f.extend != nil {
			return goOn, nil
		}
		return goOn, f.print(p, pieces)
	}, nil
}

func (c *compiler) foldOutput(n syntax.Expr, fn evalFn, sc *scope) (string, bool) {
	if sc.escape {
		return "", false
	}
	v, ok := c.fold(n, fn)
	if _, text := v.(value.Str); !ok || c.env.TypedConstants && !text {
		return "", false
	}
	if c.env.Finalize != nil {
		var err error
		if v, err = c.env.Finalize(v); err != nil {
			return "", false
		}
	}
	s, err := value.ToStr(v)
	return s, err == nil
}

// printed is the value of an expression as {{ }} gives it to the output.
func (c *compiler) printed(n syntax.Expr, fn evalFn, sc *scope) evalFn {
	finalize, escape := c.env.Finalize, sc.escape && c.env.Concat == nil
	if finalize == nil && !escape {
		return fn
	}
	p, off := c.p, n.Offset()
	return func(f *frame) (value.Value, error) {
		v, err := fn(f)
		if err != nil {
			return nil, err
		}
		if finalize != nil {
			if v, err = finalize(v); err != nil {
				return nil, p.wrap(err, off)
			}
		}
		if _, ok := v.(value.Markup); !ok && escape {
			s, err := value.ToStr(v)
			if err != nil {
				return nil, p.wrap(err, off)
			}
			v = value.Str(value.EscapeHTML(s))
		}
		return v, nil
	}
}

func (c *compiler) ifStmt(st *syntax.If, sc *scope) (execFn, error) {
	sc = sc.soft()
	tests, err := c.exprList(st.Tests, sc)
	if err != nil {
		return nil, err
	}
	bodies := make([]execFn, len(st.Bodies))
	for i, b := range st.Bodies {
		if bodies[i], err = c.stmts(b, sc); err != nil {
			return nil, err
		}
	}
	els, err := c.stmts(st.Else, sc)
	p := c.p
	return func(f *frame) (signal, error) {
		for i, test := range tests {
			v, err := test(f)
			if err != nil {
				return goOn, err
			}
			t, err := value.Truth(v)
			if err != nil {
				return goOn, p.wrap(err, st.Tests[i].Offset())
			}
			if t {
				return bodies[i](f)
			}
		}
		return els(f)
	}, err
}

func (c *compiler) assignStmt(st *syntax.Assign, sc *scope) (execFn, error) {
	val, err := c.compileExpr(st.Val, sc)
	if err != nil {
		return nil, err
	}
	store, err := c.assign(st.Target, sc)
	if err != nil {
		return nil, err
	}
	export := c.export(st.Target, sc)
	p, off := c.p, st.Offset()
	return func(f *frame) (signal, error) {
		v, err := val(f)
		if err != nil {
			return goOn, err
		}
		if err := store(f, v); err != nil {
			return goOn, p.wrap(err, off)
		}
		if export != nil {
			export(f)
		}
		return goOn, nil
	}, nil
}

// capture runs body with an output of its own and joins its nodes.
func (c *compiler) capture(body execFn, escape bool, off int) func(f *frame) (value.Value, error) {
	p := c.p
	return func(f *frame) (value.Value, error) {
		saved := f.out
		out := p.env.newOutput()
		f.out = out
		_, err := body(f)
		f.out = saved
		if err != nil {
			return nil, err
		}
		v, err := out.body(p.env, escape)
		if err != nil {
			return nil, p.wrap(err, off)
		}
		return v, nil
	}
}

// buffered compiles a body whose output is a value: it runs in a scope of its own.
func (c *compiler) buffered(body []syntax.Stmt, sc *scope, off int) (func(f *frame) (value.Value, error), *scope, error) {
	in := sc.inner()
	in.check = false
	in.syms.Stmts(body)
	enter := c.enterFn(in.syms, true)
	run, err := c.stmts(body, in)
	if err != nil {
		return nil, nil, err
	}
	return c.capture(func(f *frame) (signal, error) {
		if enter != nil {
			if err := enter(f); err != nil {
				return goOn, err
			}
		}
		return run(f)
	}, sc.escape, off), in, nil
}

func (c *compiler) assignBlock(st *syntax.AssignBlock, sc *scope) (execFn, error) {
	capture, _, err := c.buffered(st.Body, sc, st.Offset())
	if err != nil {
		return nil, err
	}
	var cell *symbols.Variable
	var filter evalFn
	if st.Filter != nil {
		cell, filter, err = c.blockFilter(st.Filter, sc)
		if err != nil {
			return nil, err
		}
	}
	store, err := c.assign(st.Target, sc)
	if err != nil {
		return nil, err
	}
	export := c.export(st.Target, sc)
	p, off := c.p, st.Offset()
	return func(f *frame) (signal, error) {
		v, err := capture(f)
		if err != nil {
			return goOn, err
		}
		if filter != nil {
			f.slots[cell.Slot] = v
			if v, err = filter(f); err != nil {
				return goOn, err
			}
		}
		if err := store(f, v); err != nil {
			return goOn, p.wrap(err, off)
		}
		if export != nil {
			export(f)
		}
		return goOn, nil
	}, nil
}

// blockFilter compiles the filters of a block; they are applied to the value of the variable returned.
func (c *compiler) blockFilter(flt *syntax.Filter, sc *scope) (*symbols.Variable, evalFn, error) {
	cell := &symbols.Variable{Fn: sc.fn, Slot: sc.fn.Slots}
	sc.fn.Slots++
	fn, err := c.filter(flt, sc, func(f *frame) (value.Value, error) { return f.slots[cell.Slot], nil })
	return cell, fn, err
}

func (c *compiler) filterBlock(st *syntax.FilterBlock, sc *scope) (execFn, error) {
	capture, _, err := c.buffered(st.Body, sc, st.Offset())
	if err != nil {
		return nil, err
	}
	cell, filter, err := c.blockFilter(st.Filter, sc)
	if err != nil {
		return nil, err
	}
	p, off, check := c.p, st.Offset(), sc.check
	return func(f *frame) (signal, error) {
		v, err := capture(f)
		if err != nil {
			return goOn, err
		}
		f.slots[cell.Slot] = v
		if v, err = filter(f); err != nil {
			return goOn, err
		}
		if check && f.extend != nil {
			return goOn, nil
		}
		if _, isText := value.AsString(v); !isText && p.env.Concat == nil {
			// Jinja joins what a filter block gives without asking for its text.
			return goOn, p.wrap(value.TypeErrorf("sequence item %d: expected str instance, %s found", len(f.out.nodes), v.TypeName()), off)
		}
		return goOn, p.wrapNil(f.write(v), off)
	}, nil
}

func (p *Program) wrapNil(err error, off int) error {
	if err == nil {
		return nil
	}
	return p.wrap(err, off)
}

func (c *compiler) with(st *syntax.With, sc *scope) (execFn, error) {
	vals, err := c.exprList(st.Vals, sc)
	if err != nil {
		return nil, err
	}
	in := sc.inner()
	for _, t := range st.Targets {
		in.syms.Target(t, true)
	}
	in.syms.Stmts(st.Body)
	stores := make([]func(f *frame, v value.Value) error, len(st.Targets))
	for i, t := range st.Targets {
		if stores[i], err = c.assign(t, in); err != nil {
			return nil, err
		}
	}
	enter := c.enterFn(in.syms, true)
	body, err := c.stmts(st.Body, in)
	p, off := c.p, st.Offset()
	return func(f *frame) (signal, error) {
		vs, err := evalAll(vals, f)
		if err != nil {
			return goOn, err
		}
		if enter != nil {
			if err := enter(f); err != nil {
				return goOn, err
			}
		}
		for i, store := range stores {
			if err := store(f, vs[i]); err != nil {
				return goOn, p.wrap(err, off)
			}
		}
		return body(f)
	}, err
}

func (c *compiler) autoescape(st *syntax.Autoescape, sc *scope) (execFn, error) {
	in := sc.inner()
	b, ok := st.Enabled.(*syntax.BoolConst)
	in.escape = ok && b.Val
	in.syms.Stmts(st.Body)
	enter := c.enterFn(in.syms, true)
	body, err := c.stmts(st.Body, in)
	return func(f *frame) (signal, error) {
		if enter != nil {
			if err := enter(f); err != nil {
				return goOn, err
			}
		}
		return body(f)
	}, err
}

func (c *compiler) forStmt(st *syntax.For, sc *scope) (execFn, error) {
	var bad syntax.Node
	checkTarget := func(e syntax.Expr) {
		if n, ok := e.(*syntax.Name); ok && n.Name == "loop" {
			bad = n
		}
	}
	syntax.WalkExpr(st.Target, checkTarget)
	syntax.WalkStmts(st.Body, func(s syntax.Stmt) bool {
		switch s := s.(type) {
		case *syntax.Assign:
			syntax.WalkExpr(s.Target, checkTarget)
		case *syntax.AssignBlock:
			syntax.WalkExpr(s.Target, checkTarget)
		case *syntax.For:
			syntax.WalkExpr(s.Target, checkTarget)
		}
		return true
	}, func(syntax.Expr) {})
	if bad != nil {
		return nil, c.assertf(bad, "Can't assign to special loop variable in for-loop target")
	}
	iter, err := c.compileExpr(st.Iter, sc)
	if err != nil {
		return nil, err
	}
	extended := st.Recursive || symbols.Reads(st.Body, "loop")
	syntax.WalkStmts(st.Body, func(s syntax.Stmt) bool {
		switch s := s.(type) {
		case *syntax.Block:
			extended = extended || s.Scoped
		case *syntax.Include:
			extended = extended || s.WithContext
		}
		return true
	}, func(syntax.Expr) {})

	in := sc.inner()
	if st.Recursive {
		in = sc.fresh()
		in.fn.Captured = true
	}
	var filterScope *scope
	if st.Test != nil {
		t := *in
		t.syms = symbols.New(sc.syms, in.fn)
		filterScope = &t
	}
	in.loop = true
	var loopVar *symbols.Variable
	if extended {
		loopVar = in.syms.Param("loop")
	}
	in.syms.Target(st.Target, true)
	in.syms.Stmts(st.Body)
	store, err := c.assign(st.Target, in)
	if err != nil {
		return nil, err
	}
	l := &loopCode{c: c, st: st, store: store, loopVar: loopVar, bound: symbols.LoopStays(st), enter: c.enterFn(in.syms, true), fn: in.fn}
	if l.body, err = c.stmts(st.Body, in); err != nil {
		return nil, err
	}
	if filterScope != nil {
		filterScope.syms.Target(st.Target, true)
		filterScope.syms.Expr(st.Test)
		if l.testStore, err = c.assign(st.Target, filterScope); err != nil {
			return nil, err
		}
		if _, unpacks := st.Target.(*syntax.Tuple); unpacks {
			l.unpacked = unpacked(st.Target, filterScope)
		}
		l.testEnter = c.enterFn(filterScope.syms, true)
		if l.test, err = c.compileExpr(st.Test, filterScope); err != nil {
			return nil, err
		}
	}
	if st.Else != nil {
		els := sc.inner()
		els.fn = in.fn
		els.syms.Fn = in.fn
		els.syms.Stmts(st.Else)
		l.elseEnter = c.enterFn(els.syms, true)
		if l.els, err = c.stmts(st.Else, els); err != nil {
			return nil, err
		}
	}
	p, off := c.p, st.Offset()
	return func(f *frame) (signal, error) {
		v, err := iter(f)
		if err != nil {
			return goOn, err
		}
		if st.Recursive {
			_, err := l.recursive(f, f.ctx, v, 0, f.out)
			return goOn, p.wrapNil(err, off)
		}
		return goOn, l.run(f, v, 0, nil)
	}, nil
}
