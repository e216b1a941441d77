package dispatch

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Nodes show that they are there by changing the mark of their lease. Whoever has looked several times and found it unchanged takes it
// for dead: no clocks are compared, and times when the database is away do not count.
const (
	beatEvery = 2 * time.Second
	patience  = 5 // looks, one each beat
	leads     = "dispatch"
	nodes     = "node/"
)

// Words for jobs whose process is gone: AWX's.
const (
	lostAtStart = "Task was marked as running at system start up. The system must have not shut down properly, so it has been marked as failed."
	lostNode    = "Job reaped due to instance shutdown"
)

// lookout remembers how often each lease was seen unchanged.
type lookout struct {
	marks map[string]string
	looks map[string]int
}

// see takes note of a lease and tells whether it has been the same for too long.
func (l *lookout) see(lease store.Lease) bool {
	if l.marks == nil {
		l.marks, l.looks = map[string]string{}, map[string]int{}
	}
	if l.marks[lease.Name] != lease.Mark {
		l.marks[lease.Name], l.looks[lease.Name] = lease.Mark, 0
		return false
	}
	l.looks[lease.Name]++
	return l.looks[lease.Name] >= patience
}

func (d *Dispatcher) lease(name string) store.Lease {
	return store.Lease{Name: name, Holder: d.Holder, Mark: domain.Stamp(time.Now())}
}

// arrive takes the node's name and ends what a process of this node left behind when it died: its children died with it.
func (d *Dispatcher) arrive(ctx context.Context) error {
	for look := 0; ; look++ {
		var others []store.Lease
		got := false
		err := d.DB.Write(ctx, func(tx *store.Tx) error {
			old := ""
			if look >= patience {
				old = d.lookout.marks[nodes+d.Node]
			}
			var err error
			if got, err = tx.Claim(d.lease(nodes+d.Node), old); err != nil || !got {
				return err
			}
			return d.bury(tx, d.Node, lostAtStart)
		})
		if err != nil {
			return err
		}
		if got {
			return d.beat(ctx)
		}
		if others, err = d.DB.Read(ctx).Leases(); err != nil {
			return err
		}
		for _, l := range others {
			if l.Name != nodes+d.Node {
				continue
			}
			if was, seen := d.lookout.marks[l.Name]; seen && was != l.Mark {
				return fmt.Errorf("another server is called %s: give this one another name with --node", d.Node)
			}
			d.lookout.see(l)
		}
		again := time.NewTimer(beatEvery)
		select {
		case <-ctx.Done():
			again.Stop()
			return ctx.Err()
		case <-again.C:
		}
	}
}

// leave gives the leases back, so that nobody has to wait.
func (d *Dispatcher) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return d.DB.Write(ctx, func(tx *store.Tx) error {
		for _, name := range []string{leads, nodes + d.Node} {
			if _, err := tx.Drop(store.Lease{Name: name, Holder: d.Holder}); err != nil {
				return err
			}
		}
		return nil
	})
}

// beat shows that this node is there, looks who else is, and takes the lead where nobody has it.
func (d *Dispatcher) beat(ctx context.Context) error {
	total, _ := d.Capacity()
	was, leading, lost := d.leader(), false, false
	var canceled []int64
	var gone []string
	err := d.DB.Write(ctx, func(tx *store.Tx) error {
		kept, err := tx.Keep(d.lease(nodes + d.Node))
		if err != nil {
			return err
		}
		if lost = !kept; lost {
			if _, err := tx.Claim(d.lease(nodes+d.Node), ""); err != nil {
				return err
			}
		}
		changes := domain.Record{"last_seen": time.Now(), "node_state": "ready", "errors": "", "capacity": total}
		if _, err := tx.UpdateWhere("instance", store.Is("hostname", d.Node), changes); err != nil {
			return err
		}
		err = tx.Query("SELECT id FROM unified_job WHERE status = 'running' AND cancel_flag = 1 AND execution_node = ?", []any{d.Node}, func(scan func(...any) error) error {
			var id int64
			err := scan(&id)
			canceled = append(canceled, id)
			return err
		})
		if err != nil {
			return err
		}
		all, err := tx.Leases()
		if err != nil {
			return err
		}
		old := ""
		var dead []store.Lease
		for _, l := range all {
			if l.Holder == d.Holder || !d.lookout.see(l) {
				continue
			}
			if l.Name == leads {
				old = l.Mark
			} else if strings.HasPrefix(l.Name, nodes) {
				dead = append(dead, l)
			}
		}
		if leading, err = tx.Claim(d.lease(leads), old); err != nil || !leading {
			return err
		}
		for _, l := range dead {
			dropped, err := tx.Drop(l)
			if err != nil {
				return err
			}
			if !dropped {
				continue // it has come back in this moment
			}
			name := strings.TrimPrefix(l.Name, nodes)
			gone = append(gone, name)
			if _, err := tx.UpdateWhere("instance", store.Is("hostname", name), domain.Record{"node_state": "unavailable", "capacity": 0, "errors": "Another cluster node has determined this instance to be unresponsive"}); err != nil {
				return err
			}
			if err := d.bury(tx, name, lostNode); err != nil {
				return err
			}
		}
		if !was { // what waits may have been on a bus that is gone; twice on the bus is once in the database
			return d.repost(tx, "t.status = 'waiting'")
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.leads = leading
	flights := len(d.running)
	d.mu.Unlock()
	for _, name := range gone {
		d.Log.Warn("a node is gone", "node", name)
	}
	if lost && flights > 0 {
		// Somebody has ended this node's jobs: what still runs here must not go on.
		d.Log.Error("this node was taken for dead, its jobs are stopped", "jobs", flights)
		d.mu.Lock()
		for _, f := range d.running {
			f.cancel(errLost)
		}
		d.mu.Unlock()
	}
	for _, id := range canceled {
		d.stop(id, errCanceled)
	}
	return nil
}

// bury ends the jobs that ran on a node that is gone. Those that wait are in the queue, for others to take.
func (d *Dispatcher) bury(tx *store.Tx, node, why string) error {
	lost, err := tx.List(domain.Of("unified_job"), store.All(store.Is("status", "running"), store.Is("execution_node", node), store.Where("t.type <> 'workflow_job' AND t.type <> 'workflow_approval'")), store.Page{})
	if err != nil {
		return err
	}
	for _, head := range lost {
		job, err := tx.Get(head.Type(), head.ID())
		if err != nil {
			return err
		}
		status := "error"
		if job.Bool("cancel_flag") {
			status = "canceled"
		}
		stored, err := eventsOf(tx, job.ID())
		if err != nil {
			return err
		}
		if _, err := d.end(tx, job, mine(job, node), status, why, stored); err != nil {
			return err
		}
	}
	return nil
}

// eventsOf counts what a job had stored when its process died.
func eventsOf(tx *store.Tx, job int64) (domain.Record, error) {
	var n, lines int64
	err := tx.Query("SELECT COALESCE(MAX(counter), 0), COALESCE(MAX(end_line), 0) FROM event_index WHERE job = ?", []any{job}, func(scan func(...any) error) error { return scan(&n, &lines) })
	return domain.Record{"events": n, "stdout_lines": lines}, err
}
