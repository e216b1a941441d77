package api

import (
	"encoding/json"
	"net/http"
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

// The assignments of role definitions are another view of the roles.

func (q *request) userAssignments() (*reply, error) { return q.assignments("user") }
func (q *request) teamAssignments() (*reply, error) { return q.assignments("team") }
func (q *request) assignUser() (*reply, error)      { return q.assign("user") }
func (q *request) assignTeam() (*reply, error)      { return q.assign("team") }

func (q *request) assignments(kind string) (*reply, error) {
	if !q.actor.Superuser && !q.actor.Auditor {
		return q.plainList(nil)
	}
	definitions, err := q.definitions()
	if err != nil {
		return nil, err
	}
	var all []*object
	err = q.tx.Query("SELECT id, object_type, object_id, role, "+kind+"_id, created FROM role_grant WHERE "+kind+"_id IS NOT NULL ORDER BY id", nil, func(scan func(...any) error) error {
		var id, object, holder int64
		var t, role, created string
		if err := scan(&id, &t, &object, &role, &holder, &created); err != nil {
			return err
		}
		definition, known := definitions[t+"."+role]
		if !known {
			return nil
		}
		o := newObject()
		o.set("id", id)
		o.set("url", "/api/v2/role_"+kind+"_assignments/"+itoa(id)+"/")
		o.set("related", map[string]string{"role_definition": href(domain.Of("role_definition"), definition), kind: href(domain.Of(domain.Type(kind)), holder)})
		o.set("summary_fields", newObject())
		o.set("created", created)
		o.set("created_by", nil)
		o.set("content_type", contentType(domain.Type(t)))
		o.set("object_id", itoa(object))
		o.set("role_definition", definition)
		o.set(kind, holder)
		all = append(all, o)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return q.plainList(all)
}

// definitions maps "job_template.execute_role" to the id of the definition that is another name of it.
func (q *request) definitions() (map[string]int64, error) {
	rows, err := q.tx.List(domain.Of("role_definition"), store.Where("t.managed = 1"), store.Page{})
	out := map[string]int64{}
	for _, rec := range rows {
		out[rec.Str("grants")] = rec.ID()
	}
	return out, err
}

// contentType is a type in the words of role definitions.
func contentType(t domain.Type) string {
	r := domain.Find(t)
	if r == nil {
		return ""
	}
	return contentTypes[t]
}

var contentTypes = map[domain.Type]string{"credential": "awx.credential", "execution_environment": "awx.executionenvironment", "instance_group": "awx.instancegroup", "inventory": "awx.inventory",
	"job_template": "awx.jobtemplate", "notification_template": "awx.notificationtemplate", "project": "awx.project", "workflow_job_template": "awx.workflowjobtemplate",
	"organization": "shared.organization", "team": "shared.team"}

func (q *request) roleMetadata() (*reply, error) {
	rows, err := q.tx.List(domain.Of("role_definition"), store.Where("t.managed = 1"), store.Page{})
	if err != nil {
		return nil, err
	}
	allowed := map[string]map[string]bool{}
	for _, rec := range rows {
		var list []string
		if err := rec.Into("permissions", &list); err != nil || !rec.Has("content_type") {
			continue
		}
		ct := rec.Str("content_type")
		if allowed[ct] == nil {
			allowed[ct] = map[string]bool{}
		}
		for _, p := range list {
			allowed[ct][p] = true
		}
	}
	out := map[string][]string{}
	for ct, set := range allowed {
		out[ct] = sortedKeys(set)
	}
	return ok(map[string]any{"allowed_permissions": out})
}

func (q *request) assign(kind string) (*reply, error) {
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	id, is := integer(body["role_definition"])
	if !is {
		return nil, fieldError("role_definition", "This field is required.")
	}
	definition, err := q.get("role_definition", id)
	if err != nil {
		return nil, fieldError("role_definition", "Invalid pk \"%d\" - object does not exist.", id)
	}
	holder, is := integer(body[kind])
	if !is {
		return nil, fieldError(kind, "This field is required.")
	}
	object, is := integer(body["object_id"])
	if !is {
		return nil, fieldError("object_id", "This field is required.")
	}
	role, known := roleOfGrant(definition.Str("grants"), object)
	if !known {
		return nil, fieldError("role_definition", "This role definition cannot be assigned.")
	}
	to := domain.Of(domain.Type(kind))
	if _, err := q.get(to.Type, holder); err != nil {
		return nil, fieldError(kind, "Invalid pk \"%d\" - object does not exist.", holder)
	}
	if _, err := q.giveRole(role, to, holder, false); err != nil {
		return nil, err
	}
	return &reply{status: http.StatusCreated, body: map[string]any{"role_definition": id, kind: holder, "object_id": itoa(object), "content_type": definition["content_type"]}}, nil
}
