package oracle

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var recordWith = flag.String("record-runner", "", "directory of Ansible's own executables: record testdata/runner/events with them")

// TestRunner gives ansible-runner, which AWX and others start playbooks with, our executables: every event of its callback plugin
// comes as with ansible-core 2.18, with the part of standard output that belongs to it (testdata/runner/events).
func TestRunner(t *testing.T) {
	runner, err := exec.LookPath("ansible-runner")
	if err != nil {
		t.Skip("no ansible-runner on this machine")
	}
	golden := "testdata/runner/events"
	if *recordWith != "" {
		if err := os.WriteFile(golden, []byte(runnerEvents(t, runner, *recordWith)), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := runnerEvents(t, runner, build(t)); got != string(want) {
		t.Errorf("events differ:\n%s", unified(t, string(want), got))
	}
}

// runnerEvents runs the project and returns its events, one a line, in order.
func runnerEvents(t *testing.T, runner, bin string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/runner")); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "empty.cfg")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(runner, "run", dir, "-p", "site.yml", "-i", "it", "-q")
	cmd.Env = append(os.Environ(), "PATH="+bin+":/usr/bin:/bin", "LC_ALL=C.UTF-8", "ANSIBLE_CONFIG="+config, "ANSIBLE_HOST_KEY_CHECKING=false")
	if out, err := cmd.CombinedOutput(); err == nil { // a host is not reachable
		t.Fatalf("ansible-runner succeeded: %s", out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "artifacts/it/job_events/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no events", err)
	}
	type runnerEvent struct {
		Counter            int
		Event, Stdout      string
		StartLine, EndLine int
		Data               struct {
			Host, Task, Play, Role, Handler string
			TaskAction                      string          `json:"task_action"`
			TaskPath                        string          `json:"task_path"`
			IgnoreErrors                    json.RawMessage `json:"ignore_errors"`
			Res                             map[string]any
			OK, Dark, Failures, Processed   map[string]int
		} `json:"event_data"`
	}
	var events []runnerEvent
	for _, f := range files {
		var e runnerEvent
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "SECRET") {
			t.Errorf("a secret is in %s", b)
		}
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	slices.SortFunc(events, func(a, b runnerEvent) int { return a.Counter - b.Counter })
	var b strings.Builder
	for i, e := range events {
		if e.Counter != i+1 {
			t.Fatalf("event %d is numbered %d", i+1, e.Counter)
		}
		d := e.Data
		if d.TaskPath != "" {
			d.TaskPath = filepath.Base(d.TaskPath)
		}
		res := map[string]any{}
		for _, k := range []string{"changed", "msg", "rc", "stdout", "item", "attempts", "censored", "unreachable", "finished"} {
			if v, ok := d.Res[k]; ok && d.TaskAction != "include_tasks" && d.TaskAction != "ping" {
				res[k] = v
			}
		}
		text, _ := json.Marshal(res)
		out := moments.ReplaceAllString(strings.ReplaceAll(e.Stdout, dir, "DIR"), "TIME")
		if e.Event == "runner_on_unreachable" { // the words are those of the SSH client
			out, _, _ = strings.Cut(out, "{")
		}
		fmt.Fprintf(&b, "%s host=%s play=%s role=%s task=%s action=%s path=%s ignore=%s res=%s ok=%v dark=%v failures=%v processed=%v stdout=%q\n", e.Event, d.Host, d.Play, d.Role,
			d.Task, d.TaskAction, d.TaskPath, d.IgnoreErrors, text, d.OK, d.Dark, d.Failures, d.Processed, out)
	}
	return b.String()
}

// moments are times of day, durations and the ids of jobs.
var moments = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+|\d:\d\d:\d\d\.\d+|j?\d+\.\d+`)
