package jinja

import (
	"errors"
	"strings"

	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/value"
)

func constant(v value.Value) evalFn {
	return func(*frame) (value.Value, error) { return v, nil }
}

// compileExpr compiles an expression; one that is constant and immutable is computed now.
func (c *compiler) compileExpr(e syntax.Expr, sc *scope) (evalFn, error) {
	c.depth++
	defer func() { c.depth-- }()
	if c.depth == 1 {
		c.unwritable = nil
		c.findUnwritable(e, sc)
	}
	if name, ok := c.unwritable[e]; ok {
		err := c.failAt(e, value.Errorf("NameError", "name '%s' is not defined", name))
		return func(*frame) (value.Value, error) { return nil, err }, nil
	}
	fn, err := c.expr(e, sc)
	if err != nil {
		return nil, err
	}
	switch e.(type) {
	case *syntax.Binary, *syntax.Unary, *syntax.Compare, *syntax.Concat, *syntax.Not, *syntax.Logic:
		if v, ok := c.fold(e, fn); ok && value.Immutable(v) {
			return constant(v), nil
		}
	}
	return fn, nil
}

func (c *compiler) exprList(es []syntax.Expr, sc *scope) ([]evalFn, error) {
	out := make([]evalFn, len(es))
	for i, e := range es {
		fn, err := c.compileExpr(e, sc)
		if err != nil {
			return nil, err
		}
		out[i] = fn
	}
	return out, nil
}

// optional compiles an expression that may be absent.
func (c *compiler) optional(e syntax.Expr, sc *scope) (evalFn, error) {
	if e == nil {
		return nil, nil
	}
	return c.compileExpr(e, sc)
}

func evalAll(fns []evalFn, f *frame) ([]value.Value, error) {
	out := make([]value.Value, len(fns))
	for i, fn := range fns {
		v, err := fn(f)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func (c *compiler) expr(e syntax.Expr, sc *scope) (evalFn, error) {
	p, off := c.p, e.Offset()
	switch e := e.(type) {
	case *syntax.Name:
		return c.name(e, sc), nil
	case *syntax.StrConst:
		return constant(value.Str(e.Val)), nil
	case *syntax.IntConst:
		return constant(value.NewBig(e.Val)), nil
	case *syntax.FloatConst:
		return constant(value.Float(e.Val)), nil
	case *syntax.BoolConst:
		return constant(value.Bool(e.Val)), nil
	case *syntax.NoneConst:
		return constant(value.None), nil
	case *syntax.Data:
		return constant(value.Str(e.Text)), nil
	case *syntax.Tuple:
		items, err := c.exprList(e.Items, sc)
		return func(f *frame) (value.Value, error) {
			vs, err := evalAll(items, f)
			return &value.Tuple{Elems: vs}, err
		}, err
	case *syntax.List:
		items, err := c.exprList(e.Items, sc)
		return func(f *frame) (value.Value, error) {
			vs, err := evalAll(items, f)
			return &value.List{Elems: vs}, err
		}, err
	case *syntax.Dict:
		return c.dict(e, sc)
	case *syntax.Cond:
		return c.cond(e, sc)
	case *syntax.Filter:
		return c.filter(e, sc, nil)
	case *syntax.Test:
		return c.test(e, sc)
	case *syntax.Call:
		return c.call(e, sc, nil)
	case *syntax.Getattr:
		return c.getattr(e, sc)
	case *syntax.Getitem:
		return c.getitem(e, sc)
	case *syntax.Concat:
		items, err := c.exprList(e.Items, sc)
		return func(f *frame) (value.Value, error) {
			var b strings.Builder
			for _, it := range items {
				v, err := it(f)
				if err != nil {
					return nil, err
				}
				s, err := value.ToStr(v)
				if err != nil {
					return nil, p.wrap(err, off)
				}
				b.WriteString(s)
			}
			return value.Str(b.String()), nil
		}, err
	case *syntax.Compare:
		return c.compare(e, sc)
	case *syntax.Binary:
		left, err := c.compileExpr(e.Left, sc)
		if err != nil {
			return nil, err
		}
		right, err := c.compileExpr(e.Right, sc)
		op := binaryOps[e.Op]
		if e.Op == "**" && c.pure(e.Left) && !c.pure(e.Right) {
			if v, ok := c.fold(e.Left, left); ok && value.IsNegative(v) {
				op = negatedPower
			}
		}
		lo, ro := c.traced(e.Left, sc), c.traced(e.Right, sc)
		return func(f *frame) (value.Value, error) {
			a, err := left(f)
			if err != nil {
				return nil, err
			}
			b, err := right(f)
			if err != nil {
				return nil, err
			}
			v, err := op(a, b)
			if err != nil {
				return nil, p.wrap(f.ctx.named(err, operand{lo, a}, operand{ro, b}), off)
			}
			return v, nil
		}, err
	case *syntax.Unary:
		node, err := c.compileExpr(e.Node, sc)
		op := value.Neg
		if e.Op == "+" {
			op = value.Pos
		}
		return func(f *frame) (value.Value, error) {
			v, err := node(f)
			if err != nil {
				return nil, err
			}
			if v, err = op(v); err != nil {
				return nil, p.wrap(err, off)
			}
			return v, nil
		}, err
	case *syntax.Logic:
		left, err := c.compileExpr(e.Left, sc)
		if err != nil {
			return nil, err
		}
		right, err := c.compileExpr(e.Right, sc)
		or := e.Or
		return func(f *frame) (value.Value, error) {
			v, err := left(f)
			if err != nil {
				return nil, err
			}
			t, err := value.Truth(v)
			if err != nil {
				return nil, p.wrap(err, off)
			}
			if t == or {
				return v, nil
			}
			return right(f)
		}, err
	case *syntax.Not:
		node, err := c.compileExpr(e.Node, sc)
		return func(f *frame) (value.Value, error) {
			v, err := node(f)
			if err != nil {
				return nil, err
			}
			t, err := value.Truth(v)
			if err != nil {
				return nil, p.wrap(err, off)
			}
			return value.Bool(!t), nil
		}, err
	}
	return nil, c.assertf(e, "unexpected expression")
}

var binaryOps = map[string]func(a, b value.Value) (value.Value, error){
	"+": value.Add, "-": value.Sub, "*": value.Mul, "/": value.Div, "//": value.FloorDiv, "%": value.Mod, "**": value.Pow,
}

func (c *compiler) dict(e *syntax.Dict, sc *scope) (evalFn, error) {
	keys, err := c.exprList(e.Keys, sc)
	if err != nil {
		return nil, err
	}
	vals, err := c.exprList(e.Vals, sc)
	p, off := c.p, e.Offset()
	return func(f *frame) (value.Value, error) {
		d := value.NewDict()
		for i := range keys {
			k, err := keys[i](f)
			if err != nil {
				return nil, err
			}
			v, err := vals[i](f)
			if err != nil {
				return nil, err
			}
			if u, ok := k.(*value.Undefined); ok && u.Kind != value.Lenient {
				return nil, p.wrap(u.Err(), off)
			}
			if k, err = value.Norm(k); err == nil {
				err = d.Set(k, v)
			}
			if err != nil {
				return nil, p.wrap(err, off)
			}
		}
		return d, nil
	}, err
}

func (c *compiler) cond(e *syntax.Cond, sc *scope) (evalFn, error) {
	sc = sc.soft()
	test, err := c.compileExpr(e.Test, sc)
	if err != nil {
		return nil, err
	}
	then, err := c.compileExpr(e.Then, sc)
	if err != nil {
		return nil, err
	}
	els, err := c.optional(e.Else, sc)
	p, off := c.p, e.Offset()
	if els == nil {
		hint := "the inline if-expression on line " + itoa(syntax.Line(p.src, off)) + " evaluated to false and no else section was defined."
		els = func(*frame) (value.Value, error) { return &value.Undefined{Kind: value.Lenient, Hint: hint}, nil }
	}
	return func(f *frame) (value.Value, error) {
		v, err := test(f)
		if err != nil {
			return nil, err
		}
		t, err := value.Truth(v)
		if err != nil {
			return nil, p.wrap(err, off)
		}
		if t {
			return then(f)
		}
		return els(f)
	}, err
}

func (c *compiler) getattr(e *syntax.Getattr, sc *scope) (evalFn, error) {
	node, err := c.compileExpr(e.Node, sc)
	p, off, name, env := c.p, e.Offset(), e.Name, c.env
	var key value.Value = value.Str(name)
	method := value.HasMethod("dict", name)
	origin := c.traced(e.Node, sc)
	return func(f *frame) (value.Value, error) {
		obj, err := node(f)
		if err != nil {
			return nil, err
		}
		if d, ok := obj.(*value.Dict); ok && !method {
			if v, ok := d.GetStr(name); ok {
				return v, nil
			}
			return &value.Undefined{Kind: env.Undefined, Obj: obj, Name: key}, nil
		}
		v, err := getattr(env, obj, name, key)
		if err != nil {
			return nil, p.wrap(err, off)
		}
		if u, ok := v.(*value.Undefined); ok && u.Obj == obj {
			u.Class = f.ctx.StrClass(origin, obj)
		}
		return v, nil
	}, err
}

func (c *compiler) getitem(e *syntax.Getitem, sc *scope) (evalFn, error) {
	node, err := c.compileExpr(e.Node, sc)
	if err != nil {
		return nil, err
	}
	p, off, env := c.p, e.Offset(), c.env
	if s, ok := e.Key.(*syntax.Slice); ok {
		parts := make([]evalFn, 3)
		for i, x := range []syntax.Expr{s.Start, s.Stop, s.Step} {
			if parts[i], err = c.optional(x, sc); err != nil {
				return nil, err
			}
		}
		return func(f *frame) (value.Value, error) {
			obj, err := node(f)
			if err != nil {
				return nil, err
			}
			var b [3]value.Value
			for i, fn := range parts {
				if fn == nil {
					continue
				}
				if b[i], err = fn(f); err != nil {
					return nil, err
				}
			}
			v, err := value.Slice(obj, b[0], b[1], b[2])
			if err != nil {
				return nil, p.wrap(err, off)
			}
			return v, nil
		}, nil
	}
	key, err := c.compileExpr(e.Key, sc)
	origin := c.traced(e.Node, sc)
	return func(f *frame) (value.Value, error) {
		obj, err := node(f)
		if err != nil {
			return nil, err
		}
		k, err := key(f)
		if err != nil {
			return nil, err
		}
		v, err := getitem(env, obj, k)
		if err != nil {
			return nil, p.wrap(err, off)
		}
		if u, ok := v.(*value.Undefined); ok && u.Obj == obj {
			u.Class = f.ctx.StrClass(origin, obj)
		}
		return v, nil
	}, err
}

func (c *compiler) compare(e *syntax.Compare, sc *scope) (evalFn, error) {
	left, err := c.compileExpr(e.Left, sc)
	if err != nil {
		return nil, err
	}
	type step struct {
		op    func(a, b value.Value) (bool, error)
		right evalFn
		expr  syntax.Expr
	}
	steps := make([]step, len(e.Ops))
	for i, o := range e.Ops {
		r, err := c.compileExpr(o.Right, sc)
		if err != nil {
			return nil, err
		}
		steps[i] = step{compareOp(o.Op), r, c.traced(o.Right, sc)}
	}
	p, off, origin := c.p, e.Offset(), c.traced(e.Left, sc)
	return func(f *frame) (value.Value, error) {
		a, err := left(f)
		if err != nil {
			return nil, err
		}
		for i := range steps {
			b, err := steps[i].right(f)
			if err != nil {
				return nil, err
			}
			ok, err := steps[i].op(a, b)
			if err != nil {
				left := origin
				if i > 0 {
					left = steps[i-1].expr
				}
				return nil, p.wrap(f.ctx.named(err, operand{left, a}, operand{steps[i].expr, b}), off)
			}
			if !ok {
				return value.False, nil
			}
			a = b
		}
		return value.True, nil
	}, nil
}

func compareOp(op string) func(a, b value.Value) (bool, error) {
	switch op {
	case "==":
		return value.Equal
	case "!=":
		return func(a, b value.Value) (bool, error) {
			eq, err := value.Equal(a, b)
			return !eq, err
		}
	case "in":
		return func(a, b value.Value) (bool, error) { return value.Contains(b, a) }
	case "notin":
		return func(a, b value.Value) (bool, error) {
			in, err := value.Contains(b, a)
			return !in, err
		}
	}
	return func(a, b value.Value) (bool, error) { return value.Compare(value.CompareOp(op), a, b) }
}

// arguments is the compiled form of the arguments of a call.
type arguments struct {
	pos      []evalFn
	kwNames  []string
	kw       []evalFn
	star     evalFn
	starStar evalFn
}

func (c *compiler) args(a syntax.Args, sc *scope) (*arguments, error) {
	out := &arguments{}
	var err error
	if out.pos, err = c.exprList(a.Pos, sc); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, k := range a.Kw {
		if seen[k.Name] {
			return nil, c.assertf(k.Val, "keyword argument repeated: %s", k.Name)
		}
		seen[k.Name] = true
		fn, err := c.compileExpr(k.Val, sc)
		if err != nil {
			return nil, err
		}
		out.kwNames = append(out.kwNames, k.Name)
		out.kw = append(out.kw, fn)
	}
	if out.star, err = c.optional(a.Star, sc); err != nil {
		return nil, err
	}
	out.starStar, err = c.optional(a.StarStar, sc)
	return out, err
}

// eval evaluates the arguments after the given first ones.
func (a *arguments) eval(f *frame, first ...value.Value) ([]value.Value, []value.Kwarg, error) {
	pos := make([]value.Value, len(first), len(first)+len(a.pos))
	copy(pos, first)
	for _, fn := range a.pos {
		v, err := fn(f)
		if err != nil {
			return nil, nil, err
		}
		pos = append(pos, v)
	}
	if a.star != nil {
		v, err := a.star(f)
		if err != nil {
			return nil, nil, err
		}
		elems, err := value.Collect(v)
		if err != nil {
			if value.ErrorClass(err) == "TypeError" {
				err = value.TypeErrorf("Value after * must be an iterable, not %s", v.TypeName())
			}
			return nil, nil, err
		}
		pos = append(pos, elems...)
	}
	var kw []value.Kwarg
	for i, fn := range a.kw {
		v, err := fn(f)
		if err != nil {
			return nil, nil, err
		}
		kw = append(kw, value.Kwarg{Name: a.kwNames[i], Val: v})
	}
	if a.starStar != nil {
		v, err := a.starStar(f)
		if err != nil {
			return nil, nil, err
		}
		more, err := starKwargs(v, kw)
		if err != nil {
			return nil, nil, err
		}
		kw = more
	}
	return pos, kw, nil
}

func starKwargs(v value.Value, kw []value.Kwarg) ([]value.Kwarg, error) {
	d, err := value.ToDict(v)
	if err != nil {
		if u, ok := v.(*value.Undefined); ok && u.Kind != value.Lenient {
			return nil, u.Err()
		}
		return nil, value.TypeErrorf("Value after ** must be a mapping, not %s", v.TypeName())
	}
	for k, x := range d.All() {
		name, ok := value.AsString(k)
		if !ok {
			return nil, value.TypeErrorf("keywords must be strings")
		}
		for _, have := range kw {
			if have.Name == name {
				return nil, value.TypeErrorf("got multiple values for keyword argument '%s'", name)
			}
		}
		kw = append(kw, value.Kwarg{Name: name, Val: x})
	}
	return kw, nil
}

func (c *compiler) filter(e *syntax.Filter, sc *scope, inner evalFn) (evalFn, error) {
	flt, err := c.env.Filter(e.Name)
	if err != nil {
		return nil, c.failAt(e, err)
	}
	if flt == nil {
		return c.unknown(e, e.Node, e.Args, "filter", e.Name, sc)
	}
	node := inner
	if e.Node != nil {
		if sub, ok := e.Node.(*syntax.Filter); ok && inner != nil {
			node, err = c.filter(sub, sc, inner)
		} else {
			node, err = c.compileExpr(e.Node, sc)
		}
		if err != nil {
			return nil, err
		}
	}
	var origin syntax.Expr
	if e.Node != nil && inner == nil {
		origin = c.traced(e.Node, sc)
	}
	fn, err := c.apply(flt, e.Name, node, origin, e.Args, sc, e.Offset())
	if !flt.HTML || !sc.escape || err != nil {
		return fn, err
	}
	return func(f *frame) (value.Value, error) {
		v, err := fn(f)
		if s, ok := v.(value.Str); ok {
			v = value.Markup(s)
		}
		return v, err
	}, nil
}

// unknown fails at once for a filter or test that does not exist; in a branch, and when no one else is to be asked for
// names, only if the branch runs, after what it is applied to and its arguments.
func (c *compiler) unknown(e, applied syntax.Expr, a syntax.Args, kind, name string, sc *scope) (evalFn, error) {
	if !sc.maybe || c.env.MissingFilter != nil || c.env.MissingTest != nil {
		return nil, c.failAt(e, &UnknownError{Kind: kind, Name: name})
	}
	err := c.failAt(e, value.Errorf("TemplateRuntimeError", "No %s named %s found.", kind, mustRepr(value.Str(name))))
	node, nodeErr := c.optional(applied, sc)
	args, argsErr := c.args(a, sc)
	if nodeErr != nil || argsErr != nil {
		return nil, errors.Join(nodeErr, argsErr)
	}
	return func(f *frame) (value.Value, error) {
		if node != nil {
			if _, err := node(f); err != nil {
				return nil, err
			}
		}
		if _, _, err := args.eval(f); err != nil {
			return nil, err
		}
		return nil, err
	}, nil
}

func (c *compiler) test(e *syntax.Test, sc *scope) (evalFn, error) {
	t, err := c.env.Test(e.Name)
	if err != nil {
		return nil, c.failAt(e, err)
	}
	if t == nil {
		return c.unknown(e, e.Node, e.Args, "test", e.Name, sc)
	}
	node, err := c.compileExpr(e.Node, sc)
	if err != nil {
		return nil, err
	}
	return c.apply(t, e.Name, node, c.traced(e.Node, sc), e.Args, sc, e.Offset())
}

// apply compiles the call of a filter or test. Where the arguments are plain, they are matched to parameters now, so that
// a call costs one allocation. origin is the expression of the first argument, nil when its text has no class of its own.
func (c *compiler) apply(flt *Filter, name string, node evalFn, origin syntax.Expr, a syntax.Args, sc *scope, off int) (evalFn, error) {
	if flt.Volatile {
		c.p.volatile = true
	}
	args, err := c.args(a, sc)
	if err != nil {
		return nil, err
	}
	p, sig, run := c.p, flt.signature(), flt.Run
	var expr syntax.Expr
	if flt.Classed {
		expr = origin
	}
	if slots, ok := bindStatic(sig, node, args); ok {
		return func(f *frame) (value.Value, error) {
			call := f.ctx.run.call()
			vals := call.buf[:0]
			if len(slots) > len(call.buf) {
				vals = make([]value.Value, 0, len(slots))
			}
			for _, fn := range slots {
				v, err := fn(f)
				if err != nil {
					return nil, err
				}
				vals = append(vals, v)
			}
			call.Name, call.Ctx, call.Env, call.Args = name, f.ctx, f.ctx.env, vals
			call.Expr = expr
			v, err := run(&call.Call)
			if err != nil {
				return nil, p.wrap(f.ctx.named(err, operand{origin, call.Args[0]}), off)
			}
			f.ctx.run.done(call, v)
			return v, nil
		}, nil
	}
	return func(f *frame) (value.Value, error) {
		first, err := node(f)
		if err != nil {
			return nil, err
		}
		pos, kw, err := args.eval(f, first)
		if err != nil {
			return nil, p.wrap(err, off)
		}
		v, err := f.ctx.invoke(name, run, sig, pos, kw, expr)
		if err != nil {
			return nil, p.wrap(f.ctx.named(err, operand{origin, first}), off)
		}
		return v, nil
	}, nil
}

// bindStatic matches the written arguments to parameters in the order of the parameters. It declines whenever the order of
// evaluation or an error could differ from a call at run time.
func bindStatic(sig *value.Signature, node evalFn, a *arguments) ([]evalFn, bool) {
	if sig == nil || a.star != nil || a.starStar != nil || len(a.pos)+1 > len(sig.Params) {
		return nil, false
	}
	slots := make([]evalFn, len(sig.Params))
	for i, prm := range sig.Params {
		if prm.Star || prm.DStar {
			return nil, false
		}
		if prm.Default != nil {
			slots[i] = constant(prm.Default)
		}
	}
	given := append([]evalFn{node}, a.pos...)
	for i, fn := range given {
		if sig.Params[i].KwOnly {
			return nil, false
		}
		slots[i] = fn
	}
next:
	for k, name := range a.kwNames {
		for i := len(given); i < len(sig.Params); i++ {
			if sig.Params[i].Name == name {
				slots[i] = a.kw[k]
				continue next
			}
		}
		return nil, false
	}
	for _, fn := range slots {
		if fn == nil {
			return nil, false
		}
	}
	return slots, true
}

// call compiles fn(args). caller, when not nil, is passed as the keyword argument of that name.
func (c *compiler) call(e *syntax.Call, sc *scope, caller evalFn) (evalFn, error) {
	fn, err := c.compileExpr(e.Fn, sc)
	if err != nil {
		return nil, err
	}
	args, err := c.args(e.Args, sc)
	if err != nil {
		return nil, err
	}
	p, off, origin := c.p, e.Offset(), c.traced(e.Fn, sc)
	return func(f *frame) (value.Value, error) {
		callee, err := fn(f)
		if err != nil {
			return nil, err
		}
		pos, kw, err := args.eval(f)
		if err != nil {
			return nil, p.wrap(err, off)
		}
		if caller != nil {
			cv, err := caller(f)
			if err != nil {
				return nil, err
			}
			for _, k := range kw {
				if k.Name == "caller" {
					return nil, p.wrap(value.TypeErrorf("got multiple values for keyword argument 'caller'"), off)
				}
			}
			kw = append(kw, value.Kwarg{Name: "caller", Val: cv})
		}
		v, err := f.ctx.CallValue(callee, pos, kw)
		if err != nil {
			return nil, p.wrap(f.ctx.named(err, operand{origin, callee}), off)
		}
		return v, nil
	}, nil
}
