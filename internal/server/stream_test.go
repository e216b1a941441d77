package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// session logs in as a browser does and returns its cookies and the token against forged requests.
func (s *site) session(name, password string) (cookies, token string) {
	s.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	first, err := client.Get(s.url + "/api/")
	if err != nil {
		s.t.Fatal(err)
	}
	first.Body.Close()
	jar := map[string]string{}
	for _, c := range first.Cookies() {
		jar[c.Name] = c.Value
	}
	form := url.Values{"username": {name}, "password": {password}, "next": {"/api/"}}
	req, err := http.NewRequest("POST", s.url+"/api/login/", strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-CSRFToken", jar["csrftoken"])
	req.Header.Set("Referer", s.url)
	req.Header.Set("Cookie", "csrftoken="+jar["csrftoken"])
	res, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	res.Body.Close()
	for _, c := range res.Cookies() {
		jar[c.Name] = c.Value
	}
	if jar["awx_sessionid"] == "" {
		s.t.Fatalf("no session: %d %v", res.StatusCode, jar)
	}
	return "awx_sessionid=" + jar["awx_sessionid"] + "; csrftoken=" + jar["csrftoken"], jar["csrftoken"]
}

// socket is a websocket of the test.
type socket struct {
	t    testing.TB
	conn *websocket.Conn
	ctx  context.Context
}

func (s *site) socket(cookies string) *socket {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	s.t.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, strings.Replace(s.url, "http", "ws", 1)+"/websocket/", &websocket.DialOptions{HTTPHeader: http.Header{"Cookie": {cookies}}})
	if err != nil {
		s.t.Fatal(err)
	}
	conn.SetReadLimit(10 << 20)
	s.t.Cleanup(func() { conn.CloseNow() })
	return &socket{s.t, conn, ctx}
}

func (c *socket) send(v any) {
	c.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.conn.Write(c.ctx, websocket.MessageText, b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *socket) next() anyMap {
	c.t.Helper()
	_, b, err := c.conn.Read(c.ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	out := anyMap{}
	if err := json.Unmarshal(b, &out); err != nil {
		c.t.Fatal(err)
	}
	return out
}

const greeting = "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"{{ item }}\"}\n      loop: \"{{ range(40) | list }}\"\n"

func (s *site) launch(e estate) int64 {
	s.t.Helper()
	status, out := s.call(admin, "POST", fmt.Sprintf("/api/v2/job_templates/%d/launch/", e.template), anyMap{})
	if status != 201 {
		s.t.Fatalf("launch: %d %v", status, out)
	}
	return int64(out["job"].(float64))
}

// TestWebsocket compares what a client hears of a job with what AWX sends: the same messages with the same keys, and, unlike there, all events.
func TestWebsocket(t *testing.T) {
	b, err := os.ReadFile("testdata/websocket.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string]anyMap
	if err := json.Unmarshal(b, &golden); err != nil {
		t.Fatal(err)
	}
	same := func(what string, got anyMap) {
		t.Helper()
		for k, v := range golden[what] {
			if x, has := got[k]; !has || reflect.TypeOf(x) != reflect.TypeOf(v) {
				t.Errorf("%s: AWX has %s: %v, here it is %v (%t)", what, k, v, x, has)
			}
		}
		for k := range got {
			if _, has := golden[what][k]; !has {
				t.Errorf("%s: AWX has no %s", what, k)
			}
		}
	}
	s := newSite(t)
	e := s.estate(greeting)
	cookies, token := s.session("admin", "secret-of-admin")
	c := s.socket(cookies)
	same("accept", c.next())
	c.send(anyMap{"groups": anyMap{"jobs": []string{"status_changed"}}, "xrftoken": "wrong"})
	if m := c.next(); m["error"] != "access denied to channel" {
		t.Errorf("a wrong token gets %v", m)
	}
	c.send(anyMap{"groups": anyMap{"jobs": []string{"status_changed", "summary"}}, "xrftoken": token})
	same("groups", c.next())
	job := s.launch(e)
	for {
		m := c.next()
		if m["unified_job_id"] == float64(job) && m["status"] == "running" {
			same("status", m)
			break
		}
	}
	c.send(anyMap{"groups": anyMap{"jobs": []string{"status_changed", "summary"}, "job_events": []int64{job, 99999}}, "after": anyMap{fmt.Sprint(job): 0}, "xrftoken": token})
	var counters []float64
	var final float64
	for final == 0 || float64(len(counters)) < final {
		switch m := c.next(); {
		case m["group_name"] == "job_events":
			if m["event"] == "runner_on_ok" {
				same("event", m)
			}
			counters = append(counters, m["counter"].(float64))
		case m["final_counter"] != nil:
			same("summary", m)
			final = m["final_counter"].(float64)
		case m["error"] != nil && m["error"] != "access denied to channel job_events for resource id 99999":
			t.Errorf("%v", m)
		}
	}
	for i, n := range counters {
		if n != float64(i+1) {
			t.Fatalf("event %d comes as number %d", int(n), i+1)
		}
	}
	s.make("users", anyMap{"username": "eve", "password": "stranger-danger"})
	cookies, token = s.session("eve", "stranger-danger")
	stranger := s.socket(cookies)
	stranger.next()
	stranger.send(anyMap{"groups": anyMap{"job_events": []int64{job}}, "xrftoken": token})
	if m := stranger.next(); m["error"] != fmt.Sprintf("access denied to channel job_events for resource id %d", job) {
		t.Errorf("a stranger gets %v", m)
	}
	nobody := s.socket("")
	if m := nobody.next(); m["close"] != true {
		t.Errorf("nobody gets %v", m)
	}
}

// follow reads server-sent events of a job after a place until the end, or until it has most of them.
func (s *site) follow(job int64, after, most int) (counters []int, ended bool, err error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("%s/events/?job=%d", s.url, job), nil)
	if err != nil {
		return nil, false, err
	}
	req.SetBasicAuth("admin", "secret-of-admin")
	req.Header.Set("Last-Event-ID", fmt.Sprint(after))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, false, err
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		return nil, false, fmt.Errorf("status %d", res.StatusCode)
	}
	sc := bufio.NewScanner(res.Body)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		if id, is := strings.CutPrefix(sc.Text(), "id: "); is {
			n := 0
			if _, err := fmt.Sscan(id, &n); err != nil {
				return nil, false, err
			}
			counters = append(counters, n)
			if len(counters) == most {
				return counters, false, nil
			}
		}
		if sc.Text() == "event: end" {
			return counters, true, nil
		}
	}
	return counters, false, sc.Err()
}

// TestResume follows a job with a connection that breaks after every few events: nothing is lost, nothing comes twice.
func TestResume(t *testing.T) {
	s := newSite(t)
	e := s.estate(greeting)
	job := s.launch(e)
	var all []int
	for ended := false; !ended; {
		after := 0
		if len(all) > 0 {
			after = all[len(all)-1]
		}
		var got []int
		var err error
		if got, ended, err = s.follow(job, after, 7); err != nil {
			t.Fatal(err)
		}
		all = append(all, got...)
	}
	rec := s.wait(fmt.Sprintf("/api/v2/jobs/%d/", job), finished)
	_, page := s.call(admin, "GET", fmt.Sprintf("/api/v2/jobs/%d/job_events/", job), nil)
	if rec["status"] != "successful" || float64(len(all)) != page["count"] || len(all) < 40 {
		t.Errorf("%d of %v events", len(all), page["count"])
	}
	for i, n := range all {
		if n != i+1 {
			t.Fatalf("event %d comes as number %d", n, i+1)
		}
	}
	for _, path := range []string{"/events/?job=x", "/events/?job=1&after=-1", "/events/?job=99999"} {
		if status, out := s.call(admin, "GET", path, nil); status < 400 || status > 499 {
			t.Errorf("%s: %d %v", path, status, out)
		}
	}
	if status, _ := s.call("", "GET", fmt.Sprintf("/events/?job=%d", job), nil); status != 401 {
		t.Errorf("nobody may follow: %d", status)
	}
}

// TestFollowers lets 500 follow one job: all of them get all of its events.
func TestFollowers(t *testing.T) {
	s := newSite(t)
	e := s.estate(greeting)
	job := s.launch(e)
	var all sync.WaitGroup
	results := make([][]int, 500)
	errs := make([]error, 500)
	for i := range results {
		all.Go(func() {
			var ended bool
			if results[i], ended, errs[i] = s.follow(job, 0, 1<<30); errs[i] == nil && !ended {
				errs[i] = fmt.Errorf("it ended after %d events", len(results[i]))
			}
		})
	}
	all.Wait()
	for i := range results {
		if errs[i] != nil {
			t.Fatalf("follower %d: %v", i, errs[i])
		}
		if len(results[i]) < 40 || !slices.Equal(results[i], results[0]) {
			t.Fatalf("follower %d got %v, the first %v", i, results[i], results[0])
		}
	}
}
