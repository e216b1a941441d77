package server_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
	"github.com/troupe-automation/troupe/internal/server/store/sqlite"
)

// Schedules launch what they are for when their time has come, also one that came while no server was there, and one that cannot be launched
// keeps no other waiting.
func TestSchedules(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	e := s.estate("- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"{{ who }}\"}\n")
	schedule := func(name, rule string) int64 {
		return s.make("schedules", anyMap{"name": name, "unified_job_template": e.template, "rrule": rule, "extra_data": anyMap{"who": name}})
	}
	later := "DTSTART:20300101T000000Z RRULE:FREQ=DAILY;INTERVAL=1"
	broken, unreadable, missed := schedule("broken", later), schedule("unreadable", later), schedule("missed", later)
	s.stop()
	db, err := sqlite.Open(filepath.Join(dir, "troupe.db"))
	if err != nil {
		t.Fatal(err)
	}
	past := domain.Stamp(time.Now().Add(-time.Hour))
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		for id, changes := range map[int64]domain.Record{broken: {"extra_data": domain.J("[]")}, unreadable: {"rrule": "never"}, missed: {"rrule": "DTSTART:20200101T000000Z RRULE:FREQ=DAILY;INTERVAL=1"}} {
			changes["next_run"] = past
			if err := tx.Update("schedule", id, changes); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	s = start(t, dir)
	t.Cleanup(func() { s.stop() })
	page := s.wait(fmt.Sprintf("/api/v2/jobs/?schedule=%d", missed), func(o anyMap) bool { return o["count"] == 1.0 })
	job := page["results"].([]any)[0].(anyMap)
	if job = s.wait(fmt.Sprintf("/api/v2/jobs/%v/", job["id"]), finished); job["status"] != "successful" || job["launch_type"] != "scheduled" || job["extra_vars"] != `{"who":"missed"}` {
		t.Errorf("the job is %v by %v with %v", job["status"], job["launch_type"], job["extra_vars"])
	}
	for id, want := range map[int64]string{broken: "2030-01-01T00:00:00Z", unreadable: "<nil>"} {
		s.wait(fmt.Sprintf("/api/v2/schedules/%d/", id), func(o anyMap) bool { return fmt.Sprint(o["next_run"]) == want })
	}
	_, next := s.call(admin, "GET", fmt.Sprintf("/api/v2/schedules/%d/", missed), nil)
	_, template := s.call(admin, "GET", fmt.Sprintf("/api/v2/job_templates/%d/", e.template), nil)
	if at, err := time.Parse(time.RFC3339, fmt.Sprint(next["next_run"])); err != nil || !at.After(time.Now()) || template["next_job_run"] == nil || fmt.Sprint(template["next_job_run"])[:19] != fmt.Sprint(next["next_run"])[:19] {
		t.Errorf("it runs next at %v, its template says %v", next["next_run"], template["next_job_run"])
	}
	for _, id := range []int64{broken, unreadable, missed} {
		s.call(admin, "DELETE", fmt.Sprintf("/api/v2/schedules/%d/", id), nil)
	}
	if _, template = s.call(admin, "GET", fmt.Sprintf("/api/v2/job_templates/%d/", e.template), nil); template["next_job_run"] != nil {
		t.Errorf("without schedules the template says %v", template["next_job_run"])
	}
}
