package filters

import (
	"strings"
	"unicode"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var plugins = family{tests: []jinja.Filter{
	{Name: "filter", Signature: "test_filter(~env, value)", Run: exists((*jinja.Environment).Filter), Volatile: true},
	{Name: "test", Signature: "test_test(~env, value)", Run: exists((*jinja.Environment).Test), Volatile: true},
}}

// exists asks for a plugin by name. Ansible's table of plugins raises where Jinja's says no.
func exists(find func(e *jinja.Environment, name string) (*jinja.Filter, error)) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) {
		name, ok := value.AsString(c.Args[0])
		if !ok {
			return nil, value.ValueErrorf("key must be a string, got %s instead", class(c.Args[0]))
		}
		f, err := find(c.Env, name)
		if err == nil && f == nil {
			reason := c.Args[0]
			if strings.ContainsFunc(name, func(r rune) bool { return r != '_' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
				reason = value.Str("invalid plugin name: ansible.builtin." + name)
			}
			err = value.Errorf("TemplateSyntaxError", "Could not load \"%s\": %s", name, repr(reason))
		}
		return value.True, err
	}
}
