package api

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // GitHub and GitLab name deliveries and sign with it
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"net/http"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/auth"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/launch"
	"github.com/troupe-automation/troupe/internal/server/store"
)

const keyPlace = "unified_job_template.webhook_key"

// webhookKeyAction shows and changes the key that a template's webhooks are signed with.
var webhookKeyAction = &action{
	rules: map[string]string{"GET": ":change", "POST": ":change"},
	get: func(q *request, _ *domain.Resource, rec domain.Record) (*reply, error) {
		key := ""
		if s := rec.Str("webhook_key"); s != "" {
			var err error
			if key, err = q.Box.Open(keyPlace, s); err != nil {
				return nil, err
			}
		}
		return ok(map[string]string{"webhook_key": key})
	},
	post: func(q *request, r *domain.Resource, rec domain.Record, _ map[string]any) (*reply, error) {
		key, _ := auth.Token(36)
		err := q.write(func(tx *store.Tx) error {
			return tx.Update(r.Type, rec.ID(), domain.Record{"webhook_key": q.Box.Seal(keyPlace, key)})
		})
		return &reply{status: http.StatusCreated, body: map[string]string{"webhook_key": key}}, err
	},
}

// service is how one host of repositories signs and names what it sends.
type service struct {
	event, guid string // headers
	signed      func(key string, r *http.Request, body []byte) bool
	ref         func(payload map[string]any) any
}

func signature(prefix string, h func() hash.Hash) func(string, *http.Request, []byte) bool {
	return func(key string, r *http.Request, body []byte) bool {
		mac := hmac.New(h, []byte(key))
		mac.Write(body)
		return hmac.Equal([]byte(prefix+hex.EncodeToString(mac.Sum(nil))), []byte(r.Header.Get("X-Hub-Signature")))
	}
}

func dig(v any, path ...string) any {
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	return v
}

var services = map[string]service{
	"github": {"X-GitHub-Event", "X-GitHub-Delivery", signature("sha1=", sha1.New), func(p map[string]any) any {
		if v := dig(p, "pull_request", "head", "sha"); v != nil {
			return v
		}
		return p["after"]
	}},
	"gitlab": {"X-Gitlab-Event", "", func(key string, r *http.Request, _ []byte) bool {
		return subtle.ConstantTimeCompare([]byte(key), []byte(r.Header.Get("X-Gitlab-Token"))) == 1
	}, func(p map[string]any) any {
		if v := dig(p, "object_attributes", "last_commit", "id"); v != nil {
			return v
		}
		return p["checkout_sha"]
	}},
	"bitbucket_dc": {"X-Event-Key", "X-Request-Id", signature("sha256=", sha256.New), func(p map[string]any) any {
		changes, _ := p["changes"].([]any)
		if len(changes) > 0 {
			return dig(changes[0], "toHash")
		}
		return dig(p, "pullRequest", "fromRef", "latestCommit")
	}},
}

// webhookActions adds the receivers to the templates that have them.
func webhookActions() {
	for _, t := range []domain.Type{"job_template", "workflow_job_template"} {
		for name, s := range services {
			allActions[t][name] = receiver(name, s)
		}
	}
}

func receiver(name string, s service) *action {
	return &action{open: true, post: func(q *request, r *domain.Resource, rec domain.Record, _ map[string]any) (*reply, error) {
		body, err := io.ReadAll(q.r.Body)
		if err != nil {
			return nil, err
		}
		if rec.Str("webhook_service") != name || rec.Str("webhook_key") == "" {
			return nil, errForbidden
		}
		if name == "bitbucket_dc" && q.r.Header.Get(s.event) == "diagnostics:ping" {
			return ok(map[string]string{"message": "Webhook previously received, ignoring."})
		}
		key, err := q.Box.Open(keyPlace, rec.Str("webhook_key"))
		if err != nil {
			return nil, err
		}
		if !s.signed(key, q.r, body) {
			return nil, errForbidden
		}
		payload := map[string]any{}
		if err := json.Unmarshal(body, &payload); err != nil {
			return nil, detail(http.StatusBadRequest, "JSON parse error - %s", err)
		}
		sum := sha1.Sum(body)
		guid := hex.EncodeToString(sum[:])
		if s.guid != "" && q.r.Header.Get(s.guid) != "" {
			guid = q.r.Header.Get(s.guid)
		}
		n, err := q.tx.Count(domain.Of("unified_job"), store.All(store.Is("unified_job_template", rec.ID()), store.Is("webhook_guid", guid)))
		if err != nil {
			return nil, err
		}
		if n > 0 {
			return &reply{status: http.StatusAccepted, body: map[string]string{"message": "Webhook previously received, aborting."}}, nil
		}
		vars := map[string]any{}
		for _, prefix := range []string{"awx_", "tower_"} {
			vars[prefix+"webhook_event_type"] = q.r.Header.Get(s.event)
			vars[prefix+"webhook_event_guid"] = guid
			vars[prefix+"webhook_event_ref"] = s.ref(payload)
			vars[prefix+"webhook_status_api"] = nil
			vars[prefix+"webhook_payload"] = payload
		}
		p := launch.Prompts{Type: "webhook", ExtraVars: vars, Fields: domain.Record{"webhook_service": name, "webhook_guid": guid}}
		if _, err := q.launched(r, rec, p, nil); err != nil {
			return nil, err
		}
		return &reply{status: http.StatusAccepted, body: map[string]string{"message": "Job queued."}}, nil
	}}
}

// callbackAction lets a host that knows the template's key ask for a job on itself.
var callbackAction = &action{
	open: true,
	get: func(_ *request, _ *domain.Resource, rec domain.Record) (*reply, error) {
		return ok(map[string]any{"host_config_key": rec.Str("host_config_key"), "matching_hosts": []string{}})
	},
	post: func(q *request, r *domain.Resource, rec domain.Record, _ map[string]any) (*reply, error) {
		key := ""
		if strings.HasPrefix(q.r.Header.Get("Content-Type"), "application/json") {
			body, err := q.body()
			if err != nil {
				return nil, err
			}
			key, _ = body["host_config_key"].(string)
		} else if err := q.r.ParseForm(); err == nil {
			key = q.r.PostForm.Get("host_config_key")
		}
		want := rec.Str("host_config_key")
		if want == "" || subtle.ConstantTimeCompare([]byte(key), []byte(want)) != 1 {
			return nil, errForbidden
		}
		from := auth.Address(q.r)
		hosts, err := q.tx.List(domain.Of("host"), store.All(store.Is("inventory", rec.Int("inventory")), store.Where("t.enabled = 1")), store.Page{})
		if err != nil {
			return nil, err
		}
		var found []string
		for _, h := range hosts {
			vars, err := launch.ParseVars(h.Str("variables"))
			if err != nil {
				continue
			}
			if h.Str("name") == from || vars["ansible_host"] == from {
				found = append(found, h.Str("name"))
			}
		}
		switch len(found) {
		case 0:
			return nil, badRequest(map[string]string{"msg": "No matching host could be found!"})
		case 1:
		default:
			return nil, badRequest(map[string]string{"msg": "Multiple hosts matched the request!"})
		}
		rep, err := q.launched(r, rec, launch.Prompts{Type: "callback", ExtraVars: map[string]any{}, Fields: domain.Record{"limit": found[0]}}, nil)
		if err != nil {
			return nil, err
		}
		return &reply{status: http.StatusCreated, location: rep.location}, nil
	},
}
