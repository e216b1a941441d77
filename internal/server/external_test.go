package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// vault answers as a Vault server does, for one role and one secret of the key-value backend, version 2.
func vault(t *testing.T) (address string, reads *int) {
	t.Helper()
	reads = new(int)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]string
		json.NewDecoder(r.Body).Decode(&body)
		switch {
		case strings.Trim(r.Header.Get("X-Vault-Namespace"), "/") != "ops":
			http.Error(w, `{"errors":["no such namespace"]}`, 404)
		case r.URL.Path == "/v1/auth/approle/login" && body["role_id"] == "role" && body["secret_id"] == "PLANTED-secret-id":
			fmt.Fprint(w, `{"auth": {"client_token": "PLANTED-vault-token"}}`)
		case r.URL.Path == "/v1/auth/approle/login":
			http.Error(w, `{"errors":["invalid role or secret ID"]}`, 400)
		case r.Header.Get("X-Vault-Token") != "PLANTED-vault-token":
			http.Error(w, `{"errors":["permission denied"]}`, 403)
		case r.URL.Path == "/v1/secret/data/web/db" && r.URL.Query().Get("version") == "3":
			*reads++
			fmt.Fprint(w, `{"data": {"data": {"password": "PLANTED-from-vault"}, "metadata": {"version": 3}}}`)
		default:
			http.Error(w, `{"errors":[]}`, 404)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL, reads
}

// TestExternal runs a job whose credential has an input in a Vault.
func TestExternal(t *testing.T) {
	s := newSite(t)
	address, reads := vault(t)
	e := s.estate("- hosts: all\n  gather_facts: false\n  tasks:\n    - assert: {that: [\"lookup('env', 'TOK') == 'PLANTED-from-vault'\"]}\n")
	_, types := s.call(admin, "GET", "/api/v2/credential_types/?namespace=hashivault_kv", nil)
	kv := int64(types["results"].([]any)[0].(anyMap)["id"].(float64))
	inputs := anyMap{"url": address, "role_id": "role", "secret_id": "PLANTED-secret-id", "namespace": "ops", "api_version": "v2", "default_auth_path": "approle"}
	source := s.make("credentials", anyMap{"name": "Vault", "organization": e.org, "credential_type": kv, "inputs": inputs})
	kind := s.make("credential_types", anyMap{"name": "Tok", "kind": "cloud", "inputs": anyMap{"fields": []any{anyMap{"id": "tok", "type": "string", "label": "Token", "secret": true}}}, "injectors": anyMap{"env": anyMap{"TOK": "{{ tok }}"}}})
	target := s.make("credentials", anyMap{"name": "C", "organization": e.org, "credential_type": kind, "inputs": anyMap{}})
	where := anyMap{"secret_path": "secret/web/db", "secret_key": "password", "secret_version": "3"}

	test := fmt.Sprintf("/api/v2/credentials/%d/test/", source)
	if status, out := s.call(admin, "POST", test, anyMap{"metadata": where}); status != 202 || *reads != 1 {
		t.Errorf("trying it: %d %v, %d reads", status, out, *reads)
	}
	for _, c := range []struct {
		body anyMap
		want string
	}{
		{anyMap{"metadata": anyMap{"secret_path": "secret/web/none", "secret_key": "password"}}, "HTTP 404"},
		{anyMap{"metadata": anyMap{"secret_path": "secret/web/db", "secret_key": "none", "secret_version": "3"}}, "none is not present at secret/web/db"},
		{anyMap{"inputs": anyMap{"secret_id": "wrong"}, "metadata": where}, "HTTP 400"},
		{anyMap{"inputs": anyMap{"url": "http://127.0.0.1:1"}, "metadata": where}, "connection refused"},
	} {
		if status, out := s.call(admin, "POST", test, c.body); status != 400 || !strings.Contains(fmt.Sprint(out["inputs"]), c.want) || strings.Contains(fmt.Sprint(out), "PLANTED") {
			t.Errorf("%v: %d %v, want %s", c.body, status, out, c.want)
		}
	}
	s.make("users", anyMap{"username": "eve", "password": "stranger-danger"})
	if status, _ := s.call("eve:stranger-danger", "POST", fmt.Sprintf("/api/v2/credential_types/%d/test/", kv), anyMap{"inputs": inputs, "metadata": where}); status != 403 {
		t.Errorf("a stranger makes the server connect: %d", status)
	}

	for _, c := range []struct {
		body anyMap
		want string
	}{
		{anyMap{"input_field_name": "other", "target_credential": target, "source_credential": source}, "options are tok"},
		{anyMap{"input_field_name": "tok", "target_credential": target, "source_credential": target}, "Source must be an external credential"},
		{anyMap{"input_field_name": "url", "target_credential": source, "source_credential": source}, "Target must be a non-external credential"},
	} {
		if status, out := s.call(admin, "POST", "/api/v2/credential_input_sources/", c.body); status != 400 || !strings.Contains(fmt.Sprint(out), c.want) {
			t.Errorf("%v: %d %v", c.body, status, out)
		}
	}
	s.make(fmt.Sprintf("credentials/%d/input_sources", target), anyMap{"input_field_name": "tok", "source_credential": source, "metadata": where})
	s.link("job_templates", e.template, "credentials", target)
	job := s.run(fmt.Sprintf("/api/v2/job_templates/%d/launch/", e.template), "jobs", anyMap{})
	if *reads != 3 { // two tries reached the secret, and the run
		t.Errorf("%d reads", *reads)
	}
	_, stdout := s.call(admin, "GET", fmt.Sprintf("/api/v2/jobs/%d/stdout/?format=txt", job), nil)
	_, list := s.call(admin, "GET", "/api/v2/credential_input_sources/", nil)
	if strings.Contains(fmt.Sprint(stdout, list), "PLANTED") || strings.Contains(s.log.String(), "PLANTED") {
		t.Errorf("a secret shows: %v %v", stdout, list)
	}
}
