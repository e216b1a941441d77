package dispatch

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"github.com/troupe-automation/troupe/internal/server/bus"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/notify"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// order is what stands in a message of the queue.
type order struct {
	Job     int64 `json:"job"`
	Attempt int64 `json:"attempt"`
}

// takers take jobs from the queues of the instance groups that this node belongs to.
type takers struct {
	d    *Dispatcher
	stop map[int64]context.CancelFunc
	all  sync.WaitGroup
}

func newTakers(d *Dispatcher) *takers { return &takers{d: d, stop: map[int64]context.CancelFunc{}} }

// follow begins with queues of groups that the node has joined and leaves those that it has left.
func (t *takers) follow(ctx context.Context) error {
	tx := t.d.DB.Read(ctx)
	me, err := tx.One("instance", store.Is("hostname", t.d.Node))
	if err != nil {
		return err
	}
	groups := map[int64]bool{}
	if me.Bool("enabled") {
		ids, err := tx.LinkedTo("instance_group.instances", me.ID())
		if err != nil {
			return err
		}
		for _, id := range ids {
			groups[id] = true
		}
	}
	for id, stop := range t.stop {
		if !groups[id] {
			stop()
			delete(t.stop, id)
		}
	}
	for id := range groups {
		if t.stop[id] != nil {
			continue
		}
		q, err := t.d.Bus.Queue(ctx, strconv.FormatInt(id, 10))
		if err != nil {
			return err
		}
		taking, stop := context.WithCancel(ctx)
		t.stop[id] = stop
		t.all.Go(func() { t.d.takeFrom(taking, ctx, q) })
	}
	return nil
}

// close waits until nothing more is taken.
func (t *takers) close() {
	for _, stop := range t.stop {
		stop()
	}
	t.all.Wait()
}

// takeFrom takes jobs from a queue, one after the other, as long as there is room. What it takes lives as long as server.
func (d *Dispatcher) takeFrom(ctx, server context.Context, q *bus.Queue) {
	pause := func(wait time.Duration) {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
	for d.waitForRoom(ctx) {
		asking, cancel := context.WithTimeout(ctx, 30*time.Second)
		m, err := q.Take(asking)
		cancel()
		if err != nil {
			d.Log.Warn("taking a job", "error", err)
			pause(time.Second)
			continue
		}
		if m == nil {
			continue
		}
		var o order
		if err := json.Unmarshal(m.Body, &o); err != nil {
			d.Log.Error("a message in the queue of jobs cannot be read", "error", err)
			_ = m.Done() // nobody could
			continue
		}
		if err := d.take(server, o); err != nil {
			d.Log.Error("starting a job", "job", o.Job, "error", err)
			_ = m.Later(time.Second)
			pause(time.Second)
			continue
		}
		if err := m.Done(); err != nil {
			d.Log.Warn("the bus did not hear that a job was taken", "job", o.Job, "error", err) // it comes again and is not started again
		}
	}
}

// waitForRoom waits until another job may run here; false when ctx is done.
func (d *Dispatcher) waitForRoom(ctx context.Context) bool {
	for {
		d.mu.Lock()
		free, room := len(d.running) < d.capacity, d.room
		d.mu.Unlock()
		if ctx.Err() != nil {
			return false
		}
		if free {
			return true
		}
		select {
		case <-ctx.Done():
		case <-room:
		}
	}
}

// take makes a waiting job this node's and runs it. A job that does not wait any more, or waits for another attempt, is left alone.
func (d *Dispatcher) take(ctx context.Context, o order) error {
	var job domain.Record
	err := d.DB.Write(ctx, func(tx *store.Tx) error {
		job = nil
		kind, err := tx.TypeOf("unified_job", o.Job)
		if err != nil {
			return ignore(err)
		}
		now := domain.Stamp(time.Now())
		n, err := tx.UpdateWhere(kind, store.All(store.Is("id", o.Job), store.Is("status", "waiting"), store.Is("attempt", o.Attempt), store.Where("t.cancel_flag = 0")),
			domain.Record{"status": "running", "execution_node": d.Node, "controller_node": d.Node, "started": now, "pending_reason": "", "job_explanation": ""})
		if err != nil || n == 0 {
			return err
		}
		if job, err = tx.Get(kind, o.Job); err != nil {
			return err
		}
		if err := notify.Job(tx, job, "running"); err != nil {
			return err
		}
		tx.After(d.Notifications.Wake)
		return d.template(tx, job, domain.Record{"status": "running", "current_job": o.Job})
	})
	if err != nil || job == nil {
		return err
	}
	d.Live.Status(job)
	runCtx, cancel := context.WithCancelCause(ctx)
	d.mu.Lock()
	d.running[job.ID()] = &flight{cancel}
	d.mu.Unlock()
	d.jobs.Go(func() {
		d.fly(runCtx, ctx, job)
		cancel(nil)
		d.mu.Lock()
		delete(d.running, job.ID())
		close(d.room)
		d.room = make(chan struct{})
		d.mu.Unlock()
		d.Wake()
	})
	return nil
}
