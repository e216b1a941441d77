package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// queued is what the leader must know of a job that has not ended.
type queued struct {
	id, attempt                                        int64
	kind                                               domain.Type
	status, node, reason                               string
	template, project, inventory, source, organization int64
	group, impact, slice                               int64
	simultaneous                                       bool
	needs                                              []int64
}

// schedule looks at all jobs that have not ended, oldest first, and lets those wait in the queue that may run. Each job costs a few
// look-ups in memory, however many there are.
func (d *Dispatcher) schedule(ctx context.Context) error {
	if err := d.workflows(ctx); err != nil {
		return err
	}
	tx := d.DB.Read(ctx)
	jobs, err := unendedJobs(tx)
	if err != nil {
		return err
	}
	pending := 0
	for _, j := range jobs {
		if j.status == "pending" {
			pending++
		}
	}
	if pending > 0 {
		if err := d.release(ctx, tx, jobs); err != nil {
			return err
		}
	}
	return d.pump(ctx)
}

func unendedJobs(tx *store.Tx) ([]*queued, error) {
	var out []*queued
	err := tx.Query(`SELECT j.id, j.type, j.status, j.attempt, COALESCE(j.execution_node, ''), COALESCE(j.pending_reason, ''), COALESCE(j.unified_job_template, 0), COALESCE(j.project, 0), COALESCE(j.inventory, 0),
		COALESCE(j.inventory_source, 0), COALESCE(j.organization, 0), COALESCE(j.instance_group, 0), COALESCE(j.forks, 0), COALESCE(i.total_hosts, 0), COALESCE(j.job_slice_number, 0), COALESCE(j.job_slice_count, 1),
		COALESCE(j.allow_simultaneous, 0), COALESCE(j.depends_on, '')
		FROM unified_job j LEFT JOIN inventory i ON i.id = j.inventory WHERE j.status IN ('pending', 'waiting', 'running') AND j.type NOT IN ('workflow_job', 'workflow_approval') ORDER BY j.id`, nil, func(scan func(...any) error) error {
		j := &queued{}
		var forks, hosts, slices, simultaneous int64
		var kind, needs string
		if err := scan(&j.id, &kind, &j.status, &j.attempt, &j.node, &j.reason, &j.template, &j.project, &j.inventory, &j.source, &j.organization, &j.group, &forks, &hosts, &j.slice, &slices, &simultaneous, &needs); err != nil {
			return err
		}
		j.kind, j.simultaneous, j.impact = domain.Type(kind), simultaneous == 1, 1
		if j.kind == "job" || j.kind == "ad_hoc_command" { // as AWX counts: a fork for each host that is worked on at a time, and one for the run
			if forks == 0 {
				forks = defaultForks
			}
			j.impact = 1 + max(1, min(forks, (hosts+slices-1)/max(slices, 1)))
		}
		if needs != "" {
			if err := json.Unmarshal([]byte(needs), &j.needs); err != nil {
				return err
			}
		}
		out = append(out, j)
		return nil
	})
	return out, err
}

// release lets those pending jobs wait in the queue that may run, and stores of the others why they may not.
func (d *Dispatcher) release(ctx context.Context, tx *store.Tx, jobs []*queued) error {
	room, err := survey(tx, jobs)
	if err != nil {
		return err
	}
	seq := newSequence(jobs)
	ended, err := seq.ended(tx)
	if err != nil {
		return err
	}
	waiting := map[string][]int64{} // jobs that have a new reason to wait
	for _, j := range jobs {
		if j.status != "pending" {
			continue
		}
		if failed, of := seq.failed(j, ended); failed != "" {
			if err := d.fail(ctx, j, fmt.Sprintf(`Previous Task Failed: {"job_type": "%s", "job_name": %s, "job_id": "%d"}`, of.kind, domain.Encode(of.name), of.id)); err != nil {
				return err
			}
			continue
		}
		why := seq.blocked(j)
		var group int64
		if why == "" {
			if group, why = room.find(j); why == "" {
				if err := d.enqueue(ctx, j, group); err != nil {
					return err
				}
				seq.add(j)
				continue
			}
		}
		if j.reason != why {
			waiting[why] = append(waiting[why], j.id)
		}
	}
	return d.explain(ctx, waiting)
}

// enqueue lets one job wait in the queue of a group: its new state and the message that tells the nodes are one transaction.
func (d *Dispatcher) enqueue(ctx context.Context, j *queued, group int64) error {
	var job domain.Record
	err := d.DB.Write(ctx, func(tx *store.Tx) error {
		job = nil
		n, err := tx.UpdateWhere(j.kind, store.All(store.Is("id", j.id), store.Is("status", "pending"), store.Is("attempt", j.attempt), store.Where("t.cancel_flag = 0")),
			domain.Record{"status": "waiting", "attempt": j.attempt + 1, "instance_group": group, "pending_reason": "", "job_explanation": ""})
		if err != nil || n == 0 {
			return err
		}
		if job, err = tx.Get(j.kind, j.id); err != nil {
			return err
		}
		return post(tx, j.id, j.attempt+1, group, "")
	})
	if err != nil || job == nil {
		return err
	}
	j.status = "waiting"
	d.Live.Status(job)
	return nil
}

// post puts the message for a waiting job into the outbox. again makes it another one than those before.
func post(tx *store.Tx, job, attempt, group int64, again string) error {
	return tx.Post(store.Letter{Subject: strconv.FormatInt(group, 10), Message: fmt.Sprintf("%d/%d%s", job, attempt, again), Body: string(domain.Encode(order{Job: job, Attempt: attempt}))})
}

// repost puts the messages of jobs that wait into the outbox once more.
func (d *Dispatcher) repost(tx *store.Tx, where string, args ...any) error {
	type waiting struct{ id, attempt, group int64 }
	var list []waiting
	err := tx.Query("SELECT t.id, t.attempt, COALESCE(t.instance_group, 0) FROM unified_job t WHERE "+where, args, func(scan func(...any) error) error {
		var w waiting
		err := scan(&w.id, &w.attempt, &w.group)
		list = append(list, w)
		return err
	})
	if err != nil {
		return err
	}
	again := "/" + domain.Stamp(time.Now())
	for _, w := range list {
		if err := post(tx, w.id, w.attempt, w.group, again); err != nil {
			return err
		}
	}
	return nil
}

// pump sends what is in the outbox. What was sent and could not be removed is sent again, and is the same message.
func (d *Dispatcher) pump(ctx context.Context) error {
	for {
		letters, err := d.DB.Read(ctx).Outbox(100)
		if err != nil || len(letters) == 0 {
			return err
		}
		for _, l := range letters {
			if err := d.Bus.Put(ctx, l.Subject, l.Message, []byte(l.Body)); err != nil {
				return fmt.Errorf("handing jobs to the bus: %w", err)
			}
		}
		if err := d.DB.Write(ctx, func(tx *store.Tx) error { return tx.Posted(letters) }); err != nil {
			return err
		}
	}
}

// explain stores why jobs wait: those of a template that runs one at a time all get a new reason when one ends.
func (d *Dispatcher) explain(ctx context.Context, jobs map[string][]int64) error {
	if len(jobs) == 0 {
		return nil
	}
	return d.DB.Write(ctx, func(tx *store.Tx) error {
		for why, ids := range jobs {
			for some := range slices.Chunk(ids, 500) {
				if _, err := tx.UpdateWhere("unified_job", store.All(store.IDs("id", some), store.Is("status", "pending")), domain.Record{"pending_reason": why, "job_explanation": why}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// fail ends a job that never ran.
func (d *Dispatcher) fail(ctx context.Context, j *queued, why string) error {
	return d.DB.Write(ctx, func(tx *store.Tx) error {
		job, err := tx.Get(j.kind, j.id)
		if err != nil {
			return ignore(err)
		}
		_, err = d.end(tx, job, unstarted, "failed", why, nil)
		return err
	})
}

// known is a row, or nil when it is not there.
func known(rec domain.Record, err error) (domain.Record, error) {
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return rec, err
}

// ignore takes a row that is not there any more for nothing to do.
func ignore(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// sequence knows which jobs are on their way and what they keep others from.
type sequence struct {
	jobs      map[int64]*queued
	templates map[[2]int64]int64 // by template and slice: a job
	projects  map[int64]int64    // by project: its update
	sources   map[int64]int64    // by inventory source: its update
	stocks    map[int64]int64    // by inventory: an update of one of its sources
	wanted    map[int64]bool     // jobs that others need, and that are not on their way
}

func newSequence(jobs []*queued) *sequence {
	o := &sequence{map[int64]*queued{}, map[[2]int64]int64{}, map[int64]int64{}, map[int64]int64{}, map[int64]int64{}, map[int64]bool{}}
	for _, j := range jobs {
		o.jobs[j.id] = j
		if j.status != "pending" {
			o.add(j)
		}
	}
	for _, j := range jobs {
		for _, id := range j.needs {
			if o.jobs[id] == nil {
				o.wanted[id] = true
			}
		}
	}
	return o
}

// add takes note of a job that waits in the queue or runs.
func (o *sequence) add(j *queued) {
	switch j.kind {
	case "job":
		if j.template != 0 {
			o.templates[[2]int64{j.template, j.slice}] = j.id
		}
	case "project_update":
		o.projects[j.project] = j.id
	case "inventory_update":
		o.sources[j.source], o.stocks[j.inventory] = j.id, j.id
	}
}

// past is a job that has ended.
type past struct {
	id                 int64
	kind, name, status string
}

// ended reads how the jobs ended that others need.
func (o *sequence) ended(tx *store.Tx) (map[int64]past, error) {
	if len(o.wanted) == 0 {
		return nil, nil
	}
	ids := make([]int64, 0, len(o.wanted))
	for id := range o.wanted {
		ids = append(ids, id)
	}
	out := map[int64]past{}
	in := store.IDs("id", ids)
	err := tx.Query("SELECT id, type, name, status FROM unified_job t WHERE "+in.SQL, in.Args, func(scan func(...any) error) error {
		var p past
		err := scan(&p.id, &p.kind, &p.name, &p.status)
		out[p.id] = p
		return err
	})
	return out, err
}

// failed tells whether something that the job needs has failed.
func (o *sequence) failed(j *queued, ended map[int64]past) (string, past) {
	for _, id := range j.needs {
		switch p := ended[id]; p.status {
		case "failed", "error", "canceled":
			return p.status, p
		}
	}
	return "", past{}
}

// blocked tells which job another waits for, "" when none keeps it.
func (o *sequence) blocked(j *queued) string {
	for _, id := range j.needs {
		if n := o.jobs[id]; n != nil {
			return waitsFor(n.kind, id)
		}
	}
	switch j.kind {
	case "job":
		if why := waitsFor("project_update", o.projects[j.project]); j.project != 0 && why != "" {
			return why
		}
		if why := waitsFor("inventory_update", o.stocks[j.inventory]); j.inventory != 0 && why != "" {
			return why
		}
		if !j.simultaneous && j.template != 0 {
			return waitsFor("job", o.templates[[2]int64{j.template, j.slice}])
		}
	case "project_update":
		return waitsFor("project_update", o.projects[j.project])
	case "inventory_update":
		return waitsFor("inventory_update", o.sources[j.source])
	case "ad_hoc_command":
		return waitsFor("inventory_update", o.stocks[j.inventory])
	}
	return ""
}

// waitsFor is what AWX says of a job that another keeps.
func waitsFor(kind domain.Type, id int64) string {
	if id == 0 {
		return ""
	}
	return fmt.Sprintf("waiting for %s-%d to finish", kind, id)
}
