package server_test

import (
	"fmt"
	"testing"
)

// TestFactCache lets one job find facts and the next use them; clearing them clears them here, and what is no file is not read.
func TestFactCache(t *testing.T) {
	s := newSite(t)
	e := s.estate(`- hosts: all
  gather_facts: false
  tasks:
    - set_fact: {colour: "{{ ansible_facts.colour | default('none') }}+", cacheable: true}
      when: what == 'find'
    - meta: clear_facts
      when: what == 'clear'
    - shell: rm -f "$ANSIBLE_CACHE_PLUGIN_CONNECTION/h1" "$HOME/facts/h1"; ln -s /etc/passwd "$HOME/facts/h1"
      when: what == 'attack'
`)
	s.call(admin, "PATCH", fmt.Sprintf("/api/v2/job_templates/%d/", e.template), anyMap{"use_fact_cache": true})
	path := fmt.Sprintf("/api/v2/hosts/%d/ansible_facts/", e.host)
	for _, step := range []struct{ what, want string }{{"find", "map[colour:none+]"}, {"find", "map[colour:none++]"}, {"nothing", "map[colour:none++]"}, {"attack", "map[colour:none++]"}, {"clear", "map[]"}} {
		_, out := s.call(admin, "POST", fmt.Sprintf("/api/v2/job_templates/%d/launch/", e.template), anyMap{"extra_vars": anyMap{"what": step.what}})
		job := s.wait(fmt.Sprintf("/api/v2/jobs/%v/", out["job"]), finished)
		if job["status"] != "successful" {
			_, stdout := s.call(admin, "GET", fmt.Sprintf("/api/v2/jobs/%v/stdout/?format=txt", out["job"]), nil)
			t.Fatalf("%s: %v", step.what, stdout["text"])
		}
		_, facts := s.call(admin, "GET", path, nil)
		if got := fmt.Sprint(facts); got != step.want {
			t.Errorf("after %q the facts are %s, not %s", step.what, got, step.want)
		}
	}
}
