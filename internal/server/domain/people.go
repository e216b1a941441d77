package domain

// sysadmin and sysauditor are the two roles that belong to no object.
const (
	sysadmin   = "system.administrator"
	sysauditor = "system.auditor"
)

// people declares organizations, users, teams and what they log in with.
func people() []*Resource {
	return []*Resource{
		{
			Type: "organization", Path: "organizations", Model: "Organization", Title: "Organization",
			Fields: []Field{
				number("max_hosts").Def(int64(0)).Range(0, 2147483647),
				text("custom_virtualenv").RO().OrNull(),
				ref("default_environment", "execution_environment"),
			},
			Unique: [][]string{{"name"}}, Key: []string{"name"},
			Roles: []Role{
				{"admin_role", "Admin", "Can manage all aspects of the organization", []string{sysadmin}},
				{"execute_role", "Execute", "May run any executable resources in the organization", []string{"admin_role"}},
				{"project_admin_role", "Project Admin", "Can manage all projects of the organization", []string{"admin_role"}},
				{"inventory_admin_role", "Inventory Admin", "Can manage all inventories of the organization", []string{"admin_role"}},
				{"credential_admin_role", "Credential Admin", "Can manage all credentials of the organization", []string{"admin_role"}},
				{"workflow_admin_role", "Workflow Admin", "Can manage all workflows of the organization", []string{"admin_role"}},
				{"notification_admin_role", "Notification Admin", "Can manage all notifications of the organization", []string{"admin_role"}},
				{"job_template_admin_role", "Job Template Admin", "Can manage all job templates of the organization", []string{"admin_role"}},
				{"execution_environment_admin_role", "Execution Environment Admin", "Can manage all execution environments of the organization", []string{"admin_role"}},
				{"auditor_role", "Auditor", "Can view all aspects of the organization", []string{sysauditor}},
				{"member_role", "Member", "User is a member of the organization", []string{"admin_role"}},
				{"read_role", "Read", "May view settings for the organization", []string{"member_role", "auditor_role", "execute_role", "project_admin_role",
					"inventory_admin_role", "workflow_admin_role", "notification_admin_role", "credential_admin_role", "job_template_admin_role",
					"approval_role", "execution_environment_admin_role"}},
				{"approval_role", "Approve", "Can approve or deny a workflow approval node", []string{"admin_role"}},
			},
			Access: Access{Read: "read_role", Change: "admin_role", Delete: "admin_role", Add: "superuser", Use: "admin_role"},
			Related: append([]Related{
				{Name: "projects", To: "project", By: "organization", Change: true},
				{Name: "inventories", To: "inventory", By: "organization"},
				{Name: "job_templates", To: "job_template", By: "organization", Change: true},
				{Name: "workflow_job_templates", To: "workflow_job_template", By: "organization", Change: true},
				{Name: "users", To: "user", Custom: true, Change: true},
				{Name: "admins", To: "user", Custom: true, Change: true},
				{Name: "teams", To: "team", By: "organization", Change: true},
				{Name: "credentials", To: "credential", By: "organization", Change: true},
				{Name: "applications", To: "o_auth2_application", By: "organization", Change: true},
				{Name: "execution_environments", To: "execution_environment", By: "organization", Change: true},
				{Name: "notification_templates", To: "notification_template", By: "organization", Change: true},
				{Name: "instance_groups", To: "instance_group", Link: "organization.instance_groups", Change: true},
				{Name: "galaxy_credentials", To: "credential", Link: "organization.galaxy_credentials", Change: true},
			}, notified("organization", true)...),
			Links: []Link{{Name: "activity_stream"}, {Name: "object_roles"}, {Name: "access_list"}},
		},
		{
			Type: "user", Path: "users", Model: "User", Title: "User",
			Fields: append(without("name", "description", "created_by", "modified_by"),
				text("username").Need().Most(150), text("first_name").Def("").Most(150), text("last_name").Def("").Most(150), text("email").Def("").Most(254),
				flag("is_superuser").Def(false), flag("is_system_auditor").Def(false).NoFilter(), text("password").Def("").NoFilter(),
				text("ldap_dn").RO().NoFilter(), moment("last_login").RO(), shown("external_account"), shown("auth"),
				text("ansible_id").Hide()),
			Search: []string{"email", "first_name", "last_name", "username"},
			Unique: [][]string{{"username"}}, Key: []string{"username"},
			Access: Access{Read: "colleague", Change: "self|orgadmin", Delete: "orgadmin", Add: "anyorgadmin", Use: "colleague"},
			Related: []Related{
				{Name: "teams", To: "team", Custom: true},
				{Name: "organizations", To: "organization", Custom: true},
				{Name: "admin_of_organizations", To: "organization", Custom: true},
				{Name: "projects", To: "project", Custom: true},
				{Name: "credentials", To: "credential", Custom: true, Change: true},
				{Name: "tokens", To: "o_auth2_access_token", By: "user", Change: true},
				{Name: "authorized_tokens", To: "o_auth2_access_token", By: "user", Change: true},
				{Name: "personal_tokens", To: "o_auth2_access_token", By: "user", Change: true},
			},
			Links: []Link{{Name: "roles"}, {Name: "activity_stream"}, {Name: "access_list"}},
		},
		{
			Type: "team", Path: "teams", Model: "Team", Title: "Team",
			Fields: []Field{ref("organization", "organization").Need().Owns()},
			Unique: [][]string{{"organization", "name"}}, Key: []string{"name", "organization"},
			Roles: []Role{
				{"admin_role", "Admin", "Can manage all aspects of the team", []string{"organization.admin_role"}},
				{"member_role", "Member", "User is a member of the team", []string{"admin_role"}},
				{"read_role", "Read", "May view settings for the team", []string{"organization.auditor_role", "member_role"}},
			},
			Access: Access{Read: "read_role", Change: "admin_role", Delete: "admin_role", Add: "organization.admin_role", Use: "admin_role"},
			Related: []Related{
				{Name: "projects", To: "project", Custom: true},
				{Name: "users", To: "user", Custom: true, Change: true},
				{Name: "credentials", To: "credential", Custom: true},
			},
			Links: []Link{{Name: "roles"}, {Name: "object_roles"}, {Name: "activity_stream"}, {Name: "access_list"}},
		},
		{
			Type: "role", Path: "roles", Model: "Role", Title: "Role", Table: "-",
			Fields: without("created", "modified", "created_by", "modified_by"),
			NoPost: true, NoPut: true, NoDrop: true,
			Access: Access{Read: "anyone"},
		},
		{
			Type: "o_auth2_application", Path: "applications", Model: "OAuth2Application", Title: "OAuth 2 application",
			Fields: []Field{
				text("client_id").RO(), text("client_secret").RO().NoFilter(), choice("client_type", "confidential", "public").Need(),
				text("redirect_uris").Def(""), choice("authorization_grant_type", "authorization-code", "password").Need(),
				flag("skip_authorization").Def(false), ref("organization", "organization").Def(nil).Owns(),
			},
			Unique: [][]string{{"name", "organization"}}, Key: []string{"name", "organization"},
			Access:  Access{Read: "organization.member_role|organization.auditor_role", Change: "organization.admin_role", Delete: "organization.admin_role", Add: "organization.admin_role", Use: "organization.member_role"},
			Related: []Related{{Name: "tokens", To: "o_auth2_access_token", By: "application", Change: true}},
			Links:   []Link{{Name: "activity_stream"}},
		},
		{
			Type: "o_auth2_access_token", Path: "tokens", Model: "OAuth2AccessToken", Title: "OAuth 2 access token",
			Fields: append(without("name"),
				ref("created_by", "user").Hide(), ref("modified_by", "user").Hide(),
				ref("user", "user").RO().Owns(), text("token").RO().NoFilter(), shown("refresh_token"), ref("application", "o_auth2_application").Owns(),
				moment("expires").RO(), text("scope").Def("write"),
				text("token_hash").Hide(), text("refresh_hash").Hide(), moment("last_used").Hide()),
			Search: []string{"description"},
			Access: Access{Read: "owner", Change: "owner", Delete: "owner", Add: "anyone"},
			Links:  []Link{{Name: "activity_stream"}},
		},
		{
			Type: "role_definition", Path: "role_definitions", Model: "RoleDefinition", Title: "Role Definition",
			Fields: []Field{
				object("permissions").Def(J("[]")).Need().As(List).NoFilter(), text("content_type").Def(nil), flag("managed").RO(),
				ref("created_by", "user").RO(), ref("modified_by", "user").RO(),
				text("grants").Hide(), // the object roles that the definition gives, a comma between them
			},
			Unique: [][]string{{"name"}},
			Access: Access{Read: "anyone"},
			Links:  []Link{{Name: "user_assignments"}, {Name: "team_assignments"}},
			Silent: true,
		},
	}
}

// notified are the sub-lists of notification templates of an object.
func notified(owner string, approvals bool) []Related {
	names := []string{"started", "success", "error"}
	if approvals {
		names = append(names, "approvals")
	}
	var out []Related
	for _, n := range names {
		out = append(out, Related{Name: "notification_templates_" + n, To: "notification_template", Link: owner + ".notification_templates_" + n, Change: true})
	}
	return out
}
