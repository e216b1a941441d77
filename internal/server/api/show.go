package api

import (
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/secret"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// show is one object as replies have it.
func (q *request) show(r *domain.Resource, rec domain.Record, detail bool) (*object, error) {
	caps, err := q.capabilities(r, []domain.Record{rec})
	if err != nil {
		return nil, err
	}
	return q.showOne(r, rec, detail, caps)
}

// showAll shows the rows of a list.
func (q *request) showAll(r *domain.Resource, rows []domain.Record) ([]*object, error) {
	out := make([]*object, len(rows))
	byType := map[domain.Type][]domain.Record{}
	for _, rec := range rows {
		byType[q.typeOf(r, rec)] = append(byType[q.typeOf(r, rec)], rec)
	}
	caps := map[domain.Type]capabilities{}
	for t, list := range byType {
		c, err := q.capabilities(domain.Of(t), list)
		if err != nil {
			return nil, err
		}
		caps[t] = c
	}
	for i, rec := range rows {
		t := q.typeOf(r, rec)
		o, err := q.showOne(domain.Of(t), rec, false, caps[t])
		if err != nil {
			return nil, err
		}
		out[i] = o
	}
	return out, nil
}

func (q *request) typeOf(r *domain.Resource, rec domain.Record) domain.Type {
	if len(r.Types) > 0 {
		return rec.Type()
	}
	return r.Type
}

func (q *request) showOne(r *domain.Resource, rec domain.Record, detail bool, caps capabilities) (*object, error) {
	h := hooksOf(r.Type)
	o := newObject()
	o.set("id", rec.ID())
	o.set("type", string(r.Type))
	o.set("url", href(r, rec.ID()))
	related, err := q.links(r, rec, detail)
	if err != nil {
		return nil, err
	}
	if h.links != nil {
		h.links(q, rec, related)
	}
	o.set("related", related)
	summary, err := q.summaries(r, rec, detail)
	if err != nil {
		return nil, err
	}
	if roles := r.Roles; roles != nil {
		list := newObject()
		for _, role := range rbac.RolesOf(r, rec.ID()) {
			one := newObject()
			one.set("description", role.Role().Text)
			one.set("name", role.Role().Name)
			one.set("id", role.ID())
			if r.Type == "organization" && (role.Role().Field == "admin_role" || role.Role().Field == "member_role") {
				one.set("user_only", true)
			}
			list.set(role.Role().Field, one)
		}
		summary.set("object_roles", list)
	}
	if c := caps.of(rec.ID()); c != nil {
		summary.set("user_capabilities", c)
	}
	if h.summary != nil {
		if err := h.summary(q, rec, summary); err != nil {
			return nil, err
		}
	}
	o.set("summary_fields", summary)
	for i := range r.Fields {
		f := &r.Fields[i]
		switch {
		case f.Name == "id" || f.Name == "type" || f.Hidden || f.Write:
		case f.Detail && !detail:
		case f.Computed:
			o.set(f.Name, nil)
		case f.Secret:
			o.set(f.Name, masked(rec[f.Name]))
		default:
			o.set(f.Name, rec[f.Name])
		}
	}
	if h.show != nil {
		if err := h.show(q, rec, o, detail); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// masked replaces encrypted texts in a JSON field.
func masked(v any) any {
	raw, isRaw := v.(json.RawMessage)
	if !isRaw || !strings.Contains(string(raw), "$troupe$") {
		return v
	}
	var x any
	if json.Unmarshal(raw, &x) != nil {
		return secret.Mark
	}
	return mask(x)
}

func mask(v any) any {
	return domain.Leaves(v, func(v any) any {
		if text, is := v.(string); is && secret.Sealed(text) {
			return secret.Mark
		}
		return v
	})
}

// links are the addresses of what belongs to an object.
func (q *request) links(r *domain.Resource, rec domain.Record, detail bool) (*object, error) {
	o := newObject()
	own := href(r, rec.ID())
	if detail && r.Key != nil {
		key, err := q.keyOf(r, rec)
		if err != nil {
			return nil, err
		}
		o.set("named_url", "/api/v2/"+r.Path+"/"+key+"/")
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.To == "" || !f.Column() || f.Hidden && !f.Linked || f.Detail && !detail || f.To == "instance_group" { // summary_fields tell of the group, related does not
			continue
		}
		if f.Name == "organization" && r.Type == "organization" || !rec.Has(f.Name) {
			continue
		}
		to, err := q.concrete(f.To, rec.Int(f.Name))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		o.set(f.Name, href(to, rec.Int(f.Name)))
	}
	for i := range r.Related {
		if rel := &r.Related[i]; !rel.Hidden {
			o.set(rel.Name, own+rel.URLPath()+"/")
		}
	}
	for _, l := range r.Links {
		path := l.Path
		switch path {
		case "-":
			continue
		case "":
			path = l.Name
		}
		o.set(l.Name, own+path+"/")
	}
	return o, nil
}

// shapes are the fields of an object that summary_fields of others repeat, beside id, name and description.
var shapes = map[domain.Type][]string{
	"user":                  {"id", "username", "first_name", "last_name"},
	"inventory":             {"id", "name", "description", "has_active_failures", "total_hosts", "hosts_with_active_failures", "total_groups", "has_inventory_sources", "total_inventory_sources", "inventory_sources_with_failures", "organization_id", "kind"},
	"project":               {"id", "name", "description", "status", "scm_type", "allow_override"},
	"execution_environment": {"id", "name", "description", "image"},
	"instance_group":        {"id", "name", "is_container_group"},
	"credential":            {"id", "name", "description", "kind", "cloud", "kubernetes", "credential_type_id"},
	"inventory_source":      {"id", "name", "source", "last_updated", "status"},
	"job_host_summary":      {"id", "failed"},
	"job":                   {"id", "name", "description", "status", "failed", "elapsed"},
	"ad_hoc_command":        {"id", "name", "status", "limit"},
	"o_auth2_access_token":  {"id", "user_id", "description", "scope"},
	"project_update":        {"id", "name", "description", "status", "failed"},
	"schedule":              {"id", "name", "description", "next_run"},
	"o_auth2_application":   {"id", "name"},
	"role_definition":       {"id", "name", "description", "managed"},
	"host":                  {"id", "name", "description"},
}

// summaries are small copies of what an object refers to.
func (q *request) summaries(r *domain.Resource, rec domain.Record, detail bool) (*object, error) {
	o := newObject()
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.To == "" || !f.Column() || !rec.Has(f.Name) || f.Hidden && !f.Told || f.Detail && !detail {
			continue
		}
		if f.Name == "last_job" && r.Type != "host" {
			continue // templates tell more of it
		}
		if f.Name == "system_job_template" {
			continue // unified_job_template tells of it
		}
		s, err := q.summary(f.To, rec.Int(f.Name))
		if f.Name == "unified_job_template" {
			s, err = q.templateTold(rec.Int(f.Name))
			if err == nil && r.Type != "schedule" {
				s.drop("job_type")
			}
		}
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		o.set(f.Name, s)
	}
	return o, nil
}

// templateTold is what others tell of a template of any kind.
func (q *request) templateTold(id int64) (*object, error) {
	rec, err := q.concreteRecord("unified_job_template", id)
	if err != nil {
		return nil, err
	}
	s := newObject()
	for _, f := range []string{"id", "name", "description"} {
		s.set(f, rec[f])
	}
	s.set("unified_job_type", jobTypeOf[rec.Type()])
	if rec.Type() == "system_job_template" {
		s.set("job_type", rec["job_type"])
	}
	return s, nil
}

// jobTold is what events and summaries of hosts tell of their job.
func (q *request) jobTold(id int64) (*object, error) {
	s, err := q.summary("job", id)
	if err != nil {
		return nil, err
	}
	s.set("type", "job")
	rec, err := q.get("job", id)
	s.set("job_template_id", rec["job_template"])
	s.set("job_template_name", rec.Str("name"))
	return s, err
}

// jobTypeOf names the kind of job that a template makes.
var jobTypeOf = map[domain.Type]string{"job_template": "job", "project": "project_update", "inventory_source": "inventory_update", "system_job_template": "system_job",
	"workflow_job_template": "workflow_job", "workflow_approval_template": "workflow_approval"}

// summary is the small copy of one object.
func (q *request) summary(to domain.Type, id int64) (*object, error) {
	r, err := q.concrete(to, id)
	if err != nil {
		return nil, err
	}
	rec, err := q.get(r.Type, id)
	if err != nil {
		return nil, err
	}
	fields := shapes[r.Type]
	if fields == nil {
		fields = []string{"id", "name", "description"}
	}
	o := newObject()
	for _, name := range fields {
		switch name {
		case "organization_id", "credential_type_id", "user_id":
			o.set(name, rec[strings.TrimSuffix(name, "_id")])
		case "last_updated":
			o.set(name, rec["last_job_run"])
		case "kind", "cloud", "kubernetes":
			if r.Type == "credential" {
				if err := q.credentialKind(rec, o, name); err != nil {
					return nil, err
				}
				break
			}
			fallthrough
		default:
			o.set(name, rec[name])
		}
	}
	return o, nil
}

// only is a copy with some keys.
func (o *object) only(keys ...string) *object {
	out := newObject()
	for _, k := range keys {
		if v, ok := o.values[k]; ok {
			out.set(k, v)
		}
	}
	return out
}

// keyOf is an object's named URL: its fields, "+" between them; a reference is the key of what it points to, after "++".
func (q *request) keyOf(r *domain.Resource, rec domain.Record) (string, error) {
	var own []string
	var refs []string
	for _, name := range r.Key {
		f := r.Field(name)
		if f.To == "" {
			own = append(own, escapeKey(rec.Str(name)))
			continue
		}
		if !rec.Has(name) {
			refs = append(refs, "")
			continue
		}
		to := domain.Of(f.To)
		other, err := q.get(to.Type, rec.Int(name))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return "", err
		}
		key, err := q.keyOf(to, other)
		if err != nil {
			return "", err
		}
		refs = append(refs, key)
	}
	return strings.Join(append([]string{strings.Join(own, "+")}, refs...), "++"), nil
}

// escapeKey keeps the signs of named URLs out of names.
func escapeKey(s string) string {
	return strings.NewReplacer("+", "[+]", ";", "%3B", "/", "%2F", "?", "%3F", ":", "%3A", "@", "%40", "=", "%3D", "&", "%26").Replace(s)
}

// byKey reads the object of a named URL.
func (q *request) byKey(r *domain.Resource, key string) (domain.Record, error) {
	if s, err := url.PathUnescape(key); err == nil {
		key = s
	}
	const plus = "\x00"
	parts := strings.Split(strings.ReplaceAll(key, "[+]", plus), "++")
	where, rest, err := q.keyCondition(r, parts, plus)
	if err != nil || len(rest) > 0 {
		return nil, store.ErrNotFound
	}
	return q.tx.One(r.Type, where)
}

func (q *request) keyCondition(r *domain.Resource, parts []string, plus string) (c store.Condition, rest []string, err error) {
	if len(parts) == 0 {
		return c, nil, store.ErrNotFound
	}
	own := strings.Split(parts[0], "+")
	rest = parts[1:]
	for _, name := range r.Key {
		f := r.Field(name)
		if f.To == "" {
			if len(own) == 0 {
				return c, nil, store.ErrNotFound
			}
			c = store.All(c, store.Is(name, strings.ReplaceAll(own[0], plus, "+")))
			own = own[1:]
			continue
		}
		if len(rest) == 0 || rest[0] == "" {
			if len(rest) > 0 {
				rest = rest[1:]
			}
			c = store.All(c, store.Where(`t."`+name+`" IS NULL`))
			continue
		}
		var sub store.Condition
		if sub, rest, err = q.keyCondition(domain.Of(f.To), rest, plus); err != nil {
			return c, nil, err
		}
		to := domain.Of(f.To)
		c = store.All(c, store.Where(`t."`+name+`" IN (SELECT t.id FROM "`+to.Storage()+`" t WHERE `+sub.SQL+")", sub.Args...))
	}
	return c, rest, nil
}

// capabilities tell for some objects what the actor may do with each.
type capabilities map[string]map[int64]bool

func (c capabilities) of(id int64) *object {
	if c == nil {
		return nil
	}
	o := newObject()
	for _, name := range []string{"edit", "delete", "start", "schedule", "copy", "use", "adhoc"} {
		if ids, has := c[name]; has {
			o.set(name, ids[id])
		}
	}
	return o
}

// abilities are the capabilities that objects of a type tell of.
var abilities = map[domain.Type][]string{
	"credential_type": {"edit", "delete"}, "credential": {"edit", "delete", "copy", "use"}, "user": {"edit", "delete"}, "instance": {"edit"}, "project_update": {"delete", "start"},
	"instance_group": {"edit", "delete"}, "job": {"delete", "start"}, "schedule": {"edit", "delete"}, "organization": {"edit", "delete"}, "inventory": {"edit", "delete", "copy", "adhoc"},
	"project": {"edit", "delete", "start", "schedule", "copy"}, "job_template": {"edit", "delete", "start", "schedule", "copy"}, "execution_environment": {"edit", "delete", "copy"},
	"inventory_source": {"edit", "delete", "start", "schedule"}, "inventory_update": {"delete", "start"}, "team": {"edit", "delete"}, "host": {"edit", "delete"}, "group": {"edit", "delete", "copy"},
	"ad_hoc_command": {"delete", "start"}, "notification_template": {"edit", "delete", "copy"}, "workflow_job_template": {"edit", "delete", "start", "schedule", "copy"}, "workflow_job": {"delete", "start"}, "system_job": {"delete", "start"},
}

func (q *request) capabilities(r *domain.Resource, rows []domain.Record) (capabilities, error) {
	names := abilities[r.Type]
	if names == nil || len(rows) == 0 {
		return nil, nil
	}
	ids := make([]int64, len(rows))
	for i, rec := range rows {
		ids[i] = rec.ID()
	}
	out := capabilities{}
	for _, name := range names {
		rule := map[string]string{"edit": r.Access.Change, "delete": r.Access.Delete, "start": r.Access.Start, "schedule": r.Access.Start, "copy": r.Access.Change, "use": r.Access.Use, "adhoc": r.Access.Start}[name]
		allowed, err := rbac.Among(q.tx, q.actor, r, rule, ids)
		if err != nil {
			return nil, err
		}
		for _, rec := range rows {
			if rec.Bool("managed") && (name == "edit" || name == "delete") {
				allowed[rec.ID()] = false
			}
		}
		out[name] = allowed
	}
	return out, nil
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
