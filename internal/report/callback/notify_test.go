package callback_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/report/callback"
	"github.com/troupe-automation/troupe/internal/term"
	"github.com/troupe-automation/troupe/value"
)

// notified runs a callback over a playbook where one host fails. env is the environment, ini the text of ansible.cfg.
func notified(t *testing.T, name string, env map[string]string, ini string) (said string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/ansible.cfg", []byte(ini), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(config.Environ{Lookup: func(k string) (string, bool) { v, ok := env[k]; return v, ok }, Cwd: dir, Home: dir}, dir+"/ansible.cfg")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	d := &callback.Display{Out: &term.Stream{W: &out, Width: 79}, Err: &term.Stream{W: &out, Width: 1000}}
	e, ok := callback.Find(name)
	if !ok {
		t.Fatal("no callback " + name)
	}
	cb := e.New(d, callback.Options{
		Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
		Option: func(s *config.Setting) value.Value {
			v, _, err := c.Option(s, config.Sources{})
			if err != nil {
				t.Error(err)
			}
			return v
		},
	})
	task := &event.Task{ID: "t", Name: "web : restart", Action: "ansible.builtin.command", Written: "command"}
	secret := &event.Task{ID: "s", Name: "log in", Action: "ansible.builtin.uri", Written: "uri", NoLog: true}
	for _, ev := range []event.Event{
		&event.PlaybookStart{File: "/srv/site.yml"}, &event.PlayStart{ID: "p", Name: "Web"},
		&event.Result{Task: task, Host: event.Host{Name: "web1"}, Status: event.OK, Result: value.DictOf("rc", value.Int(0))},
		&event.Result{Task: task, Host: event.Host{Name: "web2"}, Status: event.Failed, Ignored: true, Result: value.DictOf("msg", value.Str("ignored"))},
		&event.Result{Task: task, Host: event.Host{Name: "web2"}, Status: event.Failed, Result: value.DictOf("msg", value.Str("no such service\r\nBcc: x@evil.example"), "stderr", value.Str("boom"))},
		&event.Result{Task: secret, Host: event.Host{Name: "web2"}, Status: event.Failed, Result: value.DictOf("censored", value.Str("the output has been hidden"))},
		&event.Stats{Hosts: []string{"web2", "web1"}, ByHost: map[string]event.Summary{"web1": {OK: 1}, "web2": {OK: 1, Failed: 2}}},
	} {
		cb.Emit(ev)
	}
	return out.String()
}

// received is a server that keeps what it is sent.
func received(t *testing.T, status int) (address string, got *[]map[string]any, headers *http.Header) {
	t.Helper()
	got, headers = &[]map[string]any{}, &http.Header{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %v", r.Method, r.Header.Get("Content-Type"), err)
		}
		body["query"] = r.URL.RawQuery
		*got, *headers = append(*got, body), r.Header
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/secret-path", got, headers
}

func TestSlack(t *testing.T) {
	address, got, _ := received(t, 200)
	if said := notified(t, "community.general.slack", map[string]string{"SLACK_WEBHOOK_URL": address}, "[callback_slack]\nchannel = #ops\n"); said != "" {
		t.Errorf("said %q", said)
	}
	if len(*got) != 3 {
		t.Fatalf("%d messages, want 3", len(*got))
	}
	last := (*got)[2]
	text := last["attachments"].([]any)[0].(map[string]any)["fallback"].(string)
	table := `+------+----+---------+-------------+----------+---------+---------+
| Host | Ok | Changed | Unreachable | Failures | Rescued | Ignored |
+------+----+---------+-------------+----------+---------+---------+
| web1 | 1  |    0    |      0      |    0     |    0    |    0    |
| web2 | 1  |    0    |      0      |    2     |    0    |    0    |
+------+----+---------+-------------+----------+---------+---------+`
	if last["channel"] != "#ops" || last["username"] != "ansible" || !strings.Contains(text, "*Failed!*\n```\n"+table+"\n```") {
		t.Errorf("got %v", last)
	}
	if first := (*got)[0]["attachments"].([]any)[0].(map[string]any)["fallback"].(string); !strings.HasSuffix(first, "\n\n*site.yml*") {
		t.Errorf("got %q", first)
	}
}

// The texts are those that community.general's plugin sent with ansible-core 2.18 for such command lines, at -v and -vv.
func TestSlackInvocation(t *testing.T) {
	address, got, _ := received(t, 200)
	for _, c := range []struct {
		verbosity int
		by        callback.Invocation
		want      string
	}{
		{1, callback.Invocation{Inventory: []string{"/srv/inv"}, ExtraVars: []string{"x=1"}}, "*Playbook initiated* (_X_) \n\n*p.yml*"},
		{2, callback.Invocation{Inventory: []string{"/srv/inv"}, Tags: []string{"all"}}, "*Playbook initiated* (_X_) by *None* \n\n*p.yml*\n```\nInventory:  /srv/inv\nTags:       all\n```"},
		{2, callback.Invocation{
			Inventory: []string{"/srv/inv", "/srv/b,"}, Tags: []string{"b", "a"}, SkipTags: []string{"d", "c"}, Limit: "a", RemoteUser: "bob",
			ExtraVars: []string{"x=1", "@/srv/v.yml", `{"k":2}`},
		}, "*Playbook initiated* (_X_) by *bob* \n\n*p.yml*\n```\nInventory:  /srv/inv, /srv/b,\nTags:       b, a\nSkip Tags:  d, c\nLimit:      a\nExtra Vars: x=1 @/srv/v.yml {\"k\":2}\n```"},
	} {
		*got = nil
		e, _ := callback.Find("slack")
		d := &callback.Display{Out: &term.Stream{W: io.Discard}, Err: &term.Stream{W: io.Discard}, Verbosity: c.verbosity}
		cb := e.New(d, callback.Options{Invocation: c.by, Option: func(s *config.Setting) value.Value {
			if s.Name == "webhook_url" {
				return value.Str(address)
			}
			return value.None
		}})
		cb.Emit(&event.PlaybookStart{File: "p.yml"})
		if len(*got) != 1 {
			t.Fatalf("%d messages", len(*got))
		}
		text := (*got)[0]["attachments"].([]any)[0].(map[string]any)["fallback"].(string)
		if text = regexp.MustCompile(`_[0-9a-f]{6}_`).ReplaceAllString(text, "_X_"); text != c.want {
			t.Errorf("got %q, want %q", text, c.want)
		}
	}
}

// The address of a webhook is a secret.
func TestSlackRefused(t *testing.T) {
	address, _, _ := received(t, 404)
	said := notified(t, "slack", map[string]string{"SLACK_WEBHOOK_URL": address}, "")
	if !strings.Contains(said, "Could not submit message to Slack: HTTP Error 404: Not Found") || strings.Contains(said, "secret-path") {
		t.Errorf("said %q", said)
	}
	if said = notified(t, "slack", map[string]string{"SLACK_WEBHOOK_URL": "http://127.0.0.1:1/secret-path"}, ""); !strings.Contains(said, "refused") || strings.Contains(said, "secret-path") {
		t.Errorf("said %q", said)
	}
	if said = notified(t, "slack", nil, ""); !strings.Contains(said, "Slack Webhook URL was not provided") {
		t.Errorf("said %q", said)
	}
}

func TestDingTalk(t *testing.T) {
	address, got, _ := received(t, 200)
	notified(t, "dingtalk", map[string]string{"DINGTALK_WEBHOOK_URL": address + "?access_token=a", "DINGTALK_SECRET": "SECx"}, "")
	if len(*got) != 1 {
		t.Fatalf("%d messages, want 1", len(*got))
	}
	m := (*got)[0]["markdown"].(map[string]any)
	if want := "### Ansible execution failed\n- Execution time: 2026-01-02 03:04:05\n- Host count: 2\n- Failed hosts: web2\n"; m["text"] != want {
		t.Errorf("got %q, want %q", m["text"], want)
	}
	if q := (*got)[0]["query"]; q != "access_token=a&sign=Hjn2hwB3%2BuJFrd2mvfbco%2FmrSMhOc6TpoiYSGliell0%3D&timestamp=1767323045000" {
		t.Errorf("query %s", q)
	}
}

func TestWebhook(t *testing.T) {
	address, got, headers := received(t, 200)
	notified(t, "webhook", map[string]string{"ANSIBLE_WEBHOOK_URL": address, "ANSIBLE_WEBHOOK_TOKEN": "t0k"}, "")
	var types []string
	for _, e := range *got {
		types = append(types, e["type"].(string))
	}
	if strings.Join(types, " ") != "playbook_start result result stats" || headers.Get("Authorization") != "Bearer t0k" {
		t.Errorf("got %v, %v", types, headers)
	}
	if r := (*got)[2]["result"].(map[string]any); r["censored"] == nil {
		t.Errorf("got %v", r)
	}
	address, got, _ = received(t, 200)
	notified(t, "webhook", map[string]string{"ANSIBLE_WEBHOOK_URL": address, "ANSIBLE_WEBHOOK_EVENTS": "play_start"}, "")
	if len(*got) != 1 || (*got)[0]["name"] != "Web" {
		t.Errorf("got %v", *got)
	}
}

// letters is an SMTP server that keeps what it is sent: the commands and the letters.
func letters(t *testing.T) (port string, take func() []string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got, done := []string{}, make(chan string, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			done <- converse(c)
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, func() []string {
		for range 2 {
			got = append(got, <-done)
		}
		return got
	}
}

func converse(c net.Conn) string {
	defer c.Close()
	var all strings.Builder
	io.WriteString(c, "220 here\r\n")
	r := bufio.NewReader(c)
	data := false
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return all.String()
		}
		all.WriteString(line)
		switch {
		case data && line == ".\r\n":
			data = false
			io.WriteString(c, "250 ok\r\n")
		case data:
		case strings.HasPrefix(line, "DATA"):
			data = true
			io.WriteString(c, "354 go\r\n")
		case strings.HasPrefix(line, "QUIT"):
			io.WriteString(c, "221 bye\r\n")
			return all.String()
		default:
			io.WriteString(c, "250 ok\r\n")
		}
	}
}

func TestMail(t *testing.T) {
	port, take := letters(t)
	said := notified(t, "mail", map[string]string{"SMTPHOST": "127.0.0.1"}, "[callback_mail]\nsmtpport = "+port+"\nsender = Troupe <ops@example.org>\nto = a@example.org, b@example.org\nbcc = c@example.org\n")
	if said != "" {
		t.Errorf("said %q", said)
	}
	got := take()
	for _, want := range []string{
		"MAIL FROM:<ops@example.org>", "RCPT TO:<a@example.org>", "RCPT TO:<b@example.org>", "RCPT TO:<c@example.org>", "\r\nTo: <a@example.org>, <b@example.org>\r\n",
		"\r\nSubject: Failed: no such service\r\n", "Playbook: site.yml\r\nTask: web : restart\r\nModule: command\r\nHost: web2\r\n", "with the following error output:\r\n\r\n        boom\r\n",
	} {
		if !strings.Contains(got[0], want) {
			t.Errorf("no %q in %q", want, got[0])
		}
	}
	head, _, _ := strings.Cut(got[0], "\r\n\r\n")
	if strings.Contains(head, "evil") || strings.Contains(head, "c@example.org>,") {
		t.Errorf("head %q", head)
	}
	if !strings.Contains(got[1], "the output has been hidden") || strings.Contains(got[1], "ignored") {
		t.Errorf("got %q", got[1])
	}
	if said = notified(t, "mail", nil, ""); !strings.Contains(said, "has no sender") {
		t.Errorf("said %q", said)
	}
}
