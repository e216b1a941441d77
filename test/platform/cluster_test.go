package platform

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/troupe-automation/troupe/test/database"
)

// cluster starts three servers of NATS that are one, and returns their addresses.
func cluster(t *testing.T) string {
	t.Helper()
	var urls, routes []string
	var all []*server.Server
	for range 3 {
		routes = append(routes, "nats://"+freeAddress(t))
	}
	for i := range 3 {
		route, err := url.Parse(routes[i])
		if err != nil {
			t.Fatal(err)
		}
		opts := &server.Options{ServerName: fmt.Sprintf("n%d", i), Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true, Routes: server.RoutesFromStr(strings.Join(routes, ","))}
		opts.Cluster.Name, opts.Cluster.Host = "troupe", "127.0.0.1"
		if _, err := fmt.Sscan(route.Port(), &opts.Cluster.Port); err != nil {
			t.Fatal(err)
		}
		s, err := server.NewServer(opts)
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		all = append(all, s)
	}
	eventually(t, 60*time.Second, "the cluster has a leader", func() bool {
		for _, s := range all {
			if s.ReadyForConnections(10*time.Millisecond) && s.JetStreamIsLeader() {
				return true
			}
		}
		return false
	})
	for _, s := range all {
		urls = append(urls, s.ClientURL())
	}
	return strings.Join(urls, ",")
}

// TestCluster lets three servers share jobs on one PostgreSQL: they do so evenly, a job is canceled from a server where it does not run,
// and when one of them is killed and the database restarted in the middle, every job still comes to a true end.
func TestCluster(t *testing.T) {
	jobs := 45
	if full {
		jobs = 200
	}
	dir := database.Dir(t)
	database.PostgreSQL(t, dir)
	flags := []string{"--database", database.URL(dir), "--nats", cluster(t)}
	ledger := t.TempDir()
	first := newNode(t, "node1", t.TempDir(), flags...)
	key, err := os.ReadFile(filepath.Join(first.dir, "secret.keys"))
	if err != nil {
		t.Fatal(err)
	}
	nodes := []*node{first}
	for _, name := range []string{"node2", "node3"} {
		own := t.TempDir()
		if err := os.WriteFile(filepath.Join(own, "secret.keys"), key, 0o600); err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, newNode(t, name, own, flags...))
	}
	template := first.estate(ledger, "0.3")
	launch := func(n int) {
		t.Helper()
		for i := range n {
			if status, out, err := nodes[i%2].call("POST", fmt.Sprintf("/api/v2/job_templates/%d/launch/", template), anyMap{}); err != nil || status != 201 {
				t.Fatalf("launch: %d %v %v", status, out, err)
			}
		}
	}
	shares := func(list []anyMap) map[any]int {
		out := map[any]int{}
		for _, job := range list {
			out[job["execution_node"]]++
		}
		return out
	}
	all := func(n int) []anyMap {
		var list []anyMap
		eventually(t, 5*time.Minute, fmt.Sprintf("%d jobs have ended\n%s", n, first.log), func() bool {
			list = first.jobs()
			for _, job := range list {
				if !ended(job) {
					return false
				}
			}
			return len(list) == n
		})
		return list
	}
	begin := time.Now()
	launch(jobs)
	list := all(jobs)
	took := time.Since(begin)
	honest(t, ledger, list)
	for _, job := range list {
		if job["status"] != "successful" {
			t.Errorf("job %v is %v: %v", job["id"], job["status"], job["job_explanation"])
		}
	}
	got := shares(list)
	t.Logf("%d jobs in %s, by node %v", jobs, took.Round(time.Millisecond), got)
	for _, n := range nodes {
		if got[n.name] < jobs/6 {
			t.Errorf("%s ran %d of %d jobs: the shares are %v", n.name, got[n.name], jobs, got)
		}
	}

	t.Run("cancel", func(t *testing.T) {
		slow := first.slow(template)
		_, out, err := first.call("POST", fmt.Sprintf("/api/v2/job_templates/%d/launch/", slow), anyMap{})
		if err != nil {
			t.Fatal(err)
		}
		path := fmt.Sprintf("/api/v2/jobs/%v/", out["job"])
		var job anyMap
		eventually(t, 30*time.Second, "the job runs", func() bool {
			_, page, _ := first.call("GET", path+"job_events/?event=runner_on_start", nil)
			_, job, _ = first.call("GET", path, nil)
			return id(page["count"]) == 1
		})
		other := nodes[0]
		if other.name == job["execution_node"] {
			other = nodes[1]
		}
		asked := time.Now()
		if status, _, err := other.call("POST", path+"cancel/", nil); err != nil || status != 202 {
			t.Fatalf("cancel: %d %v", status, err)
		}
		answered := time.Since(asked)
		eventually(t, 10*time.Second, "the job is canceled", func() bool {
			_, job, _ = first.call("GET", path, nil)
			return job["status"] == "canceled"
		})
		t.Logf("the node said that it stops after %s, the job had ended after %s", answered.Round(time.Millisecond), time.Since(asked).Round(time.Millisecond))
	})

	before := len(first.jobs())
	launch(jobs)
	victim := nodes[2]
	eventually(t, time.Minute, "the third node runs something", func() bool { return len(victim.children()) > 0 })
	victim.signal(syscall.SIGKILL)
	database.RestartPostgreSQL(t, dir, time.Second)
	eventually(t, time.Minute, "the API is there again", func() bool {
		status, _, err := first.call("GET", "/api/v2/jobs/", nil)
		return err == nil && status == 200
	})
	list = all(before + jobs)[before:]
	honest(t, ledger, list)
	lost := 0
	for _, job := range list {
		switch {
		case job["status"] == "successful":
		case job["status"] == "error" && job["execution_node"] == victim.name && job["job_explanation"] == "Job reaped due to instance shutdown":
			lost++
		default:
			t.Errorf("job %v on %v is %v: %v", job["id"], job["execution_node"], job["status"], job["job_explanation"])
		}
	}
	t.Logf("with one node killed and the database restarted: %d jobs by node %v, %d lost with their node", len(list), shares(list), lost)
}

// slow makes a template whose jobs take a minute.
func (n *node) slow(like int64) int64 {
	n.t.Helper()
	_, t, err := n.call("GET", fmt.Sprintf("/api/v2/job_templates/%d/", like), nil)
	if err != nil {
		n.t.Fatal(err)
	}
	inventory := n.make("inventories", anyMap{"name": "Slow", "organization": t["organization"], "variables": `{"ansible_connection": "local"}`})
	n.make("hosts", anyMap{"name": "h1", "inventory": inventory})
	return n.make("job_templates", anyMap{"name": "Slow", "project": t["project"], "inventory": inventory, "playbook": "slow.yml"})
}
