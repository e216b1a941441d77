package server_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/server"
)

// engine writes a program that stands for podman: it notes what it was told and runs the command of the container, without one.
func engine(t *testing.T) (program, notes string) {
	t.Helper()
	dir := t.TempDir()
	program, notes = filepath.Join(dir, "podman"), filepath.Join(dir, "notes")
	script := `#!/bin/sh
printf '%s\n' "$@" "" >> ` + notes + `
test "$1" = run || exit 0
while [ "$1" != inside ]; do
	case "$1" in
	--entrypoint) program="$2" ;;
	--authfile) cp "$2" ` + notes + `.auth ;;
	esac
	shift
done
exec "$program" "$@"
`
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	return program, notes
}

// TestContainers runs jobs with an execution environment through a program that stands for podman.
func TestContainers(t *testing.T) {
	program, notes := engine(t)
	s := startWith(t, t.TempDir(), func(c *server.Config) { c.Engine, c.Limits.Memory = program, 1<<30 })
	defer func() { s.stop() }()
	e := s.estate("- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"tok={{ lookup('env', 'MY_TOK') | replace('\\n', '+') }} pwd={{ playbook_dir | basename }}\"}\n    - command: sleep {{ nap | default(0) }}\n")
	org := e.org
	registry := s.make("credentials", anyMap{"name": "Registry", "organization": org, "credential_type": s.first("/api/v2/credential_types/?namespace=registry"),
		"inputs": anyMap{"host": "registry.example.com", "username": "robot", "password": "secret-of-registry", "verify_ssl": false}})
	env := s.make("execution_environments", anyMap{"name": "Own", "image": "registry.example.com/ee:1", "pull": "always", "credential": registry})
	kind := s.make("credential_types", anyMap{"name": "Tok", "kind": "cloud", "inputs": anyMap{"fields": []any{anyMap{"id": "tok", "type": "string", "label": "Token", "secret": true}}}, "injectors": anyMap{"env": anyMap{"MY_TOK": "{{ tok }}"}}})
	s.link("job_templates", e.template, "credentials", s.make("credentials", anyMap{"name": "T", "organization": org, "credential_type": kind, "inputs": anyMap{"tok": "line1\nline2"}}))
	template := fmt.Sprintf("/api/v2/job_templates/%d/", e.template)
	if status, out := s.call(admin, "PATCH", template, anyMap{"execution_environment": env}); status != 200 {
		t.Fatalf("%d %v", status, out)
	}
	id := s.run(template+"launch/", "jobs", anyMap{})
	_, out := s.call(admin, "GET", fmt.Sprintf("/api/v2/jobs/%d/stdout/?format=txt", id), nil)
	if text := fmt.Sprint(out["text"]); !strings.Contains(text, "tok=line1+line2 pwd=project") || !strings.Contains(text, "h1") {
		t.Errorf("the run in its container: %s", text)
	}
	b, err := os.ReadFile(notes)
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Split(string(b), "\n")
	for _, want := range [][]string{{"run", "--rm"}, {"--network", "host"}, {"--pull", "always"}, {"--tls-verify=false"}, {"--memory", "1073741824"}, {"registry.example.com/ee:1", "inside"}, {program0(t) + ":" + program0(t) + ":ro"}} {
		found := false
		for i := range args {
			found = found || i+len(want) <= len(args) && slices.Equal(args[i:i+len(want)], want)
		}
		if !found {
			t.Errorf("podman was not told %v: %q", want, args)
		}
	}
	if strings.Contains(string(b), "secret-of") || strings.Contains(string(b), "line1") {
		t.Errorf("secrets are in the arguments: %s", b)
	}
	login, err := os.ReadFile(notes + ".auth")
	if want := base64.StdEncoding.EncodeToString([]byte("robot:secret-of-registry")); err != nil || string(login) != `{"auths":{"registry.example.com":{"auth":"`+want+`"}}}` {
		t.Errorf("the registry's login: %s %v", login, err)
	}
	// A canceled job's container is removed by its name.
	status, launched := s.call(admin, "POST", template+"launch/", anyMap{"extra_vars": anyMap{"nap": 60}})
	if status != 201 {
		t.Fatalf("%d %v", status, launched)
	}
	job := fmt.Sprintf("/api/v2/jobs/%v/", launched["id"])
	s.wait(job+"job_events/?event=playbook_on_task_start", func(o anyMap) bool { return o["count"] == 2.0 })
	s.call(admin, "POST", job+"cancel/", anyMap{})
	if end := s.wait(job, finished); end["status"] != "canceled" {
		t.Errorf("canceled: %v", end["status"])
	}
	for file := range strings.FieldsSeq(string(b)) { // what podman was told
		if strings.HasSuffix(file, "/entry.json") {
			if _, err := os.Stat(filepath.Dir(file)); err == nil {
				t.Errorf("%s is still there", filepath.Dir(file))
			}
		}
	}
	// Other kinds of runs.
	adHoc := s.run("/api/v2/ad_hoc_commands/", "ad_hoc_commands", anyMap{"inventory": e.inventory, "module_name": "ping", "execution_environment": env})
	if b, _ := os.ReadFile(notes); !strings.Contains(string(b), fmt.Sprintf("-%d-1\n", adHoc)) {
		t.Errorf("an ad hoc command has no container: %s", b)
	}
	if status, out := s.call(admin, "POST", "/api/v2/execution_environments/", anyMap{"name": "Bad", "image": "--volume=/:/host"}); status != 400 {
		t.Errorf("an image that is an option: %d %v", status, out)
	}
}

// program0 is this test's program, which is the server's in it.
func program0(t *testing.T) string {
	t.Helper()
	p, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestNoEngine asks for an execution environment where there is no engine: the run says so, or, where one is required, fails.
func TestNoEngine(t *testing.T) {
	for _, need := range []bool{false, true} {
		s := startWith(t, t.TempDir(), func(c *server.Config) { c.Engine, c.NeedEngine = "none", need })
		e := s.estate("- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {msg: hello}\n")
		env := s.make("execution_environments", anyMap{"name": "Own", "image": "example.com/ee"})
		s.call(admin, "PATCH", fmt.Sprintf("/api/v2/job_templates/%d/", e.template), anyMap{"execution_environment": env})
		job := s.wait(fmt.Sprintf("/api/v2/jobs/%d/", s.launch(e)), finished)
		_, out := s.call(admin, "GET", fmt.Sprintf("/api/v2/jobs/%v/stdout/?format=txt", job["id"]), nil)
		const said = "The execution environment Own (example.com/ee) is not used"
		if strings.Count(fmt.Sprint(out["text"]), said) != 1 || job["status"] != map[bool]string{false: "successful", true: "error"}[need] {
			t.Errorf("required %v: %v, %v", need, job["status"], out["text"])
		}
		if why := fmt.Sprint(job["job_explanation"]); need != strings.Contains(why, said) {
			t.Errorf("required %v: %q", need, why)
		}
		s.stop()
	}
	if err := server.Run(t.Context(), server.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Node: "n", Admin: "a", Password: "b", Engine: "/nowhere/podman"}); err == nil || !strings.Contains(err.Error(), "container engine") {
		t.Errorf("an engine that is not there: %v", err)
	}
}

// TestEnvironments looks which execution environment jobs get.
func TestEnvironments(t *testing.T) {
	s := startWith(t, t.TempDir(), func(c *server.Config) { c.Engine = "none" })
	defer func() { s.stop() }()
	e := s.estate("- hosts: all\n  gather_facts: false\n  tasks: []\n")
	template := fmt.Sprintf("/api/v2/job_templates/%d/", e.template)
	made := map[string]int64{}
	for _, name := range []string{"setting", "of inventory", "of organization", "of project", "of template", "asked for"} {
		made[name] = s.make("execution_environments", anyMap{"name": name, "image": "example.com/" + strings.ReplaceAll(name, " ", "-")})
	}
	other := s.make("organizations", anyMap{"name": "Other", "default_environment": made["of inventory"]})
	set := func(path string, body anyMap) {
		t.Helper()
		if status, out := s.call(admin, "PATCH", path, body); status != 200 {
			t.Fatalf("%s: %d %v", path, status, out)
		}
	}
	for _, step := range []struct {
		change func()
		launch anyMap
		want   string
	}{
		{func() {}, anyMap{}, "Built in"},
		{func() { set("/api/v2/settings/system/", anyMap{"DEFAULT_EXECUTION_ENVIRONMENT": made["setting"]}) }, anyMap{}, "setting"},
		{func() { set(fmt.Sprintf("/api/v2/inventories/%d/", e.inventory), anyMap{"organization": other}) }, anyMap{}, "of inventory"},
		{func() {
			set(fmt.Sprintf("/api/v2/organizations/%d/", e.org), anyMap{"default_environment": made["of organization"]})
		}, anyMap{}, "of organization"},
		{func() {
			set(fmt.Sprintf("/api/v2/projects/%d/", e.project), anyMap{"default_environment": made["of project"]})
		}, anyMap{}, "of project"},
		{func() { set(template, anyMap{"execution_environment": made["of template"]}) }, anyMap{}, "of template"},
		{func() { set(template, anyMap{"ask_execution_environment_on_launch": true}) }, anyMap{"execution_environment": made["asked for"]}, "asked for"},
	} {
		step.change()
		status, job := s.call(admin, "POST", template+"launch/", step.launch)
		if status != 201 {
			t.Fatalf("%d %v", status, job)
		}
		told, _ := job["summary_fields"].(anyMap)["execution_environment"].(anyMap)
		if told["name"] != step.want || job["related"].(anyMap)["execution_environment"] == nil || job["execution_environment"] != told["id"] {
			t.Errorf("the job has %v, want %s", told, step.want)
		}
		_, rec := s.call(admin, "GET", template, nil)
		if told, _ := rec["summary_fields"].(anyMap)["resolved_environment"].(anyMap); len(step.launch) == 0 && told["name"] != step.want {
			t.Errorf("the template tells of %v, want %s", told, step.want)
		}
		s.wait(fmt.Sprintf("/api/v2/jobs/%v/", job["id"]), finished)
	}
	_, update := s.call(admin, "POST", fmt.Sprintf("/api/v2/projects/%d/update/", e.project), anyMap{})
	if _, rec := s.call(admin, "GET", fmt.Sprintf("/api/v2/project_updates/%v/", update["id"]), nil); rec["summary_fields"].(anyMap)["execution_environment"].(anyMap)["name"] != "Built in" {
		t.Errorf("an update of a project has %v", rec["summary_fields"])
	}
	for _, bad := range []any{99999, "x", true} {
		if status, _ := s.call(admin, "PATCH", "/api/v2/settings/system/", anyMap{"DEFAULT_EXECUTION_ENVIRONMENT": bad}); status != 400 {
			t.Errorf("the setting takes %v: %d", bad, status)
		}
	}
	set("/api/v2/settings/system/", anyMap{"DEFAULT_EXECUTION_ENVIRONMENT": nil})
}
