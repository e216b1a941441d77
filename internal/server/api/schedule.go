package api

import (
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/troupe-automation/troupe/internal/server/dispatch"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/launch"
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
			if err := checkDays(q, old, rec, w); err != nil {
				return err
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
			return launch.Upcoming(tx, template)
		},
		removed: func(tx *store.Tx, rec domain.Record) error {
			return launch.Upcoming(tx, rec.Int("unified_job_template"))
		},
		links: func(q *request, rec domain.Record, o *object) {
			template, err := q.concreteRecord("unified_job_template", rec.Int("unified_job_template"))
			if err != nil {
				return
			}
			for _, t := range []domain.Type{"project", "inventory"} {
				if template.Has(string(t)) && o.values[string(t)] == nil {
					o.set(string(t), href(domain.Of(t), template.Int(string(t))))
				}
			}
		},
		summary: func(q *request, rec domain.Record, o *object) error {
			template, err := q.concreteRecord("unified_job_template", rec.Int("unified_job_template"))
			if err != nil || rec.Has("inventory") || !template.Has("inventory") {
				return err
			}
			s, err := q.summary("inventory", template.Int("inventory"))
			if err == nil {
				o.set("inventory", s)
			}
			return err
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

// checkDays looks at the variables of a schedule of a system job.
func checkDays(q *request, old, rec domain.Record, w wrong) error {
	template := rec.Int("unified_job_template")
	if template == 0 {
		template = old.Int("unified_job_template")
	}
	kind, err := q.concrete("unified_job_template", template)
	if err != nil || kind.Type != "system_job_template" {
		return err
	}
	vars := map[string]any{}
	if err := rec.Into("extra_data", &vars); err != nil {
		return err
	}
	if _, err := dispatch.Days(vars); err != nil {
		w.add("extra_data", "%s", err)
	}
	return nil
}

// createScheduleAction makes a schedule that runs a job's template as the job was launched. It is switched off: a person sets its times.
var createScheduleAction = &action{
	rules: map[string]string{"POST": ":start"},
	get: func(q *request, _ *domain.Resource, rec domain.Record) (*reply, error) {
		prompts, err := q.launchConfig(rec)
		if err != nil {
			return nil, err
		}
		return ok(map[string]any{"can_schedule": rec.Has("unified_job_template"), "prompts": prompts})
	},
	post: func(q *request, _ *domain.Resource, rec domain.Record, _ map[string]any) (*reply, error) {
		if !rec.Has("unified_job_template") {
			return nil, badRequest(map[string]string{"error": "Cannot create schedule because a related resource is missing."})
		}
		prompts, err := q.launchConfig(rec)
		if err != nil {
			return nil, err
		}
		r := domain.Of("schedule")
		name := "Auto-generated schedule from job " + itoa(rec.ID())
		taken, err := q.tx.Count(r, store.Where("t.name = ? OR t.name LIKE ?", name, name+" - number %"))
		if err != nil {
			return nil, err
		}
		if taken > 0 {
			name += " - number " + itoa(taken)
		}
		body := map[string]any{"name": name, "unified_job_template": rec.Int("unified_job_template"), "enabled": false, "rrule": time.Now().UTC().Format("DTSTART:20060102T150405Z") + " RRULE:FREQ=MONTHLY;INTERVAL=1"}
		for f, v := range prompts {
			if f == "extra_vars" {
				f = "extra_data"
			}
			body[f] = v
		}
		made, err := q.create(r, body, nil)
		if err != nil {
			return nil, err
		}
		return q.created(r, made)
	},
}

// launchConfig is what a job was launched with beyond what its template says.
func (q *request) launchConfig(job domain.Record) (map[string]any, error) {
	out := map[string]any{}
	template, err := q.concreteRecord("unified_job_template", job.Int("unified_job_template"))
	if errors.Is(err, store.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	for _, a := range launch.Asked {
		if v, has := job[a.Field]; has && v != nil && v != template[a.Field] && template.Bool(a.Flag) {
			out[a.Field] = v
		}
	}
	mine, err := launch.ParseVars(launch.Mask(job.Str("extra_vars")))
	if err != nil {
		return nil, err
	}
	theirs, err := launch.ParseVars(template.Str("extra_vars"))
	if err != nil {
		return nil, err
	}
	for k, v := range theirs {
		if reflect.DeepEqual(mine[k], v) {
			delete(mine, k)
		}
	}
	if len(mine) > 0 && template.Bool("ask_variables_on_launch") {
		out["extra_vars"] = mine
	}
	return out, nil
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
