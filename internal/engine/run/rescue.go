package run

import (
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/engine/task"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
)

// remember sets what rescue sections may ask about the failure.
func (p *play) remember(t *playbook.Task, h *hostRun, r *task.Result) {
	h.setVar("ansible_failed_task", p.failedTask(t, h), template.UnsafeText)
	h.setVar("ansible_failed_result", registeredFailure(r.Dict), template.UnsafeText)
}

// failedDefaults are the keywords of ansible_failed_task with their values when nobody sets them.
var failedDefaults = []struct {
	keyword string
	def     value.Value
}{
	{"delegate_to", value.None}, {"delegate_facts", value.None}, {"notify", value.None}, {"connection", value.Str("ssh")},
	{"port", value.None}, {"remote_user", value.None}, {"no_log", value.False}, {"run_once", value.None}, {"ignore_errors", value.None},
	{"ignore_unreachable", value.None}, {"any_errors_fatal", value.False}, {"throttle", value.Int(0)}, {"timeout", value.Int(0)},
	{"debugger", value.None}, {"become", value.False}, {"become_method", value.Str("sudo")}, {"become_user", value.None},
	{"become_flags", value.None}, {"become_exe", value.None}, {"async", value.Int(0)}, {"delay", value.Int(5)}, {"loop", value.None},
	{"poll", value.Int(15)}, {"register", value.None}, {"retries", value.None},
}

// failedTask is ansible_failed_task: the task's keywords, rendered where that is possible, as data.
func (p *play) failedTask(t *playbook.Task, h *hostRun) *value.Dict {
	tpl := p.templarFor(h, t)
	rendered := func(v value.Value) value.Value {
		if r, err := tpl.Render(v); err == nil {
			return r
		}
		return asWritten(v)
	}
	d := value.DictOf("name", value.Str(t.Name), "action", value.Str(t.ActionAsWritten))
	args := value.NewDict()
	for k, v := range t.Args.All() {
		_ = args.Set(k, rendered(v)) // the key was hashable before
	}
	if t.RawParams != nil {
		args.SetStr("_raw_params", rendered(t.RawParams))
	}
	d.SetStr("args", args)
	for _, k := range failedDefaults {
		v := t.Inherited(k.keyword)
		if v == nil {
			v = k.def
		}
		d.SetStr(k.keyword, rendered(v))
	}
	if t.LoopWith != "" {
		d.SetStr("loop_with", value.Str(t.LoopWith))
	} else {
		d.SetStr("loop_with", value.None)
	}
	async, _ := d.GetStr("async")
	d.SetStr("async_val", async)
	for _, l := range []struct {
		keyword string
		list    []value.Value
	}{
		{"when", t.Extended("when")}, {"changed_when", t.ChangedWhen}, {"failed_when", t.FailedWhen}, {"until", t.Until},
		{"module_defaults", t.Extended("module_defaults")},
	} {
		d.SetStr(l.keyword, asWritten(value.NewList(l.list...)))
	}
	tags := value.NewList()
	for _, tag := range p.tagsOf(t) {
		tags.Elems = append(tags.Elems, value.Str(tag))
	}
	collections := value.NewList()
	for _, c := range t.Collections {
		collections.Elems = append(collections.Elems, value.Str(c))
	}
	d.SetStr("tags", tags)
	d.SetStr("collections", collections)
	d.SetStr("vars", asWritten(t.Vars))
	for _, mode := range []struct {
		keyword string
		on      bool
	}{{"check_mode", p.Check}, {"diff", p.Diff}} {
		if v := t.Inherited(mode.keyword); v != nil {
			if b, ok := action.Boolean(rendered(v)); ok {
				mode.on = b
			}
		}
		d.SetStr(mode.keyword, value.Bool(mode.on))
	}
	environment := value.NewList(value.NewDict())
	environment.Elems = append(environment.Elems, t.Extended("environment")...)
	d.SetStr("environment", asWritten(environment))
	d.SetStr("uuid", value.Str(p.taskID(t)))
	d.SetStr("finalized", value.True)
	d.SetStr("squashed", value.True)
	return d
}

// asWritten is a value of the content as plain data: templates are their text.
func asWritten(v value.Value) value.Value {
	return value.MapLeaves(v, func(e value.Value) value.Value {
		if t, ok := e.(*value.Template); ok {
			return value.Str(t.Text)
		}
		return e
	})
}
