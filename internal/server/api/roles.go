package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// showRole is one object role; an object that is gone has none.
func (q *request) showRole(role rbac.ObjectRole, capability bool) (*object, error) {
	rec, err := q.get(role.Resource.Type, role.Object)
	if err != nil {
		return nil, err
	}
	own := "/api/v2/roles/" + itoa(role.ID()) + "/"
	o := newObject()
	o.set("id", role.ID())
	o.set("type", "role")
	o.set("url", own)
	related := newObject()
	related.set("users", own+"users/")
	related.set("teams", own+"teams/")
	related.set(string(role.Resource.Type), href(role.Resource, role.Object))
	o.set("related", related)
	summary := newObject()
	if capability {
		may, err := rbac.Check(q.tx, q.actor, role.Resource, role.Resource.Access.Change, role.Object)
		if err != nil {
			return nil, err
		}
		summary.set("user_capabilities", map[string]bool{"unattach": may})
	}
	summary.set("resource_name", rec.Str("name"))
	summary.set("resource_type", string(role.Resource.Type))
	summary.set("resource_type_display_name", role.Resource.Title)
	summary.set("resource_id", role.Object)
	o.set("summary_fields", summary)
	o.set("name", role.Role().Name)
	o.set("description", role.Role().Text)
	return o, nil
}

func (q *request) showRoles(roles []rbac.ObjectRole, capability bool) ([]*object, error) {
	out := []*object{}
	for _, role := range roles {
		o, err := q.showRole(role, capability)
		if err == store.ErrNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// objectRolesAction lists the roles of one object.
var objectRolesAction = &action{get: func(q *request, r *domain.Resource, rec domain.Record) (*reply, error) {
	shown, err := q.showRoles(rbac.RolesOf(r, rec.ID()), false)
	if err != nil {
		return nil, err
	}
	return q.plainList(shown)
}}

// giveRole gives a role to a user or a team, or takes it. Who may change the object may give its roles; members of an organization
// and of a team are the business of their administrators.
// definition is the role definition whose assignment this is part of, 0 for none.
func (q *request) giveRole(role rbac.ObjectRole, to *domain.Resource, holder, definition int64, detach bool) (*reply, error) {
	if _, err := q.get(role.Resource.Type, role.Object); err != nil {
		return nil, detail(http.StatusBadRequest, "Role matching query does not exist.")
	}
	rule := role.Resource.Access.Change
	if role.Resource.Type == "organization" && !slices.Contains([]string{"member_role", "admin_role", "read_role", "auditor_role"}, role.Role().Field) {
		rule = "admin_role"
	}
	if err := q.may(role.Resource, rule, role.Object); err != nil {
		return nil, err
	}
	if err := q.may(to, to.Access.Read, holder); err != nil {
		return nil, err
	}
	if to.Type == "team" && (role.Resource.Type == "organization" && slices.Contains([]string{"admin_role", "member_role"}, role.Role().Field) || role.Resource.Type == "team") {
		return nil, badRequest(map[string]string{"msg": "You cannot assign an Organization participation role as a child role for a Team."})
	}
	if role.Resource.Type == "credential" && !detach {
		if err := q.sameOrganization(role.Object, to, holder); err != nil {
			return nil, err
		}
	}
	user, team := holder, int64(0)
	if to.Type == "team" {
		user, team = 0, holder
	}
	err := q.write(func(tx *store.Tx) error {
		operation := "associate"
		if detach {
			operation = "disassociate"
			if err := rbac.Revoke(tx, role, user, team, definition); err != nil {
				return err
			}
		} else if err := rbac.GrantBy(tx, role, user, team, definition, q.actor.ID); err != nil {
			return err
		}
		return q.record(tx, operation, role.Resource, role.Object, nil, to, holder, role.Role().Field)
	})
	if err != nil {
		return nil, err
	}
	return noContent, nil
}

// sameOrganization keeps a credential of one organization out of the hands of another's people.
func (q *request) sameOrganization(credential int64, to *domain.Resource, holder int64) error {
	rec, err := q.get("credential", credential)
	if err != nil {
		return err
	}
	if !rec.Has("organization") {
		if to.Type == "team" {
			return badRequest(map[string]string{"msg": "You cannot grant credential access to a team when the Organization field isn't set or belongs to a different organization"})
		}
		return nil
	}
	if to.Type == "team" {
		team, err := q.get("team", holder)
		if err == nil && team.Int("organization") != rec.Int("organization") {
			err = badRequest(map[string]string{"msg": "You cannot grant credential access to a team when the Organization field isn't set or belongs to a different organization"})
		}
		return err
	}
	user, err := q.get("user", holder)
	if err != nil || user.Bool("is_superuser") {
		return err
	}
	n, err := q.tx.Count(domain.Of("organization"), store.Where("t.id = ? AND t.id IN (SELECT object_id FROM role_grant WHERE object_type = 'organization' AND user_id = ?)", rec.Int("organization"), holder))
	if err == nil && n == 0 {
		err = badRequest(map[string]string{"msg": "You cannot grant credential access to a user not in the credentials' organization"})
	}
	return err
}

// virtual answers for objects that have no rows: roles and events.
func (q *request) virtual(r *domain.Resource, name, sub string) (*reply, error) {
	id, err := strconv.ParseInt(name, 10, 64)
	if err != nil {
		return nil, notFoundPage()
	}
	if r.Type != "role" {
		return q.oneEvent(r, id, sub)
	}
	missing := detail(http.StatusNotFound, "No Role matches the given query.")
	role, known := rbac.RoleByID(id)
	if !known {
		return nil, missing
	}
	if err := q.may(role.Resource, role.Resource.Access.Read, role.Object); err != nil {
		return nil, err
	}
	switch sub {
	case "":
		o, err := q.showRole(role, false)
		if err == store.ErrNotFound {
			return nil, missing
		}
		if err != nil {
			return nil, err
		}
		return ok(o)
	case "users", "teams":
		q.allow("GET", "POST", "HEAD", "OPTIONS")
		to, column := domain.Of("user"), "user_id"
		if sub == "teams" {
			to, column = domain.Of("team"), "team_id"
		}
		switch q.r.Method {
		case http.MethodOptions:
			o, err := q.listOptions(to, nil)
			if err != nil {
				return nil, err
			}
			return ok(o)
		case http.MethodGet:
			return q.list(to, store.All(rbac.Read(q.actor, to), store.Where("t.id IN (SELECT "+column+" FROM role_grant WHERE object_type = ? AND object_id = ? AND role = ?)", string(role.Resource.Type), role.Object, role.Role().Field)))
		case http.MethodPost:
			body, err := q.body()
			if err != nil {
				return nil, err
			}
			holder, is := integer(body["id"])
			if !is {
				return nil, badRequest(map[string]string{"msg": `"id" field must be an integer.`})
			}
			if _, err := q.get(to.Type, holder); err != nil {
				return nil, detail(http.StatusBadRequest, "%s matching query does not exist.", to.Model)
			}
			detach, _ := body["disassociate"].(bool)
			return q.giveRole(role, to, holder, 0, detach)
		}
		return nil, q.notAllowed()
	case "parents", "children":
		var list []rbac.ObjectRole
		for i := range role.Resource.Roles {
			other := rbac.ObjectRole{Resource: role.Resource, Object: role.Object, Index: i}
			if sub == "parents" && slices.Contains(role.Role().From, other.Role().Field) || sub == "children" && slices.Contains(other.Role().From, role.Role().Field) {
				list = append(list, other)
			}
		}
		shown, err := q.showRoles(list, false)
		if err != nil {
			return nil, err
		}
		return q.plainList(shown)
	}
	return nil, notFoundPage()
}

// allRoles lists the roles of all objects that the actor sees.
func (q *request) allRoles(_ *domain.Resource) (*reply, error) {
	var all []rbac.ObjectRole
	for _, r := range domain.All {
		if r.Roles == nil || q.query.Get("content_type__model") != "" && strings.ReplaceAll(string(r.Type), "_", "") != q.query.Get("content_type__model") {
			continue
		}
		ids, err := q.tx.IDList(r, rbac.Read(q.actor, r))
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			for _, role := range rbac.RolesOf(r, id) {
				if want := q.query.Get("role_field"); want != "" && want != role.Role().Field || q.query.Get("object_id") != "" && q.query.Get("object_id") != itoa(id) {
					continue
				}
				all = append(all, role)
			}
		}
	}
	page, size, err := q.pageOf(defaultPage)
	if err != nil {
		return nil, err
	}
	from := min((page-1)*size, len(all))
	shown, err := q.showRoles(all[from:min(len(all), from+size)], false)
	if err != nil {
		return nil, err
	}
	return ok(q.envelope(shown, int64(len(all)), page, size))
}

// accessListAction lists the users who have a role on an object, and through which.
var accessListAction = &action{get: func(q *request, r *domain.Resource, rec domain.Record) (*reply, error) {
	id := rec.ID()
	direct := map[int64][]rbac.ObjectRole{}
	teams := map[int64][]rbac.ObjectRole{}
	for _, role := range rbac.RolesOf(r, id) {
		users, err := rbac.Holders(q.tx, role, false)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			direct[u] = append(direct[u], role)
		}
		held, err := rbac.Holders(q.tx, role, true)
		if err != nil {
			return nil, err
		}
		for _, team := range held {
			member, _ := rbac.RoleOn(domain.Of("team"), team, "member_role")
			users, err := rbac.Holders(q.tx, member, false)
			if err != nil {
				return nil, err
			}
			for _, u := range users {
				teams[u] = append(teams[u], role)
			}
		}
	}
	indirect := map[int64][]rbac.ObjectRole{} // through the organization
	if org := rec.Int("organization"); org != 0 {
		for _, role := range rbac.RolesOf(domain.Of("organization"), org) {
			if role.Role().Field == "member_role" || role.Role().Field == "read_role" {
				continue
			}
			users, err := rbac.Holders(q.tx, role, false)
			if err != nil {
				return nil, err
			}
			for _, u := range users {
				indirect[u] = append(indirect[u], role)
			}
		}
	}
	var ids []int64
	for _, m := range []map[int64][]rbac.ObjectRole{direct, teams, indirect} {
		for u := range m {
			ids = append(ids, u)
		}
	}
	where := store.Condition{SQL: "t.is_superuser = 1"}
	if len(ids) > 0 {
		slices.Sort(ids)
		in := store.IDs("id", slices.Compact(ids))
		where = store.Condition{SQL: "(" + in.SQL + ") OR " + where.SQL, Args: in.Args}
	}
	return q.listAs(domain.Of("user"), where, func(u domain.Record, o *object) error {
		entry := func(role rbac.ObjectRole) (map[string]any, error) {
			rec, err := q.get(role.Resource.Type, role.Object)
			if err != nil {
				return nil, err
			}
			may, err := rbac.Check(q.tx, q.actor, role.Resource, role.Resource.Access.Change, role.Object)
			return map[string]any{"role": map[string]any{"id": role.ID(), "name": role.Role().Name, "description": role.Role().Text, "resource_name": rec.Str("name"), "resource_type": string(role.Resource.Type),
				"related": map[string]string{string(role.Resource.Type): href(role.Resource, role.Object)}, "user_capabilities": map[string]bool{"unattach": may}},
				"descendant_roles": descendants(role)}, err
		}
		var err error
		collect := func(roles ...[]rbac.ObjectRole) []map[string]any {
			out := []map[string]any{}
			for _, list := range roles {
				for _, role := range list {
					e, failed := entry(role)
					if failed != nil {
						err = failed
						continue
					}
					out = append(out, e)
				}
			}
			return out
		}
		o.drop("auth")
		summary := o.values["summary_fields"].(*object)
		summary.drop("user_capabilities")
		summary.set("direct_access", collect(direct[u.ID()]))
		others := collect(teams[u.ID()], indirect[u.ID()])
		if u.Bool("is_superuser") {
			var all []string
			for _, role := range r.Roles {
				all = append(all, role.Field)
			}
			others = append(others, map[string]any{"role": map[string]any{"id": nil, "name": "System Administrator", "description": "Can manage all aspects of the system",
				"user_capabilities": map[string]bool{"unattach": false}}, "descendant_roles": all})
		}
		summary.set("indirect_access", others)
		return err
	})
}}

// descendants are the roles that a role includes on its own object.
func descendants(role rbac.ObjectRole) []string {
	var out []string
	for _, other := range role.Resource.Roles {
		if slices.Contains(rbac.Including(role.Resource, other.Field)[""], role.Role().Field) {
			out = append(out, other.Field)
		}
	}
	return out
}
