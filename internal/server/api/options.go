package api

import (
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/rbac"
)

// describe is the frame of every answer to OPTIONS.
func describe(name, text string, actions *object) *object {
	o := newObject()
	o.set("name", name)
	o.set("description", text)
	o.set("renders", []string{"application/json"})
	o.set("parses", []string{"application/json"})
	if actions != nil && len(actions.keys) > 0 {
		o.set("actions", actions)
	}
	return o
}

// listOptions describes a list: clients make their commands from it. rel is set for a sub-list.
func (q *request) listOptions(r *domain.Resource, rel *domain.Related) (*object, error) {
	actions := newObject()
	actions.set("GET", readable(r, false))
	post := !r.NoPost
	if rel != nil {
		post = rel.Change && !r.NoPost
	}
	if post && q.mayCreateSome(r) {
		actions.set("POST", writable(r))
	}
	o := describe(r.Title+" List", "", actions)
	q.describeType(o, r)
	return o, nil
}

func (q *request) describeType(o *object, r *domain.Resource) {
	types := []string{string(r.Type)}
	if len(r.Types) > 0 {
		types = nil
		for _, t := range r.Types {
			types = append(types, string(t))
		}
	}
	o.set("types", types)
	search := slices.Clone(r.Searched())
	slices.Sort(search)
	o.set("search_fields", search)
	related := []string{}
	for i := range r.Fields {
		if f := &r.Fields[i]; f.To != "" && f.Column() && f.Filterable() {
			related = append(related, f.Name+"__search")
		}
	}
	for _, rel := range r.Related {
		if !rel.Custom {
			related = append(related, rel.Name+"__search")
		}
	}
	slices.Sort(related)
	o.set("related_search_fields", slices.Compact(related))
	if r.Roles != nil {
		roles := []string{}
		for _, role := range r.Roles {
			roles = append(roles, role.Field)
		}
		slices.Sort(roles)
		o.set("object_roles", roles)
	}
	o.set("max_page_size", maxPage)
}

// mayCreateSome tells whether there is any place where the actor may make an object.
func (q *request) mayCreateSome(r *domain.Resource) bool {
	if q.actor.Superuser {
		return true
	}
	for rule := range strings.SplitSeq(r.Access.Add, "|") {
		switch rule {
		case "anyone":
			return true
		case "", "superuser":
			continue
		case "anyorgadmin":
			n, err := q.tx.Count(domain.Of("organization"), rbac.May(q.actor, domain.Of("organization"), "admin_role"))
			if err == nil && n > 0 {
				return true
			}
			continue
		}
		field, rest, ok := strings.Cut(rule, ".")
		if !ok || r.Field(field) == nil {
			continue
		}
		to := domain.Of(r.Field(field).To)
		if len(to.Types) > 0 {
			rest = "each:" + rest
		}
		n, err := q.tx.Count(to, rbac.May(q.actor, to, rest))
		if err == nil && n > 0 {
			return true
		}
	}
	return false
}

func (q *request) detailOptions(r *domain.Resource) (*object, error) {
	actions := newObject()
	actions.set("GET", readable(r, true))
	if !r.NoPut {
		actions.set("PUT", writable(r))
	}
	o := describe(r.Title+" Detail", "", actions)
	q.describeType(o, r)
	return o, nil
}

func (q *request) actionOptions(r *domain.Resource, a *action) (*object, error) {
	actions := newObject()
	if a.get != nil {
		actions.set("GET", newObject())
	}
	if a.post != nil {
		fields := newObject()
		if a.fields != nil {
			for _, f := range a.fields() {
				fields.set(f.Name, describeField(r, &f, true))
			}
		}
		actions.set("POST", fields)
	}
	o := describe(r.Title, "", actions)
	q.describeType(o, r)
	return o, nil
}

// readable describes the fields of replies.
func readable(r *domain.Resource, detail bool) *object {
	o := newObject()
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Hidden || f.Write || f.Detail && !detail || r.Type == "user" && f.Name == "auth" {
			continue
		}
		o.set(f.Name, describeField(r, f, false))
		if f.Name == "type" {
			for _, extra := range []struct{ name, kind string }{{"url", "string"}, {"related", "object"}, {"summary_fields", "object"}} {
				o.set(extra.name, map[string]any{"type": extra.kind, "label": fieldTitle(extra.name), "help_text": "", "filterable": false})
			}
		}
	}
	return o
}

// writable describes the fields that clients may set.
func writable(r *domain.Resource) *object {
	o := newObject()
	for i := range r.Fields {
		if f := &r.Fields[i]; !f.ReadOnly && !f.Computed && !f.Hidden {
			o.set(f.Name, describeField(r, f, true))
		}
	}
	return o
}

func describeField(r *domain.Resource, f *domain.Field, writing bool) *object {
	o := newObject()
	o.set("type", string(f.Kind))
	if writing {
		o.set("required", f.Required && !(f.Default0 && f.Kind != domain.List))
	}
	o.set("label", fieldTitle(f.Name))
	o.set("help_text", "")
	if !(f.Name == "type" && !r.Shared()) {
		o.set("filterable", f.Filterable())
	}
	if writing {
		if f.Default0 {
			o.set("default", f.Default)
		}
		if f.MaxLen > 0 {
			o.set("max_length", f.MaxLen)
		}
	}
	if f.Min != nil {
		o.set("min_value", *f.Min)
	}
	if f.Max != nil {
		o.set("max_value", *f.Max)
	}
	if f.Kind == domain.Choice {
		choices := [][2]any{}
		for _, c := range f.Choices {
			label := fmt.Sprint(c)
			switch {
			case c == nil || c == "":
				label = "---------"
			case f.Name == "type":
				if t := domain.Find(domain.Type(label)); t != nil {
					label = t.Title
				}
			default:
				label = fieldTitle(label)
			}
			choices = append(choices, [2]any{c, label})
		}
		o.set("choices", choices)
	}
	return o
}
