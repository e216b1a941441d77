package filters

import (
	"errors"

	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/lang/yamlout"
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var yamls = family{filters: []jinja.Filter{
	{Name: "from_yaml", Signature: "from_yaml(data)", Run: fromYAML},
	{Name: "from_yaml_all", Signature: "from_yaml_all(data)", Run: fromYAMLAll},
	{Name: "to_nice_yaml", Signature: "to_nice_yaml(a, indent=4, *args, **kw)", Run: toNiceYAML},
	{Name: "to_yaml", Signature: "to_yaml(a, *args, **kw)", Run: toYAML},
}}

// yamlOptions reads the keyword arguments of yaml.dump. taken are those the filter gives itself.
func yamlOptions(kw *value.Dict, o yamlout.Options, taken ...string) (yamlout.Options, error) {
	for k, v := range kw.All() {
		name, _ := value.AsString(k)
		for _, t := range taken {
			if t == name {
				return o, value.TypeErrorf("yaml.dump() got multiple values for keyword argument '%s'", name)
			}
		}
		switch name {
		case "indent", "width":
			if v == value.None {
				continue
			}
			n, err := value.Index(v)
			if f, ok := v.(value.Float); ok && err != nil {
				n, err = int64(min(float64(f), 1e9)), nil
			}
			if err != nil {
				return o, err
			}
			n = min(n, 1<<30)
			if name == "indent" {
				o.Indent = int(n)
			} else {
				o.Width = int(n)
				if n == 0 {
					o.Width = 1
				}
			}
		case "default_flow_style":
			if v == value.None {
				o.FlowStyle = yamlout.Inner
				continue
			}
			b, err := truth(v)
			if err != nil {
				return o, err
			}
			o.FlowStyle = yamlout.Block
			if b {
				o.FlowStyle = yamlout.Always
			}
		case "default_style":
			if v != value.None {
				o.Style = textOf(v)
			}
		case "line_break":
			switch textOf(v) {
			case "\r", "\r\n":
				o.LineBreak = textOf(v)
			}
		case "sort_keys", "explicit_start", "explicit_end", "canonical", "allow_unicode":
			b, err := truth(v)
			if err != nil {
				return o, err
			}
			switch name {
			case "sort_keys":
				o.Unsorted = !b
			case "explicit_start":
				o.ExplicitStart = b
			case "explicit_end":
				o.ExplicitEnd = b
			}
		case "encoding", "version", "tags":
		default:
			return o, value.TypeErrorf("dump_all() got an unexpected keyword argument '%s'", name)
		}
	}
	return o, nil
}

// dump wraps the errors of one of the YAML filters as Ansible does.
func dump(name string, v value.Value, o yamlout.Options, err error) (value.Value, error) {
	var s string
	if err == nil {
		s, err = yamlout.Dump(v, o)
	}
	if err == nil {
		return value.Str(s), nil
	}
	msg := name + " - " + err.Error() + ". " + err.Error()
	var e *value.Error
	if errors.As(err, &e) && e.Class == "UndefinedError" {
		return nil, &value.Error{Class: e.Class, Msg: msg, Undefined: e.Undefined}
	}
	return nil, filterError("%s", msg)
}

func toYAML(c *jinja.Call) (value.Value, error) {
	o, err := yamlOptions(c.Args[2].(*value.Dict), yamlout.Options{Unicode: true}, "allow_unicode", "Dumper")
	return dump("to_yaml", c.Args[0], o, err)
}

func toNiceYAML(c *jinja.Call) (value.Value, error) {
	base := yamlout.Options{Unicode: true, FlowStyle: yamlout.Block}
	kw := c.Args[3].(*value.Dict).Copy()
	o, err := yamlOptions(kw, base, "allow_unicode", "Dumper", "default_flow_style")
	if err == nil {
		kw = value.NewDict()
		kw.SetStr("indent", c.Args[1])
		o, err = yamlOptions(kw, o)
	}
	return dump("to_nice_yaml", c.Args[0], o, err)
}

func yamlText(c *jinja.Call) (string, bool, error) {
	if err := undefinedArg(c.Args[0]); err != nil {
		return "", false, err
	}
	v, err := value.Norm(c.Args[0])
	if err != nil {
		return "", false, err
	}
	s, ok := value.AsString(v)
	return s, ok, nil
}

// yamlError gives a parser's failure PyYAML's class.
func yamlError(err error) error {
	class := "YAMLError"
	var se *yamldoc.SyntaxError
	if errors.As(err, &se) {
		class = "ScannerError"
	}
	return value.Errorf(class, "%s", err.Error())
}

func fromYAML(c *jinja.Call) (value.Value, error) {
	s, ok, err := yamlText(c)
	if err != nil {
		return nil, err
	}
	if !ok {
		return c.Args[0], nil
	}
	n, err := yamldoc.LoadYAML([]byte(s), yamldoc.Options{Data: true, Safe: true, Duplicates: yamldoc.DuplicatesIgnore})
	if err != nil {
		return nil, yamlError(err)
	}
	return n.Value(), nil
}

func fromYAMLAll(c *jinja.Call) (value.Value, error) {
	s, ok, err := yamlText(c)
	if err != nil {
		return nil, err
	}
	if !ok {
		return c.Args[0], nil
	}
	ns, err := yamldoc.LoadAllYAML([]byte(s), yamldoc.Options{Data: true, Safe: true, Duplicates: yamldoc.DuplicatesIgnore})
	if err != nil {
		return nil, yamlError(err)
	}
	out := &value.List{Elems: make([]value.Value, len(ns))}
	for i, n := range ns {
		out.Elems[i] = n.Value()
	}
	return out, nil
}
