package server_test

import (
	"fmt"
	"testing"
)

// TestAssignments defines a role of the administrators' own, gives it to a user, and takes it away.
func TestAssignments(t *testing.T) {
	s := newSite(t)
	e := s.estate("- hosts: all\n  tasks: []\n")
	bob := s.make("users", anyMap{"username": "bob", "password": "the-password-of-bob"})
	const as = "bob:the-password-of-bob"
	inventory := fmt.Sprintf("/api/v2/inventories/%d/", e.inventory)
	if status, out := s.call(admin, "POST", "/api/v2/role_definitions/", anyMap{"name": "Half", "content_type": "awx.inventory", "permissions": []string{"awx.view_inventory", "awx.change_inventory"}}); status != 400 {
		t.Errorf("a definition that no roles add up to: %d %v", status, out)
	}
	if status, _ := s.call(as, "POST", "/api/v2/role_definitions/", anyMap{"name": "Mine", "content_type": "awx.inventory", "permissions": []string{"awx.view_inventory", "awx.use_inventory"}}); status != 403 {
		t.Errorf("a user without rights defines a role: %d", status)
	}
	definition := s.make("role_definitions", anyMap{"name": "Use and ad hoc", "content_type": "awx.inventory", "permissions": []string{"awx.view_inventory", "awx.use_inventory", "awx.adhoc_inventory"}})
	if status, _ := s.call(as, "GET", inventory, nil); status != 403 {
		t.Errorf("before: %d", status)
	}
	id := s.make("role_user_assignments", anyMap{"role_definition": definition, "user": bob, "object_id": fmt.Sprint(e.inventory)})
	if status, out := s.call(as, "GET", inventory, nil); status != 200 || out["summary_fields"].(anyMap)["user_capabilities"].(anyMap)["adhoc"] != true || out["summary_fields"].(anyMap)["user_capabilities"].(anyMap)["edit"] != false {
		t.Errorf("with the assignment: %d %v", status, out["summary_fields"])
	}
	for _, path := range []string{fmt.Sprintf("/api/v2/role_user_assignments/?user=%d", bob), fmt.Sprintf("/api/v2/role_definitions/%d/user_assignments/", definition)} {
		if _, list := s.call(admin, "GET", path, nil); list["count"] != 1.0 || list["results"].([]any)[0].(anyMap)["role_definition"] != float64(definition) {
			t.Errorf("%s: %v", path, list)
		}
	}
	if status, _ := s.call(admin, "DELETE", fmt.Sprintf("/api/v2/role_definitions/%d/", definition), nil); status != 400 {
		t.Errorf("an assigned definition is deleted: %d", status)
	}
	if status, _ := s.call(as, "DELETE", fmt.Sprintf("/api/v2/role_user_assignments/%d/", id), nil); status != 403 {
		t.Errorf("the user takes it away: %d", status)
	}
	if status, _ := s.call(admin, "DELETE", fmt.Sprintf("/api/v2/role_user_assignments/%d/", id), nil); status != 204 {
		t.Errorf("taking it away: %d", status)
	}
	if status, _ := s.call(as, "GET", inventory, nil); status != 403 {
		t.Errorf("after: %d", status)
	}
	if status, _ := s.call(admin, "DELETE", fmt.Sprintf("/api/v2/role_definitions/%d/", definition), nil); status != 204 {
		t.Errorf("the definition cannot go: %d", status)
	}
	managed := s.first("/api/v2/role_definitions/?name=Inventory%20Use")
	if status, _ := s.call(admin, "DELETE", fmt.Sprintf("/api/v2/role_definitions/%d/", managed), nil); status != 403 {
		t.Errorf("a definition of the server's own is deleted: %d", status)
	}
}
