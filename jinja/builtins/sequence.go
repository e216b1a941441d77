package builtins

import (
	"math/rand/v2"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/value"
)

var sequenceFilters = []jinja.Filter{
	{Name: "batch", Signature: "do_batch(value, linecount, fill_with=None)", Run: batch},
	{Name: "count", Signature: "len(obj, /)", Run: length},
	{Name: "dictsort", Signature: "do_dictsort(value, case_sensitive=False, by='key', reverse=False)", Run: dictsort},
	{Name: "first", Signature: "sync_do_first(~environment, seq)", Run: first},
	{Name: "groupby", Signature: "sync_do_groupby(~environment, value, attribute, default=None, case_sensitive=False)", Run: groupby},
	{Name: "items", Signature: "do_items(value)", Run: items},
	{Name: "join", Signature: "sync_do_join(~eval_ctx, value, d='', attribute=None)", Run: join},
	{Name: "last", Signature: "do_last(~environment, seq)", Run: last},
	{Name: "length", Signature: "len(obj, /)", Run: length},
	{Name: "list", Signature: "sync_do_list(value)", Run: list},
	{Name: "map", Signature: "sync_do_map(~context, value, *args, **kwargs)", Run: mapFilter, Classed: true},
	{Name: "max", Signature: "do_max(~environment, value, case_sensitive=False, attribute=None)", Run: minMax(value.Gt)},
	{Name: "min", Signature: "do_min(~environment, value, case_sensitive=False, attribute=None)", Run: minMax(value.Lt)},
	{Name: "random", Signature: "do_random(~context, seq)", Run: random, Volatile: true},
	{Name: "reject", Signature: "sync_do_reject(~context, value, *args, **kwargs)", Run: selector(false, false)},
	{Name: "rejectattr", Signature: "sync_do_rejectattr(~context, value, *args, **kwargs)", Run: selector(false, true)},
	{Name: "reverse", Signature: "do_reverse(value)", Run: reverse},
	{Name: "select", Signature: "sync_do_select(~context, value, *args, **kwargs)", Run: selector(true, false)},
	{Name: "selectattr", Signature: "sync_do_selectattr(~context, value, *args, **kwargs)", Run: selector(true, true)},
	{Name: "slice", Signature: "sync_do_slice(value, slices, fill_with=None)", Run: slice},
	{Name: "sort", Signature: "do_sort(~environment, value, reverse=False, case_sensitive=False, attribute=None)", Run: sort},
	{Name: "sum", Signature: "sync_do_sum(~environment, iterable, attribute=None, start=0)", Run: sum},
	{Name: "unique", Signature: "do_unique(~environment, value, case_sensitive=False, attribute=None)", Run: unique},
}

// failing is a generator whose first step raises.
func failing(err error) (value.Value, error) {
	return value.Generator(func() (value.Value, bool, error) { return nil, false, err }), nil
}

// lazily is a generator whose body starts at the first step, as a Python generator function does.
func lazily(start func() (value.Iterator, error)) value.Value {
	var it value.Iterator
	return value.Generator(func() (value.Value, bool, error) {
		if it == nil {
			var err error
			if it, err = start(); err != nil {
				return nil, false, err
			}
		}
		return it.Next()
	})
}

func batch(c *jinja.Call) (value.Value, error) {
	src, count, fill := c.Args[0], c.Args[1], c.Args[2]
	return lazily(func() (value.Iterator, error) {
		it, err := value.Iterate(src)
		if err != nil {
			return nil, err
		}
		var tmp []value.Value
		done := false
		return value.IterFunc(func() (value.Value, bool, error) {
			for !done {
				v, ok, err := it.Next()
				if err != nil {
					return nil, false, err
				}
				if !ok {
					done = true
					break
				}
				full, err := value.Equal(value.Int(len(tmp)), count)
				if err != nil {
					return nil, false, err
				}
				if full {
					out := value.NewList(tmp...)
					tmp = []value.Value{v}
					return out, true, nil
				}
				tmp = append(tmp, v)
			}
			if len(tmp) == 0 {
				return nil, false, nil
			}
			if fill != value.None {
				n, err := value.Index(count)
				if err != nil {
					return nil, false, err
				}
				if n > value.MaxRange {
					return nil, false, value.Errorf("MemoryError", "batch of %d", n)
				}
				for int64(len(tmp)) < n {
					tmp = append(tmp, fill)
				}
			}
			out := value.NewList(tmp...)
			tmp = nil
			return out, true, nil
		}), nil
	}), nil
}

func slice(c *jinja.Call) (value.Value, error) {
	src, slices, fill := c.Args[0], c.Args[1], c.Args[2]
	return lazily(func() (value.Iterator, error) {
		seq, err := value.Collect(src)
		if err != nil {
			return nil, err
		}
		n, err := value.Index(slices)
		if err != nil {
			if f, ok := slices.(value.Float); ok {
				_ = f
				return nil, value.TypeErrorf("'float' object cannot be interpreted as an integer")
			}
			if value.ErrorClass(err) == "TypeError" && !value.IsNumber(slices) {
				return nil, value.TypeErrorf("unsupported operand type(s) for //: 'int' and '%s'", slices.TypeName())
			}
			return nil, err
		}
		if n == 0 {
			return nil, value.Errorf("ZeroDivisionError", "integer division or modulo by zero")
		}
		if n < 0 {
			return value.SliceIter(nil), nil
		}
		per, extra := int64(len(seq))/n, int64(len(seq))%n
		i, offset := int64(0), int64(0)
		return value.IterFunc(func() (value.Value, bool, error) {
			if i >= n {
				return nil, false, nil
			}
			start := offset + i*per
			if i < extra {
				offset++
			}
			end := offset + (i+1)*per
			tmp := append([]value.Value(nil), seq[start:end]...)
			if fill != value.None && i >= extra {
				tmp = append(tmp, fill)
			}
			i++
			return value.NewList(tmp...), true, nil
		}), nil
	}), nil
}

func length(c *jinja.Call) (value.Value, error) {
	n, err := value.Len(c.Args[0])
	return value.Int(n), err
}

func dictsort(c *jinja.Call) (value.Value, error) {
	by, _ := value.AsString(c.Args[2])
	pos := 0
	switch by {
	case "key":
	case "value":
		pos = 1
	default:
		return nil, argError(`You can only sort by either "key" or "value"`)
	}
	if u, ok := c.Args[0].(*value.Undefined); ok {
		return nil, u.Err()
	}
	if !value.IsMapping(c.Args[0]) {
		return nil, value.Errorf("AttributeError", "'%s' object has no attribute 'items'", value.CTypeName(c.Args[0]))
	}
	d, err := value.ToDict(c.Args[0])
	if err != nil {
		return nil, err
	}
	sensitive, err := value.Truth(c.Args[1])
	if err != nil {
		return nil, err
	}
	rev, err := value.Truth(c.Args[3])
	if err != nil {
		return nil, err
	}
	pairs := pairsOf(d)
	err = value.SortBy(pairs, func(v value.Value) (value.Value, error) {
		k := v.(*value.Tuple).Elems[pos]
		if !sensitive {
			k = foldCase(k)
		}
		return k, nil
	}, rev)
	return value.NewList(pairs...), err
}

func pairsOf(d *value.Dict) []value.Value {
	out := make([]value.Value, 0, d.Len())
	for k, v := range d.All() {
		out = append(out, value.NewTuple(k, v))
	}
	return out
}

func items(c *jinja.Call) (value.Value, error) {
	src := c.Args[0]
	return lazily(func() (value.Iterator, error) {
		if _, ok := src.(*value.Undefined); ok {
			return value.SliceIter(nil), nil
		}
		if !value.IsMapping(src) {
			return nil, value.TypeErrorf("Can only get item pairs from a mapping.")
		}
		d, err := value.ToDict(src)
		if err != nil {
			return nil, err
		}
		return value.SliceIter(pairsOf(d)), nil
	}), nil
}

func first(c *jinja.Call) (value.Value, error) {
	it, err := value.Iterate(c.Args[0])
	if err != nil {
		return nil, err
	}
	v, ok, err := it.Next()
	if err != nil || ok {
		return v, err
	}
	return c.Ctx.Undefined("No first item, sequence was empty."), nil
}

func last(c *jinja.Call) (value.Value, error) {
	elems, err := reversible(c.Args[0])
	if err != nil {
		return nil, err
	}
	if len(elems) == 0 {
		return c.Ctx.Undefined("No last item, sequence was empty."), nil
	}
	e := elems[len(elems)-1]
	if s, isText := e.(value.Str); isText {
		return keepMarkup(c.Args[0], string(s)), nil // a character of escaped text is escaped
	}
	return e, nil
}

// reversible gives the elements of what Python's reversed() takes.
func reversible(v value.Value) ([]value.Value, error) {
	v, err := value.Norm(v)
	if err != nil {
		return nil, err
	}
	switch x := v.(type) {
	case *value.List, *value.Tuple, *value.Dict, *value.View, *value.Range, value.Str, value.Markup, value.Bytes:
		return value.Collect(v)
	case *value.Undefined:
		if x.Kind == value.Lenient {
			return nil, nil
		}
		return nil, x.Err()
	case value.Mapping:
		return value.Collect(v)
	}
	return nil, value.TypeErrorf("'%s' object is not reversible", value.CTypeName(v))
}

func random(c *jinja.Call) (value.Value, error) {
	n, err := value.Len(c.Args[0])
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return c.Ctx.Undefined("No random item, sequence was empty."), nil
	}
	return value.Subscript(c.Args[0], value.Int(rand.IntN(n)))
}

func reverse(c *jinja.Call) (value.Value, error) {
	v := c.Args[0]
	if s, ok := value.AsString(v); ok {
		r, err := value.Slice(value.Str(s), nil, nil, value.Int(-1))
		if err != nil {
			return nil, err
		}
		return keepMarkup(v, string(r.(value.Str))), nil
	}
	elems, err := reversible(v)
	asList := false
	if value.ErrorClass(err) == "TypeError" {
		asList = true
		elems, err = value.Collect(v)
		if value.ErrorClass(err) == "TypeError" {
			return nil, argError("argument must be iterable")
		}
	}
	if err != nil {
		return nil, err
	}
	out := make([]value.Value, len(elems))
	for i, e := range elems {
		out[len(elems)-1-i] = e
	}
	if asList {
		return value.NewList(out...), nil
	}
	name := "reversed"
	switch v.(type) {
	case *value.List:
		name = "list_reverseiterator"
	case *value.Dict:
		name = "dict_reversekeyiterator"
	case *value.Range:
		name = "range_iterator"
	}
	return &value.Iter{Name: name, It: value.SliceIter(out)}, nil
}

func list(c *jinja.Call) (value.Value, error) {
	elems, err := value.Collect(c.Args[0])
	if elems == nil {
		elems = []value.Value{}
	}
	return value.NewList(elems...), err
}

func join(c *jinja.Call) (value.Value, error) {
	it, err := value.Iterate(c.Args[0])
	if err != nil {
		return nil, err
	}
	sep, err := value.ToStr(c.Args[1])
	if err != nil {
		return nil, err
	}
	var get getter
	if hasAttr, err := value.Truth(c.Args[2]); err != nil {
		return nil, err
	} else if hasAttr {
		get = attrGetter(c.Ctx, c.Args[2], false, nil)
	}
	var parts []value.Value
	for {
		v, ok, err := it.Next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if get != nil {
			if v, err = get(v); err != nil {
				return nil, err
			}
		}
		s, err := value.ToStr(v)
		if err != nil {
			return nil, err
		}
		parts = append(parts, value.Str(s))
	}
	s, err := value.JoinText(sep, parts)
	return value.Str(s), err
}

func minMax(op value.CompareOp) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) {
		it, err := value.Iterate(c.Args[0])
		if err != nil {
			return nil, err
		}
		best, ok, err := it.Next()
		if err != nil {
			return nil, err
		}
		if !ok {
			return c.Ctx.Undefined("No aggregated item, sequence was empty."), nil
		}
		sensitive, err := value.Truth(c.Args[1])
		if err != nil {
			return nil, err
		}
		get := attrGetter(c.Ctx, c.Args[2], !sensitive, nil)
		bestKey, err := get(best)
		if err != nil {
			return nil, err
		}
		for {
			v, ok, err := it.Next()
			if err != nil {
				return nil, err
			}
			if !ok {
				return best, nil
			}
			k, err := get(v)
			if err != nil {
				return nil, err
			}
			better, err := value.Compare(op, k, bestKey)
			if err != nil {
				return nil, err
			}
			if better {
				best, bestKey = v, k
			}
		}
	}
}

func sort(c *jinja.Call) (value.Value, error) {
	elems, err := value.Collect(c.Args[0])
	if err != nil {
		return nil, err
	}
	rev, err := value.Truth(c.Args[1])
	if err != nil {
		return nil, err
	}
	sensitive, err := value.Truth(c.Args[2])
	if err != nil {
		return nil, err
	}
	err = value.SortBy(elems, multiGetter(c.Ctx, c.Args[3], !sensitive), rev)
	if elems == nil {
		elems = []value.Value{}
	}
	return value.NewList(elems...), err
}

func unique(c *jinja.Call) (value.Value, error) {
	src := c.Args[0]
	sensitive, err := value.Truth(c.Args[1])
	if err != nil {
		return failing(err)
	}
	get := attrGetter(c.Ctx, c.Args[2], !sensitive, nil)
	return lazily(func() (value.Iterator, error) {
		it, err := value.Iterate(src)
		if err != nil {
			return nil, err
		}
		seen := &value.Set{}
		return value.IterFunc(func() (value.Value, bool, error) {
			for {
				v, ok, err := it.Next()
				if err != nil || !ok {
					return nil, false, err
				}
				k, err := get(v)
				if err != nil {
					return nil, false, err
				}
				had, err := seen.Has(k)
				if err != nil {
					return nil, false, err
				}
				if !had {
					if err := seen.Add(k); err != nil {
						return nil, false, err
					}
					return v, true, nil
				}
			}
		}), nil
	}), nil
}

func sum(c *jinja.Call) (value.Value, error) {
	it, err := value.Iterate(c.Args[0])
	if err != nil {
		return nil, err
	}
	total := c.Args[2]
	if value.IsString(total) {
		return nil, value.TypeErrorf("sum() can't sum strings [use ''.join(seq) instead]")
	}
	get := attrGetter(c.Ctx, c.Args[1], false, nil)
	for {
		v, ok, err := it.Next()
		if err != nil {
			return nil, err
		}
		if !ok {
			return total, nil
		}
		if v, err = get(v); err != nil {
			return nil, err
		}
		if total, err = value.Add(total, v); err != nil {
			return nil, err
		}
	}
}

func groupby(c *jinja.Call) (value.Value, error) {
	elems, err := value.Collect(c.Args[0])
	if err != nil {
		return nil, err
	}
	sensitive, err := value.Truth(c.Args[3])
	if err != nil {
		return nil, err
	}
	key := attrGetter(c.Ctx, c.Args[1], !sensitive, c.Args[2])
	if err := value.SortBy(elems, key, false); err != nil {
		return nil, err
	}
	out := &value.List{Elems: []value.Value{}}
	plain := attrGetter(c.Ctx, c.Args[1], false, c.Args[2])
	var current value.Value
	var group *value.List
	for _, e := range elems {
		k, err := key(e)
		if err != nil {
			return nil, err
		}
		same := false
		if current != nil {
			if same, err = value.Equal(current, k); err != nil {
				return nil, err
			}
		}
		if !same {
			current = k
			shown, err := plain(e)
			if err != nil {
				return nil, err
			}
			group = &value.List{}
			out.Elems = append(out.Elems, value.NewNamedTuple("jinja2.filters", "_GroupTuple", []string{"grouper", "list"}, shown, group))
		}
		group.Elems = append(group.Elems, e)
	}
	return out, nil
}

// starArgs are the *args and **kwargs of map, select and their kin.
func starArgs(c *jinja.Call) ([]value.Value, []value.Kwarg) {
	args := c.Args[1].(*value.Tuple).Elems
	var kw []value.Kwarg
	for k, v := range c.Args[2].(*value.Dict).All() {
		name, _ := value.AsString(k)
		kw = append(kw, value.Kwarg{Name: name, Val: v})
	}
	return args, kw
}

func mapFilter(c *jinja.Call) (value.Value, error) {
	src := c.Args[0]
	args, kw := starArgs(c)
	return lazily(func() (value.Iterator, error) {
		some, err := value.Truth(src)
		if err != nil {
			return nil, err
		}
		if !some {
			return value.SliceIter(nil), nil
		}
		get, err := mapper(c, args, kw)
		if err != nil {
			return nil, err
		}
		it, err := value.Iterate(src)
		if err != nil {
			return nil, err
		}
		return value.IterFunc(func() (value.Value, bool, error) {
			v, ok, err := it.Next()
			if err != nil || !ok {
				return nil, false, err
			}
			v, err = get(v)
			return v, err == nil, err
		}), nil
	}), nil
}

func mapper(c *jinja.Call, args []value.Value, kw []value.Kwarg) (getter, error) {
	ctx := c.Ctx
	var attr, def value.Value
	for _, k := range kw {
		switch k.Name {
		case "attribute":
			attr = k.Val
		case "default":
			def = k.Val
		}
	}
	if len(args) == 0 && attr != nil {
		for _, k := range kw {
			if k.Name != "attribute" && k.Name != "default" {
				r, _ := value.Repr(value.Str(k.Name))
				return nil, argError("Unexpected keyword argument %s", r)
			}
		}
		return attrGetter(ctx, attr, false, def), nil
	}
	if len(args) == 0 {
		return nil, argError("map requires a filter argument")
	}
	name, err := softStr(args[0])
	if err != nil {
		return nil, err
	}
	f, err := ctx.Filter(name)
	if err != nil {
		return nil, err
	}
	if f.Classed && c.Expr != nil && len(args) == 1 && len(kw) == 0 {
		i := 0
		return func(item value.Value) (value.Value, error) {
			i++
			return ctx.ApplyTo(f, syntax.Element(c.Expr, i-1), item)
		}, nil
	}
	return func(item value.Value) (value.Value, error) { return ctx.Apply(f, item, args[1:], kw) }, nil
}

func selector(keep, byAttr bool) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) {
		src, ctx := c.Args[0], c.Ctx
		args, kw := starArgs(c)
		return lazily(func() (value.Iterator, error) {
			some, err := value.Truth(src)
			if err != nil {
				return nil, err
			}
			if !some {
				return value.SliceIter(nil), nil
			}
			test, err := predicate(ctx, args, kw, byAttr)
			if err != nil {
				return nil, err
			}
			it, err := value.Iterate(src)
			if err != nil {
				return nil, err
			}
			return value.IterFunc(func() (value.Value, bool, error) {
				for {
					v, ok, err := it.Next()
					if err != nil || !ok {
						return nil, false, err
					}
					yes, err := test(v)
					if err != nil {
						return nil, false, err
					}
					if yes == keep {
						return v, true, nil
					}
				}
			}), nil
		}), nil
	}
}

func predicate(ctx *jinja.Context, args []value.Value, kw []value.Kwarg, byAttr bool) (func(value.Value) (bool, error), error) {
	get := func(v value.Value) (value.Value, error) { return v, nil }
	if byAttr {
		if len(args) == 0 {
			return nil, argError("Missing parameter for attribute name")
		}
		get = attrGetter(ctx, args[0], false, nil)
		args = args[1:]
	}
	if len(args) == 0 {
		return func(v value.Value) (bool, error) {
			v, err := get(v)
			if err != nil {
				return false, err
			}
			return value.Truth(v)
		}, nil
	}
	name, err := softStr(args[0])
	if err != nil {
		return nil, err
	}
	t, err := ctx.Test(name)
	if err != nil {
		return nil, err
	}
	return func(v value.Value) (bool, error) {
		v, err := get(v)
		if err != nil {
			return false, err
		}
		r, err := ctx.Apply(t, v, args[1:], kw)
		if err != nil {
			return false, err
		}
		return value.Truth(r)
	}, nil
}
