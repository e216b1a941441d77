package server_test

import (
	"fmt"
	"testing"

	"github.com/troupe-automation/troupe/test/repository"
)

// TestTimeouts runs a playbook and a script of an inventory that never end: their own time-out ends one, the setting for all the other.
func TestTimeouts(t *testing.T) {
	s := newSite(t)
	dir := repository.New(t, map[string]string{"site.yml": "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: sleep 60\n", "hosts.sh": "#!/bin/sh\nsleep 60\n"})
	org := s.make("organizations", anyMap{"name": "Ops"})
	inventory := s.make("inventories", anyMap{"name": "Prod", "organization": org})
	s.make("hosts", anyMap{"name": "h1", "inventory": inventory, "variables": local})
	project := s.make("projects", anyMap{"name": "Code", "organization": org, "scm_type": "git", "scm_url": "file://" + dir})
	s.wait(fmt.Sprintf("/api/v2/projects/%d/", project), func(o anyMap) bool { return o["status"] == "successful" })
	template := s.make("job_templates", anyMap{"name": "Site", "project": project, "inventory": inventory, "playbook": "site.yml", "timeout": 1})
	source := s.make("inventory_sources", anyMap{"name": "Script", "inventory": inventory, "source": "scm", "source_project": project, "source_path": "hosts.sh"})
	if status, out := s.call(admin, "PATCH", "/api/v2/settings/jobs/", anyMap{"DEFAULT_INVENTORY_UPDATE_TIMEOUT": 1}); status != 200 {
		t.Fatalf("%d %v", status, out)
	}
	for path, kind := range map[string]string{fmt.Sprintf("/api/v2/job_templates/%d/launch/", template): "jobs", fmt.Sprintf("/api/v2/inventory_sources/%d/update/", source): "inventory_updates"} {
		status, out := s.call(admin, "POST", path, anyMap{})
		if status > 202 {
			t.Fatalf("%s: %d %v", path, status, out)
		}
		job := s.wait(fmt.Sprintf("/api/v2/%s/%v/", kind, out["id"]), finished)
		if job["status"] != "failed" || job["job_explanation"] != "Job terminated due to timeout" || job["elapsed"].(float64) > 15 {
			t.Errorf("%s: %v after %v s: %v", kind, job["status"], job["elapsed"], job["job_explanation"])
		}
	}
}
