package commands

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/module"
)

// asyncStatus reads the file of a job that internal/target/agent runs (BEHAVIOUR §3.10).
//
// Private parameter: _async_dir, the directory of job files; "" is ~/.ansible_async.
var asyncStatus = &module.Module{
	Name: "ansible.builtin.async_status",
	Doc:  "Tells how a job started with async stands, or removes its file.",
	Spec: module.Spec{
		CheckMode: true,
		Options: []module.Option{
			{Name: "jid", Required: true},
			{Name: "mode", Default: "status", Choices: []any{"status", "cleanup"}},
			{Name: "_async_dir", Type: module.TypePath},
		},
	},
	Run: runAsyncStatus,
}

func runAsyncStatus(_ context.Context, c *module.Call) (module.Result, error) {
	jid := c.Args["jid"].(string)
	dir, _ := c.Args["_async_dir"].(string)
	if dir == "" {
		dir = os.Getenv("ANSIBLE_ASYNC_DIR")
	}
	if dir == "" {
		dir = filepath.Join(os.Getenv("HOME"), ".ansible_async")
	}
	file := filepath.Join(dir, jid)
	res := module.Result{"ansible_job_id": jid, "stdout": "", "stderr": ""}
	cleanup := c.Args["mode"] == "cleanup"
	if cleanup {
		res["erased"] = file
	} else {
		res["results_file"] = file
	}
	data, err := os.ReadFile(file)
	if err != nil || strings.Contains(jid, "/") {
		res["started"], res["finished"] = 1, 1
		return res, module.Fail("could not find job", nil)
	}
	if cleanup {
		res["started"], res["finished"] = 0, 0
		return res, os.Remove(file)
	}
	answer, _ := module.DecodeJSON(data)
	job, ok := answer.(map[string]any)
	if !ok {
		// Being written, or never finished: that is for the time limit to find out.
		res["started"], res["finished"] = 1, 0
		return res, nil
	}
	if _, running := job["started"]; !running {
		job["finished"] = 1
	}
	job["started"] = 1
	for k, v := range job {
		res[k] = v
	}
	res["ansible_job_id"] = jid
	return res, nil
}
