// Package domain has the nouns of the server: one declaration per resource, from which tables, routes, validation, OPTIONS,
// filters, links and permission checks are made. It knows neither databases nor HTTP.
//
// Read by every other package of internal/server; it imports none of them.
package domain

import (
	"slices"
	"strings"
)

// Type is the name of a resource as replies have it: "job_template".
type Type string

// Resource declares one kind of object.
type Resource struct {
	Type   Type
	Path   string // below /api/v2/, "job_templates"
	Model  string // as messages name it, "JobTemplate"
	Title  string // in words, "Job Template"
	Fields []Field

	// Table holds the rows, "" for a table of the resource's own. Resources of one table share their ids.
	Table string
	// Where restricts the rows of a table that are meant: type and, for inventories, kind.
	Types []Type

	Search []string   // fields that ?search= looks at, "name" and "description" when empty
	Unique [][]string // sets of fields that no two objects share
	Key    []string   // fields of the named URL, references by their own key
	Order  string     // default order of lists, "id" when empty

	Roles  []Role
	Access Access

	Related []Related // sub-lists
	Links   []Link    // further related links: actions, views
	// Summaries are the references shown in summary_fields; nil means every reference.
	NoList bool // no list below /api/v2/
	NoPost bool // objects are made by the server alone
	NoPut  bool
	NoDrop bool // objects are never deleted by clients
	Copy   bool // may be copied
	Silent bool // changes make no entry in the activity stream
	Always bool // objects exist from the start, and OPTIONS names no model

	fields map[string]*Field
}

// Role is one object role.
type Role struct {
	Field string // "admin_role"
	Name  string
	Text  string // description
	// From lists the roles that include this one: "admin_role" of the same object, "organization.admin_role" of another.
	From []string
}

// Access tells which role is needed for what. A rule is a list of alternatives, "|" between them; each is a path of
// references that ends in a role: "admin_role", "inventory.admin_role". "anyone" and "superuser" are rules, too; "" means superuser.
type Access struct {
	Read, Change, Delete, Add string
	Start                     string // launch, update, run ad hoc
	Use                       string // name the object in another one
}

// Link is one entry of related that is not a sub-list of objects: an action or a view of one object.
type Link struct {
	Name string // in related
	Path string // below the object's URL, Name when empty
}

// Related is a sub-list below one object.
type Related struct {
	Name string // in related
	Path string // below the object's URL, Name when empty
	To   Type   // resource of the list
	// By is the field of To that points back. Otherwise Link names the association, and Reverse reads it from the other end.
	By      string
	Link    string
	Reverse bool
	// Custom lists are computed by the API.
	Custom bool
	// Change lets clients associate and create; the rule is what is needed on the parent, "" for the parent's Change.
	Change bool
	Ask    string // rule on the attached object, its Use rule when empty
	Hidden bool   // no entry in related
	Parent bool   // the objects belong to the parent: creating needs no more than the parent's Change
}

// URLPath is the last part of the sub-list's URL.
func (r *Related) URLPath() string {
	if r.Path != "" {
		return r.Path
	}
	return r.Name
}

// Storage is the name of the table.
func (r *Resource) Storage() string {
	if r.Table != "" {
		return r.Table
	}
	return string(r.Type)
}

// Virtual tells that the objects have no rows: their ids are made of those of others.
func (r *Resource) Virtual() bool { return r.Table == "-" }

// Shared tells whether the table holds several resources and has a column for their type.
func (r *Resource) Shared() bool { return r.Table != "" }

// Field returns the declaration of a field, or nil.
func (r *Resource) Field(name string) *Field { return r.fields[name] }

// Relation returns the sub-list of a name, as filters and URLs use it, or nil.
func (r *Resource) Relation(name string) *Related {
	for i := range r.Related {
		if r.Related[i].Name == name || r.Related[i].Path == name {
			return &r.Related[i]
		}
	}
	return nil
}

// Role returns an object role, or nil.
func (r *Resource) Role(field string) *Role {
	for i := range r.Roles {
		if r.Roles[i].Field == field {
			return &r.Roles[i]
		}
	}
	return nil
}

// Searched are the fields that ?search= looks at.
func (r *Resource) Searched() []string {
	if r.Search != nil {
		return r.Search
	}
	return []string{"description", "name"}
}

// All are the resources, in the order in which tables are made.
var All []*Resource

var byType, byPath = map[Type]*Resource{}, map[string]*Resource{}

// Of returns the declaration of a type; an unknown one is a mistake in this program.
func Of(t Type) *Resource {
	r := byType[t]
	if r == nil {
		panic("no resource " + string(t))
	}
	return r
}

// Find returns the declaration of a type, or nil.
func Find(t Type) *Resource { return byType[t] }

// AtPath returns the resource of a URL path below /api/v2/, or nil.
func AtPath(path string) *Resource { return byPath[path] }

// Load makes the declarations usable. It is not done when the program starts: other commands need none of it.
func Load() {
	loaded.Do(func() {
		for _, family := range []func() []*Resource{people, credentials, projects, inventories, templates, jobs, workflows, system} {
			All = append(All, family()...)
		}
		for _, r := range All {
			r.fields = make(map[string]*Field, len(r.Fields)+4)
			r.Fields = append(base(r), r.Fields...)
			for i := range r.Fields {
				if r.fields[r.Fields[i].Name] != nil {
					panic(string(r.Type) + " declares " + r.Fields[i].Name + " twice")
				}
				r.fields[r.Fields[i].Name] = &r.Fields[i]
			}
			byType[r.Type] = r
			if r.Path != "" {
				byPath[r.Path] = r
			}
		}
	})
}

// base are the fields that every object has, before its own.
func base(r *Resource) []Field {
	own := func(name string) bool {
		return slices.ContainsFunc(r.Fields, func(f Field) bool { return f.Name == name || f.Name == "-"+name })
	}
	fields := []Field{{Name: "id", Kind: Integer, ReadOnly: true}}
	if r.Shared() {
		fields = append(fields, Field{Name: "type", Kind: Choice, ReadOnly: true, Choices: typeChoices(r)})
	} else {
		fields = append(fields, Field{Name: "type", Kind: Choice, ReadOnly: true, Choices: typeChoices(r), Computed: true})
	}
	for _, f := range []Field{moment("created").RO(), moment("modified").RO()} {
		if !own(f.Name) {
			fields = append(fields, f)
		}
	}
	if !own("name") {
		fields = append(fields, text("name").Need().Most(512))
	}
	if !own("description") {
		fields = append(fields, text("description").Def(""))
	}
	for _, f := range []Field{ref("created_by", "user").Hide().Link().Tell(), ref("modified_by", "user").Hide().Link().Tell()} {
		if !own(f.Name) {
			fields = append(fields, f)
		}
	}
	r.Fields = slices.DeleteFunc(r.Fields, func(f Field) bool { return strings.HasPrefix(f.Name, "-") })
	return fields
}

func typeChoices(r *Resource) []any {
	if len(r.Types) == 0 {
		return []any{string(r.Type)}
	}
	var out []any
	for _, t := range r.Types {
		out = append(out, string(t))
	}
	return out
}

// without takes base fields away: objects of some resources have no name or description.
func without(names ...string) []Field {
	var out []Field
	for _, n := range names {
		out = append(out, Field{Name: "-" + n})
	}
	return out
}
