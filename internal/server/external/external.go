// Package external reads secrets from the systems that hold them, at the moment when a run needs them: a credential of kind
// "external" says where, an input source of another credential says what.
//
// Called by internal/server/dispatch for runs and by internal/server/api when somebody tries out a source.
package external

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/hashivault"
)

// Inputs are the inputs of the external credential and the metadata of the input source, by the names of the credential type.
type Inputs map[string]string

// InputsOf takes the texts of a credential's inputs and an input source's metadata.
func InputsOf(in map[string]any) Inputs {
	out := Inputs{}
	for k, v := range in {
		if v != nil {
			out[k] = fmt.Sprint(v)
		}
	}
	return out
}

const patience = 30 * time.Second

// backends are the systems, by the namespace of their credential type.
var backends = map[string]func(context.Context, Inputs) (string, error){
	"hashivault_kv":  vaultKV,
	"hashivault_ssh": vaultSSH,
}

// Known tells whether secrets can be read by credentials of a type.
func Known(namespace string) bool { return backends[namespace] != nil }

// StatusError is an answer of the system that says no.
type StatusError int

func (e StatusError) Error() string { return fmt.Sprintf("HTTP %d", int(e)) }

// Read asks a system for one value. Errors tell what went wrong, never a secret.
func Read(ctx context.Context, namespace string, in Inputs) (string, error) {
	read := backends[namespace]
	if read == nil {
		return "", fmt.Errorf("this server cannot read secrets from %s", namespace)
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	v, err := read(ctx, in)
	var said *hashivault.StatusError
	if errors.As(err, &said) {
		return "", StatusError(said.Status)
	}
	return v, err
}

// session logs in with what the credential has.
func session(ctx context.Context, in Inputs) (*hashivault.Client, error) {
	c := hashivault.Config{URL: in["url"], Namespace: in["namespace"], CACert: in["cacert"], ClientCert: in["client_cert_public"], ClientKey: in["client_cert_private"], Timeout: patience,
		Mount: in["auth_path"], Token: in["token"], RoleID: in["role_id"], SecretID: in["secret_id"], Username: in["username"], Password: in["password"]}
	if c.Mount == "" {
		c.Mount = in["default_auth_path"]
	}
	switch {
	case c.Token != "":
		c.Method = hashivault.Token
	case c.Username != "" && c.Password != "":
		c.Method = hashivault.Userpass
	case c.RoleID != "" && c.SecretID != "":
		c.Method = hashivault.AppRole
	case in["kubernetes_role"] != "":
		jwt, err := os.ReadFile(hashivault.ServiceToken)
		if err != nil {
			return nil, err
		}
		c.Method, c.Role, c.JWT = hashivault.Kubernetes, in["kubernetes_role"], strings.TrimSpace(string(jwt))
	case c.ClientCert != "" && c.ClientKey != "":
		c.Method, c.Role = hashivault.Cert, in["client_cert_role"]
	default:
		return nil, errors.New("Token, Username/Password, AppRole, Kubernetes, or TLS authentication parameters must be set")
	}
	return hashivault.Open(ctx, c)
}

// vaultKV reads a key of a secret of the key-value backend, version 1 or 2.
func vaultKV(ctx context.Context, in Inputs) (string, error) {
	client, err := session(ctx, in)
	if err != nil {
		return "", err
	}
	path := strings.Trim(in["secret_path"], "/")
	backend := strings.Trim(in["secret_backend"], "/")
	query := ""
	if in["api_version"] == "v2" {
		if backend == "" {
			backend, path, _ = strings.Cut(path, "/")
		}
		backend += "/data"
		if v := in["secret_version"]; v != "" {
			query = "?version=" + url.QueryEscape(v)
		}
	}
	data, err := ask(ctx, client, http.MethodGet, strings.Trim(backend+"/"+path, "/")+query, nil)
	if err != nil {
		return "", err
	}
	if inner, nested := data["data"].(map[string]any); nested && in["secret_key"] != "data" {
		data = inner
	}
	v, has := data[in["secret_key"]]
	if !has {
		return "", fmt.Errorf("%s is not present at %s", in["secret_key"], in["secret_path"])
	}
	return fmt.Sprint(v), nil
}

// vaultSSH has a public key signed.
func vaultSSH(ctx context.Context, in Inputs) (string, error) {
	client, err := session(ctx, in)
	if err != nil {
		return "", err
	}
	body := map[string]any{"public_key": in["public_key"]}
	if v := in["valid_principals"]; v != "" {
		body["valid_principals"] = v
	}
	signed, err := ask(ctx, client, http.MethodPost, strings.Trim(in["secret_path"], "/")+"/sign/"+in["role"], body)
	if err != nil {
		return "", err
	}
	key, _ := signed["signed_key"].(string)
	if key == "" {
		return "", errors.New("the Vault server signed nothing")
	}
	return key, nil
}

// ask gives the data of an answer. Numbers keep their digits.
func ask(ctx context.Context, client *hashivault.Client, method, path string, body any) (map[string]any, error) {
	answer, err := client.Do(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	var found struct {
		Data map[string]any `json:"data"`
	}
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	if d.Decode(&found) != nil || found.Data == nil {
		return nil, errors.New("the Vault server's answer has no data")
	}
	return found.Data, nil
}
