package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/inventory"
	"github.com/troupe-automation/troupe/internal/server/launch"
	"github.com/troupe-automation/troupe/internal/server/notify"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// workflows moves all workflow jobs on: nodes whose turn it is become jobs, a workflow without such nodes ends.
func (d *Dispatcher) workflows(ctx context.Context) error {
	rows, err := d.DB.Read(ctx).List(domain.Of("workflow_job"), store.Where("t.status IN ('pending', 'running')"), store.Page{})
	if err != nil {
		return err
	}
	for _, job := range rows {
		if err := d.DB.Write(ctx, func(tx *store.Tx) error { return d.step(tx, job) }); err != nil {
			return err
		}
	}
	return nil
}

// workflowWaits tells whether a workflow job must wait for another of its template, and stores that.
func (d *Dispatcher) workflowWaits(tx *store.Tx, job domain.Record) (bool, error) {
	if job.Bool("allow_simultaneous") || !job.Has("unified_job_template") || job.Bool("cancel_flag") {
		return false, nil
	}
	other, err := tx.One("workflow_job", store.All(store.Is("status", "running"), store.Is("unified_job_template", job.Int("unified_job_template"))))
	if err != nil {
		return false, ignore(err)
	}
	why := waitsFor("workflow_job", other.ID())
	if job.Str("pending_reason") == why {
		return true, nil
	}
	return true, tx.Update("workflow_job", job.ID(), domain.Record{"pending_reason": why, "job_explanation": why})
}

var ended = []string{"successful", "failed", "error", "canceled"}

// step moves one workflow job on.
func (d *Dispatcher) step(tx *store.Tx, job domain.Record) error {
	if job.Str("status") == "pending" {
		if waits, err := d.workflowWaits(tx, job); err != nil || waits {
			return err
		}
		now := domain.Stamp(time.Now())
		job["status"], job["started"] = "running", now
		if err := tx.Update("workflow_job", job.ID(), domain.Record{"status": "running", "started": now, "pending_reason": "", "job_explanation": ""}); err != nil {
			return err
		}
		if err := d.template(tx, job, domain.Record{"status": "running"}); err != nil {
			return err
		}
		tx.After(func() { d.Live.Status(job) })
	}
	nodes, err := tx.List(domain.Of("workflow_job_node"), store.Is("workflow_job", job.ID()), store.Page{})
	if err != nil {
		return err
	}
	state := map[int64]string{} // by node: a job's status, "skip" for nodes that never run, "" for those whose turn has not come
	parents := map[int64][]struct {
		node int64
		edge string
	}{}
	artifacts := map[int64]map[string]any{}
	for _, n := range nodes {
		for _, edge := range []string{"success_nodes", "failure_nodes", "always_nodes"} {
			next, err := tx.Linked("workflow_job_node."+edge, n.ID())
			if err != nil {
				return err
			}
			for _, id := range next {
				parents[id] = append(parents[id], struct {
					node int64
					edge string
				}{n.ID(), edge})
			}
		}
		switch {
		case n.Has("job"):
			kind, err := tx.TypeOf("unified_job", n.Int("job"))
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if err == nil {
				sub, err := tx.Get(kind, n.Int("job"))
				if err != nil {
					return err
				}
				state[n.ID()] = sub.Str("status")
				a := map[string]any{}
				if err := sub.Into("artifacts", &a); err == nil {
					artifacts[n.ID()] = a
				}
			} else {
				state[n.ID()] = "failed"
			}
		case n.Bool("do_not_run"):
			state[n.ID()] = "skip"
		}
	}
	running, failedPath := false, false
	for changed := true; changed; {
		changed = false
		for i, n := range nodes {
			if state[n.ID()] != "" {
				continue
			}
			ready, wanted, inherited := turn(parents[n.ID()], state, artifacts, n.Bool("all_parents_must_converge"))
			if !ready {
				continue
			}
			changed = true
			if !wanted || job.Bool("cancel_flag") {
				state[n.ID()] = "skip"
				if err := tx.Update("workflow_job_node", n.ID(), domain.Record{"do_not_run": true}); err != nil {
					return err
				}
				continue
			}
			status, err := d.spawn(tx, job, n, slice(job, i, len(nodes)), inherited)
			if err != nil {
				return err
			}
			state[n.ID()] = status
		}
	}
	for _, n := range nodes {
		s := state[n.ID()]
		if s == "" || s != "skip" && !slices.Contains(ended, s) {
			running = true
		}
		if s == "failed" || s == "error" || s == "canceled" {
			handled := false
			for _, edge := range []string{"failure_nodes", "always_nodes"} {
				next, err := tx.Linked("workflow_job_node."+edge, n.ID())
				if err != nil {
					return err
				}
				handled = handled || len(next) > 0
			}
			failedPath = failedPath || !handled
		}
	}
	if running {
		return nil
	}
	status, why := "successful", ""
	switch {
	case job.Bool("cancel_flag"):
		status = "canceled"
	case failedPath:
		status, why = "failed", "No error handling path for workflow job node(s) that failed."
	}
	_, err = d.end(tx, job, unended, status, why, nil)
	return err
}

// turn tells whether a node's parents have all had theirs, and whether it is to run.
func turn(parents []struct {
	node int64
	edge string
}, state map[int64]string, artifacts map[int64]map[string]any, converge bool) (ready, wanted bool, inherited map[string]any) {
	inherited = map[string]any{}
	if len(parents) == 0 {
		return true, true, inherited
	}
	met := 0
	for _, p := range parents {
		s := state[p.node]
		if s == "" || s != "skip" && !slices.Contains(ended, s) {
			return false, false, nil
		}
		maps.Copy(inherited, artifacts[p.node])
		switch {
		case s == "skip":
		case p.edge == "always_nodes", p.edge == "success_nodes" && s == "successful", p.edge == "failure_nodes" && s != "successful":
			met++
		}
	}
	if converge {
		return true, met == len(parents), inherited
	}
	return true, met > 0, inherited
}

// spawn makes the job of a node.
func (d *Dispatcher) spawn(tx *store.Tx, job, node domain.Record, part inventory.Slice, inherited map[string]any) (string, error) {
	kind, err := tx.TypeOf("unified_job_template", node.Int("unified_job_template"))
	if errors.Is(err, store.ErrNotFound) {
		return "skip", tx.Update("workflow_job_node", node.ID(), domain.Record{"do_not_run": true})
	}
	if err != nil {
		return "", err
	}
	template, err := tx.Get(kind, node.Int("unified_job_template"))
	if err != nil {
		return "", err
	}
	p := launch.Prompts{Fields: domain.Record{}, ExtraVars: map[string]any{}, Type: "workflow", CreatedBy: job.Int("created_by"), WorkflowNode: node.ID(), Slice: part.Number, Slices: part.Count}
	for _, a := range launch.Asked {
		if node[a.Field] != nil && (a.Field != "job_type" || node.Str(a.Field) != "") {
			p.Fields[a.Field] = node[a.Field]
		}
		if domain.Of("workflow_job").Field(a.Field) != nil && job[a.Field] != nil && job[a.Field] != "" && template.Bool(a.Flag) {
			p.Fields[a.Field] = job[a.Field]
		}
	}
	maps.Copy(p.ExtraVars, inherited)
	own := map[string]any{}
	if err := node.Into("extra_data", &own); err != nil {
		return "", err
	}
	maps.Copy(p.ExtraVars, own)
	shared := map[string]any{}
	if s := job.Str("extra_vars"); s != "" {
		if err := json.Unmarshal([]byte(s), &shared); err != nil {
			return "", err
		}
	}
	maps.Copy(p.ExtraVars, shared)
	if ids, err := tx.Linked("workflow_job_node.credentials", node.ID()); err != nil {
		return "", err
	} else if len(ids) > 0 {
		base, err := tx.Linked(string(kind)+".credentials", template.ID())
		if err != nil {
			return "", err
		}
		p.Credentials = append(base, ids...)
		if job.Bool("is_sliced_job") {
			p.Credentials = ids // the launch has chosen
		}
	}
	if job.Bool("is_sliced_job") {
		if err := d.slicePrompts(tx, job, node, &p); err != nil {
			return "", err
		}
	}
	made, err := launch.Make(tx, d.Box, kind, template, p)
	if err != nil {
		return "", err
	}
	if kind == "workflow_approval_template" {
		if err := tx.Update("workflow_approval", made.ID(), domain.Record{"started": domain.Stamp(time.Now()), "execution_node": d.Node}); err != nil {
			return "", err
		}
	}
	tx.After(d.Wake)
	if err := tx.Update("workflow_job_node", node.ID(), domain.Record{"job": made.ID()}); err != nil || kind != "workflow_approval_template" {
		return "pending", err
	}
	approval, err := tx.Get("workflow_approval", made.ID())
	if err != nil {
		return "", err
	}
	tx.After(d.Notifications.Wake)
	return "pending", notify.Approval(tx, approval, notify.Needed)
}

// expire ends the approvals that nobody gave in time.
func (d *Dispatcher) expire(ctx context.Context) error {
	rows, err := d.DB.Read(ctx).List(domain.Of("workflow_approval"), store.Where("t.status = 'pending' AND t.timeout > 0"), store.Page{})
	if err != nil {
		return err
	}
	for _, a := range rows {
		patience := time.Duration(a.Int("timeout")) * time.Second
		if !a.Has("started") || time.Since(a.Time("started")) < patience {
			continue
		}
		err := d.DB.Write(ctx, func(tx *store.Tx) error {
			n, err := tx.UpdateWhere("workflow_approval", store.All(store.Is("id", a.ID()), store.Is("status", "pending")), domain.Record{"status": "failed", "failed": true, "timed_out": true,
				"finished": domain.Stamp(time.Now()), "event_processing_finished": true, "elapsed": patience.Seconds(),
				"job_explanation": fmt.Sprintf("The approval node %s (%d) has expired after %d seconds.", a.Str("name"), a.ID(), a.Int("timeout"))})
			if err != nil || n == 0 {
				return err
			}
			tx.After(d.Wake)
			tx.After(d.Notifications.Wake)
			return notify.Approval(tx, a, notify.TimedOut)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// slice is which part of the hosts the node at a place has.
func slice(job domain.Record, at, all int) inventory.Slice {
	if !job.Bool("is_sliced_job") {
		return inventory.Slice{}
	}
	return inventory.Slice{Number: int64(at) + 1, Count: int64(all)}
}

// slicePrompts gives the job of a slice what else was asked for when the sliced job was launched.
func (d *Dispatcher) slicePrompts(tx *store.Tx, job, node domain.Record, p *launch.Prompts) error {
	for name, dst := range map[string]*[]int64{"labels": &p.Labels, "instance_groups": &p.InstanceGroups} {
		ids, err := tx.Linked("workflow_job_node."+name, node.ID())
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			*dst = ids
		}
	}
	sealed := job.Str("start_args")
	if sealed == "" {
		return nil
	}
	text, err := d.Box.Open("unified_job.start_args", sealed)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), &p.Passwords)
}

// cancelWorkflow cancels the jobs of a workflow job.
func (d *Dispatcher) cancelWorkflow(ctx context.Context, id int64) error {
	nodes, err := d.DB.Read(ctx).List(domain.Of("workflow_job_node"), store.All(store.Is("workflow_job", id), store.Where("t.job IN (SELECT id FROM unified_job WHERE status IN ('new', 'pending', 'waiting', 'running'))")), store.Page{})
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if err := d.Cancel(ctx, n.Int("job")); err != nil {
			return err
		}
	}
	return nil
}
