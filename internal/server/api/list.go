package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/inventory"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// pageOf reads page and page_size. A size that makes no sense is the default, one that is too large the largest.
func (q *request) pageOf(fallback int) (page, size int, err error) {
	page, size = 1, fallback
	if n, err := strconv.Atoi(q.query.Get("page_size")); err == nil && n > 0 {
		size = min(n, max(maxPage, fallback))
	}
	if text := q.query.Get("page"); text != "" {
		if page, err = strconv.Atoi(text); err != nil || page < 1 {
			return 0, 0, badRequest(map[string]string{"error": "Invalid page."})
		}
	}
	return page, size, nil
}

// list answers with the rows that meet a condition and the query string.
func (q *request) list(r *domain.Resource, may store.Condition) (*reply, error) {
	return q.listAs(r, may, nil)
}

// listAs is list with a hand on each shown row.
func (q *request) listAs(r *domain.Resource, may store.Condition, touch func(rec domain.Record, o *object) error) (*reply, error) {
	where, err := q.DB.Filter(r, q.query)
	if err != nil {
		return nil, err
	}
	if level := q.query.Get("role_level"); level != "" && r.Role(level) != nil {
		may = store.All(may, rbac.May(q.actor, r, level))
	}
	if hf := q.query.Get("host_filter"); hf != "" && r.Type == "host" {
		c, err := inventory.Filter(q.DB, hf)
		if err != nil {
			return nil, err
		}
		where = store.All(where, c)
	}
	where = store.All(where, may)
	order, err := q.DB.Order(r, orderOf(q.query))
	if err != nil {
		return nil, err
	}
	page, size, err := q.pageOf(defaultPage)
	if err != nil {
		return nil, err
	}
	count := int64(-1)
	if q.query.Get("count_disabled") == "" {
		if count, err = q.tx.Count(r, where); err != nil {
			return nil, err
		}
		if page > 1 && int64(page-1)*int64(size) >= count {
			return nil, badRequest(map[string]string{"error": "Invalid page."})
		}
	}
	rows, err := q.rows(r, where, store.Page{Order: order, Limit: size, Offset: (page - 1) * size})
	if err != nil {
		return nil, err
	}
	shown, err := q.showAll(r, rows)
	if err != nil {
		return nil, err
	}
	if touch != nil {
		for i := range rows {
			if err := touch(rows[i], shown[i]); err != nil {
				return nil, err
			}
		}
	}
	return ok(q.envelope(shown, count, page, size))
}

func orderOf(query url.Values) string {
	if o := query.Get("order_by"); o != "" {
		return o
	}
	return query.Get("order")
}

// rows reads a page. Lists of several kinds read each row as what it is.
func (q *request) rows(r *domain.Resource, where store.Condition, page store.Page) ([]domain.Record, error) {
	rows, err := q.tx.List(r, where, page)
	if err != nil || len(r.Types) == 0 {
		return rows, err
	}
	for i := range rows {
		if rows[i], err = q.get(rows[i].Type(), rows[i].ID()); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// envelope is the form of every list. Without a count there is nothing but the rows.
func (q *request) envelope(rows any, count int64, page, size int) *object {
	o := newObject()
	if count >= 0 {
		o.set("count", count)
		o.set("next", nil)
		o.set("previous", nil)
		if int64(page)*int64(size) < count {
			o.set("next", q.pageURL(page+1))
		}
		if page > 1 {
			o.set("previous", q.pageURL(page-1))
		}
	}
	o.set("results", rows)
	return o
}

// pageURL is the address of another page with the same filters.
func (q *request) pageURL(page int) string {
	query := url.Values{}
	for k, v := range q.query {
		query[k] = v
	}
	query.Set("page", strconv.Itoa(page))
	return q.r.URL.EscapedPath() + "?" + query.Encode()
}

// plainList is a list of things that are no rows, a page of them.
func (q *request) plainList(all []*object) (*reply, error) {
	page, size, err := q.pageOf(defaultPage)
	if err != nil {
		return nil, err
	}
	from := (page - 1) * size
	if page > 1 && from >= len(all) {
		return nil, badRequest(map[string]string{"error": "Invalid page."})
	}
	part := all[from:min(len(all), from+size)]
	if part == nil {
		part = []*object{}
	}
	return ok(q.envelope(part, int64(len(all)), page, size))
}

func subMethods(rel *domain.Related) []string {
	methods := []string{"GET"}
	if rel.Change {
		methods = append(methods, "POST")
	}
	return append(methods, "HEAD", "OPTIONS")
}

// related is the condition for the rows of a sub-list.
func (q *request) related(r *domain.Resource, id int64, rel *domain.Related) (store.Condition, error) {
	f := customLists[string(r.Type)+"."+rel.Name]
	switch {
	case f != nil:
		return f(q, id)
	case rel.Custom:
		return store.Condition{SQL: "1 = 0"}, nil
	case rel.By != "":
		return store.Is(rel.By, id), nil
	case rel.Reverse:
		return store.Where("t.id IN (SELECT from_id FROM link WHERE relation = ? AND to_id = ?)", rel.Link, id), nil
	}
	return store.Where("t.id IN (SELECT to_id FROM link WHERE relation = ? AND from_id = ?)", rel.Link, id), nil
}

// sublist is what belongs to one object: reading it, attaching and detaching, creating in it.
func (q *request) sublist(r *domain.Resource, rec domain.Record, rel *domain.Related) (*reply, error) {
	to := domain.Of(rel.To)
	switch q.r.Method {
	case http.MethodGet, http.MethodHead:
		if rel.To == "job_event" {
			return q.events(r, rec, rel)
		}
		where, err := q.related(r, rec.ID(), rel)
		if err != nil {
			return nil, err
		}
		may := rbac.Read(q.actor, to)
		if rel.To == "credential" || rel.To == "label" || rel.To == "instance_group" { // who sees the object sees what it uses
			may = store.Condition{}
		}
		return q.list(to, store.All(where, may))
	case http.MethodPost:
		if !rel.Change {
			break
		}
		body, err := q.body()
		if err != nil {
			return nil, err
		}
		return q.attach(r, rec, rel, to, body)
	}
	return nil, q.notAllowed()
}

// attach is a POST to a sub-list: with an id it associates or disassociates, without it creates.
func (q *request) attach(r *domain.Resource, rec domain.Record, rel *domain.Related, to *domain.Resource, body map[string]any) (*reply, error) {
	rawID, hasID := body["id"]
	detach, _ := body["disassociate"].(bool)
	if !hasID {
		if detach {
			return nil, badRequest(map[string]string{"msg": `"id" is required to disassociate`})
		}
		if to.NoPost && rel.To != "ad_hoc_command" {
			return nil, badRequest(map[string]string{"msg": `"id" is required`})
		}
		return q.createIn(r, rec, rel, to, body)
	}
	id, isInt := rawID.(int64)
	if s, isText := rawID.(string); isText {
		n, err := strconv.ParseInt(s, 10, 64)
		id, isInt = n, err == nil
	}
	if !isInt {
		return nil, badRequest(map[string]string{"msg": `"id" field must be an integer.`})
	}
	other, err := q.get(to.Type, id)
	if err != nil {
		return nil, detail(http.StatusBadRequest, "%s matching query does not exist.", to.Model)
	}
	if rel.Link == "" && !rel.Custom && !(rel.By != "" && detach) {
		return nil, badRequest(map[string]string{"msg": "objects of this list belong to one object for good"})
	}
	rule := r.Access.Change
	if rel.To == "user" && r.Type == "team" {
		rule = "admin_role"
	}
	if err := q.may(r, rule, rec.ID()); err != nil {
		return nil, err
	}
	if !detach {
		ask := rel.Ask
		if ask == "" {
			ask = to.Access.Use
		}
		if err := q.may(to, ask, id); err != nil {
			return nil, err
		}
	}
	if f := hooksOf(r.Type).attach; f != nil {
		if err := f(q, rec, rel, other, detach); err != nil {
			return nil, err
		}
	}
	err = q.write(func(tx *store.Tx) error {
		if rel.Custom {
			return attachCustom(tx, r, rec, rel, other, detach)
		}
		if rel.By != "" { // taking it out of the list it belongs to deletes it
			if other.Int(rel.By) != rec.ID() {
				return nil
			}
			return tx.Delete(to.Type, id)
		}
		from, at := rec.ID(), id
		if rel.Reverse {
			from, at = id, rec.ID()
		}
		operation := "associate"
		if detach {
			operation = "disassociate"
			if err := tx.Unlink(rel.Link, from, at); err != nil {
				return err
			}
		} else if err := tx.Link(rel.Link, from, at); err != nil {
			return err
		}
		if f := hooksOf(r.Type).attached; f != nil {
			if err := f(tx, rec, rel); err != nil {
				return err
			}
		}
		return q.record(tx, operation, r, rec.ID(), nil, to, id, rel.Name)
	})
	if err != nil {
		return nil, err
	}
	return noContent, nil
}

// createIn makes an object in a sub-list.
func (q *request) createIn(r *domain.Resource, rec domain.Record, rel *domain.Related, to *domain.Resource, body map[string]any) (*reply, error) {
	given := domain.Record{}
	switch {
	case rel.By != "":
		body[rel.By] = rec.ID()
		given[rel.By] = rec.ID()
	case to.Field(string(r.Type)) != nil && to.Field(string(r.Type)).Required: // a host of a group's own inventory, say
		body[string(r.Type)] = rec.ID()
	case to.Field("inventory") != nil && rec.Has("inventory") && body["inventory"] == nil:
		body["inventory"] = rec.Int("inventory")
	case to.Field("workflow_job_template") != nil && rec.Has("workflow_job_template"):
		body["workflow_job_template"] = rec.Int("workflow_job_template")
	case rel.Custom && r.Type == "user" && rel.To == "credential":
		body["user"] = rec.ID()
	case to.Field("organization") != nil && body["organization"] == nil && rec.Has("organization"):
		body["organization"] = rec.Int("organization")
	}
	if rel.Link != "" || rel.Custom {
		if err := q.may(r, r.Access.Change, rec.ID()); err != nil {
			return nil, err
		}
	}
	made, err := q.create(to, body, given)
	if err != nil {
		return nil, err
	}
	err = q.write(func(tx *store.Tx) error {
		switch {
		case rel.Link != "" && rel.Reverse:
			return tx.Link(rel.Link, made.ID(), rec.ID())
		case rel.Link != "":
			return tx.Link(rel.Link, rec.ID(), made.ID())
		case rel.Custom && to.Type == "user":
			return attachCustom(tx, r, rec, rel, made, false)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if made, err = q.get(to.Type, made.ID()); err != nil {
		return nil, err
	}
	return q.created(to, made)
}

// customLists are the sub-lists that no reference and no link tells, or not alone.
var customLists = map[string]func(q *request, id int64) (store.Condition, error){
	"organization.users":          membersOf("organization", "member_role"),
	"organization.admins":         membersOf("organization", "admin_role"),
	"team.users":                  membersOf("team", "member_role"),
	"user.teams":                  objectsOf("team", "member_role", "admin_role"),
	"user.organizations":          objectsOf("organization", "member_role", "admin_role"),
	"user.admin_of_organizations": objectsOf("organization", "admin_role"),
	"user.projects":               objectsOf("project", "admin_role", "use_role", "update_role", "read_role"),
	"user.credentials":            objectsOf("credential", "admin_role", "use_role", "read_role"),
	"team.projects":               teamObjects("project"),
	"team.credentials":            teamObjects("credential"),
	"credential.owner_users":      holdersOf("credential", "admin_role", "user_id"),
	"credential.owner_teams":      holdersOf("credential", "admin_role", "team_id"),
	"project.teams":               holdersOf("project", "admin_role", "team_id"),
	"inventory.hosts": func(q *request, id int64) (store.Condition, error) {
		inv, err := q.get("inventory", id)
		if err != nil {
			return store.Condition{}, err
		}
		return inventory.Hosts(q.DB, inv)
	},
	"host.smart_inventories": smartInventories,
	"inventory.root_groups": func(_ *request, id int64) (store.Condition, error) {
		return store.Where("t.inventory = ? AND t.id NOT IN (SELECT to_id FROM link WHERE relation = 'group.children')", id), nil
	},
	"host.all_groups":          descend(`SELECT from_id FROM link WHERE relation = 'group.hosts' AND to_id = ?`, `SELECT l.from_id FROM link l JOIN reach ON l.relation = 'group.children' AND l.to_id = reach.id`),
	"group.potential_children": potentialChildren,
	"group.all_hosts": func(_ *request, id int64) (store.Condition, error) {
		return store.Where(`t.id IN (SELECT to_id FROM link WHERE relation = 'group.hosts' AND from_id IN (WITH RECURSIVE reach(id) AS (SELECT CAST(? AS BIGINT)
			UNION SELECT l.to_id FROM link l JOIN reach ON l.relation = 'group.children' AND l.from_id = reach.id) SELECT id FROM reach))`, id), nil
	},
	"group.job_host_summaries": func(_ *request, id int64) (store.Condition, error) {
		return store.Where("t.host IN (SELECT to_id FROM link WHERE relation = 'group.hosts' AND from_id = ?)", id), nil
	},
	"instance.jobs": func(q *request, id int64) (store.Condition, error) {
		rec, err := q.get("instance", id)
		return store.Is("execution_node", rec.Str("hostname")), err
	},
}

// smartInventories are those whose filters find a host.
func smartInventories(q *request, host int64) (store.Condition, error) {
	rows, err := q.tx.List(domain.Of("inventory"), store.Is("kind", inventory.Smart), store.Page{})
	if err != nil {
		return store.Condition{}, err
	}
	ids := []int64{0}
	for _, inv := range rows {
		where, err := inventory.Hosts(q.DB, inv)
		if err != nil {
			return where, err
		}
		n, err := q.tx.Count(domain.Of("host"), store.All(where, store.Is("id", host)))
		if err != nil {
			return where, err
		}
		if n > 0 {
			ids = append(ids, inv.ID())
		}
	}
	return store.IDs("id", ids), nil
}

func membersOf(object, role string) func(*request, int64) (store.Condition, error) {
	return holdersOf(object, role, "user_id")
}

func holdersOf(object, role, column string) func(*request, int64) (store.Condition, error) {
	return func(_ *request, id int64) (store.Condition, error) {
		return store.Where("t.id IN (SELECT "+column+" FROM role_grant WHERE object_type = ? AND object_id = ? AND role = ?)", object, id, role), nil
	}
}

func objectsOf(object string, roles ...string) func(*request, int64) (store.Condition, error) {
	return func(_ *request, id int64) (store.Condition, error) {
		return store.Where("t.id IN (SELECT object_id FROM role_grant WHERE object_type = ? AND role IN ('"+strings.Join(roles, "', '")+"') AND user_id = ?)", object, id), nil
	}
}

func teamObjects(object string) func(*request, int64) (store.Condition, error) {
	return func(_ *request, id int64) (store.Condition, error) {
		return store.Where("t.id IN (SELECT object_id FROM role_grant WHERE object_type = ? AND team_id = ?)", object, id), nil
	}
}

// descend is the condition for everything that can be reached from a row over links.
func descend(start, step string) func(*request, int64) (store.Condition, error) {
	return func(_ *request, id int64) (store.Condition, error) {
		return store.Where("t.id IN (WITH RECURSIVE reach(id) AS ("+start+" UNION "+step+") SELECT id FROM reach)", id), nil
	}
}

func potentialChildren(q *request, id int64) (store.Condition, error) {
	rec, err := q.get("group", id)
	return store.Where(`t.inventory = ? AND t.id NOT IN (WITH RECURSIVE reach(id) AS (SELECT CAST(? AS BIGINT)
		UNION SELECT l.from_id FROM link l JOIN reach ON l.relation = 'group.children' AND l.to_id = reach.id) SELECT id FROM reach)
		AND t.id NOT IN (SELECT to_id FROM link WHERE relation = 'group.children' AND from_id = ?)`, rec.Int("inventory"), id, id), err
}

// attachCustom gives or takes the role that a list of users stands for.
func attachCustom(tx *store.Tx, r *domain.Resource, rec domain.Record, rel *domain.Related, other domain.Record, detach bool) error {
	role := map[string]string{"organization.users": "member_role", "organization.admins": "admin_role", "team.users": "member_role"}[string(r.Type)+"."+rel.Name]
	o, known := rbac.RoleOn(r, rec.ID(), role)
	if !known || !slices.Contains([]domain.Type{"user"}, rel.To) {
		return nil
	}
	if detach {
		return rbac.Revoke(tx, o, other.ID(), 0, 0)
	}
	return rbac.Grant(tx, o, other.ID(), 0)
}
