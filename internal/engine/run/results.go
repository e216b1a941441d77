package run

import (
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/content/vars"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/didyoumean"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/engine/strategy"
	"github.com/troupe-automation/troupe/internal/engine/task"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
)

// info describes a task for events. The name is rendered with the variables of the first host; a name with something
// undefined stays as it is written (BEHAVIOUR §4).
func (p *play) info(place *strategy.Place, h *hostRun) *event.Task {
	t := place.Task
	i := &event.Task{
		ID: p.taskID(t), Action: t.Action, Written: t.ActionAsWritten, Section: event.SectionTask, Pos: t.Pos, Check: p.Check, Args: t.Args,
		Name: p.title(t, h), Diff: p.Diff,
	}
	if v := t.Inherited("diff"); v != nil {
		if b, ok := action.Boolean(v); ok {
			i.Diff = b
		}
	}
	if t.Role != nil {
		i.Role, i.RoleCollection = t.Role.Name, t.Role.Collection
	}
	i.Keywords = shownKeywords(t)
	switch {
	case place.Handler:
		i.Section = event.SectionHandler
	case place.Cleanup:
		i.Section = event.SectionTask
	}
	i.NoLog = p.Config.Bool("DEFAULT_NO_LOG")
	if v := t.Inherited("no_log"); v != nil {
		b, ok := action.Boolean(v)
		i.NoLog = b || !ok
	}
	return i
}

// shownKeywords are the keywords that some callbacks read.
func shownKeywords(t *playbook.Task) *value.Dict {
	d := value.DictOf("connection", value.Str("ssh"), "tags", value.NewList(t.Extended("tags")...))
	for _, k := range []string{"connection", "delegate_to", "run_once", "become", "become_user", "ignore_errors", "ignore_unreachable", "remote_user", "loop_control"} {
		if v := t.Inherited(k); v != nil {
			d.SetStr(k, v)
		}
	}
	if t.Loop != nil {
		d.SetStr("loop", value.NewList(t.Loop))
	}
	if t.Register != "" {
		d.SetStr("register", value.Str(t.Register))
	}
	return d
}

// title is the task's name as banners show it.
func (p *play) title(t *playbook.Task, h *hostRun) string {
	name := t.GetName()
	if template.IsTemplate(name) {
		tpl := p.templarFor(h, t)
		if v, err := tpl.RenderText(name, t.Pos); err == nil {
			if s, err := value.ToStr(v); err == nil {
				name = s
			}
		}
	}
	return name
}

// tell emits a result and updates counters and variables that callbacks and conditions of other hosts may see. A
// handler that does not exist ends the run before the result is shown (sample flow_handlers_missing).
func (p *play) tell(place *strategy.Place, f finished) error {
	r := f.result
	if r.Fatal != nil {
		return r.Fatal
	}
	if r.Changed() && !isLost(r) {
		if err := p.notify(place.Task, f.host); err != nil {
			return err
		}
	}
	rescued := isLost(r) && r.Status == event.Failed && f.host.state.WillRescue()
	host := r.Delegate
	if host.Name == "" {
		host.Name = f.host.name
	}
	included := false
	for _, e := range r.Effects {
		included = included || e.Outcome.Include != nil
	}
	if !included || r.Status == event.Failed || r.Status == event.Skipped {
		p.stats.count(f.host.name, r, rescued)
	}
	p.emit(&event.Result{
		Task: f.info, Host: host, Status: r.Status, Ignored: r.Ignored, Rescued: rescued, Result: task.Shown(r.Dict, r.NoLog), Loop: r.Loop && !r.NoLog,
		Verbose: r.Verbose, Diagnosis: r.Diagnosis,
	})
	return nil
}

// apply lets a result work: registered variables, facts, new hosts, failure. It returns the includes it asks for.
func (p *play) apply(place *strategy.Place, f finished, group []*hostRun) []pendingInclude {
	r := f.result
	var includes []pendingInclude
	for _, h := range group {
		p.store(place.Task, h, r)
		if place.Handler {
			delete(h.notified, place.Task)
		}
	}
	for _, e := range r.Effects {
		if e.Outcome.Include != nil && !e.Failed {
			for _, h := range group {
				includes = append(includes, pendingInclude{host: h, effect: e, result: r})
			}
		}
		if e.Outcome.Stats != nil {
			p.stats.custom(e.Outcome.Stats, f.host.name)
		}
	}
	if place.Task.Role != nil && r.Status != event.Skipped && r.Status != event.Unreachable {
		f.host.rolesRan[place.Task.Role] = true // also after run_once the role ran on this host alone
	}
	for _, h := range group {
		switch {
		case r.Status == event.Unreachable && !r.Ignored:
			h.state.Advance()
			h.state.Unreachable = true
			h.host.unreachable.Store(true)
		case r.Status == event.Failed && !r.Ignored:
			if h.state.Fail() {
				p.remember(place.Task, h, r)
			}
			if h.state.Failed {
				h.host.failed.Store(true)
			}
		default:
			if len(includes) == 0 {
				h.state.Advance()
			}
		}
	}
	return includes
}

func registeredFailure(d *value.Dict) *value.Dict {
	out := value.NewDict()
	for k, v := range d.All() {
		if name, _ := value.AsString(k); strings.HasPrefix(name, "_ansible_") {
			continue
		}
		_ = out.Set(k, v) // the key was hashable before
	}
	return out
}

// setVar stores a variable of the kind that set_fact makes.
func (h *host) setVar(name string, v value.Value, kind template.TextKind) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.set.SetStr(name, v)
	h.setKind[name] = kind
}

// store keeps registered results and facts.
func (p *play) store(t *playbook.Task, h *hostRun, r *task.Result) {
	for _, e := range r.Effects {
		o := e.Outcome
		if o.Facts == nil || e.Failed {
			continue
		}
		target := h.host
		if e.Delegate != "" {
			target = p.delegate(e.Delegate)
		}
		switch o.FactsKind {
		case action.SetFact:
			for k, v := range o.Facts.All() {
				name, _ := value.AsString(k)
				kind := o.Kinds[name]
				if o.Untainted {
					v = p.Templates.Rendered(v, t.Pos)
				} else if kind != template.UnsafeNativeText {
					kind = template.UnsafeText
				}
				target.setVar(name, v, kind)
				if o.Cacheable {
					target.addFacts(value.DictOf(name, v))
				}
			}
			if o.Cacheable {
				p.cacheFacts(target)
			}
		case action.IncludeVars:
			target.load(o.Facts, p.Config.Str("DEFAULT_HASH_BEHAVIOUR") == "merge")
		case action.HostFacts:
			target.addFacts(o.Facts)
			p.cacheFacts(target)
		}
	}
	if t.Register != "" && r.Register != nil {
		kind := template.UnsafeText
		if t.Action == "ansible.builtin.set_fact" || t.Action == "ansible.builtin.include_vars" {
			kind = template.DataText
		}
		h.setVar(t.Register, r.Register, kind)
	}
}

// load adds variables of include_vars.
func (h *host) load(vars *value.Dict, deep bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.loaded = merged(h.loaded, vars, deep)
}

func (h *host) clearFacts() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.facts = value.NewDict()
}

// addFacts merges the facts that a module returned.
func (h *host) addFacts(facts *value.Dict) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.facts = vars.Over(h.facts, facts)
}

func (p *play) cacheFacts(h *host) {
	if p.Facts == nil {
		return
	}
	if err := p.Facts.Set(h.name, h.facts); err != nil {
		p.warn(fmt.Sprintf("error in fact cache for %s: %s", h.name, err))
	}
}

// merged lays b over a, dicts recursively when deep.
func merged(a, b *value.Dict, deep bool) *value.Dict {
	if deep {
		return vars.Merge(a, b)
	}
	return vars.Over(a, b)
}

// notify remembers the handlers that a changed task names.
func (p *play) notify(t *playbook.Task, h *hostRun) error {
	names := handlersOf(t)
	if len(names) == 0 {
		return nil
	}
	tpl := p.templarFor(h, t)
	for _, n := range names {
		v, err := tpl.Render(n)
		if err != nil {
			return err
		}
		elems := []value.Value{v}
		if l, ok := v.(*value.List); ok {
			elems = l.Elems
		}
		for _, e := range elems {
			name, err := value.ToStr(e)
			if err != nil {
				return err
			}
			if name == template.OmitText {
				continue
			}
			if err := p.notifyOne(t, h, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// handlersOf are the notifications of a task, its own or those of the nearest block that has some.
func handlersOf(t *playbook.Task) []value.Value {
	switch v := t.Inherited("notify").(type) {
	case nil:
		return nil
	case *value.List:
		return v.Elems
	default:
		return []value.Value{v}
	}
}

func (p *play) notifyOne(t *playbook.Task, h *hostRun, name string) error {
	found := p.findHandlers(name)
	if len(found) == 0 {
		msg := fmt.Sprintf("The requested handler '%s' was not found in either the main handlers list nor in the listening handlers list", name)
		if !p.Config.Bool("ERROR_ON_MISSING_HANDLER") {
			p.warn(msg)
			return nil
		}
		d := &diag.Diagnostic{Code: diag.HandlerNotFound, Summary: fmt.Sprintf("no handler listens to %q", name), Classic: msg, Exit: diag.ExitError}
		d.At(t.Pos, 0, "")
		if near := didyoumean.Nearest(name, p.handlerNames()); near != "" {
			d.Hint(fmt.Sprintf("did you mean %q?", near))
		}
		return d
	}
	if h.state.RunsHandlers() { // among handlers a notification holds at once, for those that are still to come
		for _, f := range found {
			if !h.notified[f] {
				h.notified[f] = true
				p.emit(&event.Notified{Host: h.name, Handler: name})
			}
		}
		return nil
	}
	if !slices.Contains(h.notifications, name) {
		h.notifications = append(h.notifications, name)
		p.emit(&event.Notified{Host: h.name, Handler: name})
	}
	return nil
}

// resolve finds the handlers that the host's notifications name. That is done when handlers are flushed: of a role that came
// several times the handlers of the last one run.
func (h *hostRun) resolve() {
	for _, name := range h.notifications {
		for _, f := range h.play.findHandlers(name) {
			h.notified[f] = true
		}
	}
	h.notifications = nil
}

// findHandlers resolves a notification: the first match by name walking the handler blocks backwards, and every handler
// that listens to it (BEHAVIOUR §3.3).
func (p *play) findHandlers(name string) []*playbook.Task {
	var found []*playbook.Task
	blocks := p.handlers
	matches := func(h *playbook.Task) bool {
		own := h.Name
		if template.IsTemplate(own) {
			v, err := p.Templates.New(p.handlerScope(h)).RenderText(own, h.Pos)
			if err != nil {
				if len(h.Listen) == 0 {
					p.warn(fmt.Sprintf("Handler '%s' is unusable because it has no listen topics and the name could not be templated (host-specific variables are not supported in handler names). The error: %s", own, err))
				}
				return false
			}
			own, _ = value.ToStr(v)
		}
		if own == "" {
			return false
		}
		if own == name {
			return true
		}
		return h.Role != nil && (h.Role.Name+" : "+own == name || h.Role.FQCN+" : "+own == name)
	}
search:
	for i := len(blocks) - 1; i >= 0; i-- {
		for _, h := range handlerTasks(blocks[i]) {
			if matches(h) {
				found = append(found, h)
				break search
			}
		}
	}
	seen := map[string]bool{}
	for _, b := range slices.Backward(blocks) {
		for _, h := range handlerTasks(b) {
			if !p.listens(h, name) {
				continue
			}
			key := h.GetName()
			if h.Name != "" && seen[key] {
				continue
			}
			seen[key] = true
			dup := false
			for _, f := range found {
				dup = dup || f == h
			}
			if !dup {
				found = append(found, h)
			}
		}
	}
	return found
}

// listens reports whether a handler listens to a topic: as written, or behind its role's name. Templates are not rendered.
func (p *play) listens(h *playbook.Task, topic string) bool {
	for _, l := range h.Listen {
		if template.IsTemplate(l) {
			p.warn(fmt.Sprintf("\"listen\" is not templatable, but we found: %s, it will not be templated and will be used \"as is\".", reprOfTexts(h.Listen)))
		}
		if l == topic || h.Role != nil && (h.Role.Name+" : "+l == topic || h.Role.FQCN+" : "+l == topic) {
			return true
		}
	}
	return false
}

func reprOfTexts(texts []string) string {
	l := value.NewList()
	for _, t := range texts {
		l.Elems = append(l.Elems, value.Str(t))
	}
	s, _ := value.Repr(l)
	return s
}

// handlerTasks are the handlers of a block, in order.
func handlerTasks(b *playbook.Block) []*playbook.Task {
	var out []*playbook.Task
	for _, it := range b.Tasks {
		switch it := it.(type) {
		case *playbook.Task:
			out = append(out, it)
		case *playbook.Block:
			out = append(out, handlerTasks(it)...)
		}
	}
	return out
}

func (p *play) handlerNames() []string {
	var names []string
	for _, b := range p.handlers {
		for _, h := range handlerTasks(b) {
			names = append(names, h.Name)
			names = append(names, h.Listen...)
		}
	}
	return names
}

// roleKey tells role invocations apart: the same role with other parameters, tags, conditions or files is another one.
func (p *play) roleKey(r *playbook.Role) string {
	if k, ok := p.roleKeys[r]; ok {
		return k
	}
	k := roleIdentity(r)
	p.roleKeys[r] = k
	return k
}

func roleIdentity(r *playbook.Role) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\x00%s\x00%s\x00%s\x00%s\x00%v\x00", r.Path, r.TasksFrom, r.VarsFrom, r.DefaultsFrom, r.HandlersFrom, r.FromInclude && len(r.Parents) == 0)
	for _, d := range []value.Value{r.Params, r.VarsKw, r.Get("when"), r.Get("tags")} {
		switch d := d.(type) {
		case nil:
		case *value.Dict:
			if d != nil {
				s, _ := value.Repr(d)
				b.WriteString(s)
			}
		default:
			s, _ := value.Repr(d)
			b.WriteString(s)
		}
		b.WriteByte(0)
	}
	return b.String()
}
