package server_test

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
	"github.com/troupe-automation/troupe/internal/server/store/sqlite"
)

// The figures of docs/performance.md: go test -run '^$' -bench Serve -benchtime 100x ./internal/server

// ask sends one request after the other and reports the fastest, too: on a busy machine it says most.
func (s *site) ask(b *testing.B, path string) {
	b.Helper()
	req, err := http.NewRequest("GET", s.url+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	req.SetBasicAuth("admin", "secret-of-admin")
	fastest := time.Hour
	for b.Loop() {
		begin := time.Now()
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			b.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 200 {
			b.Fatalf("%s: %d", path, res.StatusCode)
		}
		fastest = min(fastest, time.Since(begin))
	}
	b.ReportMetric(float64(fastest.Microseconds())/1000, "ms-fastest")
}

func BenchmarkServePing(b *testing.B) { benchSite(b).ask(b, "/api/v2/ping/") }
func BenchmarkServeMe(b *testing.B)   { benchSite(b).ask(b, "/api/v2/me/") }

func benchSite(b *testing.B) *site {
	s := start(b, b.TempDir())
	b.Cleanup(func() { s.stop() })
	return s
}

// BenchmarkServeJobs lists 25 of 100,000 jobs, the newest first.
func BenchmarkServeJobs(b *testing.B) {
	dir := b.TempDir()
	s := start(b, dir)
	e := s.estate("- hosts: all\n  tasks: []\n")
	s.stop()
	db, err := sqlite.Open(filepath.Join(dir, "troupe.db"))
	if err != nil {
		b.Fatal(err)
	}
	begin := time.Now().Add(-24 * time.Hour)
	err = db.Write(b.Context(), func(tx *store.Tx) error {
		for i := range 100000 {
			at := begin.Add(time.Duration(i) * time.Second / 2)
			rec := domain.Record{"name": "Site", "status": []string{"successful", "failed"}[i%7/6], "unified_job_template": e.template, "job_template": e.template, "inventory": e.inventory, "project": e.project,
				"organization": e.org, "playbook": "site.yml", "launch_type": "manual", "created_by": 1, "started": at, "finished": at.Add(time.Second), "elapsed": 1.0, "event_processing_finished": true}
			if err := tx.Insert("job", rec); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	s = start(b, dir)
	b.Cleanup(func() { s.stop() })
	for name, path := range map[string]string{"jobs": "/api/v2/jobs/?order_by=-finished", "unified": "/api/v2/unified_jobs/?order_by=-finished", "failed": "/api/v2/jobs/?status=failed&order_by=-id", "plain": "/api/v2/jobs/"} {
		b.Run(name, func(b *testing.B) { s.ask(b, path) })
	}
}

// BenchmarkServeLaunch launches a playbook of five tasks on two local hosts and waits until all its events can be read.
func BenchmarkServeLaunch(b *testing.B) {
	s := benchSite(b)
	play := "- hosts: all\n  gather_facts: false\n  tasks:\n"
	for i := range 5 {
		play += fmt.Sprintf("    - command: echo %d\n", i)
	}
	e := s.estate(play)
	s.make("hosts", anyMap{"name": "h2", "inventory": e.inventory, "variables": local})
	fastest := time.Hour
	for b.Loop() {
		begin := time.Now()
		job := s.launch(e)
		s.wait(fmt.Sprintf("/api/v2/jobs/%d/", job), finished)
		_, page := s.call(admin, "GET", fmt.Sprintf("/api/v2/jobs/%d/job_events/", job), nil)
		if page["count"].(float64) < 25 {
			b.Fatalf("%v events", page["count"])
		}
		fastest = min(fastest, time.Since(begin))
	}
	b.ReportMetric(float64(fastest.Milliseconds()), "ms-fastest")
}
