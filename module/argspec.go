package module

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// fileOptions are what FileArgs adds to a Spec.
var fileOptions = []Option{
	{Name: "mode", Type: TypeRaw},
	{Name: "owner"},
	{Name: "group"},
	{Name: "seuser"},
	{Name: "serole"},
	{Name: "selevel"},
	{Name: "setype"},
	{Name: "attributes", Aliases: []string{"attr"}},
	{Name: "unsafe_writes", Type: TypeBool},
}

// AllOptions are the options of the Spec with those that FileArgs adds.
func (s *Spec) AllOptions() []Option {
	if !s.FileArgs {
		return s.Options
	}
	all := slices.Clone(s.Options)
	for _, o := range fileOptions {
		if !slices.ContainsFunc(all, func(x Option) bool { return x.Name == o.Name }) {
			all = append(all, o)
		}
	}
	return all
}

// Checked is the outcome of Check.
type Checked struct {
	// Given holds the parameters under every name the user wrote plus the canonical names, converted: what
	// invocation.module_args shows.
	Given map[string]any
	// Args holds the canonical names only.
	Args         Args
	Err          string // the first mistake, in Ansible's words; "" when all is well
	Unknown      bool   // Err is about options that the spec has not
	NoLog        []string
	Warnings     []string
	Deprecations []map[string]any
}

// Check converts raw by the spec and reports the first mistake. name is the module's name as the task wrote it. The order
// of the steps, and so which of several mistakes is named, is that of ansible-core 2.18.
func (s *Spec) Check(name string, raw map[string]any) Checked { return s.check(name, raw, nil) }

// check is Check with what the task adds to the environment.
func (s *Spec) check(name string, raw map[string]any, env []string) Checked {
	options := s.AllOptions()
	c := &checker{env: env}
	given := make(map[string]any, len(raw)+len(options))
	for k, v := range raw {
		given[k] = normalise(v)
	}
	c.level(options, &s.Rules, given, nil)
	out := Checked{Given: given, NoLog: c.noLog, Warnings: c.warnings, Deprecations: c.deprecations}
	if len(c.errs) > 0 {
		out.Err = c.errs[0]
	} else if len(c.unsupported) > 0 && !s.AnyArgs {
		out.Unknown = true
		out.Err = fmt.Sprintf("Unsupported parameters for (%s) module: %s. Supported parameters include: %s.",
			name, strings.Join(c.unsupported, ", "), c.supported)
	}
	out.Args = make(Args, len(options))
	if s.AnyArgs {
		maps.Copy(out.Args, given)
	}
	for i := range options {
		out.Args[options[i].Name] = given[options[i].Name]
	}
	return out
}

// checker collects what one Check finds.
type checker struct {
	env          []string
	errs         []string
	unsupported  []string
	supported    string
	noLog        []string
	warnings     []string
	deprecations []map[string]any
}

func (c *checker) fail(path []string, msg string) {
	if len(path) > 0 {
		msg += " found in " + strings.Join(path, " -> ")
	}
	c.errs = append(c.errs, msg)
}

// level checks one dict of parameters in place. path names the options it lies in.
func (c *checker) level(options []Option, rules *Rules, params map[string]any, path []string) {
	known := make(map[string]bool, len(options)*2)
	for i := range options {
		o := &options[i]
		known[o.Name] = true
		for _, a := range o.Aliases {
			known[a] = true
			v, ok := params[a]
			if !ok {
				continue
			}
			if _, both := params[o.Name]; both {
				c.warnings = append(c.warnings, fmt.Sprintf("Both option %s and its alias %s are set.", o.Name, a))
			}
			params[o.Name] = v
			for _, d := range o.DeprecatedAliases {
				if d.Name == a {
					c.deprecations = append(c.deprecations, map[string]any{
						"msg":     fmt.Sprintf("Alias '%s' is deprecated. See the module docs for more information", a),
						"version": d.Version, "collection_name": d.Collection,
					})
				}
			}
		}
		if o.NoLog {
			c.noLog = appendSecrets(c.noLog, params[o.Name])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(params)) {
		if !known[k] {
			c.unsupported = append(c.unsupported, strings.Join(append(slices.Clone(path), k), "."))
			c.supported = supportedNames(options)
		}
	}

	c.exclusive(rules.MutuallyExclusive, params, path)
	for i := range options {
		o := &options[i]
		if _, ok := params[o.Name]; !ok && o.Default != nil {
			params[o.Name] = cloneValue(o.Default)
		}
	}
	before := len(c.errs)
	var missing []string
	for i := range options {
		if _, ok := params[options[i].Name]; options[i].Required && !ok {
			missing = append(missing, options[i].Name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		c.fail(path, "missing required arguments: "+strings.Join(missing, ", "))
	}
	for i := range options {
		c.convert(&options[i], params, path)
	}
	for i := range options {
		c.choice(&options[i], params, path)
	}
	c.rules(rules, params, path)
	for i := range options {
		o := &options[i]
		if _, ok := params[o.Name]; !ok {
			params[o.Name] = c.fallback(o)
		}
	}
	if len(c.errs) > before {
		return // parts of a broken whole would be reported twice
	}
	for i := range options {
		c.parts(&options[i], params, path)
	}
}

// fallback is nil, but for the one option whose default comes from the environment.
func (c *checker) fallback(o *Option) any {
	if o.Name != "unsafe_writes" {
		return nil
	}
	text := os.Getenv("ANSIBLE_UNSAFE_WRITES")
	for _, kv := range c.env {
		if v, ok := strings.CutPrefix(kv, "ANSIBLE_UNSAFE_WRITES="); ok {
			text = v
		}
	}
	v, err := toBool(text)
	return err == nil && v == true
}

// parts checks the options inside a dict, or inside the dicts of a list.
func (c *checker) parts(o *Option, params map[string]any, path []string) {
	if o.Options == nil || (o.Type != TypeDict && (o.Type != TypeList || o.Elements != TypeDict)) {
		return
	}
	v := params[o.Name]
	if v == nil {
		if !o.ApplyDefaults {
			return
		}
		v = map[string]any{}
		params[o.Name] = v
	}
	items, isList := v.([]any)
	if !isList {
		items = []any{v}
	}
	in := append(slices.Clone(path), o.Name)
	for i, item := range items {
		d, ok := item.(map[string]any)
		if !ok {
			made, err := toDict(item)
			if err != nil {
				c.errs = append(c.errs, err.Error())
				return
			}
			d = made.(map[string]any)
			items[i] = d
			if !isList {
				params[o.Name] = d
			}
		}
		c.level(o.Options, &o.Rules, d, in)
	}
}

func (c *checker) convert(o *Option, params map[string]any, path []string) {
	v, ok := params[o.Name]
	if !ok || (v == nil && !o.Required && o.Default == nil) {
		return
	}
	where := ""
	if len(path) > 0 {
		where = fmt.Sprintf(" found in '%s'.", strings.Join(path, " -> "))
	}
	want := o.Type
	if want == "" {
		want = TypeStr
	}
	conv, err := convert(want, v)
	if err != nil {
		c.errs = append(c.errs, fmt.Sprintf("argument '%s' is of type %s%s and we were unable to convert to %s: %s",
			o.Name, pyType(v), where, want, err))
		return
	}
	if list, isList := conv.([]any); isList && o.Elements != "" {
		if o.Elements == TypeDict && o.Options != nil {
			params[o.Name] = list
			return
		}
		out := make([]any, len(list))
		for i, e := range list {
			if out[i], err = convert(o.Elements, e); err != nil {
				c.errs = append(c.errs, fmt.Sprintf("Elements value for option '%s' is of type %s%s and we were unable to convert to %s: %s",
					o.Name, pyType(e), where, o.Elements, err))
				return
			}
		}
		conv = out
	}
	params[o.Name] = conv
}

func (c *checker) choice(o *Option, params map[string]any, path []string) {
	v, ok := params[o.Name]
	if len(o.Choices) == 0 || !ok || (v == nil && !o.Required) {
		return
	}
	words := make([]string, len(o.Choices))
	for i, x := range o.Choices {
		words[i] = pyStr(x)
	}
	if list, isList := v.([]any); isList {
		var bad []string
		for _, e := range list {
			if !containsValue(o.Choices, e) {
				bad = append(bad, pyStr(e))
			}
		}
		if len(bad) > 0 {
			c.fail(path, fmt.Sprintf("value of %s must be one or more of: %s. Got no match for: %s",
				o.Name, strings.Join(words, ", "), strings.Join(bad, ", ")))
		}
		return
	}
	if containsValue(o.Choices, v) {
		return
	}
	// YAML turned a choice such as "yes" or "off" into a boolean: when only one choice can be meant, it is that.
	if s, isStr := v.(string); isStr && (s == "True" || s == "False") {
		var same []any
		for _, x := range o.Choices {
			if b, err := toBool(x); err == nil && b == (s == "True") {
				same = append(same, x)
			}
		}
		if len(same) == 1 {
			params[o.Name] = same[0]
			return
		}
	}
	c.fail(path, fmt.Sprintf("value of %s must be one of: %s, got: %s", o.Name, strings.Join(words, ", "), pyStr(v)))
}

func (c *checker) exclusive(groups [][]string, params map[string]any, path []string) {
	var bad []string
	for _, g := range groups {
		if countGiven(g, params) > 1 {
			bad = append(bad, strings.Join(g, "|"))
		}
	}
	if len(bad) > 0 {
		c.fail(path, "parameters are mutually exclusive: "+strings.Join(bad, ", "))
	}
}

func (c *checker) rules(r *Rules, params map[string]any, path []string) {
	for _, g := range r.RequiredTogether {
		if n := countGiven(g, params); n > 0 && n < len(g) {
			c.fail(path, "parameters are required together: "+strings.Join(g, ", "))
			break
		}
	}
	for _, g := range r.RequiredOneOf {
		if countGiven(g, params) == 0 {
			c.fail(path, "one of the following is required: "+strings.Join(g, ", "))
			break
		}
	}
	for _, q := range r.RequiredIf {
		v, ok := params[q.Key]
		if !ok || !equalValue(v, q.Value) {
			continue
		}
		var missing []string
		for _, n := range q.Needs {
			if _, ok := params[n]; !ok {
				missing = append(missing, n)
			}
		}
		how := "all"
		if q.OneOf {
			how = "any"
			if len(missing) < len(q.Needs) {
				continue
			}
		}
		if len(missing) > 0 {
			c.fail(path, fmt.Sprintf("%s is %s but %s of the following are missing: %s", q.Key, pyStr(q.Value), how, strings.Join(missing, ", ")))
			break
		}
	}
	for _, k := range slices.Sorted(maps.Keys(r.RequiredBy)) {
		if params[k] == nil {
			continue
		}
		var missing []string
		for _, n := range r.RequiredBy[k] {
			if params[n] == nil {
				missing = append(missing, n)
			}
		}
		if len(missing) > 0 {
			c.fail(path, fmt.Sprintf("missing parameter(s) required by '%s': %s", k, strings.Join(missing, ", ")))
			break
		}
	}
}

func countGiven(names []string, params map[string]any) int {
	n := 0
	for _, k := range names {
		if _, ok := params[k]; ok {
			n++
		}
	}
	return n
}

// supportedNames lists the options, then all their aliases in brackets.
func supportedNames(options []Option) string {
	var names, aliases []string
	for _, o := range options {
		names = append(names, o.Name)
		aliases = append(aliases, o.Aliases...)
	}
	slices.Sort(names)
	slices.Sort(aliases)
	out := strings.Join(names, ", ")
	if len(aliases) > 0 {
		out += " (" + strings.Join(aliases, ", ") + ")"
	}
	return out
}

func containsValue(list []any, v any) bool {
	return slices.ContainsFunc(list, func(x any) bool { return equalValue(x, v) })
}

// equalValue compares scalars as Python does: numbers by value, True equals 1.
func equalValue(a, b any) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	as, ok := a.(string)
	bs, ok2 := b.(string)
	if ok || ok2 {
		return ok && ok2 && as == bs
	}
	return a == nil && b == nil
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// normalise brings what encoding/json or a Go caller hands in to the types of Args.
func normalise(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, _ := v.Float64()
		return f
	case int:
		return int64(v)
	case []string:
		out := make([]any, len(v))
		for i, s := range v {
			out[i] = s
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = normalise(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = normalise(x)
		}
		return out
	}
	return v
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case []any, map[string]any, int, []string:
		return normalise(v)
	}
	return v
}
