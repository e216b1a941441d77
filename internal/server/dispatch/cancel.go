package dispatch

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/troupe-automation/troupe/internal/server/bus"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// answers is how long a node may take to say that it stops a job.
const answers = 2 * time.Second

// Cancel stops a job: one that waits never starts, one that runs is told at once, wherever that is.
func (d *Dispatcher) Cancel(ctx context.Context, id int64) error {
	kind, err := d.DB.Read(ctx).TypeOf("unified_job", id)
	if err != nil {
		return err
	}
	var job domain.Record
	waited := false
	err = d.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.UpdateWhere(kind, store.All(store.Is("id", id), unended), domain.Record{"cancel_flag": true}); err != nil {
			return err
		}
		if job, err = tx.Get(kind, id); err != nil {
			return err
		}
		from := unstarted
		switch kind {
		case "workflow_job": // ends when its jobs have
			return nil
		case "workflow_approval": // runs nowhere
			from = unended
		}
		waited, err = d.end(tx, job, from, "canceled", "", nil)
		return err
	})
	if err != nil {
		return err
	}
	if kind == "workflow_job" {
		if err := d.cancelWorkflow(ctx, id); err != nil {
			return err
		}
	}
	if !waited && job.Str("status") == "running" && !d.stop(id, errCanceled) && job.Str("execution_node") != "" {
		asking, cancel := context.WithTimeout(ctx, answers)
		defer cancel()
		// A node that does not answer finds the mark in the database when it next shows that it is there.
		if _, err := d.Bus.Ask(asking, "cancel."+address(job.Str("execution_node")), []byte(strconv.FormatInt(id, 10))); err != nil && !errors.Is(err, bus.ErrNobody) {
			d.Log.Warn("the node of a canceled job does not answer", "job", id, "node", job.Str("execution_node"), "error", err)
		}
	}
	d.Wake()
	return nil
}
