package api

import (
	"net/http"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// copyAction makes an object like another one, with what belongs to it.
var copyAction = &action{
	rules: map[string]string{"POST": ":change"},
	get: func(q *request, r *domain.Resource, rec domain.Record) (*reply, error) {
		may, err := rbac.Check(q.tx, q.actor, r, r.Access.Change, rec.ID())
		if err != nil {
			return nil, err
		}
		o := newObject()
		o.set("can_copy", may)
		if r.Type == "workflow_job_template" { // its copies keep every template, credential and inventory of the nodes
			o.set("can_copy_without_user_input", true)
			for _, name := range []string{"templates_unable_to_copy", "credentials_unable_to_copy", "inventories_unable_to_copy"} {
				o.set(name, []string{})
			}
		}
		return ok(o)
	},
	fields: func() []domain.Field { return []domain.Field{{Name: "name", Kind: domain.String, Required: true}} },
	post: func(q *request, r *domain.Resource, old domain.Record, body map[string]any) (*reply, error) {
		name, _ := body["name"].(string)
		if name == "" {
			return nil, fieldError("name", "This field is required.")
		}
		rec := domain.Record{}
		for i := range r.Fields {
			f := &r.Fields[i]
			switch f.Name {
			case "id", "created", "modified", "created_by", "modified_by", "last_job", "current_job", "next_schedule", "last_job_run", "last_job_failed", "next_job_run", "status", "local_path", "webhook_key", "managed":
			default:
				if f.Column() {
					rec[f.Name] = old[f.Name]
				}
			}
		}
		rec["name"], rec["created_by"], rec["modified_by"] = name, q.actor.ID, q.actor.ID
		if err := q.mayName(r, nil, rec); err != nil {
			return nil, err
		}
		err := q.write(func(tx *store.Tx) error {
			if err := unique(tx, r, nil, rec); err != nil {
				return err
			}
			if err := tx.Insert(r.Type, rec); err != nil {
				return err
			}
			for _, rel := range r.Related {
				if rel.Link == "" || rel.Reverse {
					continue
				}
				ids, err := tx.Linked(rel.Link, old.ID())
				if err != nil {
					return err
				}
				for _, id := range ids {
					if err := tx.Link(rel.Link, rec.ID(), id); err != nil {
						return err
					}
				}
			}
			if err := copyParts(tx, r, old.ID(), rec.ID()); err != nil {
				return err
			}
			if h := hooksOf(r.Type); h.saved != nil {
				if err := h.saved(q, tx, nil, rec); err != nil {
					return err
				}
			}
			return q.recordSave(tx, r, nil, rec)
		})
		if err != nil {
			return nil, err
		}
		made, err := q.get(r.Type, rec.ID())
		if err != nil {
			return nil, err
		}
		o, err := q.show(r, made, true)
		if err != nil {
			return nil, err
		}
		return &reply{status: http.StatusCreated, body: o, location: href(r, rec.ID())}, nil
	},
}

// parts are the objects that are copied with their owner: the field that refers to it, and the links between them.
var parts = map[domain.Type][]struct {
	kind  domain.Type
	field string
	links []string
}{
	"inventory":             {{"host", "inventory", nil}, {"group", "inventory", []string{"group.hosts", "group.children"}}},
	"workflow_job_template": {{"workflow_job_template_node", "workflow_job_template", []string{"workflow_job_template_node.success_nodes", "workflow_job_template_node.failure_nodes", "workflow_job_template_node.always_nodes"}}},
}

func copyParts(tx *store.Tx, r *domain.Resource, old, made int64) error {
	at := map[string]map[int64]int64{}
	for _, part := range parts[r.Type] {
		to := domain.Of(part.kind)
		rows, err := tx.List(to, store.Is(part.field, old), store.Page{})
		if err != nil {
			return err
		}
		at[string(part.kind)] = map[int64]int64{}
		for _, row := range rows {
			id := row.ID()
			for _, f := range []string{"id", "created", "modified", "last_job", "last_job_host_summary"} {
				delete(row, f)
			}
			row[part.field] = made
			if err := tx.Insert(part.kind, row); err != nil {
				return err
			}
			at[string(part.kind)][id] = row.ID()
		}
		for _, link := range part.links {
			ends := at[string(part.kind)]
			if link == "group.hosts" {
				ends = at["host"]
			}
			for from, to := range at[string(part.kind)] {
				ids, err := tx.Linked(link, from)
				if err != nil {
					return err
				}
				for _, id := range ids {
					if err := tx.Link(link, to, ends[id]); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}
