package domain

// workflows declares workflow job templates, their nodes, their jobs and approvals.
func workflows() []*Resource {
	edges := func(owner Type) []Related {
		var out []Related
		for _, e := range []string{"success_nodes", "failure_nodes", "always_nodes"} {
			out = append(out, Related{Name: e, To: owner, Link: string(owner) + "." + e, Change: owner == "workflow_job_template_node", Ask: "workflow_job_template.admin_role"})
		}
		return out
	}
	return []*Resource{
		{
			Type: "workflow_job_template", Path: "workflow_job_templates", Model: "WorkflowJobTemplate", Title: "Workflow Job Template", Table: templateTable,
			Fields: join(templateState("never updated", "ok", "missing", "none", "updating"), []Field{
				variables("extra_vars"), ref("organization", "organization").Owns(), flag("survey_enabled").Def(false), flag("allow_simultaneous").Def(false),
				ref("inventory", "inventory"), text("limit").Def(nil).NoFilter(), text("scm_branch").Def(nil).NoFilter(),
			}, asks("variables", "inventory", "scm_branch", "limit", "labels", "skip_tags", "tags"), []Field{
				choice("webhook_service", webhookService...).Def(""), ref("webhook_credential", "credential"),
				text("skip_tags").Def(nil).NoFilter(), text("job_tags").Def(nil).NoFilter(),
				object("survey_spec").Def(J("{}")).Hide(), text("webhook_key").Def("").Hide(),
			}),
			Unique: [][]string{{"name", "organization"}}, Key: []string{"name", "organization"},
			Roles: []Role{
				{"admin_role", "Admin", "Can manage all aspects of the workflow job template", []string{sysadmin, "organization.workflow_admin_role"}},
				{"execute_role", "Execute", "May run the workflow job template", []string{"admin_role", "organization.execute_role"}},
				{"read_role", "Read", "May view settings for the workflow job template", []string{sysauditor, "organization.auditor_role", "execute_role", "admin_role", "approval_role"}},
				{"approval_role", "Approve", "Can approve or deny a workflow approval node", []string{"organization.approval_role", "admin_role"}},
			},
			Access: Access{Read: "read_role", Change: "admin_role", Delete: "admin_role", Add: "organization.workflow_admin_role", Start: "execute_role"},
			Related: append([]Related{
				{Name: "workflow_jobs", To: "workflow_job", By: "workflow_job_template"},
				{Name: "schedules", To: "schedule", By: "unified_job_template", Change: true, Parent: true},
				{Name: "workflow_nodes", To: "workflow_job_template_node", By: "workflow_job_template", Change: true, Parent: true},
				{Name: "labels", To: "label", Link: "workflow_job_template.labels", Change: true, Ask: "anyone"},
			}, notified("workflow_job_template", true)...),
			Links: []Link{{Name: "launch"}, {Name: "survey_spec"}, {Name: "webhook_key"}, {Name: "webhook_receiver", Path: "-"}, {Name: "activity_stream"},
				{Name: "access_list"}, {Name: "object_roles"}, {Name: "copy"}},
			Copy: true,
		},
		{
			Type: "workflow_job_template_node", Path: "workflow_job_template_nodes", Model: "WorkflowJobTemplateNode", Title: "Workflow Job Template Node",
			Fields: join(without("name", "description", "created_by", "modified_by"), prompts(), []Field{
				ref("workflow_job_template", "workflow_job_template").Need().Owns(), ref("unified_job_template", "unified_job_template"),
				shown("success_nodes"), shown("failure_nodes"), shown("always_nodes"), flag("all_parents_must_converge").Def(false), text("identifier").Def("").Most(512),
			}),
			Search: []string{"unified_job_template__name", "unified_job_template__description"}, Unique: [][]string{{"identifier", "workflow_job_template"}}, Key: []string{"identifier", "workflow_job_template"},
			Access:  Access{Read: "workflow_job_template.read_role", Change: "workflow_job_template.admin_role", Delete: "workflow_job_template.admin_role", Add: "workflow_job_template.admin_role"},
			Related: append(edges("workflow_job_template_node"), promptLists("workflow_job_template_node")...),
			Links:   []Link{{Name: "create_approval_template"}},
			Silent:  false,
		},
		{
			Type: "workflow_job", Path: "workflow_jobs", Model: "WorkflowJob", Title: "Workflow Job", Table: jobTable,
			Fields: run(
				ref("execution_environment", "execution_environment").Hide(), text("execution_node").Hide(), text("controller_node").Hide(), flag("event_processing_finished").Hide(),
				ref("workflow_job_template", "workflow_job_template").RO(), variables("extra_vars").RO(), flag("allow_simultaneous").RO(), ref("job_template", "job_template").RO(),
				flag("is_sliced_job").RO(), ref("inventory", "inventory").RO(), text("limit").RO().OrNull().NoFilter(), text("scm_branch").RO().OrNull().NoFilter(),
				choice("webhook_service", webhookService...).RO().Def(""), ref("webhook_credential", "credential").RO(), text("webhook_guid").RO(),
				text("skip_tags").RO().OrNull().NoFilter(), text("job_tags").RO().OrNull().NoFilter(), object("survey_passwords").Hide().Def(J("{}")),
			),
			Access: Access{Read: "workflow_job_template.read_role|organization.auditor_role|job_template.read_role", Delete: "organization.admin_role", Start: "workflow_job_template.execute_role", Change: "workflow_job_template.execute_role|creator"},
			NoPost: true, NoPut: true,
			Related: []Related{
				{Name: "workflow_nodes", To: "workflow_job_node", By: "workflow_job"},
				{Name: "labels", To: "label", Link: "unified_job.labels"},
				{Name: "notifications", To: "notification", Link: "unified_job.notifications"},
			},
			Links: []Link{{Name: "cancel"}, {Name: "relaunch"}, {Name: "activity_stream"}},
		},
		{
			Type: "workflow_job_node", Path: "workflow_job_nodes", Model: "WorkflowJobNode", Title: "Workflow Job Node",
			Fields: join(without("name", "description", "created_by", "modified_by"), prompts(), []Field{
				ref("job", "unified_job").RO(), ref("workflow_job", "workflow_job").RO().Owns(), ref("unified_job_template", "unified_job_template").RO(),
				shown("success_nodes"), shown("failure_nodes"), shown("always_nodes"), flag("all_parents_must_converge").RO(), flag("do_not_run").RO(), text("identifier").RO(),
			}),
			Search: []string{"unified_job_template__name", "unified_job_template__description"},
			Access: Access{Read: "workflow_job.workflow_job_template.read_role"}, NoPost: true, NoPut: true, NoDrop: true, Silent: true,
			Related: append(edges("workflow_job_node"), promptLists("workflow_job_node")...),
		},
		{
			Type: "workflow_approval_template", Path: "workflow_approval_templates", Model: "WorkflowApprovalTemplate", Title: "Workflow Approval Template", Table: templateTable, NoList: true,
			Fields: join(templateState("never updated", "ok", "missing", "none", "updating"), []Field{
				ref("execution_environment", "execution_environment").RO(), number("timeout").Def(int64(0)).Range(-2147483648, 2147483647),
				ref("workflow_job_template", "workflow_job_template").Hide().Owns(),
			}),
			Access:  Access{Read: "workflow_job_template.read_role", Change: "workflow_job_template.admin_role", Delete: "workflow_job_template.admin_role"},
			Related: []Related{{Name: "approvals", To: "workflow_approval", By: "unified_job_template"}}, NoPost: true,
		},
		{
			Type: "workflow_approval", Path: "workflow_approvals", Model: "WorkflowApproval", Title: "Workflow Approval", Table: jobTable,
			Fields: run(shown("can_approve_or_deny"), shown("approval_expiration"), flag("timed_out").RO(), number("timeout").Hide(), ref("workflow_job_template", "workflow_job_template").Hide(),
				ref("approved_or_denied_by", "user").Hide()),
			Access: Access{Read: "workflow_job_template.read_role", Start: "workflow_job_template.approval_role", Delete: "workflow_job_template.admin_role"}, NoPost: true, NoPut: true,
			Links: []Link{{Name: "approve"}, {Name: "deny"}},
		},
	}
}
