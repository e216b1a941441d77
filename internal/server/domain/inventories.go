package domain

import "math"

var inventorySources = []any{"file", "constructed", "scm", "ec2", "gce", "azure_rm", "vmware", "satellite6", "openstack", "rhv", "controller", "insights", "terraform", "openshift_virtualization"}

// inventories declares inventories, hosts, groups and inventory sources.
func inventories() []*Resource {
	inside := Access{Read: "inventory.read_role", Change: "inventory.admin_role", Delete: "inventory.admin_role", Add: "inventory.admin_role", Use: "inventory.read_role"}
	return []*Resource{
		{
			Type: "inventory", Path: "inventories", Model: "Inventory", Title: "Inventory",
			Fields: []Field{
				ref("organization", "organization").Def(nil).Owns(), choice("kind", "", "smart", "constructed").Def(""), text("host_filter").Def(nil), variables("variables"),
				flag("has_active_failures").RO(), number("total_hosts").RO().Range(0, math.MaxInt32), number("hosts_with_active_failures").RO().Range(0, math.MaxInt32),
				number("total_groups").RO().Range(0, math.MaxInt32), flag("has_inventory_sources").RO(), number("total_inventory_sources").RO().Range(0, math.MaxInt32),
				number("inventory_sources_with_failures").RO().Range(0, math.MaxInt32), flag("pending_deletion").RO(), flag("prevent_instance_group_fallback").Def(false),
			},
			Unique: [][]string{{"name", "organization"}}, Key: []string{"name", "organization"},
			Roles: []Role{
				{"admin_role", "Admin", "Can manage all aspects of the inventory", []string{"organization.inventory_admin_role"}},
				{"update_role", "Update", "May update the inventory", []string{"admin_role"}},
				{"adhoc_role", "Ad Hoc", "May run ad hoc commands on the inventory", []string{"admin_role"}},
				{"use_role", "Use", "Can use the inventory in a job template", []string{"adhoc_role"}},
				{"read_role", "Read", "May view settings for the inventory", []string{"organization.auditor_role", "update_role", "use_role", "admin_role"}},
			},
			Access: Access{Read: "read_role", Change: "admin_role", Delete: "admin_role", Add: "organization.inventory_admin_role", Start: "adhoc_role", Use: "use_role"},
			Related: []Related{
				{Name: "hosts", To: "host", By: "inventory", Change: true, Parent: true},
				{Name: "groups", To: "group", By: "inventory", Change: true, Parent: true},
				{Name: "root_groups", To: "group", Custom: true, Change: true},
				{Name: "inventory_sources", To: "inventory_source", By: "inventory", Change: true, Parent: true},
				{Name: "job_templates", To: "job_template", By: "inventory"},
				{Name: "ad_hoc_commands", To: "ad_hoc_command", By: "inventory", Change: true},
				{Name: "instance_groups", To: "instance_group", Link: "inventory.instance_groups", Change: true},
				{Name: "labels", To: "label", Link: "inventory.labels", Change: true, Ask: "anyone"},
				{Name: "input_inventories", To: "inventory", Link: "inventory.input_inventories", Change: true, Hidden: true},
			},
			Links: []Link{{Name: "script"}, {Name: "tree"}, {Name: "update_inventory_sources"}, {Name: "variable_data"}, {Name: "activity_stream"},
				{Name: "access_list"}, {Name: "object_roles"}, {Name: "copy"}},
			Copy: true,
		},
		{
			Type: "constructed_inventory", Path: "constructed_inventories", Model: "Inventory", Title: "Inventory", Table: "-", // an inventory with the settings of its source
			Fields: []Field{
				ref("organization", "organization").Def(nil), variables("variables"), flag("prevent_instance_group_fallback").Def(false), text("source_vars").Def(nil).NoFilter(),
				number("update_cache_timeout").Def(nil).Range(0, 2147483647).NoFilter(), text("limit").Def(nil).NoFilter(), number("verbosity").Def(nil).Range(0, 2).NoFilter(),
			},
			Access: Access{Read: "read_role", Add: "organization.inventory_admin_role"},
		},
		{
			Type: "host", Path: "hosts", Model: "Host", Title: "Host",
			Fields: []Field{
				ref("inventory", "inventory").Need().Owns(), flag("enabled").Def(true), text("instance_id").Def("").Most(1024), variables("variables"),
				shown("has_active_failures"), shown("has_inventory_sources"), ref("last_job", "unified_job").RO(), ref("last_job_host_summary", "job_host_summary").RO(),
				moment("ansible_facts_modified").RO(), object("ansible_facts").Def(J("{}")).Hide(),
			},
			Unique: [][]string{{"name", "inventory"}}, Key: []string{"name", "inventory"}, Access: inside,
			Related: []Related{
				{Name: "groups", To: "group", Link: "group.hosts", Reverse: true, Change: true, Ask: "inventory.admin_role"},
				{Name: "all_groups", To: "group", Custom: true},
				{Name: "job_host_summaries", To: "job_host_summary", By: "host"},
				{Name: "job_events", To: "job_event", Custom: true},
				{Name: "ad_hoc_commands", To: "ad_hoc_command", Custom: true},
				{Name: "ad_hoc_command_events", To: "job_event", Custom: true},
				{Name: "inventory_sources", To: "inventory_source", Link: "inventory_source.hosts", Reverse: true},
				{Name: "smart_inventories", To: "inventory", Custom: true},
			},
			Links: []Link{{Name: "variable_data"}, {Name: "ansible_facts"}, {Name: "activity_stream"}},
		},
		{
			Type: "group", Path: "groups", Model: "Group", Title: "Group",
			Fields: []Field{ref("inventory", "inventory").Need().Owns(), variables("variables")},
			Unique: [][]string{{"name", "inventory"}}, Key: []string{"name", "inventory"}, Access: inside,
			Related: []Related{
				{Name: "children", To: "group", Link: "group.children", Change: true, Ask: "inventory.admin_role"},
				{Name: "hosts", To: "host", Link: "group.hosts", Change: true, Ask: "inventory.admin_role"},
				{Name: "all_hosts", To: "host", Custom: true},
				{Name: "potential_children", To: "group", Custom: true},
				{Name: "job_host_summaries", To: "job_host_summary", Custom: true},
				{Name: "job_events", To: "job_event", Custom: true},
				{Name: "ad_hoc_commands", To: "ad_hoc_command", Custom: true},
				{Name: "inventory_sources", To: "inventory_source", Link: "inventory_source.groups", Reverse: true},
			},
			Links: []Link{{Name: "variable_data"}, {Name: "activity_stream"}},
		},
		{
			Type: "inventory_source", Path: "inventory_sources", Model: "InventorySource", Title: "Inventory Source", Table: templateTable,
			Fields: join([]Field{
				choice("source", inventorySources...).Need(), text("source_path").Def("").Most(1024), text("source_vars").Def(""), text("scm_branch").Def("").Most(1024),
				ref("credential", "credential").Def(nil).As(Integer).NoFilter(), text("enabled_var").Def(""), text("enabled_value").Def(""), text("host_filter").Def(""),
				flag("overwrite").Def(false), flag("overwrite_vars").Def(false), text("custom_virtualenv").RO().OrNull(),
				number("timeout").Def(int64(0)).Range(-2147483648, 2147483647), choice("verbosity", int64(0), int64(1), int64(2)).Def(int64(1)), text("limit").Def(""),
			}, templateState("never updated", "none"), []Field{
				ref("execution_environment", "execution_environment"), ref("inventory", "inventory").Need().Owns(), flag("update_on_launch").Def(false),
				number("update_cache_timeout").Def(int64(0)).Range(0, 2147483647), ref("source_project", "project"),
				shown("last_update_failed").As(Boolean), shown("last_updated").As(DateTime),
			}),
			Unique: [][]string{{"name", "inventory"}}, Key: []string{"name", "inventory"},
			Access: Access{Read: "inventory.read_role", Change: "inventory.admin_role", Delete: "inventory.admin_role", Add: "inventory.admin_role", Start: "inventory.update_role"},
			Related: append([]Related{
				{Name: "groups", To: "group", Link: "inventory_source.groups"},
				{Name: "hosts", To: "host", Link: "inventory_source.hosts"},
				{Name: "inventory_updates", To: "inventory_update", By: "inventory_source"},
				{Name: "credentials", To: "credential", Link: "inventory_source.credentials", Change: true, Hidden: true},
				{Name: "schedules", To: "schedule", By: "unified_job_template", Change: true, Parent: true},
			}, notified("inventory_source", false)...),
			Links: []Link{{Name: "update"}, {Name: "activity_stream"}},
		},
	}
}
