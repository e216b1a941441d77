package action

import (
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/module"
	"github.com/troupe-automation/troupe/value"
)

var validateArgumentSpecAction = &Action{Name: "ansible.builtin.validate_argument_spec", Local: true, Run: runValidate}

// runValidate checks variables against a role's argument_specs (sample flow_role_argspec).
func runValidate(c *Context) (*Outcome, error) {
	spec, _ := c.Args.GetStr("argument_spec")
	specs, isDict := spec.(*value.Dict)
	if !isDict {
		return nil, fmt.Errorf("Incorrect type for argument_spec, expected dict and got %s", pyType(orNone(spec)))
	}
	provided := value.NewDict()
	if p, ok := c.Args.GetStr("provided_arguments"); ok {
		if d, ok := p.(*value.Dict); ok {
			provided = d
		}
	}
	given := map[string]any{}
	for k := range specs.All() {
		name := plain(k)
		if v, ok := provided.GetStr(name); ok {
			g, err := value.ToGo(v)
			if err != nil {
				return nil, err
			}
			given[name] = g
			continue
		}
		v, ok, err := c.Templar.Resolve(name)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if _, undefined := v.(*value.Undefined); undefined {
			continue
		}
		g, err := value.ToGo(v)
		if err != nil {
			return nil, err
		}
		given[name] = g
	}
	ms := moduleSpec(specs)
	errs := ms.CheckAll(given)
	context, hasContext := c.Args.GetStr("validate_args_context")
	if !hasContext {
		context = value.NewDict()
	}
	if len(errs) == 0 {
		r := value.DictOf("changed", value.False, "msg", value.Str("The arg spec validation passed"), "validate_args_context", context)
		return &Outcome{Result: r}, nil
	}
	errs = withClasses(c, errs, provided)
	list := value.NewList()
	msg := "Validation of arguments failed:"
	for _, e := range errs {
		list.Elems = append(list.Elems, value.Str(e))
		msg += "\n" + e
	}
	return &Outcome{Result: value.DictOf(
		"failed", value.True, "changed", value.False, "msg", value.Str(msg), "argument_spec_data", specs, "argument_errors", list, "validate_args_context", context)}, nil
}

// withClasses gives texts that could not be converted the class that says where they come from.
func withClasses(c *Context, errs []string, provided *value.Dict) []string {
	const before, after = "argument '", "' is of type <class 'str'>"
	raw, _ := c.Task.Args.GetStr("provided_arguments")
	written, _ := raw.(*value.Dict)
	for i, e := range errs {
		name, rest, ok := strings.Cut(strings.TrimPrefix(e, before), after)
		if !ok || !strings.HasPrefix(e, before) {
			continue
		}
		class := ""
		if _, given := provided.GetStr(name); !given {
			class = c.Templar.StrClass(&syntax.Name{Name: name})
		} else if written != nil {
			if v, ok := written.GetStr(name); ok {
				class = c.Templar.StrClassOf(v)
			}
		}
		if class != "" {
			errs[i] = before + name + "' is of type <class '" + class + "'>" + rest
		}
	}
	return errs
}

func orNone(v value.Value) value.Value {
	if v == nil {
		return value.None
	}
	return v
}

// moduleSpec reads the options of an argument_specs entry point.
func moduleSpec(options *value.Dict) module.Spec { return module.Spec{Options: specOptions(options)} }

func specOptions(options *value.Dict) []module.Option {
	var out []module.Option
	for k, v := range options.All() {
		o := module.Option{Name: plain(k)}
		d, ok := v.(*value.Dict)
		if !ok {
			out = append(out, o)
			continue
		}
		o.Type, o.Elements = module.Type(text(d, "type")), module.Type(text(d, "elements"))
		if o.Elements == "" && o.Type == module.TypeList {
			o.Elements = module.TypeRaw
		}
		o.Required, o.NoLog = truth(d, "required"), truth(d, "no_log")
		if def, ok := d.GetStr("default"); ok {
			o.Default, _ = value.ToGo(def) // what cannot be Go data is no default
		}
		if c, ok := d.GetStr("choices"); ok {
			if g, err := value.ToGo(c); err == nil {
				o.Choices, _ = g.([]any)
			}
		}
		if a, ok := d.GetStr("aliases"); ok {
			o.Aliases = texts(a)
		}
		if sub, ok := d.GetStr("options"); ok {
			if sd, ok := sub.(*value.Dict); ok {
				o.Options = specOptions(sd)
			}
		}
		o.Rules = specRules(d)
		out = append(out, o)
	}
	return out
}

// specRules reads the constraints that may stand beside options.
func specRules(d *value.Dict) module.Rules {
	groups := func(key string) [][]string {
		v, _ := d.GetStr(key)
		var out [][]string
		for _, e := range list(v) {
			out = append(out, texts(e))
		}
		return out
	}
	return module.Rules{
		MutuallyExclusive: groups("mutually_exclusive"), RequiredTogether: groups("required_together"), RequiredOneOf: groups("required_one_of"),
	}
}
