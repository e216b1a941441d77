// Package notify tells people and other systems how jobs go: by mail, chat, SMS, IRC or a request to an address of theirs.
//
// What is to be said is put into words in the transaction that changes the job, as rows of the table of notifications, so that none is lost
// and none tells of what did not happen. A Sender takes the rows and sends them, each at most once.
//
// Called by internal/server/dispatch when a job starts and ends, and by internal/server/api for tests and approvals; internal/server runs the Sender.
package notify

import (
	"errors"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Event is what a template is attached for.
type Event string

// The events, as the lists of templates have them.
const (
	Started   Event = "started"
	Success   Event = "success"
	Error     Event = "error"
	Approvals Event = "approvals"
)

// eventOf is the event of a job's state, "" for none.
func eventOf(status string) Event {
	switch status {
	case "running":
		return Started
	case "successful":
		return Success
	case "failed", "error", "canceled":
		return Error
	}
	return ""
}

// Job leaves what is to be said of a job's state.
func Job(tx *store.Tx, job domain.Record, status string) error {
	event := eventOf(status)
	if event == "" || job.Type() == "workflow_approval" {
		return nil
	}
	owners := []owner{{"organization", job.Int("organization")}}
	if id := job.Int("unified_job_template"); id != 0 {
		kind, err := tx.TypeOf("unified_job_template", id)
		if err == nil {
			owners = append(owners, owner{kind, id})
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if kind == "job_template" {
			owners = append(owners, owner{"project", job.Int("project")})
		}
	}
	templates, err := attached(tx, event, owners)
	if err != nil || len(templates) == 0 {
		return err
	}
	about, err := aboutJob(tx, job, status)
	if err != nil {
		return err
	}
	return about.leave(tx, templates, string(event), "", job.ID())
}

// Decision is what becomes of an approval.
type Decision string

// The decisions, as messages have them.
const (
	Needed   Decision = "running"
	Approved Decision = "approved"
	Denied   Decision = "denied"
	TimedOut Decision = "timed_out"
)

// Approval leaves what is to be said of an approval of a workflow.
func Approval(tx *store.Tx, approval domain.Record, d Decision) error {
	workflow := approval.Int("workflow_job_template")
	if workflow == 0 {
		return nil
	}
	template, err := tx.Get("workflow_job_template", workflow)
	if err != nil {
		return err
	}
	templates, err := attached(tx, Approvals, []owner{{"organization", template.Int("organization")}, {"workflow_job_template", workflow}})
	if err != nil || len(templates) == 0 {
		return err
	}
	about, err := aboutApproval(tx, approval, d)
	if err != nil {
		return err
	}
	return about.leave(tx, templates, "workflow_approval", string(d), approval.ID())
}

// Test leaves a notification that says that it is a test, and returns it.
func Test(tx *store.Tx, template domain.Record) (domain.Record, error) {
	base, err := siteURL(tx)
	if err != nil {
		return nil, err
	}
	text := "Test Notification " + itoa(template.ID()) + " " + base
	body := text
	if kind := template.Str("notification_type"); kind != "email" && kind != "pagerduty" {
		body = string(domain.Encode(map[string]string{"body": text}))
	}
	rec := row(template, "Notification Test "+itoa(template.ID())+" "+base, body)
	return rec, tx.Insert("notification", rec)
}

type owner struct {
	kind domain.Type
	id   int64
}

// attached are the templates that are attached to any of some objects for an event.
func attached(tx *store.Tx, event Event, owners []owner) ([]domain.Record, error) {
	var ids []int64
	for _, o := range owners {
		if o.id == 0 {
			continue
		}
		more, err := tx.Linked(string(o.kind)+".notification_templates_"+string(event), o.id)
		if err != nil {
			return nil, err
		}
		ids = append(ids, more...)
	}
	slices.Sort(ids)
	var out []domain.Record
	for _, id := range slices.Compact(ids) {
		t, err := tx.Get("notification_template", id)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func row(template domain.Record, subject, body string) domain.Record {
	return domain.Record{"notification_template": template.ID(), "notification_type": template.Str("notification_type"), "status": "pending", "subject": subject,
		"recipients": recipients(template), "body": domain.Encode(body)}
}

// leave writes a notification for each template, in its words.
func (a about) leave(tx *store.Tx, templates []domain.Record, event, decision string, job int64) error {
	for _, t := range templates {
		subject, body := a.say(t, event, decision)
		rec := row(t, subject, body)
		if err := tx.Insert("notification", rec); err != nil {
			return err
		}
		if err := tx.Link("unified_job.notifications", job, rec.ID()); err != nil {
			return err
		}
	}
	return nil
}

// recipients is who a template reaches, in one text: AWX's, which for a list is Python's.
func recipients(template domain.Record) string {
	var conf map[string]any
	if err := template.Into("notification_configuration", &conf); err != nil {
		return ""
	}
	switch to := conf[channels[template.Str("notification_type")].to].(type) {
	case string:
		return to
	case []any:
		words := make([]string, len(to))
		for i, x := range to {
			s, _ := x.(string)
			words[i] = "'" + strings.ReplaceAll(s, "'", `\'`) + "'"
		}
		return "[" + strings.Join(words, ", ") + "]"
	}
	return ""
}
