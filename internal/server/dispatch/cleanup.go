package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/launch"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Retention works in steps, each a transaction of its own, so that jobs go on beside it: so many rows, or so many events, at a time.
const (
	cleanRows   = 200
	cleanEvents = 5000
)

// old is what a system job removes: rows of a resource, or of a table that is none.
type old struct {
	name  string
	kind  domain.Type // "" for a table that is no resource
	table string
	where store.Condition
	kept  store.Condition // rows of where that stay
}

// system removes what has grown old.
func (d *Dispatcher) system(ctx context.Context, job domain.Record, in *intake) error {
	vars, err := launch.ParseVars(job.Str("extra_vars"))
	if err != nil {
		return err
	}
	days, err := Days(vars)
	if err != nil {
		return err
	}
	dry, _ := vars["dry_run"].(bool)
	now := time.Now()
	list, err := outdated(job.Str("job_type"), domain.Stamp(now.AddDate(0, 0, -days)), domain.Stamp(now))
	if err != nil {
		return err
	}
	for _, o := range list {
		var n, kept int64
		if o.kept.SQL != "" {
			if err := d.count(ctx, o, store.All(o.where, o.kept), &kept); err != nil {
				return err
			}
			o.where = store.All(o.where, store.Where("NOT ("+o.kept.SQL+")", o.kept.Args...))
		}
		if dry {
			if err := d.count(ctx, o, o.where, &n); err != nil {
				return err
			}
			in.say(fmt.Sprintf("%s: %d would be removed, %d stay", o.name, n, kept))
			continue
		}
		n, err := d.clean(ctx, o)
		in.say(fmt.Sprintf("%s: %d removed, %d stay", o.name, n, kept))
		if err != nil {
			return err
		}
	}
	return nil
}

// defaultDays is how long things are kept when nobody says.
const defaultDays = 90

// Days reads how old things must be, from the variables of a system job.
func Days(vars map[string]any) (int, error) {
	v, given := vars["days"]
	if !given {
		return defaultDays, nil
	}
	n, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	if err != nil || n != math.Trunc(n) || n < 0 || n > 99999 {
		return 0, errors.New("days must be a positive integer.")
	}
	return int(n), nil
}

// outdated lists what a kind of system job removes. before is the moment that days says, now is for what has an end of its own.
func outdated(job, before, now string) ([]old, error) {
	switch job {
	case "cleanup_jobs":
		created := store.Where("t.created < ?", before)
		active := store.Where("t.status IN ('new', 'pending', 'waiting', 'running')")
		// Projects and inventory sources keep their last update: it tells what they have.
		last := func(kind, field string) store.Condition {
			return store.Where(active.SQL+" OR t.id IN (SELECT p.last_job FROM unified_job_template p WHERE p.last_job IS NOT NULL AND p.type = ? AND p."+field+" <> '')", kind)
		}
		return []old{
			{"jobs", "job", "", created, active},
			{"project updates", "project_update", "", created, last("project", "scm_type")},
			{"inventory updates", "inventory_update", "", created, last("inventory_source", "source")},
			{"system jobs", "system_job", "", created, active},
			{"ad hoc commands", "ad_hoc_command", "", created, active},
			{"workflow approvals", "workflow_approval", "", created, active},
			{"workflow jobs", "workflow_job", "", created, active},
			{"notifications", "notification", "", created, store.Where("t.status = 'pending'")},
		}, nil
	case "cleanup_activitystream":
		return []old{{"activity stream", "activity_stream", "", store.Where("t.timestamp < ?", before), store.Condition{}}}, nil
	case "cleanup_sessions":
		return []old{{"sessions", "", "session", store.Where("t.expires < ?", now), store.Condition{}}}, nil
	case "cleanup_tokens":
		return []old{{"tokens", "o_auth2_access_token", "", store.Where("t.expires < ?", now), store.Condition{}},
			{"codes", "", "authorization_code", store.Where("t.expires < ?", now), store.Condition{}}}, nil
	}
	return nil, fmt.Errorf("no system job %q", job)
}

func (d *Dispatcher) count(ctx context.Context, o old, where store.Condition, n *int64) error {
	return d.DB.Patiently(ctx, func() (err error) {
		tx := d.DB.Read(ctx)
		if o.kind == "" {
			return tx.Value(n, "SELECT COUNT(*) FROM "+o.table+" t WHERE "+where.SQL, where.Args...)
		}
		*n, err = tx.Count(domain.Of(o.kind), where)
		return err
	})
}

// clean removes rows in the order of their ids, so that none is looked at twice, and returns how many it removed. What it has begun it ends: a
// canceled cleanup, and one that a crash cut off, leave whole objects behind and objects that the next one takes up first.
func (d *Dispatcher) clean(ctx context.Context, o old) (removed int64, err error) {
	for after := int64(0); ; {
		var ids []int64
		err := d.DB.Patiently(ctx, func() (err error) {
			ids, err = d.oldest(ctx, o, after)
			return err
		})
		if err != nil || len(ids) == 0 {
			return removed, err
		}
		after = ids[len(ids)-1]
		n, err := d.drop(context.WithoutCancel(ctx), o, ids)
		removed += n
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return removed, err
		}
	}
}

func (d *Dispatcher) oldest(ctx context.Context, o old, after int64) (ids []int64, err error) {
	where := store.All(o.where, store.Where("t.id > ?", after))
	if o.kind != "" {
		return d.DB.Read(ctx).IDs(domain.Of(o.kind), where, cleanRows)
	}
	err = d.DB.Read(ctx).Query("SELECT t.id FROM "+o.table+" t WHERE "+where.SQL+" ORDER BY t.id LIMIT "+strconv.Itoa(cleanRows), where.Args, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// drop removes some rows, jobs with their events, which may need several transactions: the events go first, from the last on.
func (d *Dispatcher) drop(ctx context.Context, o old, ids []int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, lastDrop)
	defer cancel()
	if o.kind == "" {
		n := int64(0)
		err := d.DB.Persist(ctx, func(tx *store.Tx) (err error) {
			where := store.All(store.IDs("id", ids), o.where)
			n, err = tx.Exec("DELETE FROM "+o.table+" AS t WHERE "+where.SQL, where.Args...)
			return err
		})
		return n, err
	}
	if domain.Of(o.kind).Storage() == "unified_job" {
		for _, id := range ids {
			for more := true; more; {
				err := d.DB.Persist(ctx, func(tx *store.Tx) (err error) {
					more, err = tx.DropEvents(id, cleanEvents)
					return err
				})
				if err != nil {
					return 0, err
				}
			}
		}
	}
	err := d.DB.Persist(ctx, func(tx *store.Tx) error { return tx.DeleteAll(o.kind, ids) })
	if err != nil {
		return 0, err
	}
	return int64(len(ids)), nil
}

// lastDrop is how long a step of a canceled cleanup may take.
const lastDrop = 10 * time.Minute
