package system

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/module"
)

// TestMountFacts replays calls of Ansible's module (testdata/mount_facts.golden). The mount points are nowhere: sizes of file
// systems are those of a machine.
func TestMountFacts(t *testing.T) {
	dir := t.TempDir()
	data, err := os.ReadFile("testdata/mount_facts.golden")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Files map[string]string
		Cases []struct {
			Args json.RawMessage
			Want map[string]any
		}
	}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(data), "@DIR@", dir)), &recorded); err != nil {
		t.Fatal(err)
	}
	for name, text := range recorded.Files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range recorded.Cases {
		args, err := module.DecodeJSON(c.Args)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(module.Execute(t.Context(), mountFacts, args.(map[string]any), module.Options{NoInvocation: true}))
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		delete(c.Want, "changed")
		if !reflect.DeepEqual(got, c.Want) {
			t.Errorf("%s\n got %v\nwant %v", c.Args, got, c.Want)
		}
	}
}

// TestMountTimeout: a program that does not end is what on_timeout says.
func TestMountTimeout(t *testing.T) {
	slow := filepath.Join(t.TempDir(), "slow")
	if err := os.WriteFile(slow, []byte("#!/bin/sh\nexec sleep 60\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	late := "Command '" + slow + "' timed out after 0.1 seconds"
	for what, ok := range map[string]func(module.Result) bool{
		"error":  func(r module.Result) bool { return r["failed"] == true && r["msg"] == late },
		"warn":   func(r module.Result) bool { return r["failed"] == nil && reflect.DeepEqual(r["warnings"], []any{late}) },
		"ignore": func(r module.Result) bool { return r["failed"] == nil && r["warnings"] == nil },
	} {
		args := map[string]any{"sources": []any{"mount"}, "mount_binary": slow, "timeout": 0.1, "on_timeout": what}
		if r := module.Execute(t.Context(), mountFacts, args, module.Options{}); !ok(r) {
			t.Errorf("%s: %v", what, r)
		}
	}
}
