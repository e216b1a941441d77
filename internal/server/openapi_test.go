package server_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestOpenAPI looks whether the description of the API hangs together, and tells of the addresses that there are.
func TestOpenAPI(t *testing.T) {
	s := newSite(t)
	status, doc := s.call(admin, "GET", "/api/v2/schema/", nil)
	if status != 200 || doc["openapi"] != "3.1.0" {
		t.Fatalf("%d %.200v", status, doc)
	}
	operations := map[string]bool{}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if to, is := v["$ref"].(string); is {
				var found any = map[string]any(doc)
				for _, part := range strings.Split(strings.TrimPrefix(to, "#/"), "/") {
					m, _ := found.(map[string]any)
					found = m[part]
				}
				if found == nil {
					t.Errorf("%s: nothing is at %s", at, to)
				}
			}
			if id, is := v["operationId"].(string); is {
				if operations[id] {
					t.Errorf("%s: two operations are called %s", at, id)
				}
				operations[id] = true
			}
			for k, x := range v {
				walk(at+"/"+k, x)
			}
		case []any:
			for i, x := range v {
				walk(fmt.Sprint(at, "/", i), x)
			}
		}
	}
	walk("", map[string]any(doc))
	paths := doc["paths"].(map[string]any)
	_, root := s.call(admin, "GET", "/api/v2/", nil)
	for name, path := range root {
		if _, has := paths[path.(string)]; !has && !strings.Contains("ping receptor_addresses config settings me dashboard metrics constructed_inventory host_metric_summary_monthly mesh_visualizer bulk analytics service_index role_user_assignments role_team_assignments", name) {
			t.Errorf("nothing is told of %s", path)
		}
	}
	for _, path := range []string{"/api/v2/job_templates/{id}/launch/", "/api/v2/inventories/{id}/hosts/", "/api/v2/jobs/{id}/cancel/", "/api/v2/organizations/{id}/access_list/"} {
		if paths[path] == nil {
			t.Errorf("nothing is told of %s", path)
		}
	}
	if len(operations) < 400 {
		t.Errorf("only %d operations", len(operations))
	}
	launch := paths["/api/v2/job_templates/{id}/launch/"].(map[string]any)["post"].(map[string]any)
	if !strings.Contains(fmt.Sprint(launch["requestBody"]), "extra_vars") {
		t.Errorf("launch takes %v", launch["requestBody"])
	}
}
