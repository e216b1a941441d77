package pyhost

import (
	"context"
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/value"
)

// Callbacks are the callback plugins of a command. They are told events in order, one at a time.
type Callbacks struct {
	host    *Host
	methods map[string]bool // that some plugin wants
	sent    map[string]bool // tasks that Python knows, by ID
	ask     func(op string, args *value.Dict) (value.Value, bool, error)
}

// CallbackOptions say which callbacks are wanted.
type CallbackOptions struct {
	Stdout   string   // the one for standard output; "" when Troupe's own is used
	Enabled  []string // names that are switched on
	Adjacent bool     // those in callback_plugins directories too
	// Ask answers what callbacks ask about hosts ("host") and extra variables.
	Ask func(op string, args *value.Dict) (value.Value, bool, error)
}

// LoadCallbacks loads callback plugins; nil when there are none. stdout reports whether one took the place of standard output's.
func (h *Host) LoadCallbacks(ctx context.Context, o CallbackOptions) (c *Callbacks, stdout bool, err error) {
	candidates := value.NewList()
	taken := map[string]bool{}
	add := func(p *Plugin, role string) {
		if p == nil || taken[p.Path] {
			return
		}
		taken[p.Path] = true
		d := p.value()
		d.SetStr("role", value.Str(role))
		candidates.Elems = append(candidates.Elems, d)
	}
	if o.Stdout != "" {
		p, err := h.Search.Find("callback", o.Stdout, nil)
		if err != nil {
			return nil, false, err
		}
		if p == nil {
			return nil, false, nil
		}
		add(p, "stdout")
	}
	if o.Adjacent {
		for _, f := range h.Search.Files("callback") {
			add(&Plugin{Path: f}, "adjacent")
		}
	}
	for _, name := range o.Enabled {
		p, err := h.Search.Find("callback", name, nil)
		if err != nil {
			return nil, false, err
		}
		if p == nil && h.Output != nil && strings.TrimPrefix(name, "ansible.builtin.") != "junit" { // a part of ansible-core that is not here yet
			h.Output.Warning("Skipping callback plugin '" + name + "', unable to load")
		}
		add(p, "enabled")
	}
	if len(candidates.Elems) == 0 {
		return nil, false, nil
	}
	enabled := value.NewList()
	for _, e := range o.Enabled {
		enabled.Elems = append(enabled.Elems, value.Str(e))
	}
	c = &Callbacks{host: h, sent: map[string]bool{}, methods: map[string]bool{}, ask: o.Ask}
	v, err := c.call(ctx, "callback_load", value.DictOf("candidates", candidates, "enabled", enabled))
	if err != nil {
		return nil, false, raised(err)
	}
	d, _ := v.(*value.Dict)
	if d == nil {
		return nil, false, nil
	}
	problems, _ := d.GetStr("problems")
	if l, ok := problems.(*value.List); ok && len(l.Elems) > 0 {
		return nil, false, fmt.Errorf("%s", plain(l.Elems[0]))
	}
	methods, _ := d.GetStr("methods")
	if l, ok := methods.(*value.List); ok {
		for _, m := range l.Elems {
			c.methods[plain(m)] = true
		}
	}
	if number(d, "count") == 0 {
		return nil, false, nil
	}
	s, _ := d.GetStr("stdout")
	return c, s == value.True, nil
}

func (c *Callbacks) call(ctx context.Context, op string, args *value.Dict) (value.Value, error) {
	return c.host.Call(ctx, RunSide, op, args, &Scope{Ask: c.ask, Lane: 1}, false)
}

// tell calls a method of all plugins.
func (c *Callbacks) tell(method string, pairs ...any) {
	if !c.methods[method] {
		return
	}
	_, err := c.call(context.Background(), "callback", value.DictOf("method", value.Str(method), "data", value.DictOf(pairs...)))
	if err != nil && c.host.Output != nil {
		c.host.Output.Warning("Failure using method (" + method + ") in callback plugins: " + err.Error())
		c.methods = nil // a process that died takes its callbacks along
	}
}

// task describes a task; Python keeps the ones it knows.
func (c *Callbacks) task(t *event.Task) *value.Dict {
	if c.sent[t.ID] {
		return value.DictOf("_uuid", value.Str(t.ID))
	}
	c.sent[t.ID] = true
	name := t.Name
	if t.Role != "" {
		name = strings.TrimPrefix(name, t.Role+" : ")
	}
	d := value.DictOf(
		"_uuid", value.Str(t.ID), "name", value.Str(name), "_shown_name", value.Str(t.Name), "action", value.Str(t.Written), "resolved_action", value.Str(strings.TrimPrefix(t.Action, "ansible.legacy.")),
		"check_mode", value.Bool(t.Check), "diff", value.Bool(t.Diff), "no_log", value.Bool(t.NoLog), "section", value.Str(t.Section))
	if t.Args != nil {
		d.SetStr("args", t.Args)
	}
	if t.Pos.File != "" {
		d.SetStr("_path", value.Str(fmt.Sprintf("%s:%d", t.Pos.File, t.Pos.Line)))
	}
	if t.Role != "" {
		col, role, qualified := collection.Split(t.Role)
		if !qualified {
			col = t.RoleCollection
		}
		d.SetStr("_role", value.DictOf("_role_name", value.Str(role), "_role_collection", value.Str(col)))
	}
	if t.Keywords != nil {
		for k, v := range t.Keywords.All() {
			_ = d.Set(k, v) // the key was hashable before
		}
	}
	return d
}

func (c *Callbacks) result(method string, t *event.Task, h event.Host, r *value.Dict, pairs ...any) {
	if !c.methods[method] {
		return
	}
	if r == nil {
		r = value.NewDict()
	}
	if t.NoLog {
		r = r.Copy()
		r.SetStr("_ansible_no_log", value.True)
	}
	if h.Delegate != "" {
		r = r.Copy()
		vars := value.DictOf("ansible_delegated_host", value.Str(h.Delegate))
		to := h.DelegateTo
		if to == "" {
			to = h.Delegate
		}
		vars.SetStr("ansible_host", value.Str(to))
		r.SetStr("_ansible_delegated_vars", vars)
	}
	all := append([]any{"task", c.task(t), "host", value.Str(h.Name), "delegate", value.Str(h.Delegate), "result", r}, pairs...)
	c.tell(method, all...)
}

func with(r *value.Dict, name string, v value.Value) *value.Dict {
	if r == nil {
		return value.DictOf(name, v)
	}
	r = r.Copy()
	r.SetStr(name, v)
	return r
}

// Words reports whether a callback wants what the run says beside results: it then shows it.
func (c *Callbacks) Words() bool { return c.methods["words"] }

// Emit implements event.Sink.
func (c *Callbacks) Emit(e event.Event) {
	switch e := e.(type) {
	case *event.Message:
		c.tell("words", "kind", value.Str("message"), "text", value.Str(e.Text))
	case *event.Warning:
		c.tell("words", "kind", value.Str(e.Kind), "text", value.Str(e.Text))
	case *event.Log:
		c.tell("words", "kind", value.Str("log"), "text", value.Str(e.Text), "host", value.Str(e.Host), "level", value.Int(e.Verbosity))
	case *event.PlaybookStart:
		c.tell("v2_playbook_on_start", "file", value.Str(e.File))
	case *event.PlayStart:
		c.tell("v2_playbook_on_play_start", "name", value.Str(e.Name), "_uuid", value.Str(e.ID), "hosts", value.NewList(value.Str(e.Pattern)), "check_mode", value.Bool(e.Check),
			"_path", value.Str(fmt.Sprintf("%s:%d", e.Pos.File, e.Pos.Line)))
	case *event.NoHostsMatched:
		c.tell("v2_playbook_on_no_hosts_matched")
	case *event.NoHostsRemaining:
		c.tell("v2_playbook_on_no_hosts_remaining")
	case *event.VarsPrompt:
		c.tell("v2_playbook_on_vars_prompt", "varname", value.Str(e.Name), "private", value.Bool(e.Private), "prompt", value.Str(e.Prompt))
	case *event.TaskStart:
		method := "v2_playbook_on_task_start"
		switch e.Task.Section {
		case event.SectionHandler:
			method = "v2_playbook_on_handler_task_start"
		case event.SectionCleanup:
			method = "v2_playbook_on_cleanup_task_start"
		}
		if c.methods[method] {
			c.tell(method, "task", c.task(e.Task))
		}
	case *event.HostStart:
		if c.methods["v2_runner_on_start"] {
			c.tell("v2_runner_on_start", "task", c.task(e.Task), "host", value.Str(e.Host.Name))
		}
	case *event.Result:
		c.ended(e)
	case *event.ItemResult:
		method := map[event.Status]string{event.Failed: "v2_runner_item_on_failed", event.Unreachable: "v2_runner_item_on_failed", event.Skipped: "v2_runner_item_on_skipped"}[e.Status]
		if method == "" {
			method = "v2_runner_item_on_ok"
		}
		r := with(e.Result, "_ansible_item_label", value.Str(e.Label))
		r.SetStr("_ansible_item_result", value.True)
		if e.Verbose {
			r.SetStr("_ansible_verbose_always", value.True)
		}
		c.result(method, e.Task, e.Host, r)
	case *event.Retry:
		attempts := int64(0)
		if e.Result != nil {
			attempts = number(e.Result, "attempts")
		}
		r := with(e.Result, "retries", value.Int(attempts+int64(e.Left)))
		r.SetStr("_ansible_retry", value.True)
		c.result("v2_runner_retry", e.Task, e.Host, r)
	case *event.AsyncPoll:
		r := value.DictOf("ansible_job_id", value.Str(e.JobID), "started", value.Int(e.Started), "finished", value.Int(e.Finished))
		if e.Result != nil {
			r = with(e.Result, "ansible_job_id", value.Str(e.JobID))
		}
		c.result("v2_runner_on_async_"+e.State, e.Task, e.Host, r)
	case *event.Included:
		hosts := value.NewList()
		for _, h := range e.Hosts {
			hosts.Elems = append(hosts.Elems, value.Str(h))
		}
		if c.methods["v2_playbook_on_include"] {
			c.tell("v2_playbook_on_include", "task", c.task(e.Task), "name", value.Str(e.Name), "hosts", hosts, "label", value.Str(e.Label), "item", value.Bool(e.Item))
		}
	case *event.Notified:
		c.tell("v2_playbook_on_notify", "handler", value.Str(e.Handler), "host", value.Str(e.Host))
	case *event.Stats:
		c.stats(e)
	}
}

func (c *Callbacks) ended(e *event.Result) {
	r := e.Result
	if e.Verbose {
		r = with(r, "_ansible_verbose_always", value.True)
	}
	switch e.Status {
	case event.Failed:
		c.result("v2_runner_on_failed", e.Task, e.Host, r, "ignore_errors", ignored(e))
	case event.Unreachable:
		c.result("v2_runner_on_unreachable", e.Task, e.Host, r)
	case event.Skipped:
		c.result("v2_runner_on_skipped", e.Task, e.Host, r)
	default:
		if e.Task.Diff {
			c.result("v2_on_file_diff", e.Task, e.Host, r)
		}
		c.result("v2_runner_on_ok", e.Task, e.Host, r)
	}
}

// ignored is ignore_errors as callbacks get it: nothing where the task does not say.
func ignored(e *event.Result) value.Value {
	if !e.Ignored {
		if e.Task.Keywords == nil {
			return value.None
		}
		if _, said := e.Task.Keywords.GetStr("ignore_errors"); !said {
			return value.None
		}
	}
	return value.Bool(e.Ignored)
}

func (c *Callbacks) stats(e *event.Stats) {
	hosts := value.NewDict()
	for _, name := range e.Hosts {
		s := e.ByHost[name]
		hosts.SetStr(name, value.DictOf("ok", value.Int(s.OK), "changed", value.Int(s.Changed), "unreachable", value.Int(s.Unreachable), "failed", value.Int(s.Failed),
			"skipped", value.Int(s.Skipped), "rescued", value.Int(s.Rescued), "ignored", value.Int(s.Ignored)))
	}
	custom := value.NewDict()
	for host, d := range e.Custom {
		custom.SetStr(host, d)
	}
	c.tell("v2_playbook_on_stats", "hosts", hosts, "custom", custom)
}
