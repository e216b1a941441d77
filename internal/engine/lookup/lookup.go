// Package lookup is the lookups that ship with Troupe: file, env, pipe, items, sequence … one file each, one row each in All.
//
// The templating engine runs them for lookup() and query(), the task runner for with_ loops. What they return is data: it is
// never rendered again.
package lookup

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

// Context is what lookups need of the task they run in.
type Context interface {
	// Context ends when the run is cancelled.
	Context() context.Context
	// Variable returns a rendered variable; ok is false when there is none of that name.
	Variable(name string) (v value.Value, ok bool, err error)
	// VariableNames lists all variables, in order.
	VariableNames() []string
	// Render renders the templates inside a value.
	Render(v value.Value) (value.Value, error)
	// RenderFile renders the text of a template file.
	RenderFile(text string, o FileOptions) (value.Value, error)
	// SearchPath lists the directories where relative files are searched, most specific first (ansible_search_path); Basedir
	// is the directory of the playbook.
	SearchPath() []string
	Basedir() string
	// Subdir is the sub-directory that first_found looks into besides: "files", "templates" or "vars", by the task's action; ""
	// is "files".
	Subdir() string
	Config() *config.Config
	Secrets() *vault.Secrets
	// Hosts evaluates host patterns.
	Hosts(patterns []string) ([]string, error)
	// HashPassword is the password_hash filter.
	HashPassword(password, method, salt, ident string) (string, error)
	// Warn prints a warning.
	Warn(text string)
}

// FileOptions are how the template lookup has a file rendered.
type FileOptions struct {
	Path                       string
	SearchPath                 []string
	Vars                       *value.Dict // on top of all others
	Convert                    bool        // text that looks like data becomes data
	Native                     bool
	VariableStart, VariableEnd string
	CommentStart, CommentEnd   string
}

// Call is one run of a lookup.
type Call struct {
	Context
	Name    string
	Terms   []value.Value // rendered
	Options []value.Kwarg
}

// Lookup is one lookup plugin.
type Lookup struct {
	Name string
	Run  func(*Call) ([]value.Value, error)
}

// All is every lookup, sorted by name.
var All = []Lookup{
	{"cartesian", cartesian},
	{"community.hashi_vault.hashi_vault", hashiVault},
	{"community.hashi_vault.vault_kv2_get", vaultKV2},
	{"config", configLookup},
	{"csvfile", csvfile},
	{"dict", dict},
	{"env", env},
	{"file", file},
	{"fileglob", fileglob},
	{"first_found", firstFound},
	{"flattened", flattened},
	{"indexed_items", indexedItems},
	{"ini", ini},
	{"inventory_hostnames", inventoryHostnames},
	{"items", items},
	{"lines", lines},
	{"list", list},
	{"nested", nested},
	{"password", password},
	{"pipe", pipe},
	{"random_choice", randomChoice},
	{"sequence", sequence},
	{"subelements", subelements},
	{"template", templateFiles},
	{"together", together},
	{"unvault", unvault},
	{"url", url},
	{"varnames", varnames},
	{"vars", variables},
}

// declared are the options of lookups that are not among those of ansible-core.
var declared = map[string][]config.Setting{
	"community.hashi_vault.hashi_vault": vaultOptions, "community.hashi_vault.vault_kv2_get": vaultOptions,
}

// Find returns a lookup by its short or full name.
func Find(name string) (*Lookup, bool) {
	for _, prefix := range []string{"ansible.builtin.", "ansible.legacy."} {
		if short, ok := strings.CutPrefix(name, prefix); ok {
			name = short
		}
	}
	if short, ok := strings.CutPrefix(name, "community.general."); ok && (short == "cartesian" || short == "flattened") {
		name = short
	}
	i := sort.Search(len(All), func(i int) bool { return All[i].Name >= name })
	if i < len(All) && All[i].Name == name {
		return &All[i], true
	}
	return nil, false
}

// Has reports whether there is a lookup of that name.
func Has(name string) bool { _, ok := Find(name); return ok }

// Run runs a lookup. Errors are *value.Error: of class AnsibleLookupError and AnsibleOptionsError where Ansible shows them as
// they are, of another class where it says "An unhandled exception occurred" around them.
func Run(ctx Context, name string, terms []value.Value, options []value.Kwarg) ([]value.Value, error) {
	l, ok := Find(name)
	if !ok {
		return nil, value.Errorf("AnsibleError", "lookup plugin (%s) not found", name)
	}
	return l.Run(&Call{Context: ctx, Name: l.Name, Terms: terms, Options: options})
}

func errorf(format string, args ...any) error { return value.Errorf("AnsibleError", format, args...) }

func lookupErrorf(format string, args ...any) error {
	return value.Errorf("AnsibleLookupError", format, args...)
}

// text is a term as text.
func text(v value.Value) (string, error) {
	if s, ok := value.AsString(v); ok {
		return s, nil
	}
	return value.ToStr(v)
}

// given returns an option that the call itself gives.
func (c *Call) given(name string) (value.Value, bool) {
	for _, kw := range c.Options {
		if kw.Name == name {
			return kw.Val, true
		}
	}
	return nil, false
}

// option resolves an option: the call, inline text of a term, variables, environment, ansible.cfg, default.
func (c *Call) option(name string, inline map[string]value.Value) (value.Value, error) {
	var setting *config.Setting
	all := declared[c.Name]
	if all == nil {
		all = config.PluginOptions("lookup", c.Name)
	}
	for i := range all {
		if all[i].Name == name {
			setting = &all[i]
		}
	}
	direct := func(option string) (value.Value, bool) {
		if v, ok := inline[option]; ok {
			return v, true
		}
		return c.given(option)
	}
	if setting == nil {
		if v, ok := direct(name); ok {
			return v, nil
		}
		return value.None, nil
	}
	if v, ok := direct(name); ok && setting.Type == "dict" {
		return v, nil
	}
	v, origin, err := c.Config().Option(setting, config.Sources{
		Direct: direct,
		Vars: func(variable string) (value.Value, bool) {
			v, ok, err := c.Variable(variable)
			return v, ok && err == nil
		},
	})
	if err == nil {
		return v, nil
	}
	where := origin.String()
	if len(setting.Choices) > 0 {
		raw, _ := direct(name)
		shown, _ := value.ToStr(raw)
		return nil, value.Errorf("AnsibleOptionsError", "Invalid value \"%s\" for configuration option \"plugin_type: lookup plugin: %s setting: %s \", valid values are: %s",
			shown, c.Name, name, strings.Join(setting.Choices, ", "))
	}
	return nil, value.Errorf("AnsibleOptionsError", "Invalid type for configuration option plugin_type: lookup plugin: %s setting: %s (from %s): ", c.Name, name, where)
}

func (c *Call) boolOption(name string, inline map[string]value.Value) (bool, error) {
	v, err := c.option(name, inline)
	return err == nil && config.Truth(v), err
}

func (c *Call) textOption(name string, inline map[string]value.Value) (string, error) {
	v, err := c.option(name, inline)
	if err != nil || v == value.None {
		return "", err
	}
	return text(v)
}

// intOption returns ok false when the option is not set.
func (c *Call) intOption(name string, inline map[string]value.Value) (n int, ok bool, err error) {
	v, err := c.option(name, inline)
	if err != nil || v == value.None {
		return 0, false, err
	}
	switch v := v.(type) {
	case value.Int:
		return int(v), true, nil
	case value.Bool:
		if v {
			return 1, true, nil
		}
		return 0, true, nil
	case value.Float:
		if v == value.Float(int(v)) {
			return int(v), true, nil
		}
	}
	return 0, false, value.Errorf("AnsibleOptionsError", "Invalid type for configuration option plugin_type: lookup plugin: %s setting: %s (from Direct): ", c.Name, name)
}

// flatten makes lists inside terms part of the whole, one level deep.
func flatten(terms []value.Value) []value.Value {
	out := make([]value.Value, 0, len(terms))
	for _, t := range terms {
		if elems, ok := sequenceOf(t); ok {
			out = append(out, elems...)
		} else {
			out = append(out, t)
		}
	}
	return out
}

func sequenceOf(v value.Value) ([]value.Value, bool) {
	switch v := v.(type) {
	case *value.List:
		return v.Elems, true
	case *value.Tuple:
		return v.Elems, true
	}
	return nil, false
}

func texts(list []string) []value.Value {
	out := make([]value.Value, len(list))
	for i, s := range list {
		out[i] = value.Str(s)
	}
	return out
}

func pyClass(v value.Value) string { return fmt.Sprintf("<class '%s'>", v.TypeName()) }
