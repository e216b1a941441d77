package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/server"
)

// TestMemoryOfRuns runs a playbook that eats more than a run may have, after one that does not.
func TestMemoryOfRuns(t *testing.T) {
	s := startWith(t, t.TempDir(), func(c *server.Config) { c.Limits.Memory = 256 << 20 })
	defer func() { s.stop() }()
	if strings.Contains(s.log.String(), "no limits") {
		t.Skip("no control groups on this machine: " + s.log.String())
	}
	e := s.estate("- hosts: all\n  gather_facts: false\n  tasks:\n    - shell: head -c {{ size }} /dev/zero | tail -c {{ size }} >/dev/null\n")
	for size, want := range map[int][2]string{1000: {"successful", ""}, 400_000_000: {"failed", "needed more memory"}} {
		status, out := s.call(admin, "POST", fmt.Sprintf("/api/v2/job_templates/%d/launch/", e.template), anyMap{"extra_vars": anyMap{"size": size}})
		if status != 201 {
			t.Fatalf("launch: %d %v", status, out)
		}
		job := s.wait(fmt.Sprintf("/api/v2/jobs/%v/", out["id"]), finished)
		why, _ := job["job_explanation"].(string)
		failed := want[0] == "failed" && (job["status"] == "failed" || job["status"] == "error") // as the system chose what to kill
		if job["status"] != want[0] && !failed || !strings.Contains(why, want[1]) || want[1] == "" && why != "" {
			t.Errorf("%d bytes: %v, %q", size, job["status"], why)
		}
	}
}
