package api

import (
	"slices"
	"strings"
	"sync"

	"github.com/troupe-automation/troupe/internal/server/domain"
)

// The description of the API for programs, OpenAPI 3.1: made of the same declarations as the API itself.

type schema31 = map[string]any

// openAPI is the whole description; it is the same for everybody.
var openAPI = sync.OnceValue(func() schema31 {
	schemas, paths := schema31{}, schema31{}
	for _, r := range domain.All {
		if r.Path == "" {
			continue
		}
		schemas[string(r.Type)] = shownSchema(r)
		if !r.NoPost || !r.NoPut {
			schemas[string(r.Type)+"_change"] = writtenSchema(r)
		}
		own := "/api/v2/" + r.Path + "/"
		if !r.NoList {
			list := schema31{"get": operation("list", r, r.Path, listAnswer(r.Type), true)}
			if !r.NoPost {
				list["post"] = changing(operation("create", r, r.Path, created(r.Type), false), r.Type)
			}
			paths[own] = list
		}
		paths[own+"{id}/"] = oneObject(r)
		for _, rel := range r.Related {
			if rel.To != "job_event" || rel.Custom {
				paths[own+"{id}/"+rel.URLPath()+"/"] = subList(r, &rel)
			}
		}
		below(paths, r, own)
	}
	return schema31{
		"openapi": "3.1.0",
		"info":    schema31{"title": "Troupe", "version": Version, "description": "The API that clients of AWX know."},
		"paths":   paths,
		"components": schema31{
			"schemas": schemas,
			"parameters": schema31{
				"id":        schema31{"name": "id", "in": "path", "required": true, "schema": schema31{"type": "string"}, "description": "the id, or the named URL"},
				"page":      schema31{"name": "page", "in": "query", "schema": schema31{"type": "integer", "minimum": 1}},
				"page_size": schema31{"name": "page_size", "in": "query", "schema": schema31{"type": "integer", "minimum": 1, "maximum": maxPage, "default": defaultPage}},
				"order_by":  schema31{"name": "order_by", "in": "query", "schema": schema31{"type": "string"}, "description": "fields, commas between them; a minus turns the order"},
				"search":    schema31{"name": "search", "in": "query", "schema": schema31{"type": "string"}},
				"filter": schema31{"name": "filter", "in": "query", "style": "form", "explode": true, "schema": schema31{"type": "object", "additionalProperties": schema31{"type": "string"}},
					"description": "field__lookup=value, over relations too; or__, not__ and chain__ before it"},
			},
			"securitySchemes": schema31{"basic": schema31{"type": "http", "scheme": "basic"}, "token": schema31{"type": "http", "scheme": "bearer"},
				"session": schema31{"type": "apiKey", "in": "cookie", "name": "awx_sessionid"}},
		},
		"security": []any{schema31{"basic": []any{}}, schema31{"token": []any{}}, schema31{"session": []any{}}},
	}
})

func openAPIView(*request) (*reply, error) { return ok(openAPI()) }

func ref31(kind, name string) schema31 { return schema31{"$ref": "#/components/" + kind + "/" + name} }

// operation is one thing that can be done at an address. answers are by status.
func operation(verb string, r *domain.Resource, tag string, answers schema31, list bool) schema31 {
	for status, text := range map[string]string{"401": "not logged in", "403": "not allowed"} {
		answers[status] = schema31{"description": text}
	}
	o := schema31{"operationId": verb + "_" + strings.NewReplacer("/", "_", "-", "_").Replace(tag), "tags": []string{r.Path}, "responses": answers}
	if list {
		var params []any
		for _, p := range []string{"page", "page_size", "order_by", "search", "filter"} {
			params = append(params, ref31("parameters", p))
		}
		o["parameters"] = params
	}
	return o
}

// changing gives an operation a body.
func changing(o schema31, t domain.Type) schema31 {
	o["requestBody"] = schema31{"content": schema31{"application/json": schema31{"schema": ref31("schemas", string(t)+"_change")}}}
	o["responses"].(schema31)["400"] = schema31{"description": "something is wrong with the values; they are named"}
	return o
}

func answered(text string, schema schema31) schema31 {
	return schema31{"description": text, "content": schema31{"application/json": schema31{"schema": schema}}}
}

func created(t domain.Type) schema31 {
	return schema31{"201": answered("made", ref31("schemas", string(t)))}
}

func listAnswer(t domain.Type) schema31 {
	link := schema31{"type": []string{"string", "null"}}
	return schema31{"200": answered("a page of them", schema31{"type": "object", "properties": schema31{"count": schema31{"type": "integer"}, "next": link, "previous": link,
		"results": schema31{"type": "array", "items": ref31("schemas", string(t))}}})}
}

func oneObject(r *domain.Resource) schema31 {
	shown := func() schema31 {
		return schema31{"200": answered("the object", ref31("schemas", string(r.Type))), "404": schema31{"description": "there is none"}}
	}
	o := schema31{"parameters": []any{ref31("parameters", "id")}, "get": operation("read", r, r.Path, shown(), false)}
	if !r.NoPut {
		o["put"] = changing(operation("replace", r, r.Path, shown(), false), r.Type)
		o["patch"] = changing(operation("change", r, r.Path, shown(), false), r.Type)
	}
	if !r.NoDrop {
		o["delete"] = operation("delete", r, r.Path, schema31{"204": schema31{"description": "gone"}, "409": schema31{"description": "running jobs need it"}}, false)
	}
	return o
}

func subList(r *domain.Resource, rel *domain.Related) schema31 {
	tag := r.Path + "_" + rel.Name
	o := schema31{"parameters": []any{ref31("parameters", "id")}, "get": operation("list", r, tag, listAnswer(rel.To), true)}
	if rel.Change {
		answers := created(rel.To)
		answers["204"] = schema31{"description": "attached, or detached"}
		post := operation("attach", r, tag, answers, false)
		post["requestBody"] = schema31{"content": schema31{"application/json": schema31{"schema": schema31{"type": "object", "description": "an id attaches, with disassociate detaches; without an id an object is made",
			"properties": schema31{"id": schema31{"type": "integer"}, "disassociate": schema31{"type": "boolean"}}}}}}
		o["post"] = post
	}
	return o
}

// below adds the actions of a resource.
func below(paths schema31, r *domain.Resource, own string) {
	names := sortedKeys(allActions[r.Type])
	for _, l := range r.Links {
		if actionOf(r, l.Name) != nil && !slices.Contains(names, l.Name) {
			names = append(names, l.Name)
		}
	}
	for _, name := range names {
		a := actionOf(r, name)
		o := schema31{"parameters": []any{ref31("parameters", "id")}}
		for verb, has := range map[string]bool{"get": a.get != nil, "post": a.post != nil, "put": a.put != nil, "delete": a.del != nil} {
			if !has {
				continue
			}
			op := operation(verb, r, r.Path+"_"+name, schema31{"2XX": schema31{"description": "done"}}, false)
			if verb == "post" && a.fields != nil {
				properties := schema31{}
				for _, f := range a.fields() {
					properties[f.Name] = fieldSchema(&f)
				}
				op["requestBody"] = schema31{"content": schema31{"application/json": schema31{"schema": schema31{"type": "object", "properties": properties}}}}
			}
			o[verb] = op
		}
		paths[own+"{id}/"+name+"/"] = o
	}
}

func shownSchema(r *domain.Resource) schema31 {
	properties := schema31{"url": schema31{"type": "string"}, "related": schema31{"type": "object"}, "summary_fields": schema31{"type": "object"}}
	for i := range r.Fields {
		if f := &r.Fields[i]; !f.Hidden && !f.Write {
			s := fieldSchema(f)
			s["readOnly"] = f.ReadOnly || f.Computed
			properties[f.Name] = s
		}
	}
	return schema31{"type": "object", "title": r.Title, "properties": properties}
}

func writtenSchema(r *domain.Resource) schema31 {
	properties, required := schema31{}, []string{}
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.ReadOnly || f.Computed || f.Hidden {
			continue
		}
		properties[f.Name] = fieldSchema(f)
		if f.Required && !f.Default0 {
			required = append(required, f.Name)
		}
	}
	return schema31{"type": "object", "title": r.Title, "properties": properties, "required": required}
}

// fieldSchema is the type of a field as JSON Schema has it.
func fieldSchema(f *domain.Field) schema31 {
	s := schema31{}
	switch f.Kind {
	case domain.Integer, domain.ID:
		s["type"] = "integer"
	case domain.Boolean:
		s["type"] = "boolean"
	case domain.Decimal:
		s["type"] = "number"
		if _, text := f.Default.(string); text {
			s["type"] = "string"
		}
	case domain.DateTime:
		s["type"], s["format"] = "string", "date-time"
	case domain.String:
		s["type"] = "string"
	case domain.List, "list_of_ids":
		s["type"] = "array"
	case domain.Choice:
		s["enum"] = f.Choices
	case domain.JSON:
		s["type"] = "object"
		if f.Variables {
			s["type"], s["description"] = "string", "a dictionary as JSON or YAML"
		}
	}
	if kind, typed := s["type"].(string); typed && f.Null {
		s["type"] = []string{kind, "null"}
	}
	if f.MaxLen > 0 {
		s["maxLength"] = f.MaxLen
	}
	if f.Min != nil {
		s["minimum"] = *f.Min
	}
	if f.Max != nil {
		s["maximum"] = *f.Max
	}
	return s
}
