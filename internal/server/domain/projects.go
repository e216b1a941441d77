package domain

var (
	jobStatuses    = []any{"new", "pending", "waiting", "running", "successful", "failed", "error", "canceled"}
	launchTypes    = []any{"manual", "relaunch", "callback", "scheduled", "dependency", "workflow", "webhook", "sync", "scm"}
	scmTypes       = []any{"", "git", "svn", "insights", "archive"}
	verbosities    = []any{int64(0), int64(1), int64(2), int64(3), int64(4), int64(5)}
	webhookService = []any{"", "github", "gitlab", "bitbucket_dc"}
	templateTable  = "unified_job_template"
	jobTable       = "unified_job"
)

func statuses(more ...any) []any { return append(append([]any{}, jobStatuses...), more...) }

// templateState is what every template tells of its last and next job.
func templateState(more ...any) []Field {
	return []Field{
		moment("last_job_run").RO(), flag("last_job_failed").RO(), moment("next_job_run").RO(), choice("status", statuses(more...)...).RO().Def("never updated"),
		ref("last_job", "unified_job").Hide().Link(), ref("current_job", "unified_job").Hide().Link(), ref("next_schedule", "schedule").Hide().Link(),
	}
}

func join(lists ...[]Field) []Field {
	var out []Field
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// projects declares projects.
func projects() []*Resource {
	return []*Resource{{
		Type: "project", Path: "projects", Model: "Project", Title: "Project", Table: templateTable,
		Fields: join([]Field{
			text("local_path").Def("").Most(1024), choice("scm_type", scmTypes...).Def(""), text("scm_url").Def("").Most(1024), text("scm_branch").Def("").Most(256),
			text("scm_refspec").Def("").Most(1024), flag("scm_clean").Def(false), flag("scm_track_submodules").Def(false), flag("scm_delete_on_update").Def(false),
			ref("credential", "credential"), number("timeout").Def(int64(0)).Range(-2147483648, 2147483647), text("scm_revision").RO(),
		}, templateState("never updated", "ok", "missing"), []Field{
			ref("organization", "organization").Owns(), flag("scm_update_on_launch").Def(false), number("scm_update_cache_timeout").Def(int64(0)).Range(0, 2147483647),
			flag("allow_override").Def(false), text("custom_virtualenv").RO().OrNull(), ref("default_environment", "execution_environment"),
			ref("signature_validation_credential", "credential"),
			shown("last_update_failed").As(Boolean), shown("last_updated").As(DateTime),
			object("playbook_files").Def(J("[]")).Hide(), object("inventory_files").Def(J("[]")).Hide(),
		}),
		Unique: [][]string{{"organization", "name"}}, Key: []string{"name", "organization"},
		Roles: []Role{
			{"admin_role", "Admin", "Can manage all aspects of the project", []string{"organization.project_admin_role", sysadmin}},
			{"use_role", "Use", "Can use the project in a job template", []string{"admin_role"}},
			{"update_role", "Update", "May update the project", []string{"admin_role"}},
			{"read_role", "Read", "May view settings for the project", []string{"organization.auditor_role", sysauditor, "use_role", "update_role"}},
		},
		Access: Access{Read: "read_role", Change: "admin_role", Delete: "admin_role", Add: "organization.project_admin_role", Start: "update_role", Use: "use_role"},
		Related: append([]Related{
			{Name: "scm_inventory_sources", To: "inventory_source", By: "source_project"},
			{Name: "teams", To: "team", Custom: true},
			{Name: "project_updates", To: "project_update", By: "project"},
			{Name: "schedules", To: "schedule", By: "unified_job_template", Change: true, Parent: true},
		}, notified("project", false)...),
		Links: []Link{{Name: "update"}, {Name: "playbooks"}, {Name: "inventory_files", Path: "inventories"}, {Name: "activity_stream"},
			{Name: "access_list"}, {Name: "object_roles"}, {Name: "copy"}},
		Copy: true,
	}}
}
