package api

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/server/auth"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/store"
)

type methods = map[string]func(*request) (*reply, error)

// views are the addresses that are no resources. "*" stands for one part of a path.
func views() map[string]view { return allViews }

var allViews map[string]view

func init() { // the table refers to functions that refer to the table
	allViews = map[string]view{
		"":                                {open: true, methods: methods{"GET": (*request).root}},
		"v2":                              {open: true, methods: methods{"GET": (*request).v2}},
		"login":                           {open: true, methods: methods{"GET": (*request).loginPage, "POST": (*request).loginPost}},
		"logout":                          {open: true, methods: methods{"GET": (*request).logout, "POST": (*request).logout}},
		"o":                               {open: true, methods: methods{"GET": fixed(map[string]string{"authorize": "/api/o/authorize/", "token": "/api/o/token/", "revoke_token": "/api/o/revoke_token/"})}},
		"o/authorize":                     {open: true, form: true, methods: methods{"GET": (*request).authorizePage, "POST": (*request).authorizePost}},
		"o/token":                         {open: true, methods: methods{"POST": (*request).oauthToken}},
		"o/revoke_token":                  {open: true, methods: methods{"POST": (*request).oauthRevoke}},
		"v2/ping":                         {open: true, methods: methods{"GET": (*request).ping}},
		"v2/auth":                         {open: true, methods: methods{"GET": fixed(map[string]any{})}},
		"v2/me":                           {methods: methods{"GET": (*request).me}, options: func(q *request) (*object, error) { return q.listOptions(domain.Of("user"), &domain.Related{}) }},
		"v2/schema":                       {methods: methods{"GET": openAPIView}},
		"v2/config":                       {methods: methods{"GET": (*request).config}},
		"v2/dashboard":                    {methods: methods{"GET": (*request).dashboard}},
		"v2/dashboard/graphs/jobs":        {methods: methods{"GET": (*request).jobsGraph}},
		"v2/mesh_visualizer":              {rule: "auditor", methods: methods{"GET": (*request).mesh}},
		"v2/metrics":                      {rule: "auditor", methods: methods{"GET": (*request).metrics}},
		"v2/settings":                     {methods: methods{"GET": (*request).settingCategories}},
		"v2/settings/*":                   {rule: "auditor", methods: methods{"GET": (*request).settingsGet, "PUT": (*request).settingsPut, "PATCH": (*request).settingsPut, "DELETE": (*request).settingsReset}, options: settingsOptions},
		"v2/schedules/preview":            {methods: methods{"POST": (*request).schedulePreview}, options: previewOptions},
		"v2/schedules/zoneinfo":           {methods: methods{"GET": (*request).zones}},
		"v2/bulk":                         {methods: methods{"GET": fixed(map[string]string{"host_create": "/api/v2/bulk/host_create/", "host_delete": "/api/v2/bulk/host_delete/", "job_launch": "/api/v2/bulk/job_launch/"})}},
		"v2/bulk/host_create":             {methods: methods{"GET": bulkHelp, "POST": (*request).bulkHostCreate}, options: bulkOptions("host_create")},
		"v2/bulk/host_delete":             {methods: methods{"GET": bulkHelp, "POST": (*request).bulkHostDelete}, options: bulkOptions("host_delete")},
		"v2/bulk/job_launch":              {methods: methods{"GET": bulkHelp, "POST": (*request).bulkJobLaunch}, options: bulkOptions("job_launch")},
		"v2/role_user_assignments":        {methods: methods{"GET": assignments("user"), "POST": assign("user")}, options: assignmentOptions("user")},
		"v2/role_team_assignments":        {methods: methods{"GET": assignments("team"), "POST": assign("team")}, options: assignmentOptions("team")},
		"v2/role_user_assignments/*":      {methods: methods{"GET": assignment("user"), "DELETE": unassign("user")}},
		"v2/role_team_assignments/*":      {methods: methods{"GET": assignment("team"), "DELETE": unassign("team")}},
		"v2/role_metadata":                {methods: methods{"GET": (*request).roleMetadata}},
		"v2/receptor_addresses":           {methods: methods{"GET": func(q *request) (*reply, error) { return q.plainList(nil) }}},
		"v2/host_metric_summary_monthly":  {methods: methods{"GET": func(q *request) (*reply, error) { return q.plainList(nil) }}},
		"v2/constructed_inventories":      {methods: methods{"GET": (*request).constructedList, "POST": (*request).constructedCreate}, options: constructedOptions(true)},
		"v2/constructed_inventories/*":    {methods: methods{"GET": (*request).constructedGet, "PUT": (*request).constructedChange, "PATCH": (*request).constructedChange, "DELETE": (*request).constructedDelete}, options: constructedOptions(false)},
		"v2/analytics":                    {rule: "auditor", methods: methods{"GET": fixed(map[string]any{})}},
		"v2/service-index":                {rule: "auditor", methods: methods{"GET": fixed(map[string]string{"metadata": "/api/v2/service-index/metadata/", "resources": "/api/v2/service-index/resources/", "resource-types": "/api/v2/service-index/resource-types/"})}},
		"v2/service-index/metadata":       {rule: "auditor", methods: methods{"GET": (*request).serviceMetadata}},
		"v2/service-index/resources":      {rule: "auditor", methods: methods{"GET": (*request).serviceResources}},
		"v2/service-index/resource-types": {rule: "auditor", methods: methods{"GET": (*request).serviceTypes}},
	}
}

// fixed is a view that always says the same.
func fixed(body any) func(*request) (*reply, error) {
	return func(*request) (*reply, error) { return ok(body) }
}

// csrfCookie is the token that a form must repeat; a browser that has none gets one.
func (q *request) csrfCookie() string {
	if c, err := q.r.Cookie(auth.CSRFCookie); err == nil && c.Value != "" {
		return c.Value
	}
	token, _ := auth.Token(24)
	http.SetCookie(q.w, &http.Cookie{Name: auth.CSRFCookie, Value: token, Path: "/", SameSite: http.SameSiteLaxMode, Secure: q.r.TLS != nil})
	return token
}

func (q *request) root() (*reply, error) {
	q.csrfCookie() // clients log in with the token that they find here
	q.header.Set("X-API-Session-Cookie-Name", auth.SessionCookie)
	o := newObject()
	o.set("description", "AWX REST API")
	o.set("current_version", "/api/v2/")
	o.set("available_versions", map[string]string{"v2": "/api/v2/"})
	o.set("oauth2", "/api/o/")
	o.set("custom_logo", "")
	o.set("custom_login_info", "")
	o.set("login_redirect_override", "")
	return ok(o)
}

// v2Names are the entries of /api/v2/ whose name is not their path, and those that are no resources, in the order clients print them.
var v2Names = []string{"ping", "instances", "instance_groups", "receptor_addresses", "config", "settings", "me", "dashboard", "organizations", "users", "execution_environments", "projects",
	"project_updates", "teams", "credentials", "credential_types", "credential_input_sources", "applications", "tokens", "metrics", "inventory", "constructed_inventory", "inventory_sources",
	"inventory_updates", "groups", "hosts", "host_metrics", "host_metric_summary_monthly", "job_templates", "jobs", "ad_hoc_commands", "system_job_templates", "system_jobs", "schedules", "roles",
	"notification_templates", "notifications", "labels", "unified_job_templates", "unified_jobs", "activity_stream", "workflow_job_templates", "workflow_jobs", "workflow_approvals",
	"workflow_job_template_nodes", "workflow_job_nodes", "mesh_visualizer", "bulk", "analytics", "service_index", "role_definitions", "role_user_assignments", "role_team_assignments"}

func (q *request) v2() (*reply, error) {
	o := newObject()
	for _, name := range v2Names {
		path := map[string]string{"inventory": "inventories", "constructed_inventory": "constructed_inventories", "service_index": "service-index"}[name]
		if path == "" {
			path = name
		}
		o.set(name, "/api/v2/"+path+"/")
	}
	return ok(o)
}

func (q *request) ping() (*reply, error) {
	instances, err := q.tx.List(domain.Of("instance"), store.Condition{}, store.Page{})
	if err != nil {
		return nil, err
	}
	groups, err := q.tx.List(domain.Of("instance_group"), store.Condition{}, store.Page{Order: "t.name"})
	if err != nil {
		return nil, err
	}
	nodes, lists := []*object{}, []*object{}
	names := map[int64]domain.Record{}
	for _, rec := range instances {
		names[rec.ID()] = rec
		o := newObject()
		o.set("node", rec.Str("hostname"))
		o.set("node_type", rec.Str("node_type"))
		o.set("uuid", rec.Str("uuid"))
		o.set("heartbeat", rec["last_seen"])
		o.set("capacity", rec.Int("capacity"))
		o.set("version", rec.Str("version"))
		nodes = append(nodes, o)
	}
	for _, rec := range groups {
		ids, err := q.tx.Linked("instance_group.instances", rec.ID())
		if err != nil {
			return nil, err
		}
		members, capacity := []string{}, int64(0)
		for _, id := range ids {
			members = append(members, names[id].Str("hostname"))
			capacity += names[id].Int("capacity")
		}
		o := newObject()
		o.set("name", rec.Str("name"))
		o.set("capacity", capacity)
		o.set("instances", members)
		lists = append(lists, o)
	}
	o := newObject()
	o.set("ha", len(instances) > 1)
	o.set("version", Version)
	o.set("active_node", q.Node)
	o.set("install_uuid", q.InstallID)
	o.set("instances", nodes)
	o.set("instance_groups", lists)
	return ok(o)
}

func (q *request) me() (*reply, error) {
	rec, err := q.get("user", q.actor.ID)
	if err != nil {
		return nil, err
	}
	o, err := q.show(domain.Of("user"), rec, false)
	if err != nil {
		return nil, err
	}
	return ok(q.envelope([]*object{o}, 1, 1, defaultPage))
}

func (q *request) config() (*reply, error) {
	o := newObject()
	o.set("time_zone", "UTC")
	o.set("license_info", map[string]any{"license_type": "open", "valid_key": true, "subscription_name": "OPEN", "product_name": "AWX"})
	o.set("version", Version)
	o.set("eula", "")
	o.set("analytics_status", "off")
	o.set("analytics_collectors", map[string]any{})
	methods := [][2]string{}
	for _, m := range []string{"sudo", "su", "pbrun", "pfexec", "dzdo", "pmrun", "runas", "enable", "doas", "ksu", "machinectl", "sesu"} {
		methods = append(methods, [2]string{m, fieldTitle(m)})
	}
	o.set("become_methods", methods)
	o.set("ui_next", false)
	if q.actor.Superuser || q.actor.Auditor {
		o.set("project_base_dir", q.Projects)
		dirs := []string{}
		if entries, err := os.ReadDir(q.Projects); err == nil {
			for _, e := range entries {
				if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(e.Name(), "_") {
					dirs = append(dirs, e.Name())
				}
			}
		}
		o.set("project_local_paths", dirs)
		o.set("custom_virtualenvs", []string{})
	}
	return ok(o)
}

func (q *request) count(t domain.Type, where store.Condition) int64 {
	r := domain.Of(t)
	n, err := q.tx.Count(r, store.All(where, rbac.Read(q.actor, r)))
	if err != nil {
		q.Log.Error("counting for the dashboard", "type", t, "error", err)
	}
	return n
}

func (q *request) dashboard() (*reply, error) {
	failed := store.Where("t.last_job_failed = 1")
	o := newObject()
	o.set("related", map[string]string{"jobs_graph": "/api/v2/dashboard/graphs/jobs/"})
	o.set("inventories", map[string]any{"url": "/api/v2/inventories/", "total": q.count("inventory", store.Condition{}), "total_with_inventory_source": q.count("inventory", store.Where("t.has_inventory_sources = 1")),
		"job_failed": q.count("inventory", store.Where("t.has_active_failures = 1")), "inventory_failed": q.count("inventory", store.Where("t.inventory_sources_with_failures > 0"))})
	o.set("inventory_sources", map[string]any{"ec2": map[string]any{"url": "/api/v2/inventory_sources/?source=ec2", "failures_url": "/api/v2/inventory_sources/?source=ec2&status=failed", "label": "Amazon EC2",
		"total": q.count("inventory_source", store.Is("source", "ec2")), "failed": q.count("inventory_source", store.All(store.Is("source", "ec2"), store.Is("status", "failed")))}})
	o.set("groups", map[string]any{"url": "/api/v2/groups/", "total": q.count("group", store.Condition{}), "inventory_failed": 0})
	o.set("hosts", map[string]any{"url": "/api/v2/hosts/", "failures_url": "/api/v2/hosts/?last_job_host_summary__failed=True", "total": q.count("host", store.Condition{}),
		"failed": q.count("host", store.Where("t.last_job_host_summary IN (SELECT id FROM job_host_summary WHERE failed = 1)"))})
	o.set("projects", map[string]any{"url": "/api/v2/projects/", "failures_url": "/api/v2/projects/?last_job_failed=True", "total": q.count("project", store.Condition{}), "failed": q.count("project", failed)})
	scm := newObject()
	for _, kind := range [][2]string{{"git", "Git"}, {"svn", "Subversion"}, {"archive", "Remote Archive"}} {
		is := store.Is("scm_type", kind[0])
		scm.set(kind[0], map[string]any{"url": "/api/v2/projects/?scm_type=" + kind[0], "label": kind[1], "failures_url": "/api/v2/projects/?scm_type=" + kind[0] + "&last_job_failed=True",
			"total": q.count("project", is), "failed": q.count("project", store.All(is, failed))})
	}
	o.set("scm_types", scm)
	for _, t := range []domain.Type{"user", "organization", "team", "credential", "job_template"} {
		r := domain.Of(t)
		o.set(r.Path, map[string]any{"url": "/api/v2/" + r.Path + "/", "total": q.count(t, store.Condition{})})
	}
	return ok(o)
}

// jobsGraph counts jobs by day and result.
func (q *request) jobsGraph() (*reply, error) {
	days := map[string]int{"week": 7, "two_weeks": 14, "month": 30}[q.query.Get("period")]
	if days == 0 {
		days = 30
	}
	types := map[string]string{"inv_sync": "inventory_update", "playbook_run": "job", "scm_update": "project_update"}
	where := store.Condition{}
	if t := types[q.query.Get("job_type")]; t != "" {
		where = store.Is("type", t)
	}
	today := time.Now().UTC().Truncate(24 * time.Hour)
	first := today.AddDate(0, 0, 1-days)
	where = store.All(where, store.Where("t.finished >= ?", domain.Stamp(first)), rbac.Read(q.actor, domain.Of("unified_job")))
	counts := map[[2]string]int64{}
	err := q.tx.Query("SELECT t.status, substr(t.finished, 1, 10), COUNT(*) FROM unified_job t WHERE "+where.SQL+" GROUP BY 1, 2", where.Args, func(scan func(...any) error) error {
		var status, day string
		var n int64
		err := scan(&status, &day, &n)
		counts[[2]string{status, day}] = n
		return err
	})
	if err != nil {
		return nil, err
	}
	graph := map[string][][2]any{}
	for _, status := range []string{"successful", "failed", "canceled", "error"} {
		for day := first; !day.After(today); day = day.AddDate(0, 0, 1) {
			graph[status] = append(graph[status], [2]any{float64(day.Unix()), counts[[2]string{status, day.Format(time.DateOnly)}]})
		}
	}
	return ok(map[string]any{"jobs": graph})
}

func (q *request) mesh() (*reply, error) {
	rows, err := q.tx.List(domain.Of("instance"), store.Condition{}, store.Page{})
	nodes := []map[string]any{}
	for _, rec := range rows {
		nodes = append(nodes, map[string]any{"id": rec.ID(), "hostname": rec.Str("hostname"), "node_type": rec.Str("node_type"), "node_state": rec.Str("node_state"), "enabled": rec.Bool("enabled")})
	}
	if err != nil {
		return nil, err
	}
	return ok(map[string]any{"nodes": nodes, "links": []any{}})
}

// metrics is the state of the installation for Prometheus.
func (q *request) metrics() (*reply, error) {
	var b strings.Builder
	gauge := func(name, help string, rows ...string) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n%s", name, help, name, strings.Join(rows, ""))
	}
	for _, t := range []domain.Type{"organization", "user", "team", "inventory", "host", "project", "job_template", "workflow_job_template", "schedule"} {
		r := domain.Of(t)
		gauge("awx_"+r.Path+"_total", "Number of "+strings.ReplaceAll(r.Path, "_", " "), fmt.Sprintf("awx_%s_total %d\n", r.Path, q.count(t, store.Condition{})))
	}
	var states []string
	for _, s := range []string{"pending", "waiting", "running", "successful", "failed", "error", "canceled"} {
		states = append(states, fmt.Sprintf("awx_status_total{status=%q} %d\n", s, q.count("unified_job", store.Is("status", s))))
	}
	gauge("awx_status_total", "Status of jobs", states...)
	total, used := q.Dispatcher.Capacity()
	gauge("awx_instance_capacity", "Capacity of this instance", fmt.Sprintf("awx_instance_capacity{hostname=%q} %d\n", q.Node, total))
	gauge("awx_instance_consumed_capacity", "Consumed capacity of this instance", fmt.Sprintf("awx_instance_consumed_capacity{hostname=%q} %d\n", q.Node, used))
	return ok(text{kind: "text/plain; version=0.0.4; charset=utf-8", content: b.String()})
}

// The service index is how a gateway in front of several services finds the people that they share.

func (q *request) serviceMetadata() (*reply, error) {
	return ok(map[string]string{"service_id": stableUUID("service/"+q.InstallID, 0), "service_type": "awx"})
}

var sharedTypes = []domain.Type{"organization", "user", "team"}

func (q *request) serviceTypes() (*reply, error) {
	var all []*object
	for i, t := range sharedTypes {
		o := newObject()
		o.set("id", i+1)
		o.set("name", "shared."+string(t))
		o.set("externally_managed", true)
		o.set("shared_resource_type", string(t))
		o.set("url", "/api/v2/service-index/resource-types/shared."+string(t)+"/")
		all = append(all, o)
	}
	return q.plainList(all)
}

func (q *request) serviceResources() (*reply, error) {
	var all []*object
	for _, t := range sharedTypes {
		rows, err := q.tx.List(domain.Of(t), store.Condition{}, store.Page{})
		if err != nil {
			return nil, err
		}
		for _, rec := range rows {
			id := stableUUID(string(t), rec.ID())
			name := rec.Str("name")
			if t == "user" {
				name = rec.Str("username")
			}
			o := newObject()
			o.set("object_id", itoa(rec.ID()))
			o.set("name", name)
			o.set("ansible_id", id)
			o.set("service_id", stableUUID("service/"+q.InstallID, 0))
			o.set("resource_type", "shared."+string(t))
			o.set("has_serializer", true)
			o.set("url", "/api/v2/service-index/resources/"+id+"/")
			all = append(all, o)
		}
	}
	return q.plainList(all)
}
