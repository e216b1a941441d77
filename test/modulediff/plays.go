package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// books runs trials of actions of the controller as the tasks of a playbook.
func books(troupe, tmp string) func([]trial) ([]map[string]any, error) {
	return func(list []trial) ([]map[string]any, error) {
		tasks := make([]map[string]any, len(list))
		for i, t := range list {
			tasks[i] = map[string]any{"name": fmt.Sprint(i), t.Module: t.Args, "check_mode": t.Check, "diff": t.Diff, "ignore_errors": true}
		}
		play := map[string]any{"hosts": "localhost", "gather_facts": false, "vars": list[0].Vars, "tasks": tasks}
		b, err := json.Marshal([]any{play})
		if err != nil {
			return nil, err
		}
		book := filepath.Join(tmp, "book.json")
		if err := os.WriteFile(book, b, 0o600); err != nil {
			return nil, err
		}
		cmd := exec.Command(troupe, "playbook", "-c", "local", "-i", "localhost,", book)
		cmd.Env = append(os.Environ(), "ANSIBLE_STDOUT_CALLBACK=ansible.posix.json", "ANSIBLE_CONFIG="+os.DevNull)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		var doc struct {
			Plays []struct {
				Tasks []struct {
					Hosts map[string]map[string]any
				}
			}
		}
		if e := json.NewDecoder(bytes.NewReader(out)).Decode(&doc); e != nil || len(doc.Plays) != 1 || len(doc.Plays[0].Tasks) != len(list) {
			return nil, fmt.Errorf("%s: no result for every task: %w, %w\n%s", troupe, err, e, out)
		}
		results := make([]map[string]any, len(list))
		for i, t := range doc.Plays[0].Tasks {
			results[i] = t.Hosts["localhost"]
			delete(results[i], "action")
			for k := range results[i] {
				if len(k) > 9 && k[:9] == "_ansible_" {
					delete(results[i], k)
				}
			}
		}
		return results, nil
	}
}
