package run

import (
	"errors"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/content/vars"
	"github.com/troupe-automation/troupe/internal/engine/debugger"
	"github.com/troupe-automation/troupe/internal/engine/strategy"
	"github.com/troupe-automation/troupe/internal/engine/task"
	"github.com/troupe-automation/troupe/value"
)

// errQuit ends a run from the debugger's prompt.
var errQuit = errors.New("the run was ended in the debugger")

// told tells a result and lets the debugger look at it; again is the job that runs in its place.
func (p *play) told(place *strategy.Place, f finished) (again *task.Job, err error) {
	if err := p.tell(place, f); err != nil {
		return nil, err
	}
	if again, err = p.debug(place, f); again == nil {
		f.result.Release()
	}
	return again, err
}

// debug stops at a result that the debugger wants and asks the user. again is the job that is to run in its place, nil when
// the result stands.
func (p *play) debug(place *strategy.Place, f finished) (again *task.Job, err error) {
	if p.Line == nil || !p.debugs(place.Task, f) {
		return nil, nil
	}
	t := p.edited(place.Task)
	s := &debugger.Session{
		Host: f.host.name, Title: f.info.Name, Keywords: p.failedTask(t, f.host), Args: debugger.NewEdited(argsOf(t)),
		Vars: debugger.NewEdited(flat(p.scope(f.host.host, t))), Result: task.Shown(f.result.Dict, f.result.NoLog).Copy(),
		Line: p.Line, Say: func(text string) { p.emit(&event.Message{Host: f.host.name, Text: text}) },
	}
	s.Result.SetStr("_ansible_no_log", value.Bool(f.result.NoLog))
	s.Update = func() error {
		_, changes := s.Vars.Result(t.Pos)
		job := p.job(f.host, place.Task, f.info)
		over(&job, changes)
		tpl := p.Templates.New(job.Vars)
		tpl.SearchPath, tpl.Basedir = job.SearchPath, job.Basedir
		args, err := tpl.Render(argsOf(place.Task))
		if d, ok := args.(*value.Dict); ok && err == nil {
			s.Args.Replace(d)
		}
		return err
	}
	next, err := s.Run()
	if err != nil {
		return nil, err
	}
	args, changed := s.Args.Result(t.Pos)
	if next == debugger.Quit {
		return nil, errQuit
	}
	if changed.Len() > 0 || args.Len() != argsOf(t).Len() || t != place.Task {
		t = withArgs(t, args)
		p.edits[place.Task] = t
	}
	if next == debugger.Continue {
		return nil, nil
	}
	p.stats.takeBack(f.host.name, f.result)
	job := p.job(f.host, t, f.info)
	_, changes := s.Vars.Result(t.Pos)
	over(&job, changes)
	return &job, nil
}

// edited is the task with the arguments that the user gave it at the debugger's prompt.
func (p *play) edited(t *playbook.Task) *playbook.Task {
	if e := p.edits[t]; e != nil {
		return e
	}
	return t
}

// debugs reports whether the debugger wants a result: by the task's keyword, else by the strategy or the setting.
func (p *play) debugs(t *playbook.Task, f finished) bool {
	r := f.result
	failed := r.Status == event.Failed && !(r.Ignored && p.Config.Bool("TASK_DEBUGGER_IGNORE_ERRORS"))
	word := ""
	if v := t.Inherited("debugger"); v != nil {
		word, _ = p.templarFor(f.host, t).String(v) // a word that cannot be rendered is none
	}
	switch word {
	case "always":
		return true
	case "never":
		return false
	}
	return word == "on_failed" && failed || word == "on_unreachable" && r.Status == event.Unreachable || word == "on_skipped" && r.Status == event.Skipped ||
		(failed || r.Status == event.Unreachable) && (p.strategyName == "debug" || p.Config.Bool("ENABLE_TASK_DEBUGGER"))
}

// argsOf are the arguments of a task with its free text among them.
func argsOf(t *playbook.Task) *value.Dict {
	if t.RawParams == nil {
		return t.Args
	}
	d := t.Args.Copy()
	d.SetStr("_raw_params", t.RawParams)
	return d
}

// withArgs is a task that differs in its arguments.
func withArgs(t *playbook.Task, args *value.Dict) *playbook.Task {
	c := *t
	c.Args = args.Copy()
	if raw, ok := args.GetStr("_raw_params"); ok {
		c.RawParams = raw
		c.Args.DeleteStr("_raw_params")
	}
	return &c
}

// flat are all variables of a scope as they are written.
func flat(s *vars.Scope) *value.Dict {
	d := value.NewDict()
	for _, name := range s.Names() {
		if v, _, ok := s.Lookup(name); ok {
			d.SetStr(name, v)
		}
	}
	return d
}

// over lays variables over those of a job.
func over(j *task.Job, changes *value.Dict) {
	if s, ok := j.Vars.(*vars.Scope); ok && changes.Len() > 0 {
		layers := append([]vars.Layer{{Name: "the debugger", Vars: changes}}, s.Layers...)
		j.Vars = &vars.Scope{Merge: s.Merge, Layers: layers}
	}
}
