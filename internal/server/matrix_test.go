package server_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// kinds are the objects whose permissions are tried: how one is made in an organization, and where. ORG is the organization, N a number.
var kinds = map[string]struct{ path, body string }{
	"organization":         {"organizations", `{"name": "o N"}`},
	"project":              {"projects", `{"name": "p N", "organization": ORG, "local_path": "code"}`},
	"team":                 {"teams", `{"name": "t N", "organization": ORG}`},
	"workflowjobtemplate":  {"workflow_job_templates", `{"name": "w N", "organization": ORG}`},
	"inventory":            {"inventories", `{"name": "i N", "organization": ORG}`},
	"credential":           {"credentials", `{"name": "c N", "organization": ORG, "credential_type": 1, "inputs": {}}`},
	"notificationtemplate": {"notification_templates", `{"name": "n N", "organization": ORG, "notification_type": "slack", "notification_configuration": {"token": "t", "channels": ["x"]}}`},
	"executionenvironment": {"execution_environments", `{"name": "e N", "organization": ORG, "image": "x"}`},
	"instancegroup":        {"instance_groups", `{"name": "g N"}`},
}

// matrix is a site in which permissions are tried.
type matrix struct {
	*site
	n                 int
	project, template map[int64]int64 // of each organization: what templates are made of, and one
	mine              int64           // a template of the user's own
}

func (m *matrix) make(kind string, org int64) int64 {
	m.t.Helper()
	m.n++
	if kind == "jobtemplate" {
		return m.site.make("job_templates", anyMap{"name": fmt.Sprint("j ", m.n), "project": m.project[org], "playbook": "site.yml", "ask_inventory_on_launch": true})
	}
	return m.site.make(kinds[kind].path, m.body(kind, org))
}

// body is what makes an object.
func (m *matrix) body(kind string, org int64) json.RawMessage {
	return json.RawMessage(strings.NewReplacer("ORG", fmt.Sprint(org), " N\"", fmt.Sprintf(" %d\"", m.n)).Replace(kinds[kind].body))
}

func listOf(kind string) string {
	if kind == "jobtemplate" {
		return "job_templates"
	}
	return kinds[kind].path
}

// try does as a user what a permission is for. What else may be wrong with the request does not matter: refused is 403.
func (m *matrix) try(as, verb, kind string, id, org int64) (allowed bool, known bool) {
	m.t.Helper()
	own := fmt.Sprintf("/api/v2/%s/%d/", listOf(kind), id)
	method, body := "POST", any(anyMap{})
	switch verb {
	case "view":
		method = "GET"
	case "change":
		method, body = "PATCH", anyMap{"description": "changed"}
		if kind == "instancegroup" {
			body = anyMap{"max_forks": 7}
		}
	case "delete":
		method = "DELETE"
	case "execute":
		own += "launch/"
	case "update":
		own += map[string]string{"inventory": "update_inventory_sources/", "project": "update/"}[kind]
	case "adhoc":
		own, body = "/api/v2/ad_hoc_commands/", anyMap{"inventory": id, "module_name": "shell"} // without arguments it does not run
	case "add":
		m.n++
		own, body = "/api/v2/"+listOf(kind)+"/", m.body(kind, org)
	case "use":
		switch kind {
		case "credential":
			own, body = fmt.Sprintf("/api/v2/job_templates/%d/credentials/", m.mine), anyMap{"id": id}
		case "instancegroup":
			own, body = fmt.Sprintf("/api/v2/job_templates/%d/instance_groups/", m.mine), anyMap{"id": id}
		case "inventory":
			method, own, body = "PATCH", fmt.Sprintf("/api/v2/job_templates/%d/", m.mine), anyMap{"inventory": id}
		case "project":
			m.n++
			own, body = "/api/v2/job_templates/", anyMap{"name": fmt.Sprint("used ", m.n), "project": id, "playbook": "site.yml", "ask_inventory_on_launch": true}
		}
	default: // member, audit and approve are no requests of their own
		return false, false
	}
	status, _ := m.call(as, method, own, body)
	if verb == "adhoc" && status == 400 { // whether the inventory is one's own to run on is asked after the arguments: ask with some
		status, _ = m.call(as, method, own, anyMap{"inventory": id, "module_name": "ping"})
	}
	return status != 403, true
}

// beyond are what roles allow beyond AWX's definitions of them, in AWX, too.
var beyond = map[string]string{
	"Organization JobTemplate Admin use_project": "who manages the templates of an organization makes them of any of its projects",
	"Inventory Adhoc use_inventory":              "the object role that the definition stands for includes the other",
}

// TestPermissions gives each role that AWX defines to a user and tries everything that is a permission of the kind of object, there and on
// another object: what is allowed must be what AWX's definition of the role lists, no more and no less.
func TestPermissions(t *testing.T) {
	b, err := os.ReadFile("role_definitions.json")
	if err != nil {
		t.Fatal(err)
	}
	var roles []struct {
		Name        string
		ContentType string `json:"content_type"`
		Permissions []string
		Grants      string
	}
	if err := json.Unmarshal(b, &roles); err != nil {
		t.Fatal(err)
	}
	possible := map[string][]string{}
	for _, r := range roles {
		possible[r.ContentType] = append(possible[r.ContentType], r.Permissions...)
	}
	m := &matrix{site: newSite(t), project: map[int64]int64{}, template: map[int64]int64{}}
	if err := os.MkdirAll(filepath.Join(m.dir, "projects", "code"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(m.dir, "projects", "code", "site.yml"), []byte("- hosts: all\n  tasks: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for i, role := range roles {
		_, kind, _ := strings.Cut(role.ContentType, ".")
		if kind == "" || kind == "notificationtemplate" || kind == "executionenvironment" { // the first is no object's, the others are given by organization only
			continue
		}
		name := fmt.Sprint("user", i)
		as := name + ":the-password-of-" + name
		user := m.site.make("users", anyMap{"username": name, "password": "the-password-of-" + name})
		org, other := m.make("organization", 0), m.make("organization", 0)
		for _, o := range []int64{org, other} {
			m.project[o] = m.make("project", o)
		}
		m.mine = m.make("jobtemplate", other)
		m.assign("JobTemplate Admin", user, m.mine)
		m.assign("Project Use", user, m.project[other]) // who changes a template may use what it is made of
		object := org
		if kind != "organization" {
			object = m.make(kind, org)
		}
		if kind == "credential" { // which goes to people of its organization only
			m.assign("Organization Member", user, org)
		}
		m.assign(role.Name, user, object)
		list := slices.Compact(slices.Sorted(slices.Values(possible[role.ContentType])))
		slices.SortStableFunc(list, func(a, b string) int { // deleting comes last, of the organization at the very end
			late := func(p string) int { return strings.Count(p, "delete_") + strings.Count(p, "delete_organization") }
			return late(a) - late(b)
		})
		for _, permission := range list {
			_, permission, _ := strings.Cut(permission, ".")
			verb, on, _ := strings.Cut(permission, "_")
			for _, place := range []int64{org, other} {
				id := object
				switch {
				case place == other && on == "organization":
					id = other
				case place == other || on != kind:
					if id = 0; verb != "add" {
						id = m.make(on, place)
					}
				}
				allowed, known := m.try(as, verb, on, id, place)
				if !known {
					continue
				}
				tried++
				want := place == org && slices.ContainsFunc(role.Permissions, func(p string) bool { return strings.HasSuffix(p, "."+permission) })
				if allowed != want && beyond[role.Name+" "+permission] == "" && !(place == other && on == "instancegroup" && verb == "view") {
					t.Errorf("%s: %s of its own: %v, allowed: %v, in AWX: %v", role.Name, permission, place == org, allowed, want)
				}
			}
		}
	}
	t.Logf("%d requests", tried)
	if tried < 300 {
		t.Errorf("only %d requests were tried", tried)
	}
}

func (m *matrix) assign(definition string, user, object int64) {
	m.t.Helper()
	_, out := m.call(admin, "GET", "/api/v2/role_definitions/?name="+strings.ReplaceAll(definition, " ", "%20"), nil)
	id := out["results"].([]any)[0].(anyMap)["id"]
	if status, out := m.call(admin, "POST", "/api/v2/role_user_assignments/", anyMap{"role_definition": id, "user": user, "object_id": fmt.Sprint(object)}); status != 201 {
		m.t.Fatalf("assigning %s: %d %v", definition, status, out)
	}
}
