package api

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// perJob is how many events a job may have: an event's id is made of its job's and its counter.
const perJob = 1 << 22

const wholeOutput = 10000 // events of a page when the client does not say: clients that follow a job read no second page

var eventTitles = map[string]string{"playbook_on_start": "Playbook Started", "playbook_on_play_start": "Play Started", "playbook_on_task_start": "Task Started", "playbook_on_handler_task_start": "Handler Task Started",
	"playbook_on_stats": "Playbook Complete", "playbook_on_include": "Including File", "playbook_on_notify": "Handler Notified", "playbook_on_no_hosts_matched": "No Hosts Matched", "playbook_on_no_hosts_remaining": "No Hosts Remaining",
	"runner_on_start": "Host Started", "runner_on_ok": "Host OK", "runner_on_failed": "Host Failed", "runner_on_skipped": "Host Skipped", "runner_on_unreachable": "Host Unreachable",
	"runner_item_on_ok": "Item OK", "runner_item_on_failed": "Item Failed", "runner_item_on_skipped": "Item Skipped", "runner_retry": "Host Retry", "verbose": "Verbose", "warning": "Warning", "deprecated": "Deprecated", "error": "Error"}

func eventLevel(name string) int {
	switch {
	case name == "playbook_on_start":
		return 0
	case name == "playbook_on_play_start" || name == "playbook_on_stats" || name == "playbook_on_no_hosts_matched" || name == "playbook_on_no_hosts_remaining":
		return 1
	case strings.HasPrefix(name, "playbook_on_"):
		return 2
	case strings.HasPrefix(name, "runner_"):
		return 3
	}
	return 0
}

// eventUUID is the same for the same event, always.
func eventUUID(job, counter int64) string {
	if counter == 0 {
		return ""
	}
	return stableUUID("event/"+itoa(job), counter)
}

// eventForm is what the events of a kind of job tell: path is where one can be read, "" for nowhere.
type eventForm struct {
	path        string
	plays       bool // play, task, role and playbook
	host, named bool // the host's id, its name
	tree        bool // parent and children
}

var eventForms = map[domain.Type]eventForm{
	"job": {path: "job_events", plays: true, host: true, named: true, tree: true}, "project_update": {plays: true, named: true},
	"ad_hoc_command": {path: "ad_hoc_command_events", host: true, named: true}, "inventory_update": {}, "system_job": {},
}

// eventDisplay is an event in words. Only playbooks have names for all of theirs.
func (f eventForm) display(e store.Event) string {
	title := eventTitles[e.Event]
	switch {
	case title == "" && f.plays:
		title = fieldTitle(e.Event)
	case title == "" || !f.plays && !(f.host && strings.HasPrefix(e.Event, "runner_")):
		title = e.Event
	}
	switch {
	case f.plays && e.Event == "playbook_on_play_start":
		title += " (" + e.Play + ")"
	case f.plays && e.Event == "playbook_on_task_start":
		title += " (" + e.Task + ")"
	}
	return title
}

// ShowEvent is an event as replies and the websocket have it.
func ShowEvent(kind domain.Type, e store.Event, truncate bool) *object {
	form := eventForms[kind]
	id := e.Job*perJob + e.Counter
	o := newObject()
	o.set("id", id)
	o.set("type", string(kind)+"_event")
	own := ""
	if form.path != "" {
		own = "/api/v2/" + form.path + "/" + itoa(id) + "/"
	}
	o.set("url", own)
	related := newObject()
	related.set(string(kind), href(domain.Of(kind), e.Job))
	if form.tree {
		related.set("children", own+"children/")
	}
	hosted := form.host && e.Host != 0
	if hosted {
		related.set("host", href(domain.Of("host"), e.Host))
	}
	o.set("related", related)
	summary := newObject()
	if hosted {
		summary.set("host", map[string]any{"id": e.Host, "name": e.HostName, "description": ""})
	}
	o.set("summary_fields", summary)
	o.set("created", e.Created)
	o.set("modified", e.Created)
	o.set(string(kind), e.Job)
	o.set("event", e.Event)
	o.set("counter", e.Counter)
	o.set("event_display", form.display(e))
	data := any(map[string]any{})
	if len(e.Data) > 0 {
		data = e.Data
	}
	o.set("event_data", data)
	if form.plays {
		o.set("event_level", eventLevel(e.Event))
	}
	o.set("failed", e.Failed)
	o.set("changed", e.Changed)
	o.set("uuid", eventUUID(e.Job, e.Counter))
	if form.tree {
		o.set("parent_uuid", eventUUID(e.Job, e.Parent))
	}
	if form.host {
		var host any
		if e.Host != 0 {
			host = e.Host
		}
		o.set("host", host)
	}
	if form.named {
		o.set("host_name", e.HostName)
	}
	if form.plays {
		o.set("playbook", e.Playbook)
		o.set("play", e.Play)
		o.set("task", e.Task)
		o.set("role", e.Role)
	}
	out := e.Stdout
	if truncate && len(out) > 1024 {
		out = out[:1024] + "\u2026"
	}
	o.set("stdout", out)
	o.set("start_line", e.StartLine)
	o.set("end_line", e.EndLine)
	o.set("verbosity", 0)
	return o
}

// LiveEvent is an event as those who follow its job get it: what AWX sends over its websocket.
func LiveEvent(kind domain.Type, e store.Event) []byte {
	shown := ShowEvent(kind, e, false)
	o := newObject()
	o.set("id", shown.values["id"])
	o.set(string(kind), e.Job)
	stamp := strings.TrimSuffix(e.Created, "Z") + "+00:00"
	o.set("created", stamp)
	o.set("modified", stamp)
	o.set("group_name", string(kind)+"_events")
	if url, has := shown.values["url"].(string); has {
		o.set("url", strings.TrimSuffix(url, "/"))
	}
	for _, name := range []string{"stdout", "counter", "uuid", "parent_uuid", "start_line", "end_line", "event", "event_data", "failed", "changed", "event_level", "play", "role", "task"} {
		if v, has := shown.values[name]; has {
			o.set(name, v)
		}
	}
	b, err := encode(o)
	if err != nil {
		return []byte("{}") // only our own values are in it
	}
	return b
}

// eventColumns are the fields that events can be filtered and ordered by: the others lie in compressed bodies.
var eventColumns = map[string]bool{"counter": true, "event": true, "host": true, "host_name": true, "task": true, "failed": true, "changed": true, "start_line": true, "end_line": true}

// events lists the events of a job, or of a host.
func (q *request) events(r *domain.Resource, rec domain.Record, rel *domain.Related) (*reply, error) {
	where := store.Where("t.job = ?", rec.ID())
	if r.Type == "host" {
		where = store.Where("t.host = ?", rec.ID())
	} else if r.Type == "group" {
		where = store.Where("t.host IN (SELECT to_id FROM link WHERE relation = 'group.hosts' AND from_id = ?)", rec.ID())
	}
	return q.eventList(where)
}

func (q *request) eventList(where store.Condition) (*reply, error) {
	r := domain.Of("job_event")
	keep := url.Values{}
	for key, values := range q.query {
		name := strings.TrimPrefix(strings.TrimPrefix(key, "or__"), "not__")
		name, _, _ = strings.Cut(name, "__")
		switch {
		case name == "parent_uuid" || name == "uuid" || name == "id" || name == "job":
			return nil, badRequest(map[string]string{"error": "Events cannot be filtered by " + name + " here."})
		case eventColumns[name] || r.Field(name) == nil:
			keep[key] = values
		default:
			return nil, badRequest(map[string]string{"error": "Events cannot be filtered by " + name + "."})
		}
	}
	keep.Del("search")
	filter, err := q.DB.Filter(r, keep)
	if err != nil {
		return nil, err
	}
	where = store.All(where, filter)
	order, err := q.DB.Order(r, orderOf(q.query))
	if err != nil {
		return nil, err
	}
	for part := range strings.SplitSeq(orderOf(q.query), ",") {
		if name := strings.TrimPrefix(part, "-"); name != "" && name != "id" && !eventColumns[name] && name != "created" {
			return nil, badRequest(map[string]string{"error": "Events cannot be ordered by " + name + "."})
		}
	}
	order = strings.ReplaceAll(strings.ReplaceAll(order, `t."created"`, "t.counter"), `t."id"`, "t.counter")
	order = strings.TrimSuffix(strings.TrimSuffix(order, " DESC"), "t.id") + "t.counter"
	page, size, err := q.pageOf(wholeOutput)
	if err != nil {
		return nil, err
	}
	if n, err := strconv.Atoi(q.query.Get("limit")); err == nil && n > 0 {
		size = min(n, wholeOutput)
	}
	count, err := q.tx.CountEvents(where)
	if err != nil {
		return nil, err
	}
	if page > 1 && int64(page-1)*int64(size) >= count {
		return nil, badRequest(map[string]string{"error": "Invalid page."})
	}
	list, err := q.tx.Events(store.EventQuery{Where: where, Order: order, Limit: size, Offset: (page - 1) * size})
	if err != nil {
		return nil, err
	}
	shown := make([]*object, len(list))
	kinds := map[int64]domain.Type{}
	for i, e := range list {
		if kinds[e.Job] == "" {
			if kinds[e.Job], err = q.tx.TypeOf("unified_job", e.Job); err != nil {
				return nil, err
			}
		}
		shown[i] = ShowEvent(kinds[e.Job], e, q.query.Get("no_truncate") == "")
		if err := q.eventJob(kinds[e.Job], e.Job, shown[i]); err != nil {
			return nil, err
		}
	}
	if q.query.Get("limit") != "" && q.query.Get("page") == "" {
		return ok(map[string]any{"results": shown})
	}
	return ok(q.envelope(shown, count, page, size))
}

// eventJob adds what an event of a playbook tells of its job.
func (q *request) eventJob(kind domain.Type, job int64, o *object) error {
	var s *object
	var err error
	switch kind {
	case "job":
		s, err = q.jobTold(job)
	case "project_update":
		s, err = q.summary(kind, job)
	default:
		return nil
	}
	summary := o.values["summary_fields"].(*object)
	summary.set(string(kind), s)
	summary.set("role", map[string]any{})
	return err
}

// oneEvent is an event, or those below it.
func (q *request) oneEvent(events *domain.Resource, id int64, sub string) (*reply, error) {
	missing := detail(http.StatusNotFound, "No %s matches the given query.", events.Model)
	job, counter := id/perJob, id%perJob
	kind, err := q.tx.TypeOf("unified_job", job)
	if err != nil || eventForms[kind].path != events.Path {
		return nil, missing
	}
	r := domain.Of(kind)
	yes, err := rbac.Check(q.tx, q.actor, r, r.Access.Read, job)
	if err != nil {
		return nil, err
	}
	if !yes {
		return nil, errForbidden
	}
	q.allow("GET", "HEAD", "OPTIONS")
	switch sub {
	case "children":
		return q.eventList(store.Where("t.job = ? AND t.parent = ?", job, counter))
	case "":
	default:
		return nil, notFoundPage()
	}
	list, err := q.tx.Events(store.EventQuery{Where: store.Where("t.job = ? AND t.counter = ?", job, counter)})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, missing
	}
	o := ShowEvent(kind, list[0], false)
	if err := q.eventJob(kind, job, o); err != nil {
		return nil, err
	}
	return ok(o)
}
