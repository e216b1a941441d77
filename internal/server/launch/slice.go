package launch

import (
	"encoding/json"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/secret"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// parts is how many slices a launch has: as many as were asked for, and no more than there are hosts.
func parts(tx *store.Tx, template domain.Record, p Prompts) (int64, error) {
	wanted, inventory := template.Int("job_slice_count"), template.Int("inventory")
	if _, asked := p.Fields["job_slice_count"]; asked {
		wanted = p.Fields.Int("job_slice_count")
	}
	if id := p.Fields.Int("inventory"); id != 0 {
		inventory = id
	}
	if wanted <= 1 || inventory == 0 {
		return 1, nil
	}
	inv, err := tx.Get("inventory", inventory)
	if err != nil {
		return 0, err
	}
	if inv.Str("kind") == "smart" {
		return wanted, nil // its hosts are found when the jobs start
	}
	hosts, err := tx.Count(domain.Of("host"), store.Is("inventory", inventory))
	return max(1, min(wanted, hosts)), err
}

// sliced inserts a workflow job with a node for each slice, all of the same template. What was asked for at launch is kept in the nodes.
func sliced(tx *store.Tx, box *secret.Box, template domain.Record, p Prompts, n int64) (domain.Record, error) {
	rec := domain.Record{"name": template["name"], "description": template["description"], "organization": template["organization"], "unified_job_template": template.ID(), "job_template": template.ID(),
		"is_sliced_job": true, "allow_simultaneous": template["allow_simultaneous"], "launch_type": p.Type, "status": "pending", "extra_vars": "{}"}
	if p.CreatedBy != 0 {
		rec["created_by"] = p.CreatedBy
	}
	if p.Schedule != 0 {
		rec["schedule"] = p.Schedule
	}
	if len(p.Passwords) > 0 {
		b, err := json.Marshal(p.Passwords)
		if err != nil {
			return nil, err
		}
		rec["start_args"] = box.Seal("unified_job.start_args", string(b))
	}
	vars, _, err := Vars(box, template, p) // with the answers that are secret sealed
	if err != nil {
		return nil, err
	}
	if err := tx.Insert("workflow_job", rec); err != nil {
		return nil, err
	}
	r := domain.Of("workflow_job_node")
	for range n {
		node := domain.Record{"workflow_job": rec.ID(), "unified_job_template": template.ID(), "extra_data": json.RawMessage(vars)}
		for name, v := range p.Fields {
			if f := r.Field(name); f != nil && f.Column() && name != "job_slice_count" {
				node[name] = v
			}
		}
		if err := tx.Insert("workflow_job_node", node); err != nil {
			return nil, err
		}
		for name, ids := range map[string][]int64{"credentials": p.Credentials, "labels": p.Labels, "instance_groups": p.InstanceGroups} {
			if err := linkAll(tx, "workflow_job_node."+name, node.ID(), ids); err != nil {
				return nil, err
			}
		}
	}
	return rec, tx.Update("job_template", template.ID(), domain.Record{"current_job": rec.ID(), "status": "pending"})
}

func linkAll(tx *store.Tx, relation string, from int64, to []int64) error {
	for _, id := range to { // one after the other: their order is kept
		if err := tx.Link(relation, from, id); err != nil {
			return err
		}
	}
	return nil
}

// Stale tells whether a template's last update is older than its cache may be.
func Stale(rec domain.Record, seconds int64) bool {
	if rec.Bool("last_job_failed") || !rec.Has("last_job_run") {
		return true
	}
	return seconds == 0 || time.Since(rec.Time("last_job_run")) > time.Duration(seconds)*time.Second
}

// needs makes the updates that a job waits for: of its project and of the sources of its inventory, where they are to be made at launch and the
// last is too old. One that is on its way already serves this job, too.
func needs(tx *store.Tx, box *secret.Box, template, job domain.Record, p Prompts) error {
	var ids []int64
	update := func(kind domain.Type, rec domain.Record, onLaunch bool, cache int64) error {
		switch current := rec.Int("current_job"); {
		case current != 0:
			ids = append(ids, current)
		case onLaunch && Stale(rec, cache):
			made, err := plain(tx, box, kind, rec, Prompts{Type: "dependency", CreatedBy: p.CreatedBy})
			if err != nil {
				return err
			}
			ids = append(ids, made.ID())
		}
		return nil
	}
	if id := template.Int("project"); id != 0 {
		project, err := tx.Get("project", id)
		if err != nil {
			return err
		}
		if err := update("project", project, project.Bool("scm_update_on_launch") && project.Str("scm_type") != "", project.Int("scm_update_cache_timeout")); err != nil {
			return err
		}
	}
	if id := job.Int("inventory"); id != 0 {
		sources, err := tx.List(domain.Of("inventory_source"), store.All(store.Is("inventory", id), store.Where("t.update_on_launch = 1")), store.Page{})
		if err != nil {
			return err
		}
		for _, s := range sources {
			if err := update("inventory_source", s, true, s.Int("update_cache_timeout")); err != nil {
				return err
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return tx.Update("job", job.ID(), domain.Record{"depends_on": domain.Encode(ids)})
}
