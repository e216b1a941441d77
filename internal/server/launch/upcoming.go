package launch

import (
	"errors"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Upcoming tells a template which of its schedules comes next, and when. It is called when one of them was changed, removed or launched.
func Upcoming(tx *store.Tx, template int64) error {
	kind, err := tx.TypeOf("unified_job_template", template)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	next, err := tx.List(domain.Of("schedule"), store.All(store.Is("unified_job_template", template), store.Where("t.next_run IS NOT NULL")), store.Page{Order: "t.next_run", Limit: 1})
	if err != nil {
		return err
	}
	changes := domain.Record{"next_schedule": nil, "next_job_run": nil}
	if len(next) > 0 {
		changes["next_schedule"], changes["next_job_run"] = next[0].ID(), next[0]["next_run"]
	}
	return tx.Update(kind, template, changes)
}
