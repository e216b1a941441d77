package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/inventory"
	"github.com/troupe-automation/troupe/internal/server/launch"
	"github.com/troupe-automation/troupe/internal/server/store"
)

func inventoryHooks() hooks {
	return hooks{
		check: func(q *request, old, rec domain.Record, w wrong) error {
			kind := merged(old, rec, "kind")
			if v, given := rec["organization"]; (given || old == nil) && v == nil {
				w.add("organization", "This field cannot be blank.")
			}
			if old != nil && rec["kind"] != nil && rec.Str("kind") != old.Str("kind") {
				return &problem{http.StatusMethodNotAllowed, map[string]string{"detail": "You cannot turn a regular inventory into a \"smart\" or \"constructed\" inventory."}}
			}
			filter := merged(old, rec, "host_filter")
			if kind == "smart" && filter == "" {
				w.add("host_filter", "Smart inventories must specify host_filter")
			}
			if kind != "smart" && filter != "" {
				w.add("host_filter", "host_filter is only allowed for smart inventories")
			}
			if filter != "" {
				if _, err := inventory.Filter(q.DB, filter); err != nil {
					w.add("host_filter", "%s", err)
				}
			}
			return nil
		},
		links: func(_ *request, rec domain.Record, o *object) {
			switch rec.Str("kind") {
			case inventory.Constructed:
				o.set("input_inventories", href(domain.Of("inventory"), rec.ID())+"input_inventories/")
				o.set("constructed_url", href(domain.Of("constructed_inventory"), rec.ID()))
			case inventory.Smart:
				o.drop("groups", "root_groups", "update_inventory_sources", "inventory_sources", "tree")
			}
		},
		saved: func(_ *request, tx *store.Tx, old, rec domain.Record) error {
			if old != nil || rec.Str("kind") != inventory.Constructed {
				return nil
			}
			if err := makeSource(tx, rec); err != nil {
				return err
			}
			return inventory.Recount(tx, rec.ID())
		},
		show: func(q *request, rec domain.Record, o *object, _ bool) error {
			if rec.Str("kind") != inventory.Smart {
				return nil
			}
			where, err := inventory.Hosts(q.DB, rec)
			if err != nil {
				return err
			}
			n, err := q.tx.Count(domain.Of("host"), where)
			o.set("total_hosts", n)
			return err
		},
		attach: func(_ *request, rec domain.Record, rel *domain.Related, other domain.Record, detach bool) error {
			switch {
			case rel.Name != "input_inventories" || detach:
			case rec.Str("kind") != inventory.Constructed:
				return badRequest(map[string]string{"error": "Only constructed inventories have input inventories."})
			case other.Str("kind") == inventory.Constructed:
				return badRequest(map[string]string{"error": "You cannot add a constructed inventory to another constructed inventory."})
			}
			return nil
		},
		summary: func(q *request, rec domain.Record, o *object) error { return q.labels("inventory", rec.ID(), o) },
		remove: func(q *request, rec domain.Record) (*reply, error) {
			if err := q.inUse(store.Where("t.inventory = ?", rec.ID())); err != nil {
				return nil, err
			}
			err := q.write(func(tx *store.Tx) error {
				if err := q.record(tx, "delete", domain.Of("inventory"), rec.ID(), publicFields(domain.Of("inventory"), rec), nil, 0, ""); err != nil {
					return err
				}
				return tx.Delete("inventory", rec.ID())
			})
			return &reply{status: http.StatusAccepted}, err
		},
	}
}

// labels adds the list of labels that an object shows.
func (q *request) labels(owner string, id int64, o *object) error {
	ids, err := q.tx.Linked(owner+".labels", id)
	if err != nil {
		return err
	}
	list := []map[string]any{}
	for _, l := range ids[:min(len(ids), 10)] {
		if rec, err := q.get("label", l); err == nil {
			list = append(list, map[string]any{"id": l, "name": rec.Str("name")})
		}
	}
	o.set("labels", map[string]any{"count": len(ids), "results": list})
	return nil
}

func hostHooks() hooks {
	return hooks{
		check: func(q *request, old, rec domain.Record, w wrong) error {
			if id := rec.Int("inventory"); id != 0 && old != nil && id != old.Int("inventory") {
				w.add("inventory", "The inventory of a host cannot be changed.")
			}
			if id := rec.Int("inventory"); id != 0 && old == nil {
				inv, err := q.get("inventory", id)
				if err != nil {
					return err
				}
				if inv.Str("kind") != "" {
					w.add("detail", "Cannot create Host for Smart or Constructed Inventories")
				}
			}
			if name := rec.Str("name"); strings.ContainsAny(name, "\n\r") {
				w.add("name", "A host's name is one line.")
			}
			return nil
		},
		saved: func(_ *request, tx *store.Tx, old, rec domain.Record) error {
			if old != nil {
				return nil
			}
			return inventory.Recount(tx, rec.Int("inventory"))
		},
		removed: recount,
		show: func(q *request, rec domain.Record, o *object, _ bool) error {
			failed := false
			if rec.Has("last_job_host_summary") {
				if s, err := q.get("job_host_summary", rec.Int("last_job_host_summary")); err == nil {
					failed = s.Bool("failed")
				}
			}
			o.set("has_active_failures", failed)
			sources, err := q.tx.LinkedTo("inventory_source.hosts", rec.ID())
			o.set("has_inventory_sources", len(sources) > 0)
			return err
		},
		summary: func(q *request, rec domain.Record, o *object) error {
			ids, err := q.tx.LinkedTo("group.hosts", rec.ID())
			if err != nil {
				return err
			}
			groups := []map[string]any{}
			for _, id := range ids[:min(len(ids), 5)] {
				if g, err := q.get("group", id); err == nil {
					groups = append(groups, map[string]any{"id": id, "name": g.Str("name")})
				}
			}
			o.set("groups", map[string]any{"count": len(ids), "results": groups})
			if last, has := o.values["last_job"].(*object); has {
				if job, err := q.get("job", rec.Int("last_job")); err == nil {
					s := newObject()
					for _, f := range []string{"id", "name", "description", "finished", "status", "failed"} {
						s.set(f, job[f])
					}
					s.set("job_template_id", job["job_template"])
					s.set("job_template_name", job.Str("name"))
					o.set("last_job", s)
				} else {
					o.set("last_job", last.only("id", "name", "description", "status", "failed"))
				}
			}
			recent, err := q.tx.List(domain.Of("job_host_summary"), store.Is("host", rec.ID()), store.Page{Order: "t.id DESC", Limit: 5})
			if err != nil {
				return err
			}
			jobs := []map[string]any{}
			for _, s := range recent {
				if job, err := q.get("job", s.Int("job")); err == nil {
					jobs = append(jobs, map[string]any{"id": job.ID(), "name": job.Str("name"), "type": "job", "status": job.Str("status"), "finished": job["finished"]})
				}
			}
			o.set("recent_jobs", jobs)
			return nil
		},
	}
}

func hostSummaryHooks() hooks {
	return hooks{summary: func(q *request, rec domain.Record, o *object) error {
		s, err := q.jobTold(rec.Int("job"))
		if err == nil {
			o.set("job", s)
		}
		return err
	}}
}

// recount follows the removal of a host or group.
func recount(tx *store.Tx, rec domain.Record) error {
	return inventory.Recount(tx, rec.Int("inventory"))
}

func groupHooks() hooks {
	return hooks{
		check: func(q *request, old, rec domain.Record, w wrong) error {
			if inv, err := q.get("inventory", rec.Int("inventory")); old == nil && err == nil && inv.Str("kind") != "" {
				w.add("detail", "Cannot create Group for Smart or Constructed Inventories")
			}
			if name := rec.Str("name"); name == "all" || name == "_meta" || name == "ungrouped" {
				w.add("name", "Invalid group name.")
			}
			return nil
		},
		saved: func(_ *request, tx *store.Tx, old, rec domain.Record) error {
			if old != nil {
				return nil
			}
			return inventory.Recount(tx, rec.Int("inventory"))
		},
		removed: recount,
		attach: func(q *request, rec domain.Record, rel *domain.Related, other domain.Record, detach bool) error {
			if detach || rel.Name != "children" && rel.Name != "hosts" {
				return nil
			}
			if other.Int("inventory") != rec.Int("inventory") {
				return badRequest(map[string]string{"msg": "Hosts and groups belong to one inventory."})
			}
			if rel.Name != "children" {
				return nil
			}
			where, err := potentialChildren(q, rec.ID())
			if err != nil {
				return err
			}
			n, err := q.tx.Count(domain.Of("group"), store.All(where, store.Is("id", other.ID())))
			if err != nil || n > 0 {
				return err
			}
			already, err := q.tx.Linked("group.children", rec.ID())
			if err != nil || slices.Contains(already, other.ID()) {
				return err
			}
			return badRequest(map[string]string{"error": "Cyclical Group association."})
		},
	}
}

func inventorySourceHooks() hooks {
	recount := func(_ *request, tx *store.Tx, old, rec domain.Record) error {
		if old != nil {
			return nil
		}
		return inventory.Recount(tx, rec.Int("inventory"))
	}
	return hooks{
		check: func(q *request, old, rec domain.Record, w wrong) error {
			if old == nil {
				if inv, err := q.get("inventory", rec.Int("inventory")); err == nil && inv.Str("kind") != "" {
					w.add("detail", "Cannot create Inventory Source for Smart or Constructed Inventories")
				}
				if rec.Str("source") == inventory.Constructed {
					w.add("error", "constructed not a valid source for inventory")
				}
			} else if old.Str("source") == inventory.Constructed {
				for f, v := range rec {
					if !reflect.DeepEqual(v, old[f]) && !slices.Contains(sourceFields, f) {
						w.add("error", "Cannot change field '%s' on a constructed inventory source.", f)
					}
				}
			}
			if merged(old, rec, "source") == "scm" {
				if _, given := rec["source_project"]; (given || old == nil) && !rec.Has("source_project") {
					w.add("source_project", "Project required for scm type sources.")
				}
			}
			return nil
		},
		saved: recount, show: lastUpdate, links: templateLinks,
		summary: func(q *request, rec domain.Record, o *object) error {
			if err := q.credentialList("inventory_source", rec.ID(), o); err != nil {
				return err
			}
			if inv, err := q.get("inventory", rec.Int("inventory")); err == nil {
				if s, err := q.summary("organization", inv.Int("organization")); err == nil {
					o.set("organization", s)
				}
			}
			return templateSummary(q, rec, o)
		},
		removable: func(q *request, rec domain.Record) error {
			return q.inUse(store.Where("t.inventory_source = ?", rec.ID()))
		},
	}
}

// credentialList adds the list of credentials that an object shows.
func (q *request) credentialList(owner string, id int64, o *object) error {
	ids, err := q.tx.Linked(owner+".credentials", id)
	if err != nil {
		return err
	}
	list := []*object{}
	for _, c := range ids {
		s, err := q.summary("credential", c)
		if err != nil {
			continue
		}
		list = append(list, s.only("id", "name", "description", "kind", "cloud"))
	}
	o.set("credentials", list)
	return nil
}

var sourceUpdateAction = &action{
	rules: map[string]string{"POST": ":start"},
	get: func(_ *request, _ *domain.Resource, rec domain.Record) (*reply, error) {
		return ok(map[string]bool{"can_update": rec.Str("source") != ""})
	},
	post: func(q *request, r *domain.Resource, rec domain.Record, _ map[string]any) (*reply, error) {
		return q.startUpdate(r, rec, "inventory_update")
	},
	fields: func() []domain.Field { return nil },
}

var updateSourcesAction = &action{
	rules: map[string]string{"POST": "update_role"},
	get: func(q *request, _ *domain.Resource, rec domain.Record) (*reply, error) {
		rows, err := q.tx.List(domain.Of("inventory_source"), store.Is("inventory", rec.ID()), store.Page{})
		list := []map[string]any{}
		for _, s := range rows {
			list = append(list, map[string]any{"inventory_source": s.ID(), "can_update": true})
		}
		if err != nil {
			return nil, err
		}
		return ok(list)
	},
	post: func(q *request, _ *domain.Resource, rec domain.Record, _ map[string]any) (*reply, error) {
		rows, err := q.tx.List(domain.Of("inventory_source"), store.Is("inventory", rec.ID()), store.Page{})
		if err != nil {
			return nil, err
		}
		list := []any{}
		for _, s := range rows {
			rep, err := q.startUpdate(domain.Of("inventory_source"), s, "inventory_update")
			if err != nil {
				return nil, err
			}
			o := rep.body.(*object)
			o.set("inventory_source", s.ID())
			o.set("status", "started")
			list = append(list, o)
		}
		return &reply{status: http.StatusAccepted, body: list}, nil
	},
}

// variableDataAction is an object's variables as a dictionary.
var variableDataAction = &action{
	get: func(_ *request, _ *domain.Resource, rec domain.Record) (*reply, error) {
		vars, err := launch.ParseVars(rec.Str("variables"))
		if err != nil {
			return nil, err
		}
		return ok(vars)
	},
	put: func(q *request, r *domain.Resource, rec domain.Record, body map[string]any) (*reply, error) {
		vars := body
		if q.r.Method == http.MethodPatch {
			old, err := launch.ParseVars(rec.Str("variables"))
			if err != nil {
				return nil, err
			}
			for k, v := range body {
				old[k] = v
			}
			vars = old
		}
		if _, err := q.change(r, rec, map[string]any{"variables": vars}, true); err != nil {
			return nil, err
		}
		return ok(vars)
	},
}

var factsAction = &action{get: func(_ *request, _ *domain.Resource, rec domain.Record) (*reply, error) {
	if raw, is := rec["ansible_facts"].(json.RawMessage); is {
		return ok(raw)
	}
	return ok(map[string]any{})
}}

// scriptAction is the inventory as a dynamic inventory script prints it.
var scriptAction = &action{get: func(q *request, _ *domain.Resource, rec domain.Record) (*reply, error) {
	mine, err := inventory.Hosts(q.DB, rec)
	if err != nil {
		return nil, err
	}
	hosts, err := q.tx.List(domain.Of("host"), store.All(mine, enabledOnly(q)), store.Page{})
	if err != nil {
		return nil, err
	}
	groups, err := q.tx.List(domain.Of("group"), store.Is("inventory", rec.ID()), store.Page{Order: "t.name"})
	if err != nil {
		return nil, err
	}
	names := map[int64]string{}
	meta := newObject()
	grouped := map[int64]bool{}
	for _, h := range hosts {
		names[h.ID()] = h.Str("name")
		vars, err := launch.ParseVars(h.Str("variables"))
		if err != nil {
			return nil, err
		}
		if q.query.Get("towervars") != "" {
			vars["remote_tower_enabled"], vars["remote_tower_id"] = fmt.Sprint(h.Bool("enabled")), h.ID()
			vars["remote_host_enabled"], vars["remote_host_id"] = fmt.Sprint(h.Bool("enabled")), h.ID()
		}
		meta.set(h.Str("name"), vars)
	}
	if one := q.query.Get("host"); one != "" {
		v, has := meta.values[one]
		if !has {
			return nil, detail(http.StatusNotFound, "No Host matches the given query.")
		}
		return ok(v)
	}
	vars, err := launch.ParseVars(rec.Str("variables"))
	if err != nil {
		return nil, err
	}
	all := newObject()
	all.set("hosts", []string{})
	ungrouped := []string{}
	children := []string{}
	o := newObject()
	o.set("all", all)
	for _, g := range groups {
		body := newObject()
		ids, err := q.tx.Linked("group.hosts", g.ID())
		if err != nil {
			return nil, err
		}
		members := []string{}
		for _, id := range ids {
			grouped[id] = true
			if n, known := names[id]; known {
				members = append(members, n)
			}
		}
		kids, err := q.tx.Linked("group.children", g.ID())
		if err != nil {
			return nil, err
		}
		below := []string{}
		for _, id := range kids {
			if k, err := q.get("group", id); err == nil {
				below = append(below, k.Str("name"))
			}
		}
		body.set("hosts", members)
		if len(below) > 0 {
			body.set("children", below)
		}
		gv, err := launch.ParseVars(g.Str("variables"))
		if err != nil {
			return nil, err
		}
		if len(gv) > 0 {
			body.set("vars", gv)
		}
		o.set(g.Str("name"), body)
		if parents, err := q.tx.LinkedTo("group.children", g.ID()); err == nil && len(parents) == 0 {
			children = append(children, g.Str("name"))
		}
	}
	for _, h := range hosts {
		if !grouped[h.ID()] {
			ungrouped = append(ungrouped, h.Str("name"))
		}
	}
	if len(ungrouped) > 0 {
		all.set("hosts", ungrouped)
	}
	if len(children) > 0 {
		all.set("children", children)
	}
	if len(vars) > 0 {
		all.set("vars", vars)
	}
	if q.query.Get("hostvars") != "" {
		o.set("_meta", map[string]any{"hostvars": meta})
	}
	return ok(o)
}}

func enabledOnly(q *request) store.Condition {
	if q.query.Get("all") != "" {
		return store.Condition{}
	}
	return store.Where("t.enabled = 1")
}

// treeAction is the groups of an inventory, nested.
var treeAction = &action{get: func(q *request, _ *domain.Resource, rec domain.Record) (*reply, error) {
	where, err := customLists["inventory.root_groups"](q, rec.ID())
	if err != nil {
		return nil, err
	}
	roots, err := q.tx.List(domain.Of("group"), where, store.Page{})
	if err != nil {
		return nil, err
	}
	var nest func(rec domain.Record, above []int64) (*object, error)
	nest = func(rec domain.Record, above []int64) (*object, error) {
		o, err := q.show(domain.Of("group"), rec, false)
		if err != nil {
			return nil, err
		}
		kids, err := q.tx.Linked("group.children", rec.ID())
		if err != nil {
			return nil, err
		}
		children := []*object{}
		for _, id := range kids {
			if slices.Contains(above, id) {
				continue
			}
			kid, err := q.get("group", id)
			if err != nil {
				return nil, err
			}
			c, err := nest(kid, append(above, rec.ID()))
			if err != nil {
				return nil, err
			}
			children = append(children, c)
		}
		o.set("children", children)
		o.values["summary_fields"].(*object).drop("user_capabilities")
		return o, nil
	}
	list := []*object{}
	for _, g := range roots {
		o, err := nest(g, nil)
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return ok(list)
}}
