package platform

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"
	"time"
)

// TestKill kills the server or a run at random moments, again and again: afterwards every job has a state that is true, nothing ran
// twice, and every event that a client has once seen is still there.
func TestKill(t *testing.T) {
	moments := 6
	if full {
		moments = 50
	}
	ledger := t.TempDir()
	n := newNode(t, "node1", t.TempDir())
	template := n.estate(ledger, "0.3")
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(uint64(seed), 1))
	seen := map[string]any{} // events by their address
	kills := map[string]int{}
	launched := 0
	for len(kills) == 0 || kills["server"]+kills["run"] < moments || launched < 20 {
		for range 4 {
			if status, out, err := n.call("POST", fmt.Sprintf("/api/v2/job_templates/%d/launch/", template), anyMap{}); err != nil || status != 201 {
				t.Fatalf("launch: %d %v %v", status, out, err)
			}
			launched++
		}
		time.Sleep(time.Duration(random.IntN(700)) * time.Millisecond) // a random moment
		for _, job := range n.jobs() {
			if job["status"] == "running" || random.IntN(4) == 0 {
				maps.Copy(seen, n.events(t, job["id"]))
			}
		}
		if kills["server"]+kills["run"] >= moments {
			continue
		}
		children := n.children()
		if len(children) > 0 && random.IntN(2) == 0 {
			kills["run"]++
			_ = syscall.Kill(children[random.IntN(len(children))], syscall.SIGKILL)
			continue
		}
		kills["server"]++
		n.signal(syscall.SIGKILL)
		n.start()
	}
	var jobs []anyMap
	eventually(t, 2*time.Minute, "all jobs have ended", func() bool {
		jobs = n.jobs()
		for _, job := range jobs {
			if !ended(job) {
				return false
			}
		}
		return true
	})
	if len(jobs) != launched {
		t.Errorf("%d jobs were launched, there are %d", launched, len(jobs))
	}
	honest(t, ledger, jobs)
	now := map[string]any{}
	states := map[any]int{}
	for _, job := range jobs {
		states[job["status"]]++
		maps.Copy(now, n.events(t, job["id"]))
	}
	if states["successful"] == 0 {
		t.Errorf("no job was successful: %v", states)
	}
	for url, event := range seen {
		if !reflect.DeepEqual(now[url], event) {
			t.Errorf("event %s was seen as %v and is now %v", url, event, now[url])
		}
	}
	installation, err := os.ReadFile(filepath.Join(n.dir, "installation"))
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(fmt.Sprintf("/dev/shm/troupe-%.12s-*", fmt.Sprintf("%x", sha256.Sum256(installation)))); left != nil {
		t.Errorf("secrets of runs are left in memory: %v", left)
	}
	t.Logf("%d jobs %v after %v kills; %d events were seen on the way, %d at the end", len(jobs), states, kills, len(seen), len(now))
}

// events are the events of a job by their addresses: what cannot change of them. Their counters have no gaps.
func (n *node) events(t *testing.T, job any) map[string]any {
	t.Helper()
	status, page, err := n.call("GET", fmt.Sprintf("/api/v2/jobs/%v/job_events/?order_by=counter", job), nil)
	if err != nil || status != 200 {
		t.Fatalf("events: %d %v %v", status, page, err)
	}
	out := map[string]any{}
	for i, x := range page["results"].([]any) {
		e := x.(anyMap)
		if e["counter"] != float64(i+1) {
			t.Errorf("event %d of job %v has the counter %v", i+1, job, e["counter"])
		}
		out[e["url"].(string)] = [3]any{e["event"], e["uuid"], e["stdout"]}
	}
	return out
}
