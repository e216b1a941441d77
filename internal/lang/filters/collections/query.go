package collections

import (
	"errors"

	"github.com/troupe-automation/troupe/internal/lang/jmespath"
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var queries = family{collections: []string{"community.general"}, filters: []jinja.Filter{
	{Name: "json_query", Signature: "json_query(data, expr)", Run: jsonQuery},
}}

// plainText makes every text inside v a Str and every mapping a Dict, so that queries see data alone.
func plainText(v value.Value, depth int) (value.Value, error) {
	if depth > 200 {
		return nil, value.Errorf("RecursionError", "maximum recursion depth exceeded")
	}
	v, err := value.Norm(v)
	if err != nil {
		return nil, err
	}
	each := func(elems []value.Value) (value.Value, error) {
		out := &value.List{Elems: make([]value.Value, len(elems))}
		for i, e := range elems {
			x, err := plainText(e, depth+1)
			if err != nil {
				return nil, err
			}
			out.Elems[i] = x
		}
		return out, nil
	}
	switch x := v.(type) {
	case *value.Undefined:
		return nil, x.Err()
	case *value.List:
		return each(x.Elems)
	case *value.Tuple:
		return each(x.Elems)
	case *value.Dict, value.Mapping:
		src, err := value.ToDict(v)
		if err != nil {
			return nil, err
		}
		d := value.NewDict()
		for k, e := range src.All() {
			y, err := plainText(e, depth+1)
			if err != nil {
				return nil, err
			}
			if err := d.Set(k, y); err != nil {
				return nil, err
			}
		}
		return d, nil
	}
	return v, nil
}

func jsonQuery(c *jinja.Call) (value.Value, error) {
	expr, err := value.ToStr(c.Args[1])
	if err != nil {
		return nil, err
	}
	var out value.Value
	e, err := jmespath.Compile(expr)
	if err == nil {
		var data value.Value
		if data, err = plainText(c.Args[0], 0); err == nil {
			out, err = e.Search(data)
		}
	}
	if err == nil {
		return out, nil
	}
	var je *jmespath.Error
	if errors.As(err, &je) {
		return nil, filterError("JMESPathError in json_query filter plugin:\n%s", je.Msg)
	}
	if value.IsUndefined(err) {
		var ve *value.Error
		errors.As(err, &ve)
		return nil, &value.Error{Class: ve.Class, Undefined: ve.Undefined, Msg: "Error in jmespath.search in json_query filter plugin:\n" + ve.Msg}
	}
	return nil, filterError("Error in jmespath.search in json_query filter plugin:\n%s", err.Error())
}
