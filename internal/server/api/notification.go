package api

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/troupe-automation/troupe/internal/server/domain"
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
			q.sealFields("notification_template.notification_configuration", in, before, secretEntry(kind))
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
		return nil, detail(501, "%s", fmt.Sprintf("This server does not send notifications yet (%s).", rec.Str("notification_type")))
	},
}
