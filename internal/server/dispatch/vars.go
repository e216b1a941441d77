package dispatch

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/launch"
	"github.com/troupe-automation/troupe/internal/server/secret"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// runVars are the variables that a run is given: the job's with its secrets open, and those of its credentials. Only what stands so in its template may be
// a template of Ansible's: who may change that may run what he likes anyway. All else, answers to surveys, what was said at launch, names of
// users, is data, unless the setting ALLOW_JINJA_IN_EXTRA_VARS says something else.
func (d *Dispatcher) runVars(tx *store.Tx, job domain.Record, fromCredentials map[string]any) (map[string]any, error) {
	vars, err := d.extraVars(tx, job)
	if err != nil {
		return nil, err
	}
	allowed := "template"
	if err := setting(tx, "ALLOW_JINJA_IN_EXTRA_VARS", &allowed); err != nil {
		return nil, err
	}
	trusted := map[string]any{}
	if id := job.Int("job_template"); id != 0 && allowed == "template" {
		template, err := tx.Get("job_template", id)
		if err == nil {
			trusted, err = launch.ParseVars(template.Str("extra_vars"))
		}
		if ignore(err) != nil {
			return nil, err
		}
	}
	for k, v := range vars {
		if old, same := trusted[k]; allowed != "always" && !(same && reflect.DeepEqual(old, v)) {
			vars[k] = asData(v)
		}
	}
	for k, v := range fromCredentials {
		if vars[k] = v; allowed != "always" {
			vars[k] = asData(v)
		}
	}
	return vars, nil
}

// asData marks the texts in a value that Ansible would take for templates.
func asData(v any) any {
	return domain.Leaves(v, func(v any) any {
		if s, is := v.(string); is && (strings.Contains(s, "{{") || strings.Contains(s, "{%") || strings.Contains(s, "{#")) {
			return map[string]any{"__ansible_unsafe": s}
		}
		return v
	})
}

var inline = regexp.MustCompile(`\{\{[^}]+\}\}|\{%[^%]+%\}`)

// plainText refuses templates in what a user says to an ad hoc command, which runs as the inventory's variables let it.
func plainText(tx *store.Tx, texts ...string) error {
	allowed := "template"
	if err := setting(tx, "ALLOW_JINJA_IN_EXTRA_VARS", &allowed); err != nil || allowed == "always" {
		return err
	}
	for _, text := range texts {
		if inline.MatchString(text) {
			return errors.New("Inline Jinja variables are not allowed.") //nolint:staticcheck // AWX's words
		}
	}
	return nil
}

// extraVars are the variables of a job with its secrets open.
func (d *Dispatcher) extraVars(tx *store.Tx, job domain.Record) (map[string]any, error) {
	vars, err := launch.ParseVars(job.Str("extra_vars"))
	if err != nil {
		return nil, err
	}
	for k, v := range vars {
		if s, isText := v.(string); isText && secret.Sealed(s) {
			if vars[k], err = d.Box.Open(launch.Place, s); err != nil {
				return nil, fmt.Errorf("the answer to %s: %w", k, err)
			}
		}
	}
	if job.Type() != "job" {
		return vars, nil
	}
	inv, err := known(tx.Get("inventory", job.Int("inventory")))
	if err != nil {
		return nil, err
	}
	user, err := known(tx.Get("user", job.Int("created_by")))
	if err != nil {
		return nil, err
	}
	for _, prefix := range []string{"awx_", "tower_"} {
		vars[prefix+"job_id"] = job.ID()
		vars[prefix+"job_launch_type"] = job.Str("launch_type")
		if id := job.Int("job_template"); id != 0 {
			vars[prefix+"job_template_id"], vars[prefix+"job_template_name"] = id, job.Str("name")
		}
		if inv != nil {
			vars[prefix+"inventory_id"], vars[prefix+"inventory_name"] = inv.ID(), inv.Str("name")
		}
		vars[prefix+"project_revision"] = job.Str("scm_revision")
		if user != nil {
			for _, name := range []string{"user_id", "user_name", "user_email", "user_first_name", "user_last_name"} {
				field := strings.TrimPrefix(name, "user_")
				if field == "name" {
					field = "username"
				}
				vars[prefix+name] = user[field]
			}
		}
	}
	return vars, nil
}
