package platform

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/test/repository"
)

// memory is what a server process holds, in megabytes.
func (n *node) memory() float64 {
	n.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
	if err != nil {
		n.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, is := strings.CutPrefix(line, "VmRSS:"); is {
			kb := 0.0
			if _, err := fmt.Sscan(rest, &kb); err != nil {
				n.t.Fatal(err)
			}
			return kb / 1024
		}
	}
	n.t.Fatal("the kernel does not say")
	return 0
}

// BenchmarkInventory imports 50,000 hosts from a project's file, and runs a playbook on one of them: once is enough.
//
//	go test -run '^$' -bench . -benchtime 1x ./test/platform
func BenchmarkInventory(b *testing.B) {
	n := newNode(b, "node1", b.TempDir())
	idle := n.memory()
	var hosts strings.Builder
	for i := range 50000 {
		if i%500 == 0 {
			fmt.Fprintf(&hosts, "[rack%d]\n", i/500)
		}
		fmt.Fprintf(&hosts, "host%05d.example.com ansible_connection=local slot=%d\n", i, i%500)
	}
	repo := repository.New(b, map[string]string{"hosts.ini": hosts.String(), "site.yml": "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: echo {{ slot }}\n"})
	org := n.make("organizations", anyMap{"name": "Ops"})
	inventory := n.make("inventories", anyMap{"name": "Prod", "organization": org})
	project := n.make("projects", anyMap{"name": "Code", "organization": org, "scm_type": "git", "scm_url": "file://" + repo})
	until := func(path string, what string) anyMap {
		var out anyMap
		eventually(b, 5*time.Minute, what, func() bool {
			_, out, _ = n.call("GET", path, nil)
			if out["status"] == "failed" || out["status"] == "error" {
				b.Fatalf("%s: %v", path, out)
			}
			return out["status"] == "successful"
		})
		return out
	}
	until(fmt.Sprintf("/api/v2/projects/%d/", project), "the project is there")
	source := n.make("inventory_sources", anyMap{"name": "File", "inventory": inventory, "source": "scm", "source_project": project, "source_path": "hosts.ini", "overwrite": true})
	template := n.make("job_templates", anyMap{"name": "One", "project": project, "inventory": inventory, "playbook": "site.yml", "limit": "host31415.example.com"})
	for b.Loop() {
		begin := time.Now()
		_, out, err := n.call("POST", fmt.Sprintf("/api/v2/inventory_sources/%d/update/", source), anyMap{})
		if err != nil {
			b.Fatal(err)
		}
		until(fmt.Sprintf("/api/v2/inventory_updates/%v/", out["id"]), "the inventory is there")
		b.ReportMetric(time.Since(begin).Seconds(), "s-import")
		begin = time.Now()
		if _, out, err = n.call("POST", fmt.Sprintf("/api/v2/job_templates/%d/launch/", template), anyMap{}); err != nil {
			b.Fatal(err)
		}
		eventually(b, time.Minute, "the playbook has begun", func() bool {
			_, page, _ := n.call("GET", fmt.Sprintf("/api/v2/jobs/%v/job_events/?event=playbook_on_play_start", out["job"]), nil)
			return id(page["count"]) > 0
		})
		b.ReportMetric(time.Since(begin).Seconds(), "s-to-play")
		until(fmt.Sprintf("/api/v2/jobs/%v/", out["job"]), "the job has ended")
		b.ReportMetric(time.Since(begin).Seconds(), "s-job")
		b.ReportMetric(idle, "MB-idle")
		b.ReportMetric(n.memory(), "MB-after")
	}
	if _, page, _ := n.call("GET", fmt.Sprintf("/api/v2/inventories/%d/hosts/", inventory), nil); id(page["count"]) != 50000 {
		b.Fatalf("%v hosts", page["count"])
	}
}
