package api

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/troupe-automation/troupe/internal/server/auth"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/secret"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// uuid is a random one.
func uuid() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// PublicGalaxy finds the credential that new organizations get, so that their projects find roles and collections.
var PublicGalaxy = store.All(store.Is("managed", true), store.Is("name", "Ansible Galaxy"))

func organizationHooks() hooks {
	return hooks{
		saved: func(_ *request, tx *store.Tx, old, rec domain.Record) error {
			if old != nil {
				return nil
			}
			c, err := tx.One("credential", PublicGalaxy)
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			return tx.Link("organization.galaxy_credentials", rec.ID(), c.ID())
		},
		summary: func(q *request, rec domain.Record, o *object) error {
			id := rec.ID()
			counts := newObject()
			for _, c := range []struct {
				name, of string
				where    store.Condition
			}{
				{"inventories", "inventory", store.Is("organization", id)}, {"teams", "team", store.Is("organization", id)},
				{"users", "user", store.Where("t.id IN (SELECT user_id FROM role_grant WHERE object_type = 'organization' AND object_id = ? AND role = 'member_role')", id)},
				{"job_templates", "job_template", store.Is("organization", id)},
				{"admins", "user", store.Where("t.id IN (SELECT user_id FROM role_grant WHERE object_type = 'organization' AND object_id = ? AND role = 'admin_role')", id)},
				{"projects", "project", store.Is("organization", id)}, {"hosts", "host", store.Where("t.inventory IN (SELECT id FROM inventory WHERE organization = ?)", id)},
			} {
				n, err := q.tx.Count(domain.Of(domain.Type(c.of)), c.where)
				if err != nil {
					return err
				}
				counts.set(c.name, n)
			}
			o.set("related_field_counts", counts)
			o.set("resource", map[string]string{"ansible_id": stableUUID("organization", id), "resource_type": "shared.organization"})
			return nil
		},
		show: func(_ *request, _ domain.Record, o *object, detail bool) error {
			if !detail {
				o.values["summary_fields"].(*object).values["related_field_counts"].(*object).drop("hosts")
			}
			return nil
		},
		removable: func(q *request, rec domain.Record) error { return q.inUse(store.Is("organization", rec.ID())) },
	}
}

func teamHooks() hooks {
	return hooks{summary: func(_ *request, rec domain.Record, o *object) error {
		o.set("resource", map[string]string{"ansible_id": stableUUID("team", rec.ID()), "resource_type": "shared.team"})
		return nil
	}}
}

// stableUUID is the same for the same object of this installation, always.
func stableUUID(kind string, id int64) string {
	sum := auth.Digest(fmt.Sprintf("%s/%d", kind, id))
	return sum[:8] + "-" + sum[8:12] + "-4" + sum[13:16] + "-a" + sum[17:20] + "-" + sum[20:32]
}

func userHooks() hooks {
	return hooks{
		check: func(q *request, old, rec domain.Record, w wrong) error {
			password, given := rec["password"].(string)
			switch {
			case given && password == secret.Mark:
				delete(rec, "password")
			case given && password != "":
				hash, err := auth.Hash(password)
				if err != nil {
					return err
				}
				rec["password"] = hash
			case given:
				delete(rec, "password")
			}
			if old == nil && rec.Str("password") == "" {
				w.add("password", "Password required for new User.")
			}
			for _, name := range []string{"is_superuser", "is_system_auditor"} { // the highest rank is given by those who have it
				if on, given := rec[name].(bool); given && on != (old != nil && old.Bool(name)) && !q.actor.Superuser {
					return errForbidden
				}
			}
			return nil
		},
		summary: func(_ *request, rec domain.Record, o *object) error {
			o.set("resource", map[string]string{"ansible_id": stableUUID("user", rec.ID()), "resource_type": "shared.user"})
			return nil
		},
		show: func(_ *request, rec domain.Record, o *object, _ bool) error {
			o.set("password", secret.Mark)
			o.set("auth", []any{})
			if rec.Str("modified") == rec.Str("created") {
				o.set("modified", nil)
			}
			return nil
		},
		removable: func(q *request, rec domain.Record) error {
			if rec.ID() == q.actor.ID {
				return errForbidden
			}
			return nil
		},
		saved: func(q *request, tx *store.Tx, old, rec domain.Record) error {
			if old != nil && rec.Str("password") != "" { // whoever knew the old password is out
				_, err := tx.Exec("DELETE FROM session WHERE user_id = ?", old.ID())
				return err
			}
			return nil
		},
	}
}

// rolesAction lists what a user or a team holds; a POST gives or takes a role.
var rolesAction = &action{
	rules: map[string]string{"POST": ":read"},
	get: func(q *request, r *domain.Resource, rec domain.Record) (*reply, error) {
		user, team := rec.ID(), int64(0)
		if r.Type == "team" {
			user, team = 0, rec.ID()
		}
		roles, err := rbac.Granted(q.tx, user, team)
		if err != nil {
			return nil, err
		}
		shown, err := q.showRoles(roles, true)
		if err != nil {
			return nil, err
		}
		return q.plainList(shown)
	},
	post: func(q *request, r *domain.Resource, rec domain.Record, body map[string]any) (*reply, error) {
		id, is := integer(body["id"])
		if !is {
			return nil, badRequest(map[string]string{"msg": "Role 'id' field is missing."})
		}
		role, known := rbac.RoleByID(id)
		if !known {
			return nil, detail(400, "Role matching query does not exist.")
		}
		detach, _ := body["disassociate"].(bool)
		return q.giveRole(role, r, rec.ID(), 0, detach)
	},
	fields: func() []domain.Field {
		return []domain.Field{{Name: "id", Kind: domain.Integer, Required: true}, {Name: "disassociate", Kind: domain.Boolean}}
	},
}
