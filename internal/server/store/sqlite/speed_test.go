package sqlite_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
	"github.com/troupe-automation/troupe/internal/server/store/sqlite"
)

// BenchmarkEvents stores the events of a job as a run makes them, with results of a command of 1.2 KB each that differ from each other as such
// results do: go test -run '^$' -bench Events -benchtime 100x ./internal/server/store/sqlite
func BenchmarkEvents(b *testing.B) {
	path := filepath.Join(b.TempDir(), "troupe.db")
	db, err := sqlite.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	if err := db.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	job := domain.Record{"name": "j"}
	if err := db.Write(b.Context(), func(tx *store.Tx) error { return tx.Insert("job", job) }); err != nil {
		b.Fatal(err)
	}
	before := size(b, path)
	const batch = 1000
	n := int64(0)
	for b.Loop() {
		events := make([]store.Event, batch)
		for i := range events {
			n++
			at := time.Unix(1700000000, n*1234567).UTC().Format("2006-01-02T15:04:05.000000Z")
			data, err := json.Marshal(map[string]any{"playbook": "site.yml", "play": "all", "task": fmt.Sprintf("task %d", n/500), "task_uuid": fmt.Sprintf("02fc0000-0001-95e3-95a9-%012d", n/500), "task_action": "command",
				"resolved_action": "ansible.builtin.command", "task_args": "", "task_path": "/project/site.yml:7", "host": fmt.Sprintf("web%d.example.com", n%500), "start": at, "end": at, "duration": float64(n%977) / 1000,
				"res": map[string]any{"changed": true, "stdout": fmt.Sprintf("line %d of web%d", n*7919%1000003, n%500), "stderr": "", "rc": 0, "cmd": []string{"echo", fmt.Sprint(n * 31)}, "delta": fmt.Sprintf("0:00:00.%06d", n*7717%1000000),
					"stdout_lines": []string{fmt.Sprintf("line %d of web%d", n*7919%1000003, n%500)}, "stderr_lines": []string{}, "msg": "",
					"invocation": map[string]any{"module_args": map[string]any{"_raw_params": "echo", "_uses_shell": false, "argv": nil, "chdir": nil, "creates": nil, "executable": nil, "removes": nil, "stdin": nil}}}})
			if err != nil {
				b.Fatal(err)
			}
			events[i] = store.Event{Counter: n, Event: "runner_on_ok", Host: n % 500, HostName: fmt.Sprintf("web%d.example.com", n%500), Play: "all", Playbook: "site.yml", Task: fmt.Sprintf("task %d", n/500), Changed: true,
				Stdout: fmt.Sprintf("\x1b[0;33mchanged: [web%d.example.com]\x1b[0m", n%500), StartLine: n, EndLine: n + 1, Parent: n / 500, Created: at, Data: data}
		}
		if err := db.Write(b.Context(), func(tx *store.Tx) error { return tx.AppendEvents(job.ID(), events) }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
	if err := db.Close(); err != nil { // empties the log
		b.Fatal(err)
	}
	b.ReportMetric(float64(size(b, path)-before)/float64(n), "B/event")
}

func size(b *testing.B, path string) int64 {
	st, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return st.Size()
}
