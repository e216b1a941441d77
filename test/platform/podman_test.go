package platform

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/test/repository"
)

// podman runs the real one.
func podman(t *testing.T, in []byte, args ...string) string {
	t.Helper()
	cmd := exec.Command("podman", args...)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Skipf("podman on this machine cannot do %v: %s", args, out)
	}
	return string(out)
}

// TestPodman runs jobs in containers of the real podman, of an image that has nothing at all: one that ends, one that is canceled, one whose server is killed.
func TestPodman(t *testing.T) {
	if _, err := exec.LookPath("podman"); err != nil {
		t.Skip("no podman on this machine")
	}
	var image bytes.Buffer
	w := tar.NewWriter(&image)
	if err := w.WriteHeader(&tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	const name = "localhost/troupe-test-of-nothing"
	podman(t, image.Bytes(), "import", "-", name)
	defer podman(t, nil, "rmi", "--force", name)
	podman(t, nil, "create", "--name", "troupe-test-of-podman", name, "/x")
	podman(t, nil, "rm", "--force", "troupe-test-of-podman")

	// The image has no libraries: the programs must be as they are shipped.
	dir, everyday := t.TempDir(), program
	program = filepath.Join(dir, "troupe")
	defer func() { program = everyday }()
	for _, name := range []string{"troupe", "troupe-server"} {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, name), "../../cmd/"+name)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
	}
	n := newNode(t, "node1", t.TempDir(), "--container-engine", "podman", "--run-memory", "1G")
	repo := repository.New(t, map[string]string{"site.yml": `- hosts: all
  gather_facts: false
  tasks:
    - debug: {msg: "programs {{ query('fileglob', '/usr/bin/*') | length }}, tok {{ lookup('env', 'MY_TOK') | length }}"}
    - pause: {seconds: "{{ nap | default(1) | int }}"}
`})
	org := n.make("organizations", anyMap{"name": "Ops"})
	inventory := n.make("inventories", anyMap{"name": "Prod", "organization": org})
	n.make("hosts", anyMap{"name": "h1", "inventory": inventory, "variables": `{"ansible_connection": "local"}`})
	env := n.make("execution_environments", anyMap{"name": "Nothing", "image": name, "pull": "never"})
	project := n.make("projects", anyMap{"name": "Code", "organization": org, "scm_type": "git", "scm_url": "file://" + repo})
	eventually(t, 30*time.Second, "the project is there", func() bool {
		_, out, _ := n.call("GET", fmt.Sprintf("/api/v2/projects/%d/", project), nil)
		return out["status"] == "successful"
	})
	kind := n.make("credential_types", anyMap{"name": "Tok", "kind": "cloud", "inputs": anyMap{"fields": []any{anyMap{"id": "tok", "type": "string", "label": "Token", "secret": true}}}, "injectors": anyMap{"env": anyMap{"MY_TOK": "{{ tok }}"}}})
	template := n.make("job_templates", anyMap{"name": "Site", "project": project, "inventory": inventory, "playbook": "site.yml", "ask_variables_on_launch": true, "execution_environment": env})
	if status, out, err := n.call("POST", fmt.Sprintf("/api/v2/job_templates/%d/credentials/", template), anyMap{"id": n.make("credentials", anyMap{"name": "T", "organization": org, "credential_type": kind, "inputs": anyMap{"tok": "a secret"}})}); err != nil || status != 204 {
		t.Fatalf("%d %v %v", status, out, err)
	}
	launch := func(nap int) string {
		t.Helper()
		status, out, err := n.call("POST", fmt.Sprintf("/api/v2/job_templates/%d/launch/", template), anyMap{"extra_vars": anyMap{"nap": nap}})
		if err != nil || status != 201 {
			t.Fatalf("launch: %d %v %v", status, out, err)
		}
		return fmt.Sprintf("/api/v2/jobs/%d/", id(out["id"]))
	}
	wait := func(job string) anyMap {
		t.Helper()
		var out anyMap
		eventually(t, time.Minute, job+" has ended", func() bool {
			_, out, _ = n.call("GET", job, nil)
			return ended(out)
		})
		return out
	}
	containers := func() string {
		return podman(t, nil, "ps", "--all", "--quiet", "--filter", "name=^troupe-", "--filter", "ancestor="+name)
	}
	pausing := func(job string) {
		t.Helper()
		eventually(t, time.Minute, job+" pauses", func() bool {
			_, out, _ := n.call("GET", job+"job_events/?event=playbook_on_task_start", nil)
			return out["count"] == 2.0
		})
		if containers() == "" {
			t.Fatalf("%s has no container", job)
		}
	}

	job := launch(0)
	end := wait(job)
	_, out, _ := n.call("GET", job+"stdout/?format=txt", nil)
	if text := fmt.Sprint(out["text"]); end["status"] != "successful" || !strings.Contains(text, "programs 0, tok 8") {
		t.Fatalf("%v %v: %s", end["status"], end["job_explanation"], text)
	}
	job = launch(600)
	pausing(job)
	if status, _, err := n.call("POST", job+"cancel/", anyMap{}); err != nil || status != 202 {
		t.Fatalf("cancel: %d %v", status, err)
	}
	if end := wait(job); end["status"] != "canceled" {
		t.Errorf("canceled: %v", end["status"])
	}
	if left := containers(); left != "" {
		t.Errorf("after the end there are %s", left)
	}
	job = launch(600)
	pausing(job)
	n.signal(syscall.SIGKILL)
	n.start()
	if end := wait(job); end["status"] != "error" {
		t.Errorf("the server was killed: %v", end["status"])
	}
	if left := containers(); left != "" {
		t.Errorf("a server that was killed left %s", left)
	}
}
