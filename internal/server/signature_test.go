package server_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/test/repository"
)

// TestSignedProject updates a project that must be signed: while it is, when it is not any more, and with a job at a branch that is not.
func TestSignedProject(t *testing.T) {
	if _, err := exec.LookPath("gpg"); err != nil {
		t.Skip("no GnuPG on this machine")
	}
	home, err := os.MkdirTemp("", "gpg-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home)
	gpg := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("gpg", append([]string{"--homedir", home, "--batch", "--quiet", "--no-tty"}, args...)...).Output()
		if err != nil {
			t.Fatalf("gpg %v: %v", args, err)
		}
		return string(out)
	}
	defer func() { _ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run() }()
	gpg("--passphrase", "", "--quick-gen-key", "ann@example.com", "ed25519", "sign", "never")
	files := map[string]string{"site.yml": "- hosts: all\n  gather_facts: false\n  tasks: []\n", "MANIFEST.in": "recursive-exclude .git *\n"}
	repo := repository.New(t, files)
	list := ""
	for _, name := range []string{"MANIFEST.in", "site.yml"} {
		list += fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(files[name])), name)
	}
	sums := filepath.Join(repo, ".ansible-sign", "sha256sum.txt")
	if err := os.MkdirAll(filepath.Dir(sums), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(sums, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	gpg("--armor", "--output", sums+".sig", "--detach-sign", sums)
	repository.Git(t, repo, "add", "-A")
	repository.Git(t, repo, "commit", "-qm", "signed")

	s := newSite(t)
	org := s.make("organizations", anyMap{"name": "Ops"})
	key := s.make("credentials", anyMap{"name": "Ann", "organization": org, "credential_type": s.first("/api/v2/credential_types/?namespace=gpg_public_key"), "inputs": anyMap{"gpg_public_key": gpg("--armor", "--export")}})
	machine := s.make("credentials", anyMap{"name": "Machine", "organization": org, "credential_type": 1, "inputs": anyMap{}})
	body := anyMap{"name": "Code", "organization": org, "scm_type": "git", "scm_url": "file://" + repo, "signature_validation_credential": machine, "allow_override": true}
	if status, out := s.call(admin, "POST", "/api/v2/projects/", body); status != 400 || out["signature_validation_credential"] == nil {
		t.Errorf("a credential without a key: %d %v", status, out)
	}
	body["signature_validation_credential"] = key
	project := s.make("projects", body)
	path := fmt.Sprintf("/api/v2/projects/%d/", project)
	s.wait(path, func(o anyMap) bool { return o["status"] == "successful" })

	if err := os.WriteFile(filepath.Join(repo, "more.yml"), []byte("- hosts: all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	repository.Git(t, repo, "checkout", "-q", "-b", "other")
	repository.Git(t, repo, "add", "-A")
	repository.Git(t, repo, "commit", "-qm", "unsigned")
	_, update := s.call(admin, "POST", path+"update/", anyMap{})
	s.wait(fmt.Sprintf("/api/v2/project_updates/%v/", update["id"]), finished)
	inventory := s.make("inventories", anyMap{"name": "Prod", "organization": org})
	s.make("hosts", anyMap{"name": "h1", "inventory": inventory, "variables": local})
	template := s.make("job_templates", anyMap{"name": "Site", "project": project, "inventory": inventory, "playbook": "site.yml", "ask_scm_branch_on_launch": true})
	launch := fmt.Sprintf("/api/v2/job_templates/%d/launch/", template)
	s.run(launch, "jobs", anyMap{"scm_branch": "main"})
	_, job := s.call(admin, "POST", launch, anyMap{"scm_branch": "other"})
	if end := s.wait(fmt.Sprintf("/api/v2/jobs/%v/", job["id"]), finished); end["status"] == "successful" || !strings.Contains(fmt.Sprint(end["job_explanation"]), "more.yml was added") {
		t.Errorf("a branch that is not signed: %v %v", end["status"], end["job_explanation"])
	}
	s.call(admin, "PATCH", path, anyMap{"scm_branch": "other"})
	s.wait(path, func(o anyMap) bool { return o["status"] == "failed" })
	_, list2 := s.call(admin, "GET", path+"project_updates/?order_by=-id", nil)
	if why := fmt.Sprint(list2["results"].([]any)[0].(anyMap)["job_explanation"]); !strings.Contains(why, "more.yml was added") {
		t.Errorf("the update failed because %q", why)
	}
	if _, now := s.call(admin, "GET", path, nil); len(fmt.Sprint(now["scm_revision"])) != 40 {
		t.Errorf("the project has no revision any more: %v", now["scm_revision"])
	}
}

// TestSubversionProject runs a playbook from a repository of Subversion.
func TestSubversionProject(t *testing.T) {
	if _, err := exec.LookPath("svnadmin"); err != nil {
		t.Skip("no Subversion on this machine")
	}
	dir := t.TempDir()
	repo, work := filepath.Join(dir, "repo"), filepath.Join(dir, "work")
	for _, step := range [][]string{{"svnadmin", "create", repo}, {"svn", "checkout", "-q", "file://" + repo, work}, {"sh", "-c", "cd $0 && printf -- '- hosts: all\\n  gather_facts: false\\n  tasks: []\\n' > site.yml && svn add -q site.yml && svn commit -q -m one", work}} {
		if out, err := exec.Command(step[0], step[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", step, out)
		}
	}
	s := newSite(t)
	org := s.make("organizations", anyMap{"name": "Ops"})
	if status, out := s.call(admin, "POST", "/api/v2/projects/", anyMap{"name": "Bad", "organization": org, "scm_type": "svn", "scm_url": "svn+evil://x/y"}); status != 400 || out["scm_url"] == nil {
		t.Errorf("an address that runs a command: %d %v", status, out)
	}
	project := s.make("projects", anyMap{"name": "Code", "organization": org, "scm_type": "svn", "scm_url": "file://" + repo})
	path := fmt.Sprintf("/api/v2/projects/%d/", project)
	if rec := s.wait(path, func(o anyMap) bool { return o["status"] == "successful" }); rec["scm_revision"] != "1" {
		t.Errorf("the revision is %v", rec["scm_revision"])
	}
	inventory := s.make("inventories", anyMap{"name": "Prod", "organization": org})
	s.make("hosts", anyMap{"name": "h1", "inventory": inventory, "variables": local})
	template := s.make("job_templates", anyMap{"name": "Site", "project": project, "inventory": inventory, "playbook": "site.yml"})
	id := s.run(fmt.Sprintf("/api/v2/job_templates/%d/launch/", template), "jobs", anyMap{})
	if _, job := s.call(admin, "GET", fmt.Sprintf("/api/v2/jobs/%d/", id), nil); job["scm_revision"] != "1" {
		t.Errorf("the job ran %v", job["scm_revision"])
	}
}
