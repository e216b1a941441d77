package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestNotifications lets a job and an approval be told of, and compares what is sent with what AWX sent.
func TestNotifications(t *testing.T) {
	s := newSite(t)
	sent := make(chan string, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		sent <- r.URL.Path + " " + r.Header.Get("X-A") + " " + string(b)
		if r.URL.Path == "/broken" {
			w.WriteHeader(500)
		}
	}))
	defer srv.Close()
	e := s.estate("- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {msg: hello}\n")
	template := func(name, path string, messages any) int64 {
		return s.make("notification_templates", anyMap{"name": name, "organization": e.org, "notification_type": "webhook", "messages": messages, "notification_configuration": anyMap{
			"url": srv.URL + path, "http_method": "POST", "disable_ssl_verification": false, "username": "", "password": "", "headers": anyMap{"X-A": "b"}}})
	}
	plain := template("Plain", "/plain", nil)
	own := template("Own", "/own", anyMap{"success": anyMap{"body": `{"text": "{{ job.name }} in {{ job.summary_fields.inventory.name }}: {{ job.host_status_counts }}{{ job.extra_vars }}{{ job.nothing }}"}`}})
	broken := template("Broken", "/broken", nil)
	for _, link := range []struct {
		list string
		id   int64
	}{{"notification_templates_started", plain}, {"notification_templates_success", plain}, {"notification_templates_success", own}, {"notification_templates_success", broken}, {"notification_templates_error", plain}} {
		s.link("job_templates", e.template, link.list, link.id)
	}
	job := s.run(fmt.Sprintf("/api/v2/job_templates/%d/launch/", e.template), "jobs", anyMap{})
	got := map[string]string{}
	for range 4 {
		path, rest, _ := strings.Cut(<-sent, " ")
		if strings.Contains(rest, `"status":"running"`) {
			path += " started"
		}
		got[path] = rest
	}
	url := fmt.Sprintf("https://towerhost/#/jobs/playbook/%d", job)
	for path, want := range map[string][]string{
		"/plain started": {"b {", fmt.Sprintf(`"id":%d,"name":"Site","url":"%s","created_by":"admin","started":"`, job, url), `"finished":null,"status":"running","traceback":"","inventory":"Prod","project":"Code","playbook":"site.yml","credential":null,"limit":"","extra_vars":"{}","hosts":{}}`},
		"/plain":         {`"status":"successful"`, `"hosts":{"h1":{"changed":0,"dark":0,"failed":false,"failures":0,"ignored":0,"ok":1,"processed":1,"rescued":0,"skipped":0}}}`},
		"/own":           {`{"text":"Site in Prod: {'ok': 1}"}`},
		"/broken":        {`"status":"successful"`},
	} {
		for _, w := range want {
			if !strings.Contains(got[path], w) {
				t.Errorf("%s: %s\nhas no %s", path, got[path], w)
			}
		}
	}
	_, list := s.call(admin, "GET", fmt.Sprintf("/api/v2/jobs/%d/notifications/?order_by=id", job), nil)
	if list["count"] != 4.0 {
		t.Fatalf("notifications of the job: %v", list)
	}
	for _, x := range list["results"].([]any) {
		id := x.(anyMap)["id"]
		n := s.wait(fmt.Sprintf("/api/v2/notifications/%v/", id), func(o anyMap) bool { return o["status"] != "pending" })
		want := "successful 1 "
		if n["notification_template"] == float64(broken) {
			want = "failed 0 Error sending notification webhook: 500"
		}
		if state := fmt.Sprint(n["status"], " ", n["notifications_sent"], " ", n["error"]); state != want || n["subject"] != nil || n["recipients"] == "" {
			t.Errorf("notification %v: %v", state, n)
		}
	}

	status, test := s.call(admin, "POST", fmt.Sprintf("/api/v2/notification_templates/%d/test/", plain), nil)
	if status != 202 || test["status"] != "pending" || test["notification"] != test["id"] {
		t.Errorf("test: %d %v", status, test)
	}
	if got, want := <-sent, fmt.Sprintf(`/plain b {"body":"Test Notification %d https://towerhost"}`, plain); got != want {
		t.Errorf("the test said %s, want %s", got, want)
	}

	flow := s.make("workflow_job_templates", anyMap{"name": "Flow", "organization": e.org})
	s.link("workflow_job_templates", flow, "notification_templates_approvals", plain)
	for _, c := range []struct {
		timeout  int
		decision string
		want     string
		end      string
	}{{0, "approve", "was approved. ", "successful"}, {0, "deny", "was denied. ", "failed"}, {1, "", "has timed out. ", "failed"}} {
		node := s.make("workflow_job_template_nodes", anyMap{"workflow_job_template": flow, "identifier": c.decision + "x"})
		if status, out := s.call(admin, "POST", fmt.Sprintf("/api/v2/workflow_job_template_nodes/%d/create_approval_template/", node), anyMap{"name": "ok?", "timeout": c.timeout}); status != 201 {
			t.Fatalf("approval: %d %v", status, out)
		}
		_, out := s.call(admin, "POST", fmt.Sprintf("/api/v2/workflow_job_templates/%d/launch/", flow), anyMap{})
		at := fmt.Sprintf("https://towerhost/#/jobs/workflow/%v", out["workflow_job"])
		if got, want := <-sent, `/plain b {"body":"The approval node \"ok?\" needs review. This node can be viewed at: `+at+`"}`; got != want {
			t.Errorf("needed: %s, want %s", got, want)
		}
		if c.decision != "" {
			_, waiting := s.call(admin, "GET", "/api/v2/workflow_approvals/?status=pending", nil)
			id := waiting["results"].([]any)[0].(anyMap)["id"]
			if status, out := s.call(admin, "POST", fmt.Sprintf("/api/v2/workflow_approvals/%v/%s/", id, c.decision), nil); status != 204 {
				t.Errorf("%s: %d %v", c.decision, status, out)
			}
		}
		if got, want := <-sent, `/plain b {"body":"The approval node \"ok?\" `+c.want+at+`"}`; got != want {
			t.Errorf("decided: %s, want %s", got, want)
		}
		s.wait(fmt.Sprintf("/api/v2/workflow_jobs/%v/", out["workflow_job"]), func(o anyMap) bool { return o["status"] == c.end })
		s.call(admin, "DELETE", fmt.Sprintf("/api/v2/workflow_job_template_nodes/%d/", node), nil)
	}
	_, late := s.call(admin, "GET", "/api/v2/workflow_approvals/?timed_out=true", nil)
	if late["count"] != 1.0 || !strings.Contains(fmt.Sprint(late["results"].([]any)[0].(anyMap)["job_explanation"]), "has expired after 1 seconds") {
		t.Errorf("the approval that nobody gave: %v", late)
	}
}
