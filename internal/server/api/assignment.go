package api

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Role definitions name sets of permissions, and assignments give them to users and teams. Both are another view of the object roles: a definition
// gives one object role or several, and what these do not add up to cannot be defined.

var contentTypes = map[domain.Type]string{"credential": "awx.credential", "execution_environment": "awx.executionenvironment", "instance_group": "awx.instancegroup", "inventory": "awx.inventory",
	"job_template": "awx.jobtemplate", "notification_template": "awx.notificationtemplate", "project": "awx.project", "workflow_job_template": "awx.workflowjobtemplate",
	"organization": "shared.organization", "team": "shared.team"}

// definition is a role definition that the server ships: its permissions and the object role it is another name of.
type definition struct {
	id          int64
	contentType string
	permissions []string
	grants      string
}

func (q *request) managedDefinitions() ([]definition, error) {
	rows, err := q.tx.List(domain.Of("role_definition"), store.Where("t.managed = 1"), store.Page{})
	if err != nil {
		return nil, err
	}
	var out []definition
	for _, rec := range rows {
		d := definition{id: rec.ID(), contentType: rec.Str("content_type"), grants: rec.Str("grants")}
		if err := rec.Into("permissions", &d.permissions); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// allowed are the permissions that definitions of each content type may have.
func (q *request) allowed() (map[string][]string, []definition, error) {
	managed, err := q.managedDefinitions()
	if err != nil {
		return nil, nil, err
	}
	out := map[string][]string{}
	for _, d := range managed {
		if d.contentType != "" {
			out[d.contentType] = append(out[d.contentType], d.permissions...)
		}
	}
	for t, list := range out {
		slices.Sort(list)
		out[t] = slices.Compact(list)
	}
	return out, managed, nil
}

func (q *request) roleMetadata() (*reply, error) {
	allowed, _, err := q.allowed()
	if err != nil {
		return nil, err
	}
	return ok(map[string]any{"allowed_permissions": allowed})
}

func definitionHooks() hooks {
	return hooks{
		check: func(q *request, old, rec domain.Record, w wrong) error {
			allowed, managed, err := q.allowed()
			if err != nil {
				return err
			}
			kind := merged(old, rec, "content_type")
			var want []string
			at := rec
			if _, given := rec["permissions"]; !given {
				at = old
			}
			if err := at.Into("permissions", &want); err != nil {
				w.add("permissions", "Expected a list of permissions.")
				return nil
			}
			if allowed[kind] == nil {
				w.add("content_type", "\"%s\" is not a valid choice.", kind)
				return nil
			}
			for _, p := range want {
				if !slices.Contains(allowed[kind], p) {
					w.add("permissions", "\"%s\" is not a valid choice.", p)
				}
			}
			if len(want) == 0 {
				w.add("permissions", "This list may not be empty.")
			}
			if len(w) > 0 {
				return nil
			}
			var roles, covered []string
			for _, d := range managed {
				if d.contentType == kind && !slices.ContainsFunc(d.permissions, func(p string) bool { return !slices.Contains(want, p) }) {
					roles, covered = append(roles, d.grants), append(covered, d.permissions...)
				}
			}
			for _, p := range want {
				if !slices.Contains(covered, p) {
					w.add("permissions", "%s cannot be given without the other permissions of its role.", p)
				}
			}
			rec["grants"] = strings.Join(roles, ",")
			return nil
		},
		removable: func(q *request, rec domain.Record) error {
			var n int64
			if err := q.tx.Value(&n, "SELECT COUNT(*) FROM role_grant WHERE definition = ?", rec.ID()); err != nil || n == 0 {
				return err
			}
			return badRequest(map[string]string{"detail": "This role definition is assigned; take its assignments away first."})
		},
		show: func(_ *request, _ domain.Record, o *object, _ bool) error {
			o.drop("type")
			return nil
		},
	}
}

// grant is one assignment as role_grant has it.
type grant struct {
	id, definition, object, holder, by int64
	kind                               domain.Type
	created                            string
}

// grants lists the assignments to users or teams that meet a condition. A definition that gives several roles is one assignment.
func (q *request) grants(holder, where string, args ...any) ([]grant, error) {
	managed, err := q.managedDefinitions()
	if err != nil {
		return nil, err
	}
	named := map[string]int64{}
	for _, d := range managed {
		named[d.grants] = d.id
	}
	var all []grant
	seen := map[[3]int64]bool{}
	err = q.tx.Query("SELECT id, object_type, object_id, role, "+holder+"_id, COALESCE(definition, 0), COALESCE(created_by, 0), created FROM role_grant WHERE "+holder+"_id IS NOT NULL"+where+" ORDER BY id", args, func(scan func(...any) error) error {
		var g grant
		var kind, role string
		if err := scan(&g.id, &kind, &g.object, &role, &g.holder, &g.definition, &g.by, &g.created); err != nil {
			return err
		}
		g.kind = domain.Type(kind)
		own := g.definition != 0
		if !own {
			g.definition = named[kind+"."+role]
		}
		key := [3]int64{g.definition, g.object, g.holder}
		if g.definition == 0 || own && seen[key] {
			return nil
		}
		if own {
			seen[key] = true
		}
		all = append(all, g)
		return nil
	})
	return all, err
}

// mayGrant tells whether the actor may know of an assignment, or take it away.
func (q *request) mayGrant(g grant, change bool) (bool, error) {
	r := domain.Of(g.kind)
	rule := r.Access.Read
	if change {
		rule = r.Access.Change
	}
	return rbac.Check(q.tx, q.actor, r, rule, g.object)
}

func (q *request) showGrant(holder string, g grant) (*object, error) {
	o := newObject()
	o.set("id", g.id)
	o.set("url", "/api/v2/role_"+holder+"_assignments/"+itoa(g.id)+"/")
	related, summary := newObject(), newObject()
	for _, ref := range []struct {
		name string
		to   domain.Type
		id   int64
	}{{"created_by", "user", g.by}, {"role_definition", "role_definition", g.definition}, {holder, domain.Type(holder), g.holder}, {"content_object", g.kind, g.object}} {
		s, err := q.summary(ref.to, ref.id)
		if err == store.ErrNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		related.set(ref.name, href(domain.Of(ref.to), ref.id))
		summary.set(ref.name, s)
	}
	o.set("related", related)
	o.set("summary_fields", summary)
	o.set("created", g.created)
	o.set("created_by", nil)
	if g.by != 0 {
		o.set("created_by", g.by)
	}
	o.set("content_type", contentTypes[g.kind])
	o.set("object_id", itoa(g.object))
	o.set("object_ansible_id", nil)
	if slices.Contains(sharedTypes, g.kind) {
		o.set("object_ansible_id", stableUUID(string(g.kind), g.object))
	}
	o.set("role_definition", g.definition)
	o.set(holder, g.holder)
	if holder == "user" {
		o.set("user_ansible_id", stableUUID("user", g.holder))
	}
	return o, nil
}

func (q *request) listGrants(holder string, all []grant) (*reply, error) {
	var shown []*object
	for _, g := range all {
		may, err := q.mayGrant(g, false)
		if err != nil {
			return nil, err
		}
		if !may {
			continue
		}
		o, err := q.showGrant(holder, g)
		if err != nil {
			return nil, err
		}
		shown = append(shown, o)
	}
	return q.plainList(shown)
}

// assignments lists what users, or teams, were given. It can be filtered by the fields of an assignment.
func assignments(holder string) func(*request) (*reply, error) {
	return func(q *request) (*reply, error) {
		all, err := q.grants(holder, "")
		if err != nil {
			return nil, err
		}
		for field, of := range map[string]func(grant) int64{"role_definition": func(g grant) int64 { return g.definition }, "object_id": func(g grant) int64 { return g.object }, holder: func(g grant) int64 { return g.holder }, "id": func(g grant) int64 { return g.id }} {
			if text := q.query.Get(field); text != "" {
				n, err := strconv.ParseInt(text, 10, 64)
				if err != nil {
					return nil, &store.FilterError{Message: fmt.Sprintf("Invalid value %q for %s", text, field)}
				}
				all = slices.DeleteFunc(all, func(g grant) bool { return of(g) != n })
			}
		}
		return q.listGrants(holder, all)
	}
}

// assignmentsAction lists the assignments of one definition.
func assignmentsAction(holder string) *action {
	return &action{get: func(q *request, _ *domain.Resource, rec domain.Record) (*reply, error) {
		all, err := q.grants(holder, "")
		if err != nil {
			return nil, err
		}
		return q.listGrants(holder, slices.DeleteFunc(all, func(g grant) bool { return g.definition != rec.ID() }))
	}}
}

// oneGrant is the assignment that the address names.
func (q *request) oneGrant(holder string, change bool) (grant, error) {
	missing := detail(http.StatusNotFound, "Not found.")
	id, err := strconv.ParseInt(strings.Split(strings.Trim(q.r.URL.Path, "/"), "/")[3], 10, 64)
	if err != nil {
		return grant{}, missing
	}
	all, err := q.grants(holder, " AND id = ?", id)
	if err != nil {
		return grant{}, err
	}
	if len(all) == 0 {
		return grant{}, missing
	}
	may, err := q.mayGrant(all[0], change)
	if err == nil && !may {
		err = errForbidden
	}
	return all[0], err
}

func assignment(holder string) func(*request) (*reply, error) {
	return func(q *request) (*reply, error) {
		g, err := q.oneGrant(holder, false)
		if err != nil {
			return nil, err
		}
		o, err := q.showGrant(holder, g)
		if err != nil {
			return nil, err
		}
		return ok(o)
	}
}

func assignmentOptions(holder string) func(*request) (*object, error) {
	return func(*request) (*object, error) {
		fields := newObject()
		for _, f := range [][2]string{{"role_definition", "id"}, {holder, "id"}, {"object_id", "string"}} {
			fields.set(f[0], map[string]any{"type": f[1], "required": true, "label": fieldTitle(f[0]), "help_text": ""})
		}
		actions := newObject()
		actions.set("POST", fields)
		return describe("Role "+fieldTitle(holder)+" Assignment List", "", actions), nil
	}
}

// rolesGiven are the object roles that a definition gives on an object.
func rolesGiven(definition domain.Record, object int64) []rbac.ObjectRole {
	var out []rbac.ObjectRole
	for name := range strings.SplitSeq(definition.Str("grants"), ",") {
		t, field, _ := strings.Cut(name, ".")
		if r := domain.Find(domain.Type(t)); r != nil {
			if role, known := rbac.RoleOn(r, object, field); known {
				out = append(out, role)
			}
		}
	}
	return out
}

func assign(holder string) func(*request) (*reply, error) {
	return func(q *request) (*reply, error) {
		body, err := q.body()
		if err != nil {
			return nil, err
		}
		ids := map[string]int64{}
		for _, name := range []string{"role_definition", holder, "object_id"} {
			v, given := body[name]
			if !given {
				return nil, fieldError(name, "This field is required.")
			}
			n, is := integer(v)
			if !is {
				return nil, fieldError(name, "Incorrect type. Expected pk value, received %s.", domain.KindOf(v))
			}
			ids[name] = n
		}
		d, err := q.get("role_definition", ids["role_definition"])
		if err != nil {
			return nil, fieldError("role_definition", "Invalid pk \"%d\" - object does not exist.", ids["role_definition"])
		}
		to := domain.Of(domain.Type(holder))
		if _, err := q.get(to.Type, ids[holder]); err != nil {
			return nil, fieldError(holder, "Invalid pk \"%d\" - object does not exist.", ids[holder])
		}
		roles := rolesGiven(d, ids["object_id"])
		if len(roles) == 0 {
			return nil, fieldError("role_definition", "This role definition cannot be assigned.")
		}
		by := int64(0)
		if !d.Bool("managed") {
			by = d.ID()
		}
		for _, role := range roles {
			if _, err := q.giveRole(role, to, ids[holder], by, false); err != nil {
				return nil, err
			}
		}
		all, err := q.grants(holder, " AND object_type = ? AND object_id = ? AND "+holder+"_id = ?", string(roles[0].Resource.Type), ids["object_id"], ids[holder])
		if err != nil {
			return nil, err
		}
		for _, g := range all {
			if g.definition == d.ID() {
				o, err := q.showGrant(holder, g)
				return &reply{status: http.StatusCreated, body: o}, err
			}
		}
		return nil, store.ErrNotFound
	}
}

func unassign(holder string) func(*request) (*reply, error) {
	return func(q *request) (*reply, error) {
		g, err := q.oneGrant(holder, true)
		if err != nil {
			return nil, err
		}
		d, err := q.get("role_definition", g.definition)
		if err != nil {
			return nil, err
		}
		to := domain.Of(domain.Type(holder))
		by := int64(0)
		if !d.Bool("managed") {
			by = d.ID()
		}
		for _, role := range rolesGiven(d, g.object) {
			if _, err := q.giveRole(role, to, g.holder, by, true); err != nil {
				return nil, err
			}
		}
		return noContent, nil
	}
}
