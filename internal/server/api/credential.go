package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// schema is what a credential type says of its inputs.
type schema struct {
	Fields   []input  `json:"fields"`
	Required []string `json:"required"`
}

// input is one value that credentials of a type have.
type input struct {
	ID        string   `json:"id"`
	Type      string   `json:"type"`
	Secret    bool     `json:"secret"`
	Choices   []string `json:"choices"`
	Default   any      `json:"default"`
	AskAtRun  bool     `json:"ask_at_runtime"`
	Multiline bool     `json:"multiline"`
}

func (s *schema) secret(name string) bool {
	for _, f := range s.Fields {
		if f.ID == name {
			return f.Secret
		}
	}
	return true // what the type does not know is kept from view
}

func credentialTypeHooks() hooks {
	return hooks{
		check: func(q *request, old, rec domain.Record, w wrong) error {
			var s struct {
				Fields []map[string]any `json:"fields"`
			}
			if err := rec.Into("inputs", &s); err != nil {
				w.add("inputs", "%s", "Schema validation failed: inputs must be a dictionary with a list of fields")
				return nil
			}
			seen := map[string]bool{}
			for _, f := range s.Fields {
				id, _ := f["id"].(string)
				if id == "" || seen[id] || id == "tower" || id == "awx" {
					w.add("inputs", "field IDs must be unique and not reserved (%s)", id)
				}
				seen[id] = true
				if _, has := f["label"]; !has {
					w.add("inputs", "Schema validation error in relative path fields: 'label' is a required property")
				}
			}
			if old != nil && rec["inputs"] != nil {
				n, err := q.tx.Count(domain.Of("credential"), store.Is("credential_type", old.ID()))
				if err != nil {
					return err
				}
				if n > 0 && string(rec["inputs"].(json.RawMessage)) != old.Str("inputs") {
					return &problem{403, map[string]string{"detail": "Modifications to inputs are not allowed for credential types that are in use"}}
				}
			}
			return nil
		},
		removable: func(q *request, rec domain.Record) error {
			n, err := q.tx.Count(domain.Of("credential"), store.Is("credential_type", rec.ID()))
			if err == nil && n > 0 {
				err = &problem{403, map[string]string{"detail": "Credential types that are in use cannot be deleted"}}
			}
			return err
		},
		show: func(q *request, rec domain.Record, o *object, _ bool) error { return nil },
	}
}

func (q *request) schemaOf(credentialType int64) (*schema, domain.Record, error) {
	kind, err := q.get("credential_type", credentialType)
	if err != nil {
		return nil, nil, err
	}
	s := &schema{}
	return s, kind, kind.Into("inputs", s)
}

func credentialHooks() hooks {
	return hooks{
		check: checkCredential,
		add: func(q *request, rec domain.Record) (bool, bool, error) {
			if user, given := rec["user"]; given && user != nil { // a credential of one's own
				return true, user == q.actor.ID, nil
			}
			if rec.Has("team") {
				yes, err := rbac.Check(q.tx, q.actor, domain.Of("team"), "admin_role", rec.Int("team"))
				return true, yes, err
			}
			return false, false, nil
		},
		saved: func(q *request, tx *store.Tx, old, rec domain.Record) error {
			if old != nil {
				return nil
			}
			role, _ := rbac.RoleOn(domain.Of("credential"), rec.ID(), "admin_role")
			if rec.Has("user") {
				return rbac.Grant(tx, role, rec.Int("user"), 0)
			}
			if rec.Has("team") {
				return rbac.Grant(tx, role, 0, rec.Int("team"))
			}
			return nil
		},
		show: func(q *request, rec domain.Record, o *object, _ bool) error {
			for _, name := range []string{"kind", "cloud", "kubernetes"} {
				if err := q.credentialKind(rec, o, name); err != nil {
					return err
				}
			}
			return nil
		},
		summary: func(q *request, rec domain.Record, o *object) error {
			owners := []*object{}
			role, _ := rbac.RoleOn(domain.Of("credential"), rec.ID(), "admin_role")
			for _, t := range []domain.Type{"user", "team"} {
				ids, err := rbac.Holders(q.tx, role, t == "team")
				if err != nil {
					return err
				}
				for _, id := range ids {
					owner, err := q.get(t, id)
					if err != nil {
						continue
					}
					owners = append(owners, ownerOf(t, owner))
				}
			}
			if org, err := q.get("organization", rec.Int("organization")); err == nil {
				owners = append(owners, ownerOf("organization", org))
			}
			o.set("owners", owners)
			return nil
		},
	}
}

func ownerOf(t domain.Type, rec domain.Record) *object {
	o := newObject()
	o.set("id", rec.ID())
	o.set("type", string(t))
	name := rec.Str("name")
	if t == "user" {
		name = rec.Str("username")
		o.set("description", strings.TrimSpace(rec.Str("first_name")+" "+rec.Str("last_name")))
	} else {
		o.set("description", rec.Str("description"))
	}
	o.set("name", name)
	o.set("url", href(domain.Of(t), rec.ID()))
	return o
}

// credentialKind sets what the type of a credential tells of it.
func (q *request) credentialKind(rec domain.Record, o *object, name string) error {
	kind, err := q.get("credential_type", rec.Int("credential_type"))
	if err != nil {
		return err
	}
	switch name {
	case "kind":
		k := kind.Str("namespace")
		if k == "" {
			k = kind.Str("kind")
		}
		o.set("kind", k)
	case "cloud":
		o.set("cloud", kind.Str("kind") == "cloud")
	case "kubernetes":
		o.set("kubernetes", kind.Str("kind") == "kubernetes")
	}
	return nil
}

func checkCredential(q *request, old, rec domain.Record, w wrong) error {
	owner := rec.Has("organization") || rec.Has("user") || rec.Has("team")
	if old == nil && !owner {
		w.add("detail", "Missing 'user', 'team', or 'organization'.")
		return nil
	}
	if rec.Has("team") {
		team, err := q.get("team", rec.Int("team"))
		if err != nil {
			return err
		}
		rec["organization"] = team.Int("organization")
	}
	raw, given := rec["inputs"].(json.RawMessage)
	if !given {
		return nil
	}
	kindID := rec.Int("credential_type")
	if kindID == 0 {
		kindID = old.Int("credential_type")
	}
	s, kind, err := q.schemaOf(kindID)
	if err != nil {
		return err
	}
	var in map[string]any
	if err := json.Unmarshal(raw, &in); err != nil {
		w.add("inputs", "Expected a dictionary.")
		return nil
	}
	before := map[string]any{}
	if old != nil {
		if err := old.Into("inputs", &before); err != nil {
			return err
		}
	}
	for name, v := range in {
		i := slices.IndexFunc(s.Fields, func(f input) bool { return f.ID == name })
		if i < 0 {
			w.add("inputs", "Additional properties are not allowed ('%s' was unexpected)", name)
			continue
		}
		_, isText := v.(string)
		_, isBool := v.(bool)
		if s.Fields[i].Type == "boolean" && !isBool || s.Fields[i].Type != "boolean" && !isText {
			w.add("inputs", "%v is not of type '%s'", v, s.Fields[i].Type)
		}
		if c := s.Fields[i].Choices; len(c) > 0 && !slices.Contains(c, fmt.Sprint(v)) {
			w.add("inputs", "%v is not one of %v", v, c)
		}
	}
	if kind.Str("namespace") == "ssh" {
		key, _ := in["ssh_key_data"].(string)
		if key != "" && key != "$encrypted$" && !strings.Contains(key, "PRIVATE KEY-----") {
			return fieldErrorIn("inputs", "ssh_key_data", "Invalid certificate or key: "+key[:min(20, len(key))]+"...")
		}
	}
	q.sealFields("credential.inputs", in, before, s.secret)
	rec["inputs"] = domain.Encode(in)
	return nil
}

// fieldErrorIn is an error of one entry of a dictionary.
func fieldErrorIn(field, entry, message string) error {
	return badRequest(map[string]any{field: map[string][]string{entry: {message}}})
}
