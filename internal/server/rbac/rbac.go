// Package rbac answers who may do what. A rule of a resource's Access becomes a condition over its rows, so that one query
// both checks a single object and lists what a user may see; nothing is cached and nothing is computed ahead.
//
// Called by internal/server/api for every request, and by dispatch when a launch names other objects.
package rbac

import (
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Actor is who asks.
type Actor struct {
	ID        int64
	Name      string
	Superuser bool
	Auditor   bool
	ReadOnly  bool // a token of scope read
	Token     int64
}

var (
	everything = store.Condition{SQL: "1 = 1"}
	nothing    = store.Condition{SQL: "1 = 0"}
)

// None tells whether a condition lets no row through.
func None(c store.Condition) bool { return c.SQL == nothing.SQL }

// Every tells whether a condition lets all rows through.
func Every(c store.Condition) bool { return c.SQL == everything.SQL }

// May is the condition over rows of r for which the rule lets the actor.
func May(a Actor, r *domain.Resource, rule string) store.Condition {
	if a.Superuser {
		return everything
	}
	if len(r.Types) > 0 && r.Shared() { // a list of several kinds: each by its own rule
		verb := verbOf(rule)
		var parts []store.Condition
		for _, t := range r.Types {
			sub := domain.Of(t)
			c := May(a, sub, verb(sub))
			if !None(c) {
				parts = append(parts, store.All(store.Is("type", string(t)), c))
			}
		}
		return either(parts)
	}
	var parts []store.Condition
	for alternative := range strings.SplitSeq(rule, "|") {
		c := one(a, r, alternative)
		if Every(c) {
			return everything
		}
		if !None(c) {
			parts = append(parts, c)
		}
	}
	return either(parts)
}

// Read is the condition over rows of r that the actor may see.
func Read(a Actor, r *domain.Resource) store.Condition { return May(a, r, r.Access.Read) }

// verbOf finds the rule of each kind for a rule on a reference to several kinds: "each:admin_role" is what lets change one.
func verbOf(rule string) func(*domain.Resource) string {
	switch strings.TrimPrefix(rule, "each:") {
	case "admin_role":
		return func(sub *domain.Resource) string { return sub.Access.Change }
	case "execute_role":
		return func(sub *domain.Resource) string { return sub.Access.Start }
	}
	return func(sub *domain.Resource) string { return sub.Access.Read }
}

func either(parts []store.Condition) store.Condition {
	if len(parts) == 0 {
		return nothing
	}
	var c store.Condition
	for i, p := range parts {
		if i > 0 {
			c.SQL += " OR "
		}
		c.SQL += "(" + p.SQL + ")"
		c.Args = append(c.Args, p.Args...)
	}
	return c
}

func one(a Actor, r *domain.Resource, rule string) store.Condition {
	switch rule {
	case "anyone":
		return everything
	case "", "superuser":
		return nothing
	case "auditor":
		if a.Auditor {
			return everything
		}
		return nothing
	case "global": // belongs to no organization
		return store.Where("t.organization IS NULL")
	case "owner":
		return store.Is("user", a.ID)
	case "creator":
		return store.Is("created_by", a.ID)
	case "self":
		return store.Is("id", a.ID)
	case "colleague", "orgadmin", "anyorgadmin":
		return people(a, rule)
	}
	if field, rest, ok := strings.Cut(rule, "."); ok {
		f := r.Field(field)
		to := domain.Of(f.To)
		if len(to.Types) > 0 && r.Field(field).To != "unified_job" {
			rest = "each:" + rest
		}
		c := May(a, to, rest)
		if None(c) {
			return nothing
		}
		if Every(c) {
			return store.Where(`t."` + field + `" IS NOT NULL`)
		}
		return store.Condition{SQL: `t."` + field + `" IN (SELECT t.id FROM "` + to.Storage() + `" t WHERE ` + c.SQL + ")", Args: c.Args}
	}
	return holds(a, r, rule)
}

// people are the rules about users: each sees those of the own organizations and teams, administrators of an organization change its members.
func people(a Actor, rule string) store.Condition {
	if a.Auditor && rule == "colleague" {
		return everything
	}
	mine := grants(a)
	admin := store.Condition{SQL: `EXISTS (SELECT 1 FROM role_grant WHERE object_type = 'organization' AND role = 'admin_role' AND ` + mine.SQL + `)`, Args: mine.Args}
	if rule == "anyorgadmin" {
		return admin
	}
	if rule == "orgadmin" { // administrators of an organization that the user is in, and never of superusers
		return store.Condition{SQL: `t.is_superuser = 0 AND t.id IN (SELECT m.user_id FROM role_grant m WHERE m.object_type = 'organization' AND m.role IN ('member_role', 'admin_role')
			AND m.object_id IN (SELECT object_id FROM role_grant WHERE object_type = 'organization' AND role = 'admin_role' AND ` + mine.SQL + `))`, Args: mine.Args}
	}
	c := store.Condition{SQL: `t.id = ? OR t.id IN (SELECT m.user_id FROM role_grant m WHERE m.object_type IN ('organization', 'team') AND m.role IN ('member_role', 'admin_role')
		AND EXISTS (SELECT 1 FROM role_grant g WHERE g.object_type = m.object_type AND g.object_id = m.object_id AND g.role IN ('member_role', 'admin_role', 'auditor_role') AND g.user_id = ?))`,
		Args: []any{a.ID, a.ID}}
	return either([]store.Condition{c, admin})
}

// grants is the condition over role_grant rows that give the actor something: directly or through a team.
func grants(a Actor) store.Condition {
	return store.Condition{SQL: `(user_id = ? OR team_id IN (SELECT object_id FROM role_grant WHERE object_type = 'team' AND role IN ('member_role', 'admin_role') AND user_id = ?
		UNION SELECT id FROM team WHERE organization IN (SELECT object_id FROM role_grant WHERE object_type = 'organization' AND role = 'admin_role' AND user_id = ?)))`,
		Args: []any{a.ID, a.ID, a.ID}}
}

// holds is the condition that the actor has a role on a row: one of the roles that include it, on the row or on what the row belongs to.
func holds(a Actor, r *domain.Resource, role string) store.Condition {
	mine := grants(a)
	var parts []store.Condition
	for scope, roles := range Including(r, role) {
		switch scope {
		case "system":
			if slices.Contains(roles, "auditor") && a.Auditor {
				return everything
			}
			continue
		}
		at, owner := "t.id", r
		if scope != "" {
			owner = r
			path := strings.Split(scope, ".")
			at = `t."` + path[0] + `"`
			owner = domain.Of(owner.Field(path[0]).To)
			for _, field := range path[1:] {
				at = `(SELECT x."` + field + `" FROM "` + owner.Storage() + `" x WHERE x.id = ` + at + ")"
				owner = domain.Of(owner.Field(field).To)
			}
		}
		c := store.Condition{SQL: at + ` IN (SELECT object_id FROM role_grant WHERE object_type = ? AND role IN (` + strings.TrimSuffix(strings.Repeat("?, ", len(roles)), ", ") + `) AND ` + mine.SQL + ")"}
		c.Args = append(c.Args, string(owner.Type))
		for _, name := range roles {
			c.Args = append(c.Args, name)
		}
		c.Args = append(c.Args, mine.Args...)
		parts = append(parts, c)
	}
	if a.Auditor && strings.HasSuffix(role, "read_role") {
		return everything
	}
	slices.SortFunc(parts, func(x, y store.Condition) int { return strings.Compare(x.SQL, y.SQL) })
	return either(parts)
}

// Including lists the roles that include a role of a resource, by where they are held: "" on the object itself, "organization" or
// "inventory.organization" on what it belongs to, "system" for the roles of no object.
func Including(r *domain.Resource, role string) map[string][]string {
	out := map[string][]string{}
	var visit func(scope string, at *domain.Resource, role string)
	visit = func(scope string, at *domain.Resource, role string) {
		if slices.Contains(out[scope], role) {
			return
		}
		out[scope] = append(out[scope], role)
		declared := at.Role(role)
		if declared == nil {
			return
		}
		for _, from := range declared.From {
			i := strings.LastIndexByte(from, '.')
			if i < 0 {
				visit(scope, at, from)
				continue
			}
			path, name := from[:i], from[i+1:]
			if path == "system" {
				if !slices.Contains(out["system"], name) {
					out["system"] = append(out["system"], name)
				}
				continue
			}
			owner := at
			for field := range strings.SplitSeq(path, ".") {
				owner = domain.Of(owner.Field(field).To)
			}
			if scope != "" {
				path = scope + "." + path
			}
			visit(path, owner, name)
		}
	}
	visit("", r, role)
	return out
}

// Check tells whether the rule lets the actor do something to one row.
func Check(tx *store.Tx, a Actor, r *domain.Resource, rule string, id int64) (bool, error) {
	c := May(a, r, rule)
	if Every(c) {
		return true, nil
	}
	if None(c) {
		return false, nil
	}
	n, err := tx.Count(r, store.All(store.Is("id", id), c))
	return n > 0, err
}

// Among tells for which of some rows the rule lets the actor.
func Among(tx *store.Tx, a Actor, r *domain.Resource, rule string, ids []int64) (map[int64]bool, error) {
	out := make(map[int64]bool, len(ids))
	c := May(a, r, rule)
	switch {
	case None(c) || len(ids) == 0:
	case Every(c):
		for _, id := range ids {
			out[id] = true
		}
	default:
		found, err := tx.IDList(r, store.All(store.IDs("id", ids), c))
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			out[id] = true
		}
	}
	return out, nil
}
