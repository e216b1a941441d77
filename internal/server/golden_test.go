package server_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/test/recorded"
	"github.com/troupe-automation/troupe/test/repository"
)

// shapes are the replies of AWX 24.6.1: for each address, "{pk}" being some object's id, the keys with the types of their values.
func shapes(t *testing.T) map[string]any {
	t.Helper()
	out := map[string]any{}
	if err := json.NewDecoder(recorded.Open(t, "testdata/shapes.json.gz")).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// differ tells where a reply has other keys or other types than the recorded one. What is null on one side says nothing of the other's type.
func differ(at string, want, got any, say func(string)) {
	switch want := want.(type) {
	case map[string]any:
		have, is := got.(map[string]any)
		if !is {
			if got != nil {
				say(at + ": is no object")
			}
			return
		}
		for key := range want {
			v, has := have[key]
			switch {
			case !has:
				say(at + "." + key + ": missing")
			case key == "related" || key == "summary_fields":
				links(at+"."+key, want, have, key, say)
			default:
				differ(at+"."+key, want[key], v, say)
			}
		}
		for key := range have {
			if _, has := want[key]; !has {
				say(at + "." + key + ": not in AWX")
			}
		}
	case []any:
		have, is := got.([]any)
		switch {
		case !is && got != nil:
			say(at + ": is no list")
		case len(want) > 0 && len(have) > 0:
			differ(at+"[]", want[0], have[0], say)
		case len(want) > 0:
			say(at + ": empty")
		}
	case string:
		if kind := typeName(got); kind != "null" && want != "null" && kind != want {
			say(fmt.Sprintf("%s: is a %s, in AWX a %s", at, kind, want))
		}
	}
}

// dependent are what an object tells only after something happened to it: who made it, its last and its next job.
var dependent = []string{"created_by", "modified_by", "last_job", "last_update", "current_job", "current_update", "next_schedule", "resolved_environment"}

// links compares what an object says of others. What it refers to nothing by, it says nothing of; objects that were imported have no author.
func links(at string, want, have map[string]any, part string, say func(string)) {
	w, _ := want[part].(map[string]any)
	h, _ := have[part].(map[string]any)
	author := func(key string) bool { return slices.Contains(dependent, key) }
	for key := range w {
		v, has := h[key]
		if has {
			differ(at+"."+key, w[key], v, say)
		} else if own, declared := have[key]; !author(key) && !(declared && own == nil) {
			say(at + "." + key + ": missing")
		}
	}
	for key := range h {
		if _, has := w[key]; !has && !author(key) && want[key] != "null" {
			say(at + "." + key + ": not in AWX")
		}
	}
}

func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case float64:
		return "number"
	case string:
		return "string"
	}
	return "object"
}

// accepted are the differences that are wanted: a pattern of path.Match and the reason.
func accepted(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open("testdata/shapes-accepted.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if line := lines.Text(); line != "" && line[0] != '#' {
			pattern, reason, has := strings.Cut(line, "  # ")
			if !has {
				t.Fatalf("%s: no reason", line)
			}
			out[strings.TrimSpace(pattern)] = reason
		}
	}
	return out
}

// TestShapes asks for every address whose reply was recorded and compares keys and types.
func TestShapes(t *testing.T) {
	s := newSite(t)
	ids := s.sample()
	known, used := accepted(t), map[string]bool{}
	want := shapes(t)
	n := 0
	for _, address := range slices.Sorted(maps.Keys(want)) {
		url := address
		if strings.Contains(url, "{pk}") {
			kind := strings.Split(strings.TrimPrefix(url, "/api/v2/"), "/")[0]
			id := ids[kind]
			if id == 0 {
				t.Errorf("%s: no object of this kind", address)
				continue
			}
			url = strings.Replace(url, "{pk}", fmt.Sprint(id), 1)
		}
		url = strings.Replace(url, "{category_slug}", "jobs", 1)
		if body, is := want[address].(map[string]any); is && body["results"] != nil {
			url += "?page_size=1"
		}
		n++
		say := func(what string) {
			line, wanted := address+" "+what, false
			for pattern := range known {
				if ok, err := path.Match(strings.ReplaceAll(pattern, "/", "|"), strings.ReplaceAll(line, "/", "|")); err != nil {
					t.Fatal(pattern, err)
				} else if ok {
					used[pattern], wanted = true, true
				}
			}
			if !wanted {
				t.Error(line)
			}
		}
		status, body := s.call(admin, "GET", url, nil)
		if status != 200 {
			say(fmt.Sprint("status ", status))
			continue
		}
		got := any(body)
		if text, isText := body["text"].(string); isText && json.Unmarshal([]byte(text), &got) != nil {
			got = text
		}
		differ("", want[address], got, say)
	}
	for pattern := range known {
		if !used[pattern] {
			t.Errorf("accepted, and there is no such difference: %s", pattern)
		}
	}
	t.Logf("%d addresses", n)
}

// sample makes one object of every kind and lets each kind of job run once. It returns an id for each path.
func (s *site) sample() map[string]int64 {
	s.t.Helper()
	repo := repository.New(s.t, map[string]string{"site.yml": "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: Say\n      debug: {msg: hello}\n", "hosts.ini": "[web]\nw1 ansible_connection=local\nw2 ansible_connection=local\n[db]\nd1 ansible_connection=local\n"})
	ids := map[string]int64{"users": 1, "instances": 1, "instance_groups": 2, "credential_types": 1, "roles": 0}
	org := s.make("organizations", anyMap{"name": "Ops"})
	ids["organizations"] = org
	inventory := s.make("inventories", anyMap{"name": "Prod", "organization": org})
	host := s.make("hosts", anyMap{"name": "h1", "inventory": inventory, "variables": local})
	s.link("groups", s.make("groups", anyMap{"name": "g1", "inventory": inventory}), "hosts", host)
	ids["projects"] = s.make("projects", anyMap{"name": "Code", "organization": org, "scm_type": "git", "scm_url": "file://" + repo, "allow_override": true})
	project := fmt.Sprintf("/api/v2/projects/%d/", ids["projects"])
	s.wait(project, func(o anyMap) bool { return o["status"] == "successful" })
	ids["project_updates"] = s.first(project + "project_updates/")
	ids["credentials"] = s.make("credentials", anyMap{"name": "Machine", "organization": org, "credential_type": 1, "inputs": anyMap{"username": "root"}})
	ids["job_templates"] = s.make("job_templates", anyMap{"name": "Site", "project": ids["projects"], "inventory": inventory, "playbook": "site.yml", "ask_variables_on_launch": true, "ask_limit_on_launch": true})
	template := fmt.Sprintf("/api/v2/job_templates/%d/", ids["job_templates"])
	s.link("job_templates", ids["job_templates"], "credentials", ids["credentials"])
	ids["schedules"] = s.make("schedules", anyMap{"name": "Night", "unified_job_template": ids["job_templates"], "rrule": "DTSTART;TZID=Europe/Madrid:20300101T030000 RRULE:FREQ=DAILY;INTERVAL=1"})
	ids["labels"] = s.make("labels", anyMap{"name": "green", "organization": org})
	ids["teams"] = s.make("teams", anyMap{"name": "Team", "organization": org})
	ids["tokens"] = s.make("tokens", anyMap{"description": "t", "scope": "read"})
	ids["notification_templates"] = s.make("notification_templates", anyMap{"name": "Hook", "organization": org, "notification_type": "webhook", "notification_configuration": anyMap{
		"url": "http://127.0.0.1:9/x", "http_method": "POST", "disable_ssl_verification": false, "username": "u", "password": "p", "headers": anyMap{}}})
	ids["execution_environments"] = s.make("execution_environments", anyMap{"name": "Own", "image": "example.com/ee"})
	ids["inventories"] = s.make("inventories", anyMap{"name": "Files", "organization": org})
	ids["constructed_inventories"] = ids["inventories"] // the address shows every inventory
	ids["inventory_sources"] = s.make("inventory_sources", anyMap{"name": "File", "inventory": ids["inventories"], "source": "scm", "source_project": ids["projects"], "source_path": "hosts.ini"})
	ids["inventory_updates"] = s.run(fmt.Sprintf("/api/v2/inventory_sources/%d/update/", ids["inventory_sources"]), "inventory_updates", anyMap{})
	s.call(admin, "PATCH", fmt.Sprintf("/api/v2/hosts/%d/", s.first(fmt.Sprintf("/api/v2/inventories/%d/hosts/", ids["inventories"]))), anyMap{"description": "one"})
	ids["hosts"] = s.first(fmt.Sprintf("/api/v2/inventories/%d/hosts/", ids["inventories"]))
	ids["groups"] = s.first(fmt.Sprintf("/api/v2/hosts/%d/groups/", ids["hosts"]))
	ids["jobs"] = s.run(template+"launch/", "jobs", anyMap{"limit": "h1"})
	ids["job_host_summaries"] = s.first(fmt.Sprintf("/api/v2/jobs/%d/job_host_summaries/", ids["jobs"]))
	ids["job_events"] = s.first(fmt.Sprintf("/api/v2/jobs/%d/job_events/", ids["jobs"]))
	ids["ad_hoc_commands"] = s.run("/api/v2/ad_hoc_commands/", "ad_hoc_commands", anyMap{"inventory": inventory, "module_name": "ping", "credential": ids["credentials"]})
	ids["ad_hoc_command_events"] = s.first(fmt.Sprintf("/api/v2/ad_hoc_commands/%d/events/", ids["ad_hoc_commands"]))
	ids["workflow_job_templates"] = s.make("workflow_job_templates", anyMap{"name": "Flow", "organization": org})
	ids["workflow_job_template_nodes"] = s.make("workflow_job_template_nodes", anyMap{"workflow_job_template": ids["workflow_job_templates"], "unified_job_template": ids["job_templates"], "identifier": "one"})
	s.link("workflow_job_template_nodes", ids["workflow_job_template_nodes"], "success_nodes", s.make("workflow_job_template_nodes", anyMap{"workflow_job_template": ids["workflow_job_templates"], "unified_job_template": ids["job_templates"], "identifier": "two"}))
	s.link("workflow_job_template_nodes", ids["workflow_job_template_nodes"], "failure_nodes", s.make("workflow_job_template_nodes", anyMap{"workflow_job_template": ids["workflow_job_templates"], "unified_job_template": ids["job_templates"], "identifier": "three"}))
	ids["workflow_jobs"] = s.run(fmt.Sprintf("/api/v2/workflow_job_templates/%d/launch/", ids["workflow_job_templates"]), "workflow_jobs", anyMap{})
	ids["workflow_job_nodes"] = s.first("/api/v2/workflow_job_nodes/")
	ids["system_job_templates"] = s.first("/api/v2/system_job_templates/")

	ids["activity_stream"] = s.first(fmt.Sprintf("/api/v2/jobs/%d/activity_stream/", ids["jobs"]))
	ids["host_metrics"] = s.first("/api/v2/host_metrics/")
	ids["role_definitions"] = s.first("/api/v2/role_definitions/")
	template = fmt.Sprintf("/api/v2/job_templates/%d/object_roles/", ids["job_templates"])
	s.link("roles", s.first(template), "teams", ids["teams"])
	_, roles := s.call(admin, "GET", fmt.Sprintf("/api/v2/inventories/%d/object_roles/", ids["inventories"]), nil)
	ids["roles"] = int64(roles["results"].([]any)[4].(anyMap)["id"].(float64))
	ids["users"] = s.make("users", anyMap{"username": "ann", "password": "the-password-of-ann"})
	s.link("organizations", org, "admins", ids["users"])
	s.link("roles", s.first(template), "users", ids["users"])
	s.call("ann:the-password-of-ann", "POST", fmt.Sprintf("/api/v2/users/%d/personal_tokens/", ids["users"]), anyMap{"scope": "read"})
	s.call("ann:the-password-of-ann", "PATCH", fmt.Sprintf("/api/v2/organizations/%d/", org), anyMap{"description": "of ann"})
	ids["credential_types"] = s.make("credential_types", anyMap{"name": "Tok", "kind": "cloud", "inputs": anyMap{"fields": []any{anyMap{"id": "tok", "type": "string", "label": "Token", "secret": true}}},
		"injectors": anyMap{"env": anyMap{"MY_TOK": "{{ tok }}"}, "extra_vars": anyMap{"t": "{{ tok }}"}}})
	s.make("credentials", anyMap{"name": "T", "organization": org, "credential_type": ids["credential_types"], "inputs": anyMap{"tok": "x"}})
	return ids
}

// link attaches an object to another.
func (s *site) link(kind string, id int64, list string, other int64) {
	s.t.Helper()
	if status, out := s.call(admin, "POST", fmt.Sprintf("/api/v2/%s/%d/%s/", kind, id, list), anyMap{"id": other}); status != 204 {
		s.t.Fatalf("%s %d %s: %d %v", kind, id, list, status, out)
	}
}

// first is the id of the first object of a list.
func (s *site) first(path string) int64 {
	s.t.Helper()
	_, out := s.call(admin, "GET", path, nil)
	list, _ := out["results"].([]any)
	if len(list) == 0 {
		s.t.Fatalf("%s is empty: %v", path, out)
	}
	return int64(list[0].(anyMap)["id"].(float64))
}

// run starts something and waits for its end; it returns the job's id.
func (s *site) run(path, kind string, body any) int64 {
	s.t.Helper()
	status, out := s.call(admin, "POST", path, body)
	if status != 201 && status != 202 {
		s.t.Fatalf("%s: %d %v", path, status, out)
	}
	id := int64(out["id"].(float64))
	job := s.wait(fmt.Sprintf("/api/v2/%s/%d/", kind, id), func(o anyMap) bool { return o["finished"] != nil && (finished(o) || kind == "workflow_jobs") })
	if job["status"] != "successful" {
		s.t.Fatalf("%s %d: %v %v", kind, id, job["status"], job["job_explanation"])
	}
	return id
}
