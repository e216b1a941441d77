package domain

import "math"

// system declares what the installation is made of and what it remembers.
func system() []*Resource {
	kinds := []any{"awssns", "email", "grafana", "irc", "mattermost", "pagerduty", "rocketchat", "slack", "twilio", "webhook"}
	return []*Resource{
		{
			Type: "notification_template", Path: "notification_templates", Model: "NotificationTemplate", Title: "Notification Template",
			Fields: []Field{
				ref("organization", "organization").Def(nil).Owns(), choice("notification_type", kinds...).Need(), object("notification_configuration").Def(J("{}")).Encrypted(),
				object("messages").Def(J(`{"error": null, "started": null, "success": null, "workflow_approval": null}`)),
			},
			Unique: [][]string{{"organization", "name"}}, Key: []string{"name", "organization"},
			Access: Access{Read: "organization.notification_admin_role|organization.auditor_role", Change: "organization.notification_admin_role", Delete: "organization.notification_admin_role",
				Add: "organization.notification_admin_role", Use: "organization.notification_admin_role"},
			Related: []Related{{Name: "notifications", To: "notification", By: "notification_template"}},
			Links:   []Link{{Name: "test"}, {Name: "copy"}},
			Copy:    true,
		},
		{
			Type: "notification", Path: "notifications", Model: "Notification", Title: "Notification",
			Fields: append(without("name", "description", "created_by", "modified_by"),
				ref("notification_template", "notification_template").RO().Owns(), text("error").RO(), choice("status", "pending", "successful", "failed").RO().Def("pending"),
				number("notifications_sent").RO(), choice("notification_type", kinds...).RO(), text("recipients").RO(), text("subject").RO(), object("body").RO().Def(J("{}"))),
			Search: []string{"subject", "notification_type", "body"},
			Access: Access{Read: "notification_template.organization.notification_admin_role"}, NoPost: true, NoPut: true, NoDrop: true, Silent: true,
		},
		{
			Type: "instance", Path: "instances", Model: "Instance", Title: "Instance",
			Fields: append(without("name", "description"),
				text("hostname").Need().Most(250), text("uuid").RO(), moment("last_seen").RO(), moment("health_check_started").RO(), shown("health_check_pending"), moment("last_health_check").RO(),
				text("errors").RO(), decimal("capacity_adjustment").Def("1.00").Range(0, math.MaxInt64), text("version").RO(), number("capacity").RO().Range(0, math.MaxInt32), shown("consumed_capacity"),
				shown("percent_capacity_remaining"), shown("jobs_running").As(Integer), shown("jobs_total").As(Integer), decimal("cpu").RO().Def("0.0"), number("memory").RO(), number("cpu_capacity").RO(),
				number("mem_capacity").RO(), flag("enabled").Def(true), flag("managed_by_policy").Def(true),
				choice("node_type", "control", "execution", "hybrid", "hop").Def("execution"),
				choice("node_state", "provisioning", "provision-fail", "installed", "ready", "unavailable", "deprovisioning", "deprovision-fail").Def("installed"),
				flag("managed").RO(), text("ip_address").RO().OrNull(), shown("peers"), shown("reverse_peers"), number("listener_port").OrNull().NoFilter(), flag("peers_from_control_nodes").NoFilter(), shown("protocol")),
			Search: []string{"hostname"}, Unique: [][]string{{"hostname"}}, Key: []string{"hostname"},
			Access:  Access{Read: "anyone"}, // as in AWX: who may see an instance group sees its instances
			NoDrop:  true,
			Related: []Related{{Name: "jobs", To: "unified_job", Custom: true}, {Name: "instance_groups", To: "instance_group", Link: "instance_group.instances", Reverse: true, Change: true}},
			Links:   []Link{{Name: "peers"}, {Name: "receptor_addresses"}},
			Silent:  true,
		},
		{
			Type: "instance_group", Path: "instance_groups", Model: "InstanceGroup", Title: "Instance Group",
			Fields: append(without("description"),
				text("name").Need().Most(250), shown("capacity"), shown("consumed_capacity"), shown("percent_capacity_remaining"), shown("jobs_running"),
				number("max_concurrent_jobs").Def(int64(0)).Range(0, math.MaxInt32), number("max_forks").Def(int64(0)).Range(0, math.MaxInt32), shown("jobs_total").As(Integer), shown("instances"),
				flag("is_container_group").Def(false), ref("credential", "credential"), number("policy_instance_percentage").Def(int64(0)).Range(0, 100),
				number("policy_instance_minimum").Def(int64(0)).Range(0, math.MaxInt32), object("policy_instance_list").Def(J("[]")), text("pod_spec_override").Def("")),
			Search: []string{"name"}, Unique: [][]string{{"name"}}, Key: []string{"name"},
			Roles: []Role{
				{"admin_role", "Admin", "Can manage all aspects of the instance group", []string{sysadmin}},
				{"use_role", "Use", "Can use the instance group in a job template", []string{"admin_role"}},
				{"read_role", "Read", "May view settings for the instance group", []string{sysauditor, "use_role", "admin_role"}},
			},
			Access:  Access{Read: "read_role", Change: "admin_role", Delete: "admin_role", Use: "use_role"},
			Related: []Related{{Name: "jobs", To: "unified_job", By: "instance_group"}, {Name: "instances", To: "instance", Link: "instance_group.instances", Change: true}},
			Links:   []Link{{Name: "access_list"}, {Name: "object_roles"}},
		},
		{
			Type: "activity_stream", Path: "activity_stream", Model: "ActivityStream", Title: "Activity Stream",
			Fields: append(without("name", "description", "created", "modified", "created_by", "modified_by"),
				moment("timestamp").RO(), choice("operation", "create", "update", "delete", "associate", "disassociate").RO(), object("changes").RO(), text("object1").RO(), text("object2").RO(),
				shown("object_association"), text("action_node").RO(), shown("object_type"),
				ref("actor", "user").Hide(), number("object1_id").Hide(), number("object2_id").Hide(), text("association").Hide()),
			Search: []string{"changes"}, Access: Access{Read: "auditor"}, NoPost: true, NoPut: true, NoDrop: true, Silent: true,
		},
		{
			Type: "host_metric", Path: "host_metrics", Model: "HostMetric", Title: "Host Metric",
			Fields: append(without("name", "description", "created", "modified", "created_by", "modified_by"),
				text("hostname").RO(), moment("first_automation").RO(), moment("last_automation").RO(), moment("last_deleted").RO(), number("automated_counter").RO(), number("deleted_counter").RO(),
				flag("deleted").RO(), number("used_in_inventories").RO()),
			Search: []string{"hostname"}, Unique: [][]string{{"hostname"}}, Access: Access{Read: "auditor"}, NoPost: true, NoPut: true, Silent: true,
		},
	}
}
