package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/internal/server"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/runner"
	"github.com/troupe-automation/troupe/test/journal"
	"github.com/troupe-automation/troupe/test/repository"
)

// site is a running server with real parts: SQLite, git, and children of the real program.
type site struct {
	t    testing.TB
	url  string
	dir  string
	log  *journal.Journal
	stop func()
}

var program string

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == runner.Confine { // a run of a server of this process
		fmt.Fprintln(os.Stderr, runner.Close(os.Args[2:]))
		os.Exit(1)
	}
	if len(os.Args) > 1 && os.Args[1] == runner.Inside {
		fmt.Fprintln(os.Stderr, runner.Enter(os.Args[2:]))
		os.Exit(1)
	}
	dir, err := os.MkdirTemp("", "troupe-server-test-")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "troupe")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/troupe").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func start(t testing.TB, dir string) *site { return startWith(t, dir, func(*server.Config) {}) }

// startWith starts a server whose configuration the test changes.
func startWith(t testing.TB, dir string, change func(*server.Config)) *site {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	s := &site{t: t, url: "http://" + address, dir: dir, log: &journal.Journal{}}
	ctx, cancel := context.WithCancel(context.Background())
	ready, w := io.Pipe()
	done := make(chan error, 1)
	config := server.Config{Dir: dir, Listen: address, Node: "node1", Admin: "admin", Password: "secret-of-admin", Self: []string{program}, Version: "test",
		Log: slog.New(slog.NewTextHandler(s.log, nil)), Out: w}
	change(&config)
	go func() {
		done <- server.Run(ctx, config)
		w.Close()
	}()
	if _, err := ready.Read(make([]byte, 1000)); err != nil {
		t.Fatalf("the server did not start: %v", <-done)
	}
	go io.Copy(io.Discard, ready)
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	}
	return s
}

func newSite(t *testing.T) *site {
	s := start(t, t.TempDir())
	t.Cleanup(func() { s.stop() })
	return s
}

type anyMap = map[string]any

// call sends a request as a user, "name:password", and returns status and body.
func (s *site) call(user, method, path string, body any) (int, anyMap) {
	s.t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, s.url+path, in)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if name, password, has := strings.Cut(user, ":"); has {
		req.SetBasicAuth(name, password)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	out := anyMap{}
	if json.Unmarshal(b, &out) != nil {
		out["text"] = string(b)
	}
	return res.StatusCode, out
}

const admin = "admin:secret-of-admin"

func (s *site) make(path string, body any) int64 {
	s.t.Helper()
	status, out := s.call(admin, "POST", "/api/v2/"+path+"/", body)
	if status != 201 {
		s.t.Fatalf("POST %s: %d %v", path, status, out)
	}
	return int64(out["id"].(float64))
}

// wait asks for an object until it says what is wanted; the test's own deadline ends it.
func (s *site) wait(path string, good func(anyMap) bool) anyMap {
	s.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		_, out := s.call(admin, "GET", path, nil)
		if good(out) {
			return out
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s never came to it: %v\n%s", path, out, s.log)
		}
	}
}

func finished(o anyMap) bool { return o["event_processing_finished"] == true }

const local = `{"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}`

// estate is an organization with inventory, project and template.
type estate struct{ org, inventory, host, project, template int64 }

func (s *site) estate(playbook string) estate {
	s.t.Helper()
	repo := repository.New(s.t, map[string]string{"site.yml": playbook})
	var e estate
	e.org = s.make("organizations", anyMap{"name": "Ops"})
	e.inventory = s.make("inventories", anyMap{"name": "Prod", "organization": e.org})
	e.host = s.make("hosts", anyMap{"name": "h1", "inventory": e.inventory, "variables": local})
	e.project = s.make("projects", anyMap{"name": "Code", "organization": e.org, "scm_type": "git", "scm_url": "file://" + repo})
	s.wait(fmt.Sprintf("/api/v2/projects/%d/", e.project), func(o anyMap) bool { return o["status"] == "successful" })
	e.template = s.make("job_templates", anyMap{"name": "Site", "project": e.project, "inventory": e.inventory, "playbook": "site.yml", "ask_variables_on_launch": true})
	return e
}

func TestLaunch(t *testing.T) {
	s := newSite(t)
	e := s.estate("- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"hello {{ who }}\"}\n    - set_stats: {data: {answer: 42}}\n")
	status, out := s.call(admin, "POST", fmt.Sprintf("/api/v2/job_templates/%d/launch/", e.template), anyMap{"extra_vars": anyMap{"who": "ann"}, "limit": "x"})
	if status != 201 || fmt.Sprint(out["ignored_fields"]) != "map[limit:x]" {
		t.Fatalf("launch: %d %v", status, out)
	}
	job := s.wait(fmt.Sprintf("/api/v2/jobs/%v/", out["job"]), finished)
	if job["status"] != "successful" || fmt.Sprint(job["artifacts"]) != "map[answer:42]" || fmt.Sprint(job["host_status_counts"]) != "map[ok:1]" || len(job["scm_revision"].(string)) != 40 {
		t.Errorf("job %v", job)
	}
	_, events := s.call(admin, "GET", fmt.Sprintf("/api/v2/jobs/%v/job_events/?order_by=start_line", out["job"]), nil)
	line := 0.0
	for i, x := range events["results"].([]any) {
		ev := x.(anyMap)
		if ev["start_line"] != line || ev["counter"] != float64(i+1) {
			t.Errorf("event %d begins at line %v, the one before ended at %v", i+1, ev["start_line"], line)
		}
		line = ev["end_line"].(float64)
	}
	_, stdout := s.call(admin, "GET", fmt.Sprintf("/api/v2/jobs/%v/stdout/?format=txt", out["job"]), nil)
	if txt, _ := stdout["text"].(string); !strings.Contains(txt, `"msg": "hello ann"`) || strings.Contains(txt, "\x1b") {
		t.Errorf("stdout %v", stdout)
	}
	_, sum := s.call(admin, "GET", fmt.Sprintf("/api/v2/jobs/%v/job_host_summaries/", out["job"]), nil)
	if sum["count"] != 1.0 {
		t.Errorf("summaries %v", sum)
	}
}

func TestCancel(t *testing.T) {
	s := newSite(t)
	e := s.estate("- hosts: all\n  gather_facts: false\n  tasks:\n    - command: sleep 60\n")
	_, out := s.call(admin, "POST", fmt.Sprintf("/api/v2/job_templates/%d/launch/", e.template), anyMap{})
	path := fmt.Sprintf("/api/v2/jobs/%v/", out["job"])
	s.wait(path+"job_events/?event=runner_on_start", func(o anyMap) bool { return o["count"] == 1.0 })
	if status, _ := s.call(admin, "DELETE", path, nil); status != 403 {
		t.Errorf("a running job can be deleted: %d", status)
	}
	_, second := s.call(admin, "POST", fmt.Sprintf("/api/v2/job_templates/%d/launch/", e.template), anyMap{})
	waiting := fmt.Sprintf("/api/v2/jobs/%v/", second["job"])
	s.wait(waiting, func(o anyMap) bool {
		return strings.Contains(fmt.Sprint(o["job_explanation"]), fmt.Sprintf("waiting for job-%v to finish", out["job"]))
	})
	if status, _ := s.call(admin, "POST", waiting+"cancel/", nil); status != 202 {
		t.Errorf("cancel of a waiting job: %d", status)
	}
	if status, _ := s.call(admin, "POST", path+"cancel/", nil); status != 202 {
		t.Errorf("cancel: %d", status)
	}
	for _, p := range []string{path, waiting} {
		if job := s.wait(p, finished); job["status"] != "canceled" {
			t.Errorf("%s is %v", p, job["status"])
		}
	}
	if status, _ := s.call(admin, "POST", path+"cancel/", nil); status != 405 {
		t.Errorf("a job that has ended can be canceled: %d", status)
	}
}

// TestStop stops the server while a job runs: after the next start the job says so, and its child is gone.
func TestStop(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	e := s.estate("- hosts: all\n  gather_facts: false\n  tasks:\n    - command: sleep 60\n")
	_, out := s.call(admin, "POST", fmt.Sprintf("/api/v2/job_templates/%d/launch/", e.template), anyMap{})
	path := fmt.Sprintf("/api/v2/jobs/%v/", out["job"])
	s.wait(path+"job_events/?event=runner_on_start", func(o anyMap) bool { return o["count"] == 1.0 })
	s.stop()
	s = start(t, dir)
	defer func() { s.stop() }()
	_, job := s.call(admin, "GET", path, nil)
	if job["status"] != "error" || !strings.Contains(fmt.Sprint(job["job_explanation"]), "server was stopped") {
		t.Errorf("after a restart the job is %v: %v", job["status"], job["job_explanation"])
	}
}

// TestSecrets plants secrets everywhere they can be given and looks for them everywhere they must not be.
func TestSecrets(t *testing.T) {
	s := newSite(t)
	e := s.estate("- hosts: all\n  gather_facts: false\n  tasks:\n    - assert: {that: [\"planted == 'PLANTED-survey'\", \"lookup('env', 'TOK') == 'PLANTED-token'\"]}\n      no_log: true\n")
	kind := s.make("credential_types", anyMap{"name": "Tok", "kind": "cloud", "inputs": anyMap{"fields": []any{anyMap{"id": "tok", "type": "string", "label": "Token", "secret": true}}}, "injectors": anyMap{"env": anyMap{"TOK": "{{ tok }}"}}})
	cred := s.make("credentials", anyMap{"name": "C", "organization": e.org, "credential_type": kind, "inputs": anyMap{"tok": "PLANTED-token"}})
	s.call(admin, "POST", fmt.Sprintf("/api/v2/job_templates/%d/credentials/", e.template), anyMap{"id": cred})
	s.call(admin, "POST", fmt.Sprintf("/api/v2/job_templates/%d/survey_spec/", e.template), anyMap{"name": "", "description": "", "spec": []any{
		anyMap{"question_name": "P", "variable": "planted", "type": "password", "required": true, "default": ""}}})
	s.call(admin, "PATCH", fmt.Sprintf("/api/v2/job_templates/%d/", e.template), anyMap{"survey_enabled": true})
	s.make("notification_templates", anyMap{"name": "N", "organization": e.org, "notification_type": "slack", "notification_configuration": anyMap{"token": "PLANTED-slack", "channels": []string{"x"}}})
	s.make("users", anyMap{"username": "u", "password": "PLANTED-password"})
	status, out := s.call(admin, "POST", fmt.Sprintf("/api/v2/job_templates/%d/launch/", e.template), anyMap{"extra_vars": anyMap{"planted": "PLANTED-survey"}})
	if status != 201 {
		t.Fatalf("launch: %d %v", status, out)
	}
	job := s.wait(fmt.Sprintf("/api/v2/jobs/%v/", out["job"]), finished)
	if job["status"] != "successful" {
		_, stdout := s.call(admin, "GET", fmt.Sprintf("/api/v2/jobs/%v/stdout/?format=txt", out["job"]), nil)
		t.Fatalf("the run did not get its secrets: %v %v", job["job_explanation"], stdout)
	}
	for _, r := range domain.All {
		if r.Path == "" || r.NoList {
			continue
		}
		_, list := s.call(admin, "GET", "/api/v2/"+r.Path+"/?page_size=200", nil)
		b, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "PLANTED") || strings.Contains(string(b), "$troupe$") {
			t.Errorf("/api/v2/%s/ shows a secret: %s", r.Path, b)
		}
	}
	b, err := json.Marshal(job)
	if err != nil || strings.Contains(string(b), "PLANTED") || strings.Contains(string(b), "$troupe$") {
		t.Errorf("the job shows a secret: %s", b)
	}
	if strings.Contains(s.log.String(), "PLANTED") {
		t.Error("the log has a secret")
	}
	for _, name := range []string{"troupe.db", "troupe.db-wal"} {
		b, err := os.ReadFile(filepath.Join(s.dir, name))
		if err == nil && bytes.Contains(b, []byte("PLANTED")) {
			t.Errorf("%s has a secret", name)
		}
	}
	if left, err := os.ReadDir(filepath.Join(s.dir, "runs")); err != nil || len(left) > 0 {
		t.Errorf("runs left %v behind %v", left, err)
	}
}

// TestStrangers asks for everything as a user without any role and as nobody: nothing of others may be seen or changed.
func TestStrangers(t *testing.T) {
	s := newSite(t)
	e := s.estate("- hosts: all\n  tasks: []\n")
	s.make("users", anyMap{"username": "eve", "password": "stranger-danger"})
	objects := map[string]int64{"organizations": e.org, "inventories": e.inventory, "hosts": e.host, "projects": e.project, "job_templates": e.template, "users": 1}
	objects["credentials"] = s.make("credentials", anyMap{"name": "C", "organization": e.org, "credential_type": 1, "inputs": anyMap{}})
	objects["teams"] = s.make("teams", anyMap{"name": "T", "organization": e.org})
	objects["groups"] = s.make("groups", anyMap{"name": "g", "inventory": e.inventory})
	objects["labels"] = s.make("labels", anyMap{"name": "l", "organization": e.org})
	objects["schedules"] = s.make("schedules", anyMap{"name": "s", "unified_job_template": e.template, "rrule": "DTSTART:20300101T000000Z RRULE:FREQ=DAILY;INTERVAL=1"})
	objects["workflow_job_templates"] = s.make("workflow_job_templates", anyMap{"name": "w", "organization": e.org})
	objects["notification_templates"] = s.make("notification_templates", anyMap{"name": "n", "organization": e.org, "notification_type": "slack", "notification_configuration": anyMap{"token": "t", "channels": []string{}}})
	objects["instance_groups"] = 1
	objects["tokens"] = s.make("tokens", anyMap{})
	objects["applications"] = s.make("applications", anyMap{"name": "a", "organization": e.org, "client_type": "public", "authorization_grant_type": "password"})
	_, updates := s.call(admin, "GET", "/api/v2/project_updates/", nil)
	objects["project_updates"] = int64(updates["results"].([]any)[0].(anyMap)["id"].(float64))
	const eve = "eve:stranger-danger"
	for _, r := range domain.All {
		if r.Path == "" {
			continue
		}
		id, known := objects[r.Path]
		if !known {
			id = 1
		}
		own := fmt.Sprintf("/api/v2/%s/%d/", r.Path, id)
		paths := []string{"/api/v2/" + r.Path + "/", own}
		for _, rel := range r.Related {
			paths = append(paths, own+rel.URLPath()+"/")
		}
		for _, l := range r.Links {
			if l.Path != "-" {
				name := l.Path
				if name == "" {
					name = l.Name
				}
				paths = append(paths, own+name+"/")
			}
		}
		for i, path := range paths {
			if status, _ := s.call("", "GET", path, nil); status != 401 && !(r.NoList && i == 0 && status == 404) {
				t.Errorf("nobody: GET %s: %d", path, status)
			}
			if i == 0 || !known {
				continue
			}
			for _, method := range []string{"GET", "POST", "PATCH", "DELETE"} {
				status, out := s.call(eve, method, path, anyMap{})
				if status < 400 && !(r.Type == "schedule" && method == "GET") {
					t.Errorf("a stranger: %s %s: %d %v", method, path, status, out)
				}
			}
		}
		if _, out := s.call(eve, "GET", paths[0], nil); known && !r.NoList {
			for _, x := range out["results"].([]any) {
				if o := x.(anyMap); o["id"] == float64(id) {
					t.Errorf("a stranger sees %s", own)
				}
			}
		}
	}
	for path, id := range objects {
		if status, _ := s.call(admin, "GET", fmt.Sprintf("/api/v2/%s/%d/", path, id), nil); status != 200 {
			t.Errorf("%s %d is gone: %d", path, id, status)
		}
	}
}
