package filters

import (
	"errors"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var sets = family{
	filters: []jinja.Filter{
		{Name: "combinations", Run: combinations},
		{Name: "difference", Signature: "difference(~environment, a, b)", Run: difference},
		{Name: "flatten", Signature: "flatten(mylist, levels=None, skip_nulls=True)", Run: flatten},
		{Name: "intersect", Signature: "intersect(~environment, a, b)", Run: intersect},
		{Name: "permutations", Run: permutations},
		{Name: "product", Run: product},
		{Name: "symmetric_difference", Signature: "symmetric_difference(~environment, a, b)", Run: symmetricDifference},
		{Name: "union", Signature: "union(~environment, a, b)", Run: union},
		{Name: "unique", Signature: "unique(~environment, a, case_sensitive=None, attribute=None)", Run: unique},
		{Name: "zip", Run: zip},
		{Name: "zip_longest", Run: zipLongest},
	},
	tests: []jinja.Filter{
		{Name: "all", Signature: "all(iterable, /)", Run: quantified(true)},
		{Name: "any", Signature: "any(iterable, /)", Run: quantified(false)},
		{Name: "contains", Signature: "contains(seq, value)", Run: func(c *jinja.Call) (value.Value, error) {
			ok, err := value.Contains(c.Args[0], c.Args[1])
			return value.Bool(ok), err
		}},
		{Name: "subset", Signature: "issubset(a, b)", Run: subsetTest("issubset")},
		{Name: "issubset", Signature: "issubset(a, b)", Run: subsetTest("issubset")},
		{Name: "superset", Signature: "issuperset(a, b)", Run: subsetTest("issuperset")},
		{Name: "issuperset", Signature: "issuperset(a, b)", Run: subsetTest("issuperset")},
	},
}

func quantified(all bool) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) {
		elems, err := value.Collect(c.Args[0])
		if err != nil {
			return nil, err
		}
		for _, e := range elems {
			t, err := truth(e)
			if err != nil {
				return nil, err
			}
			if t != all {
				return value.Bool(!all), nil
			}
		}
		return value.Bool(all), nil
	}
}

func subsetTest(method string) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) {
		elems, err := value.Collect(c.Args[0])
		if err != nil {
			return nil, err
		}
		s, err := value.SetOf(elems...)
		if err != nil {
			return nil, err
		}
		m, _, _ := value.Attribute(s, method)
		return value.Call(m, []value.Value{c.Args[1]}, nil)
	}
}

// hashable makes a set of the elements; ok is false when one of them cannot be in a set.
func hashable(elems []value.Value) (*value.Set, bool) {
	s, err := value.SetOf(elems...)
	return s, err == nil
}

// orderedUnique drops later duplicates by equality: what Ansible does when elements cannot be hashed.
func orderedUnique(elems []value.Value) ([]value.Value, error) {
	out := []value.Value{}
	if s, ok := hashable(elems); ok {
		return append(out, s.Elems()...), nil
	}
	for _, e := range elems {
		in, err := value.Contains(value.NewList(out...), e)
		if err != nil {
			return nil, err
		}
		if !in {
			out = append(out, e)
		}
	}
	return out, nil
}

func unique(c *jinja.Call) (value.Value, error) {
	elems, err := value.Collect(c.Args[0])
	if err != nil {
		return nil, err
	}
	sensitive, attr := c.Args[1], c.Args[2]
	cs, err := truth(sensitive)
	if err != nil {
		return nil, err
	}
	out, err := uniqueKeys(c, elems, attr, cs)
	if err == nil {
		return value.NewList(out...), nil
	}
	if sensitive == value.None && attr == value.None {
		if value.IsUndefined(err) {
			return nil, err
		}
		// Elements that cannot be hashed are compared one by one.
		out, err := orderedUnique(elems)
		return value.NewList(out...), err
	}
	msg := "Jinja2's unique filter failed and we cannot fall back to Ansible's version as it does not support the parameters supplied. " + err.Error()
	var e *value.Error
	if errors.As(err, &e) && e.Class == "UndefinedError" {
		return nil, &value.Error{Class: e.Class, Undefined: e.Undefined, Msg: msg}
	}
	return nil, filterError("%s", msg)
}

// uniqueKeys is Jinja's unique: by hash, and without regard to case unless told otherwise.
func uniqueKeys(c *jinja.Call, elems []value.Value, attr value.Value, caseSensitive bool) ([]value.Value, error) {
	seen := &value.Set{}
	out := []value.Value{}
	for _, e := range elems {
		k := e
		var err error
		if attr != value.None {
			for _, part := range splitDots(textOf(attr)) {
				if k, err = c.Ctx.GetItem(k, value.Str(part)); err != nil {
					return nil, err
				}
			}
		}
		if err := undefinedArg(k); err != nil {
			return nil, err
		}
		if s, ok := value.AsString(k); ok && !caseSensitive {
			k = value.Str(value.Lower(s))
		}
		had, err := seen.Has(k)
		if err != nil {
			return nil, err
		}
		if !had {
			if err := seen.Add(k); err != nil {
				return nil, err
			}
			out = append(out, e)
		}
	}
	return out, nil
}

// two collects both operands of a set filter.
func two(c *jinja.Call) (a, b []value.Value, err error) {
	if a, err = value.Collect(c.Args[0]); err != nil {
		return nil, nil, err
	}
	b, err = value.Collect(c.Args[1])
	return a, b, err
}

// counterparts are the elements of set that equal elems: Python's & takes them from the smaller set, and 1 equals True.
func counterparts(elems []value.Value, set *value.Set) ([]value.Value, error) {
	theirs := value.NewDict()
	for _, e := range set.Elems() {
		if err := theirs.Set(e, e); err != nil {
			return nil, err
		}
	}
	out := make([]value.Value, len(elems))
	for i, e := range elems {
		v, _, err := theirs.Get(e)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func filterBy(a, b []value.Value, in bool) ([]value.Value, error) {
	var out []value.Value
	if set, ok := hashable(b); ok {
		if uniq, ok := hashable(a); ok {
			for _, e := range a {
				if has, _ := set.Has(e); has == in {
					out = append(out, e)
				}
			}
			out, err := orderedUnique(out)
			if err != nil || !in || set.Len() > uniq.Len() {
				return out, err
			}
			return counterparts(out, set)
		}
	}
	for _, e := range a {
		has, err := value.Contains(value.NewList(b...), e)
		if err != nil {
			return nil, err
		}
		if has == in {
			out = append(out, e)
		}
	}
	return orderedUnique(out)
}

func intersect(c *jinja.Call) (value.Value, error) {
	a, b, err := two(c)
	if err != nil {
		return nil, err
	}
	out, err := filterBy(a, b, true)
	return value.NewList(out...), err
}

func difference(c *jinja.Call) (value.Value, error) {
	a, b, err := two(c)
	if err != nil {
		return nil, err
	}
	out, err := filterBy(a, b, false)
	return value.NewList(out...), err
}

func union(c *jinja.Call) (value.Value, error) {
	if !value.IsIterable(c.Args[0]) || !value.IsIterable(c.Args[1]) {
		_, err := value.Add(c.Args[0], c.Args[1])
		if err == nil {
			err = value.TypeErrorf("'%s' object is not iterable", value.CTypeName(c.Args[0]))
		}
		return nil, err
	}
	a, b, err := two(c)
	if err != nil {
		return nil, err
	}
	out, err := orderedUnique(append(a, b...))
	return value.NewList(out...), err
}

func symmetricDifference(c *jinja.Call) (value.Value, error) {
	a, b, err := two(c)
	if err != nil {
		return nil, err
	}
	x, err := filterBy(a, b, false)
	if err != nil {
		return nil, err
	}
	y, err := filterBy(b, a, false)
	return value.NewList(append(x, y...)...), err
}

func flatten(c *jinja.Call) (value.Value, error) {
	levels := -1
	if c.Args[1] != value.None {
		n, err := value.Index(c.Args[1])
		if err != nil {
			if f, ok := c.Args[1].(value.Float); ok {
				n = int64(f)
			} else {
				return nil, err
			}
		}
		levels = int(n)
	}
	skip, err := truth(c.Args[2])
	if err != nil {
		return nil, err
	}
	elems, err := value.Collect(c.Args[0])
	if err != nil {
		return nil, err
	}
	if levels < 0 {
		levels = -1
	}
	out, err := flattenList(elems, levels, skip, 0)
	if out == nil {
		out = []value.Value{}
	}
	return value.NewList(out...), err
}

// columns collects the arguments of zip and product.
func columns(c *jinja.Call) ([][]value.Value, error) {
	out := make([][]value.Value, len(c.Args))
	for i, a := range c.Args {
		elems, err := value.Collect(a)
		if err != nil {
			return nil, err
		}
		out[i] = elems
	}
	return out, nil
}

func row(cols [][]value.Value, i int, fill value.Value) value.Value {
	t := value.NewTuple()
	for _, col := range cols {
		if i < len(col) {
			t.Elems = append(t.Elems, col[i])
		} else {
			t.Elems = append(t.Elems, fill)
		}
	}
	return t
}

func zip(c *jinja.Call) (value.Value, error) {
	strict := false
	for _, k := range c.Kw {
		if k.Name != "strict" {
			return nil, value.TypeErrorf("'%s' is an invalid keyword argument for zip()", k.Name)
		}
		var err error
		if strict, err = truth(k.Val); err != nil {
			return nil, err
		}
	}
	cols, err := columns(c)
	if err != nil {
		return nil, err
	}
	n := len(cols[0])
	for i, col := range cols {
		if strict && len(col) != len(cols[0]) {
			word := "shorter"
			if len(col) > len(cols[0]) {
				word = "longer"
			}
			who := "argument 1"
			if i > 1 {
				who = "arguments 1-" + textOf(value.Int(i))
			}
			return nil, value.ValueErrorf("zip() argument %d is %s than %s", i+1, word, who)
		}
		n = min(n, len(col))
	}
	out := &value.List{Elems: make([]value.Value, n)}
	for i := range n {
		out.Elems[i] = row(cols, i, nil)
	}
	return out, nil
}

func zipLongest(c *jinja.Call) (value.Value, error) {
	var fill value.Value = value.None
	for _, k := range c.Kw {
		if k.Name != "fillvalue" {
			return nil, value.TypeErrorf("zip_longest() got an unexpected keyword argument")
		}
		fill = k.Val
	}
	cols, err := columns(c)
	if err != nil {
		return nil, err
	}
	n := 0
	for _, col := range cols {
		n = max(n, len(col))
	}
	out := &value.List{Elems: make([]value.Value, n)}
	for i := range n {
		out.Elems[i] = row(cols, i, fill)
	}
	return out, nil
}

// maxRows bounds how many rows product, permutations and combinations may give.
const maxRows = 5_000_000

func tooMany() error { return value.Errorf("MemoryError", "more than %d combinations", maxRows) }

func product(c *jinja.Call) (value.Value, error) {
	repeat := 1
	for _, k := range c.Kw {
		if k.Name != "repeat" {
			return nil, value.TypeErrorf("'%s' is an invalid keyword argument for product()", k.Name)
		}
		n, err := value.Index(k.Val)
		if err != nil {
			return nil, err
		}
		repeat = int(n)
		if repeat < 0 {
			return nil, value.ValueErrorf("repeat argument cannot be negative")
		}
	}
	base, err := columns(c)
	if err != nil {
		return nil, err
	}
	var cols [][]value.Value
	total := 1
	for range min(repeat, 64) {
		for _, col := range base {
			cols = append(cols, col)
			if total *= len(col); total > maxRows {
				return nil, tooMany()
			}
		}
	}
	out := &value.List{Elems: make([]value.Value, 0, total)}
	idx := make([]int, len(cols))
	for n := 0; n < total; n++ {
		t := value.NewTuple()
		for i, col := range cols {
			t.Elems = append(t.Elems, col[idx[i]])
		}
		out.Elems = append(out.Elems, t)
		for i := len(cols) - 1; i >= 0; i-- {
			if idx[i]++; idx[i] < len(cols[i]) {
				break
			}
			idx[i] = 0
		}
	}
	return out, nil
}

// chosen reads the arguments of permutations and combinations.
func chosen(c *jinja.Call, name string, needed bool) (elems []value.Value, r int, err error) {
	var rv value.Value
	if len(c.Args) > 1 {
		rv = c.Args[1]
	}
	for _, k := range c.Kw {
		if k.Name == "r" {
			rv = k.Val
		}
	}
	if rv == nil && needed {
		return nil, 0, value.TypeErrorf("%s() missing required argument 'r' (pos 2)", name)
	}
	if elems, err = value.Collect(c.Args[0]); err != nil {
		return nil, 0, err
	}
	r = len(elems)
	if rv != nil && rv != value.None {
		n, err := value.Index(rv)
		if err != nil {
			if !needed {
				err = value.TypeErrorf("Expected int as r")
			}
			return nil, 0, err
		}
		r = int(n)
	}
	if r < 0 {
		return nil, 0, value.ValueErrorf("r must be non-negative")
	}
	return elems, r, nil
}

func permutations(c *jinja.Call) (value.Value, error) {
	elems, r, err := chosen(c, "permutations", false)
	if err != nil {
		return nil, err
	}
	return pick(elems, r, true)
}

func combinations(c *jinja.Call) (value.Value, error) {
	elems, r, err := chosen(c, "combinations", true)
	if err != nil {
		return nil, err
	}
	return pick(elems, r, false)
}

// pick lists the ways to choose r elements, in any order or in the order of elems.
func pick(elems []value.Value, r int, anyOrder bool) (value.Value, error) {
	out := &value.List{Elems: []value.Value{}}
	if r > len(elems) {
		return out, nil
	}
	used := make([]bool, len(elems))
	var cur []value.Value
	var walk func(from int) error
	walk = func(from int) error {
		if len(cur) == r {
			if len(out.Elems) >= maxRows {
				return tooMany()
			}
			out.Elems = append(out.Elems, value.NewTuple(append([]value.Value(nil), cur...)...))
			return nil
		}
		if anyOrder {
			from = 0
		}
		for i := from; i < len(elems); i++ {
			if used[i] {
				continue
			}
			used[i] = true
			cur = append(cur, elems[i])
			if err := walk(i + 1); err != nil {
				return err
			}
			cur = cur[:len(cur)-1]
			used[i] = false
		}
		return nil
	}
	return out, walk(0)
}
