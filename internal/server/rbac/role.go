package rbac

import (
	"slices"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// ObjectRole is one role of one object. It has no row: its id is made of the object's type, id and role.
type ObjectRole struct {
	Resource *domain.Resource
	Object   int64
	Index    int
}

// bearers are the types that have roles, in an order that never changes: it is part of the ids.
var bearers = []domain.Type{"organization", "team", "project", "inventory", "credential", "job_template", "workflow_job_template", "instance_group"}

const perType, perObject = 16, 16 * 16

// ID is the role's id.
func (o ObjectRole) ID() int64 {
	return o.Object*perObject + int64(slices.Index(bearers, o.Resource.Type))*perType + int64(o.Index)
}

// Role is the declaration.
func (o ObjectRole) Role() *domain.Role { return &o.Resource.Roles[o.Index] }

// RoleByID takes an id apart; it does not look whether the object exists.
func RoleByID(id int64) (ObjectRole, bool) {
	object, rest := id/perObject, id%perObject
	kind, index := int(rest/perType), int(rest%perType)
	if id <= 0 || kind >= len(bearers) {
		return ObjectRole{}, false
	}
	r := domain.Of(bearers[kind])
	if index >= len(r.Roles) {
		return ObjectRole{}, false
	}
	return ObjectRole{r, object, index}, true
}

// RolesOf lists the roles of one object.
func RolesOf(r *domain.Resource, object int64) []ObjectRole {
	out := make([]ObjectRole, len(r.Roles))
	for i := range r.Roles {
		out[i] = ObjectRole{r, object, i}
	}
	return out
}

// RoleOn is one role of one object, by name.
func RoleOn(r *domain.Resource, object int64, field string) (ObjectRole, bool) {
	i := slices.IndexFunc(r.Roles, func(x domain.Role) bool { return x.Field == field })
	return ObjectRole{r, object, i}, i >= 0
}

// Grant gives a role to a user or a team; the other is 0.
func Grant(tx *store.Tx, o ObjectRole, user, team int64) error {
	return GrantBy(tx, o, user, team, 0, 0)
}

// GrantBy is Grant as part of what a role definition of the administrators' own gives, definition being its id, by a user.
func GrantBy(tx *store.Tx, o ObjectRole, user, team, definition, by int64) error {
	_, err := tx.Exec("INSERT INTO role_grant (object_type, object_id, role, user_id, team_id, definition, created_by, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		string(o.Resource.Type), o.Object, o.Role().Field, nilOr(user), nilOr(team), nilOr(definition), nilOr(by), domain.Stamp(time.Now()))
	return err
}

// Revoke takes a role from a user or a team: what one definition gave, or with definition 0 the role itself, whoever gave it.
func Revoke(tx *store.Tx, o ObjectRole, user, team, definition int64) error {
	_, err := tx.Exec("DELETE FROM role_grant WHERE object_type = ? AND object_id = ? AND role = ? AND COALESCE(user_id, 0) = ? AND COALESCE(team_id, 0) = ? AND (? = 0 OR definition = ?)",
		string(o.Resource.Type), o.Object, o.Role().Field, user, team, definition, definition)
	return err
}

func nilOr(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// Granted lists the roles that a user or a team holds directly.
func Granted(tx *store.Tx, user, team int64) ([]ObjectRole, error) {
	var out []ObjectRole
	err := tx.Query("SELECT object_type, object_id, role FROM role_grant WHERE COALESCE(user_id, 0) = ? AND COALESCE(team_id, 0) = ? GROUP BY object_type, object_id, role ORDER BY MIN(id)", []any{user, team},
		func(scan func(...any) error) error {
			var t, role string
			var object int64
			if err := scan(&t, &object, &role); err != nil {
				return err
			}
			if r := domain.Find(domain.Type(t)); r != nil {
				if o, ok := RoleOn(r, object, role); ok {
					out = append(out, o)
				}
			}
			return nil
		})
	return out, err
}

// Holders lists the users, or the teams, that hold a role directly.
func Holders(tx *store.Tx, o ObjectRole, teams bool) ([]int64, error) {
	column := "user_id"
	if teams {
		column = "team_id"
	}
	var out []int64
	err := tx.Query("SELECT DISTINCT "+column+" FROM role_grant WHERE object_type = ? AND object_id = ? AND role = ? AND "+column+" IS NOT NULL ORDER BY 1",
		[]any{string(o.Resource.Type), o.Object, o.Role().Field}, func(scan func(...any) error) error {
			var id int64
			err := scan(&id)
			out = append(out, id)
			return err
		})
	return out, err
}
