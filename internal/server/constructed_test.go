package server_test

import (
	"fmt"
	"testing"
)

// TestInventoryKinds fills an inventory, finds some of its hosts with a smart one, and groups them with a constructed one that a job updates.
func TestInventoryKinds(t *testing.T) {
	s := newSite(t)
	e := s.estate("- hosts: big\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"{{ inventory_hostname }}\"}\n")
	web := s.make("hosts", anyMap{"name": "web1", "inventory": e.inventory, "variables": `{"ansible_connection": "local", "size": 9}`})
	group := s.make("groups", anyMap{"name": "web", "inventory": e.inventory})
	s.link("groups", group, "hosts", web)

	smart := s.make("inventories", anyMap{"name": "Smart", "organization": e.org, "kind": "smart", "host_filter": "name__startswith=web and groups__name=web"})
	if _, hosts := s.call(admin, "GET", fmt.Sprintf("/api/v2/inventories/%d/hosts/", smart), nil); hosts["count"] != 1.0 {
		t.Errorf("hosts of the smart inventory: %v", hosts)
	}
	_, of := s.call(admin, "GET", fmt.Sprintf("/api/v2/hosts/%d/smart_inventories/", web), nil)
	if _, shown := s.call(admin, "GET", fmt.Sprintf("/api/v2/inventories/%d/", smart), nil); shown["total_hosts"] != 1.0 || of["count"] != 1.0 {
		t.Errorf("smart inventory: %v, of the host %v", shown["total_hosts"], of["count"])
	}
	if status, out := s.call(admin, "POST", "/api/v2/hosts/", anyMap{"name": "x", "inventory": smart}); status != 400 {
		t.Errorf("a host in a smart inventory: %d %v", status, out)
	}
	ping := s.run("/api/v2/ad_hoc_commands/", "ad_hoc_commands", anyMap{"inventory": smart, "module_name": "ping"})
	if _, events := s.call(admin, "GET", fmt.Sprintf("/api/v2/ad_hoc_commands/%d/events/?event=runner_on_ok", ping), nil); events["count"] != 1.0 {
		t.Errorf("ping of the smart inventory: %v", events)
	}

	cons := s.make("constructed_inventories", anyMap{"name": "Cons", "organization": e.org, "source_vars": "plugin: script\nstrict: true\ngroups:\n  big: size | default(0) > 5\n", "verbosity": 2})
	_, source := s.call(admin, "GET", fmt.Sprintf("/api/v2/inventories/%d/inventory_sources/", cons), nil)
	if source["count"] != 1.0 || source["results"].([]any)[0].(anyMap)["verbosity"] != 2.0 {
		t.Fatalf("source of the constructed inventory: %v", source)
	}
	s.link("inventories", cons, "input_inventories", e.inventory)
	if status, _ := s.call(admin, "POST", fmt.Sprintf("/api/v2/inventories/%d/input_inventories/", cons), anyMap{"id": cons}); status != 400 {
		t.Errorf("a constructed inventory is its own input: %d", status)
	}
	if status, out := s.call(admin, "PATCH", fmt.Sprintf("/api/v2/constructed_inventories/%d/", cons), anyMap{"limit": "all", "description": "of all"}); status != 200 || out["limit"] != "all" || out["description"] != "of all" {
		t.Errorf("change: %d %v", status, out)
	}
	template := s.make("job_templates", anyMap{"name": "Big", "project": e.project, "inventory": cons, "playbook": "site.yml"})
	job := s.run(fmt.Sprintf("/api/v2/job_templates/%d/launch/", template), "jobs", anyMap{}) // brings the inventory up to date first
	_, sum := s.call(admin, "GET", fmt.Sprintf("/api/v2/jobs/%d/job_host_summaries/", job), nil)
	if sum["count"] != 1.0 || sum["results"].([]any)[0].(anyMap)["host_name"] != "web1" {
		t.Errorf("the job ran on %v", sum)
	}
	if status, out := s.call(admin, "PATCH", fmt.Sprintf("/api/v2/inventory_sources/%v/", source["results"].([]any)[0].(anyMap)["id"]), anyMap{"source": "ec2"}); status != 400 {
		t.Errorf("the source of a constructed inventory is another: %d %v", status, out)
	}
	if status, _ := s.call(admin, "DELETE", fmt.Sprintf("/api/v2/constructed_inventories/%d/", cons), nil); status != 202 {
		t.Errorf("delete: %d", status)
	}
}
