package task

import (
	"fmt"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
)

// loopItems evaluates loop or with_X. looped is false for a task without either (BEHAVIOUR §3.8).
func (x *exec) loopItems() (items []value.Value, looped bool, err error) {
	task := x.Task
	if task.Loop == nil {
		return nil, false, nil
	}
	x.t.ResetTaint()
	if task.LoopWith == "" {
		v, err := x.t.Render(task.Loop)
		if err != nil {
			return nil, true, err
		}
		l, ok := listOf(v)
		if !ok {
			s, serr := value.ToStr(v)
			if serr != nil {
				return nil, true, serr
			}
			return nil, true, fmt.Errorf("Invalid data passed to 'loop', it requires a list, got this instead: %s. Hint: If you passed a list/dict of just one element, try adding wantlist=True to your lookup invocation or use q/query instead of lookup.", s) //nolint:staticcheck // Ansible's words
		}
		x.itemData = x.t.Tainted()
		return x.withoutOmitted(l), true, nil
	}
	terms, err := x.loopTerms()
	if err != nil {
		return nil, true, err
	}
	x.t.Context = looping{x}
	results, err := x.t.RunLookup(task.LoopWith, terms, nil)
	x.t.Context = x
	if err != nil {
		return nil, true, err
	}
	if items, err = value.Collect(results); err != nil {
		return nil, true, err
	}
	for i, v := range items { // loop items are rendered once more, which makes lists of tuples
		if t, ok := v.(*value.Tuple); ok {
			items[i] = value.NewList(t.Elems...)
		}
	}
	x.itemData = true
	if !x.t.Tainted() && keepsContent(task.LoopWith) {
		x.itemData = false
	}
	return x.withoutOmitted(items), true, nil
}

// withoutOmitted are the items of a loop: since 2.19 omit does not reach the task through them.
func (x *exec) withoutOmitted(items []value.Value) []value.Value {
	if x.t.Engine.Profile != template.Core219 {
		return items
	}
	return x.t.Engine.StripOmit(value.NewList(items...)).(*value.List).Elems
}

// looping is the context of the lookup that makes the items: there, and only there, first_found looks where the task's action
// would look.
type looping struct{ *exec }

// LookupSubdir implements lookup.Subdirs. What counts is the name of the action as Ansible compares it: by its letters.
func (l looping) LookupSubdir() string {
	for _, kind := range []string{"template", "var"} {
		if strings.Contains(l.Task.Action, kind) {
			return kind + "s"
		}
	}
	return "files"
}

// keepsContent names the lookups whose results are their terms: what they give is as trustworthy as what they got.
func keepsContent(lookup string) bool {
	switch strings.TrimPrefix(lookup, "ansible.builtin.") {
	case "items", "list", "dict", "indexed_items", "nested", "cartesian", "together", "subelements", "flattened":
		return true
	}
	return false
}

// loopTerms are the rendered terms of with_X as a list.
func (x *exec) loopTerms() ([]value.Value, error) {
	loop := x.Task.Loop
	if x.Task.LoopWith == "first_found" || x.Task.LoopWith == "ansible.builtin.first_found" {
		if l, ok := loop.(*value.List); ok {
			var out []value.Value
			for _, e := range l.Elems {
				r, err := x.t.Lenient(e) // a name with something undefined in it is no file's
				if err != nil {
					return nil, err
				}
				out = append(out, r)
			}
			return out, nil
		}
	}
	v, err := x.t.Render(loop)
	if err != nil {
		return nil, err
	}
	if l, ok := listOf(v); ok {
		return l, nil
	}
	if d, ok := v.(*value.Dict); ok {
		switch name := strings.TrimPrefix(x.Task.LoopWith, "ansible.builtin."); name {
		case "list", "indexed_items", "flattened":
			return nil, fmt.Errorf("with_%s expects a list", name)
		case "dict", "sequence": // these want a mapping, or say themselves that they do not
		default: // the others walk what they get: the keys of a mapping
			return d.Keys(), nil
		}
	}
	return []value.Value{v}, nil
}

func listOf(v value.Value) ([]value.Value, bool) {
	switch v := v.(type) {
	case *value.List:
		return v.Elems, true
	case *value.Tuple:
		return v.Elems, true
	}
	return nil, false
}

// loopNames are the variables of the loop.
type loopNames struct {
	item, index string
	extended    bool
	allItems    bool
}

func (x *exec) loopNames() (loopNames, error) {
	n := loopNames{item: "item", allItems: true}
	lc := x.Task.LoopControl
	text := func(v value.Value, into *string) error {
		if v == nil {
			return nil
		}
		s, err := x.t.String(v)
		if err == nil && s != "" && s != "None" {
			*into = s
		}
		return err
	}
	if err := text(lc.LoopVar, &n.item); err != nil {
		return n, err
	}
	if err := text(lc.IndexVar, &n.index); err != nil {
		return n, err
	}
	for _, f := range []struct {
		v    value.Value
		name string
		into *bool
	}{{lc.Extended, "extended", &n.extended}, {lc.ExtendedAllItems, "extended_allitems", &n.allItems}} {
		if f.v != nil {
			b, err := x.boolean(x.t, f.v, f.name)
			if err != nil {
				return n, err
			}
			*f.into = b
		}
	}
	return n, nil
}

// loop runs the task for every item and joins the results.
func (x *exec) loop(items []value.Value) *Result {
	r := &Result{Loop: true, Delegate: event.Host{Name: x.Host}}
	if len(items) == 0 {
		r.Dict = value.DictOf("changed", value.False, "skipped", value.True, "skipped_reason", value.Str("No items in the list"), "results", value.NewList())
		r.Status = event.Skipped
		if x.Task.Register != "" {
			r.Register = r.Dict
		}
		return r
	}
	names, err := x.loopNames()
	if err != nil {
		return x.result(x.failure(err))
	}
	if _, _, taken := x.Vars.Lookup(names.item); taken {
		x.warn(fmt.Sprintf("%s: The loop variable '%s' is already in use. You should set the `loop_var` value in the `loop_control` option for the task to something else to avoid variable collisions and unexpected behavior.", x.taskTitle(), names.item))
	}
	results := value.NewList()
	sum := loopSum{allSkipped: true}
	carry := carried{base: x.t, content: value.NewDict(), data: value.NewDict()}
	for i, item := range items {
		if x.ctx.Err() != nil {
			break
		}
		if i > 0 && x.Task.LoopControl.Pause != nil {
			secs, err := x.number(x.t, "pause", x.Task.LoopControl.Pause, 0)
			if err != nil {
				return x.result(x.failure(err))
			}
			x.pause(time.Duration(secs * float64(time.Second)))
		}
		vars := x.itemVars(names, items, i, item)
		x.item = vars
		t := x.itemTemplar(vars)
		a := x.once(t)
		if a.fatal != nil || a.raised {
			return x.result(a)
		}
		x.note(a, vars, names)
		label := x.label(t, a, item)
		st := status(a)
		sum.add(a, st)
		x.emitItem(a, st, label)
		carry.take(x, a)
		results.Elems = append(results.Elems, cleanItem(a.dict))
		r.NoLog = r.NoLog || a.noLog
		r.Delegate = a.delegate
		if a.diagnosis != nil {
			r.Diagnosis = a.diagnosis
		}
		if a.outcome != nil {
			r.Effects = append(r.Effects, Effect{Outcome: a.outcome, ItemVars: vars, Label: label, Item: true, Failed: st == event.Failed, Delegate: a.factsHost})
		}
		if len(x.Task.LoopControl.BreakWhen) > 0 {
			stop, _, err := x.conditions(x.Task.LoopControl.BreakWhen, x.withItemResult(t, a.dict))
			if err != nil {
				return x.result(x.failure(err))
			}
			if stop {
				break
			}
		}
		if st == event.Unreachable && !a.ignoreUnr {
			break
		}
	}
	x.item = nil
	return x.joined(r, results, sum)
}

func (x *exec) itemTemplar(vars *value.Dict) *template.Templar {
	if x.itemData {
		return x.t.WithData(vars)
	}
	_, written := x.Task.Loop.(*value.List)
	switch {
	case x.Task.LoopWith != "":
		return x.t.WithItem(vars, template.UnsafeText)
	case !written && !x.t.Engine.Native: // the list was made from text
		return x.t.WithItem(vars, template.PlainText)
	}
	return x.t.With(vars)
}

func (x *exec) withItemResult(t *template.Templar, d *value.Dict) *template.Templar {
	return x.withResult(t, d)
}

func (x *exec) taskTitle() string {
	return "TASK: " + x.Info.Name
}

// carried is what one item leaves to the next ones: the registered result, and the variables and facts that it set.
type carried struct {
	base          *template.Templar
	content, data *value.Dict
}

// take lets the following items see what an item brought.
func (c *carried) take(x *exec, a *attempt) {
	if x.Task.Register != "" {
		c.set(x.Task.Register, registered(a.dict, false), true)
	}
	if o := a.outcome; o != nil && o.Facts != nil && !truth(a.dict, "failed") {
		for k, v := range o.Facts.All() {
			name, _ := value.AsString(k)
			if o.Untainted {
				v = x.t.Engine.Rendered(v, x.Task.Pos)
			}
			if o.FactsKind != action.HostFacts || x.Config.Bool("INJECT_FACTS_AS_VARS") {
				c.set(name, v, !o.Untainted)
			}
		}
		if o.FactsKind == action.HostFacts {
			c.set("ansible_facts", c.facts(o.Facts), true)
		}
	}
	if c.content.Len()+c.data.Len() > 0 {
		x.t = c.base.WithData(c.data).With(c.content)
	}
}

func (c *carried) set(name string, v value.Value, data bool) {
	if data {
		c.content.DeleteStr(name)
		c.data.SetStr(name, v)
		return
	}
	c.content.SetStr(name, v)
}

// facts are ansible_facts with those that an item gathered.
func (c *carried) facts(gathered *value.Dict) *value.Dict {
	all := value.NewDict()
	old, has := c.data.GetStr("ansible_facts")
	if !has {
		old, _, _ = c.base.Vars.Lookup("ansible_facts")
	}
	if d, ok := old.(*value.Dict); ok {
		all = d.Copy()
	}
	for k, v := range gathered.All() {
		name, _ := value.AsString(k)
		if name != "ansible_local" {
			name = strings.TrimPrefix(name, "ansible_")
		}
		all.SetStr(name, v)
	}
	return all
}

// loopSum collects the verdict over all items.
type loopSum struct {
	changed, failed, ignored, unreachable, allSkipped bool
	anyNotIgnored                                     bool
}

func (s *loopSum) add(a *attempt, st event.Status) {
	s.changed = s.changed || truth(a.dict, "changed")
	s.allSkipped = s.allSkipped && st == event.Skipped
	switch st {
	case event.Failed:
		s.failed = true
		s.anyNotIgnored = s.anyNotIgnored || !a.ignore
	case event.Unreachable:
		s.unreachable = true
		s.anyNotIgnored = s.anyNotIgnored || !a.ignoreUnr
	default:
	}
}

// itemVars are the variables that the item brings.
func (x *exec) itemVars(n loopNames, items []value.Value, i int, item value.Value) *value.Dict {
	if !x.itemData {
		item = x.t.Engine.Rendered(item, x.Task.LoopPos)
	}
	vars := value.DictOf(n.item, item, "ansible_loop_var", value.Str(n.item))
	if n.index != "" {
		vars.SetStr(n.index, value.Int(i))
		vars.SetStr("ansible_index_var", value.Str(n.index))
	}
	if n.extended {
		l := value.DictOf("index", value.Int(i+1), "index0", value.Int(i), "first", value.Bool(i == 0), "last", value.Bool(i+1 == len(items)),
			"length", value.Int(len(items)), "revindex", value.Int(len(items)-i), "revindex0", value.Int(len(items)-i-1))
		if n.allItems {
			l.SetStr("allitems", value.NewList(items...))
		}
		if i > 0 {
			l.SetStr("previtem", items[i-1])
		}
		if i+1 < len(items) {
			l.SetStr("nextitem", items[i+1])
		}
		vars.SetStr("ansible_loop", l)
	}
	return vars
}

// note puts the loop variables into an item's result.
func (x *exec) note(a *attempt, vars *value.Dict, n loopNames) {
	for k, v := range vars.All() {
		if name, _ := value.AsString(k); name == n.item {
			if t, ok := v.(*value.Template); ok {
				v = value.Str(t.Text)
			}
		}
		_ = a.dict.Set(k, v) // the key was hashable before
	}
}

// label is how the item is shown.
func (x *exec) label(t *template.Templar, a *attempt, item value.Value) string {
	if a.noLog {
		return "None"
	}
	shown := item
	if l := x.Task.LoopControl.Label; l != nil {
		r, err := t.Render(l)
		if err != nil {
			a.dict.SetStr("failed", value.True)
			a.dict.SetStr("msg", value.Str("Failed to template loop_control.label: "+err.Error()))
			return "None"
		}
		shown = r
	}
	s, err := value.ToStr(asLists(shown))
	if err != nil {
		return ""
	}
	return s
}

// asLists shows tuples, those of the filters zip and product for instance, as the lists that a template makes of them.
func asLists(v value.Value) value.Value {
	return value.MapLeaves(v, func(e value.Value) value.Value {
		if t, ok := e.(*value.Tuple); ok {
			return asLists(value.NewList(t.Elems...))
		}
		return e
	})
}

func (x *exec) emitItem(a *attempt, st event.Status, label string) {
	x.Emit(&event.ItemResult{
		Task: x.Info, Host: a.delegate, Status: st, Label: label, Verbose: a.verbose && !a.noLog,
		Ignored: st == event.Failed && a.ignore || st == event.Unreachable && a.ignoreUnr,
		Result:  Shown(a.dict, a.noLog),
	})
}

// verbose is how a result wants to be shown: actions say so, a result may object.
func verbose(byAction bool, d *value.Dict) bool {
	if v, ok := d.GetStr("_ansible_verbose_always"); ok {
		b, err := value.Truth(v)
		return err == nil && b
	}
	return byAction
}

// cleanItem is an item's result inside the results of the loop.
func cleanItem(d *value.Dict) *value.Dict {
	out := value.NewDict()
	for k, v := range d.All() {
		if name, _ := value.AsString(k); strings.HasPrefix(name, "_ansible_") {
			continue
		}
		_ = out.Set(k, v) // the key was hashable before
	}
	if _, ok := out.GetStr("failed"); !ok && !truth(out, "skipped") {
		out.SetStr("failed", value.False)
	}
	if _, ok := out.GetStr("changed"); !ok {
		out.SetStr("changed", value.False)
	}
	return out
}

// joined is the result of the whole loop.
func (x *exec) joined(r *Result, results *value.List, sum loopSum) *Result {
	d := value.DictOf("results", results, "changed", value.Bool(sum.changed))
	switch {
	case sum.allSkipped:
		d.SetStr("msg", value.Str("All items skipped"))
		d.SetStr("skipped", value.True)
		r.Status = event.Skipped
	case sum.failed:
		d.SetStr("msg", value.Str("One or more items failed"))
		d.SetStr("failed", value.True)
		d.SetStr("skipped", value.False)
		r.Status = event.Failed
	case sum.unreachable:
		d.SetStr("msg", value.Str("All items completed"))
		d.SetStr("unreachable", value.True)
		d.SetStr("skipped", value.False)
		r.Status = event.Unreachable
	default:
		d.SetStr("msg", value.Str("All items completed"))
		d.SetStr("skipped", value.False)
		r.Status = event.OK
		if sum.changed {
			r.Status = event.Changed
		}
	}
	r.Ignored = (sum.failed || sum.unreachable) && !sum.anyNotIgnored
	r.Dict = d
	if x.Task.Register != "" {
		r.Register = d
	}
	return r
}

// Shown is what callbacks may see of a result.
func Shown(d *value.Dict, noLog bool) *value.Dict {
	if !noLog || d == nil {
		return d
	}
	out := value.DictOf("censored", value.Str("the output has been hidden due to the fact that 'no_log: true' was specified for this result"))
	for _, k := range []string{"attempts", "changed", "retries", "failed", "unreachable", "skipped", "_ansible_delegated_vars"} {
		if v, ok := d.GetStr(k); ok {
			out.SetStr(k, v)
		}
	}
	return out
}
