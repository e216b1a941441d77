package filters

import (
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var mappings = family{filters: []jinja.Filter{
	{Name: "combine", Signature: "combine(*terms, **kwargs)", Run: combine},
	{Name: "dict2items", Signature: "dict_to_list_of_dict_key_value_elements(mydict, key_name='key', value_name='value')", Run: dict2items},
	{Name: "extract", Signature: "extract(~environment, item, container, morekeys=None)", Run: extract},
	{Name: "items2dict", Signature: "list_of_dict_key_value_elements_to_dict(mylist, key_name='key', value_name='value')", Run: items2dict},
	{Name: "rekey_on_member", Signature: "rekey_on_member(data, key, duplicates='error')", Run: rekeyOnMember},
	{Name: "subelements", Signature: "subelements(obj, subelements, skip_missing=False)", Run: subelements},
}}

// MergeOptions say how MergeHash merges.
type MergeOptions struct {
	Recursive bool
	ListMerge string // replace, keep, append, prepend, append_rp, prepend_rp
}

var listMerges = map[string]bool{"replace": true, "keep": true, "append": true, "prepend": true, "append_rp": true, "prepend_rp": true}

// MergeHash merges y over x, as the combine filter and hash_behaviour=merge do. The inputs are not changed.
func MergeHash(x, y value.Value, o MergeOptions) (value.Value, error) {
	if !listMerges[o.ListMerge] {
		return nil, value.Errorf("AnsibleError", "merge_hash: 'list_merge' argument can only be equal to 'replace', 'keep', 'append', 'prepend', 'append_rp' or 'prepend_rp'")
	}
	a, ok1 := x.(*value.Dict)
	b, ok2 := y.(*value.Dict)
	if !ok1 || !ok2 {
		if err := undefinedArg(x); err != nil {
			return nil, err
		}
		if err := undefinedArg(y); err != nil {
			return nil, err
		}
		return nil, notDicts(x, y)
	}
	return mergeDicts(a, b, o, 0)
}

func notDicts(vs ...value.Value) error {
	text := make([]string, len(vs))
	for i, v := range vs {
		s, err := value.JSON(v, value.JSONOptions{ASCII: true})
		if err != nil {
			s = repr(v)
		}
		text[i] = s
	}
	return value.Errorf("AnsibleError", "failed to combine variables, expected dicts but got a '%s' and a '%s': \n%s", vs[0].TypeName(), vs[1].TypeName(), join(text, "\n"))
}

func mergeDicts(x, y *value.Dict, o MergeOptions, depth int) (*value.Dict, error) {
	if depth > 200 {
		return nil, value.Errorf("RecursionError", "maximum recursion depth exceeded")
	}
	if x.Len() == 0 {
		return y.Copy(), nil
	}
	if x == y {
		return x, nil
	}
	out := x.Copy()
	for k, yv := range y.All() {
		xv, had, err := out.Get(k)
		if err != nil {
			return nil, err
		}
		if had {
			xd, ok1 := xv.(*value.Dict)
			yd, ok2 := yv.(*value.Dict)
			xl, ok3 := xv.(*value.List)
			yl, ok4 := yv.(*value.List)
			switch {
			case ok1 && ok2 && o.Recursive:
				if yv, err = mergeDicts(xd, yd, o, depth+1); err != nil {
					return nil, err
				}
			case ok3 && ok4:
				if yv, err = mergeLists(xl, yl, o.ListMerge); err != nil {
					return nil, err
				}
			}
		}
		if err := out.Set(k, yv); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func mergeLists(x, y *value.List, how string) (value.Value, error) {
	without := func(a, b []value.Value) ([]value.Value, error) {
		var out []value.Value
		for _, v := range a {
			in, err := value.Contains(value.NewList(b...), v)
			if err != nil {
				return nil, err
			}
			if !in {
				out = append(out, v)
			}
		}
		return out, nil
	}
	cat := func(a, b []value.Value) value.Value {
		out := make([]value.Value, 0, len(a)+len(b))
		return value.NewList(append(append(out, a...), b...)...)
	}
	switch how {
	case "keep":
		return x, nil
	case "append":
		return cat(x.Elems, y.Elems), nil
	case "prepend":
		return cat(y.Elems, x.Elems), nil
	case "append_rp":
		rest, err := without(x.Elems, y.Elems)
		return cat(rest, y.Elems), err
	case "prepend_rp":
		rest, err := without(x.Elems, y.Elems)
		return cat(y.Elems, rest), err
	}
	return y, nil
}

// flattenList unpacks nested lists down to levels (negative: all). skipNulls drops None and "None", "null".
func flattenList(elems []value.Value, levels int, skipNulls bool, depth int) ([]value.Value, error) {
	if depth > 200 {
		return nil, value.Errorf("RecursionError", "maximum recursion depth exceeded")
	}
	var out []value.Value
	for _, e := range elems {
		if err := undefinedArg(e); err != nil {
			return nil, err
		}
		if s, ok := value.AsString(e); skipNulls && (e == value.None || ok && (s == "None" || s == "null")) {
			continue
		}
		sub, ok := isList(e)
		if r, isRange := e.(*value.Range); isRange {
			elems, err := value.Collect(r)
			if err != nil {
				return nil, err
			}
			sub, ok = elems, true
		}
		if !ok {
			out = append(out, e)
			continue
		}
		if levels == 0 {
			out = append(out, e)
			continue
		}
		flat, err := flattenList(sub, levels-1, skipNulls, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, flat...)
	}
	return out, nil
}

func combine(c *jinja.Call) (value.Value, error) {
	o := MergeOptions{ListMerge: "replace"}
	for k, v := range c.Args[1].(*value.Dict).All() {
		name, _ := value.AsString(k)
		switch name {
		case "recursive":
			r, err := truth(v)
			if err != nil {
				return nil, err
			}
			o.Recursive = r
		case "list_merge":
			s, err := value.ToStr(v)
			if err != nil {
				return nil, err
			}
			o.ListMerge = s
		default:
			return nil, filterError("'recursive' and 'list_merge' are the only valid keyword arguments")
		}
	}
	dicts, err := flattenList(c.Args[0].(*value.Tuple).Elems, 1, true, 0)
	if err != nil {
		return nil, err
	}
	if len(dicts) == 0 {
		return value.NewDict(), nil
	}
	if len(dicts) == 1 {
		return dicts[0], nil
	}
	// Later terms have precedence; merging from the right keeps the keys of earlier ones first.
	result := dicts[len(dicts)-1]
	for i := len(dicts) - 2; i >= 0; i-- {
		if result, err = MergeHash(dicts[i], result, o); err != nil {
			return nil, err
		}
	}
	return result, nil
}

func dict2items(c *jinja.Call) (value.Value, error) {
	if !value.IsMapping(c.Args[0]) {
		return nil, filterTypeError("dict2items requires a dictionary, got %s instead.", class(c.Args[0]))
	}
	d, err := value.ToDict(c.Args[0])
	if err != nil {
		return nil, err
	}
	out := &value.List{Elems: []value.Value{}}
	for k, v := range d.All() {
		item := value.NewDict()
		if err := item.Set(c.Args[1], k); err != nil {
			return nil, err
		}
		if err := item.Set(c.Args[2], v); err != nil {
			return nil, err
		}
		out.Elems = append(out.Elems, item)
	}
	return out, nil
}

func items2dict(c *jinja.Call) (value.Value, error) {
	if err := undefinedArg(c.Args[0]); err != nil {
		return nil, err
	}
	elems, ok := isList(c.Args[0])
	if !ok {
		return nil, filterTypeError("items2dict requires a list, got %s instead.", class(c.Args[0]))
	}
	d := value.NewDict()
	for _, e := range elems {
		k, err := value.Subscript(e, c.Args[1])
		var v value.Value
		if err == nil {
			v, err = value.Subscript(e, c.Args[2])
		}
		if err == nil {
			err = d.Set(k, v)
		}
		switch value.ErrorClass(err) {
		case "":
			if err != nil {
				return nil, err
			}
		case "KeyError":
			return nil, filterTypeError("items2dict requires each dictionary in the list to contain the keys '%s' and '%s', got %s instead.", textOf(c.Args[1]), textOf(c.Args[2]), repr(c.Args[0]))
		case "TypeError":
			return nil, filterTypeError("items2dict requires a list of dictionaries, got %s instead.", repr(c.Args[0]))
		default:
			return nil, err
		}
	}
	return d, nil
}

func textOf(v value.Value) string {
	s, _ := value.ToStr(v)
	return s
}

func extract(c *jinja.Call) (value.Value, error) {
	keys := []value.Value{c.Args[0]}
	if c.Args[2] != value.None {
		if more, ok := c.Args[2].(*value.List); ok {
			keys = append(keys, more.Elems...)
		} else {
			keys = append(keys, c.Args[2])
		}
	}
	v := c.Args[1]
	for _, k := range keys {
		var err error
		if v, err = c.Ctx.GetItem(v, k); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func subelements(c *jinja.Call) (value.Value, error) {
	var elems []value.Value
	if value.IsMapping(c.Args[0]) {
		d, err := value.ToDict(c.Args[0])
		if err != nil {
			return nil, err
		}
		for _, v := range d.All() {
			elems = append(elems, v)
		}
	} else if l, ok := isList(c.Args[0]); ok {
		elems = l
	} else {
		return nil, filterError("obj must be a list of dicts or a nested dict")
	}
	var path []string
	if l, ok := isList(c.Args[1]); ok {
		for _, e := range l {
			path = append(path, textOf(e))
		}
	} else if s, ok := value.AsString(c.Args[1]); ok {
		path = splitDots(s)
	} else {
		return nil, filterTypeError("subelements must be a list or a string")
	}
	skip, err := truth(c.Args[2])
	if err != nil {
		return nil, err
	}
	out := &value.List{Elems: []value.Value{}}
	for _, e := range elems {
		values := e
		for i, key := range path {
			last := i == len(path)-1
			m, isMap := values.(*value.Dict)
			if !isMap {
				if err := undefinedArg(values); err != nil {
					return nil, err
				}
				if !value.IsIterable(values) || !value.IsMapping(values) {
					return nil, filterTypeError("the key %s should point to a dictionary, got '%s'", key, textOf(values))
				}
			}
			v, ok := m.GetStr(key)
			if !ok {
				if skip {
					values = value.NewList()
					break
				}
				return nil, filterError("could not find %s key in iterated item %s", repr(value.Str(key)), repr(values))
			}
			values = v
			if last {
				if _, ok := isList(values); !ok {
					return nil, filterTypeError("the key %s should point to a list, got %s", repr(value.Str(key)), repr(values))
				}
			}
		}
		subs, ok := isList(values)
		if !ok {
			return nil, filterTypeError("the key %s should point to a list, got %s", repr(value.Str(path[len(path)-1])), repr(values))
		}
		for _, s := range subs {
			out.Elems = append(out.Elems, value.NewTuple(e, s))
		}
	}
	return out, nil
}

func splitDots(s string) []string {
	var out []string
	start := 0
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == '.' {
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return out
}

func rekeyOnMember(c *jinja.Call) (value.Value, error) {
	mode, err := value.ToStr(c.Args[2])
	if err != nil {
		return nil, err
	}
	if mode != "error" && mode != "overwrite" {
		return nil, filterError("duplicates parameter to rekey_on_member has unknown value: %s", mode)
	}
	for _, a := range c.Args[:2] {
		if err := undefinedArg(a); err != nil {
			return nil, err
		}
	}
	var elems []value.Value
	switch x := c.Args[0].(type) {
	case *value.Dict:
		for _, v := range x.All() {
			elems = append(elems, v)
		}
	default:
		if value.IsString(x) || !value.IsIterable(x) {
			return nil, filterTypeError("Type is not a valid list, set, or dict")
		}
		if elems, err = value.Collect(x); err != nil {
			return nil, err
		}
	}
	out := value.NewDict()
	for _, e := range elems {
		m, ok := e.(*value.Dict)
		if !ok {
			return nil, filterTypeError("List item is not a valid dict")
		}
		k, ok, err := m.Get(c.Args[1])
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, filterError("Key %s was not found", textOf(c.Args[1]))
		}
		if _, dup, err := out.Get(k); err != nil {
			return nil, err
		} else if dup && mode == "error" {
			return nil, filterError("Key %s is not unique, cannot correctly turn into dict", textOf(k))
		}
		if err := out.Set(k, m); err != nil {
			return nil, err
		}
	}
	return out, nil
}
