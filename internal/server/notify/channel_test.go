package notify

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// heard is a request as a service gets it.
type heard struct{ method, path, auth, kind, body string }

func service(t *testing.T, answer string, status int) (address string, got *[]heard) {
	t.Helper()
	got = &[]heard{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/there", http.StatusMovedPermanently)
			return
		}
		*got = append(*got, heard{r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(b)})
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, got
}

func conf(t *testing.T, text string) map[string]any {
	t.Helper()
	out := map[string]any{}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestServices compares the requests with those that AWX sends (webhook and grafana as they were recorded on the wire).
func TestServices(t *testing.T) {
	const subject = `Job #148 'Hello' successful: https://towerhost/#/jobs/playbook/148`
	const body = `{"id": 148, "started": "2026-11-21T05:39:59.912555+00:00", "finished": "2026-11-21T05:40:01.795527+00:00"}`
	for _, c := range []struct {
		name, kind, conf, answer string
		to                       []string
		want                     heard
	}{
		{"webhook", "webhook", `{"http_method": "PUT", "username": "u", "password": "p", "headers": {"X-A": "b"}}`, "", []string{"@/hook"}, heard{"PUT", "/hook", "Basic dTpw", "application/json", strings.ReplaceAll(strings.ReplaceAll(body, ": ", ":"), ", ", ",")}},
		{"a redirect keeps method and body", "webhook", `{"http_method": "POST"}`, "", []string{"@/moved"}, heard{"POST", "/there", "", "application/json", strings.ReplaceAll(strings.ReplaceAll(body, ": ", ":"), ", ", ",")}},
		{"grafana", "grafana", `{"grafana_key": "k"}`, "", []string{"@"}, heard{"POST", "/api/annotations", "Bearer k", "application/json", `{"isRegion":true,"text":"Job #148 'Hello' successful: https://towerhost/#/jobs/playbook/148","time":1795239599912,"timeEnd":1795239601795}`}},
		{"mattermost", "mattermost", `{"mattermost_channel": " ops "}`, "", []string{"@/m"}, heard{"POST", "/m", "", "application/json", `{"channel":"ops","text":"Job #148 'Hello' successful: https://towerhost/#/jobs/playbook/148"}`}},
		{"rocket.chat", "rocketchat", `{}`, "", []string{"@/r"}, heard{"POST", "/r", "", "application/json", `{"text":"Job #148 'Hello' successful: https://towerhost/#/jobs/playbook/148"}`}},
		{"slack", "slack", `{"token": "t"}`, `{"ok": true}`, []string{"#ops,12.3"}, heard{"POST", "/chat.postMessage", "Bearer t", "application/json", `{"as_user":true,"channel":"ops","text":"Job #148 'Hello' successful: https://towerhost/#/jobs/playbook/148","thread_ts":"12.3"}`}},
		{"pagerduty", "pagerduty", `{"client_name": "c"}`, "", []string{"key"}, heard{"POST", "/generic/2010-04-15/create_event.json", "", "application/json",
			`{"client":"c","description":"Job #148 'Hello' successful: https://towerhost/#/jobs/playbook/148","details":{"finished":"2026-11-21T05:40:01.795527+00:00","id":148,"started":"2026-11-21T05:39:59.912555+00:00"},"event_type":"trigger","service_key":"key"}`}},
		{"twilio", "twilio", `{"account_sid": "AC/1", "account_token": "t", "from_number": "+1"}`, "", []string{"+2"}, heard{"POST", "/2010-04-01/Accounts/AC/1/Messages.json", "Basic QUMvMTp0", "application/x-www-form-urlencoded",
			"Body=Job+%23148+%27Hello%27+successful%3A+https%3A%2F%2Ftowerhost%2F%23%2Fjobs%2Fplaybook%2F148&From=%2B1&To=%2B2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, got := service(t, c.answer, 200)
			before := []string{slackAPI, twilioAPI, pagerAPI}
			slackAPI, twilioAPI, pagerAPI = address, address, address
			defer func() { slackAPI, twilioAPI, pagerAPI = before[0], before[1], before[2] }()
			l := &Letter{Subject: subject, Body: body, conf: conf(t, c.conf)}
			for _, to := range c.to {
				l.to = append(l.to, strings.Replace(to, "@", address, 1))
			}
			if n, err := channels[c.kind].send(t.Context(), l); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			if len(*got) != 1 || (*got)[0] != c.want {
				t.Errorf("sent\n%q, want\n%q", *got, c.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		kind, conf, answer string
		status             int
		want               string
	}{
		{"webhook", `{"http_method": "POST"}`, "", 500, "Error sending notification webhook: 500"},
		{"webhook", `{"http_method": "GET"}`, "", 200, "HTTP method must be either 'POST' or 'PUT'."},
		{"slack", `{"token": "PLANTED"}`, `{"ok": false, "error": "not_in_channel"}`, 200, "(not_in_channel)"},
		{"slack", `{"token": "PLANTED"}`, `no JSON`, 200, "unable to send"},
	} {
		address, _ := service(t, c.answer, c.status)
		before := slackAPI
		slackAPI = address
		_, err := channels[c.kind].send(t.Context(), &Letter{Subject: "s", Body: "{}", conf: conf(t, c.conf), to: []string{address + "/PLANTED"}})
		slackAPI = before
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.kind, err, c.want)
		}
	}
	// An address is a secret with some services: it is in no error.
	_, err := channels["mattermost"].send(t.Context(), &Letter{conf: map[string]any{}, to: []string{"http://127.0.0.1:1/hooks/PLANTED"}})
	if err == nil || strings.Contains(err.Error(), "PLANTED") {
		t.Error(err)
	}
}

// line is a server that talks in lines, for one connection; what the client said comes out of the channel.
func line(t *testing.T, greeting string, answer func(said string) string) (host string, port int, said chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	said = make(chan string, 100)
	go func() {
		defer close(said)
		defer l.Close()
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, greeting)
		for in := bufio.NewScanner(conn); in.Scan(); {
			said <- in.Text()
			io.WriteString(conn, answer(in.Text()))
		}
	}()
	host, text, _ := net.SplitHostPort(l.Addr().String())
	port, _ = strconv.Atoi(text)
	return host, port, said
}

func all(said chan string) string {
	var b strings.Builder
	for s := range said {
		b.WriteString(s + "\n")
	}
	return b.String()
}

func TestMail(t *testing.T) {
	data := false
	host, port, said := line(t, "220 here\r\n", func(s string) string {
		word, _, _ := strings.Cut(s, " ")
		switch {
		case data && s == ".":
			data = false
			return "250 ok\r\n"
		case data:
			return ""
		case word == "EHLO":
			return "250-here\r\n250 AUTH PLAIN\r\n"
		case word == "DATA":
			data = true
			return "354 go\r\n"
		case word == "AUTH":
			return "235 ok\r\n"
		case word == "QUIT":
			return "221 bye\r\n"
		}
		return "250 ok\r\n"
	})
	l := &Letter{Subject: "Job 'Über'\r\nBcc: eve@example.com", Body: "done\n.\nend", to: []string{"ann@example.com", "Bob <bob@example.com>"},
		conf: map[string]any{"host": host, "port": float64(port), "username": "u", "password": "p", "sender": "Troupe <t@example.com>"}}
	if n, err := sendMail(t.Context(), l); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	got := all(said)
	for _, want := range []string{"AUTH PLAIN AHUAcA==\n", "MAIL FROM:<t@example.com>", "RCPT TO:<ann@example.com>\nRCPT TO:<bob@example.com>\n", "From: \"Troupe\" <t@example.com>\n",
		"To: <ann@example.com>, \"Bob\" <bob@example.com>\n", "Subject: =?utf-8?q?Job_'=C3=9Cber'_Bcc:_eve@example.com?=\n", "\n\ndone\n..\nend\n.\nQUIT\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestIRC(t *testing.T) {
	host, port, said := line(t, "", func(s string) string {
		word, rest, _ := strings.Cut(s, " ")
		switch word {
		case "USER":
			return "PING :x\r\n:irc 001 bot :welcome\r\n"
		case "JOIN":
			return ":bot!u@h JOIN :" + rest + "\r\n"
		}
		return ""
	})
	l := &Letter{Subject: "it ran\r\nQUIT", to: []string{"#ops", "ann"}, conf: map[string]any{"server": host, "port": float64(port), "nickname": "bot"}}
	if n, err := sendIRC(t.Context(), l); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	if got, want := all(said), "NICK bot\nUSER bot 0 * :bot\nPONG :x\nJOIN #ops\nPRIVMSG ann :it ran QUIT\nPRIVMSG #ops :it ran QUIT\nQUIT\n"; got != want {
		t.Errorf("said\n%s", got)
	}
}

// TestSilence does not wait for ever for a server that says nothing.
func TestSilence(t *testing.T) {
	host, port, _ := line(t, "", func(string) string { return "" })
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if _, err := sendMail(ctx, &Letter{to: []string{"a@b"}, conf: map[string]any{"host": host, "port": fmt.Sprint(port), "sender": "a@b"}}); err == nil {
		t.Error("a mail to nobody was sent")
	}
}
