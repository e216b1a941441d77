package event_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/value"
)

// TestNewLine holds the machine interface to its words: readers of other programs depend on them.
func TestNewLine(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	task := &event.Task{ID: "t1", Name: "web : install", Action: "ansible.builtin.apt", Written: "apt", Role: "web", Section: event.SectionTask}
	for _, c := range []struct {
		e    event.Event
		said string
		want string
	}{
		{&event.PlayStart{ID: "p", Name: "Web", Hosts: []string{"a"}, Pattern: "web"}, "\nPLAY [Web]\n", `{"v":1,"type":"play_start","time":"2026-01-02T03:04:05Z","stdout":"\nPLAY [Web]\n","id":"p","name":"Web","pattern":"web","hosts":["a"]}`},
		{&event.Result{Task: task, Host: event.Host{Name: "a"}, Status: event.Changed, Result: value.DictOf("rc", value.Int(0)), Started: at, Duration: 1500 * time.Millisecond}, "",
			`{"v":1,"type":"result","time":"2026-01-02T03:04:05Z","task":{"id":"t1","name":"web : install","action":"ansible.builtin.apt","written":"apt","role":"web","section":"task"},"host":"a","status":"changed","result":{"rc":0},"started":"2026-01-02T03:04:05Z","seconds":1.5}`},
		{&event.Stats{Hosts: []string{"a"}, ByHost: map[string]event.Summary{"a": {OK: 2}}, Custom: map[string]*value.Dict{"_run": value.DictOf("answer", value.Int(42))}}, "",
			`{"v":1,"type":"stats","time":"2026-01-02T03:04:05Z","hosts":["a"],"by_host":{"a":{"ok":2,"changed":0,"unreachable":0,"failed":0,"skipped":0,"rescued":0,"ignored":0}},"custom":{"answer":42}}`},
		{&event.End{ExitCode: 2}, "", `{"v":1,"type":"end","time":"2026-01-02T03:04:05Z","code":2}`},
	} {
		b, err := json.Marshal(event.NewLine(c.e, at, c.said))
		if err != nil {
			t.Fatal(err)
		}
		var got, want any
		if json.Unmarshal(b, &got) != nil || json.Unmarshal([]byte(c.want), &want) != nil {
			t.Fatal("not JSON")
		}
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		if string(g) != string(w) {
			t.Errorf("got  %s\nwant %s", g, w)
		}
	}
}

// TestNaN has a result that JSON cannot hold.
func TestNaN(t *testing.T) {
	l := event.NewLine(&event.ItemResult{Result: value.DictOf("x", value.Float(nan()))}, time.Now(), "")
	if _, err := json.Marshal(l); err != nil {
		t.Error(err)
	}
}

func nan() float64 { zero := 0.0; return zero / zero }
