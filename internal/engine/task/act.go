package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
)

// act renders the arguments and runs the action or module once.
func (x *exec) act(t *template.Templar, a *attempt) (*value.Dict, *action.Outcome, error) {
	t.ResetTaint()
	act := action.Find(x.Task.Action)
	args, raw, hasRaw, err := x.arguments(t, act)
	if err != nil {
		return nil, nil, argsError(err, x.Task.Args, x.Task.Pos)
	}
	ctx := x.ctx
	limit, err := x.number(t, "timeout", x.inherited(t, "timeout"), float64(x.CLI.TaskTimeout))
	if err != nil {
		return nil, nil, fieldError("timeout", err)
	}
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(limit*float64(time.Second)))
		defer cancel()
	}
	if _, err := x.number(t, "async_val", x.Task.Get("async"), 0); err != nil {
		return nil, nil, err
	}
	c := &action.Context{
		Context: ctx, Task: x.Task, Name: x.Task.Action, Written: x.Task.ActionAsWritten, Host: x.Host, Args: args, RawText: raw, HasRaw: hasRaw,
		Templar: t, Config: x.Config, NoLog: a.noLog, Verbosity: x.Verbosity, SearchPath: x.SearchPath, Basedir: x.Basedir,
		Services: x.Services, Warn: x.warn, Log: x.log, Say: func(text string) { x.Emit(&event.Message{Host: x.Host, Text: text}) },
	}
	if c.Check, err = x.mode(t, "check_mode", x.CLI.Check); err != nil {
		return nil, nil, err
	}
	if c.Diff, err = x.mode(t, "diff", x.CLI.Diff); err != nil {
		return nil, nil, err
	}
	rem := &remote{x: x, t: t, check: c.Check, diff: c.Diff}
	c.Remote = rem
	if act == nil || !act.Local {
		if err := rem.prepare(a); err != nil {
			return nil, nil, err
		}
	}
	outcome, err := x.dispatch(c, act, rem)
	if err != nil {
		if limit > 0 && errors.Is(ctx.Err(), context.DeadlineExceeded) && x.ctx.Err() == nil {
			return nil, nil, &action.Failure{
				Msg:  fmt.Sprintf("The %s action failed to execute in the expected time frame (%d) and was terminated", x.Task.ActionAsWritten, int(limit)),
				Keys: value.DictOf("timedout", value.DictOf("frame", value.Str(""), "period", value.Int(int64(limit)))),
			}
		}
		return nil, nil, err
	}
	return outcome.Result, outcome, nil
}

func (x *exec) dispatch(c *action.Context, act *action.Action, rem *remote) (*action.Outcome, error) {
	if p := action.PythonAction(x.Plugins, x.Task); p != nil {
		return action.Python(x.Plugins, p, c)
	}
	if rem.async() > 0 {
		if act != nil {
			if err := act.CheckAsync(c); err != nil {
				return nil, err
			}
		}
		return rem.runAsync(c)
	}
	if act != nil {
		if act.Spec != nil {
			if err := checkSpec(act, c); err != nil {
				return nil, err
			}
		}
		if err := act.CheckArgs(c); err != nil {
			return nil, err
		}
		return act.Run(c)
	}
	args := c.Args
	if c.HasRaw {
		args = args.Copy()
		args.SetStr("_raw_params", value.Str(c.RawText))
	}
	r, err := rem.Module(c, action.ModuleCall{Name: c.Name, Args: args, Become: true})
	if err != nil {
		return nil, err
	}
	return action.FromModule(r), nil
}

// mode renders check_mode or diff; def is the command line's.
func (x *exec) mode(t *template.Templar, keyword string, def bool) (bool, error) {
	v := x.inherited(t, keyword)
	if v == nil || v == value.None {
		return def, nil
	}
	return x.boolean(t, v, keyword)
}

// arguments are the task's arguments over its module_defaults, rendered, without what is omitted.
func (x *exec) arguments(t *template.Templar, act *action.Action) (args *value.Dict, raw string, hasRaw bool, err error) {
	merged := value.NewDict()
	for _, d := range x.defaults(x.Task.Action) {
		r, err := t.Render(d)
		if err != nil {
			return nil, "", false, err
		}
		if m, ok := r.(*value.Dict); ok {
			for k, v := range m.All() {
				_ = merged.Set(k, v) // the key was hashable before
			}
		}
	}
	for k, v := range x.Task.Args.All() {
		name, _ := value.AsString(k)
		if act != nil && slices.Contains(act.Raw, name) {
			merged.SetStr(name, v)
			continue
		}
		r, err := t.Render(v)
		if err != nil {
			return nil, "", false, err
		}
		if name == "_variable_params" {
			d, ok := r.(*value.Dict)
			if !ok {
				return nil, "", false, fmt.Errorf("invalid or malformed argument: '%s'", plain(r))
			}
			if x.Config.Bool("INJECT_FACTS_AS_VARS") {
				x.warn("Using a variable for a task's 'args' is unsafe in some situations (see https://docs.ansible.com/ansible/devel/reference_appendices/faq.html#argsplat-unsafe)")
			}
			for dk, dv := range d.All() {
				if _, written, _ := x.Task.Args.Get(dk); !written {
					_ = merged.Set(dk, dv) // the key was hashable before
				}
			}
			continue
		}
		_ = merged.Set(k, r) // the key was hashable before
	}
	merged = t.Engine.StripOmit(merged).(*value.Dict)
	if x.Task.RawParams != nil {
		r, err := t.Render(x.Task.RawParams)
		if err != nil {
			return nil, "", false, err
		}
		if d, ok := r.(*value.Dict); ok { // add_host: "{{ host }}"
			all := d.Copy()
			for k, v := range merged.All() {
				_ = all.Set(k, v) // the key was hashable before
			}
			all.DeleteStr("_raw_params")
			return all, "", false, nil
		}
		if raw, err = value.ToStr(r); err != nil {
			return nil, "", false, err
		}
		merged.DeleteStr("_raw_params")
		hasRaw = true
	} else if v, ok := merged.GetStr("_raw_params"); ok {
		if raw, err = value.ToStr(v); err != nil {
			return nil, "", false, err
		}
		merged.DeleteStr("_raw_params")
		hasRaw = true
	}
	return merged, raw, hasRaw, nil
}

// defaults are the module_defaults entries for an action, outermost first.
func (x *exec) defaults(name string) []value.Value {
	return x.Services.ModuleDefaults(x.Task, name)
}

// ModuleDefaults finds the entries that hold for a module among all module_defaults around a task, those of its groups first.
// The innermost entry of a key replaces those outside. resolve gives the full name of a module, inGroup tells whether an action
// group has it.
func ModuleDefaults(list []value.Value, name string, resolve func(string) string, inGroup func(group, name string) bool) []value.Value {
	groups := value.NewDict()
	var own value.Value
	for _, e := range list {
		d, ok := e.(*value.Dict)
		if !ok {
			continue
		}
		for k, v := range d.All() {
			key, _ := value.AsString(k)
			if g, isGroup := strings.CutPrefix(key, "group/"); isGroup {
				if inGroup(g, name) {
					if strings.Count(g, ".") < 2 {
						g = "ansible.builtin." + g
					}
					groups.SetStr(g, v)
				}
			} else if key == name || resolve(key) == name || inherits(key, name, resolve) {
				own = v
			}
		}
	}
	var out []value.Value
	for _, v := range groups.All() {
		out = append(out, v)
	}
	if own != nil {
		out = append(out, own)
	}
	return out
}

// inherits tells whether defaults of a short name, or one of ansible.legacy, hold for the builtin module behind it.
func inherits(key, name string, resolve func(string) string) bool {
	short := strings.TrimPrefix(key, "ansible.legacy.")
	return strings.Count(short, ".") < 2 && resolve("ansible.builtin."+short) == name
}
