package domain

// asks are the prompt-on-launch flags: the field of the job that a launch may set, and the flag that allows it.
func asks(names ...string) []Field {
	var out []Field
	for _, n := range names {
		out = append(out, flag("ask_"+n+"_on_launch").Def(false))
	}
	return out
}

// prompts are the answers that schedules and workflow nodes save for a launch.
func prompts() []Field {
	return []Field{
		object("extra_data").Def(J("{}")), ref("inventory", "inventory"), text("scm_branch").Def(nil).NoFilter(),
		choice("job_type", nil, "", "run", "check").Def(nil).NoFilter(), text("job_tags").Def(nil).NoFilter(), text("skip_tags").Def(nil).NoFilter(),
		text("limit").Def(nil).NoFilter(), flag("diff_mode").Def(nil).NoFilter(), choice("verbosity", append([]any{nil}, verbosities...)...).Def(nil).NoFilter(),
		ref("execution_environment", "execution_environment"), number("forks").Def(nil).Range(0, 2147483647).NoFilter(),
		number("job_slice_count").Def(nil).Range(0, 2147483647).NoFilter(), number("timeout").Def(nil).NoFilter(),
	}
}

// promptLists are the lists that schedules and workflow nodes save for a launch.
func promptLists(owner string) []Related {
	return []Related{
		{Name: "labels", To: "label", Link: owner + ".labels", Change: true, Ask: "anyone"},
		{Name: "credentials", To: "credential", Link: owner + ".credentials", Change: true},
		{Name: "instance_groups", To: "instance_group", Link: owner + ".instance_groups", Change: true},
	}
}

// templates declares job templates, schedules and what belongs to them.
func templates() []*Resource {
	return []*Resource{
		{
			Type: "job_template", Path: "job_templates", Model: "JobTemplate", Title: "Job Template", Table: templateTable,
			Fields: join([]Field{
				choice("job_type", "run", "check").Def("run"), ref("inventory", "inventory"), ref("project", "project"), text("playbook").Def("").Most(1024),
				text("scm_branch").Def("").Most(1024), number("forks").Def(int64(0)).Range(0, 2147483647), text("limit").Def(""), choice("verbosity", verbosities...).Def(int64(0)),
				variables("extra_vars"), text("job_tags").Def(""), flag("force_handlers").Def(false), text("skip_tags").Def("").Most(1024),
				text("start_at_task").Def("").Most(1024), number("timeout").Def(int64(0)).Range(-2147483648, 2147483647), flag("use_fact_cache").Def(false),
				ref("organization", "organization").RO().Owns(),
			}, templateState("never updated"), []Field{
				ref("execution_environment", "execution_environment"), text("host_config_key").Def("").Most(1024).NoFilter(),
			}, asks("scm_branch", "diff_mode", "variables", "limit", "tags", "skip_tags", "job_type", "verbosity", "inventory", "credential",
				"execution_environment", "labels", "forks", "job_slice_count", "timeout", "instance_groups"), []Field{
				flag("survey_enabled").Def(false), flag("become_enabled").Def(false), flag("diff_mode").Def(false), flag("allow_simultaneous").Def(false),
				text("custom_virtualenv").RO().OrNull(), number("job_slice_count").Def(int64(1)).Range(0, 2147483647), choice("webhook_service", webhookService...).Def(""),
				ref("webhook_credential", "credential"), flag("prevent_instance_group_fallback").Def(false),
				object("survey_spec").Def(J("{}")).Hide(), text("webhook_key").Def("").Hide(),
			}),
			Unique: [][]string{{"name", "organization"}}, Key: []string{"name", "organization"},
			Roles: []Role{
				{"admin_role", "Admin", "Can manage all aspects of the job template", []string{"organization.job_template_admin_role"}},
				{"execute_role", "Execute", "May run the job template", []string{"admin_role", "organization.execute_role"}},
				{"read_role", "Read", "May view settings for the job template", []string{"organization.auditor_role", "inventory.organization.auditor_role", "execute_role", "admin_role"}},
			},
			Access: Access{Read: "read_role", Change: "admin_role", Delete: "admin_role", Add: "project.use_role", Start: "execute_role"},
			Related: append([]Related{
				{Name: "labels", To: "label", Link: "job_template.labels", Change: true, Ask: "anyone"},
				{Name: "credentials", To: "credential", Link: "job_template.credentials", Change: true},
				{Name: "instance_groups", To: "instance_group", Link: "job_template.instance_groups", Change: true},
				{Name: "jobs", To: "job", By: "job_template"},
				{Name: "schedules", To: "schedule", By: "unified_job_template", Change: true, Parent: true},
				{Name: "slice_workflow_jobs", To: "workflow_job", By: "job_template"},
			}, notified("job_template", false)...),
			Links: []Link{{Name: "launch"}, {Name: "survey_spec"}, {Name: "webhook_key"}, {Name: "webhook_receiver", Path: "-"}, {Name: "activity_stream"},
				{Name: "access_list"}, {Name: "object_roles"}, {Name: "copy"}},
			Copy: true,
		},
		{
			Type: "schedule", Path: "schedules", Model: "Schedule", Title: "Schedule",
			Fields: join([]Field{text("rrule").Need()}, prompts(), []Field{
				ref("unified_job_template", "unified_job_template").Need().Owns(), flag("enabled").Def(true),
				moment("dtstart").RO(), moment("dtend").RO(), moment("next_run").RO(), shown("timezone"), shown("until"),
			}),
			Unique:  [][]string{{"unified_job_template", "name"}},
			Access:  Access{Read: "unified_job_template.read_role", Change: "unified_job_template.admin_role", Delete: "unified_job_template.admin_role", Add: "unified_job_template.execute_role"},
			Related: append(promptLists("schedule"), Related{Name: "unified_jobs", Path: "jobs", To: "unified_job", By: "schedule"}),
		},
		{
			Type: "label", Path: "labels", Model: "Label", Title: "Label",
			Fields: append(without("description"), ref("organization", "organization").Need().Owns()),
			Search: []string{"name"}, Unique: [][]string{{"name", "organization"}}, Key: []string{"name", "organization"},
			Access: Access{Read: "organization.read_role", Change: "organization.admin_role", Add: "organization.read_role", Use: "organization.read_role"},
			NoDrop: true,
		},
		{
			Type: "execution_environment", Path: "execution_environments", Model: "ExecutionEnvironment", Title: "Execution Environment",
			Fields: []Field{
				ref("organization", "organization").Def(nil).Owns(), text("image").Need().Most(1024), flag("managed").RO(), ref("credential", "credential"),
				choice("pull", "", "always", "missing", "never").Def(""),
			},
			Unique: [][]string{{"name"}}, Key: []string{"name"},
			Access: Access{Read: "organization.read_role|global", Change: "organization.execution_environment_admin_role", Delete: "organization.execution_environment_admin_role",
				Add: "organization.execution_environment_admin_role", Use: "organization.read_role|global"},
			Related: []Related{{Name: "unified_job_templates", To: "unified_job_template", By: "execution_environment"}},
			Links:   []Link{{Name: "activity_stream"}, {Name: "copy"}},
			Copy:    true,
		},
		{
			Type: "unified_job_template", Path: "unified_job_templates", Model: "UnifiedJobTemplate", Title: "Unified Job Template", Table: templateTable,
			Types: []Type{"project", "inventory_source", "job_template", "system_job_template", "workflow_job_template"},
			Fields: join(templateState("never updated", "ok", "missing", "none", "updating"), []Field{
				ref("execution_environment", "execution_environment").RO(), ref("organization", "organization").Hide(),
			}),
			NoPost: true, NoPut: true, NoDrop: true,
			Related: []Related{{Name: "schedules", To: "schedule", By: "unified_job_template", Hidden: true}},
		},
	}
}
