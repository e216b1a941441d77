// Package inventory is what an inventory has: which hosts are its own, what a run is told of them, and how many there are.
//
// An ordinary inventory owns its hosts. A smart one has those hosts of its organization that a filter finds; a constructed one owns the hosts that
// its update brings from its input inventories.
//
// Called by internal/server/api to list and by internal/server/dispatch to run.
package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/launch"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// The kinds of inventories.
const (
	Smart       = "smart"
	Constructed = "constructed"
)

// Hosts is the condition for the hosts of an inventory. Of several hosts with one name a smart inventory has the oldest.
func Hosts(db *store.DB, inv domain.Record) (store.Condition, error) {
	if inv.Str("kind") != Smart {
		return store.Is("inventory", inv.ID()), nil
	}
	found, err := Filter(db, inv.Str("host_filter"))
	if err != nil {
		return found, err
	}
	found = store.All(found, store.Where("t.inventory IN (SELECT id FROM inventory WHERE organization = ? AND kind = '')", inv.Int("organization")))
	return store.Where("t.id IN (SELECT MIN(t.id) FROM host t WHERE "+found.SQL+" GROUP BY t.name)", found.Args...), nil
}

// group is a group as inventory files have it.
type group struct {
	Hosts    map[string]any `json:"hosts,omitempty"`
	Vars     map[string]any `json:"vars,omitempty"`
	Children map[string]any `json:"children,omitempty"`
}

// Slice is one of several parts that the hosts of a job are dealt into; the zero value is all of them.
type Slice struct{ Number, Count int64 }

// Document is an inventory as a file that a run reads: JSON, which is YAML, too.
func Document(db *store.DB, tx *store.Tx, id int64, part Slice) ([]byte, error) {
	inv, err := tx.Get("inventory", id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errors.New("the inventory of this job is gone")
	}
	if err != nil { // the database may be away
		return nil, err
	}
	vars, err := launch.ParseVars(inv.Str("variables"))
	if err != nil {
		return nil, err
	}
	mine, err := Hosts(db, inv)
	if err != nil {
		return nil, err
	}
	all := &group{Hosts: map[string]any{}, Vars: vars, Children: map[string]any{}}
	hosts := map[int64]string{}
	n := int64(0)
	err = tx.Query("SELECT t.id, t.name, t.variables FROM host t WHERE t.enabled = 1 AND "+mine.SQL+" ORDER BY t.id", mine.Args, func(scan func(...any) error) error {
		var host int64
		var name, text string
		if err := scan(&host, &name, &text); err != nil {
			return err
		}
		n++
		if part.Count > 1 && (n-1)%part.Count != part.Number-1 {
			return nil
		}
		v, err := variables(text)
		if err != nil {
			return fmt.Errorf("variables of host %s: %w", name, err)
		}
		hosts[host] = name
		all.Hosts[name] = v
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := groups(tx, id, hosts, all); err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"all": all})
}

// variables are those of a host, for the document. What is JSON already goes in as it is: there may be very many hosts.
func variables(text string) (any, error) {
	if strings.HasPrefix(text, "{") && json.Valid([]byte(text)) {
		return json.RawMessage(text), nil
	}
	return launch.ParseVars(text)
}

// groups adds the groups of an inventory with those of the hosts that are in it.
func groups(tx *store.Tx, id int64, hosts map[int64]string, all *group) error {
	groups := map[int64]*group{}
	names := map[int64]string{}
	err := tx.Query(`SELECT id, name, variables FROM "group" WHERE inventory = ? ORDER BY id`, []any{id}, func(scan func(...any) error) error {
		var g int64
		var name, text string
		if err := scan(&g, &name, &text); err != nil {
			return err
		}
		v, err := launch.ParseVars(text)
		if err != nil {
			return fmt.Errorf("variables of group %s: %w", name, err)
		}
		groups[g], names[g] = &group{Hosts: map[string]any{}, Vars: v, Children: map[string]any{}}, name
		all.Children[name] = groups[g]
		return nil
	})
	if err != nil {
		return err
	}
	return tx.Query(`SELECT l.relation, l.from_id, l.to_id FROM link l JOIN "group" g ON g.id = l.from_id WHERE l.relation IN ('group.hosts', 'group.children') AND g.inventory = ?`, []any{id}, func(scan func(...any) error) error {
		var relation string
		var from, to int64
		if err := scan(&relation, &from, &to); err != nil {
			return err
		}
		switch relation {
		case "group.hosts":
			if name, enabled := hosts[to]; enabled {
				groups[from].Hosts[name] = struct{}{}
			}
		case "group.children":
			if name, known := names[to]; known {
				groups[from].Children[name] = map[string]any{}
			}
		}
		return nil
	})
}

// Recount brings an inventory's counters up to date.
func Recount(tx *store.Tx, inventory int64) error {
	_, err := tx.Exec(`UPDATE inventory SET
		total_hosts = (SELECT COUNT(*) FROM host h WHERE h.inventory = inventory.id),
		total_groups = (SELECT COUNT(*) FROM "group" g WHERE g.inventory = inventory.id),
		total_inventory_sources = (SELECT COUNT(*) FROM unified_job_template u WHERE u.type = 'inventory_source' AND u.inventory = inventory.id),
		has_inventory_sources = (SELECT CASE WHEN COUNT(*) > 0 THEN 1 ELSE 0 END FROM unified_job_template u WHERE u.type = 'inventory_source' AND u.inventory = inventory.id),
		inventory_sources_with_failures = (SELECT COUNT(*) FROM unified_job_template u WHERE u.type = 'inventory_source' AND u.inventory = inventory.id AND u.last_job_failed = 1)
		WHERE id = ?`, inventory)
	return err
}
