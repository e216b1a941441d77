package dispatch

import (
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// notify leaves a notification behind for each template that wants to hear of a job's state. Sending is not there yet: the rows say so.
func (d *Dispatcher) notify(tx *store.Tx, job domain.Record, status string) error {
	event := map[string]string{"successful": "success", "failed": "error", "error": "error", "canceled": "error"}[status]
	template := job.Int("unified_job_template")
	if event == "" || template == 0 {
		return nil
	}
	kind, err := tx.TypeOf("unified_job_template", template)
	if err != nil {
		return nil
	}
	ids, err := tx.Linked(string(kind)+".notification_templates_"+event, template)
	if err != nil {
		return err
	}
	for _, id := range ids {
		n, err := tx.Get("notification_template", id)
		if err != nil {
			return err
		}
		rec := domain.Record{"notification_template": id, "notification_type": n["notification_type"], "status": "failed", "error": "this server does not send notifications yet", "subject": job.Str("name") + " " + status}
		if err := tx.Insert("notification", rec); err != nil {
			return err
		}
		if err := tx.Link("unified_job.notifications", job.ID(), rec.ID()); err != nil {
			return err
		}
	}
	return nil
}
