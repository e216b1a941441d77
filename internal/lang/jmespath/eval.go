package jmespath

import (
	"fmt"
	"math"
	"strings"

	"github.com/troupe-automation/troupe/value"
)

type (
	literal          struct{ v value.Value }
	field            string
	identity         struct{}
	sub              struct{ left, right node }
	index            struct{ n value.Value }
	slice            [3]value.Value
	projection       struct{ left, right node }
	valueProjection  struct{ left, right node }
	filterProjection struct{ left, cond, right node }
	flatten          struct{ n node }
	not              struct{ n node }
	logic            struct {
		or          bool
		left, right node
	}
	compare struct {
		op          string
		left, right node
	}
	expref    struct{ n node }
	multiList []node
	multiHash struct {
		keys []string
		vals []node
	}
	call struct {
		name string
		args []node
	}
)

// reference is an expression as a value: the argument of sort_by and its kin.
type reference struct{ n node }

func (*reference) TypeName() string { return "_Expression" }

func (n literal) eval(value.Value) (value.Value, error) { return n.v, nil }

func (n field) eval(v value.Value) (value.Value, error) {
	if d, ok := v.(*value.Dict); ok {
		if x, ok := d.GetStr(string(n)); ok {
			return x, nil
		}
	}
	return value.None, nil
}

func (identity) eval(v value.Value) (value.Value, error) { return v, nil }

func (n sub) eval(v value.Value) (value.Value, error) {
	x, err := n.left.eval(v)
	if err != nil {
		return nil, err
	}
	return n.right.eval(x)
}

func (n index) eval(v value.Value) (value.Value, error) {
	if l, ok := v.(*value.List); ok {
		if x, ok, _ := value.GetItem(l, n.n); ok {
			return x, nil
		}
	}
	return value.None, nil
}

func (n slice) eval(v value.Value) (value.Value, error) {
	l, ok := v.(*value.List)
	if !ok {
		return value.None, nil
	}
	return value.Slice(l, n[0], n[1], n[2])
}

func project(elems []value.Value, right node) (value.Value, error) {
	out := &value.List{Elems: []value.Value{}}
	for _, e := range elems {
		x, err := right.eval(e)
		if err != nil {
			return nil, err
		}
		if x != value.None {
			out.Elems = append(out.Elems, x)
		}
	}
	return out, nil
}

func (n projection) eval(v value.Value) (value.Value, error) {
	x, err := n.left.eval(v)
	if err != nil {
		return nil, err
	}
	l, ok := x.(*value.List)
	if !ok {
		return value.None, nil
	}
	return project(l.Elems, n.right)
}

func (n valueProjection) eval(v value.Value) (value.Value, error) {
	x, err := n.left.eval(v)
	if err != nil {
		return nil, err
	}
	d, ok := x.(*value.Dict)
	if !ok {
		return value.None, nil
	}
	var elems []value.Value
	for _, e := range d.All() {
		elems = append(elems, e)
	}
	return project(elems, n.right)
}

func (n filterProjection) eval(v value.Value) (value.Value, error) {
	x, err := n.left.eval(v)
	if err != nil {
		return nil, err
	}
	l, ok := x.(*value.List)
	if !ok {
		return value.None, nil
	}
	var keep []value.Value
	for _, e := range l.Elems {
		c, err := n.cond.eval(e)
		if err != nil {
			return nil, err
		}
		if truthy(c) {
			keep = append(keep, e)
		}
	}
	return project(keep, n.right)
}

func (n flatten) eval(v value.Value) (value.Value, error) {
	x, err := n.n.eval(v)
	if err != nil {
		return nil, err
	}
	l, ok := x.(*value.List)
	if !ok {
		return value.None, nil
	}
	out := &value.List{Elems: []value.Value{}}
	for _, e := range l.Elems {
		if s, ok := e.(*value.List); ok {
			out.Elems = append(out.Elems, s.Elems...)
		} else {
			out.Elems = append(out.Elems, e)
		}
	}
	return out, nil
}

// truthy is JMESPath's truth: only false, null and empty things are false.
func truthy(v value.Value) bool {
	switch x := v.(type) {
	case value.NoneType:
		return false
	case value.Bool:
		return bool(x)
	case *value.List:
		return len(x.Elems) > 0
	case *value.Dict:
		return x.Len() > 0
	}
	if s, ok := value.AsString(v); ok {
		return s != ""
	}
	return true
}

func (n not) eval(v value.Value) (value.Value, error) {
	x, err := n.n.eval(v)
	if err != nil {
		return nil, err
	}
	return value.Bool(!truthy(x)), nil
}

func (n logic) eval(v value.Value) (value.Value, error) {
	x, err := n.left.eval(v)
	if err != nil {
		return nil, err
	}
	if truthy(x) == n.or {
		return x, nil
	}
	return n.right.eval(v)
}

func isNumber(v value.Value) bool {
	_, b := v.(value.Bool)
	return !b && value.IsNumber(v)
}

// same is equality that keeps true and 1 apart.
func same(a, b value.Value) (bool, error) {
	_, ab := a.(value.Bool)
	_, bb := b.(value.Bool)
	if ab != bb {
		return false, nil
	}
	return value.Equal(a, b)
}

func (n compare) eval(v value.Value) (value.Value, error) {
	a, err := n.left.eval(v)
	if err != nil {
		return nil, err
	}
	b, err := n.right.eval(v)
	if err != nil {
		return nil, err
	}
	switch n.op {
	case "eq", "ne":
		eq, err := same(a, b)
		return value.Bool(eq == (n.op == "eq")), err
	}
	ok1, ok2 := value.IsString(a), value.IsString(b)
	if !(isNumber(a) && isNumber(b)) && !(ok1 && ok2) {
		return value.None, nil
	}
	op := map[string]value.CompareOp{"lt": value.Lt, "lte": value.Le, "gt": value.Gt, "gte": value.Ge}[n.op]
	ok, err := value.Compare(op, a, b)
	return value.Bool(ok), err
}

func (n expref) eval(value.Value) (value.Value, error) { return &reference{n.n}, nil }

func (n multiList) eval(v value.Value) (value.Value, error) {
	if v == value.None {
		return v, nil
	}
	out := &value.List{}
	for _, x := range n {
		r, err := x.eval(v)
		if err != nil {
			return nil, err
		}
		out.Elems = append(out.Elems, r)
	}
	return out, nil
}

func (n multiHash) eval(v value.Value) (value.Value, error) {
	if v == value.None {
		return v, nil
	}
	d := value.NewDict()
	for i, k := range n.keys {
		r, err := n.vals[i].eval(v)
		if err != nil {
			return nil, err
		}
		d.SetStr(k, r)
	}
	return d, nil
}

// typeOf is JMESPath's name of a type.
func typeOf(v value.Value) string {
	switch v.(type) {
	case value.NoneType:
		return "null"
	case value.Bool:
		return "boolean"
	case *value.List:
		return "array"
	case *value.Dict:
		return "object"
	case *reference:
		return "expref"
	}
	if value.IsString(v) {
		return "string"
	}
	if value.IsNumber(v) {
		return "number"
	}
	return v.TypeName()
}

func typeError(fn string, v value.Value, actual, want string) error {
	s, err := value.ToStr(v)
	if err != nil {
		return err
	}
	quoted := strings.Split(want, "|")
	for i, q := range quoted {
		quoted[i] = "'" + q + "'"
	}
	return &Error{"type", fmt.Sprintf("In function %s(), invalid type for value: %s, expected one of: [%s], received: \"%s\"", fn, s, strings.Join(quoted, ", "), actual)}
}

// function is a built-in: the types of its parameters ("" is any, "a|b" either, "array-number" an array of numbers) and
// what it does. A last parameter that starts with "..." repeats.
type function struct {
	params []string
	run    func(a []value.Value) (value.Value, error)
}

func (n call) eval(v value.Value) (value.Value, error) {
	args := make([]value.Value, len(n.args))
	for i, a := range n.args {
		x, err := a.eval(v)
		if err != nil {
			return nil, err
		}
		args[i] = x
	}
	f, ok := functions[n.name]
	if !ok {
		return nil, &Error{"unknown", "Unknown function: " + n.name + "()"}
	}
	variadic := strings.HasPrefix(f.params[len(f.params)-1], "...")
	if variadic && len(args) < len(f.params) {
		return nil, &Error{"arity", fmt.Sprintf("Expected at least %d argument%s for function %s(), received %d", len(f.params), s(len(f.params)), n.name, len(args))}
	}
	if !variadic && len(args) != len(f.params) {
		return nil, &Error{"arity", fmt.Sprintf("Expected %d argument%s for function %s(), received %d", len(f.params), s(len(f.params)), n.name, len(args))}
	}
	for i, a := range args {
		want := strings.TrimPrefix(f.params[min(i, len(f.params)-1)], "...")
		if err := check(n.name, a, want); err != nil {
			return nil, err
		}
	}
	return f.run(args)
}

func s(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

func check(fn string, v value.Value, want string) error {
	if want == "" {
		return nil
	}
	var elems []string // element types allowed in an array; none: any
	matched := false
	for _, w := range strings.Split(want, "|") {
		base, elem, has := strings.Cut(w, "-")
		if typeOf(v) != base {
			continue
		}
		matched = true
		if has {
			elems = append(elems, elem)
		}
	}
	if !matched {
		return typeError(fn, v, typeOf(v), want)
	}
	if elems == nil || len(list(v)) == 0 {
		return nil
	}
	allowed := elems[0]
	for _, e := range elems {
		if typeOf(list(v)[0]) == e {
			allowed = e
		}
	}
	for _, e := range list(v) {
		if typeOf(e) != allowed {
			return typeError(fn, e, e.TypeName(), want)
		}
	}
	return nil
}

func list(v value.Value) []value.Value { return v.(*value.List).Elems }

func num(f float64) value.Value {
	if f == math.Trunc(f) && math.Abs(f) < 1<<62 {
		return value.Int(f)
	}
	return value.Float(f)
}

// best gives the element that is first by less.
func best(elems []value.Value, op value.CompareOp) (value.Value, error) {
	if len(elems) == 0 {
		return value.None, nil
	}
	b := elems[0]
	for _, e := range elems[1:] {
		ok, err := value.Compare(op, e, b)
		if err != nil {
			return nil, err
		}
		if ok {
			b = e
		}
	}
	return b, nil
}

// keys evaluates the reference on every element and checks that all are numbers or all text.
func keys(fn string, a []value.Value) ([]value.Value, error) {
	ref := a[1].(*reference)
	out := make([]value.Value, len(list(a[0])))
	want := "number|string"
	for i, e := range list(a[0]) {
		k, err := ref.n.eval(e)
		if err != nil {
			return nil, err
		}
		t := typeOf(k)
		if i == 0 && (t == "string" || t == "number") && fn == "sort_by" {
			want = t
		}
		if !strings.Contains("|"+want+"|", "|"+t+"|") {
			return nil, typeError(fn, k, t, want)
		}
		out[i] = k
	}
	return out, nil
}

func bestBy(fn string, op value.CompareOp) func(a []value.Value) (value.Value, error) {
	return func(a []value.Value) (value.Value, error) {
		ks, err := keys(fn, a)
		if err != nil || len(ks) == 0 {
			return value.None, err
		}
		b := 0
		for i := range ks {
			ok, err := value.Compare(op, ks[i], ks[b])
			if err != nil {
				return nil, err
			}
			if ok {
				b = i
			}
		}
		return list(a[0])[b], nil
	}
}

var functions map[string]function

func text(v value.Value) string { s, _ := value.AsString(v); return s }

func init() {
	f := func(v value.Value) float64 { x, _ := value.ToFloat(v); return x }
	functions = map[string]function{
		"abs": {[]string{"number"}, func(a []value.Value) (value.Value, error) {
			if f(a[0]) < 0 {
				return value.Neg(a[0])
			}
			return a[0], nil
		}},
		"avg": {[]string{"array-number"}, func(a []value.Value) (value.Value, error) {
			if len(list(a[0])) == 0 {
				return value.None, nil
			}
			sum := 0.0
			for _, e := range list(a[0]) {
				sum += f(e)
			}
			return value.Float(sum / float64(len(list(a[0])))), nil
		}},
		"ceil":  {[]string{"number"}, func(a []value.Value) (value.Value, error) { return num(math.Ceil(f(a[0]))), nil }},
		"floor": {[]string{"number"}, func(a []value.Value) (value.Value, error) { return num(math.Floor(f(a[0]))), nil }},
		"contains": {[]string{"array|string", ""}, func(a []value.Value) (value.Value, error) {
			if value.IsString(a[0]) && !value.IsString(a[1]) {
				return value.False, nil
			}
			ok, err := value.Contains(a[0], a[1])
			return value.Bool(ok), err
		}},
		"ends_with": {[]string{"string", "string"}, func(a []value.Value) (value.Value, error) {
			return value.Bool(strings.HasSuffix(text(a[0]), text(a[1]))), nil
		}},
		"starts_with": {[]string{"string", "string"}, func(a []value.Value) (value.Value, error) {
			return value.Bool(strings.HasPrefix(text(a[0]), text(a[1]))), nil
		}},
		"join": {[]string{"string", "array-string"}, func(a []value.Value) (value.Value, error) {
			s, err := value.JoinText(text(a[0]), list(a[1]))
			return value.Str(s), err
		}},
		"keys":   {[]string{"object"}, func(a []value.Value) (value.Value, error) { return value.NewList(a[0].(*value.Dict).Keys()...), nil }},
		"length": {[]string{"string|array|object"}, func(a []value.Value) (value.Value, error) { n, err := value.Len(a[0]); return value.Int(n), err }},
		"map": {[]string{"expref", "array"}, func(a []value.Value) (value.Value, error) {
			out := &value.List{Elems: []value.Value{}}
			for _, e := range list(a[1]) {
				x, err := a[0].(*reference).n.eval(e)
				if err != nil {
					return nil, err
				}
				out.Elems = append(out.Elems, x)
			}
			return out, nil
		}},
		"max":    {[]string{"array-number|array-string"}, func(a []value.Value) (value.Value, error) { return best(list(a[0]), value.Gt) }},
		"min":    {[]string{"array-number|array-string"}, func(a []value.Value) (value.Value, error) { return best(list(a[0]), value.Lt) }},
		"max_by": {[]string{"array", "expref"}, bestBy("max_by", value.Gt)},
		"min_by": {[]string{"array", "expref"}, bestBy("min_by", value.Lt)},
		"merge": {[]string{"...object"}, func(a []value.Value) (value.Value, error) {
			d := value.NewDict()
			for _, m := range a {
				for k, v := range m.(*value.Dict).All() {
					if err := d.Set(k, v); err != nil {
						return nil, err
					}
				}
			}
			return d, nil
		}},
		"not_null": {[]string{"..."}, func(a []value.Value) (value.Value, error) {
			for _, v := range a {
				if v != value.None {
					return v, nil
				}
			}
			return value.None, nil
		}},
		"reverse": {[]string{"array|string"}, func(a []value.Value) (value.Value, error) { return value.Slice(a[0], nil, nil, value.Int(-1)) }},
		"sort": {[]string{"array-string|array-number"}, func(a []value.Value) (value.Value, error) {
			es := append([]value.Value{}, list(a[0])...)
			return value.NewList(es...), value.SortBy(es, nil, false)
		}},
		"sort_by": {[]string{"array", "expref"}, func(a []value.Value) (value.Value, error) {
			ks, err := keys("sort_by", a)
			if err != nil {
				return nil, err
			}
			pairs := make([]value.Value, len(ks))
			for i, e := range list(a[0]) {
				pairs[i] = value.NewTuple(ks[i], e)
			}
			if err := value.SortBy(pairs, func(v value.Value) (value.Value, error) { return v.(*value.Tuple).Elems[0], nil }, false); err != nil {
				return nil, err
			}
			out := &value.List{Elems: []value.Value{}}
			for _, p := range pairs {
				out.Elems = append(out.Elems, p.(*value.Tuple).Elems[1])
			}
			return out, nil
		}},
		"sum": {[]string{"array-number"}, func(a []value.Value) (value.Value, error) {
			var sum value.Value = value.Int(0)
			for _, e := range list(a[0]) {
				var err error
				if sum, err = value.Add(sum, e); err != nil {
					return nil, err
				}
			}
			return sum, nil
		}},
		"to_array": {[]string{""}, func(a []value.Value) (value.Value, error) {
			if _, ok := a[0].(*value.List); ok {
				return a[0], nil
			}
			return value.NewList(a[0]), nil
		}},
		"to_number": {[]string{""}, func(a []value.Value) (value.Value, error) {
			if typeOf(a[0]) == "number" {
				return a[0], nil
			}
			if typeOf(a[0]) == "string" {
				if v, err := value.ParseJSON(text(a[0])); err == nil && isNumber(v) {
					return v, nil
				}
			}
			return value.None, nil
		}},
		"to_string": {[]string{""}, func(a []value.Value) (value.Value, error) {
			if typeOf(a[0]) == "string" {
				return a[0], nil
			}
			s, err := value.JSON(a[0], value.JSONOptions{ASCII: true, ItemSep: ",", KeySep: ":"})
			return value.Str(s), err
		}},
		"type": {[]string{""}, func(a []value.Value) (value.Value, error) { return value.Str(typeOf(a[0])), nil }},
		"values": {[]string{"object"}, func(a []value.Value) (value.Value, error) {
			out := &value.List{Elems: []value.Value{}}
			for _, v := range a[0].(*value.Dict).All() {
				out.Elems = append(out.Elems, v)
			}
			return out, nil
		}},
	}
}
