package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/launch"
	"github.com/troupe-automation/troupe/internal/server/rrule"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// due launches what schedules ask for. A run that was missed while no server was there is made up for once. A schedule that cannot be
// launched keeps no other waiting: it is told of, and comes again when its rule says so.
func (d *Dispatcher) due(ctx context.Context) error {
	now := time.Now()
	rows, err := d.DB.Read(ctx).List(domain.Of("schedule"), store.Where("t.enabled = 1 AND t.next_run <= ?", domain.Stamp(now)), store.Page{})
	if err != nil {
		return err
	}
	for _, s := range rows {
		err := d.DB.Write(ctx, func(tx *store.Tx) error {
			if mine, err := advance(tx, s, now); err != nil || !mine {
				return err
			}
			return d.launchScheduled(tx, s)
		})
		if err == nil || ctx.Err() != nil || d.DB.Away(err) {
			if err != nil {
				return err
			}
			continue
		}
		d.Log.Error("a schedule cannot be launched", "schedule", s.Str("name"), "id", s.ID(), "error", err)
		if err := d.DB.Write(ctx, func(tx *store.Tx) error { _, err := advance(tx, s, now); return err }); err != nil {
			return err
		}
	}
	return nil
}

// advance sets when a schedule runs next: never, when its rule cannot be read. false says that somebody else has done it.
func advance(tx *store.Tx, s domain.Record, now time.Time) (bool, error) {
	var next any
	if rule, err := rrule.Parse(s.Str("rrule")); err == nil {
		next = rule.Next(now)
	}
	n, err := tx.UpdateWhere("schedule", store.All(store.Is("id", s.ID()), store.Is("next_run", s.Str("next_run"))), domain.Record{"next_run": next})
	if err != nil || n == 0 {
		return false, err
	}
	return true, launch.Upcoming(tx, s.Int("unified_job_template"))
}

func (d *Dispatcher) launchScheduled(tx *store.Tx, s domain.Record) error {
	kind, err := tx.TypeOf("unified_job_template", s.Int("unified_job_template"))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	template, err := tx.Get(kind, s.Int("unified_job_template"))
	if err != nil {
		return err
	}
	p := launch.Prompts{Fields: domain.Record{}, ExtraVars: map[string]any{}, Type: "scheduled", CreatedBy: s.Int("created_by"), Schedule: s.ID()}
	if err := s.Into("extra_data", &p.ExtraVars); err != nil {
		return err
	}
	for _, a := range launch.Asked {
		if s[a.Field] != nil && s[a.Field] != "" {
			p.Fields[a.Field] = s[a.Field]
		}
	}
	if _, err := launch.Make(tx, d.Box, kind, template, p); err != nil {
		return err
	}
	tx.After(d.Wake)
	return nil
}
