package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
)

// form is what a channel does with the body.
type form int

const (
	noBody   form = iota // the subject is all
	mailed               // text for people
	document             // an object for programs
)

// channel is a way to send.
type channel struct {
	to       string // the entry of the configuration that says to whom
	body     form
	bodyOnly bool // there is no subject
	send     func(context.Context, *Letter) (sent int, err error)
}

// channels are the ways to send, by the type of notification.
var channels = map[string]channel{
	"awssns":     {to: "sns_topic_arn", body: document, bodyOnly: true}, // not there yet
	"email":      {to: "recipients", body: mailed, send: sendMail},
	"grafana":    {to: "grafana_url", body: document, send: sendGrafana},
	"irc":        {to: "targets", send: sendIRC},
	"mattermost": {to: "mattermost_url", send: sendMattermost},
	"pagerduty":  {to: "service_key", body: document, send: sendPagerDuty},
	"rocketchat": {to: "rocketchat_url", send: sendRocketChat},
	"slack":      {to: "channels", send: sendSlack},
	"twilio":     {to: "to_numbers", send: sendTwilio},
	"webhook":    {to: "url", body: document, bodyOnly: true, send: sendWebhook},
}

// Shown tells which of subject and body replies have for a type.
func Shown(kind string) (subject, body bool) {
	c := channels[kind]
	return kind != "webhook", c.body == mailed || c.body == document && kind != "grafana"
}

// The addresses of services that have one for everybody. Tests put their own in place.
var (
	slackAPI  = "https://slack.com/api"
	twilioAPI = "https://api.twilio.com"
	pagerAPI  = "https://events.pagerduty.com"
)

// web sends one request and returns the answer's body; an answer of 400 or more is an error that names what, never a secret.
func web(ctx context.Context, what, method, address string, body []byte, insecure bool, set func(*http.Request)) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("sending to %s: the address is none", what)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "troupe")
	if set != nil {
		set(req)
	}
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure}}} //nolint:gosec // where the template says so
	if method == http.MethodPut || method == http.MethodPost {
		client.CheckRedirect = sameBody(body)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("sending to %s: %w", what, withoutAddress(err))
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 400 {
		return nil, fmt.Errorf("Error sending notification %s: %d", what, res.StatusCode) //nolint:staticcheck // AWX's words
	}
	return answer, nil
}

// sameBody follows a few redirects, which keep method and body.
func sameBody(body []byte) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if len(via) >= 5 {
			return fmt.Errorf("more than %d redirects", len(via))
		}
		req.Method = via[0].Method
		req.Header.Set("Content-Type", via[0].Header.Get("Content-Type"))
		req.Body = io.NopCloser(bytes.NewReader(body))
		req.ContentLength = int64(len(body))
		return nil
	}
}

// withoutAddress takes the address out of an error: chat services have keys in theirs.
func withoutAddress(err error) error {
	if e, is := err.(*url.Error); is {
		return e.Err
	}
	return err
}

// object is the body as an object; a text that is none gives an empty one.
func (l *Letter) object() map[string]any {
	out := map[string]any{}
	if json.Unmarshal([]byte(l.Body), &out) != nil || out == nil {
		return map[string]any{}
	}
	return out
}

func sendWebhook(ctx context.Context, l *Letter) (int, error) {
	method := strings.ToUpper(l.text("http_method"))
	switch method {
	case "":
		method = http.MethodPost
	case http.MethodPost, http.MethodPut:
	default:
		return 0, fmt.Errorf("HTTP method must be either 'POST' or 'PUT'.") //nolint:staticcheck // AWX's words
	}
	body := []byte(l.Body) // as it was written: its entries keep their order
	if !json.Valid(body) || !strings.HasPrefix(strings.TrimSpace(l.Body), "{") {
		body = []byte("{}")
	} else {
		var b bytes.Buffer
		if err := json.Compact(&b, body); err != nil {
			return 0, err
		}
		body = b.Bytes()
	}
	_, err := web(ctx, "webhook", method, l.to[0], body, l.on("disable_ssl_verification"), func(r *http.Request) {
		if u, p := l.text("username"), l.text("password"); u != "" || p != "" {
			r.SetBasicAuth(u, p)
		}
		headers, _ := l.conf["headers"].(map[string]any)
		for k, v := range headers {
			if s, is := v.(string); is {
				r.Header.Set(k, s)
			}
		}
	})
	if err != nil {
		return 0, err
	}
	return 1, nil
}

func sendGrafana(ctx context.Context, l *Letter) (int, error) {
	about := l.object()
	note := map[string]any{"isRegion": true, "text": l.Subject}
	if v, has := l.conf["isRegion"].(bool); has {
		note["isRegion"] = v
	}
	millis := func(field string) (int64, bool) {
		s, _ := about[field].(string)
		t, err := time.Parse(time.RFC3339Nano, s)
		return t.UnixMilli(), err == nil
	}
	if from, has := millis("started"); has {
		note["time"], note["timeEnd"] = from, from
		if to, has := millis("finished"); has {
			note["timeEnd"] = to
		}
	}
	for _, f := range []string{"dashboardId", "panelId"} {
		if n := l.number(f, 0); n != 0 {
			note[f] = n
		}
	}
	if tags, is := l.conf["annotation_tags"].([]any); is && len(tags) > 0 {
		note["tags"] = tags
	}
	_, err := web(ctx, "grafana", http.MethodPost, strings.TrimRight(l.to[0], "/")+"/api/annotations", domain.Encode(note), l.on("grafana_no_verify_ssl"), func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+l.text("grafana_key"))
	})
	if err != nil {
		return 0, err
	}
	return 1, nil
}

func sendMattermost(ctx context.Context, l *Letter) (int, error) {
	return chat(ctx, "mattermost", l, map[string]string{"mattermost_icon_url": "icon_url", "mattermost_channel": "channel", "mattermost_username": "username"}, l.on("mattermost_no_verify_ssl"))
}

func sendRocketChat(ctx context.Context, l *Letter) (int, error) {
	return chat(ctx, "rocket.chat", l, map[string]string{"rocketchat_icon_url": "icon_url", "rocketchat_username": "username"}, l.on("rocketchat_no_verify_ssl"))
}

// chat posts the subject to an incoming webhook of a chat service.
func chat(ctx context.Context, what string, l *Letter, more map[string]string, insecure bool) (int, error) {
	post := map[string]string{"text": l.Subject}
	for from, to := range more {
		if v := strings.TrimSpace(l.text(from)); v != "" {
			post[to] = v
		}
	}
	if _, err := web(ctx, what, http.MethodPost, l.to[0], domain.Encode(post), insecure, nil); err != nil {
		return 0, err
	}
	return 1, nil
}

func sendSlack(ctx context.Context, l *Letter) (int, error) {
	for sent, to := range l.to {
		to, thread, _ := strings.Cut(strings.TrimPrefix(to, "#"), ",")
		post := map[string]any{"channel": to, "as_user": true, "text": l.Subject}
		if color := l.text("hex_color"); strings.HasPrefix(color, "#") && (len(color) == 4 || len(color) == 7) {
			delete(post, "text")
			post["attachments"] = []map[string]string{{"color": color, "text": l.Subject}}
		}
		if thread != "" {
			post["thread_ts"] = thread
		}
		answer, err := web(ctx, "slack", http.MethodPost, slackAPI+"/chat.postMessage", domain.Encode(post), false, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+l.text("token")) })
		if err != nil {
			return sent, err
		}
		var said struct {
			OK    bool
			Error string
		}
		if err := json.Unmarshal(answer, &said); err != nil || !said.OK {
			return sent, fmt.Errorf("Slack Notification unable to send %s: %s (%s)", to, l.Subject, said.Error) //nolint:staticcheck // AWX's words
		}
	}
	return len(l.to), nil
}

func sendPagerDuty(ctx context.Context, l *Letter) (int, error) {
	var details any = l.Body
	if o := l.object(); len(o) > 0 {
		details = o
	}
	incident := map[string]any{"service_key": l.to[0], "event_type": "trigger", "description": l.Subject, "details": details, "client": l.text("client_name")}
	if _, err := web(ctx, "pagerduty", http.MethodPost, pagerAPI+"/generic/2010-04-15/create_event.json", domain.Encode(incident), false, nil); err != nil {
		return 0, err
	}
	return 1, nil
}

func sendTwilio(ctx context.Context, l *Letter) (sent int, err error) {
	for _, to := range l.to {
		form := url.Values{"To": {to}, "From": {l.text("from_number")}, "Body": {l.Subject}}
		_, failed := web(ctx, "twilio", http.MethodPost, twilioAPI+"/2010-04-01/Accounts/"+url.PathEscape(l.text("account_sid"))+"/Messages.json", []byte(form.Encode()), false, func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth(l.text("account_sid"), l.text("account_token"))
		})
		if failed != nil { // the others may still hear of it
			err = failed
			continue
		}
		sent++
	}
	return sent, err
}
