package api

import (
	"fmt"
	"maps"
	"net/http"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/inventory"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/store"
)

const bulkLimit = 100000

func bulkHelp(q *request) (*reply, error) {
	return ok(map[string]string{"detail": "POST a list here."})
}

func bulkOptions(name string) func(*request) (*object, error) {
	return func(*request) (*object, error) {
		fields := newObject()
		add := func(name, kind string, required bool) {
			fields.set(name, map[string]any{"type": kind, "required": required, "label": fieldTitle(name), "help_text": ""})
		}
		switch name {
		case "host_create":
			add("inventory", "id", true)
			add("hosts", "list", true)
		case "host_delete":
			add("hosts", "list", true)
		default:
			add("jobs", "field", true)
			for _, f := range [][2]string{{"name", "string"}, {"description", "string"}, {"extra_vars", "json"}, {"organization", "id"}, {"inventory", "id"}, {"limit", "string"}, {"scm_branch", "string"}, {"skip_tags", "string"}, {"job_tags", "string"}} {
				add(f[0], f[1], false)
			}
		}
		actions := newObject()
		actions.set("POST", fields)
		return describe("Bulk "+fieldTitle(name), "", actions), nil
	}
}

// bulkHostCreate makes many hosts of one inventory in one transaction.
func (q *request) bulkHostCreate() (*reply, error) {
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	list, is := body["hosts"].([]any)
	if !is {
		return nil, fieldError("hosts", "This field is required.")
	}
	if len(list) == 0 {
		return nil, fieldError("hosts", "This list may not be empty.")
	}
	if len(list) > bulkLimit {
		return nil, fieldError("hosts", "Number of hosts exceeds system setting BULK_HOST_MAX_CREATE")
	}
	id, _ := integer(body["inventory"])
	inv, err := q.get("inventory", id)
	if err != nil {
		return nil, fieldError("inventory", "Invalid pk \"%d\" - object does not exist.", id)
	}
	if err := q.may(domain.Of("inventory"), "admin_role", id); err != nil {
		return nil, err
	}
	if inv.Str("kind") != "" {
		return nil, fieldError("__all__", "Hosts can only be created in manual inventories (not smart or constructed types).")
	}
	r := domain.Of("host")
	shown := []*object{}
	seen := map[string]bool{}
	err = q.write(func(tx *store.Tx) error {
		for _, x := range list {
			one, is := x.(map[string]any)
			if !is {
				return fieldError("hosts", "Invalid data. Expected a dictionary.")
			}
			one["inventory"] = id
			w := wrong{}
			rec := q.read(r, nil, one, false, w)
			if err := w.err(); err != nil {
				return badRequest(map[string]any{"hosts": []any{w}})
			}
			if seen[rec.Str("name")] {
				return fieldError("__all__", "Hostnames must be unique in an inventory. Duplicates found: ['%s']", rec.Str("name"))
			}
			seen[rec.Str("name")] = true
			rec["created_by"] = q.actor.ID
			if err := tx.Insert("host", rec); err != nil {
				if err == store.ErrConflict {
					return fieldError("__all__", "Hostnames must be unique in an inventory. Duplicates found: ['%s']", rec.Str("name"))
				}
				return err
			}
			o := newObject()
			o.set("id", rec.ID())
			for _, f := range []string{"name", "enabled", "instance_id", "description", "variables"} {
				o.set(f, rec[f])
			}
			o.set("url", href(r, rec.ID()))
			o.set("inventory", href(domain.Of("inventory"), id))
			shown = append(shown, o)
		}
		return inventory.Recount(tx, id)
	})
	if err != nil {
		return nil, err
	}
	o := newObject()
	o.set("url", href(domain.Of("inventory"), id)+"hosts/")
	o.set("hosts", shown)
	return &reply{status: http.StatusCreated, body: o}, nil
}

func (q *request) bulkHostDelete() (*reply, error) {
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	list, is := body["hosts"].([]any)
	if !is || len(list) == 0 {
		return nil, fieldError("hosts", "Ensure this field has at least 1 elements.")
	}
	var ids []int64
	for _, x := range list {
		id, is := integer(x)
		if !is {
			return nil, fieldError("hosts", "A valid integer is required.")
		}
		ids = append(ids, id)
	}
	r := domain.Of("host")
	allowed, err := rbac.Among(q.tx, q.actor, r, r.Access.Delete, ids)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	err = q.write(func(tx *store.Tx) error {
		inventories := map[int64]bool{}
		for _, id := range ids {
			rec, err := tx.Get("host", id)
			if err != nil || !allowed[id] {
				return fieldError("__all__", "Hosts do not exist or you lack permission to delete it: {%d}", id)
			}
			if err := tx.Delete("host", id); err != nil {
				return err
			}
			inventories[rec.Int("inventory")] = true
			out[itoa(id)] = fmt.Sprintf("The host %s was deleted", rec.Str("name"))
		}
		for id := range inventories {
			if err := inventory.Recount(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusCreated, body: map[string]any{"hosts": out}}, nil
}

// bulkJobLaunch runs many templates as one workflow job without edges.
func (q *request) bulkJobLaunch() (*reply, error) {
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	list, is := body["jobs"].([]any)
	if !is || len(list) == 0 {
		return nil, fieldError("jobs", "This field is required.")
	}
	name, _ := body["name"].(string)
	if name == "" {
		name = "Bulk Job Launch"
	}
	r := domain.Of("workflow_job")
	rec := domain.Record{"name": name, "status": "pending", "launch_type": "manual", "created_by": q.actor.ID, "extra_vars": "{}"}
	for _, f := range []string{"description", "limit", "scm_branch", "job_tags", "skip_tags"} {
		if s, is := body[f].(string); is {
			rec[f] = s
		}
	}
	if v, problem := variables(nil, orEmpty(body["extra_vars"])); problem == "" {
		rec["extra_vars"] = v
	} else {
		return nil, fieldError("extra_vars", "%s", problem)
	}
	for _, f := range []domain.Type{"organization", "inventory"} {
		if id, is := integer(body[string(f)]); is {
			if err := q.may(domain.Of(f), domain.Of(f).Access.Use, id); err != nil {
				return nil, err
			}
			rec[string(f)] = id
		}
	}
	node := domain.Of("workflow_job_node")
	var nodes []domain.Record
	for _, x := range list {
		one, is := x.(map[string]any)
		id, has := integer(one["unified_job_template"])
		if !is || !has {
			return nil, fieldError("jobs", "unified_job_template: This field is required.")
		}
		kind, err := q.concrete("unified_job_template", id)
		if err != nil {
			return nil, fieldError("jobs", "Unified Job Templates {%d} not found.", id)
		}
		if err := q.may(kind, kind.Access.Start, id); err != nil {
			return nil, fieldError("jobs", "Unified Job Templates {%d} not found.", id)
		}
		n := domain.Record{"unified_job_template": id, "identifier": uuid()}
		for i := range node.Fields {
			f := node.Fields[i]
			if v, given := one[f.Name]; given && f.Column() && f.Name != "id" && f.Name != "unified_job_template" && f.Name != "workflow_job" && f.Name != "job" {
				x, problem := q.value(node, &f, v)
				if problem != "" {
					return nil, fieldError("jobs", "%s: %s", f.Name, problem)
				}
				n[f.Name] = x
			}
		}
		nodes = append(nodes, n)
	}
	err = q.write(func(tx *store.Tx) error {
		if err := tx.Insert(r.Type, rec); err != nil {
			return err
		}
		for _, n := range nodes {
			n = maps.Clone(n)
			n["workflow_job"] = rec.ID()
			if err := tx.Insert("workflow_job_node", n); err != nil {
				return err
			}
		}
		tx.After(q.Dispatcher.Wake)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return q.created(r, rec)
}

func orEmpty(v any) any {
	if v == nil {
		return ""
	}
	return v
}
