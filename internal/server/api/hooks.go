package api

import (
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// hooks are what a resource does beyond its declaration. Each is optional.
type hooks struct {
	// check looks at the values of a new (old is nil) or changed object before they are stored; it may change them.
	check func(q *request, old, rec domain.Record, w wrong) error
	// add tells whether the actor may make the object; found is false to ask the resource's Add rule instead.
	add func(q *request, rec domain.Record) (found, allowed bool, err error)
	// saved runs in the transaction that stores the object.
	saved func(q *request, tx *store.Tx, old, rec domain.Record) error
	// created adds to the reply of a creation.
	created func(q *request, rec domain.Record, o *object)
	// show computes fields that have no column.
	show func(q *request, rec domain.Record, o *object, detail bool) error
	// summary adds to summary_fields.
	summary func(q *request, rec domain.Record, o *object) error
	// links adds to related.
	links func(q *request, rec domain.Record, o *object)
	// removed runs in the transaction that has deleted the object.
	removed func(tx *store.Tx, rec domain.Record) error
	// remove deletes the object; nil for a plain deletion.
	remove func(q *request, rec domain.Record) (*reply, error)
	// removable refuses a deletion.
	removable func(q *request, rec domain.Record) error
	// list replaces the list.
	list func(q *request, r *domain.Resource) (*reply, error)
	// attach refuses an association; attached follows one, in its transaction.
	attach   func(q *request, rec domain.Record, rel *domain.Related, other domain.Record, detach bool) error
	attached func(tx *store.Tx, rec domain.Record, rel *domain.Related) error
}

// hooksOf returns the hooks of a resource; most have none.
func hooksOf(t domain.Type) hooks {
	if f := allHooks[t]; f != nil {
		return f()
	}
	return hooks{}
}

// allHooks is the registry: one line for each resource that has hooks, which stand in the file of its name.
var allHooks map[domain.Type]func() hooks

// allActions is the registry of what lies below one object.
var allActions map[domain.Type]map[string]*action

func init() { // the tables refer to functions that refer to the tables
	allHooks = map[domain.Type]func() hooks{
		"organization":               organizationHooks,
		"user":                       userHooks,
		"team":                       teamHooks,
		"role_definition":            definitionHooks,
		"job_host_summary":           hostSummaryHooks,
		"o_auth2_access_token":       tokenHooks,
		"o_auth2_application":        applicationHooks,
		"credential_type":            credentialTypeHooks,
		"credential":                 credentialHooks,
		"credential_input_source":    inputSourceHooks,
		"project":                    projectHooks,
		"inventory":                  inventoryHooks,
		"host":                       hostHooks,
		"group":                      groupHooks,
		"inventory_source":           inventorySourceHooks,
		"job_template":               jobTemplateHooks,
		"workflow_job_template":      workflowTemplateHooks,
		"workflow_job_template_node": nodeHooks,
		"workflow_job_node":          jobNodeHooks,
		"schedule":                   scheduleHooks,
		"job":                        jobHooks,
		"project_update":             jobHooks,
		"inventory_update":           jobHooks,
		"workflow_job":               jobHooks,
		"system_job":                 jobHooks,
		"workflow_approval":          approvalHooks,
		"ad_hoc_command":             adHocHooks,
		"notification_template":      notificationTemplateHooks,
		"notification":               notificationHooks,
		"instance":                   instanceHooks,
		"instance_group":             instanceGroupHooks,
		"execution_environment":      executionEnvironmentHooks,
		"activity_stream":            activityHooks,
		"host_metric":                hostMetricHooks,
		"role":                       func() hooks { return hooks{list: (*request).allRoles} },
	}
	job := map[string]*action{"cancel": cancelAction, "stdout": stdoutAction}
	allActions = map[domain.Type]map[string]*action{
		"user":                       {"roles": rolesAction},
		"team":                       {"roles": rolesAction},
		"credential":                 {"test": credentialTestAction},
		"credential_type":            {"test": credentialTypeTestAction},
		"project":                    {"update": projectUpdateAction, "playbooks": playbooksAction, "inventories": inventoryFilesAction},
		"inventory":                  {"script": scriptAction, "tree": treeAction, "variable_data": variableDataAction, "update_inventory_sources": updateSourcesAction},
		"host":                       {"variable_data": variableDataAction, "ansible_facts": factsAction},
		"group":                      {"variable_data": variableDataAction},
		"system_job_template":        {"launch": systemLaunchAction},
		"inventory_source":           {"update": sourceUpdateAction},
		"job_template":               {"launch": launchAction, "survey_spec": surveyAction, "webhook_key": webhookKeyAction, "callback": callbackAction},
		"workflow_job_template":      {"launch": workflowLaunchAction, "survey_spec": surveyAction, "webhook_key": webhookKeyAction},
		"workflow_job_template_node": {"create_approval_template": approvalTemplateAction},
		"job":                        {"create_schedule": createScheduleAction, "cancel": cancelAction, "stdout": stdoutAction, "relaunch": relaunchAction},
		"project_update":             job, "inventory_update": job, "system_job": {"cancel": cancelAction},
		"ad_hoc_command":        {"cancel": cancelAction, "stdout": stdoutAction, "relaunch": adHocRelaunchAction},
		"workflow_job":          {"cancel": cancelAction, "relaunch": workflowRelaunchAction},
		"workflow_approval":     {"approve": approveAction, "deny": denyAction},
		"notification_template": {"test": notificationTestAction},
		"instance":              {"peers": emptyListAction, "receptor_addresses": emptyListAction},
		"role_definition":       {"user_assignments": assignmentsAction("user"), "team_assignments": assignmentsAction("team")},
	}
	webhookActions()
}

// actionOf finds an action of a resource; some are the same for all that have them.
func actionOf(r *domain.Resource, name string) *action {
	if a := allActions[r.Type][name]; a != nil {
		return a
	}
	for _, l := range r.Links {
		if l.Name != name {
			continue
		}
		switch name {
		case "object_roles":
			return objectRolesAction
		case "access_list":
			return accessListAction
		case "activity_stream":
			return activityAction
		case "copy":
			return copyAction
		}
	}
	return nil
}

// emptyListAction is a list that never has anything here.
var emptyListAction = &action{get: func(q *request, _ *domain.Resource, _ domain.Record) (*reply, error) { return q.plainList(nil) }}
