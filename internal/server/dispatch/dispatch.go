// Package dispatch brings jobs from pending to their end. The database is the truth: a job's state, its attempt and the reason why
// it waits are columns of its row, and each step is one transaction that asks for the state it leaves, so that a job starts at most
// once per attempt however many look at it.
//
//	new → pending → waiting → running → successful | failed | error | canceled
//
// One process of an installation leads: it decides which jobs may run and lets them wait in a queue (schedule.go, place.go). All of them take
// jobs from there as they have room (take.go), and show that they are alive (lease.go).
//
// Started by internal/server; internal/server/api wakes it and asks it to cancel.
package dispatch

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/troupe-automation/troupe/internal/server/bus"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/notify"
	"github.com/troupe-automation/troupe/internal/server/project"
	"github.com/troupe-automation/troupe/internal/server/runner"
	"github.com/troupe-automation/troupe/internal/server/secret"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Config is what a Dispatcher is made of.
type Config struct {
	DB       *store.DB
	Bus      *bus.Bus
	Box      *secret.Box
	Projects *project.Store
	Node     string
	// Holder tells this installation of the node from any other that has its name: it is the same after a restart.
	Holder string
	Self   []string // the program that runs jobs
	Cage   *runner.Cage
	Groups *runner.Groups
	Owner  string // the holder's name, short, for what runs leave on this machine
	// Engine makes containers for runs that ask for an image; nil where there is none, and such runs are this program's like all others, or, with
	// NeedEngine, fail.
	Engine     *runner.Engine
	NeedEngine bool
	Dir        string // for the private directories of runs
	Log        *slog.Logger
	// Live is told of new events and states; it must not block.
	Live Live
	// Notifications is told when some were left.
	Notifications interface{ Wake() }
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

	lookout lookout // only the goroutine that shows that the node is there uses it

	mu      sync.Mutex // guards all below
	leads   bool
	running map[int64]*flight
	room    chan struct{} // closed and made anew when a job has ended
	jobs    sync.WaitGroup
}

// flight is a job that this process runs.
type flight struct{ cancel context.CancelCauseFunc }

// Why a flight ends early.
var (
	errCanceled = errors.New("canceled")
	errLost     = errors.New("this node was taken for dead")
)

// New makes a Dispatcher; Run starts it.
func New(c Config) *Dispatcher {
	return &Dispatcher{Config: c, wake: make(chan struct{}, 1), capacity: max(4, 4*runtime.NumCPU()), running: map[int64]*flight{}, room: make(chan struct{})}
}

// Wake makes the dispatcher look for work now, here or where the leader is.
func (d *Dispatcher) Wake() {
	d.mu.Lock()
	leads := d.leads
	d.mu.Unlock()
	if !leads && d.Bus.Shared() {
		if err := d.Bus.Tell("wake", nil); err == nil {
			return
		}
	}
	d.look()
}

// look makes this process look for work.
func (d *Dispatcher) look() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Capacity is how many jobs run here at once at most, and how many do.
func (d *Dispatcher) Capacity() (total, used int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.capacity, len(d.running)
}

// Run works until ctx is done; then it stops the jobs that run here and waits for them.
func (d *Dispatcher) Run(ctx context.Context) error {
	if err := d.arrive(ctx); err != nil {
		return err
	}
	hearing, err := d.hear(ctx)
	if err != nil {
		return err
	}
	defer hearing()
	var alive sync.WaitGroup
	alive.Go(func() { d.attend(ctx) })
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if d.leader() {
			d.complain(ctx, "dispatch", d.schedule(ctx))
		}
		select {
		case <-ctx.Done():
			alive.Wait()
			d.jobs.Wait()
			return d.leave(context.WithoutCancel(ctx))
		case <-d.wake:
		case <-tick.C:
			if d.leader() {
				d.complain(ctx, "schedules", d.due(ctx))
				d.complain(ctx, "approvals", d.expire(ctx))
			}
		}
	}
}

// attend shows that this node is there and takes jobs, until ctx is done. However long it takes to look at all jobs that wait, it must not be
// taken for dead because of it.
func (d *Dispatcher) attend(ctx context.Context) {
	queues := newTakers(d)
	defer queues.close()
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		d.complain(ctx, "taking jobs", queues.follow(ctx))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.complain(ctx, "showing that this node is there", d.beat(ctx))
		}
	}
}

func (d *Dispatcher) complain(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		d.Log.Error(what, "error", err)
	}
}

func (d *Dispatcher) leader() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.leads
}

// address is a name as a part of a subject of the bus.
func address(name string) string { return hex.EncodeToString([]byte(name)) }

// hear listens to what other processes say to this one.
func (d *Dispatcher) hear(ctx context.Context) (stop func(), err error) {
	awake, err := d.Bus.Hear("wake", func(string, []byte) {
		if d.leader() {
			d.look()
		}
	})
	if err != nil {
		return nil, err
	}
	cancel, err := d.Bus.Answer("cancel."+address(d.Node), func(body []byte) []byte {
		id, err := strconv.ParseInt(string(body), 10, 64)
		if err == nil && d.stop(id, errCanceled) {
			return []byte("stopping")
		}
		return []byte("not here")
	})
	if err != nil {
		awake()
		return nil, err
	}
	return func() { awake(); cancel() }, nil
}

// stop ends a job that runs here.
func (d *Dispatcher) stop(id int64, why error) bool {
	d.mu.Lock()
	f := d.running[id]
	d.mu.Unlock()
	if f != nil {
		f.cancel(why)
	}
	return f != nil
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

// From are the states that a job may be ended from.
var (
	unstarted = store.Where("t.status IN ('new', 'pending', 'waiting')")
	unended   = store.Where("t.status NOT IN ('successful', 'failed', 'error', 'canceled')")
)

// mine is the condition that a job runs on a node in the attempt that the caller knows of.
func mine(job domain.Record, node string) store.Condition {
	return store.All(store.Is("status", "running"), store.Is("execution_node", node), store.Is("attempt", job.Int("attempt")))
}

// end gives a job its last state, in the caller's transaction, if it is in one of the states that it may be ended from; false says that it
// is not, and nothing was changed. more are further changes, also what else happens then, before the job is told of.
func (d *Dispatcher) end(tx *store.Tx, job domain.Record, from store.Condition, status, why string, more domain.Record, also ...func(*store.Tx) error) (bool, error) {
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
	n, err := tx.UpdateWhere(job.Type(), store.All(store.Is("id", job.ID()), from), changes)
	if err != nil || n == 0 {
		return false, err
	}
	for k, v := range changes {
		job[k] = v
	}
	if err := d.template(tx, job, domain.Record{"status": status, "last_job": job.ID(), "last_job_failed": status != "successful", "last_job_run": changes["finished"], "current_job": nil}); err != nil {
		return false, err
	}
	tx.After(func() { d.Live.Status(job); d.Wake() })
	for _, f := range also { // before the job is told of
		if err := f(tx); err != nil {
			return true, err
		}
	}
	tx.After(d.Notifications.Wake)
	return true, notify.Job(tx, job, status)
}
