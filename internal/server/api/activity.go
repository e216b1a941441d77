package api

import (
	"encoding/json"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/secret"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// record writes an entry of the activity stream in the transaction of what it tells of.
func (q *request) record(tx *store.Tx, operation string, r *domain.Resource, id int64, changes map[string]any, other *domain.Resource, otherID int64, association string) error {
	if r.Silent {
		return nil
	}
	if changes == nil {
		changes = map[string]any{}
	}
	rec := domain.Record{"operation": operation, "changes": domain.Encode(changes), "object1": string(r.Type), "object1_id": id, "action_node": q.Node, "association": association,
		"timestamp": domain.Stamp(time.Now())}
	if other != nil {
		rec["object2"], rec["object2_id"] = string(other.Type), otherID
		changes["object1"], changes["object1_pk"], changes["object2"], changes["object2_pk"] = string(r.Type), id, string(other.Type), otherID
		changes["action"] = operation
		rec["changes"] = domain.Encode(changes)
	}
	if q.actor.ID != 0 {
		rec["actor"] = q.actor.ID
	}
	return tx.Insert("activity_stream", rec)
}

// recordSave writes what is new, or what changed from what to what.
func (q *request) recordSave(tx *store.Tx, r *domain.Resource, old, rec domain.Record) error {
	if r.Silent {
		return nil
	}
	if old == nil {
		changes := publicFields(r, rec)
		changes["id"] = rec.ID()
		return q.record(tx, "create", r, rec.ID(), changes, nil, 0, "")
	}
	changes := map[string]any{}
	before, after := publicFields(r, old), publicFields(r, rec)
	for k, v := range after {
		a, _ := json.Marshal(before[k])
		b, _ := json.Marshal(v)
		if string(a) != string(b) {
			changes[k] = []any{before[k], v}
		}
	}
	if len(changes) == 0 {
		return nil
	}
	return q.record(tx, "update", r, old.ID(), changes, nil, 0, "")
}

// publicFields are an object's values without its secrets.
func publicFields(r *domain.Resource, rec domain.Record) map[string]any {
	out := map[string]any{}
	for i := range r.Fields {
		f := &r.Fields[i]
		v, given := rec[f.Name]
		if !given || f.Hidden || f.ReadOnly || !f.Column() {
			continue
		}
		switch {
		case f.Name == "password" || f.Name == "host_config_key" || f.Name == "webhook_key":
			v = "hidden"
		case f.Secret:
			v = masked(v)
		}
		if s, isText := v.(string); isText && secret.Sealed(s) {
			v = secret.Mark
		}
		out[f.Name] = v
	}
	return out
}

// activityAction lists the entries about one object.
var activityAction = &action{get: func(q *request, r *domain.Resource, rec domain.Record) (*reply, error) {
	return q.list(domain.Of("activity_stream"), store.Where("t.object1 = ? AND t.object1_id = ? OR t.object2 = ? AND t.object2_id = ?", string(r.Type), rec.ID(), string(r.Type), rec.ID()))
}}

func activityHooks() hooks {
	return hooks{
		links: func(q *request, rec domain.Record, o *object) {
			if rec.Has("actor") {
				o.set("actor", href(domain.Of("user"), rec.Int("actor")))
			}
			for _, end := range []string{"object1", "object2"} {
				if r := domain.Find(domain.Type(rec.Str(end))); r != nil && r.Path != "" {
					o.set(rec.Str(end), []string{href(r, rec.Int(end+"_id"))})
				}
			}
		},
		summary: func(q *request, rec domain.Record, o *object) error {
			if rec.Has("actor") {
				if s, err := q.summary("user", rec.Int("actor")); err == nil {
					o.set("actor", s)
				}
			}
			for _, end := range []string{"object1", "object2"} {
				t := domain.Type(rec.Str(end))
				if domain.Find(t) == nil {
					continue
				}
				if s, err := q.summary(t, rec.Int(end+"_id")); err == nil {
					o.set(string(t), []*object{s})
				}
				if t != "job" {
					continue
				}
				if job, err := q.get("job", rec.Int(end+"_id")); err == nil && job.Has("job_template") {
					if s, err := q.summary("job_template", job.Int("job_template")); err == nil {
						o.set("job_template", []*object{s})
					}
				}
			}
			return nil
		},
		show: func(_ *request, rec domain.Record, o *object, _ bool) error {
			o.set("object_association", rec.Str("association"))
			o.set("object_type", "")
			return nil
		},
	}
}
