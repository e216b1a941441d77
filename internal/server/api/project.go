package api

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/launch"
	"github.com/troupe-automation/troupe/internal/server/project"
	"github.com/troupe-automation/troupe/internal/server/store"
)

var unnameable = regexp.MustCompile(`[^A-Za-z0-9]+`)

func projectHooks() hooks {
	return hooks{
		check: func(q *request, old, rec domain.Record, w wrong) error {
			kind, url := merged(old, rec, "scm_type"), merged(old, rec, "scm_url")
			if kind != "" && url == "" && kind != "insights" {
				w.add("scm_url", "SCM URL must be provided.")
			}
			if kind == "git" && url != "" {
				if err := project.CheckURL(url); err != nil {
					w.add("scm_url", "%s", err)
				}
			}
			if kind == "svn" && url != "" {
				if err := project.CheckSubversion(url, ""); err != nil {
					w.add("scm_url", "%s", err)
				}
				if err := project.CheckSubversion(url, merged(old, rec, "scm_branch")); err != nil && w["scm_url"] == nil {
					w.add("scm_branch", "%s", err)
				}
			}
			if id := rec.Int("signature_validation_credential"); id != 0 {
				if kind, err := q.namespace(id); err != nil {
					return err
				} else if kind != "gpg_public_key" {
					w.add("signature_validation_credential", "Credential must be a GPG public key.")
				}
			}
			if err := project.CheckRef(merged(old, rec, "scm_branch")); err != nil {
				w.add("scm_branch", "%s", err)
			}
			if kind == "" {
				path := merged(old, rec, "local_path")
				if path != "" && (!filepath.IsLocal(path) || strings.ContainsAny(path, `/\`) || strings.HasPrefix(path, ".")) {
					w.add("local_path", "Invalid path choice.")
				}
				if path == "" && old == nil {
					w.add("local_path", "This field is required for manual projects.")
				}
			}
			if old != nil {
				for _, f := range []string{"scm_type", "scm_url", "scm_branch", "scm_refspec", "credential"} {
					if v, given := rec[f]; given && v != old[f] {
						q.changed = true
					}
				}
			}
			return nil
		},
		saved: func(q *request, tx *store.Tx, old, rec domain.Record) error {
			id := rec.ID()
			if old != nil {
				id = old.ID()
			}
			now, err := tx.Get("project", id)
			if err != nil {
				return err
			}
			if now.Str("scm_type") == "" {
				return tx.Update("project", id, domain.Record{"status": "ok"})
			}
			if old == nil {
				if err := tx.Update("project", id, domain.Record{"local_path": "_" + itoa(id) + "__" + strings.ToLower(unnameable.ReplaceAllString(now.Str("name"), "_"))}); err != nil {
					return err
				}
			}
			if old == nil || q.changed {
				_, err = launch.Make(tx, q.Box, "project", now, launch.Prompts{Type: "manual", CreatedBy: q.actor.ID, Fields: domain.Record{"job_type": "check"}})
				tx.After(q.Dispatcher.Wake)
			}
			return err
		},
		show:    lastUpdate,
		links:   templateLinks,
		summary: templateSummary,
		removable: func(q *request, rec domain.Record) error {
			return q.inUse(store.Where("t.project = ?", rec.ID()))
		},
	}
}

// namespace is the kind of a credential.
func (q *request) namespace(credential int64) (string, error) {
	c, err := q.get("credential", credential)
	if err != nil {
		return "", err
	}
	kind, err := q.get("credential_type", c.Int("credential_type"))
	return kind.Str("namespace"), err
}

func merged(old, rec domain.Record, field string) string {
	if _, given := rec[field]; given || old == nil {
		return rec.Str(field)
	}
	return old.Str(field)
}

func lastUpdate(_ *request, rec domain.Record, o *object, _ bool) error {
	o.set("last_update_failed", rec.Bool("last_job_failed"))
	o.set("last_updated", rec["last_job_run"])
	return nil
}

// templateLinks name the last and the running job of a template by both of their names.
func templateLinks(q *request, rec domain.Record, o *object) {
	for _, pair := range [][2]string{{"last_job", "last_update"}, {"current_job", "current_update"}} {
		if v, has := o.values[pair[0]]; has && (rec.Type() == "project" || rec.Type() == "inventory_source") {
			o.set(pair[1], v)
		}
	}
}

// templateSummary tells of the last and the running job, and of the environment.
func templateSummary(q *request, rec domain.Record, o *object) error {
	for _, pair := range [][2]string{{"last_job", "last_update"}, {"current_job", "current_update"}} {
		if !rec.Has(pair[0]) {
			continue
		}
		kind, err := q.concrete("unified_job", rec.Int(pair[0]))
		if err != nil {
			continue
		}
		job, err := q.get(kind.Type, rec.Int(pair[0]))
		if err != nil {
			continue
		}
		s := newObject()
		for _, f := range []string{"id", "name", "description", "finished", "status", "failed", "canceled_on"} {
			if f == "canceled_on" && job[f] == nil || f == "finished" && pair[0] == "current_job" {
				continue
			}
			s.set(f, job[f])
		}
		if kind.Type == "inventory_update" {
			s.set("license_error", false)
		}
		o.set(pair[0], s)
		u := s.only("id", "name", "description", "status", "failed", "license_error")
		o.set(pair[1], u)
	}
	env, err := launch.Environment(q.tx, q.get, rec)
	if err != nil || env == nil {
		return err
	}
	s, err := q.summary("execution_environment", env.(int64))
	if err == nil {
		o.set("resolved_environment", s)
	}
	return err
}

var projectUpdateAction = &action{
	rules: map[string]string{"POST": ":start"},
	get: func(q *request, _ *domain.Resource, rec domain.Record) (*reply, error) {
		return ok(map[string]bool{"can_update": rec.Str("scm_type") != ""})
	},
	post: func(q *request, r *domain.Resource, rec domain.Record, _ map[string]any) (*reply, error) {
		if rec.Str("scm_type") == "" {
			return nil, q.notAllowed()
		}
		return q.startUpdate(r, rec, "project_update")
	},
	fields: func() []domain.Field { return nil },
}

// startUpdate launches the update of a project or an inventory source.
func (q *request) startUpdate(r *domain.Resource, rec domain.Record, name string) (*reply, error) {
	var job domain.Record
	err := q.write(func(tx *store.Tx) error {
		var err error
		job, err = launch.Make(tx, q.Box, r.Type, rec, launch.Prompts{Type: "manual", CreatedBy: q.actor.ID})
		tx.After(q.Dispatcher.Wake)
		return err
	})
	if err != nil {
		return nil, err
	}
	kind := launch.JobTypes[r.Type].Job
	if job, err = q.get(kind, job.ID()); err != nil {
		return nil, err
	}
	o, err := q.show(domain.Of(kind), job, true)
	if err != nil {
		return nil, err
	}
	o.set(name, job.ID())
	return &reply{status: http.StatusAccepted, body: o, location: href(domain.Of(kind), job.ID())}, nil
}

var playbooksAction = &action{get: func(q *request, _ *domain.Resource, rec domain.Record) (*reply, error) {
	list, err := q.projectFiles(rec, "playbook_files")
	if err != nil {
		return nil, err
	}
	return ok(list)
}}

var inventoryFilesAction = &action{get: func(q *request, _ *domain.Resource, rec domain.Record) (*reply, error) {
	list, err := q.projectFiles(rec, "inventory_files")
	if err != nil {
		return nil, err
	}
	return ok(list)
}}

func (q *request) projectFiles(rec domain.Record, field string) ([]string, error) {
	list := []string{}
	if rec.Str("scm_type") == "" && filepath.IsLocal(rec.Str("local_path")) && rec.Str("local_path") != "" {
		dir := filepath.Join(q.Projects, rec.Str("local_path"))
		if field == "playbook_files" {
			return orNone(project.Playbooks(dir))
		}
		return orNone(project.Inventories(dir))
	}
	raw, _ := rec[field].(json.RawMessage)
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// orNone is an empty list for a directory that is not there.
func orNone(list []string, err error) ([]string, error) {
	if err != nil {
		return []string{}, nil
	}
	return slices.Clip(list), nil
}
