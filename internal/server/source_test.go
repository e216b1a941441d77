package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/troupe-automation/troupe/test/repository"
)

// TestSources: what an inventory source says of its hosts, and what its credentials bring to the script or plugin that lists them.
func TestSources(t *testing.T) {
	s := newSite(t)
	script := "#!/bin/sh\ncat <<END\n{\"_meta\": {\"hostvars\": {\"web1\": {\"state\": {\"power\": \"on\"}, \"token\": \"$TOKEN\"}, \"web2\": {\"state\": {\"power\": \"off\"}}, \"web3\": {}, \"db1\": {\"state\": {\"power\": \"on\"}}}},\n \"web\": {\"hosts\": [\"web1\", \"web2\", \"web3\", \"db1\"]}}\nEND\n"
	repo := repository.New(t, map[string]string{"hosts.sh": script, "site.yml": "- hosts: all\n  tasks: []\n"})
	org := s.make("organizations", anyMap{"name": "Ops"})
	inventory := s.make("inventories", anyMap{"name": "Prod", "organization": org})
	project := s.make("projects", anyMap{"name": "Code", "organization": org, "scm_type": "git", "scm_url": "file://" + repo})
	s.wait(fmt.Sprintf("/api/v2/projects/%d/", project), func(o anyMap) bool { return o["status"] == "successful" })
	kind := s.make("credential_types", anyMap{"name": "Token", "kind": "cloud", "inputs": anyMap{"fields": []any{anyMap{"id": "token", "type": "string", "label": "Token", "secret": true}}},
		"injectors": anyMap{"env": anyMap{"TOKEN": "{{ token }}"}}})
	credential := s.make("credentials", anyMap{"name": "T", "organization": org, "credential_type": kind, "inputs": anyMap{"token": "s3cret"}})
	source := s.make("inventory_sources", anyMap{"name": "Script", "inventory": inventory, "source": "scm", "source_project": project, "source_path": "hosts.sh", "credential": credential,
		"enabled_var": "state.power", "enabled_value": "on", "host_filter": "web[0-9]", "overwrite": true})
	update := func(id int64) anyMap {
		t.Helper()
		status, out := s.call(admin, "POST", fmt.Sprintf("/api/v2/inventory_sources/%d/update/", id), anyMap{})
		if status != 202 {
			t.Fatalf("update: %d %v", status, out)
		}
		return s.wait(fmt.Sprintf("/api/v2/inventory_updates/%v/", out["id"]), finished)
	}
	hosts := func() (list []string) {
		_, page := s.call(admin, "GET", fmt.Sprintf("/api/v2/inventories/%d/hosts/?order_by=name", inventory), nil)
		for _, h := range page["results"].([]any) {
			h := h.(anyMap)
			list = append(list, fmt.Sprint(h["name"], " ", h["enabled"], " ", h["variables"]))
		}
		return list
	}
	if u := update(source); u["status"] != "successful" {
		t.Fatal(u["job_explanation"])
	}
	want := `[web1 true {"state":{"power":"on"},"token":"s3cret"} web2 false {"state":{"power":"off"}} web3 true {}]`
	if got := fmt.Sprint(hosts()); got != want {
		t.Errorf("hosts %s\nwant  %s", got, want)
	}
	// A host is switched as its source says; of web3 it says nothing, so that what a person did stays.
	_, page := s.call(admin, "GET", fmt.Sprintf("/api/v2/inventories/%d/hosts/?name__in=web2,web3", inventory), nil)
	for i, h := range page["results"].([]any) {
		s.call(admin, "PATCH", fmt.Sprint("/api/v2/hosts/", h.(anyMap)["id"], "/"), anyMap{"enabled": i == 0})
	}
	update(source)
	if got := fmt.Sprint(hosts()); got != `[web1 true {"state":{"power":"on"},"token":"s3cret"} web2 false {"state":{"power":"off"}} web3 false {}]` {
		t.Errorf("after the second update: %s", got)
	}
	s.call(admin, "PATCH", fmt.Sprintf("/api/v2/inventory_sources/%d/", source), anyMap{"host_filter": "("})
	if u := update(source); u["status"] != "failed" {
		t.Errorf("with a filter that is none the update is %v", u["status"])
	}

	// A source with a name of its own runs the plugin behind it, with its settings and the credential's variables.
	collections := t.TempDir()
	if err := os.Chmod(filepath.Dir(collections), 0o755); err != nil { // runs are another user
		t.Fatal(err)
	}
	folder := filepath.Join(collections, "ansible_collections/amazon/aws/plugins/inventory")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	plugin := `
import os
from ansible.plugins.inventory import BaseInventoryPlugin
class InventoryModule(BaseInventoryPlugin):
    NAME = 'amazon.aws.aws_ec2'
    def verify_file(self, path):
        return path.endswith('/aws_ec2.yml')
    def parse(self, inventory, loader, path, cache=True):
        config = loader.load_from_file(path)
        for region in config['regions']:
            inventory.add_host('i-' + region)
            inventory.set_variable('i-' + region, 'by', os.environ['AWS_ACCESS_KEY_ID'] + ' ' + config['plugin'])
`
	if err := os.WriteFile(filepath.Join(folder, "aws_ec2.py"), []byte(plugin), 0o644); err != nil {
		t.Fatal(err)
	}
	s.call(admin, "PATCH", "/api/v2/settings/jobs/", anyMap{"AWX_TASK_ENV": anyMap{"ANSIBLE_COLLECTIONS_PATH": collections}})
	_, page = s.call(admin, "GET", "/api/v2/credential_types/?namespace=aws", nil)
	key := s.make("credentials", anyMap{"name": "A", "organization": org, "credential_type": page["results"].([]any)[0].(anyMap)["id"], "inputs": anyMap{"username": "AKID", "password": "p"}})
	cloud := s.make("inventories", anyMap{"name": "Cloud", "organization": org})
	source = s.make("inventory_sources", anyMap{"name": "EC2", "inventory": cloud, "source": "ec2", "credential": key, "source_vars": "regions: [eu-1]\nplugin: ansible.builtin.script\n"})
	u := update(source)
	_, page = s.call(admin, "GET", fmt.Sprintf("/api/v2/inventories/%d/hosts/", cloud), nil)
	if list := page["results"].([]any); len(list) != 1 || list[0].(anyMap)["name"] != "i-eu-1" || list[0].(anyMap)["variables"] != `{"by":"AKID amazon.aws.aws_ec2"}` {
		_, body := s.call(admin, "GET", fmt.Sprintf("/api/v2/inventory_updates/%v/stdout/?format=txt", u["id"]), nil)
		t.Errorf("the plugin found %v\n%v", list, body["text"])
	}
}
