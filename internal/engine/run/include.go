package run

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/content/vars"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/engine/strategy"
	"github.com/troupe-automation/troupe/internal/engine/task"
	"github.com/troupe-automation/troupe/value"
)

// pendingInclude is a file or role that one host wants included.
type pendingInclude struct {
	host   *hostRun
	effect task.Effect
	result *task.Result
}

// includeGroup are the hosts that include the same thing with the same variables.
type includeGroup struct {
	first  pendingInclude
	name   string // file (absolute) or role
	hosts  []*hostRun
	blocks []*playbook.Block
	err    error
}

// include loads what the hosts asked for, tells it, and lets them enter it (BEHAVIOUR §3.4). Hosts that include the same
// file with the same variables share the loaded tasks, so that they run them together.
func (p *play) include(place *strategy.Place, hosts []*hostRun, pending []pendingInclude) (failed map[*hostRun]bool, err error) {
	if len(pending) == 0 {
		return nil, nil
	}
	groups, err := p.groupIncludes(place, pending)
	if err != nil {
		return nil, err
	}
	info := p.info(place, pending[0].host)
	enter := map[*hostRun][]strategy.Included{}
	failed = map[*hostRun]bool{}
	for slot, g := range groups {
		if g.err != nil {
			p.includeFailed(place, g, failed)
			continue
		}
		names := make([]string, len(g.hosts))
		for i, h := range g.hosts {
			names[i] = h.name
			p.stats.included(h.name)
			enter[h] = append(enter[h], strategy.Included{Blocks: g.blocks, Slot: slot})
		}
		p.emit(&event.Included{Task: info, Name: g.name, Hosts: names, Label: g.first.effect.Label, Item: g.first.effect.Item})
	}
	for _, h := range hosts {
		switch {
		case failed[h]:
			h.state.Fail()
			if h.state.Failed {
				h.host.failed.Store(true)
			}
		case enter[h] != nil:
			h.state.Include(enter[h])
		}
	}
	return failed, nil
}

// groupIncludes loads every distinct include once.
func (p *play) groupIncludes(place *strategy.Place, pending []pendingInclude) ([]*includeGroup, error) {
	var groups []*includeGroup
	byKey := map[string]*includeGroup{}
	for _, pi := range pending {
		inc := pi.effect.Outcome.Include
		name := inc.Name
		if !inc.Role {
			name, _ = p.Loader.FindTasks(place.Task, name)
			if abs, err := filepath.Abs(name); err == nil {
				name = abs
			}
		}
		key := name + "\x00" + reprOf(inc.Args) + "\x00" + reprOf(pi.effect.ItemVars)
		g := byKey[key]
		if g == nil {
			g = &includeGroup{first: pi, name: name}
			byKey[key] = g
			groups = append(groups, g)
			if err := p.load(place, g); err != nil {
				return nil, err
			}
		}
		g.hosts = append(g.hosts, pi.host)
	}
	return groups, nil
}

func reprOf(d *value.Dict) string {
	if d == nil {
		return ""
	}
	s, err := value.Repr(d)
	if err != nil {
		return fmt.Sprintf("%p", d)
	}
	return s
}

// load reads the file or role of a group. A mistake in the content ends the run; a file that is not there fails the task.
func (p *play) load(place *strategy.Place, g *includeGroup) error {
	inc := g.first.effect.Outcome.Include
	var itemVars *value.Dict
	if g.first.effect.ItemVars != nil {
		itemVars = vars.Over(place.Task.Vars, g.first.effect.ItemVars)
	}
	p.scopeMu.Lock() // tasks at work look at the roles of the play
	defer p.scopeMu.Unlock()
	defer p.takeHandlers()
	var err error
	if inc.Role {
		var got *playbook.Include
		got, err = p.Loader.LoadRole(place.Task, inc.Args, itemVars)
		if err == nil {
			g.blocks = got.Blocks
			p.takeHandlers()
			p.handlers = append(p.handlers, got.Handlers...)
			if !slices.ContainsFunc(p.loaded, func(r *playbook.Role) bool { return r.Name == got.Role.Name }) {
				p.loaded = append(p.loaded, got.Role)
			}
			if got.Role.Public {
				p.included = append(p.included, got.Role)
			}
			return nil
		}
	} else {
		g.blocks, err = p.Loader.LoadTasks(place.Task, g.name, itemVars)
	}
	if err == nil {
		return nil
	}
	// What is not there fails the hosts that asked for it; what cannot be understood ends the run.
	var d *diag.Diagnostic
	if errors.As(err, &d) && d.Exit == diag.ExitParse {
		return err
	}
	g.err = err
	return nil
}

// takeHandlers adds the handlers of roles that what was included imports.
func (p *play) takeHandlers() {
	p.handlers = append(p.handlers, p.Play.Handlers[p.handlersTaken:]...)
	p.handlersTaken = len(p.Play.Handlers)
}

// includeFailed tells that a file could not be included.
func (p *play) includeFailed(place *strategy.Place, g *includeGroup, failed map[*hostRun]bool) {
	msg := g.err.Error()
	var d *diag.Diagnostic
	if errors.As(g.err, &d) {
		msg = d.Message()
		if d.Code == diag.FileNotFound && !g.first.effect.Outcome.Include.Role {
			msg = "Could not find or access '" + g.name + "' on the Ansible Controller."
		}
	}
	p.emit(&event.Warning{Kind: "error", Text: msg})
	for _, h := range g.hosts {
		res := value.DictOf("changed", value.False, "failed", value.True, "reason", value.Str(msg))
		if inc := g.first.effect.Outcome.Include; !inc.Role {
			res.SetStr("include", value.Str(inc.Name))
		}
		r := &task.Result{Status: event.Failed, Dict: res}
		p.stats.count(h.name, r, false)
		p.emit(&event.Result{Task: p.info(place, h), Host: event.Host{Name: h.name}, Status: event.Failed, Result: res, Loop: g.first.effect.Item})
		failed[h] = true
	}
}
