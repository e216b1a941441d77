package api

import (
	"net/http"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/inventory"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Constructed inventories are inventories with one source that the server makes; their own address shows the source's settings with them.

// sourceFields are the settings of the source that a constructed inventory shows.
var sourceFields = []string{"source_vars", "update_cache_timeout", "limit", "verbosity"}

// makeSource gives a constructed inventory its source.
func makeSource(tx *store.Tx, inv domain.Record) error {
	return tx.Insert("inventory_source", domain.Record{"name": "Auto-created source for: " + inv.Str("name"), "inventory": inv.ID(), "source": inventory.Constructed, "status": "never updated",
		"overwrite": true, "overwrite_vars": true, "update_on_launch": true, "verbosity": int64(1), "created_by": inv["created_by"], "modified_by": inv["modified_by"]})
}

// sourceOf is the first source of an inventory, nil when it has none.
func (q *request) sourceOf(id int64) (domain.Record, error) {
	rows, err := q.tx.List(domain.Of("inventory_source"), store.Is("inventory", id), store.Page{Limit: 1})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}

// asConstructed turns what an inventory shows into what its second address shows.
func (q *request) asConstructed(rec domain.Record, o *object) error {
	own := href(domain.Of("constructed_inventory"), rec.ID())
	o.set("url", own)
	if name, has := o.values["related"].(*object).values["named_url"].(string); has {
		o.values["related"].(*object).set("named_url", strings.Replace(name, "/inventories/", "/constructed_inventories/", 1))
	}
	o.drop("host_filter")
	source, err := q.sourceOf(rec.ID())
	for _, f := range sourceFields {
		o.set(f, source[f])
	}
	return err
}

func (q *request) showConstructed(rec domain.Record) (*object, error) {
	o, err := q.show(domain.Of("inventory"), rec, true)
	if err == nil {
		err = q.asConstructed(rec, o)
	}
	return o, err
}

func (q *request) constructedList() (*reply, error) {
	return q.listAs(domain.Of("inventory"), store.All(store.Is("kind", inventory.Constructed), mayRead(q, "inventory")), q.asConstructed)
}

func constructedOptions(list bool) func(*request) (*object, error) {
	return func(q *request) (*object, error) {
		if list {
			return q.listOptions(domain.Of("constructed_inventory"), nil)
		}
		return q.detailOptions(domain.Of("constructed_inventory"))
	}
}

// readSource takes the settings of the source from a body.
func (q *request) readSource(body map[string]any) (domain.Record, error) {
	r := domain.Of("constructed_inventory")
	w, out := wrong{}, domain.Record{}
	for _, name := range sourceFields {
		v, given := body[name]
		if !given || v == nil {
			continue
		}
		x, problem := q.value(r, r.Field(name), v)
		if problem != "" {
			w.add(name, "%s", problem)
		}
		out[name] = x
	}
	return out, w.err()
}

// withSource lets settings of the source be stored in the transaction that stores the inventory.
func (q *request) withSource(changes domain.Record) {
	q.also = func(tx *store.Tx, inv int64) error {
		_, err := tx.UpdateWhere("inventory_source", store.Is("inventory", inv), changes)
		return err
	}
}

// constructedSave reads a body, stores the inventory by save, its source's settings with it, and shows both.
func (q *request) constructedSave(save func(body map[string]any) (domain.Record, error)) (domain.Record, *object, error) {
	body, err := q.body()
	if err != nil {
		return nil, nil, err
	}
	source, err := q.readSource(body)
	if err != nil {
		return nil, nil, err
	}
	q.withSource(source)
	rec, err := save(body)
	if err != nil {
		return nil, nil, err
	}
	o, err := q.showConstructed(rec)
	return rec, o, err
}

func (q *request) constructedCreate() (*reply, error) {
	rec, o, err := q.constructedSave(func(body map[string]any) (domain.Record, error) {
		body["kind"] = inventory.Constructed
		return q.create(domain.Of("inventory"), body, nil)
	})
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusCreated, body: o, location: href(domain.Of("constructed_inventory"), rec.ID())}, nil
}

// constructedAt is the inventory that the address names, if the rule lets the actor.
func (q *request) constructedAt(rule string) (domain.Record, error) {
	r := domain.Of("inventory")
	rec, err := q.find(r, strings.Split(strings.Trim(q.r.URL.Path, "/"), "/")[3])
	if err == nil {
		err = q.may(r, rule, rec.ID())
	}
	return rec, err
}

func (q *request) constructedGet() (*reply, error) {
	rec, err := q.constructedAt(domain.Of("inventory").Access.Read)
	if err != nil {
		return nil, err
	}
	o, err := q.showConstructed(rec)
	if err != nil {
		return nil, err
	}
	return ok(o)
}

func (q *request) constructedChange() (*reply, error) {
	old, err := q.constructedAt(domain.Of("inventory").Access.Change)
	if err != nil {
		return nil, err
	}
	_, o, err := q.constructedSave(func(body map[string]any) (domain.Record, error) {
		return q.change(domain.Of("inventory"), old, body, q.r.Method == http.MethodPatch)
	})
	if err != nil {
		return nil, err
	}
	return ok(o)
}

func (q *request) constructedDelete() (*reply, error) {
	rec, err := q.constructedAt(domain.Of("inventory").Access.Delete)
	if err != nil {
		return nil, err
	}
	return q.remove(domain.Of("inventory"), rec)
}
