package api

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/external"
	"github.com/troupe-automation/troupe/internal/server/launch"
	"github.com/troupe-automation/troupe/internal/server/secret"
)

// Input sources fill an input of a credential from an external one, each time when it is needed.

func inputSourceHooks() hooks {
	return hooks{check: func(q *request, old, rec domain.Record, w wrong) error {
		at := func(name string) int64 {
			if id := rec.Int(name); id != 0 || old == nil {
				return id
			}
			return old.Int(name)
		}
		target, err := q.get("credential", at("target_credential"))
		if err != nil {
			return err
		}
		s, kind, err := q.schemaOf(target.Int("credential_type"))
		if err != nil {
			return err
		}
		if kind.Str("kind") == "external" {
			w.add("target_credential", "Target must be a non-external credential")
		}
		source, err := q.get("credential", at("source_credential"))
		if err != nil {
			return err
		}
		if _, kind, err = q.schemaOf(source.Int("credential_type")); err != nil {
			return err
		}
		if kind.Str("kind") != "external" {
			w.add("source_credential", "Source must be an external credential")
		}
		var names []string
		for _, f := range s.Fields {
			names = append(names, f.ID)
		}
		if !slices.Contains(names, merged(old, rec, "input_field_name")) {
			slices.Sort(names)
			w.add("input_field_name", "Input field must be defined on target credential (options are %s).", strings.Join(names, ", "))
		}
		return nil
	}}
}

// try reads a value to see whether it can be read, and throws it away.
func (q *request) try(kind domain.Record, in map[string]any, body map[string]any) (*reply, error) {
	if more, is := body["metadata"].(map[string]any); is {
		maps.Copy(in, more)
	}
	if _, err := external.Read(q.ctx, kind.Str("namespace"), external.InputsOf(in)); err != nil {
		return nil, badRequest(map[string]string{"inputs": err.Error()})
	}
	return &reply{status: http.StatusAccepted, body: map[string]any{}}, nil
}

// credentialTestAction tries a stored external credential, with changes that are not stored.
var credentialTestAction = &action{
	rules: map[string]string{"POST": "use_role"},
	get:   func(_ *request, _ *domain.Resource, _ domain.Record) (*reply, error) { return ok(map[string]any{}) },
	post: func(q *request, _ *domain.Resource, rec domain.Record, body map[string]any) (*reply, error) {
		kind, err := q.get("credential_type", rec.Int("credential_type"))
		if err != nil {
			return nil, err
		}
		in, err := launch.Inputs(q.Box, rec)
		if err != nil {
			return nil, err
		}
		given, _ := body["inputs"].(map[string]any)
		changed := false
		for k, v := range given {
			if v == secret.Mark {
				continue
			}
			changed = changed || v != in[k]
			in[k] = v
		}
		if changed { // a secret goes to no other server than its own, unless its owner sends it there
			if err := q.may(domain.Of("credential"), "admin_role", rec.ID()); err != nil {
				return nil, err
			}
		}
		return q.try(kind, in, body)
	},
}

// credentialTypeTestAction tries inputs before there is a credential.
var credentialTypeTestAction = &action{
	rules: map[string]string{"POST": ":read"},
	get:   func(_ *request, _ *domain.Resource, _ domain.Record) (*reply, error) { return ok(map[string]any{}) },
	post: func(q *request, _ *domain.Resource, rec domain.Record, body map[string]any) (*reply, error) {
		if !q.mayCreateSome(domain.Of("credential")) { // the server opens connections for those only who manage credentials
			return nil, errForbidden
		}
		in, _ := body["inputs"].(map[string]any)
		if in == nil {
			in = map[string]any{}
		}
		return q.try(rec, in, body)
	},
}
