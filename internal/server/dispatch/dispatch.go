// Package dispatch brings jobs from pending to their end. The database is the truth: a job's state, its attempt and the reason why
// it waits are columns of its row, and each step is one transaction that asks for the state it leaves, so that a job starts at most
// once per attempt however many look at it.
//
//	new → pending → waiting → running → successful | failed | error | canceled
//
// Started by internal/server; internal/server/api wakes it and asks it to cancel.
package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/project"
	"github.com/troupe-automation/troupe/internal/server/secret"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Config is what a Dispatcher is made of.
type Config struct {
	DB       *store.DB
	Box      *secret.Box
	Projects *project.Store
	Node     string
	Self     []string // the program that runs jobs
	Dir      string   // for the private directories of runs
	Log      *slog.Logger
	// Live is told of new events and states; it must not block.
	Live Live
	// HTTP sends notifications.
	HTTP *http.Client
}

// Live passes news on to those who watch.
type Live interface {
	Events(job int64, kind domain.Type, events []store.Event)
	Status(job domain.Record)
}

// Dispatcher runs jobs.
type Dispatcher struct {
	Config
	wake     chan struct{}
	capacity int

	mu      sync.Mutex
	running map[int64]*flight
	jobs    sync.WaitGroup
}

// flight is a job that this process runs.
type flight struct {
	cancel context.CancelFunc
	forks  int
}

// New makes a Dispatcher; Run starts it.
func New(c Config) *Dispatcher {
	return &Dispatcher{Config: c, wake: make(chan struct{}, 1), capacity: max(4, 4*runtime.NumCPU()), running: map[int64]*flight{}}
}

// Wake makes the dispatcher look for work now.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Capacity is how many jobs run at once at most, and how many do.
func (d *Dispatcher) Capacity() (total, used int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.capacity, len(d.running)
}

// Run works until ctx is done; then it stops the jobs that run here and waits for them.
func (d *Dispatcher) Run(ctx context.Context) error {
	if err := d.recover(ctx); err != nil {
		return err
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := d.schedule(ctx); err != nil && ctx.Err() == nil {
			d.Log.Error("dispatch", "error", err)
		}
		select {
		case <-ctx.Done():
			d.jobs.Wait()
			return nil
		case <-d.wake:
		case <-tick.C:
			if err := d.due(ctx); err != nil && ctx.Err() == nil {
				d.Log.Error("schedules", "error", err)
			}
		}
	}
}

// recover ends what a process of this node left behind when it died: its children died with it.
func (d *Dispatcher) recover(ctx context.Context) error {
	var lost []domain.Record
	err := d.DB.Write(ctx, func(tx *store.Tx) error {
		var err error
		lost, err = tx.List(domain.Of("unified_job"), store.All(store.Where("t.status IN ('running', 'waiting')"), store.Is("execution_node", d.Node), store.Where("t.type <> 'workflow_job' AND t.type <> 'workflow_approval'")), store.Page{})
		if err != nil {
			return err
		}
		for _, rec := range lost {
			job, err := tx.Get(rec.Type(), rec.ID())
			if err != nil {
				return err
			}
			if err := d.end(tx, job, "error", "The server stopped while this job ran. What the job had done until then is in its events.", nil); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// schedule looks at all pending jobs, oldest first, and starts those that may run.
func (d *Dispatcher) schedule(ctx context.Context) error {
	if err := d.workflows(ctx); err != nil {
		return err
	}
	pending, err := d.DB.Read(ctx).List(domain.Of("unified_job"), store.Where("t.status = 'pending' AND t.type <> 'workflow_job'"), store.Page{Limit: 500})
	if err != nil || len(pending) == 0 {
		return err
	}
	for _, head := range pending {
		total, used := d.Capacity()
		if used >= total {
			d.reason(ctx, head, fmt.Sprintf("All %d places for jobs are taken.", total))
			continue
		}
		job, err := d.DB.Read(ctx).Get(head.Type(), head.ID())
		if err != nil {
			return err
		}
		why, err := d.blocked(ctx, job)
		if err != nil {
			return err
		}
		if why != "" {
			d.reason(ctx, job, why)
			continue
		}
		if err := d.start(ctx, job); err != nil {
			return err
		}
	}
	return nil
}

// reason stores why a job waits, when that changed.
func (d *Dispatcher) reason(ctx context.Context, job domain.Record, why string) {
	if job.Str("pending_reason") == why {
		return
	}
	err := d.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.UpdateWhere(job.Type(), store.All(store.Is("id", job.ID()), store.Is("status", "pending")), domain.Record{"pending_reason": why, "job_explanation": why})
		return err
	})
	if err != nil && ctx.Err() == nil {
		d.Log.Error("storing why a job waits", "job", job.ID(), "error", err)
	}
}

// blocked tells why a job may not run yet, "" when it may.
func (d *Dispatcher) blocked(ctx context.Context, job domain.Record) (string, error) {
	tx := d.DB.Read(ctx)
	var needs []int64
	if err := job.Into("depends_on", &needs); err != nil {
		return "", err
	}
	for _, id := range needs {
		var status, kind string
		err := tx.Query("SELECT status, type FROM unified_job WHERE id = ?", []any{id}, func(scan func(...any) error) error { return scan(&status, &kind) })
		if err != nil {
			return "", err
		}
		switch status {
		case "successful", "":
		case "failed", "error", "canceled":
			return "", d.fail(ctx, job, fmt.Sprintf("Previous Task Failed: {\"job_type\": \"%s\", \"job_id\": \"%d\"}", kind, id))
		default:
			return fmt.Sprintf("waiting for %s %d", kind, id), nil
		}
	}
	active := func(kind domain.Type, where store.Condition) (domain.Record, error) {
		rows, err := tx.List(domain.Of("unified_job"), store.All(store.Is("type", string(kind)), store.Where("t.status IN ('waiting', 'running')"), where), store.Page{Limit: 1})
		if err != nil || len(rows) == 0 {
			return nil, err
		}
		return rows[0], nil
	}
	var other domain.Record
	var err error
	switch job.Type() {
	case "job":
		if job.Has("project") {
			if other, err = active("project_update", store.Is("project", job.Int("project"))); err != nil || other != nil {
				return fmt.Sprintf("waiting for project_update %d", other.ID()), err
			}
		}
		if job.Has("inventory") {
			if other, err = active("inventory_update", store.Is("inventory", job.Int("inventory"))); err != nil || other != nil {
				return fmt.Sprintf("waiting for inventory_update %d", other.ID()), err
			}
		}
		if !job.Bool("allow_simultaneous") && job.Has("job_template") {
			where := store.Is("job_template", job.Int("job_template"))
			if job.Int("job_slice_count") > 1 {
				where = store.All(where, store.Where("t.job_slice_number = ?", job.Int("job_slice_number")))
			}
			if other, err = active("job", where); err != nil || other != nil {
				return fmt.Sprintf("waiting for job %d of the same template", other.ID()), err
			}
		}
	case "project_update":
		other, err = active("project_update", store.Is("project", job.Int("project")))
	case "inventory_update":
		other, err = active("inventory_update", store.Is("inventory_source", job.Int("inventory_source")))
	case "ad_hoc_command":
		other, err = active("inventory_update", store.Is("inventory", job.Int("inventory")))
	}
	if err != nil || other == nil {
		return "", err
	}
	return fmt.Sprintf("waiting for %s %d", other.Type(), other.ID()), nil
}

// fail ends a job that never ran.
func (d *Dispatcher) fail(ctx context.Context, job domain.Record, why string) error {
	return d.DB.Write(ctx, func(tx *store.Tx) error { return d.end(tx, job, "failed", why, nil) })
}

// start takes a job for this node and runs it.
func (d *Dispatcher) start(ctx context.Context, job domain.Record) error {
	now := domain.Stamp(time.Now())
	taken := int64(0)
	err := d.DB.Write(ctx, func(tx *store.Tx) error {
		var err error
		taken, err = tx.UpdateWhere(job.Type(), store.All(store.Is("id", job.ID()), store.Is("status", "pending"), store.Is("attempt", job.Int("attempt"))), domain.Record{
			"status": "running", "attempt": job.Int("attempt") + 1, "execution_node": d.Node, "controller_node": d.Node, "started": now, "pending_reason": "", "job_explanation": ""})
		if err != nil || taken == 0 {
			return err
		}
		return d.template(tx, job, domain.Record{"status": "running", "current_job": job.ID()})
	})
	if err != nil || taken == 0 {
		return err
	}
	job["status"], job["started"], job["execution_node"] = "running", now, d.Node
	d.Live.Status(job)
	runCtx, cancel := context.WithCancel(ctx)
	d.mu.Lock()
	d.running[job.ID()] = &flight{cancel: cancel, forks: 1}
	d.mu.Unlock()
	d.jobs.Go(func() {
		defer cancel()
		d.fly(runCtx, ctx, job)
		d.mu.Lock()
		delete(d.running, job.ID())
		d.mu.Unlock()
		d.Wake()
	})
	return nil
}

// template changes the template that a job belongs to, if it still exists.
func (d *Dispatcher) template(tx *store.Tx, job, changes domain.Record) error {
	id := job.Int("unified_job_template")
	if id == 0 {
		return nil
	}
	kind, err := tx.TypeOf("unified_job_template", id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return tx.Update(kind, id, changes)
}

// end gives a job its last state, in the caller's transaction. more are further changes.
func (d *Dispatcher) end(tx *store.Tx, job domain.Record, status, why string, more domain.Record) error {
	now := time.Now()
	changes := domain.Record{"status": status, "failed": status != "successful", "finished": domain.Stamp(now), "event_processing_finished": true, "job_explanation": why, "pending_reason": ""}
	if job.Has("started") {
		changes["elapsed"] = float64(now.Sub(job.Time("started")).Milliseconds()) / 1000
	}
	if status == "canceled" {
		changes["canceled_on"] = domain.Stamp(now)
	}
	for k, v := range more {
		changes[k] = v
	}
	changes["start_args"] = ""
	n, err := tx.UpdateWhere(job.Type(), store.All(store.Is("id", job.ID()), store.Where("t.status NOT IN ('successful', 'failed', 'error', 'canceled')")), changes)
	if err != nil || n == 0 {
		return err
	}
	for k, v := range changes {
		job[k] = v
	}
	state := status
	if job.Type() == "inventory_source" && status == "successful" {
		state = "successful"
	}
	if err := d.template(tx, job, domain.Record{"status": state, "last_job": job.ID(), "last_job_failed": status != "successful", "last_job_run": changes["finished"], "current_job": nil}); err != nil {
		return err
	}
	tx.After(func() { d.Live.Status(job); d.Wake() })
	return d.notify(tx, job, status)
}

// Cancel stops a job: one that runs here is told at once, one that waits never starts.
func (d *Dispatcher) Cancel(ctx context.Context, id int64) error {
	kind, err := d.DB.Read(ctx).TypeOf("unified_job", id)
	if err != nil {
		return err
	}
	job, err := d.DB.Read(ctx).Get(kind, id)
	if err != nil {
		return err
	}
	err = d.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.UpdateWhere(kind, store.Is("id", id), domain.Record{"cancel_flag": true}); err != nil {
			return err
		}
		if job.Str("status") == "running" && kind != "workflow_approval" && kind != "workflow_job" {
			return nil
		}
		if kind == "workflow_job" {
			return nil // ends when its jobs have
		}
		return d.end(tx, job, "canceled", "", nil)
	})
	if err != nil {
		return err
	}
	if kind == "workflow_job" {
		if err := d.cancelWorkflow(ctx, id); err != nil {
			return err
		}
	}
	d.mu.Lock()
	f := d.running[id]
	d.mu.Unlock()
	if f != nil {
		f.cancel()
	}
	d.Wake()
	return nil
}
