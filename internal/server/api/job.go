package api

import (
	"html"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/server/dispatch"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/launch"
	"github.com/troupe-automation/troupe/internal/server/store"
)

func active(status string) bool {
	return status == "new" || status == "pending" || status == "waiting" || status == "running"
}

func jobHooks() hooks {
	return hooks{
		show: func(q *request, rec domain.Record, o *object, detail bool) error {
			by := map[string]any{}
			if u, err := q.get("user", rec.Int("created_by")); err == nil {
				by = map[string]any{"id": u.ID(), "name": u.Str("username"), "type": "user", "url": href(domain.Of("user"), u.ID())}
			}
			if s, err := q.get("schedule", rec.Int("schedule")); err == nil {
				by = map[string]any{"id": s.ID(), "name": s.Str("name"), "type": "schedule", "url": href(domain.Of("schedule"), s.ID())}
			}
			o.set("launched_by", by)
			for _, name := range []string{"extra_vars", "job_args"} {
				if s, is := o.values[name].(string); is {
					o.set(name, launch.Mask(s))
				}
			}
			if _, has := o.values["passwords_needed_to_start"]; has {
				o.set("passwords_needed_to_start", []string{})
			}
			if _, has := o.values["result_stdout"]; has && detail {
				said, err := q.output(rec.ID())
				if err != nil {
					return err
				}
				o.set("result_stdout", ansi.ReplaceAllString(said, ""))
			}
			if _, has := o.values["work_unit_id"]; has && rec.Str("work_unit_id") == "" {
				o.set("work_unit_id", nil)
			}
			if rec.Str("status") == "running" && rec.Has("started") {
				o.set("elapsed", float64(time.Since(rec.Time("started")).Milliseconds())/1000)
			}
			return nil
		},
		links: func(q *request, rec domain.Record, o *object) {
			if node := q.nodeOf(rec.ID()); node != nil {
				o.set("source_workflow_job", href(domain.Of("workflow_job"), node.Int("workflow_job")))
			}
		},
		summary: func(q *request, rec domain.Record, o *object) error {
			if rec.Type() == "job" || rec.Type() == "workflow_job" {
				if err := q.labels("unified_job", rec.ID(), o); err != nil {
					return err
				}
			}
			if rec.Type() == "job" || rec.Type() == "inventory_update" {
				if err := q.credentialList("unified_job", rec.ID(), o); err != nil {
					return err
				}
			}
			if c, is := o.values["user_capabilities"].(*object); is && rec.Type() == "system_job" {
				c.set("start", false) // its template starts it, nobody starts it again
			}
			if node := q.nodeOf(rec.ID()); node != nil {
				if job, err := q.get("workflow_job", node.Int("workflow_job")); err == nil {
					s := newObject()
					for _, f := range []string{"id", "name", "description", "status", "failed", "elapsed"} {
						s.set(f, job[f])
					}
					o.set("source_workflow_job", s)
				}
			}
			return nil
		},
		removable: func(_ *request, rec domain.Record) error {
			if active(rec.Str("status")) {
				return detail(http.StatusForbidden, "Cannot delete running job resource.")
			}
			return nil
		},
	}
}

// nodeOf is the workflow's node that a job runs for, nil when there is none.
func (q *request) nodeOf(job int64) domain.Record {
	key := cacheKey{"workflow_job_node:job", job}
	if rec, known := q.cache[key]; known {
		return rec
	}
	rec, err := q.tx.One("workflow_job_node", store.Is("job", job))
	if err != nil {
		rec = nil
	}
	q.cache[key] = rec
	return rec
}

var cancelAction = &action{
	rules: map[string]string{"POST": ":change"},
	get: func(_ *request, r *domain.Resource, rec domain.Record) (*reply, error) {
		o := newObject()
		o.set("can_cancel", active(rec.Str("status")))
		if r.Type != "job" {
			o.set("job_explanation", rec.Str("job_explanation"))
		}
		return ok(o)
	},
	post: func(q *request, _ *domain.Resource, rec domain.Record, _ map[string]any) (*reply, error) {
		if !active(rec.Str("status")) {
			return nil, q.notAllowed()
		}
		if err := q.Dispatcher.Cancel(q.ctx, rec.ID()); err != nil {
			return nil, err
		}
		return &reply{status: http.StatusAccepted}, nil
	},
}

// systemLaunchAction starts one of the installation's own jobs.
var systemLaunchAction = &action{
	get: func(_ *request, _ *domain.Resource, _ domain.Record) (*reply, error) { return ok(map[string]any{}) },
	post: func(q *request, r *domain.Resource, rec domain.Record, body map[string]any) (*reply, error) {
		vars, problem := variables(nil, orEmpty(body["extra_vars"]))
		if problem != "" {
			return nil, fieldError("extra_vars", "%s", problem)
		}
		given, err := launch.ParseVars(vars.(string))
		if err != nil {
			return nil, err
		}
		if _, err := dispatch.Days(given); err != nil {
			return nil, badRequest(map[string]any{"extra_vars": []string{err.Error()}})
		}
		return q.launched(r, rec, launch.Prompts{Type: "manual", CreatedBy: q.actor.ID, ExtraVars: given}, nil)
	},
	fields: func() []domain.Field { return []domain.Field{{Name: "extra_vars", Kind: domain.JSON}} },
}

var relaunchAction = &action{
	rules: map[string]string{"POST": ":start"},
	get: func(q *request, _ *domain.Resource, rec domain.Record) (*reply, error) {
		counts := map[string]int64{}
		all, err := q.tx.Count(domain.Of("job_host_summary"), store.Is("job", rec.ID()))
		if err != nil {
			return nil, err
		}
		failed, err := q.tx.Count(domain.Of("job_host_summary"), store.All(store.Is("job", rec.ID()), store.Where("t.failed = 1")))
		if err != nil {
			return nil, err
		}
		counts["all"], counts["failed"] = all, failed
		return ok(map[string]any{"passwords_needed_to_start": []string{}, "retry_counts": counts})
	},
	post: func(q *request, r *domain.Resource, rec domain.Record, body map[string]any) (*reply, error) {
		changes := domain.Record{}
		switch body["hosts"] {
		case nil, "all":
		case "failed":
			rows, err := q.tx.List(domain.Of("job_host_summary"), store.All(store.Is("job", rec.ID()), store.Where("t.failed = 1")), store.Page{})
			if err != nil {
				return nil, err
			}
			if len(rows) == 0 {
				return nil, badRequest(map[string]string{"hosts": "Job has no failed hosts to relaunch on."})
			}
			var names []string
			for _, s := range rows {
				names = append(names, s.Str("host_name"))
			}
			changes["limit"] = strings.Join(names, ",")
		default:
			return nil, fieldError("hosts", "\"%v\" is not a valid choice.", body["hosts"])
		}
		if t, is := body["job_type"].(string); is && (t == "run" || t == "check") {
			changes["job_type"] = t
		}
		return q.again(r, rec, changes)
	},
	fields: func() []domain.Field {
		return []domain.Field{{Name: "hosts", Kind: domain.Choice, Choices: []any{"all", "failed"}}, {Name: "credential_passwords", Kind: domain.JSON}}
	},
}

var adHocRelaunchAction = &action{
	rules: map[string]string{"POST": ":start"},
	get: func(_ *request, _ *domain.Resource, _ domain.Record) (*reply, error) {
		return ok(map[string]any{"passwords_needed_to_start": []string{}})
	},
	post: func(q *request, r *domain.Resource, rec domain.Record, _ map[string]any) (*reply, error) {
		return q.again(r, rec, nil)
	},
}

// again makes a job like an old one.
func (q *request) again(r *domain.Resource, old, changes domain.Record) (*reply, error) {
	rec := domain.Record{}
	for i := range r.Fields {
		f := &r.Fields[i]
		switch f.Name {
		case "id", "created", "modified", "started", "finished", "canceled_on", "elapsed", "status", "failed", "job_explanation", "result_traceback", "event_processing_finished", "host_status_counts",
			"playbook_counts", "artifacts", "attempt", "cancel_flag", "events", "stdout_lines", "execution_node", "controller_node", "schedule", "depends_on", "start_args", "job_args", "job_env", "job_cwd":
		default:
			if f.Column() {
				rec[f.Name] = old[f.Name]
			}
		}
	}
	for k, v := range changes {
		rec[k] = v
	}
	rec["status"], rec["launch_type"], rec["created_by"] = "pending", "relaunch", q.actor.ID
	err := q.write(func(tx *store.Tx) error {
		if err := tx.Insert(r.Type, rec); err != nil {
			return err
		}
		for _, list := range []string{"credentials", "labels", "instance_groups"} {
			ids, err := tx.Linked("unified_job."+list, old.ID())
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := tx.Link("unified_job."+list, rec.ID(), id); err != nil {
					return err
				}
			}
		}
		tx.After(q.Dispatcher.Wake)
		return nil
	})
	if err != nil {
		return nil, err
	}
	rep, err := q.created(r, rec)
	if err == nil {
		rep.body.(*object).set(string(r.Type), rec.ID())
	}
	return rep, err
}

func adHocHooks() hooks {
	h := jobHooks()
	h.check = func(q *request, old, rec domain.Record, w wrong) error {
		if old != nil {
			return nil
		}
		if (rec.Str("module_name") == "command" || rec.Str("module_name") == "shell") && rec.Str("module_args") == "" {
			w.add("module_args", "No argument passed to %s module.", rec.Str("module_name"))
		}
		if vars, err := launch.ParseVars(rec.Str("extra_vars")); err == nil {
			var connection []string
			for k := range vars {
				if strings.HasPrefix(k, "ansible_") {
					connection = append(connection, k)
				}
			}
			if slices.Sort(connection); len(connection) > 0 {
				slices.Reverse(connection)
				w.add("extra_vars", "%s are prohibited from use in ad hoc commands.", strings.Join(connection, ", "))
			}
		}
		inv, err := q.get("inventory", rec.Int("inventory"))
		if err != nil {
			return err
		}
		rec["name"], rec["status"], rec["launch_type"] = rec.Str("module_name"), "pending", "manual"
		rec["organization"] = inv["organization"]
		rec["execution_environment"], err = launch.Environment(q.tx, q.get, rec)
		return err
	}
	h.saved = func(q *request, tx *store.Tx, old, _ domain.Record) error {
		if old == nil {
			tx.After(q.Dispatcher.Wake)
		}
		return nil
	}
	return h
}

var ansi = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")

// output is what a job printed.
func (q *request) output(job int64) (string, error) {
	var b strings.Builder
	err := q.tx.EachEvent(job, func(e store.Event) {
		if e.Stdout != "" {
			b.WriteString(strings.ReplaceAll(e.Stdout, "\r\n", "\n"))
			b.WriteByte('\n')
		}
	})
	return b.String(), err
}

// stdoutAction is the output of a job in several forms.
var stdoutAction = &action{get: func(q *request, r *domain.Resource, rec domain.Record) (*reply, error) {
	content, err := q.output(rec.ID())
	if err != nil {
		return nil, err
	}
	format := q.query.Get("format")
	plain := strings.TrimSuffix(format, "_download")
	attachment := ""
	if plain != format {
		attachment = string(r.Type) + "_" + itoa(rec.ID()) + ".txt"
	}
	const most = 1 << 20
	if attachment == "" && len(content) > most {
		content = "Standard Output too large to display (" + strconv.Itoa(len(content)) + " bytes), only download supported for sizes over " + strconv.Itoa(most) + " bytes.\n"
	}
	lines := strings.SplitAfter(content, "\n")
	total := len(lines)
	if lines[total-1] == "" {
		total--
	}
	start, end := 0, total
	if n, err := strconv.Atoi(q.query.Get("start_line")); err == nil {
		start = min(max(n, 0), total)
	}
	if n, err := strconv.Atoi(q.query.Get("end_line")); err == nil {
		end = min(max(n, start), total)
	}
	content = strings.Join(lines[start:end], "")
	switch plain {
	case "ansi":
		return ok(text{kind: "text/plain; charset=utf-8", content: content, attachment: attachment})
	case "json":
		content = ansiOrPlain(q, content)
		return ok(map[string]any{"range": map[string]int{"start": start, "end": end, "absolute_end": total}, "content": content})
	case "html", "api":
		return ok(text{kind: "text/html; charset=utf-8", content: "<!doctype html><pre>" + html.EscapeString(ansi.ReplaceAllString(content, "")) + "</pre>\n"})
	}
	return ok(text{kind: "text/plain; charset=utf-8", content: ansi.ReplaceAllString(content, ""), attachment: attachment})
}}

func ansiOrPlain(q *request, content string) string {
	if q.query.Get("content_format") == "ansi" {
		return content
	}
	return ansi.ReplaceAllString(content, "")
}
