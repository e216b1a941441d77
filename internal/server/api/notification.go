package api

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/notify"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// configurations are the entries that each type of notification needs; those that end in "!" are secrets.
var configurations = map[string][]string{
	"awssns": {"aws_region", "aws_access_key_id", "aws_secret_access_key!", "sns_topic_arn"}, "email": {"host", "port", "username", "password!", "use_tls", "use_ssl", "sender", "recipients", "timeout"},
	"grafana": {"grafana_url", "grafana_key!"}, "irc": {"server", "port", "nickname", "password!", "use_ssl", "targets"}, "mattermost": {"mattermost_url", "mattermost_no_verify_ssl"},
	"pagerduty": {"subdomain", "token!", "service_key", "client_name"}, "rocketchat": {"rocketchat_url", "rocketchat_no_verify_ssl"}, "slack": {"token!", "channels"},
	"twilio": {"account_sid", "account_token!", "from_number", "to_numbers"}, "webhook": {"url", "headers"},
}

func secretEntry(kind string) func(string) bool {
	return func(name string) bool {
		return name == "password" || slices.Contains(configurations[kind], name+"!")
	}
}

func notificationTemplateHooks() hooks {
	return hooks{
		check: func(q *request, old, rec domain.Record, w wrong) error {
			raw, given := rec["notification_configuration"].(json.RawMessage)
			if !given {
				return nil
			}
			if v, has := rec["organization"]; (has || old == nil) && v == nil {
				w.add("organization", "This field cannot be blank.")
				return nil
			}
			kind := merged(old, rec, "notification_type")
			var in map[string]any
			if err := json.Unmarshal(raw, &in); err != nil {
				w.add("notification_configuration", "Expected a dictionary.")
				return nil
			}
			var missing []string
			for _, name := range configurations[kind] {
				name = trimMark(name)
				if _, has := in[name]; !has && !(kind == "email" && (name == "timeout" || name == "username" || name == "password")) {
					missing = append(missing, name)
				}
			}
			if len(missing) > 0 {
				quoted := ""
				for i, m := range missing {
					if i > 0 {
						quoted += ", "
					}
					quoted += "'" + m + "'"
				}
				w.add("__all__", "Missing required fields for Notification Configuration: [%s].", quoted)
				return nil
			}
			before := map[string]any{}
			if old != nil {
				if err := old.Into("notification_configuration", &before); err != nil {
					return err
				}
			}
			q.sealFields(notify.Place, in, before, secretEntry(kind))
			rec["notification_configuration"] = domain.Encode(in)
			return nil
		},
		summary: func(q *request, rec domain.Record, o *object) error {
			rows, err := q.tx.List(domain.Of("notification"), store.Is("notification_template", rec.ID()), store.Page{Order: "t.id DESC", Limit: 5})
			list := []map[string]any{}
			for _, n := range rows {
				list = append(list, map[string]any{"id": n.ID(), "status": n.Str("status"), "created": n["created"], "error": n.Str("error")})
			}
			o.set("recent_notifications", list)
			return err
		},
	}
}

func trimMark(name string) string {
	if n := len(name); n > 0 && name[n-1] == '!' {
		return name[:n-1]
	}
	return name
}

var notificationTestAction = &action{
	rules: map[string]string{"POST": ":change"},
	post: func(q *request, _ *domain.Resource, rec domain.Record, _ map[string]any) (*reply, error) {
		var made domain.Record
		err := q.write(func(tx *store.Tx) error {
			var err error
			if made, err = notify.Test(tx, rec); err != nil {
				return err
			}
			tx.After(q.Notifications.Wake)
			made, err = tx.Get("notification", made.ID()) // as it is before it is sent
			return err
		})
		if err != nil {
			return nil, err
		}
		r := domain.Of("notification")
		shown, err := q.show(r, made, true)
		if err != nil {
			return nil, err
		}
		o := newObject()
		o.set("notification", made.ID())
		for _, k := range shown.keys {
			if v, has := shown.values[k]; has {
				o.set(k, v)
			}
		}
		return &reply{status: http.StatusAccepted, body: o, location: href(r, made.ID())}, nil
	},
}

func notificationHooks() hooks {
	return hooks{show: func(_ *request, rec domain.Record, o *object, _ bool) error {
		subject, body := notify.Shown(rec.Str("notification_type"))
		if !subject {
			o.drop("subject")
		}
		if !body {
			o.drop("body")
			return nil
		}
		var text string
		if err := rec.Into("body", &text); err != nil {
			return err
		}
		o.set("body", text)
		if rec.Str("notification_type") != "email" && json.Valid([]byte(text)) && text[0] == '{' {
			o.set("body", json.RawMessage(text))
		}
		return nil
	}}
}
