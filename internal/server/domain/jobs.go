package domain

import "slices"

// run are the fields that every kind of job has; where a kind declares one of them itself, its own counts.
func run(more ...Field) []Field {
	common := []Field{
		ref("unified_job_template", "unified_job_template").RO(), choice("launch_type", launchTypes...).RO().Def("manual"), choice("status", jobStatuses...).RO().Def("new"),
		ref("execution_environment", "execution_environment").RO(), flag("failed").RO(), moment("started").RO(), moment("finished").RO(), moment("canceled_on").RO(),
		decimal("elapsed").RO().Def(float64(0)), text("job_args").RO().InDetail(), text("job_cwd").RO().InDetail(), object("job_env").RO().InDetail().Def(J("{}")),
		text("job_explanation").RO(), text("execution_node").RO(), text("controller_node").RO(), text("result_traceback").RO().InDetail(),
		flag("event_processing_finished").RO().InDetail().NoFilter().Def(false), shown("launched_by"), text("work_unit_id").RO().OrNull(),
	}
	hidden := []Field{
		ref("organization", "organization").Hide().Tell(), ref("instance_group", "instance_group").Hide().Tell(), ref("schedule", "schedule").Hide().Tell(),
		object("host_status_counts").Hide().Def(J("{}")), object("playbook_counts").Hide().Def(J("{}")),
		text("start_args").Hide(),                                                                                                     // what the run needs and nobody may see, encrypted
		number("attempt").Hide(), flag("cancel_flag").Hide(), text("pending_reason").Hide(), object("depends_on").Hide().Def(J("[]")), // dispatch's own
		number("events").Hide(), number("stdout_lines").Hide(),
	}
	own := map[string]bool{}
	for _, f := range more {
		own[f.Name] = true
	}
	mine := func(f Field) bool { return own[f.Name] }
	return join(slices.DeleteFunc(common, mine), more, slices.DeleteFunc(hidden, mine))
}

// jobs declares the runs of templates, their events and summaries.
func jobs() []*Resource {
	cancel := []Link{{Name: "cancel"}, {Name: "stdout"}}
	ofTemplate := func(template string) Access {
		return Access{Read: template + ".read_role|organization.auditor_role", Delete: "organization.admin_role|" + template + ".admin_role", Start: template + ".execute_role", Change: template + ".admin_role|creator"}
	}
	ofInventory := Access{Read: "inventory.read_role", Delete: "inventory.admin_role", Add: "inventory.adhoc_role", Start: "inventory.adhoc_role", Change: "inventory.admin_role|creator"}
	return []*Resource{
		{
			Type: "job", Path: "jobs", Model: "Job", Title: "Job", Table: jobTable,
			Fields: run(
				choice("job_type", "run", "check", "scan").RO().Def("run"), ref("inventory", "inventory").RO(), ref("project", "project").RO(), text("playbook").RO(),
				text("scm_branch").RO(), number("forks").RO().Range(0, 2147483647), text("limit").RO(), choice("verbosity", verbosities...).RO().Def(int64(0)), variables("extra_vars").RO(),
				text("job_tags").RO(), flag("force_handlers").RO(), text("skip_tags").RO(), text("start_at_task").RO(), number("timeout").RO().Range(-2147483648, 2147483647),
				flag("use_fact_cache").RO(), ref("organization", "organization").RO(), ref("job_template", "job_template").RO(), shown("passwords_needed_to_start"),
				flag("allow_simultaneous").RO(), object("artifacts").RO().Def(J("{}")), text("scm_revision").RO(), ref("instance_group", "instance_group").RO(), flag("diff_mode").RO(),
				number("job_slice_number").RO().Range(0, 2147483647), number("job_slice_count").RO().Range(0, 2147483647).Def(int64(1)),
				choice("webhook_service", webhookService...).RO().Def(""), ref("webhook_credential", "credential").RO(), text("webhook_guid").RO(),
				text("custom_virtualenv").RO().InDetail().OrNull(), object("playbook_counts").RO().InDetail().NoFilter().As(Shown).Def(J("{}")), object("host_status_counts").RO().InDetail().Def(J("{}")), flag("become_enabled").Hide(),
				object("survey_passwords").Hide().Def(J("{}")), ref("project_update", "unified_job").Hide(),
			),
			Access: ofTemplate("job_template"), NoPost: true, NoPut: true,
			Related: []Related{
				{Name: "labels", To: "label", Link: "unified_job.labels"},
				{Name: "credentials", To: "credential", Link: "unified_job.credentials"},
				{Name: "instance_groups", To: "instance_group", Link: "unified_job.instance_groups", Hidden: true},
				{Name: "job_host_summaries", To: "job_host_summary", By: "job"},
				{Name: "job_events", To: "job_event", Custom: true},
				{Name: "notifications", To: "notification", Link: "unified_job.notifications"},
			},
			Links: append(cancel, Link{Name: "relaunch"}, Link{Name: "create_schedule"}, Link{Name: "activity_stream"}),
		},
		{
			Type: "project_update", Path: "project_updates", Model: "ProjectUpdate", Title: "Project Update", Table: jobTable,
			Fields: run(
				text("local_path").RO(), choice("scm_type", scmTypes...).RO().Def(""), text("scm_url").RO(), text("scm_branch").RO(), text("scm_refspec").RO(), flag("scm_clean").RO(),
				flag("scm_track_submodules").RO(), flag("scm_delete_on_update").RO(), ref("credential", "credential").RO(), number("timeout").RO().Range(-2147483648, 2147483647),
				text("scm_revision").RO(), ref("project", "project").RO(), choice("job_type", "run", "check").RO().Def("check"), text("job_tags").RO(), text("controller_node").Hide(), object("playbook_counts").RO().InDetail().NoFilter().As(Shown).Def(J("{}")), object("host_status_counts").RO().InDetail().Def(J("{}")),
			),
			Access: Access{Read: "project.read_role", Delete: "project.admin_role", Start: "project.update_role", Change: "project.update_role|creator"}, NoPost: true, NoPut: true,
			Related: []Related{
				{Name: "scm_inventory_updates", To: "inventory_update", By: "source_project_update"},
				{Name: "notifications", To: "notification", Link: "unified_job.notifications"},
				{Name: "events", To: "job_event", Custom: true},
			},
			Links: cancel,
		},
		{
			Type: "inventory_update", Path: "inventory_updates", Model: "InventoryUpdate", Title: "Inventory Update", Table: jobTable,
			Fields: run(
				choice("source", inventorySources...).RO().Def(""), text("source_path").RO(), text("source_vars").RO(), text("scm_branch").RO(), ref("credential", "credential").RO().As(Integer).NoFilter(),
				text("enabled_var").RO(), text("enabled_value").RO(), text("host_filter").RO(), flag("overwrite").RO(), flag("overwrite_vars").RO(), text("custom_virtualenv").RO().OrNull(),
				number("timeout").RO().Range(-2147483648, 2147483647), choice("verbosity", int64(0), int64(1), int64(2)).RO().Def(int64(1)), text("limit").RO(), ref("inventory", "inventory").RO(),
				ref("inventory_source", "inventory_source").RO(), flag("license_error").RO(), flag("org_host_limit_error").RO(), ref("source_project_update", "unified_job").RO(),
				ref("instance_group", "instance_group").RO(), text("scm_revision").RO(), ref("source_project", "project").RO().InDetail().NoFilter().As(Shown),
			),
			Access: Access{Read: "inventory.read_role", Delete: "inventory.admin_role", Start: "inventory.update_role", Change: "inventory.update_role|creator"}, NoPost: true, NoPut: true,
			Related: []Related{
				{Name: "notifications", To: "notification", Link: "unified_job.notifications"},
				{Name: "credentials", To: "credential", Link: "unified_job.credentials"},
				{Name: "events", To: "job_event", Custom: true},
			},
			Links: cancel,
		},
		{
			Type: "ad_hoc_command", Path: "ad_hoc_commands", Model: "AdHocCommand", Title: "Ad Hoc Command", Table: jobTable,
			Fields: append(without("description"), run(
				choice("job_type", "run", "check").Def("run"), ref("inventory", "inventory").Need(), text("limit").Def(""), ref("credential", "credential"),
				choice("module_name", "command", "shell", "yum", "apt", "apt_key", "apt_repository", "apt_rpm", "service", "group", "user", "mount", "ping", "selinux", "setup",
					"win_ping", "win_service", "win_updates", "win_group", "win_user").Def("command"),
				text("module_args").Def(""), number("forks").Def(int64(0)).Range(0, 2147483647), choice("verbosity", verbosities...).Def(int64(0)), variables("extra_vars").As(String),
				flag("become_enabled").Def(false), flag("diff_mode").Def(false), ref("execution_environment", "execution_environment"), text("name").RO(),
				ref("unified_job_template", "unified_job_template").Hide(), ref("organization", "organization").Hide(), object("host_status_counts").RO().InDetail().Def(J("{}")),
			)...),
			Access: ofInventory, NoPut: true,
			Related: []Related{
				{Name: "events", To: "job_event", Custom: true},
				{Name: "notifications", To: "notification", Link: "unified_job.notifications"},
				{Name: "credentials", To: "credential", Link: "unified_job.credentials", Hidden: true},
			},
			Links: append(cancel, Link{Name: "relaunch"}, Link{Name: "activity_stream"}),
		},
		{
			Type: "system_job_template", Path: "system_job_templates", Model: "SystemJobTemplate", Title: "System Job Template", Table: templateTable,
			Fields: join(templateState("never updated", "ok", "missing", "none", "updating"), []Field{
				ref("execution_environment", "execution_environment").RO(),
				choice("job_type", "", "cleanup_jobs", "cleanup_activitystream", "cleanup_sessions", "cleanup_tokens").RO().Def(""),
			}),
			Access: Access{Read: "auditor"}, NoPost: true, NoPut: true, NoDrop: true,
			Related: append([]Related{
				{Name: "jobs", To: "system_job", By: "system_job_template"},
				{Name: "schedules", To: "schedule", By: "unified_job_template", Change: true, Parent: true},
			}, notified("system_job_template", false)...),
			Links: []Link{{Name: "launch"}},
		},
		{
			Type: "system_job", Path: "system_jobs", Model: "SystemJob", Title: "System Job", Table: jobTable,
			Fields: run(
				text("extra_vars").RO(), choice("job_type", "", "cleanup_jobs", "cleanup_activitystream", "cleanup_sessions", "cleanup_tokens").RO().Def(""), shown("result_stdout"), text("controller_node").Hide(),
				ref("system_job_template", "system_job_template").RO(),
			),
			Access: Access{Read: "auditor"}, NoPost: true, NoPut: true,
			Related: []Related{
				{Name: "events", To: "job_event", Custom: true},
				{Name: "notifications", To: "notification", Link: "unified_job.notifications"},
			},
			Links: []Link{{Name: "cancel"}},
		},
		{
			Type: "unified_job", Path: "unified_jobs", Model: "UnifiedJob", Title: "Unified Job", Table: jobTable,
			Types:  []Type{"project_update", "inventory_update", "job", "ad_hoc_command", "system_job", "workflow_job"},
			Fields: run(), NoPost: true, NoPut: true, NoDrop: true,
		},
		{
			Type: "job_host_summary", Path: "job_host_summaries", Model: "JobHostSummary", Title: "Job Host Summary", NoList: true,
			Fields: append(without("name", "description", "created_by", "modified_by"),
				ref("job", "job").RO().Owns(), ref("host", "host").RO(), ref("constructed_host", "host").RO(), text("host_name").RO(), number("changed").RO(), number("dark").RO(),
				number("failures").RO(), number("ok").RO(), number("processed").RO(), number("skipped").RO(), flag("failed").RO(), number("ignored").RO(), number("rescued").RO()),
			Search: []string{"host_name"}, Access: Access{Read: "job.job_template.read_role|job.inventory.read_role"}, NoPost: true, NoPut: true, NoDrop: true, Silent: true,
		},
		{
			Type: "job_event", Path: "job_events", Model: "JobEvent", Title: "Job Event", NoList: true, Table: "-",
			Fields: append(without("name", "description", "created_by", "modified_by"),
				ref("job", "job").RO(), text("event").RO(), number("counter").RO(), shown("event_display").As(String), object("event_data").RO(), shown("event_level").As(Integer), flag("failed").RO(),
				flag("changed").RO(), text("uuid").RO(), text("parent_uuid").RO(), ref("host", "host").RO(), text("host_name").RO(), text("playbook").RO(), text("play").RO(),
				text("task").RO(), text("role").RO(), text("stdout").RO(), number("start_line").RO(), number("end_line").RO(), number("verbosity").RO()),
			Search: []string{"stdout"}, Access: Access{Read: "job.job_template.read_role|job.inventory.read_role"}, NoPost: true, NoPut: true, NoDrop: true, Silent: true,
		},
		{
			Type: "ad_hoc_command_event", Path: "ad_hoc_command_events", Model: "AdHocCommandEvent", Title: "Ad Hoc Command Event", NoList: true, Table: "-",
			Fields: without("name", "description", "created", "modified", "created_by", "modified_by"), NoPost: true, NoPut: true, NoDrop: true, Silent: true,
		},
	}
}
