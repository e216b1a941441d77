package api

import (
	"slices"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/rrule"
	"github.com/troupe-automation/troupe/internal/server/store"
)

func scheduleHooks() hooks {
	return hooks{
		check: func(q *request, old, rec domain.Record, w wrong) error {
			text, given := rec["rrule"].(string)
			if !given && old != nil {
				text = old.Str("rrule")
			}
			rule, err := rrule.Parse(text)
			if err != nil {
				w.add("rrule", "%s", err)
				return nil
			}
			rec["dtstart"], rec["dtend"] = domain.Stamp(rule.Start), rule.End()
			enabled, set := rec["enabled"].(bool)
			if !set {
				enabled = old == nil || old.Bool("enabled")
			}
			rec["next_run"] = nil
			if enabled {
				rec["next_run"] = rule.Next(time.Now())
			}
			return nil
		},
		saved: func(_ *request, tx *store.Tx, old, rec domain.Record) error {
			template := rec.Int("unified_job_template")
			if template == 0 {
				template = old.Int("unified_job_template")
			}
			kind, err := tx.TypeOf("unified_job_template", template)
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
		},
		show: func(_ *request, rec domain.Record, o *object, _ bool) error {
			zone, until := "UTC", ""
			if rule, err := rrule.Parse(rec.Str("rrule")); err == nil {
				zone, until = rule.Zone, rule.Until
			}
			o.set("timezone", zone)
			o.set("until", until)
			for _, f := range []string{"next_run", "dtstart", "dtend"} { // whole seconds show no fraction
				if rec.Has(f) {
					o.set(f, rec.Time(f).Format(time.RFC3339))
				}
			}
			return nil
		},
	}
}

func previewOptions(*request) (*object, error) {
	actions := newObject()
	actions.set("POST", map[string]any{"rrule": map[string]any{"type": "string", "required": true, "label": "Rrule"}})
	return describe("Schedule Preview", "", actions), nil
}

// schedulePreview shows the first moments of a rule, in its own zone and in UTC.
func (q *request) schedulePreview() (*reply, error) {
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	text, is := body["rrule"].(string)
	if !is {
		return nil, fieldError("rrule", "This field is required.")
	}
	rule, err := rrule.Parse(text)
	if err != nil {
		return nil, fieldError("rrule", "%s", err)
	}
	local, utc := []string{}, []string{}
	for _, t := range rule.List(10) {
		local = append(local, t.Format("2006-01-02T15:04:05Z07:00"))
		utc = append(utc, t.UTC().Format("2006-01-02T15:04:05Z"))
	}
	return ok(map[string]any{"local": local, "utc": utc})
}

// zones lists the time zones that schedules may name.
func (q *request) zones() (*reply, error) {
	names := zoneNames()
	slices.Sort(names)
	return ok(map[string]any{"zones": names, "links": map[string]string{}})
}
