package action

import (
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
)

var setFactAction = &Action{Name: "ansible.builtin.set_fact", Local: true, Run: runSetFact}

func runSetFact(c *Context) (*Outcome, error) {
	cacheable, err := c.Flag("cacheable", false)
	if err != nil {
		return nil, err
	}
	facts, kinds := value.NewDict(), map[string]template.TextKind{}
	for k, v := range c.Args.All() {
		name, err := value.ToStr(k)
		if err != nil {
			return nil, err
		}
		if template.IsTemplate(name) { // names may be templates too
			r, err := c.Templar.RenderText(name, c.Task.Pos)
			if err != nil {
				return nil, err
			}
			name = plain(r)
		}
		if name == "cacheable" {
			continue
		}
		if !IsIdentifier(name) {
			return nil, raisef("The variable name '%s' is not valid. Variables must start with a letter or underscore character, and contain only letters, numbers and underscores.", name)
		}
		facts.SetStr(name, factValue(v, c.Templar.Engine.Native))
		if raw, ok := c.Task.Args.GetStr(name); ok {
			if _, isText := value.AsString(v); isText {
				kinds[name] = c.Templar.KindOf(raw)
			}
			if _, sealed := raw.(*value.Encrypted); sealed {
				facts.SetStr(name, raw) // stays encrypted until it is read
			}
		}
	}
	if facts.Len() == 0 {
		return nil, raisef("No key/value pairs provided, at least one is required for this action to succeed")
	}
	return &Outcome{
		Result: value.DictOf("changed", value.False, "ansible_facts", facts),
		Facts:  facts, FactsKind: SetFact, Cacheable: cacheable, Untainted: !c.Templar.Tainted(), Kinds: kinds,
	}, nil
}

// factValue turns the four words into booleans, as set_fact does without native types (BEHAVIOUR §1.7e).
func factValue(v value.Value, native bool) value.Value {
	s, ok := v.(value.Str)
	if !ok || native {
		return v
	}
	switch strings.ToLower(string(s)) {
	case "true", "yes":
		return value.True
	case "false", "no":
		return value.False
	}
	return v
}

// IsIdentifier reports whether a variable may have the name.
func IsIdentifier(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	switch s {
	case "", "True", "False", "None", "and", "as", "assert", "break", "class", "continue", "def", "del", "elif", "else", "except",
		"finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise",
		"return", "try", "while", "with", "yield", "async", "await":
		return false
	}
	return true
}

var setStatsAction = &Action{Name: "ansible.builtin.set_stats", Local: true, Valid: []string{"aggregate", "data", "per_host"}, Run: runSetStats}

func runSetStats(c *Context) (*Outcome, error) {
	flag := func(name string, def bool) bool { // any other word is no
		v, given := c.Args.GetStr(name)
		if !given || v == value.None {
			return def
		}
		on, err := ToBool(v, name)
		return err == nil && on
	}
	perHost, aggregate := flag("per_host", false), flag("aggregate", true)
	data, given := c.Args.GetStr("data")
	if !given {
		data = value.NewDict()
	}
	d, isDict := data.(*value.Dict)
	if !isDict {
		return nil, failf("The 'data' option needs to be a dictionary/hash")
	}
	for k := range d.All() {
		if s, _ := value.AsString(k); !IsIdentifier(s) && !strings.Contains(s, "{{") {
			return nil, raisef("The variable name '%s' is not valid. Variables must start with a letter or underscore character, and contain only letters, numbers and underscores.", s)
		}
	}
	stats := value.DictOf("data", d, "per_host", value.Bool(perHost), "aggregate", value.Bool(aggregate))
	return &Outcome{
		Result: value.DictOf("changed", value.False, "ansible_stats", stats),
		Stats:  &Stats{Data: d, PerHost: perHost, Aggregate: aggregate},
	}, nil
}

var failAction = &Action{Name: "ansible.builtin.fail", Local: true, Valid: []string{"msg"}, Run: func(c *Context) (*Outcome, error) {
	return &Outcome{Result: value.DictOf("failed", value.True, "msg", value.Str(c.Text("msg", "Failed as requested from task")), "changed", value.False)}, nil
}}

var assertAction = &Action{Name: "ansible.builtin.assert", Verbose: true, Local: true, Valid: []string{"fail_msg", "msg", "quiet", "success_msg", "that"}, Raw: []string{"that"}, Run: runAssert}

func runAssert(c *Context) (*Outcome, error) {
	that, given := c.Args.GetStr("that")
	if !given {
		return nil, errors.New("conditional required in \"that\" string")
	}
	render := func(name string) (value.Value, error) {
		v, ok := c.Args.GetStr(name)
		if !ok {
			return nil, nil
		}
		return c.Templar.Render(v)
	}
	failMsg, err := render("fail_msg")
	if err == nil && failMsg == nil {
		failMsg, err = render("msg")
	}
	if err != nil {
		return nil, err
	}
	if failMsg == nil {
		failMsg = value.Str("Assertion failed")
	} else if !textOrTexts(failMsg) {
		return nil, fmt.Errorf("Incorrect type for fail_msg or msg, expected a string or list and got %s", pyType(failMsg))
	}
	successMsg, err := render("success_msg")
	if err != nil {
		return nil, err
	}
	if successMsg == nil {
		successMsg = value.Str("All assertions passed")
	} else if !textOrTexts(successMsg) {
		return nil, fmt.Errorf("Incorrect type for success_msg, expected a string or list and got %s", pyType(successMsg))
	}
	quiet := false
	if q, err := render("quiet"); err != nil {
		return nil, err
	} else if q != nil {
		if quiet, err = ToBool(q, "quiet"); err != nil {
			return nil, err
		}
	}
	conditions := []value.Value{that}
	if l, ok := that.(*value.List); ok {
		conditions = l.Elems
	} else if t, ok := that.(*value.Template); ok {
		// A text is rendered like any argument before it is a condition; a list of conditions is not.
		c.Templar.ResetTaint()
		r, err := c.Templar.Render(t)
		if err != nil {
			return nil, err
		}
		if l, ok := r.(*value.List); ok {
			conditions = l.Elems
		} else {
			conditions[0] = r
		}
		if _, isText := value.AsString(r); isText && c.Templar.Tainted() {
			return nil, fmt.Errorf("The conditional check '%s' failed. The error was: Conditional is marked as unsafe, and cannot be evaluated.", plain(r))
		}
	}
	for _, cond := range conditions {
		holds, err := c.Templar.Condition(cond)
		if err != nil {
			return nil, err
		}
		if !holds {
			r := value.DictOf("failed", value.True, "evaluated_to", value.False, "assertion", asText(cond), "msg", failMsg)
			if quiet {
				r.SetStr("_ansible_verbose_always", value.False)
			}
			r.SetStr("changed", value.False)
			return &Outcome{Result: r}, nil
		}
	}
	r := value.DictOf("changed", value.False, "msg", successMsg)
	if quiet {
		r.SetStr("_ansible_verbose_always", value.False)
	}
	return &Outcome{Result: r}, nil
}

func textOrTexts(v value.Value) bool {
	if _, ok := value.AsString(v); ok {
		return true
	}
	l, ok := v.(*value.List)
	if !ok {
		return false
	}
	for _, e := range l.Elems {
		if _, ok := value.AsString(e); !ok {
			return false
		}
	}
	return true
}

// plain is Python's str() of a value, for messages.
func plain(v value.Value) string {
	s, err := value.ToStr(v)
	if err != nil {
		return v.TypeName()
	}
	return s
}

func asText(v value.Value) value.Value {
	if t, ok := v.(*value.Template); ok {
		return value.Str(t.Text)
	}
	return v
}

var addHostAction = &Action{Name: "ansible.builtin.add_host", Local: true, Once: true, Inventory: true, Run: runAddHost}

func runAddHost(c *Context) (*Outcome, error) {
	name := ""
	for _, key := range []string{"name", "hostname", "host"} {
		if c.Has(key) {
			name = c.Text(key, "")
			break
		}
	}
	if name == "" {
		return nil, raisef("name, host or hostname needs to be provided")
	}
	vars := value.NewDict()
	if host, port, ok := splitPort(name); ok {
		name = host
		vars.SetStr("ansible_ssh_port", value.Int(port))
	}
	groupArg := value.Value(value.None)
	for _, key := range []string{"groupname", "groups", "group"} {
		if v, ok := c.Args.GetStr(key); ok && v != value.None {
			groupArg = v
			break
		}
	}
	var groups []string
	for _, g := range texts(groupArg) {
		if g = strings.TrimSpace(g); g != "" {
			groups = append(groups, g)
		}
	}
	for k, v := range c.Args.All() {
		switch s, _ := value.AsString(k); s {
		case "name", "hostname", "host", "groupname", "groups", "group":
		default:
			vars.SetStr(s, v)
		}
	}
	list := value.NewList()
	for _, g := range groups {
		list.Elems = append(list.Elems, value.Str(g))
	}
	changed := c.Services.AddHost(&NewHost{Name: name, Groups: groups, Vars: vars})
	return outcome("changed", value.Bool(changed), "add_host", value.DictOf("host_name", value.Str(name), "groups", list, "host_vars", vars)), nil
}

func splitPort(name string) (host string, port int, ok bool) {
	i := strings.LastIndexByte(name, ':')
	if i < 0 || strings.Count(name, ":") > 1 && !strings.HasPrefix(name, "[") {
		return name, 0, false
	}
	if _, err := fmt.Sscanf(name[i+1:], "%d", &port); err != nil {
		return name, 0, false
	}
	return strings.Trim(name[:i], "[]"), port, true
}

var groupByAction = &Action{Name: "ansible.builtin.group_by", Valid: []string{"key", "parents"}, Local: true, Inventory: true, Run: func(c *Context) (*Outcome, error) {
	if !c.Has("key") {
		return nil, failf("the 'key' param is required when using group_by")
	}
	name := strings.ReplaceAll(c.Text("key", ""), " ", "-")
	parents := []string{"all"}
	if v, ok := c.Args.GetStr("parents"); ok {
		parents = nil
		for _, p := range texts(v) {
			parents = append(parents, strings.ReplaceAll(p, " ", "-"))
		}
	}
	list := value.NewList()
	for _, p := range parents {
		list.Elems = append(list.Elems, value.Str(p))
	}
	changed := c.Services.GroupBy(c.Host, &NewGroup{Name: name, Parents: parents})
	return outcome("changed", value.Bool(changed), "add_group", value.Str(name), "parent_groups", list), nil
}}
