package api

import (
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// roleOfGrant is the object role that a role definition is another name of.
func roleOfGrant(grants string, object int64) (rbac.ObjectRole, bool) {
	t, field, found := strings.Cut(grants, ".")
	r := domain.Find(domain.Type(t))
	if !found || r == nil {
		return rbac.ObjectRole{}, false
	}
	return rbac.RoleOn(r, object, field)
}

func executionEnvironmentHooks() hooks { return hooks{} }

func instanceHooks() hooks {
	return hooks{
		show: func(q *request, rec domain.Record, o *object, _ bool) error {
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
		summary: func(_ *request, _ domain.Record, o *object) error { o.set("links", []any{}); return nil },
	}
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
