// Package task runs one task on one host: conditions, loops, retries, delegation, arguments, the action or module
// itself, and the verdict about its result. It decides nothing about other tasks or hosts.
//
// Called by internal/engine/run, which gives it a Job and takes a Result; several Jobs run at the same time.
package task

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/engine/pyhost"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/internal/remote/pymodule"
	"github.com/troupe-automation/troupe/internal/remote/session"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/module"
	"github.com/troupe-automation/troupe/value"
)

// Runner is what all tasks of a run share.
type Runner struct {
	Templates *template.Engine
	Config    *config.Config
	Sessions  *session.Pool
	Natives   *module.Registry
	Services  action.Services
	// Python finds a module that is not native and makes it ready to be sent.
	Python func(t *playbook.Task, name string) (*pymodule.Module, error)
	// Plugins runs actions written in Python; nil runs none.
	Plugins *pyhost.Host
	// Emit sends an event; safe for concurrent use.
	Emit      func(event.Event)
	Verbosity int
	// Told is the level up to which somebody reads what is said of a run, the terminal or a log.
	Told int
	CLI  CLI
}

// CLI are connection and become settings of the command line.
type CLI struct {
	Check, Diff                          bool
	Become                               bool
	BecomeMethod, BecomeUser, BecomePass string
	Connection, RemoteUser, PrivateKey   string
	ConnPass                             string
	SSHCommonArgs, SSHExtraArgs          string
	SCPExtraArgs, SFTPExtraArgs          string
	Timeout                              int
	TaskTimeout                          int
}

// Job is one task for one host.
type Job struct {
	Task *playbook.Task
	Info *event.Task
	Host string
	// Vars are the variables of the host for this task.
	Vars template.Vars
	// DelegateVars returns the variables of the host that a task is delegated to.
	DelegateVars func(host string) template.Vars
	// SearchPath and Basedir are where relative files are searched.
	SearchPath []string
	Basedir    string
}

// exec is the state of one job at work.
type exec struct {
	*Runner
	Job
	ctx context.Context
	t   *template.Templar

	item      *value.Dict // loop variables of the current item, nil outside loops
	itemData  bool
	delegated event.Host
}

// Run runs the job. It returns a Result even when things go wrong; only Result.Fatal ends a run.
func (r *Runner) Run(ctx context.Context, j Job) *Result {
	x := &exec{Runner: r, Job: j, ctx: ctx}
	x.delegated = event.Host{Name: j.Host}
	x.t = x.templar(&implied{j.Vars, x})
	items, looped, loopErr := x.loopItems()
	if loopErr != nil {
		if holds, cond, err := x.conditions(j.Task.Extended("when"), x.t); err == nil && !holds {
			return x.result(skipped(cond))
		}
		return x.result(x.failure(loopErr))
	}
	if looped {
		return x.loop(items)
	}
	return x.result(x.once(x.t))
}

func (x *exec) templar(vars template.Vars) *template.Templar {
	t := x.Templates.New(vars)
	t.SearchPath, t.Basedir, t.Context = x.SearchPath, x.Basedir, x
	t.Warn = x.warn
	return t
}

func (x *exec) warn(text string) { x.Emit(&event.Warning{Kind: "warning", Text: text}) }

func (x *exec) log(level int, text string) {
	if x.Told >= level {
		x.Emit(&event.Log{Verbosity: level, Host: x.Host, Text: text})
	}
}

// attempt is what one item (or the task outside a loop) came to.
type attempt struct {
	dict        *value.Dict
	outcome     *action.Outcome
	unreachable bool
	noLog       bool
	ignore      bool
	ignoreUnr   bool
	verbose     bool
	diagnosis   *diag.Diagnostic
	fatal       error
	early       bool // failed before the condition was looked at
	raised      bool // failed before or beside the action: ends a loop, and the result is the error alone
	delegate    event.Host
	factsHost   string
}

func skipped(condition value.Value) *attempt {
	if condition == nil {
		condition = value.False
	}
	return &attempt{dict: value.DictOf("changed", value.False, "skipped", value.True, "skip_reason", value.Str("Conditional result was False"), "false_condition", condition)}
}

// conditions evaluates a list of conditions; cond is the first that does not hold.
func (x *exec) conditions(list []value.Value, t *template.Templar) (holds bool, cond value.Value, err error) {
	for _, c := range list {
		ok, err := t.Condition(c)
		if err != nil {
			return false, nil, err
		}
		if !ok {
			if tpl, isTemplate := c.(*value.Template); isTemplate {
				return false, value.Str(tpl.Text), nil
			}
			return false, c, nil
		}
	}
	return true, nil, nil
}

// result turns the single attempt of a task without a loop into its Result.
func (x *exec) result(a *attempt) *Result {
	r := &Result{Dict: a.dict, NoLog: a.noLog, Verbose: a.verbose && !a.noLog, Diagnosis: a.diagnosis, Fatal: a.fatal, Delegate: a.delegate}
	r.Status = status(a)
	r.Ignored = r.Status == event.Failed && a.ignore || r.Status == event.Unreachable && a.ignoreUnr
	if a.outcome != nil {
		r.Effects = []Effect{{Outcome: a.outcome, Failed: r.Status == event.Failed, Delegate: a.factsHost}}
	}
	if x.Task.Register != "" && a.dict != nil {
		if r.Register = registered(a.dict, false); a.raised {
			r.Register = a.dict
		}
	}
	return r
}

func status(a *attempt) event.Status {
	switch {
	case a.unreachable:
		return event.Unreachable
	case lost(a.dict):
		return event.Failed
	case truth(a.dict, "skipped"):
		return event.Skipped
	case truth(a.dict, "changed"):
		return event.Changed
	}
	return event.OK
}

// once runs the task with the variables of t: condition, fields, action, retries, verdict.
func (x *exec) once(t *template.Templar) *attempt {
	task := x.Task
	a := x.fields(t)
	if a.dict != nil { // a field could not be rendered
		if holds, cond, err := x.conditions(task.Extended("when"), t); err == nil && !holds && !a.early {
			s := skipped(cond)
			s.noLog = a.noLog
			return s
		}
		return a
	}
	t = x.delegatedView(t, a.delegate)
	holds, cond, err := x.conditions(task.Extended("when"), t)
	if err != nil {
		return x.fail(a, err, true)
	}
	if !holds {
		s := skipped(cond)
		s.noLog, s.delegate = a.noLog, event.Host{Name: x.Host} // nothing is said of the host it would have gone to
		return s
	}
	if task.Action == "" {
		if err := x.templatedAction(t); err != nil {
			return x.fail(a, err, false)
		}
		defer func() { x.Task = task }()
	}
	return x.attempts(t, a)
}

// templatedAction finds out which module a task runs whose `action` is a template, and goes on with a copy that names it.
func (x *exec) templatedAction(t *template.Templar) error {
	v, err := t.RenderText(x.Task.ActionAsWritten, x.Task.Pos)
	if err != nil {
		return err
	}
	name, err := value.ToStr(v)
	if err != nil {
		return err
	}
	r, err := x.Services.Resolve(name, x.Task.Collections)
	if err != nil {
		return err
	}
	if r == nil {
		return fmt.Errorf("The module %s was not found in configured module paths", name) //nolint:staticcheck // Ansible's words
	}
	c := *x.Task
	c.Action, c.ActionAsWritten, c.Resolved = r.FQCN, name, *r
	x.Task = &c
	return nil
}

// fields renders the keywords that decide how the task runs. The returned attempt has a dict only when that failed.
func (x *exec) fields(t *template.Templar) *attempt {
	a := &attempt{delegate: event.Host{Name: x.Host}}
	var wrong error
	for _, f := range []struct {
		keyword string
		set     *bool
	}{{"no_log", &a.noLog}, {"ignore_errors", &a.ignore}, {"ignore_unreachable", &a.ignoreUnr}} {
		v := x.inherited(t, f.keyword)
		if v == nil {
			*f.set = f.keyword == "no_log" && x.Config.Bool("DEFAULT_NO_LOG")
			continue
		}
		b, err := x.boolean(t, v, f.keyword)
		if err != nil {
			if wrong == nil {
				wrong = err
			}
			b = true // what may have been meant to be hidden is hidden; what is no boolean counts as said
		}
		*f.set = b
	}
	if wrong != nil {
		return x.fail(a, wrong, false)
	}
	if v := x.inherited(t, "delegate_to"); v != nil {
		name, err := t.String(v)
		if err != nil {
			a.delegate.Delegate = plain(v)
			return x.fail(a, err, false)
		}
		if v == value.Str("") {
			name = template.OmitText
		}
		if name == "" {
			a.early, a.delegate.Delegate = true, plain(v)
			return x.fail(a, errors.New("Empty hostname produced from delegate_to: \""+plain(v)+"\""), false) //nolint:staticcheck // Ansible's words
		}
		if name != template.OmitText {
			a.delegate.Delegate = name
			if addr, _, err := x.templar(x.DelegateVars(name)).Resolve("ansible_host"); err == nil && addr != nil {
				a.delegate.DelegateTo, _ = value.AsString(addr)
			}
			a.factsHost = x.factsHost(t, name)
		}
	}
	return a
}

// delegatedView lets a delegated task see how its host is reached.
func (x *exec) delegatedView(t *template.Templar, h event.Host) *template.Templar {
	if h.Delegate == "" {
		return t
	}
	vars := x.DelegateVars(h.Delegate)
	locals := value.DictOf("ansible_delegated_vars", value.DictOf(h.Delegate, template.HostView(x.Templates, vars)))
	if h.DelegateTo != "" {
		locals.SetStr("ansible_host", value.Str(h.DelegateTo))
	} else if _, _, own := x.Vars.Lookup("ansible_host"); !own {
		locals.SetStr("ansible_host", value.Str(h.Delegate))
	}
	return t.WithData(locals)
}

func (x *exec) factsHost(t *template.Templar, delegate string) string {
	v := x.inherited(t, "delegate_facts")
	if v == nil {
		return ""
	}
	if b, err := x.boolean(t, v, "delegate_facts"); err == nil && b {
		return delegate
	}
	return ""
}

// boolean renders a keyword that is a boolean.
func (x *exec) boolean(t *template.Templar, v value.Value, keyword string) (bool, error) {
	r, err := t.Render(v)
	if err != nil {
		return false, fieldError(keyword, err)
	}
	if b, ok := action.Boolean(r); ok {
		return b, nil
	}
	if s, ok := value.AsString(r); ok && s == template.OmitText {
		return false, nil
	}
	s, _ := value.ToStr(r)
	return false, errors.New(action.NotBoolean(keyword, s))
}

// inherited is the value of a keyword for the task, not rendered. What turns out to be omitted leaves the word to the block,
// role or play around.
func (x *exec) inherited(t *template.Templar, keyword string) value.Value {
	a := x.Task.InheritedAttr(keyword)
	if a == nil {
		return nil
	}
	if !mayOmit(a.Value) {
		return a.Value
	}
	a = x.Task.InheritedWhere(keyword, func(a *playbook.Attr) bool {
		if !mayOmit(a.Value) {
			return true
		}
		r, err := t.Render(a.Value)
		return err != nil || r != value.Str(template.OmitText)
	})
	if a == nil {
		return nil
	}
	return a.Value
}

// mayOmit reports whether a value is a template that may come to be omit.
func mayOmit(v value.Value) bool {
	t, ok := v.(*value.Template)
	return ok && strings.Contains(t.Text, "{{")
}

// fieldError words an undefined variable in a keyword.
func fieldError(keyword string, err error) error {
	var e *template.Error
	if errors.As(err, &e) && template.IsUndefined(err) {
		n := *e
		n.Class = "AnsibleParserError"
		n.Msg = fmt.Sprintf("The field '%s' has an invalid value, which includes an undefined variable.. %s", keyword, e.Msg)
		return &n
	}
	return err
}

// placed adds the place of the task to what a field's error says.
func placed(err error, pos source.Pos) error {
	var e *template.Error
	if errors.As(err, &e) {
		n := *e
		n.Msg += diag.Trailer(pos)
		return &n
	}
	return err
}

// number renders a keyword that is a number; def when it is not set.
func (x *exec) number(t *template.Templar, keyword string, v value.Value, def float64) (float64, error) {
	if v == nil {
		return def, nil
	}
	r, err := t.Render(v)
	if err != nil {
		return 0, err
	}
	switch n := r.(type) {
	case value.Int:
		return float64(n), nil
	case value.Float:
		return float64(n), nil
	case value.NoneType:
		return def, nil
	}
	s, err := value.ToStr(r)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		return 0, fmt.Errorf("the field '%s' has an invalid value ('%s'), and could not be converted to %s.. %s", keyword, s, numberKinds[keyword], diag.Trailer(x.Task.Pos))
	}
	return n, nil
}

// numberKinds are the types of the keywords that are numbers.
var numberKinds = map[string]string{"retries": "int", "timeout": "int", "poll": "int", "async": "int", "async_val": "int", "delay": "float", "pause": "float"}

// attempts runs the action until the until condition holds.
func (x *exec) attempts(t *template.Templar, a *attempt) *attempt {
	task := x.Task
	retries, delay := 1.0, 5.0
	untilSet := len(task.Until) > 0
	if v := task.Get("retries"); v != nil {
		n, err := x.number(t, "retries", v, 3)
		if err != nil {
			return x.fail(a, err, false)
		}
		retries = max(n, 0) + 1
		if n <= 0 {
			retries = 1
		}
	} else if untilSet {
		retries = 4
	}
	d, err := x.number(t, "delay", task.Get("delay"), 5)
	if err != nil {
		return x.fail(a, err, false)
	}
	delay = max(d, 0)
	if !untilSet && task.Get("retries") == nil {
		return x.attempt(t, a, 0)
	}
	for n := 1.0; ; n++ {
		r := *a
		got := x.attempt(t, &r, int(n))
		if got.unreachable || got.fatal != nil || x.ctx.Err() != nil {
			return got
		}
		got.dict.SetStr("attempts", value.Int(int64(n)))
		done := !truth(got.dict, "failed")
		if untilSet {
			done, _, err = x.conditions(task.Until, x.withResult(t, got.dict))
			if err != nil {
				return x.fail(got, err, false)
			}
		}
		if done {
			return got
		}
		if n >= retries {
			if retries > 1 {
				got.dict.SetStr("attempts", value.Int(int64(retries-1)))
				got.dict.SetStr("failed", value.True)
			}
			return got
		}
		shown := Shown(got.dict, got.noLog).Copy()
		shown.SetStr("retries", value.Int(int64(retries)))
		x.Emit(&event.Retry{Task: x.Info, Host: got.delegate, Left: int(retries - n), Result: shown, Verbose: got.verbose && !got.noLog})
		if !x.pause(time.Duration(delay * float64(time.Second))) {
			return got
		}
	}
}

// pause waits; false means that the run ends.
func (x *exec) pause(d time.Duration) bool {
	if d <= 0 {
		return x.ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.ctx.Done():
		return false
	}
}

// withResult lets conditions see the result under the registered name.
func (x *exec) withResult(t *template.Templar, d *value.Dict) *template.Templar {
	if x.Task.Register == "" {
		return t
	}
	return t.WithData(value.DictOf(x.Task.Register, registered(d, true)))
}

// attempt runs the action once and gives the verdict on its result. number counts the attempts of a task with retries, from 1.
func (x *exec) attempt(t *template.Templar, a *attempt, number int) *attempt {
	dict, outcome, err := x.act(t, a)
	if err != nil {
		return x.fail(a, err, false)
	}
	a.dict, a.outcome = dict, outcome
	act := action.Find(x.Task.Action)
	a.verbose = verbose(act != nil && act.Verbose, dict)
	if outcome != nil && outcome.Include != nil {
		if _, has := dict.GetStr("changed"); !has {
			dict.SetStr("changed", value.False)
		}
		return a
	}
	finish(dict, act == nil || !act.Local)
	if number > 0 { // conditions on the result may ask
		dict.SetStr("attempts", value.Int(number))
	}
	return x.verdict(t, a)
}

// verdict applies changed_when and failed_when.
func (x *exec) verdict(t *template.Templar, a *attempt) *attempt {
	d := a.dict
	if failed(d) {
		d.SetStr("failed", value.True)
		a.diagnosis = x.diagnoseResult(d)
	} else if _, ok := d.GetStr("rc"); ok {
		if _, has := d.GetStr("failed"); !has {
			d.SetStr("failed", value.False)
		}
	}
	if truth(d, "skipped") {
		return a
	}
	task := x.Task
	if len(task.ChangedWhen) > 0 || len(task.FailedWhen) > 0 {
		if _, ok := d.GetStr("changed"); !ok {
			d.SetStr("changed", value.False)
		}
		see := x.withResult(t, d)
		if x.Task.Register == "" {
			see = t
		}
		if len(task.ChangedWhen) > 0 {
			holds, _, err := x.conditions(task.ChangedWhen, see)
			if err != nil {
				d.SetStr("failed", value.True)
				d.SetStr("changed_when_result", value.Str(err.Error()))
				return a
			}
			d.SetStr("changed", value.Bool(holds))
			see = x.withResult(t, d)
		}
		if len(task.FailedWhen) > 0 {
			holds, _, err := x.conditions(task.FailedWhen, see)
			if err != nil {
				d.SetStr("failed", value.True)
				d.SetStr("failed_when_result", value.Str(err.Error()))
				return a
			}
			d.SetStr("failed", value.Bool(holds))
			d.SetStr("failed_when_result", value.Bool(holds))
		}
	}
	return a
}

// failure makes a failed attempt of an error outside any attempt.
func (x *exec) failure(err error) *attempt {
	a := x.fields(x.t)
	a.dict = nil
	return x.fail(a, err, false)
}

// fail makes the attempt a failed (or unreachable) one because of err.
func (x *exec) fail(a *attempt, err error, trailer bool) *attempt {
	var lost *session.UnreachableError
	if errors.As(err, &lost) {
		a.unreachable = true
		a.dict = value.DictOf("changed", value.False, "msg", value.Str(lost.Error()), "unreachable", value.True)
		return a
	}
	var f *action.Failure
	if errors.As(err, &f) {
		d := value.DictOf("failed", value.True)
		if f.Keys != nil {
			for k, v := range f.Keys.All() {
				_ = d.Set(k, v) // the key was hashable before
			}
		}
		if f.Exception != "" {
			d.SetStr("exception", value.Str(f.Exception+"\n"))
		}
		if _, has := d.GetStr("changed"); !has && !f.Bare {
			d.SetStr("changed", value.False)
		}
		d.SetStr("msg", value.Str(f.Msg))
		a.dict = d
		var te *template.Error
		if errors.As(f.Cause, &te) {
			a.diagnosis = x.diagnose(te)
		}
		return a
	}
	msg := err.Error()
	var d *diag.Diagnostic
	if errors.As(err, &d) {
		if d.Exit == diag.ExitParse {
			a.fatal = err
		}
		msg = d.Message()
		a.diagnosis = d
	}
	var te *template.Error
	if errors.As(err, &te) {
		a.diagnosis = x.diagnose(te)
		if !strings.HasPrefix(te.Class, "Ansible") {
			// A Python error that Ansible does not word: only the exception is told (BEHAVIOUR §9).
			a.dict = value.DictOf("failed", value.True, "exception", value.Str(te.Class+": "+te.Msg+"\n"))
			return a
		}
	}
	if trailer {
		msg += diag.Trailer(x.Task.Pos)
	}
	a.raised = true
	a.dict = value.DictOf("failed", value.True, "msg", value.Str(msg))
	return a
}

// Target tells how the host of a job is reached, for meta: reset_connection.
func (r *Runner) Target(j Job) (session.Target, error) {
	x := &exec{Runner: r, Job: j, ctx: context.Background()}
	x.t = x.templar(j.Vars)
	rem := &remote{x: x, t: x.t}
	err := rem.prepare(&attempt{delegate: event.Host{Name: j.Host}})
	return rem.target, err
}
