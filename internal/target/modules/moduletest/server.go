package moduletest

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/module"
	"github.com/troupe-automation/troupe/test/database"
)

var record = flag.String("record", "", "directory of Ansible's own executables: fill the recordings of servers with them")

// ReplayServer runs the recordings of a family of modules, testdata/*.json, each against a fresh server that start makes. @SERVER@
// in them is the server's directory. With -record they are filled with what Ansible's modules say to such a server.
func ReplayServer(t *testing.T, list []*module.Module, start func(t testing.TB, dir string)) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			dir := database.Dir(t)
			start(t, dir)
			if *record != "" {
				fill(t, file, dir)
				return
			}
			Replay(t, list, file, "@SERVER@", dir)
		})
	}
}

// fill records a file with Ansible's modules.
func fill(t *testing.T, file, dir string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir() + "/cases.json"
	if err := os.WriteFile(work, []byte(strings.ReplaceAll(string(data), "@SERVER@", dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "../../../../test/oracle/record_modules.py", work)
	cmd.Env = append(os.Environ(), "ANSIBLE_PLAYBOOK="+*record+"/ansible-playbook", "ANSIBLE_COLLECTIONS_PATH=/usr/lib/python3/dist-packages")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if data, err = os.ReadFile(work); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(data), dir, "@SERVER@")), 0o644); err != nil {
		t.Fatal(err)
	}
}
