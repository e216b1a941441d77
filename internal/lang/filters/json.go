package filters

import (
	"strings"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var jsons = family{filters: []jinja.Filter{
	{Name: "from_json", Signature: "from_json(s)", Run: fromJSON},
	{Name: "to_json", Signature: "to_json(a, *args, **kw)", Run: toJSON},
	{Name: "to_nice_json", Signature: "to_nice_json(a, indent=4, sort_keys=True, *args, **kw)", Run: toNiceJSON},
}}

// jsonDefault is what Ansible's encoder makes of values that JSON does not know.
func jsonDefault(v value.Value) (value.Value, error) {
	switch x := v.(type) {
	case *value.Undefined:
		return nil, x.Err()
	case *value.Datetime:
		return value.Str(x.Isoformat("T")), nil
	case *value.Date, *value.Template:
		s, err := value.ToStr(v)
		return value.Str(s), err
	case *value.Encrypted:
		s, err := x.Plain()
		return value.Str(s), err
	case *value.Iter:
		return nil, value.TypeErrorf("Object of type %s is not JSON serializable", v.TypeName())
	case value.Mapping:
		return value.ToDict(v)
	case value.Lazy:
		return x.Force()
	}
	return nil, value.TypeErrorf("Object of type %s is not JSON serializable", v.TypeName())
}

func jsonOptions(kw *value.Dict, o value.JSONOptions) (value.JSONOptions, error) {
	for k, v := range kw.All() {
		name, _ := value.AsString(k)
		switch name {
		case "indent":
			if err := setIndent(&o, v); err != nil {
				return o, err
			}
		case "separators":
			elems, ok := isList(v)
			if !ok || len(elems) != 2 {
				return o, value.ValueErrorf("not enough values to unpack (expected 2, got %d)", len(elems))
			}
			o.ItemSep, o.KeySep = textOf(elems[0]), textOf(elems[1])
		case "sort_keys", "ensure_ascii", "allow_nan", "skipkeys", "preprocess_unsafe", "vault_to_text", "check_circular":
			b, err := truth(v)
			if err != nil {
				return o, err
			}
			switch name {
			case "sort_keys":
				o.SortKeys = b
			case "ensure_ascii":
				o.ASCII = b
			case "allow_nan":
				o.RefuseNaN = !b
			case "skipkeys":
				o.SkipKeys = b
			}
		case "default", "cls":
		default:
			return o, value.TypeErrorf("JSONEncoder.__init__() got an unexpected keyword argument '%s'", name)
		}
	}
	return o, nil
}

func setIndent(o *value.JSONOptions, v value.Value) error {
	if v == value.None {
		o.Pretty = false
		return nil
	}
	o.Pretty = true
	if s, ok := value.AsString(v); ok {
		o.Indent = s
		return nil
	}
	n, err := value.Index(v)
	if err != nil {
		return value.TypeErrorf("can't multiply sequence by non-int of type '%s'", v.TypeName())
	}
	o.Indent = strings.Repeat(" ", int(min(max(n, 0), 1000)))
	return nil
}

func toJSON(c *jinja.Call) (value.Value, error) {
	if len(c.Args[1].(*value.Tuple).Elems) > 0 {
		return nil, value.TypeErrorf("dumps() takes 1 positional argument but %d were given", 1+len(c.Args[1].(*value.Tuple).Elems))
	}
	o, err := jsonOptions(c.Args[2].(*value.Dict), value.JSONOptions{ASCII: true, Default: jsonDefault})
	if err != nil {
		return nil, err
	}
	s, err := value.JSON(c.Args[0], o)
	return value.Str(s), err
}

func toNiceJSON(c *jinja.Call) (value.Value, error) {
	o := value.JSONOptions{ASCII: true, Default: jsonDefault}
	if err := setIndent(&o, c.Args[1]); err != nil {
		return nil, err
	}
	sort, err := truth(c.Args[2])
	if err != nil {
		return nil, err
	}
	o.SortKeys = sort
	o.ItemSep, o.KeySep = ",", ": "
	kw := c.Args[4].(*value.Dict).Copy()
	// These are the filter's own business; Ansible drops them.
	for _, taken := range []string{"separators", "indent", "sort_keys"} {
		kw.DeleteStr(taken)
	}
	if o, err = jsonOptions(kw, o); err != nil {
		return nil, err
	}
	s, err := value.JSON(c.Args[0], o)
	return value.Str(s), err
}

func fromJSON(c *jinja.Call) (value.Value, error) {
	v, err := value.Norm(c.Args[0])
	if err != nil {
		return nil, err
	}
	if b, ok := v.(value.Bytes); ok {
		return value.ParseJSON(string(b))
	}
	s, ok := value.AsString(v)
	if !ok {
		return nil, value.TypeErrorf("the JSON object must be str, bytes or bytearray, not %s", v.TypeName())
	}
	if strings.HasPrefix(s, "\ufeff") {
		return nil, value.Errorf("JSONDecodeError", "Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)")
	}
	return value.ParseJSON(s)
}
