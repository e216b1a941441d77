package server_test

import (
	"fmt"
	"slices"
	"testing"
)

// TestSlices launches a template in slices: a workflow job, and in it a job for each part of the hosts.
func TestSlices(t *testing.T) {
	s := newSite(t)
	e := s.estate("- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"{{ inventory_hostname }} {{ who }}\"}\n")
	for _, name := range []string{"h2", "h3"} {
		s.make("hosts", anyMap{"name": name, "inventory": e.inventory, "variables": local})
	}
	path := fmt.Sprintf("/api/v2/job_templates/%d/", e.template)
	if status, out := s.call(admin, "PATCH", path, anyMap{"job_slice_count": 5, "allow_simultaneous": false}); status != 200 {
		t.Fatalf("%d %v", status, out)
	}
	status, out := s.call(admin, "POST", path+"launch/", anyMap{"extra_vars": anyMap{"who": "ann"}})
	if status != 201 || out["workflow_job"] == nil || out["type"] != "workflow_job" || out["is_sliced_job"] != true {
		t.Fatalf("launch: %d %v", status, out)
	}
	whole := fmt.Sprintf("/api/v2/workflow_jobs/%v/", out["workflow_job"])
	if job := s.wait(whole, func(o anyMap) bool { return o["finished"] != nil }); job["status"] != "successful" {
		t.Errorf("the sliced job is %v: %v", job["status"], job["job_explanation"])
	}
	_, nodes := s.call(admin, "GET", whole+"workflow_nodes/", nil)
	var hosts []string
	for _, x := range nodes["results"].([]any) {
		id := x.(anyMap)["job"]
		job := s.wait(fmt.Sprintf("/api/v2/jobs/%v/", id), finished)
		if job["job_slice_count"] != 3.0 || job["job_slice_number"].(float64) < 1 || job["status"] != "successful" {
			t.Errorf("a slice: %v of %v, %v", job["job_slice_number"], job["job_slice_count"], job["status"])
		}
		_, sums := s.call(admin, "GET", fmt.Sprintf("/api/v2/jobs/%v/job_host_summaries/", id), nil)
		for _, y := range sums["results"].([]any) {
			hosts = append(hosts, y.(anyMap)["host_name"].(string))
		}
	}
	if slices.Sort(hosts); !slices.Equal(hosts, []string{"h1", "h2", "h3"}) {
		t.Errorf("the slices had %v", hosts)
	}
	if status, out := s.call(admin, "POST", whole+"relaunch/", anyMap{}); status != 201 || out["is_sliced_job"] != true {
		t.Errorf("relaunch: %d %v", status, out)
	}
}

// TestUpdatesBefore launches a template from a workflow: its project is updated first, as it is when a person launches.
func TestUpdatesBefore(t *testing.T) {
	s := newSite(t)
	e := s.estate("- hosts: all\n  gather_facts: false\n  tasks: []\n")
	s.call(admin, "PATCH", fmt.Sprintf("/api/v2/projects/%d/", e.project), anyMap{"scm_update_on_launch": true})
	workflow := s.make("workflow_job_templates", anyMap{"name": "W", "organization": e.org})
	s.make("workflow_job_template_nodes", anyMap{"workflow_job_template": workflow, "unified_job_template": e.template})
	status, out := s.call(admin, "POST", fmt.Sprintf("/api/v2/workflow_job_templates/%d/launch/", workflow), anyMap{})
	if status != 201 {
		t.Fatalf("launch: %d %v", status, out)
	}
	if job := s.wait(fmt.Sprintf("/api/v2/workflow_jobs/%v/", out["workflow_job"]), func(o anyMap) bool { return o["finished"] != nil }); job["status"] != "successful" {
		t.Errorf("the workflow is %v", job["status"])
	}
	_, updates := s.call(admin, "GET", "/api/v2/project_updates/?launch_type=dependency", nil)
	if updates["count"] != 1.0 {
		t.Errorf("%v updates were made for it", updates["count"])
	}
}
