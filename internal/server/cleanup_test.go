package server_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
	"github.com/troupe-automation/troupe/internal/server/store/sqlite"
)

// cleanup launches one of the installation's own jobs and returns what it said.
func (s *site) cleanup(kind string, vars any) string {
	s.t.Helper()
	template := s.first("/api/v2/system_job_templates/?job_type=" + kind)
	id := s.run(fmt.Sprintf("/api/v2/system_job_templates/%d/launch/", template), "system_jobs", anyMap{"extra_vars": vars})
	_, job := s.call(admin, "GET", fmt.Sprintf("/api/v2/system_jobs/%d/", id), nil)
	return fmt.Sprint(job["result_stdout"])
}

func (s *site) count(path string) float64 {
	s.t.Helper()
	_, out := s.call(admin, "GET", path, nil)
	n, is := out["count"].(float64)
	if !is {
		s.t.Fatalf("%s: %v", path, out)
	}
	return n
}

// TestCleanup removes jobs with all that belongs to them, of what is old enough and of nothing else.
func TestCleanup(t *testing.T) {
	s := newSite(t)
	e := s.estate("- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {msg: hello}\n")
	for range 3 {
		s.wait(fmt.Sprintf("/api/v2/jobs/%d/", s.launch(e)), finished)
	}
	s.run(fmt.Sprintf("/api/v2/projects/%d/update/", e.project), "project_updates", anyMap{})
	if out := s.cleanup("cleanup_jobs", anyMap{"days": 1}); !strings.Contains(out, "jobs: 0 removed") || s.count("/api/v2/jobs/") != 3 {
		t.Errorf("nothing is a day old: %s", out)
	}
	if out := s.cleanup("cleanup_jobs", anyMap{"days": 0, "dry_run": true}); !strings.Contains(out, "jobs: 3 would be removed") || s.count("/api/v2/jobs/") != 3 {
		t.Errorf("a dry run: %s", out)
	}
	out := s.cleanup("cleanup_jobs", anyMap{"days": 0})
	if s.count("/api/v2/jobs/") != 0 || !strings.Contains(out, "jobs: 3 removed") {
		t.Errorf("jobs are left: %s", out)
	}
	// The last update of a project tells what it has, and the cleanup itself is not over.
	if n := s.count("/api/v2/project_updates/"); n != 1 {
		t.Errorf("%v updates are left: %s", n, out)
	}
	if n := s.count("/api/v2/system_jobs/"); n != 1 {
		t.Errorf("%v system jobs are left: %s", n, out)
	}
	_, template := s.call(admin, "GET", fmt.Sprintf("/api/v2/job_templates/%d/", e.template), nil)
	if template["status"] != "successful" {
		t.Errorf("the template is %v", template["status"])
	}
	db, err := sqlite.Open(filepath.Join(s.dir, "troupe.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range []string{"event_index", "event_segment", "job_host_summary"} {
		n := int64(-1)
		if err := db.Read(t.Context()).Value(&n, "SELECT COUNT(*) FROM "+table+" WHERE job NOT IN (SELECT id FROM unified_job WHERE type IN ('project_update', 'system_job'))"); err != nil || n != 0 {
			t.Errorf("%s: %d rows are left %v", table, n, err)
		}
	}
	before := s.count("/api/v2/activity_stream/")
	if out := s.cleanup("cleanup_activitystream", anyMap{"days": "0"}); before < 5 || s.count("/api/v2/activity_stream/") > 1 {
		t.Errorf("of %v entries of the activity stream %v are left: %s", before, s.count("/api/v2/activity_stream/"), out)
	}
	id := s.make("tokens", anyMap{"scope": "read"})
	s.make("tokens", anyMap{"scope": "write"})
	past := domain.Stamp(time.Now().Add(-time.Hour))
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.Exec("INSERT INTO session (token_hash, user_id, csrf, expires) VALUES ('x', 1, 'y', ?), ('z', 1, 'y', ?)", past, domain.Stamp(time.Now().Add(time.Hour))); err != nil {
			return err
		}
		return tx.Update("o_auth2_access_token", id, domain.Record{"expires": past})
	})
	if err != nil {
		t.Fatal(err)
	}
	if out := s.cleanup("cleanup_tokens", nil); !strings.Contains(out, "tokens: 1 removed") || s.count("/api/v2/tokens/") != 1 {
		t.Errorf("tokens: %s", out)
	}
	if out := s.cleanup("cleanup_sessions", nil); !strings.Contains(out, "sessions: 1 removed") {
		t.Errorf("sessions: %s", out)
	}
}

// TestSystemJobs looks at the resource: what a launch answers, what is refused, and the schedules that every installation has.
func TestSystemJobs(t *testing.T) {
	s := newSite(t)
	jobs := fmt.Sprintf("/api/v2/system_job_templates/%d/", s.first("/api/v2/system_job_templates/?job_type=cleanup_jobs"))
	for _, bad := range []any{-1, "x", 1.5, anyMap{}} {
		if status, out := s.call(admin, "POST", jobs+"launch/", anyMap{"extra_vars": anyMap{"days": bad}}); status != 400 || !strings.Contains(fmt.Sprint(out), "days must be a positive integer") {
			t.Errorf("%v days: %d %v", bad, status, out)
		}
		body := anyMap{"name": fmt.Sprint(bad), "rrule": "DTSTART:20300101T030000Z RRULE:FREQ=DAILY;INTERVAL=1", "extra_data": anyMap{"days": bad}}
		if status, out := s.call(admin, "POST", jobs+"schedules/", body); status != 400 {
			t.Errorf("a schedule with %v days: %d %v", bad, status, out)
		}
	}
	s.make("users", anyMap{"username": "ann", "password": "the-password-of-ann"})
	if status, _ := s.call("ann:the-password-of-ann", "POST", jobs+"launch/", anyMap{}); status != 403 {
		t.Errorf("a user without rights launches a cleanup: %d", status)
	}
	var want any
	if err := json.Unmarshal([]byte(systemLaunch), &want); err != nil {
		t.Fatal(err)
	}
	status, out := s.call(admin, "POST", jobs+"launch/", anyMap{})
	differ("", want, out, func(what string) {
		if !strings.Contains(what, "instance_group") { // here it may have one already
			t.Error("the answer to a launch" + what)
		}
	})
	if status != 201 {
		t.Errorf("launch: %d", status)
	}
	// The schedules of a new installation; when one has run, its template tells of the next time.
	for kind, days := range map[string]any{"cleanup_jobs": 120.0, "cleanup_activitystream": 355.0, "cleanup_sessions": nil, "cleanup_tokens": nil} {
		_, list := s.call(admin, "GET", "/api/v2/schedules/?unified_job_template__systemjobtemplate__job_type="+kind, nil)
		if list["count"] == nil {
			_, list = s.call(admin, "GET", fmt.Sprintf("/api/v2/system_job_templates/%d/schedules/", s.first("/api/v2/system_job_templates/?job_type="+kind)), nil)
		}
		all := list["results"].([]any)
		if len(all) != 1 || all[0].(anyMap)["extra_data"].(anyMap)["days"] != days || all[0].(anyMap)["next_run"] == nil {
			t.Errorf("%s: schedules %v", kind, all)
		}
	}
	made := s.make(strings.TrimSuffix(strings.TrimPrefix(jobs, "/api/v2/"), "/")+"/schedules", anyMap{"name": "Soon", "rrule": time.Now().UTC().Add(2*time.Second).Format("DTSTART:20060102T150405Z") + " RRULE:FREQ=DAILY;INTERVAL=1", "extra_data": anyMap{"days": 3}})
	s.wait(jobs, func(o anyMap) bool {
		return o["related"].(anyMap)["next_schedule"] == fmt.Sprintf("/api/v2/schedules/%d/", made)
	})
	job := s.wait("/api/v2/system_jobs/?launch_type=scheduled", func(o anyMap) bool { return o["count"] != 0.0 })
	if vars := job["results"].([]any)[0].(anyMap)["extra_vars"]; vars != `{"days":3}` {
		t.Errorf("a scheduled cleanup has %v", vars)
	}
	tomorrow := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	s.wait(jobs, func(o anyMap) bool { return fmt.Sprint(o["next_job_run"]) > tomorrow })
	if status, _ := s.call(admin, "DELETE", fmt.Sprintf("/api/v2/schedules/%d/", made), nil); status != 204 {
		t.Errorf("a schedule of a system job cannot be deleted: %d", status)
	}
	if _, template := s.call(admin, "GET", jobs, nil); template["related"].(anyMap)["next_schedule"] == fmt.Sprintf("/api/v2/schedules/%d/", made) || template["next_job_run"] == nil {
		t.Errorf("after the schedule is gone: %v", template)
	}
}

// systemLaunch is what AWX 24.6.1 answers to the launch of a system job, types for values.
const systemLaunch = `{"system_job": "number", "id": "number", "type": "string", "url": "string", "related": {"created_by": "string", "modified_by": "string", "unified_job_template": "string", "system_job_template": "string", "notifications": "string", "cancel": "string", "events": "string"}, "summary_fields": {"unified_job_template": {"id": "number", "name": "string", "description": "string", "unified_job_type": "string"}, "created_by": {"id": "number", "username": "string", "first_name": "string", "last_name": "string"}, "modified_by": {"id": "number", "username": "string", "first_name": "string", "last_name": "string"}, "user_capabilities": {"delete": "bool", "start": "bool"}}, "created": "string", "modified": "string", "name": "string", "description": "string", "unified_job_template": "number", "launch_type": "string", "status": "string", "execution_environment": "null", "failed": "bool", "started": "null", "finished": "null", "canceled_on": "null", "elapsed": "number", "job_args": "string", "job_cwd": "string", "job_env": {}, "job_explanation": "string", "execution_node": "string", "result_traceback": "string", "event_processing_finished": "bool", "launched_by": {"id": "number", "name": "string", "type": "string", "url": "string"}, "work_unit_id": "null", "system_job_template": "number", "job_type": "string", "extra_vars": "string", "result_stdout": "string"}`
