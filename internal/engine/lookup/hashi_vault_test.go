package lookup_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/engine/lookup"
	"github.com/troupe-automation/troupe/value"
)

// vaultServer answers as the documented API does, and only to who does as it says: logins by method with the right body, reads with
// the token that a login gave, in a namespace.
func vaultServer(t *testing.T) string {
	t.Helper()
	logins := map[string]map[string]string{
		"/v1/auth/userpass/login/ann": {"password": "pw"}, "/v1/auth/ldap/login/ann": {"password": "pw"}, "/v1/auth/approle/login": {"role_id": "r", "secret_id": "s"},
		"/v1/auth/other/login": {"role_id": "r"}, "/v1/auth/jwt/login": {"role": "r", "jwt": "j"}, "/v1/auth/kubernetes/login": {"role": "r", "jwt": "j"},
	}
	secrets := map[string]string{
		"/v1/kv/one":                         `{"request_id": "1", "data": {"user": "ann", "pass": "secret1", "n": 3}}`,
		"/v1/secret/data/two":                `{"request_id": "2", "data": {"data": {"b": "2", "a": "1"}, "metadata": {"version": 2}}}`,
		"/v1/secret/data/two?version=1":      `{"request_id": "3", "data": {"data": {"a": "old"}, "metadata": {"version": 1}}}`,
		"/v1/mine/data/deep/three":           `{"request_id": "4", "data": {"data": {"a": "3"}, "metadata": {"version": 1}}}`,
		"/v1/kv/strange":                     `{"data": null}`,
		"/v1/secret/data/strange?version=10": `[1]`,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if want, ok := logins[r.URL.Path]; ok && r.Method == http.MethodPost {
			var got map[string]string
			_ = json.NewDecoder(r.Body).Decode(&got) // another body is refused
			same := len(got) == len(want)
			for k := range want {
				same = same && got[k] == want[k]
			}
			if !same {
				w.WriteHeader(http.StatusBadRequest)
				w.Write([]byte(`{"errors": ["invalid credentials"]}`))
				return
			}
			w.Write([]byte(`{"auth": {"client_token": "t0k"}}`))
			return
		}
		if r.Header.Get("X-Vault-Token") != "t0k" || r.Header.Get("X-Vault-Request") != "true" || r.Method != http.MethodGet {
			w.WriteHeader(http.StatusForbidden)
			w.Write([]byte(`{"errors": ["permission denied"]}`))
			return
		}
		if body, ok := secrets[r.URL.RequestURI()]; ok {
			if ns := r.Header.Get("X-Vault-Namespace"); ns != "" {
				body = strings.Replace(body, `"request_id": "`, `"request_id": "`+ns+`/`, 1)
			}
			w.Write([]byte(body))
			return
		}
		w.WriteHeader(http.StatusNotFound)
		w.Write([]byte(`{"errors": []}`))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestHashiVault(t *testing.T) {
	url := vaultServer(t)
	for _, name := range []string{"VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE", "VAULT_CACERT"} {
		t.Setenv(name, "")
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	const kv2 = "community.hashi_vault.vault_kv2_get"
	for _, c := range []struct{ name, lookup, term, options, want string }{
		{"field", "", "kv/one:user", "token: t0k", `["ann"]`},
		{"number", "", "secret=kv/one:n token=t0k", "", `[3]`},
		{"all, in order", "", "kv/one token=t0k", "", `[{"user": "ann", "pass": "secret1", "n": 3}]`},
		{"second version", "", "secret/data/two", "token: t0k", `[{"b": "2", "a": "1"}]`},
		{"values", "", "secret/data/two token=t0k", "as: values", `["2", "1"]`},
		{"raw in a namespace", "", "kv/one", "token: t0k, return_format: raw, namespace: team/a", `[{"request_id": "team/a/1", "data": {"user": "ann", "pass": "secret1", "n": 3}}]`},
		{"userpass", "", "kv/one:user auth_method=userpass username=ann password=pw", "", `["ann"]`},
		{"ldap", "", "kv/one:user", "auth_method: ldap, username: ann, password: pw", `["ann"]`},
		{"approle", "", "kv/one:user", "auth_method: approle, role_id: r, secret_id: s", `["ann"]`},
		{"approle elsewhere", "", "kv/one:user", "auth_method: approle, role_id: r, mount_point: other", `["ann"]`},
		{"jwt", "", "kv/one:user", "auth_method: jwt, role_id: r, jwt: j", `["ann"]`},
		{"kubernetes", "", "kv/one:user", "auth_method: kubernetes, role_id: r, jwt: j", `["ann"]`},
		{"kv2", kv2, "two", "token: t0k", `[{"raw": {"request_id": "2", "data": {"data": {"b": "2", "a": "1"}, "metadata": {"version": 2}}}, "data": {"data": {"b": "2", "a": "1"}, "metadata": {"version": 2}}, "secret": {"b": "2", "a": "1"}, "metadata": {"version": 2}}]`},
		{"kv2 of a version", kv2, "two", "token: t0k, version: 1", `[{"raw": {"request_id": "3", "data": {"data": {"a": "old"}, "metadata": {"version": 1}}}, "data": {"data": {"a": "old"}, "metadata": {"version": 1}}, "secret": {"a": "old"}, "metadata": {"version": 1}}]`},
		{"kv2 elsewhere", kv2, "deep/three", "token: t0k, engine_mount_point: mine", `[{"raw": {"request_id": "4", "data": {"data": {"a": "3"}, "metadata": {"version": 1}}}, "data": {"data": {"a": "3"}, "metadata": {"version": 1}}, "secret": {"a": "3"}, "metadata": {"version": 1}}]`},

		{"no field", "", "kv/one:none", "token: t0k", "The secret kv/one does not contain the field 'none'. for hashi_vault lookup"},
		{"no secret", "", "kv/none", "token: t0k", "The secret 'kv/none' doesn't seem to exist."},
		{"no token", "", "kv/one", "", "No Vault Token specified or discovered."},
		{"wrong token", "", "kv/one", "token: hunter2", "Forbidden: Permission Denied to secret 'kv/one'."},
		{"wrong password", "", "kv/one", "auth_method: userpass, username: ann, password: hunter2", "the Vault server refused (HTTP 400): invalid credentials"},
		{"no password", "", "kv/one", "auth_method: userpass, username: ann", "Authentication method userpass requires options username, password to be set, but these are missing: password"},
		{"no such method", "", "kv/one", "auth_method: fax", "the authentication method 'fax' of hashi_vault is not one of token, userpass, ldap, approle, jwt, kubernetes, none"},
		{"no data", "", "kv/strange", "token: t0k", "the answer for the secret 'kv/strange' has no data"},
		{"no object", kv2, "strange", "token: t0k, version: 10", "the Vault server's answer is not JSON"},
		{"kv2, none", kv2, "none", "token: t0k", "Invalid or missing path ['none'] with secret version 'latest'. Check the path or secret version."},
		{"kv2, wrong token", kv2, "two", "token: hunter2", "Forbidden: Permission Denied to path ['two']."},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := c.lookup
			if name == "" {
				name = "community.hashi_vault.hashi_vault"
			}
			opts := options(t, strings.TrimSuffix("url: '"+url+"', "+c.options, ", "))
			got, err := lookup.Run(newTask(t), name, []value.Value{value.Str(c.term)}, opts)
			text := ""
			if err != nil {
				text = err.Error()
			} else if text, err = value.JSON(value.NewList(got...), value.JSONOptions{}); err != nil {
				t.Fatal(err)
			}
			if text != c.want {
				t.Errorf("got  %s\nwant %s", text, c.want)
			}
			if strings.Contains(text, "hunter2") {
				t.Error("the error holds a secret")
			}
		})
	}
	// The token of the program vault.
	if err := os.WriteFile(filepath.Join(home, ".vault-token"), []byte("t0k\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VAULT_ADDR", url+"/")
	got, err := lookup.Run(newTask(t), "community.hashi_vault.hashi_vault", []value.Value{value.Str("kv/one:user")}, nil)
	if err != nil || len(got) != 1 || got[0] != value.Str("ann") {
		t.Errorf("with the token of the file: %v, %v", got, err)
	}
}
