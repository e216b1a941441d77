package platform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/test/journal"
	"github.com/troupe-automation/troupe/test/repository"
)

// full asks for the long form of the tests.
var full = os.Getenv("TROUPE_FULL") != ""

var program string // bin/troupe, with the server beside it

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "troupe-platform-")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "troupe")
	for _, name := range []string{"troupe", "troupe-server"} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), "../../cmd/"+name).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
			os.Exit(1)
		}
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// node is a server process that may be killed and started again.
type node struct {
	t       testing.TB
	name    string
	dir     string
	address string
	args    []string
	cmd     *exec.Cmd
	ended   chan struct{}
	log     *journal.Journal
}

func freeAddress(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// newNode starts a server; args are flags beyond the everyday ones.
func newNode(t testing.TB, name, dir string, args ...string) *node {
	t.Helper()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret-of-admin"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, name: name, dir: dir, address: freeAddress(t), log: &journal.Journal{}}
	n.args = append([]string{"server", "--data", dir, "--listen", n.address, "--node", name, "--admin-password-file", password}, args...)
	n.start()
	t.Cleanup(func() { n.signal(syscall.SIGTERM) })
	return n
}

func (n *node) start() {
	n.t.Helper()
	n.cmd = exec.Command(program, n.args...)
	n.cmd.Stdout, n.cmd.Stderr = n.log, n.log
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait()
		close(ended)
	}(n.cmd, n.ended)
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); {
		if status, _, err := n.call("GET", "/api/v2/ping/", nil); err == nil && status == 200 {
			return
		}
		select {
		case <-n.ended:
			n.t.Fatalf("%s ended: %s", n.name, n.log)
		case <-time.After(20 * time.Millisecond): // another process: there is nothing to wait for
		}
	}
	n.t.Fatalf("%s did not start: %s", n.name, n.log)
}

// signal sends a signal and waits for the end.
func (n *node) signal(s syscall.Signal) {
	select {
	case <-n.ended:
		return
	default:
	}
	_ = n.cmd.Process.Signal(s)
	<-n.ended
}

// children are the processes that the server has started.
func (n *node) children() []int {
	var out []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", n.cmd.Process.Pid))
	for _, f := range tasks {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for _, word := range strings.Fields(string(b)) {
			if pid, err := strconv.Atoi(word); err == nil {
				out = append(out, pid)
			}
		}
	}
	return out
}

type anyMap = map[string]any

func (n *node) call(method, path string, body any) (int, anyMap, error) {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, "http://"+n.address+path, in)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth("admin", "secret-of-admin")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil, err
	}
	out := anyMap{}
	if json.Unmarshal(b, &out) != nil {
		out["text"] = string(b)
	}
	return res.StatusCode, out, nil
}

func (n *node) make(path string, body any) int64 {
	n.t.Helper()
	status, out, err := n.call("POST", "/api/v2/"+path+"/", body)
	if err != nil || status != 201 {
		n.t.Fatalf("POST %s: %d %v %v", path, status, out, err)
	}
	return id(out["id"])
}

func id(v any) int64 {
	f, _ := v.(float64)
	return int64(f)
}

// eventually asks until good is content.
func eventually(t testing.TB, limit time.Duration, what string, good func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !good(); {
		if time.Now().After(deadline) {
			t.Fatalf("in %s it never came to this: %s", limit, what)
		}
		time.Sleep(20 * time.Millisecond) // other processes: there is nothing to wait for
	}
}

// estate makes what a job needs: its playbook writes a line into the ledger when it begins and one when it ends.
func (n *node) estate(ledger, seconds string) (template int64) {
	n.t.Helper()
	for dir, mode := range map[string]os.FileMode{filepath.Dir(ledger): 0o755, ledger: 0o777} { // runs are users of their own
		if err := os.Chmod(dir, mode); err != nil {
			n.t.Fatal(err)
		}
	}
	play := fmt.Sprintf(`- hosts: all
  gather_facts: false
  tasks:
    - command: "sh -c 'echo begin >> %[1]s/{{ awx_job_id }}'"
    - debug: {msg: "working on {{ awx_job_id }}"}
      loop: "{{ range(20) | list }}"
    - command: sleep %[2]s
    - command: "sh -c 'echo end >> %[1]s/{{ awx_job_id }}'"
`, ledger, seconds)
	slow := "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: sleep 60\n"
	repo := repository.New(n.t, map[string]string{"site.yml": play, "slow.yml": slow})
	org := n.make("organizations", anyMap{"name": "Ops"})
	inventory := n.make("inventories", anyMap{"name": "Prod", "organization": org})
	n.make("hosts", anyMap{"name": "h1", "inventory": inventory, "variables": `{"ansible_connection": "local"}`})
	project := n.make("projects", anyMap{"name": "Code", "organization": org, "scm_type": "git", "scm_url": "file://" + repo})
	eventually(n.t, 30*time.Second, "the project is there", func() bool {
		_, out, _ := n.call("GET", fmt.Sprintf("/api/v2/projects/%d/", project), nil)
		return out["status"] == "successful"
	})
	return n.make("job_templates", anyMap{"name": "Site", "project": project, "inventory": inventory, "playbook": "site.yml", "allow_simultaneous": true})
}

// jobs lists all jobs of templates.
func (n *node) jobs() []anyMap {
	n.t.Helper()
	var out []anyMap
	for path := "/api/v2/jobs/?page_size=200&order_by=id"; path != ""; {
		status, page, err := n.call("GET", path, nil)
		if err != nil || status != 200 {
			n.t.Fatalf("%s: %d %v %v", path, status, page, err)
		}
		for _, x := range page["results"].([]any) {
			out = append(out, x.(anyMap))
		}
		path, _ = page["next"].(string)
	}
	return out
}

func ended(job anyMap) bool {
	switch job["status"] {
	case "successful", "failed", "error", "canceled":
		return true
	}
	return false
}

// honest compares what jobs say of themselves with the ledger that their playbooks wrote.
func honest(t *testing.T, ledger string, jobs []anyMap) {
	t.Helper()
	for _, job := range jobs {
		b, _ := os.ReadFile(filepath.Join(ledger, fmt.Sprint(id(job["id"]))))
		begins, ends := strings.Count(string(b), "begin"), strings.Count(string(b), "end")
		switch {
		case !ended(job):
			t.Errorf("job %v is %v for ever", job["id"], job["status"])
		case begins > 1 || ends > 1:
			t.Errorf("job %v ran twice: %q", job["id"], b)
		case job["status"] == "successful" && ends != 1:
			t.Errorf("job %v says that it was successful, and has not come to its end: %q", job["id"], b)
		case job["status"] == "error" && job["job_explanation"] == "":
			t.Errorf("job %v is in error and does not say why", job["id"])
		case job["finished"] == nil:
			t.Errorf("job %v is %v and has not finished", job["id"], job["status"])
		}
	}
}
