package api

import (
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/runner"
	"github.com/troupe-automation/troupe/internal/server/store"
)

func executionEnvironmentHooks() hooks {
	return hooks{check: func(_ *request, old, rec domain.Record, w wrong) error {
		if image := merged(old, rec, "image"); image != "" {
			if err := runner.CheckImage(image); err != nil {
				w.add("image", "%s", err)
			}
		}
		return nil
	}}
}

func instanceHooks() hooks {
	return hooks{
		show: func(q *request, rec domain.Record, o *object, detail bool) error {
			if detail {
				o.values["summary_fields"].(*object).set("links", []any{})
			}
			running, err := q.tx.Count(domain.Of("unified_job"), store.All(store.Is("execution_node", rec.Str("hostname")), store.Where("t.status IN ('running', 'waiting')")))
			if err != nil {
				return err
			}
			total, err := q.tx.Count(domain.Of("unified_job"), store.Is("execution_node", rec.Str("hostname")))
			if err != nil {
				return err
			}
			o.set("jobs_running", running)
			o.set("jobs_total", total)
			o.set("consumed_capacity", float64(running))
			left := 0.0
			if c := rec.Int("capacity"); c > 0 {
				left = 100 * (1 - float64(running)/float64(c))
			}
			o.set("percent_capacity_remaining", left)
			o.set("health_check_pending", false)
			o.set("peers", []any{})
			o.set("reverse_peers", []any{})
			return nil
		},
	}
}

func hostMetricHooks() hooks {
	return hooks{show: func(_ *request, _ domain.Record, o *object, _ bool) error {
		o.drop("type", "related", "summary_fields")
		return nil
	}}
}

func instanceGroupHooks() hooks {
	return hooks{show: func(q *request, rec domain.Record, o *object, _ bool) error {
		ids, err := q.tx.Linked("instance_group.instances", rec.ID())
		if err != nil {
			return err
		}
		capacity := int64(0)
		for _, id := range ids {
			if i, err := q.get("instance", id); err == nil {
				capacity += i.Int("capacity")
			}
		}
		running, err := q.tx.Count(domain.Of("unified_job"), store.All(store.Is("instance_group", rec.ID()), store.Where("t.status IN ('running', 'waiting')")))
		if err != nil {
			return err
		}
		total, err := q.tx.Count(domain.Of("unified_job"), store.Is("instance_group", rec.ID()))
		if err != nil {
			return err
		}
		o.set("capacity", capacity)
		o.set("consumed_capacity", float64(running))
		left := 0.0
		if capacity > 0 {
			left = 100 * (1 - float64(running)/float64(capacity))
		}
		o.set("percent_capacity_remaining", left)
		o.set("jobs_running", running)
		o.set("jobs_total", total)
		o.set("instances", len(ids))
		return nil
	}}
}
