package api

import (
	"net/http"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/launch"
	"github.com/troupe-automation/troupe/internal/server/notify"
	"github.com/troupe-automation/troupe/internal/server/store"
)

func workflowTemplateHooks() hooks {
	return hooks{
		show: hideTemplate, links: webhookLinks,
		summary: func(q *request, rec domain.Record, o *object) error {
			if err := q.labels("workflow_job_template", rec.ID(), o); err != nil {
				return err
			}
			return q.jobsOf(rec, o)
		},
		removable: func(q *request, rec domain.Record) error {
			return q.inUse(store.Where("t.unified_job_template = ?", rec.ID()))
		},
	}
}

// edges adds the nodes that follow a node.
func edges(owner string) func(q *request, rec domain.Record, o *object, _ bool) error {
	return func(q *request, rec domain.Record, o *object, _ bool) error {
		for _, e := range []string{"success_nodes", "failure_nodes", "always_nodes"} {
			ids, err := q.tx.Linked(owner+"."+e, rec.ID())
			if err != nil {
				return err
			}
			if ids == nil {
				ids = []int64{}
			}
			o.set(e, ids)
		}
		return nil
	}
}

func nodeHooks() hooks {
	return hooks{
		check: func(q *request, old, rec domain.Record, w wrong) error {
			if old == nil && rec.Str("identifier") == "" {
				rec["identifier"] = uuid()
			}
			if id := rec.Int("unified_job_template"); id != 0 {
				kind, err := q.concrete("unified_job_template", id)
				if err != nil {
					return err
				}
				if kind.Type == "system_job_template" {
					w.add("unified_job_template", "Cannot nest a %s inside a WorkflowJobTemplate", kind.Model)
				}
			}
			return nil
		},
		show: edges("workflow_job_template_node"),
		attach: func(q *request, rec domain.Record, rel *domain.Related, other domain.Record, detach bool) error {
			if detach || rel.To != "workflow_job_template_node" {
				return nil
			}
			if other.Int("workflow_job_template") != rec.Int("workflow_job_template") {
				return badRequest(map[string]string{"Error": "Nodes belong to different workflows."})
			}
			if other.ID() == rec.ID() {
				return badRequest(map[string]string{"Error": "Cycle detected."})
			}
			var n int64
			err := q.tx.Value(&n, `WITH RECURSIVE reach(id) AS (SELECT CAST(? AS BIGINT) UNION SELECT l.to_id FROM link l JOIN reach ON l.from_id = reach.id
				AND l.relation IN ('workflow_job_template_node.success_nodes', 'workflow_job_template_node.failure_nodes', 'workflow_job_template_node.always_nodes')) SELECT COUNT(*) FROM reach WHERE id = ?`, other.ID(), rec.ID())
			if err == nil && n > 0 {
				err = badRequest(map[string]string{"Error": "Cycle detected."})
			}
			return err
		},
	}
}

func jobNodeHooks() hooks {
	return hooks{show: edges("workflow_job_node"), summary: func(q *request, rec domain.Record, o *object) error {
		if !rec.Has("job") {
			return nil
		}
		kind, err := q.concrete("unified_job", rec.Int("job"))
		if err != nil {
			return nil
		}
		job, err := q.get(kind.Type, rec.Int("job"))
		if err != nil {
			return nil
		}
		s := newObject()
		for _, f := range []string{"id", "name", "description", "status", "failed", "elapsed"} {
			s.set(f, job[f])
		}
		s.set("type", string(kind.Type))
		o.set("job", s)
		return nil
	}}
}

var workflowLaunchAction = &action{
	rules: map[string]string{"POST": ":start"},
	fields: func() []domain.Field {
		r := domain.Of("workflow_job_template")
		fields := []domain.Field{{Name: "extra_vars", Kind: domain.JSON}, {Name: "labels", Kind: domain.Shown}}
		for _, n := range []string{"inventory", "limit", "scm_branch", "job_tags", "skip_tags"} {
			f := *r.Field(n)
			f.Required, f.Default0 = false, false
			fields = append(fields, f)
		}
		return fields
	},
	get: func(q *request, r *domain.Resource, rec domain.Record) (*reply, error) {
		survey, err := launch.Survey(rec)
		if err != nil {
			return nil, err
		}
		needed := neededVars(survey)
		missing, err := q.tx.IDList(domain.Of("workflow_job_template_node"), store.All(store.Is("workflow_job_template", rec.ID()), store.Where("t.unified_job_template IS NULL")))
		if err != nil {
			return nil, err
		}
		if missing == nil {
			missing = []int64{}
		}
		o := newObject()
		o.set("can_start_without_user_input", len(needed) == 0 && !rec.Bool("ask_variables_on_launch") && !rec.Bool("ask_inventory_on_launch"))
		for i := range r.Fields {
			if f := r.Fields[i].Name; len(f) > 4 && f[:4] == "ask_" {
				o.set(f, rec[f])
			}
		}
		o.set("survey_enabled", rec.Bool("survey_enabled"))
		o.set("variables_needed_to_start", needed)
		o.set("node_templates_missing", missing)
		o.set("node_prompts_rejected", []int64{})
		o.set("workflow_job_template_data", map[string]any{"name": rec.Str("name"), "id": rec.ID(), "description": rec.Str("description")})
		defaults := newObject()
		for _, f := range []string{"extra_vars", "limit", "scm_branch", "job_tags", "skip_tags"} {
			defaults.set(f, rec[f])
		}
		defaults.set("inventory", map[string]any{"name": "", "id": ""})
		if s, err := q.summary("inventory", rec.Int("inventory")); err == nil {
			defaults.set("inventory", s.only("id", "name"))
		}
		if rec.Bool("ask_labels_on_launch") {
			defaults.set("labels", []any{})
		}
		o.set("defaults", defaults)
		return ok(o)
	},
	post: (*request).launchBy,
}

var workflowRelaunchAction = &action{
	rules: map[string]string{"POST": ":start"},
	get:   func(_ *request, _ *domain.Resource, _ domain.Record) (*reply, error) { return ok(map[string]any{}) },
	post: func(q *request, _ *domain.Resource, rec domain.Record, _ map[string]any) (*reply, error) {
		if rec.Bool("is_sliced_job") {
			return q.slicedAgain(rec)
		}
		template, err := q.get("workflow_job_template", rec.Int("workflow_job_template"))
		if err != nil {
			return nil, badRequest(map[string]string{"detail": "The workflow template of this job is gone."})
		}
		vars, err := launch.ParseVars(rec.Str("extra_vars"))
		if err != nil {
			return nil, err
		}
		p := launch.Prompts{Fields: domain.Record{}, ExtraVars: vars, Type: "relaunch", CreatedBy: q.actor.ID}
		for _, f := range []string{"inventory", "limit", "scm_branch", "job_tags", "skip_tags"} {
			if rec.Has(f) {
				p.Fields[f] = rec[f]
			}
		}
		return q.launched(domain.Of("workflow_job_template"), template, p, nil)
	},
}

// slicedAgain launches a sliced job once more: what was asked for is in its nodes.
func (q *request) slicedAgain(rec domain.Record) (*reply, error) {
	template, err := q.get("job_template", rec.Int("job_template"))
	if err != nil {
		return nil, badRequest(map[string]string{"detail": "The template of this job is gone."})
	}
	node, err := q.tx.One("workflow_job_node", store.Is("workflow_job", rec.ID()))
	if err != nil {
		return nil, err
	}
	p := launch.Prompts{Fields: domain.Record{}, ExtraVars: map[string]any{}, Type: "relaunch", CreatedBy: q.actor.ID}
	if err := node.Into("extra_data", &p.ExtraVars); err != nil {
		return nil, err
	}
	for _, a := range launch.Asked {
		if node.Has(a.Field) && node[a.Field] != "" {
			p.Fields[a.Field] = node[a.Field]
		}
	}
	return q.launched(domain.Of("job_template"), template, p, nil)
}

// approvalTemplateAction makes an approval of a node.
var approvalTemplateAction = &action{
	rules: map[string]string{"POST": ":change"},
	get:   func(_ *request, _ *domain.Resource, _ domain.Record) (*reply, error) { return ok(map[string]any{}) },
	fields: func() []domain.Field {
		return []domain.Field{{Name: "name", Kind: domain.String, Required: true}, {Name: "description", Kind: domain.String}, {Name: "timeout", Kind: domain.Integer}}
	},
	post: func(q *request, _ *domain.Resource, node domain.Record, body map[string]any) (*reply, error) {
		r := domain.Of("workflow_approval_template")
		w := wrong{}
		rec := q.read(r, nil, body, false, w)
		if err := w.err(); err != nil {
			return nil, err
		}
		rec["workflow_job_template"], rec["created_by"] = node.Int("workflow_job_template"), q.actor.ID
		err := q.write(func(tx *store.Tx) error {
			if err := tx.Insert(r.Type, rec); err != nil {
				return err
			}
			return tx.Update("workflow_job_template_node", node.ID(), domain.Record{"unified_job_template": rec.ID()})
		})
		if err != nil {
			return nil, err
		}
		return q.created(r, rec)
	},
}

func approvalHooks() hooks {
	h := jobHooks()
	show := h.show
	h.show = func(q *request, rec domain.Record, o *object, detail bool) error {
		may := q.may(domain.Of("workflow_approval"), domain.Of("workflow_approval").Access.Start, rec.ID()) == nil
		o.set("can_approve_or_deny", may && active(rec.Str("status")))
		var expires any
		if n := rec.Int("timeout"); n > 0 && rec.Has("started") {
			expires = domain.Stamp(rec.Time("started").Add(time.Duration(n) * time.Second))
		}
		o.set("approval_expiration", expires)
		return show(q, rec, o, detail)
	}
	return h
}

var (
	approveAction = decide("successful")
	denyAction    = decide("failed")
)

// decide ends an approval.
func decide(status string) *action {
	return &action{
		rules: map[string]string{"POST": ":start"},
		get: func(_ *request, _ *domain.Resource, rec domain.Record) (*reply, error) {
			return ok(map[string]bool{"can_approve_or_deny": active(rec.Str("status"))})
		},
		post: func(q *request, r *domain.Resource, rec domain.Record, _ map[string]any) (*reply, error) {
			n := int64(0)
			err := q.write(func(tx *store.Tx) error {
				var err error
				now := domain.Stamp(time.Now())
				n, err = tx.UpdateWhere(r.Type, store.All(store.Is("id", rec.ID()), store.Where("t.status IN ('new', 'pending', 'waiting', 'running')")),
					domain.Record{"status": status, "failed": status != "successful", "finished": now, "event_processing_finished": true, "approved_or_denied_by": q.actor.ID})
				if err != nil || n == 0 {
					return err
				}
				tx.After(q.Dispatcher.Wake)
				tx.After(q.Notifications.Wake)
				decision := notify.Denied
				if status == "successful" {
					decision = notify.Approved
				}
				return notify.Approval(tx, rec, decision)
			})
			if err != nil {
				return nil, err
			}
			if n == 0 {
				return nil, badRequest(map[string]string{"error": "This workflow step has already been approved or denied."})
			}
			return &reply{status: http.StatusNoContent}, nil
		},
	}
}
