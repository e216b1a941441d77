// Package filters holds the filters and tests of ansible.builtin, one file for each family, as rows of tables. Names are
// known short and as ansible.builtin.x and ansible.legacy.x.
//
// Called by internal/lang/template, which puts them on top of Jinja's own.
package filters

import (
	"github.com/troupe-automation/troupe/internal/lang/filters/collections"
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/builtins"
	"github.com/troupe-automation/troupe/value"
)

// Environment returns an environment with Jinja's filters, tests and globals and Ansible's on top, wrapped as Ansible
// wraps them: a filter that gives an iterator gives a list, and the filters that print data mark their text.
func Environment() *jinja.Environment {
	env := builtins.New()
	env.AddFilters(wrapAll(builtins.Filters())...)
	for _, family := range families {
		env.AddFilters(qualified(wrapAll(family.filters))...)
		env.AddTests(qualified(family.tests)...)
	}
	env.AddFilters(wrapAll(collections.Filters())...)
	env.AddTests(collections.Tests()...)
	return env
}

// family is what one file adds.
type family struct {
	filters []jinja.Filter
	tests   []jinja.Filter
}

var families = []family{encodings, mappings, sets, texts, numbers, jsons, regexes, yamls, paths, randoms, times, urls, secrets, results, versions, plugins}

// textFilters give text that no later step may turn into data.
var textFilters = map[string]bool{
	"string": true, "to_json": true, "to_nice_json": true, "to_yaml": true, "to_nice_yaml": true, "ppretty": true, "json": true,
}

func wrapAll(fs []jinja.Filter) []jinja.Filter {
	out := make([]jinja.Filter, len(fs))
	for i, f := range fs {
		out[i] = wrap(f)
	}
	return out
}

func wrap(f jinja.Filter) jinja.Filter {
	run := f.Run
	if textFilters[f.Name] {
		f.Run = func(c *jinja.Call) (value.Value, error) {
			v, err := run(c)
			if err != nil {
				return nil, err
			}
			if s, ok := value.AsString(v); ok {
				return value.NativeText(s), nil
			}
			return v, nil
		}
		return f
	}
	f.Run = func(c *jinja.Call) (value.Value, error) {
		v, err := run(c)
		if err != nil {
			return nil, err
		}
		if it, ok := v.(*value.Iter); ok {
			elems, err := value.Drain(it.It)
			if err != nil {
				return nil, err
			}
			if elems == nil {
				elems = []value.Value{}
			}
			return value.NewList(elems...), nil
		}
		return v, nil
	}
	return f
}

// qualified adds the full names of filters and tests.
func qualified(fs []jinja.Filter) []jinja.Filter {
	out := make([]jinja.Filter, 0, 3*len(fs))
	for _, f := range fs {
		for _, prefix := range []string{"", "ansible.builtin.", "ansible.legacy."} {
			g := f
			g.Name = prefix + f.Name
			out = append(out, g)
		}
	}
	return out
}
