package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/test/repository"
)

// TestRequirements: roles and collections that a project lists are there in its jobs, from repositories here and out of the project itself.
func TestRequirements(t *testing.T) {
	s := newSite(t)
	role := repository.New(t, map[string]string{"tasks/main.yml": "- debug: {msg: the role of the list}\n", "meta/main.yml": "galaxy_info: {}\ndependencies: []\n"})
	repository.Git(t, role, "update-server-info")
	files := httptest.NewServer(http.FileServer(http.Dir(role))) // runs are another user, who cannot read the test's directory
	t.Cleanup(files.Close)
	playbook := "- hosts: all\n  gather_facts: false\n  roles: [listed]\n  tasks:\n    - debug: {msg: \"{{ 'x' | acme.tools.shout }}\"}\n"
	content := map[string]string{
		"site.yml":                     playbook,
		"ansible.cfg":                  "[defaults]\nroles_path = ./own\n",
		"roles/requirements.yml":       "- {name: listed, scm: git, src: \"" + files.URL + "/.git\"}\n",
		"collections/requirements.yml": "collections:\n  - {name: ./tools, type: dir}\n",
		"tools/galaxy.yml":             "namespace: acme\nname: tools\nversion: 1.0.0\nreadme: README.md\nauthors: [a]\n",
		"tools/README.md":              "tools\n",
		"tools/plugins/filter/f.py":    "class FilterModule:\n    def filters(self): return {'shout': lambda x: x.upper() + '!'}\n",
	}
	repo := repository.New(t, content)
	org := s.make("organizations", anyMap{"name": "Ops"})
	inventory := s.make("inventories", anyMap{"name": "Prod", "organization": org})
	s.make("hosts", anyMap{"name": "h1", "inventory": inventory, "variables": local})
	project := s.make("projects", anyMap{"name": "Code", "organization": org, "scm_type": "git", "scm_url": "file://" + repo})
	update := s.wait(fmt.Sprintf("/api/v2/project_updates/?project=%d", project), func(o anyMap) bool { return o["count"] == 1.0 })["results"].([]any)[0].(anyMap)
	if update = s.wait(fmt.Sprintf("/api/v2/project_updates/%v/", update["id"]), finished); update["status"] != "successful" {
		_, body := s.call(admin, "GET", fmt.Sprintf("/api/v2/project_updates/%v/stdout/?format=txt", update["id"]), nil)
		t.Fatalf("the update is %v: %v", update["status"], body["text"])
	}
	template := s.make("job_templates", anyMap{"name": "Site", "project": project, "inventory": inventory, "playbook": "site.yml"})
	run := func() (status any, text string) {
		t.Helper()
		_, out := s.call(admin, "POST", fmt.Sprintf("/api/v2/job_templates/%d/launch/", template), anyMap{})
		job := s.wait(fmt.Sprintf("/api/v2/jobs/%v/", out["job"]), finished)
		_, body := s.call(admin, "GET", fmt.Sprintf("/api/v2/jobs/%v/stdout/?format=txt", out["job"]), nil)
		return job["status"], fmt.Sprint(body["text"])
	}
	if status, text := run(); status != "successful" || !strings.Contains(text, "the role of the list") || !strings.Contains(text, "X!") || strings.Contains(text, "Installing") {
		t.Errorf("the job is %v and says\n%s", status, text)
	}
	// A node that has never updated the project installs them before its first job.
	if err := os.RemoveAll(filepath.Join(s.dir, "projects", ".requirements")); err != nil {
		t.Fatal(err)
	}
	for i, installs := range []bool{true, false} {
		if status, text := run(); status != "successful" || strings.Contains(text, "Installing the roles of roles/requirements.yml") != installs {
			t.Errorf("job %d on another node is %v and says\n%s", i, status, text)
		}
	}
	// A list that cannot be had fails the update, with the reason.
	repository.Git(t, repo, "rm", "-q", "roles/requirements.yml")
	if err := os.WriteFile(filepath.Join(repo, "requirements.yml"), []byte("roles:\n  - {name: gone, scm: git, src: \"file:///nonexistent/role\"}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	repository.Git(t, repo, "add", "-A")
	repository.Git(t, repo, "commit", "-q", "-m", "gone")
	_, out := s.call(admin, "POST", fmt.Sprintf("/api/v2/projects/%d/update/", project), nil)
	update = s.wait(fmt.Sprintf("/api/v2/project_updates/%v/", out["id"]), finished)
	if update["status"] != "failed" || !strings.Contains(fmt.Sprint(update["job_explanation"]), "the roles of requirements.yml cannot be installed") {
		t.Errorf("the update is %v: %v", update["status"], update["job_explanation"])
	}
	// An organization without Galaxy credentials installs nothing, as in AWX.
	_, list := s.call(admin, "GET", fmt.Sprintf("/api/v2/organizations/%d/galaxy_credentials/", org), nil)
	credential := list["results"].([]any)[0].(anyMap)
	if credential["name"] != "Ansible Galaxy" || credential["managed"] != true {
		t.Errorf("a new organization has %v", credential)
	}
	s.call(admin, "POST", fmt.Sprintf("/api/v2/organizations/%d/galaxy_credentials/", org), anyMap{"id": credential["id"], "disassociate": true})
	_, out = s.call(admin, "POST", fmt.Sprintf("/api/v2/projects/%d/update/", project), nil)
	update = s.wait(fmt.Sprintf("/api/v2/project_updates/%v/", out["id"]), finished)
	if _, body := s.call(admin, "GET", fmt.Sprintf("/api/v2/project_updates/%v/stdout/?format=txt", out["id"]), nil); update["status"] != "successful" || !strings.Contains(fmt.Sprint(body["text"]), "has no Galaxy credentials") {
		t.Errorf("the update is %v and says %v", update["status"], body["text"])
	}
}
