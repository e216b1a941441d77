package commands

import (
	"context"
	"encoding/json"
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
			{Name: "mode", Default: "status", Choices: []any{"cleanup", "status"}},
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
	var job map[string]any
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.UseNumber()
	if dec.Decode(&job) != nil {
		// Being written, or never finished: that is for the time limit to find out.
		res["started"], res["finished"] = 1, 0
		return res, nil
	}
	if _, running := job["started"]; !running {
		job["finished"] = 1
	}
	job["started"] = 1
	for k, v := range job {
		res[k] = numbers(v)
	}
	res["ansible_job_id"] = jid
	return res, nil
}

// numbers keeps whole numbers whole.
func numbers(v any) any {
	switch x := v.(type) {
	case json.Number:
		if i, err := x.Int64(); err == nil {
			return i
		}
		f, _ := x.Float64()
		return f
	case []any:
		for i := range x {
			x[i] = numbers(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = numbers(x[k])
		}
	}
	return v
}
