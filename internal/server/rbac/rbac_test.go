package rbac_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/store"
	"github.com/troupe-automation/troupe/internal/server/store/sqlite"
)

// recorded are the implicit roles of AWX 24.6.1: by model and role, the roles that include it.
func recorded(t *testing.T) map[string]map[string][]string {
	t.Helper()
	b, err := os.ReadFile("testdata/implicit_roles.json")
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]map[string]any
	if err := json.Unmarshal(b, &raw); err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string][]string{}
	for model, roles := range raw {
		out[model] = map[string][]string{}
		for role, from := range roles {
			var list []string
			switch from := from.(type) {
			case string:
				list = []string{from}
			case []any:
				for _, x := range from {
					list = append(list, x.(string))
				}
			}
			for i := range list {
				list[i] = strings.Replace(list[i], "singleton:system_", "system.", 1)
			}
			slices.Sort(list)
			out[model][role] = list
		}
	}
	return out
}

// TestRoles compares the declared roles with AWX's, each with what includes it.
func TestRoles(t *testing.T) {
	domain.Load()
	want := recorded(t)
	for _, r := range domain.All {
		if r.Roles == nil {
			continue
		}
		if len(r.Roles) != len(want[r.Model]) {
			t.Errorf("%s has %d roles, AWX %d", r.Model, len(r.Roles), len(want[r.Model]))
		}
		for _, role := range r.Roles {
			from := slices.Clone(role.From)
			slices.Sort(from)
			if !slices.Equal(from, want[r.Model][role.Field]) {
				t.Errorf("%s.%s is included by %v, in AWX by %v", r.Model, role.Field, from, want[r.Model][role.Field])
			}
		}
		delete(want, r.Model)
	}
	if len(want) > 0 {
		t.Errorf("no roles on %v", want)
	}
}

// TestMatrix gives every role of every object to a user, directly, through a team, and on the organization, and asks for every other
// role on the same object: the answer must be what follows from AWX's table by walking it.
func TestMatrix(t *testing.T) {
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "troupe.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	models := map[string]domain.Type{}
	objects := map[domain.Type][2]int64{} // one of the organization, one of another
	var user, team int64
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		insert := func(kind domain.Type, rec domain.Record) int64 {
			if err := tx.Insert(kind, rec); err != nil {
				t.Fatal(kind, err)
			}
			return rec.ID()
		}
		orgs := [2]int64{insert("organization", domain.Record{"name": "a"}), insert("organization", domain.Record{"name": "b"})}
		for _, r := range domain.All {
			if r.Roles == nil {
				continue
			}
			models[r.Model] = r.Type
			pair := orgs
			if r.Type != "organization" {
				for i := range pair {
					rec := domain.Record{"name": fmt.Sprint("x", i)}
					if r.Field("organization") != nil {
						rec["organization"] = orgs[i]
					}
					pair[i] = insert(r.Type, rec)
				}
			}
			objects[r.Type] = pair
		}
		user = insert("user", domain.Record{"username": "u"})
		team = insert("team", domain.Record{"name": "mine", "organization": orgs[1]})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	table := recorded(t)
	// included walks AWX's table: does holding role `have` of the object, or of its organization, include `want`?
	var included func(model, want, have string, seen map[string]bool) bool
	included = func(model, want, have string, seen map[string]bool) bool {
		if want == have {
			return true
		}
		if seen[model+want] {
			return false
		}
		seen[model+want] = true
		for _, from := range table[model][want] {
			if role, isOrg := strings.CutPrefix(from, "organization."); isOrg {
				if orgRole, heldThere := strings.CutPrefix(have, "organization."); heldThere && included("Organization", role, orgRole, map[string]bool{}) {
					return true
				}
				continue
			}
			if !strings.Contains(from, ".") && included(model, from, have, seen) {
				return true
			}
		}
		return false
	}
	n := 0
	for model, kind := range models {
		r := domain.Of(kind)
		var held []string
		for _, role := range r.Roles {
			held = append(held, role.Field)
		}
		if kind != "organization" {
			for _, role := range domain.Of("organization").Roles {
				held = append(held, "organization."+role.Field)
			}
		}
		for _, have := range held {
			at, id, field := r, objects[kind][0], have
			if orgRole, isOrg := strings.CutPrefix(have, "organization."); isOrg {
				at, id, field = domain.Of("organization"), objects["organization"][0], orgRole
			}
			role, _ := rbac.RoleOn(at, id, field)
			if back, ok := rbac.RoleByID(role.ID()); !ok || back.Role().Field != field || back.Object != id {
				t.Fatalf("the id of %s.%s does not lead back", model, have)
			}
			for _, through := range []string{"user", "team"} {
				if through == "team" && (at.Type == "organization" || at.Type == "team") {
					continue
				}
				err := db.Write(t.Context(), func(tx *store.Tx) error {
					if _, err := tx.Exec("DELETE FROM role_grant"); err != nil {
						return err
					}
					if through == "user" {
						return rbac.Grant(tx, role, user, 0)
					}
					member, _ := rbac.RoleOn(domain.Of("team"), team, "member_role")
					if err := rbac.Grant(tx, member, user, 0); err != nil {
						return err
					}
					return rbac.Grant(tx, role, 0, team)
				})
				if err != nil {
					t.Fatal(err)
				}
				for _, want := range r.Roles {
					n++
					got, err := rbac.Check(db.Read(t.Context()), rbac.Actor{ID: user}, r, want.Field, objects[kind][0])
					if err != nil {
						t.Fatal(err)
					}
					expect := included(model, want.Field, have, map[string]bool{})
					if kind == "organization" || !strings.HasPrefix(have, "organization.") || r.Field("organization") != nil {
						if got != expect {
							t.Errorf("%s: holding %s through %s, %s is %v, in AWX %v", model, have, through, want.Field, got, expect)
						}
					}
					if other, err := rbac.Check(db.Read(t.Context()), rbac.Actor{ID: user}, r, want.Field, objects[kind][1]); err != nil || other {
						t.Errorf("%s: holding %s gives %s on another object (%v)", model, have, want.Field, err)
					}
				}
			}
		}
	}
	if n < 300 {
		t.Errorf("only %d cases", n)
	}
}
