package run

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/engine/strategy"
	"github.com/troupe-automation/troupe/internal/engine/task"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
)

const metaAction = "ansible.builtin.meta"

// linear runs the play in lockstep: all hosts finish a task before any goes on to the next.
func (p *play) linear() error {
	for {
		if p.ctx.Err() != nil {
			return errStopped
		}
		hosts, place := p.next()
		if place == nil {
			if p.forceHandlers(nil) {
				continue
			}
			return nil
		}
		if place.Task.Action == metaAction {
			if err := p.meta(place, hosts); err != nil {
				return err
			}
			continue
		}
		if err := p.step(place, hosts); err != nil {
			return err
		}
		if p.endPlay {
			return nil
		}
	}
}

// next returns the hosts that are furthest behind and the task they all have before them.
func (p *play) next() ([]*hostRun, *strategy.Place) {
	places := make([]*strategy.Place, len(p.batch))
	for i, h := range p.batch {
		if p.takesPart(h) {
			places[i] = h.state.Peek(h)
		}
	}
	at := strategy.Next(places, p.at)
	if len(at) == 0 {
		return nil, nil
	}
	p.at = places[at[0]].Key
	hosts := make([]*hostRun, len(at))
	for i, k := range at {
		hosts[i] = p.batch[k]
	}
	return hosts, places[at[0]]
}

// takesPart reports whether a host still runs tasks of the play. A failed host takes part only in forced handlers,
// which run with a state of their own.
func (p *play) takesPart(h *hostRun) bool { return h.state.Active() }

// Wants implements strategy.Selector.
func (h *hostRun) Wants(t *playbook.Task, handler bool) bool {
	if handler && !h.notified[t] {
		return false
	}
	p := h.play
	if p.smartSkip(t, h.host) || t.Role != nil && !handler && !h.inRole(t) {
		return false
	}
	w, known := p.wants[t]
	if !known {
		w = handler || p.selected(t)
		p.wants[t] = w
	}
	return w
}

// inRole reports whether the host still runs tasks of the task's role: not when it ran the same role before, nor after
// end_role.
func (h *hostRun) inRole(t *playbook.Task) bool {
	if t.Implicit && t.Action == metaAction {
		return true
	}
	if h.ended[t.Role] {
		return false
	}
	return t.Role.AllowDuplicates || h.rolesDone[h.play.roleKey(t.Role)] == nil || h.rolesDone[h.play.roleKey(t.Role)] == t.Role
}

// selected decides by tags.
func (p *play) selected(t *playbook.Task) bool {
	if t.Action == metaAction && t.Implicit {
		return true
	}
	return playbook.Selected(p.tagsOf(t), p.Tags.Run, p.Tags.Skip)
}

// tagsOf are the effective tags of a task. Tags that cannot be rendered select nothing.
func (p *play) tagsOf(t *playbook.Task) []string {
	tpl := p.Templates.New(p.playScope())
	tags, err := t.EffectiveTags(tpl.Render)
	if err != nil {
		p.warn(err.Error())
	}
	return tags
}

// bypassesHosts tells whether a task's action runs once for all hosts.
func bypassesHosts(t *playbook.Task) bool {
	if t.Resolved.Once {
		return true
	}
	act := action.Find(t.Action)
	return act != nil && act.Once
}

// step runs one task on the hosts that are at it, then takes care of includes and of errors that are fatal for all.
func (p *play) step(place *strategy.Place, hosts []*hostRun) error {
	t := place.Task
	p.Run.Vars.NextTask()
	once := bypassesHosts(t)
	if v := t.Inherited("run_once"); v != nil && !once {
		r, err := p.templarFor(hosts[0], t).Render(v)
		if err == nil {
			once, _ = action.Boolean(r)
		}
	}
	info := p.info(place, hosts[0])
	if skip, err := p.asks(info); err != nil || skip {
		for _, h := range hosts {
			h.state.Advance()
		}
		return err
	}
	p.emit(&event.TaskStart{Task: info})
	run := hosts
	if once {
		run = hosts[:1]
	}
	limit, err := p.throttle(t, hosts[0])
	if err != nil {
		return err
	}
	done, err := p.dispatch(place, info, run, limit)
	if err != nil {
		return err
	}
	var includes []pendingInclude
	lost := map[*hostRun]bool{}
	for _, d := range done {
		group := []*hostRun{d.host}
		if once {
			group = hosts
		}
		includes = append(includes, p.apply(place, d, group)...)
		if isLost(d.result) {
			for _, h := range group {
				lost[h] = true
			}
		}
	}
	notIncluded, err := p.include(place, hosts, includes)
	if err != nil {
		return err
	}
	maps.Copy(lost, notIncluded)
	return p.fatalForAll(t, hosts, lost)
}

func isLost(r *task.Result) bool {
	return (r.Status == event.Failed || r.Status == event.Unreachable) && !r.Ignored
}

// finished is a task's result on one host.
type finished struct {
	host   *hostRun
	result *task.Result
	info   *event.Task
}

// dispatch runs the task on the hosts, at most limit at the same time, and tells each result as it comes.
func (p *play) dispatch(place *strategy.Place, info *event.Task, hosts []*hostRun, limit int) ([]finished, error) {
	results := make(chan finished)
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	running, next := 0, 0
	var done []finished
	var fatal error
	for next < len(hosts) || running > 0 {
		for running < limit && next < len(hosts) {
			h := hosts[next]
			next++
			running++
			job := p.job(h, p.edited(place.Task), info)
			p.emit(&event.HostStart{Task: info, Host: event.Host{Name: h.name}})
			go func() { results <- finished{h, p.Runner.Run(ctx, job), info} }()
		}
		f := <-results
		running--
		again, err := p.told(place, f)
		if again != nil {
			running++
			go func() { results <- finished{f.host, p.Runner.Run(ctx, *again), info} }()
			continue
		}
		if err != nil && fatal == nil {
			fatal = err
			next = len(hosts)
		}
		done = append(done, f)
		if p.ctx.Err() != nil {
			next = len(hosts)
		}
	}
	if fatal != nil {
		return nil, fatal
	}
	if p.ctx.Err() != nil {
		return nil, errStopped
	}
	return done, nil
}

// throttle is how many hosts may work on the task at once.
func (p *play) throttle(t *playbook.Task, h *hostRun) (int, error) {
	limit := p.Forks
	if changesInventory(t) {
		return 1, nil
	}
	v := t.Inherited("throttle")
	if v == nil || v == value.None {
		return limit, nil
	}
	s, err := p.templarFor(h, t).String(v)
	if err != nil || s == template.OmitText {
		return limit, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		msg := fmt.Sprintf("Failed to convert the throttle value to an integer.. invalid literal for int() with base 10: '%s'", s)
		d := &diag.Diagnostic{Code: diag.WrongKeywordType, Summary: msg, Classic: diag.Classic(msg, t.Pos), Exit: diag.ExitError}
		return 0, d.At(t.Pos, 0, "")
	}
	if n > 0 {
		return min(n, limit), nil
	}
	return limit, nil
}

// changesInventory reports whether a task must run alone because it changes what others read.
func changesInventory(t *playbook.Task) bool {
	act := action.Find(t.Action)
	return act != nil && act.Inventory
}

// fatalForAll applies any_errors_fatal and max_fail_percentage after a task.
func (p *play) fatalForAll(t *playbook.Task, hosts []*hostRun, lost map[*hostRun]bool) error {
	if len(lost) > 0 && p.isAnyFatal(t, hosts[0]) {
		for _, h := range p.batch {
			if h.state.Active() && !lost[h] {
				h.state.Fail()
			}
		}
		alive := 0
		for _, h := range p.batch {
			if h.state.Active() {
				alive++
			}
		}
		p.failedAll = alive == 0
	}
	if p.maxFail >= 0 {
		bad := 0
		for _, h := range p.batch {
			// A host that fails on its way through an always section is not counted (sample real_rolling).
			if h.host.failed.Load() || h.host.unreachable.Load() {
				bad++
			}
		}
		if float64(bad)/float64(len(p.batch))*100 > p.maxFail {
			for _, h := range p.batch {
				if h.state.Active() {
					h.state.Failed = true
					h.failed.Store(true)
				}
			}
			// Ansible says it twice (sample flow_max_fail).
			p.emit(&event.NoHostsRemaining{})
			p.emit(&event.NoHostsRemaining{})
			p.failedAll = true
			p.endPlay = true
			return nil
		}
	}
	return nil
}

func (p *play) isAnyFatal(t *playbook.Task, h *hostRun) bool {
	v := t.Inherited("any_errors_fatal")
	if v == nil {
		return p.anyFatal
	}
	r, err := p.templarFor(h, t).Render(v)
	if err != nil {
		return false
	}
	b, _ := action.Boolean(r)
	return b
}

// asks lets --step ask before a task.
func (p *play) asks(info *event.Task) (skip bool, err error) {
	if p.Step == nil || p.stepAll {
		return false, nil
	}
	run, all := p.Step("TASK: " + info.Name)
	p.stepAll = all
	return !run && !all, nil
}
