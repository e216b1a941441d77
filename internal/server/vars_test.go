package server_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestInjection: who may launch a job, and no more, must not be able to have templates evaluated.
func TestInjection(t *testing.T) {
	s := newSite(t)
	e := s.estate("- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"{{ said }} | {{ ours }} | {{ deep.list }} | {{ theirs }}\"}\n")
	s.call(admin, "PATCH", fmt.Sprintf("/api/v2/job_templates/%d/", e.template), anyMap{"extra_vars": `{"ours": "{{ 40 + 2 }}", "theirs": "{{ 1 + 1 }}"}`})
	launch := func(vars anyMap) string {
		t.Helper()
		status, out := s.call(admin, "POST", fmt.Sprintf("/api/v2/job_templates/%d/launch/", e.template), anyMap{"extra_vars": vars})
		if status != 201 {
			t.Fatalf("launch: %d %v", status, out)
		}
		s.wait(fmt.Sprintf("/api/v2/jobs/%v/", out["job"]), finished)
		_, text := s.call(admin, "GET", fmt.Sprintf("/api/v2/jobs/%v/stdout/?format=txt", out["job"]), nil)
		for line := range strings.Lines(fmt.Sprint(text["text"])) {
			if _, msg, is := strings.Cut(line, `"msg": `); is {
				return strings.TrimSpace(msg)
			}
		}
		return fmt.Sprint(text)
	}
	said := anyMap{"said": "{{ lookup('pipe', 'id') }}", "theirs": "{{ 2 + 2 }}", "deep": anyMap{"list": []any{"{% if true %}x{% endif %}", anyMap{"__ansible_unsafe": "{{ 3 }}"}}}}
	if got := launch(said); !strings.Contains(got, "{{ lookup('pipe', 'id') }} | 42 | ['{% if true %}x{% endif %}', '{{ 3 }}'] | {{ 2 + 2 }}") {
		t.Errorf("the job said %s", got)
	}
	s.call(admin, "PATCH", "/api/v2/settings/jobs/", anyMap{"ALLOW_JINJA_IN_EXTRA_VARS": "never"})
	if got := launch(anyMap{"said": "x", "deep": anyMap{"list": 1}}); !strings.Contains(got, "x | {{ 40 + 2 }} | 1 | {{ 1 + 1 }}") {
		t.Errorf("with never the job said %s", got)
	}
	s.call(admin, "PATCH", "/api/v2/settings/jobs/", anyMap{"ALLOW_JINJA_IN_EXTRA_VARS": "always"})
	if got := launch(anyMap{"said": "{{ 5 * 5 }}", "deep": anyMap{"list": 1}}); !strings.Contains(got, "25 | 42 | 1 | 2") {
		t.Errorf("with always the job said %s", got)
	}
	s.call(admin, "PATCH", "/api/v2/settings/jobs/", anyMap{"ALLOW_JINJA_IN_EXTRA_VARS": "template"})

	adhoc := func(body anyMap) (int, anyMap) {
		body["inventory"], body["module_name"] = e.inventory, "command"
		return s.call(admin, "POST", "/api/v2/ad_hoc_commands/", body)
	}
	if status, out := adhoc(anyMap{"module_args": "id", "extra_vars": `{"ansible_connection": "x", "ansible_become": true, "mine": 1}`}); status != 400 || fmt.Sprint(out["extra_vars"]) != "[ansible_connection, ansible_become are prohibited from use in ad hoc commands.]" {
		t.Errorf("variables of connections: %d %v", status, out)
	}
	_, out := adhoc(anyMap{"module_args": "echo {{ lookup('pipe', 'id') }}"})
	if job := s.wait(fmt.Sprintf("/api/v2/ad_hoc_commands/%v/", out["id"]), finished); job["status"] != "error" || !strings.Contains(fmt.Sprint(job["job_explanation"]), "Inline Jinja variables are not allowed.") {
		t.Errorf("a template in arguments: %v %v", job["status"], job["job_explanation"])
	}
	_, out = adhoc(anyMap{"module_args": "echo --version"})
	if job := s.wait(fmt.Sprintf("/api/v2/ad_hoc_commands/%v/", out["id"]), finished); job["status"] != "successful" {
		t.Errorf("arguments like a flag's: %v", job)
	}
}
