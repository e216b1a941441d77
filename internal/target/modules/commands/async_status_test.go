package commands

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/troupe-automation/troupe/module"
)

// The expectations were recorded from ansible-core 2.18 (without stdout_lines and changed, which the controller adds).
func TestAsyncStatus(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file("j1.2", `{"started": 1, "finished": 0, "ansible_job_id": "j1.2"}`)
	file("j2.3", `{"changed": true, "rc": 3, "failed": true, "msg": "non-zero return code", "stdout": "out", "stderr": ""}`)
	file("junk", "not json")
	for _, c := range []struct{ jid, mode, want string }{
		{"j1.2", "status", `{"ansible_job_id":"j1.2","finished":0,"results_file":"DIR/j1.2","started":1,"stderr":"","stdout":""}`},
		{"j2.3", "status", `{"ansible_job_id":"j2.3","changed":true,"failed":true,"finished":1,"msg":"non-zero return code","rc":3,"results_file":"DIR/j2.3","started":1,"stderr":"","stdout":"out"}`},
		{"junk", "status", `{"ansible_job_id":"junk","finished":0,"results_file":"DIR/junk","started":1,"stderr":"","stdout":""}`},
		{"nope", "status", `{"ansible_job_id":"nope","failed":true,"finished":1,"msg":"could not find job","results_file":"DIR/nope","started":1,"stderr":"","stdout":""}`},
		{"nope", "cleanup", `{"ansible_job_id":"nope","erased":"DIR/nope","failed":true,"finished":1,"msg":"could not find job","started":1,"stderr":"","stdout":""}`},
		{"j2.3", "cleanup", `{"ansible_job_id":"j2.3","erased":"DIR/j2.3","finished":0,"started":0,"stderr":"","stdout":""}`},
		{"j2.3", "status", `{"ansible_job_id":"j2.3","failed":true,"finished":1,"msg":"could not find job","results_file":"DIR/j2.3","started":1,"stderr":"","stdout":""}`},
	} {
		r := module.Execute(t.Context(), asyncStatus, map[string]any{"jid": c.jid, "mode": c.mode, "_async_dir": dir}, module.Options{NoInvocation: true})
		got, _ := json.Marshal(r)
		var want map[string]any
		json.Unmarshal([]byte(c.want), &want)
		for _, k := range []string{"results_file", "erased"} {
			if v, ok := want[k].(string); ok {
				want[k] = dir + v[len("DIR"):]
			}
		}
		if w, _ := json.Marshal(want); string(got) != string(w) {
			t.Errorf("%s %s:\n got %s\nwant %s", c.mode, c.jid, got, w)
		}
	}
}
