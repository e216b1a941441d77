package lookup

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/hashivault"
	"github.com/troupe-automation/troupe/internal/remote/connection"
	"github.com/troupe-automation/troupe/value"
)

// vaultOptions are the options of the lookups of community.hashi_vault.
var vaultOptions = []config.Setting{
	vaultOption("url", "", "url", "addr"),
	vaultOption("ca_cert", ""),
	vaultOption("namespace", ""),
	vaultOption("timeout", "30"),
	{Name: "validate_certs", Type: "boolean", Vars: []string{"ansible_hashi_vault_validate_certs"}},
	vaultOption("auth_method", "token"),
	vaultOption("mount_point", ""),
	vaultOption("token", ""),
	vaultOption("token_path", ""),
	vaultOption("token_file", ".vault-token"),
	vaultOption("username", ""),
	vaultOption("password", ""),
	vaultOption("role_id", ""),
	vaultOption("secret_id", ""),
	vaultOption("jwt", ""),
	{Name: "return_format", Default: "dict", Choices: []string{"dict", "values", "raw"}},
	{Name: "engine_mount_point", Default: "secret", Vars: []string{"ansible_hashi_vault_engine_mount_point"}},
	{Name: "version", Type: "integer"},
}

// vaultOption is an option that the collection's variables, environment and section of ansible.cfg set; names are those of it there,
// the last is the environment's.
func vaultOption(name, def string, names ...string) config.Setting {
	if names == nil {
		names = []string{name}
	}
	s := config.Setting{Name: name, Env: []string{"ANSIBLE_HASHI_VAULT_" + strings.ToUpper(names[len(names)-1])}, Ini: []config.IniKey{{Section: "hashi_vault_collection", Key: name}}}
	if def != "" {
		s.Default = def
	}
	for i := len(names) - 1; i >= 0; i-- {
		s.Vars = append(s.Vars, "ansible_hashi_vault_"+names[i])
	}
	return s
}

// vaultAliases are other names of options in terms and calls.
var vaultAliases = map[string]string{"cacert": "ca_cert", "as": "return_format"}

// hashiVault reads secrets by their paths: "secret/path:field key=value …".
func hashiVault(c *Call) ([]value.Value, error) {
	var out []value.Value
	for _, t := range c.Terms {
		term, err := text(t)
		if err != nil {
			return nil, err
		}
		inline := c.aliased()
		words, err := connection.Split(term)
		if err != nil {
			return nil, errorf("hashi_vault lookup: %s", err)
		}
		for i, w := range words {
			key, val, ok := strings.Cut(w, "=")
			if !ok && i > 0 {
				return nil, errorf("hashi_vault lookup plugin needs key=value pairs behind the secret") // the term may hold a token
			}
			if !ok {
				key, val = "secret", w
			}
			if full := vaultAliases[key]; full != "" {
				key = full
			}
			inline[key] = value.Str(val)
		}
		v, err := c.vaultClient(inline)
		if err != nil {
			return nil, err
		}
		secret, _ := value.AsString(inline["secret"])
		if secret == "" {
			return nil, value.Errorf("AnsibleOptionsError", "No setting was provided for required configuration plugin_type: lookup plugin: community.hashi_vault.hashi_vault setting: secret ")
		}
		got, err := v.read(secret, inline)
		if err != nil {
			return nil, err
		}
		out = append(out, got...)
	}
	return out, nil
}

// vaultKV2 reads secrets of the second version of the key-value engine with what is known of them.
func vaultKV2(c *Call) ([]value.Value, error) {
	inline := c.aliased()
	v, err := c.vaultClient(inline)
	if err != nil {
		return nil, err
	}
	mount, err := c.textOption("engine_mount_point", inline)
	if err != nil {
		return nil, err
	}
	version, given, err := c.intOption("version", inline)
	if err != nil {
		return nil, err
	}
	query, shown := "", "latest"
	if given {
		shown = fmt.Sprint(version)
		query = "?version=" + shown
	}
	var out []value.Value
	for _, t := range c.Terms {
		path, err := text(t)
		if err != nil {
			return nil, err
		}
		raw, status, err := v.get(strings.Trim(mount, "/") + "/data/" + strings.Trim(path, "/") + query)
		switch {
		case status == http.StatusForbidden:
			return nil, errorf("Forbidden: Permission Denied to path ['%s'].", path)
		case status == http.StatusNotFound:
			return nil, errorf("Invalid or missing path ['%s'] with secret version '%s'. Check the path or secret version.", path, shown)
		case err != nil:
			return nil, err
		}
		data := part(raw, "data")
		if data == nil {
			return nil, errorf("the answer for the path '%s' is none of the key-value engine's second version", path)
		}
		secret, there := data.GetStr("data")
		metadata, known := data.GetStr("metadata")
		if !there || !known {
			return nil, errorf("the answer for the path '%s' is none of the key-value engine's second version", path)
		}
		out = append(out, value.DictOf("raw", raw, "data", data, "secret", secret, "metadata", metadata))
	}
	return out, nil
}

// aliased are the options of the call under their own names.
func (c *Call) aliased() map[string]value.Value {
	out := map[string]value.Value{}
	for _, kw := range c.Options {
		if full := vaultAliases[kw.Name]; full != "" {
			out[full] = kw.Val
		}
	}
	return out
}

// vaultClient speaks with one server as one client.
type vaultClient struct {
	call   *Call
	client *hashivault.Client
}

func (c *Call) vaultClient(inline map[string]value.Value) (*vaultClient, error) {
	opt := map[string]string{}
	for _, s := range vaultOptions {
		if s.Type != "" {
			continue
		}
		v, err := c.textOption(s.Name, inline)
		if err != nil {
			return nil, err
		}
		opt[s.Name] = v
	}
	late := func(name string, env ...string) { // what the program vault itself reads
		for _, e := range env {
			if opt[name] == "" {
				opt[name] = os.Getenv(e)
			}
		}
	}
	late("url", "VAULT_ADDR")
	late("ca_cert", "VAULT_CACERT")
	late("namespace", "VAULT_NAMESPACE")
	late("token", "VAULT_TOKEN")
	late("token_path", "HOME")
	if opt["url"] == "" {
		return nil, errorf("Required option url was not set")
	}
	verify, err := c.option("validate_certs", inline)
	if err != nil {
		return nil, err
	}
	insecure := verify != value.None && !config.Truth(verify) || verify == value.None && config.Truth(value.Str(os.Getenv("VAULT_SKIP_VERIFY")))
	conf := hashivault.Config{URL: opt["url"], Namespace: opt["namespace"], Insecure: insecure, Mount: opt["mount_point"]}
	if file := opt["ca_cert"]; file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, errorf("%s", pyOSError(err, file))
		}
		conf.CACert = string(pem)
	}
	if conf.Timeout, err = time.ParseDuration(opt["timeout"] + "s"); err != nil {
		return nil, errorf("the timeout of hashi_vault is no number of seconds")
	}
	if err := identify(&conf, opt); err != nil {
		return nil, err
	}
	client, err := hashivault.Open(c.ctx(), conf)
	if err != nil {
		return nil, errorf("%s", err)
	}
	return &vaultClient{call: c, client: client}, nil
}

// ctx is that of the run, where there is one.
func (c *Call) ctx() context.Context {
	if ctx := c.Context.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}

// identify says who asks, with what the options have.
func identify(conf *hashivault.Config, opt map[string]string) error {
	need := func(names ...string) error {
		for _, n := range names {
			if opt[n] == "" {
				return errorf("Authentication method %s requires options %s to be set, but these are missing: %s", opt["auth_method"], strings.Join(names, ", "), n)
			}
		}
		return nil
	}
	conf.Method = hashivault.Method(opt["auth_method"])
	switch conf.Method {
	case hashivault.None:
		return nil
	case hashivault.Token:
		var err error
		conf.Token, err = ownToken(opt)
		return err
	case hashivault.Userpass, hashivault.LDAP:
		conf.Username, conf.Password = opt["username"], opt["password"]
		return need("username", "password")
	case hashivault.AppRole:
		conf.RoleID, conf.SecretID = opt["role_id"], opt["secret_id"]
		return need("role_id")
	case hashivault.Kubernetes:
		if opt["jwt"] == "" {
			token, _ := os.ReadFile(hashivault.ServiceToken) // outside a pod it is missing, which is told below
			opt["jwt"] = strings.TrimSpace(string(token))
		}
		fallthrough
	case hashivault.JWT:
		conf.Role, conf.JWT = opt["role_id"], opt["jwt"]
		return need("role_id", "jwt")
	}
	return errorf("the authentication method '%s' of hashi_vault is not one of token, userpass, ldap, approle, jwt, kubernetes, none", conf.Method)
}

// ownToken takes the token that is given, or the one in a file.
func ownToken(opt map[string]string) (string, error) {
	token := opt["token"]
	if token == "" && opt["token_path"] != "" {
		file := filepath.Join(opt["token_path"], opt["token_file"])
		b, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", errorf("%s", pyOSError(err, file))
		}
		token = strings.TrimSpace(string(b))
	}
	if token == "" {
		return "", errorf("No Vault Token specified or discovered.")
	}
	return token, nil
}

// read gives a secret in the form that is asked for.
func (v *vaultClient) read(secret string, inline map[string]value.Value) ([]value.Value, error) {
	form, err := v.call.textOption("return_format", inline)
	if err != nil {
		return nil, err
	}
	path, field, one := secret, "", false
	if i := strings.LastIndexByte(secret, ':'); i >= 0 {
		path, field, one = secret[:i], secret[i+1:], true
	}
	raw, status, err := v.get(strings.Trim(path, "/"))
	switch {
	case status == http.StatusForbidden:
		return nil, errorf("Forbidden: Permission Denied to secret '%s'.", path)
	case status == http.StatusNotFound:
		return nil, errorf("The secret '%s' doesn't seem to exist.", path)
	case err != nil:
		return nil, err
	case form == "raw":
		return []value.Value{raw}, nil
	}
	data := part(raw, "data")
	if data == nil {
		return nil, errorf("the answer for the secret '%s' has no data", path)
	}
	if inner := part(data, "data"); inner != nil && part(data, "metadata") != nil { // of the key-value engine's second version
		data = inner
	}
	switch {
	case form == "values":
		var out []value.Value
		for _, e := range data.All() {
			out = append(out, e)
		}
		return out, nil
	case !one || field == "":
		return []value.Value{data}, nil
	}
	got, ok := data.GetStr(field)
	if !ok {
		return nil, errorf("The secret %s does not contain the field '%s'. for hashi_vault lookup", path, field)
	}
	return []value.Value{got}, nil
}

// part is a dictionary in an answer, nil when there is none.
func part(d *value.Dict, key string) *value.Dict {
	v, _ := d.GetStr(key)
	out, _ := v.(*value.Dict)
	return out
}

// get asks for what is at a path. A status is there where the server refused.
func (v *vaultClient) get(path string) (answer *value.Dict, status int, err error) {
	raw, err := v.client.Do(v.call.ctx(), http.MethodGet, path, nil)
	if err != nil {
		var said *hashivault.StatusError
		if errors.As(err, &said) {
			status = said.Status
		}
		return nil, status, errorf("%s", err)
	}
	parsed, err := value.ParseJSON(string(raw))
	answer, _ = parsed.(*value.Dict)
	if err != nil || answer == nil {
		return nil, 0, errorf("the Vault server's answer is not JSON")
	}
	return answer, 0, nil
}
