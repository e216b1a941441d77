package domain

// credentials declares credential types and credentials.
func credentials() []*Resource {
	return []*Resource{
		{
			Type: "credential_type", Path: "credential_types", Model: "CredentialType", Title: "Credential Type",
			Fields: []Field{
				choice("kind", "net", "cloud").Need(), text("namespace").RO().OrNull(), flag("managed").RO(),
				object("inputs").Def(J("{}")), object("injectors").Def(J("{}")),
			},
			Unique: [][]string{{"name", "kind"}}, Key: []string{"name", "kind"},
			Access:  Access{Read: "anyone", Use: "anyone"},
			Related: []Related{{Name: "credentials", To: "credential", By: "credential_type", Change: true}},
			Links:   []Link{{Name: "activity_stream"}},
		},
		{
			Type: "credential", Path: "credentials", Model: "Credential", Title: "Credential",
			Fields: []Field{
				ref("organization", "organization").Def(nil).Owns(), ref("credential_type", "credential_type").Need().Owns(), flag("managed").RO(),
				object("inputs").Def(J("{}")).Encrypted().NoFilter(), shown("kind"), shown("cloud"), shown("kubernetes"),
				ref("team", "team").Def(nil).WriteOnly(), ref("user", "user").Def(nil).WriteOnly(),
			},
			Unique: [][]string{{"organization", "name", "credential_type"}}, Key: []string{"name", "credential_type", "organization"},
			Roles: []Role{
				{"admin_role", "Admin", "Can manage all aspects of the credential", []string{sysadmin, "organization.credential_admin_role"}},
				{"use_role", "Use", "Can use the credential in a job template", []string{"admin_role"}},
				{"read_role", "Read", "May view settings for the credential", []string{sysauditor, "organization.auditor_role", "use_role", "admin_role"}},
			},
			Access: Access{Read: "read_role", Change: "admin_role", Delete: "admin_role", Add: "organization.credential_admin_role", Use: "use_role"},
			Related: []Related{
				{Name: "owner_users", To: "user", Custom: true},
				{Name: "owner_teams", To: "team", Custom: true},
				{Name: "input_sources", To: "credential_input_source", By: "target_credential", Change: true},
			},
			Links: []Link{{Name: "activity_stream"}, {Name: "access_list"}, {Name: "object_roles"}, {Name: "copy"}},
			Copy:  true,
		},
		{
			Type: "credential_input_source", Path: "credential_input_sources", Model: "CredentialInputSource", Title: "Credential Input Source",
			Fields: append(without("name"),
				text("input_field_name").Need().Most(1024), object("metadata").Def(J("{}")),
				ref("target_credential", "credential").Need().Owns(), ref("source_credential", "credential").Need().Owns()),
			Unique: [][]string{{"target_credential", "input_field_name"}}, Search: []string{"description"},
			Access: Access{Read: "target_credential.read_role", Change: "target_credential.admin_role", Delete: "target_credential.admin_role", Add: "target_credential.admin_role"},
		},
	}
}
