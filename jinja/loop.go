package jinja

import (
	"github.com/troupe-automation/troupe/jinja/symbols"
	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/value"
)

// loopCode is a compiled {% for %}.
type loopCode struct {
	c         *compiler
	st        *syntax.For
	fn        *symbols.Function
	store     func(f *frame, v value.Value) error
	loopVar   *symbols.Variable
	bound     bool // nothing in the body keeps loop itself, only what its attributes give
	enter     func(f *frame) error
	body      execFn
	testStore func(f *frame, v value.Value) error
	unpacked  func(f *frame) value.Value // what passes the test, for a target of several names: Jinja's filter yields them as a tuple
	testEnter func(f *frame) error
	test      evalFn
	elseEnter func(f *frame) error
	els       execFn
}

// recursive runs the loop in a frame of its own. out nil collects the output and returns it joined.
func (l *loopCode) recursive(parent *frame, ctx *Context, v value.Value, depth int, out *output) (value.Value, error) {
	if err := ctx.enter(); err != nil {
		return nil, err
	}
	defer ctx.leave()
	f := &frame{slots: make([]value.Value, l.fn.Slots), parent: parent, ctx: ctx, out: out}
	if out == nil {
		f.out = l.c.env.newOutput()
	}
	again := func(v value.Value) (value.Value, error) { return l.recursive(parent, ctx, v, depth+1, nil) }
	if err := l.run(f, v, depth, again); err != nil {
		return nil, err
	}
	if out != nil {
		return nil, nil
	}
	return f.out.value(l.c.env)
}

// run runs the loop over v in frame f.
func (l *loopCode) run(f *frame, v value.Value, depth int, again func(value.Value) (value.Value, error)) error {
	p := l.c.p
	it, err := value.Iterate(v)
	if err != nil {
		return p.wrap(err, l.st.Iter.Offset())
	}
	if l.test != nil {
		it = &filterIter{l: l, f: f, it: it}
	}
	var lc *LoopContext
	if l.loopVar != nil {
		lc = f.ctx.run.loop()
		*lc = LoopContext{it: it, env: l.c.env, depth0: depth, again: again, index0: -1, ahead: lc.ahead[:0]}
		if l.test == nil {
			lc.sized = v
		}
		if l.bound && !l.fn.Captured {
			defer func() { f.ctx.run.loops = append(f.ctx.run.loops, lc) }()
		}
	}
	ran := false // an iteration came to its end: one that continue or break leaves does not count
	for {
		var item value.Value
		var ok bool
		if lc != nil {
			item, ok, err = lc.next()
		} else {
			item, ok, err = it.Next()
		}
		if err != nil {
			return p.wrap(err, l.st.Iter.Offset())
		}
		if !ok {
			break
		}
		if err := f.ctx.step(); err != nil {
			return p.wrap(err, l.st.Offset())
		}
		if l.enter != nil {
			if err := l.enter(f); err != nil {
				return err
			}
		}
		if lc != nil {
			f.slots[l.loopVar.Slot] = lc
		}
		if err := l.store(f, item); err != nil {
			return p.wrap(err, l.st.Offset())
		}
		sig, err := l.body(f)
		if err != nil {
			return err
		}
		if sig == breakLoop {
			break
		}
		ran = ran || sig == goOn
	}
	if !ran && l.els != nil {
		if l.elseEnter != nil {
			if err := l.elseEnter(f); err != nil {
				return err
			}
		}
		_, err := l.els(f)
		return err
	}
	return nil
}

// filterIter passes the items for which the loop's test holds.
type filterIter struct {
	l  *loopCode
	f  *frame
	it value.Iterator
}

func (fi *filterIter) Next() (value.Value, bool, error) {
	l, f := fi.l, fi.f
	for {
		v, ok, err := fi.it.Next()
		if err != nil || !ok {
			return nil, false, err
		}
		if err := f.ctx.step(); err != nil {
			return nil, false, err
		}
		if l.testEnter != nil {
			if err := l.testEnter(f); err != nil {
				return nil, false, err
			}
		}
		if err := l.testStore(f, v); err != nil {
			return nil, false, err
		}
		r, err := l.test(f)
		if err != nil {
			return nil, false, err
		}
		t, err := value.Truth(r)
		if err != nil {
			return nil, false, l.c.p.wrap(err, l.st.Test.Offset())
		}
		if t && l.unpacked != nil {
			v = l.unpacked(f)
		}
		if t {
			return v, true, nil
		}
	}
}

// unpacked reads back what a target was assigned.
func unpacked(target syntax.Expr, sc *scope) func(f *frame) value.Value {
	if t, ok := target.(*syntax.Tuple); ok {
		parts := make([]func(f *frame) value.Value, len(t.Items))
		for i, item := range t.Items {
			parts[i] = unpacked(item, sc)
		}
		return func(f *frame) value.Value {
			out := &value.Tuple{Elems: make([]value.Value, len(parts))}
			for i, part := range parts {
				out.Elems[i] = part(f)
			}
			return out
		}
	}
	name, ok := target.(*syntax.Name)
	if !ok { // an attribute of a namespace: nothing to read back
		return func(*frame) value.Value { return value.None }
	}
	slot := sc.syms.Find(name.Name).Slot
	return func(f *frame) value.Value { return f.slots[slot] }
}

// LoopContext is the variable loop of a for statement.
type LoopContext struct {
	it      value.Iterator
	env     *Environment
	sized   value.Value // what is iterated, when its length is the loop's
	again   func(value.Value) (value.Value, error)
	depth0  int
	index0  int
	before  value.Value
	current value.Value
	ahead   []value.Value
	done    bool
	length  int
	counted bool
	changed value.Value
}

// TypeName is "LoopContext".
func (*LoopContext) TypeName() string { return "LoopContext" }

// QualifiedTypeName is the name Jinja prints in "… has no attribute".
func (*LoopContext) QualifiedTypeName() string { return "jinja2.runtime.LoopContext" }

func (l *LoopContext) next() (value.Value, bool, error) {
	var v value.Value
	switch len(l.ahead) {
	case 0:
		if l.done {
			return nil, false, nil
		}
		var ok bool
		var err error
		if v, ok, err = l.it.Next(); err != nil || !ok {
			l.done = l.done || err == nil
			return nil, false, err
		}
	case 1:
		v, l.ahead = l.ahead[0], l.ahead[:0]
	default:
		v, l.ahead = l.ahead[0], l.ahead[1:]
	}
	l.index0++
	l.before, l.current = l.current, v
	return v, true, nil
}

// peek reads one item ahead and reports whether there is one.
func (l *LoopContext) peek() (bool, error) {
	if len(l.ahead) > 0 {
		return true, nil
	}
	if l.done {
		return false, nil
	}
	v, ok, err := l.it.Next()
	if err != nil {
		return false, err
	}
	if !ok {
		l.done = true
		return false, nil
	}
	l.ahead = append(l.ahead, v)
	return true, nil
}

func (l *LoopContext) len() (int, error) {
	if l.counted {
		return l.length, nil
	}
	if l.sized != nil {
		if n, err := value.Len(l.sized); err == nil {
			l.length, l.counted = n, true
			return n, nil
		}
	}
	rest, err := value.Drain(l.it)
	if err != nil {
		return 0, err
	}
	l.ahead = append(l.ahead, rest...)
	l.done = true
	l.length, l.counted = len(l.ahead)+l.index0+1, true
	return l.length, nil
}

// Len is the number of items.
func (l *LoopContext) Len() (int, error) { return l.len() }

// Truth holds always: a loop variable is never empty.
func (l *LoopContext) Truth() (bool, error) { return true, nil }

// Repr is "<LoopContext 1/3>".
func (l *LoopContext) Repr() (string, error) {
	n, err := l.len()
	return "<LoopContext " + itoa(l.index0+1) + "/" + itoa(n) + ">", err
}

func (l *LoopContext) undefined(hint string) value.Value {
	return &value.Undefined{Kind: l.env.Undefined, Hint: hint}
}

// GetAttr gives index, length, cycle and the other attributes of loop.
func (l *LoopContext) GetAttr(name string) (value.Value, bool, error) {
	switch name {
	case "index":
		return value.Int(l.index0 + 1), true, nil
	case "index0":
		return value.Int(l.index0), true, nil
	case "first":
		return value.Bool(l.index0 == 0), true, nil
	case "last":
		more, err := l.peek()
		return value.Bool(!more), true, err
	case "length":
		n, err := l.len()
		return value.Int(n), true, err
	case "revindex":
		n, err := l.len()
		return value.Int(n - l.index0), true, err
	case "revindex0":
		n, err := l.len()
		return value.Int(n - l.index0 - 1), true, err
	case "depth":
		return value.Int(l.depth0 + 1), true, nil
	case "depth0":
		return value.Int(l.depth0), true, nil
	case "previtem":
		if l.index0 == 0 {
			return l.undefined("there is no previous item"), true, nil
		}
		return l.before, true, nil
	case "nextitem":
		more, err := l.peek()
		if err != nil || !more {
			return l.undefined("there is no next item"), true, err
		}
		return l.ahead[0], true, nil
	case "cycle":
		return &value.Func{Name: "cycle", Fn: func(args []value.Value, kw []value.Kwarg) (value.Value, error) {
			if len(args) == 0 {
				return nil, value.TypeErrorf("no items for cycling given")
			}
			return args[l.index0%len(args)], nil
		}}, true, nil
	case "changed":
		return &value.Func{Name: "changed", Fn: func(args []value.Value, kw []value.Kwarg) (value.Value, error) {
			now := value.NewTuple(args...)
			if l.changed != nil {
				if eq, err := value.Equal(l.changed, now); err != nil || eq {
					return value.False, err
				}
			}
			l.changed = now
			return value.True, nil
		}}, true, nil
	}
	return nil, false, nil
}

// Call runs a recursive loop over another iterable.
func (l *LoopContext) Call(args []value.Value, kw []value.Kwarg) (value.Value, error) {
	if l.again == nil {
		return nil, value.TypeErrorf("The loop must have the 'recursive' marker to be called recursively.")
	}
	if len(args) != 1 {
		return nil, value.TypeErrorf("LoopContext.__call__() takes 2 positional arguments but %d were given", len(args)+1)
	}
	return l.again(args[0])
}
