package run

import (
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/engine/strategy"
	"github.com/troupe-automation/troupe/value"
)

// perHost are the meta actions that are told, and asked for their condition, on each host by itself.
var perHost = map[string]bool{"noop": true, "reset_connection": true, "end_host": true, "end_role": true, "flush_handlers": true, "role_complete": true}

// metaDone is what -vv says of an action that was done, metaSkipped what it says, and the result, when its condition does not
// hold. HOST is the host.
var (
	metaDone = map[string]string{
		"noop": "noop", "flush_handlers": "triggered running handlers for HOST", "refresh_inventory": "inventory successfully refreshed",
		"clear_facts": "facts cleared", "clear_host_errors": "cleared host errors", "end_batch": "ending batch", "end_play": "ending play",
		"end_host": "ending play for HOST", "reset_connection": "reset connection",
	}
	metaSkipped = map[string]string{
		"flush_handlers": ", not running handlers for HOST", "clear_facts": ", not clearing facts and fact cache for HOST",
		"clear_host_errors": ", not clearing host error state for HOST", "end_batch": ", continuing current batch",
		"end_play": ", continuing play", "end_host": ", continuing execution for HOST",
	}
)

// tellSkipped tells that the condition of a meta task does not hold for a host.
func (p *play) tellSkipped(what string, info *event.Task, h *hostRun) {
	rest := strings.ReplaceAll(metaSkipped[what], "HOST", h.name)
	reason := what + " conditional evaluated to False" + rest
	msg := what
	if what == "end_host" {
		msg = what + " conditional evaluated to false" + rest
	}
	p.emit(&event.Log{Verbosity: 2, Text: "META: " + reason})
	p.emit(&event.Result{Task: info, Host: event.Host{Name: h.name}, Status: event.Skipped, Result: value.DictOf("msg", value.Str(msg), "skip_reason", value.Str(reason))})
}

// checkMeta refuses what an action cannot do where it stands.
func checkMeta(t *playbook.Task, what string, handler bool) error {
	if what != "end_role" {
		return nil
	}
	msg := ""
	switch {
	case handler:
		msg = "Cannot execute 'end_role' from a handler"
	case t.Role == nil:
		msg = "Cannot execute 'end_role' from outside of a role"
	default:
		return nil
	}
	d := &diag.Diagnostic{Code: diag.WrongKeywordType, Summary: msg, Classic: msg, Exit: diag.ExitError}
	return d.At(t.Pos, 0, "")
}

// noWhen are those that do not look at when.
var noWhen = map[string]bool{"noop": true, "refresh_inventory": true, "reset_connection": true}

// meta runs a meta task (BEHAVIOUR §3.7). Tasks that Troupe made itself are not told.
func (p *play) meta(place *strategy.Place, hosts []*hostRun) error {
	t := place.Task
	what := metaName(t)
	told := hosts
	if !perHost[what] {
		told = hosts[:1]
	}
	if err := checkMeta(t, what, place.Handler); err != nil {
		return err
	}
	var chosen []*hostRun
	for i, h := range told {
		quiet := t.Implicit || what == "end_role" && i > 0
		info := p.info(place, h)
		if !quiet && !p.isFree() {
			p.emit(&event.TaskStart{Task: info})
		}
		skip, err := p.metaSkips(t, h, what)
		if err != nil {
			return err
		}
		quiet = quiet || what == "end_role"
		if skip {
			if !quiet {
				p.tellSkipped(what, info, h)
			}
			continue
		}
		if !quiet && metaDone[what] != "" {
			p.emit(&event.Log{Verbosity: 2, Text: "META: " + strings.ReplaceAll(metaDone[what], "HOST", h.name)})
		}
		chosen = append(chosen, h)
	}
	if what == "flush_handlers" {
		p.flush(place, hosts, chosen)
		return nil
	}
	if err := p.metaDo(t, what, chosen); err != nil {
		return err
	}
	for _, h := range hosts {
		if place.Handler {
			delete(h.notified, t)
		}
		h.state.Advance()
	}
	return nil
}

func metaName(t *playbook.Task) string {
	s, _ := value.AsString(t.RawParams)
	if s == "" {
		if v, ok := t.Args.GetStr("_raw_params"); ok {
			s, _ = value.AsString(v)
		}
	}
	return s
}

func (p *play) metaSkips(t *playbook.Task, h *hostRun, what string) (bool, error) {
	conditions := t.Extended("when")
	if len(conditions) == 0 {
		return false, nil
	}
	if noWhen[what] {
		p.warn(what + " task does not support when conditional")
		return false, nil
	}
	tpl := p.templarFor(h, t)
	for _, c := range conditions {
		ok, err := tpl.Condition(c)
		if err != nil {
			return false, &diag.Diagnostic{Code: diag.TemplateError, Summary: err.Error(), Classic: diag.Classic(err.Error(), t.Pos), Exit: diag.ExitError}
		}
		if !ok {
			return true, nil
		}
	}
	return false, nil
}

// metaDo does what the action says for the hosts whose condition held.
func (p *play) metaDo(t *playbook.Task, what string, chosen []*hostRun) error {
	if len(chosen) == 0 {
		return nil
	}
	switch what {
	case "noop":
	case "end_role":
		for _, h := range chosen {
			if t.Role != nil {
				h.ended[t.Role] = true
			}
		}
	case "role_complete":
		for _, h := range chosen {
			if h.rolesRan[t.Role] {
				h.rolesDone[p.roleKey(t.Role)] = t.Role
			}
		}
	case "refresh_inventory":
		if err := p.Refresh(p.ctx); err != nil {
			return err
		}
		p.inventoryChanged()
		p.relearnHosts()
	case "clear_facts":
		for _, h := range p.batch {
			h.clearFacts()
			if p.Facts != nil {
				if err := p.Facts.Clear(h.name); err != nil {
					p.warn(err.Error())
				}
			}
		}
	case "clear_host_errors":
		for _, h := range p.batch {
			h.state.ClearErrors()
			h.host.failed.Store(false)
			h.host.unreachable.Store(false)
		}
	case "end_batch":
		for _, h := range p.batch {
			h.state.Ended = true
		}
	case "end_play":
		for _, h := range p.batch {
			h.state.Ended = true
		}
		p.endPlay = true
	case "end_host":
		for _, h := range chosen {
			h.state.Ended = true
		}
	case "reset_connection":
		for _, h := range chosen {
			p.resetConnection(t, h)
		}
	default:
		msg := "invalid meta action requested: " + what
		return &diag.Diagnostic{Code: diag.WrongKeywordType, Summary: fmt.Sprintf("meta has no action %q", what), Classic: diag.Classic(msg, t.Pos), Exit: diag.ExitError}
	}
	return nil
}

// relearnHosts finds the hosts in an inventory that was read anew. One that is gone leaves the play.
func (p *play) relearnHosts() {
	p.hostsMu.Lock()
	defer p.hostsMu.Unlock()
	for name, h := range p.hosts {
		if inv := p.Inventory.Host(name); inv != nil {
			h.inv = inv
		}
	}
	for _, h := range p.batch {
		if p.Inventory.Host(h.name) == nil && !h.inv.Implicit {
			h.state.Ended = true
		}
	}
}

func (p *play) resetConnection(t *playbook.Task, h *hostRun) {
	target, err := p.Runner.Target(p.job(h, t, nil))
	if err != nil {
		p.warn(err.Error())
		return
	}
	if target.Connection == "local" {
		p.warn("Reset is not implemented for this connection")
		return
	}
	p.Runner.Sessions.Reset(target)
}

// flush sends the chosen hosts through the handlers; failed hosts join when handlers are forced.
func (p *play) flush(place *strategy.Place, hosts, chosen []*hostRun) {
	in := map[*hostRun]bool{}
	for _, h := range chosen {
		in[h] = true
	}
	if p.force {
		p.forceHandlers(place)
	}
	for _, h := range hosts {
		if h.resolve(); in[h] && len(h.notified) > 0 {
			h.state.RunHandlers(p.handlers)
		} else {
			h.state.Advance()
		}
	}
}

// forceHandlers lets failed hosts with notified handlers run them. It reports whether there were any.
func (p *play) forceHandlers(at *strategy.Place) bool {
	if !p.force {
		return false
	}
	any := false
	for _, h := range p.batch {
		if !h.state.Failed || h.state.Forced || h.state.InHandlers {
			continue
		}
		if h.resolve(); len(h.notified) > 0 {
			h.state.Force(p.handlers, at)
			any = true
		}
	}
	return any
}
