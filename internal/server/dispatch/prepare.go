package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/external"
	"github.com/troupe-automation/troupe/internal/server/launch"
	"github.com/troupe-automation/troupe/internal/server/runner"
	"github.com/troupe-automation/troupe/internal/server/store"
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/builtins"
	"github.com/troupe-automation/troupe/value"
)

// injected is what the credentials of a job bring.
type injected struct {
	env   []string
	args  []string
	vars  map[string]any
	files map[string][]byte
}

// inputs are a credential's values with its secrets open; those that come from another credential's system are fetched now.
func (d *Dispatcher) inputs(ctx context.Context, tx *store.Tx, c domain.Record) (map[string]any, error) {
	in, err := launch.Inputs(d.Box, c)
	if err != nil {
		return nil, err
	}
	sources, err := tx.List(domain.Of("credential_input_source"), store.Is("target_credential", c.ID()), store.Page{})
	if err != nil {
		return nil, err
	}
	for _, s := range sources {
		field := s.Str("input_field_name")
		if in[field], err = d.external(ctx, tx, s); err != nil {
			return nil, fmt.Errorf("credential %s, %s: %w", c.Str("name"), field, err)
		}
	}
	return in, nil
}

// external fetches the value that an input source names.
func (d *Dispatcher) external(ctx context.Context, tx *store.Tx, source domain.Record) (string, error) {
	c, err := tx.Get("credential", source.Int("source_credential"))
	if err != nil {
		return "", err
	}
	kind, err := tx.Get("credential_type", c.Int("credential_type"))
	if err != nil {
		return "", err
	}
	in, err := launch.Inputs(d.Box, c)
	if err != nil {
		return "", err
	}
	if err := source.Into("metadata", &in); err != nil {
		return "", err
	}
	return external.Read(ctx, kind.Str("namespace"), external.InputsOf(in))
}

// credentials opens the job's credentials and puts each where its type says.
func (d *Dispatcher) credentials(ctx context.Context, tx *store.Tx, job domain.Record) (*injected, error) {
	ids, err := tx.Linked("unified_job.credentials", job.ID())
	if err != nil {
		return nil, err
	}
	if id := job.Int("credential"); id != 0 {
		ids = append(ids, id)
	}
	asked := map[string]string{}
	if s := job.Str("start_args"); s != "" {
		text, err := d.Box.Open("unified_job.start_args", s)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(text), &asked); err != nil {
			return nil, err
		}
	}
	return d.inject(ctx, tx, ids, asked)
}

// inject opens credentials and puts each where its type says. asked are the passwords that were given at launch.
func (d *Dispatcher) inject(ctx context.Context, tx *store.Tx, ids []int64, asked map[string]string) (*injected, error) {
	out := &injected{vars: map[string]any{}, files: map[string][]byte{}}
	for _, id := range ids {
		c, err := tx.Get("credential", id)
		if err != nil {
			return nil, err
		}
		kind, err := tx.Get("credential_type", c.Int("credential_type"))
		if err != nil {
			return nil, err
		}
		in, err := d.inputs(ctx, tx, c)
		if err != nil {
			return nil, err
		}
		for k, v := range in {
			if v == "ASK" {
				in[k] = asked[map[string]string{"password": "ssh_password"}[k]]
				if in[k] == "" {
					in[k] = asked[k]
				}
			}
		}
		if err := out.add(c, kind, in); err != nil {
			return nil, fmt.Errorf("credential %s: %w", c.Str("name"), err)
		}
	}
	return out, nil
}

func (o *injected) add(c, kind domain.Record, in map[string]any) error {
	str := func(name string) string {
		s, _ := in[name].(string)
		return s
	}
	id := fmt.Sprint(c.ID())
	file := func(name, content string) string {
		o.files[name] = []byte(content)
		return runner.SecretDir + "/" + name
	}
	env := func(name, v string) {
		if v != "" {
			o.env = append(o.env, name+"="+v)
		}
	}
	switch kind.Str("namespace") {
	case "ssh":
		if v := str("username"); v != "" {
			o.args = append(o.args, "--user="+v)
		}
		if v := str("password"); v != "" {
			o.args = append(o.args, "--connection-password-file", file("connection-password", v+"\n"))
		}
		if v := str("ssh_key_data"); v != "" {
			key, err := openKey(v, str("ssh_key_unlock"))
			if err != nil {
				return err
			}
			o.args = append(o.args, "--private-key", file("private-key", key))
		}
		if v := str("become_method"); v != "" {
			o.args = append(o.args, "--become-method="+v)
		}
		if v := str("become_username"); v != "" {
			o.args = append(o.args, "--become-user="+v)
		}
		if v := str("become_password"); v != "" {
			o.args = append(o.args, "--become-password-file", file("become-password", v+"\n"))
		}
		return nil
	case "vault":
		name := "vault-" + id
		label := str("vault_id")
		path := file(name, str("vault_password")+"\n")
		if label != "" {
			path = label + "@" + path
		}
		o.args = append(o.args, "--vault-id="+path)
		return nil
	}
	inject := builtin[kind.Str("namespace")]
	if err := kind.Into("injectors", &inject); err != nil {
		return err
	}
	vars := jinja.Vars{}
	for k, v := range in {
		x, err := value.FromGo(v)
		if err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
		vars[k] = x
	}
	tower := value.NewDict()
	names := value.NewDict()
	for label, template := range inject.File {
		text, err := render(template, vars)
		if err != nil {
			return err
		}
		path := file("credential-"+id+"-"+strings.ReplaceAll(label, "/", "_"), text)
		if _, short, dotted := strings.Cut(label, "."); dotted {
			names.SetStr(short, value.Str(path))
		} else {
			tower.SetStr("filename", value.Str(path))
		}
	}
	if names.Len() > 0 {
		tower.SetStr("filename", names)
	}
	vars["tower"], vars["awx"] = tower, tower
	for name, template := range inject.Env {
		text, err := render(template, vars)
		if err != nil {
			return err
		}
		env(name, text)
	}
	for name, template := range inject.ExtraVars {
		s, isText := template.(string)
		if !isText {
			o.vars[name] = template
			continue
		}
		text, err := render(s, vars)
		if err != nil {
			return err
		}
		o.vars[name] = text
	}
	return nil
}

var templates = sync.OnceValue(builtins.New)

// render fills a template of a credential type. Its author is an administrator; limits keep a mistake from eating the server.
func render(template string, vars jinja.Vars) (string, error) {
	p, err := templates().Compile("injector", template)
	if err != nil {
		return "", err
	}
	return p.Render(vars)
}
