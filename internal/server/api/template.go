package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/launch"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/secret"
	"github.com/troupe-automation/troupe/internal/server/store"
)

func mayRead(q *request, t domain.Type) store.Condition { return rbac.Read(q.actor, domain.Of(t)) }

func jobTemplateHooks() hooks {
	return hooks{
		check: func(q *request, old, rec domain.Record, w wrong) error {
			has := func(name string) bool {
				if v, given := rec[name]; given || old == nil {
					return v != nil
				}
				return old.Has(name)
			}
			on := func(name string) bool {
				if v, given := rec[name]; given || old == nil {
					return v == true
				}
				return old.Bool(name)
			}
			if !has("project") {
				w.add("project", "Job Templates must have a project assigned.")
			}
			if len(w) == 0 && !has("inventory") && !on("ask_inventory_on_launch") {
				w.add("inventory", "You must either set a default value or ask to prompt on launch.")
			}
			if len(w) > 0 {
				return nil
			}
			id := rec.Int("project")
			if id == 0 {
				id = old.Int("project")
			}
			project, err := q.get("project", id)
			if err != nil {
				return err
			}
			rec["organization"] = project["organization"]
			playbook, given := rec["playbook"].(string)
			if given && playbook != "" || old == nil {
				files, err := q.projectFiles(project, "playbook_files")
				if err != nil {
					return err
				}
				if !slices.Contains(files, playbook) && project.Str("status") != "pending" && project.Str("status") != "running" {
					if playbook == "" {
						w.add("playbook", "Must select playbook for project.")
					} else {
						w.add("playbook", "Playbook not found for project.")
					}
				}
			}
			if merged(old, rec, "scm_branch") != "" && !project.Bool("allow_override") {
				w.add("scm_branch", "Project does not allow overriding branch.")
			}
			return nil
		},
		add: func(q *request, rec domain.Record) (bool, bool, error) {
			project, err := q.get("project", rec.Int("project"))
			if err != nil {
				return true, false, err
			}
			if project.Has("organization") {
				yes, err := rbac.Check(q.tx, q.actor, domain.Of("organization"), "job_template_admin_role", project.Int("organization"))
				if err != nil || yes {
					return true, yes, err
				}
			}
			yes, err := rbac.Check(q.tx, q.actor, domain.Of("project"), "use_role", rec.Int("project"))
			return true, yes, err
		},
		show:  hideTemplate,
		links: webhookLinks,
		summary: func(q *request, rec domain.Record, o *object) error {
			if err := q.labels("job_template", rec.ID(), o); err != nil {
				return err
			}
			if err := q.credentialList("job_template", rec.ID(), o); err != nil {
				return err
			}
			return q.jobsOf(rec, o)
		},
		attach: func(q *request, rec domain.Record, rel *domain.Related, other domain.Record, detach bool) error {
			if rel.Name != "credentials" || detach {
				return nil
			}
			ids, err := q.tx.Linked("job_template.credentials", rec.ID())
			if err != nil {
				return err
			}
			_, err = q.oneOfEach(append(ids, other.ID()))
			return err
		},
		removable: func(q *request, rec domain.Record) error {
			return q.inUse(store.Where("t.unified_job_template = ?", rec.ID()))
		},
	}
}

func hideTemplate(_ *request, rec domain.Record, o *object, _ bool) error { return nil }

func webhookLinks(_ *request, rec domain.Record, o *object) {
	receiver := ""
	if s := rec.Str("webhook_service"); s != "" {
		receiver = href(domain.Of(rec.Type()), rec.ID()) + s + "/"
	}
	o.set("webhook_receiver", receiver)
}

// jobsOf adds the last jobs of a template.
func (q *request) jobsOf(rec domain.Record, o *object) error {
	if err := templateSummary(q, rec, o); err != nil {
		return err
	}
	var survey struct{ Name, Description string }
	if err := rec.Into("survey_spec", &survey); err != nil {
		return err
	}
	if string(rec.Str("survey_spec")) != "{}" {
		o.set("survey", map[string]string{"title": survey.Name, "description": survey.Description})
	}
	rows, err := q.tx.List(domain.Of("unified_job"), store.Is("unified_job_template", rec.ID()), store.Page{Order: "t.id DESC", Limit: 10})
	if err != nil {
		return err
	}
	list := []map[string]any{}
	for _, job := range rows {
		list = append(list, map[string]any{"id": job.ID(), "status": job.Str("status"), "finished": job["finished"], "canceled_on": job["canceled_on"], "type": job.Str("type")})
	}
	o.set("recent_jobs", list)
	return nil
}

// oneOfEach refuses two credentials of one kind; vault credentials differ by their vault id. It returns the ids by kind.
func (q *request) oneOfEach(ids []int64) (map[string]int64, error) {
	out := map[string]int64{}
	for _, id := range ids {
		c, err := q.get("credential", id)
		if err != nil {
			return nil, err
		}
		kind, err := q.get("credential_type", c.Int("credential_type"))
		if err != nil {
			return nil, err
		}
		key := kind.Str("name")
		if kind.Str("namespace") == "vault" {
			var in struct {
				ID string `json:"vault_id"`
			}
			if err := c.Into("inputs", &in); err != nil {
				return nil, err
			}
			key += " " + in.ID
		}
		if other, taken := out[key]; taken && other != id {
			return nil, badRequest(map[string]string{"error": fmt.Sprintf("Cannot assign multiple %s credentials.", kind.Str("name"))})
		}
		out[key] = id
	}
	return out, nil
}

func launchFields() []domain.Field {
	fields := []domain.Field{{Name: "extra_vars", Kind: domain.JSON}, {Name: "credentials", Kind: "list_of_ids"}, {Name: "credential_passwords", Kind: domain.JSON}, {Name: "labels", Kind: domain.Shown}, {Name: "instance_groups", Kind: domain.Shown}}
	r := domain.Of("job_template")
	for _, a := range launch.Asked {
		f := *r.Field(a.Field)
		f.Required, f.Default0 = false, false
		fields = append(fields, f)
	}
	return fields
}

var launchAction = &action{
	rules:  map[string]string{"POST": ":start"},
	fields: launchFields,
	get: func(q *request, _ *domain.Resource, rec domain.Record) (*reply, error) {
		survey, err := launch.Survey(rec)
		if err != nil {
			return nil, err
		}
		ids, err := q.tx.Linked("job_template.credentials", rec.ID())
		if err != nil {
			return nil, err
		}
		passwords, err := q.asked(ids)
		if err != nil {
			return nil, err
		}
		needed := neededVars(survey)
		o := newObject()
		o.set("can_start_without_user_input", len(passwords) == 0 && len(needed) == 0 && rec.Has("inventory") && !anyAsk(rec))
		o.set("passwords_needed_to_start", passwords)
		for i := range domain.Of("job_template").Fields {
			if f := domain.Of("job_template").Fields[i].Name; strings.HasPrefix(f, "ask_") {
				o.set(f, rec[f])
			}
		}
		o.set("survey_enabled", rec.Bool("survey_enabled"))
		o.set("variables_needed_to_start", needed)
		o.set("credential_needed_to_start", false)
		o.set("inventory_needed_to_start", !rec.Has("inventory"))
		data := newObject()
		data.set("name", rec.Str("name"))
		data.set("id", rec.ID())
		data.set("description", rec.Str("description"))
		o.set("job_template_data", data)
		defaults := newObject()
		for _, f := range []string{"inventory", "limit", "scm_branch", "job_tags", "skip_tags", "extra_vars", "diff_mode", "job_type", "verbosity", "execution_environment", "forks", "job_slice_count", "timeout"} {
			defaults.set(f, rec[f])
		}
		for _, f := range []domain.Type{"inventory", "execution_environment"} {
			defaults.set(string(f), map[string]any{})
			if s, err := q.summary(f, rec.Int(string(f))); err == nil {
				defaults.set(string(f), s.only("id", "name"))
			}
		}
		creds := []map[string]any{}
		for _, id := range ids {
			c, err := q.get("credential", id)
			if err != nil {
				return nil, err
			}
			need, err := q.asked([]int64{id})
			if err != nil {
				return nil, err
			}
			creds = append(creds, map[string]any{"id": id, "name": c.Str("name"), "credential_type": c["credential_type"], "passwords_needed": need})
		}
		if rec.Bool("ask_credential_on_launch") || len(creds) > 0 {
			defaults.set("credentials", creds)
		}
		if rec.Bool("ask_labels_on_launch") {
			defaults.set("labels", []any{})
		}
		defaults.set("instance_groups", []any{})
		o.set("defaults", defaults)
		return ok(o)
	},
	post: (*request).launchBy,
}

// launchBy starts a template as a person asks.
func (q *request) launchBy(r *domain.Resource, rec domain.Record, body map[string]any) (*reply, error) {
	p, ignored, err := q.prompts(r, rec, body)
	if err != nil {
		return nil, err
	}
	p.Type = "manual"
	return q.launched(r, rec, p, ignored)
}

func anyAsk(rec domain.Record) bool {
	for i := range domain.Of("job_template").Fields {
		if f := domain.Of("job_template").Fields[i].Name; strings.HasPrefix(f, "ask_") && rec.Bool(f) {
			return true
		}
	}
	return false
}

func neededVars(survey []launch.Question) []string {
	out := []string{}
	for _, s := range survey {
		if s.Required && (s.Default == nil || s.Default == "") {
			out = append(out, s.Variable)
		}
	}
	return out
}

// asked lists the passwords that credentials want at every launch.
func (q *request) asked(ids []int64) ([]string, error) {
	out := []string{}
	for _, id := range ids {
		c, err := q.get("credential", id)
		if err != nil {
			return nil, err
		}
		in, err := launch.Inputs(q.Box, c)
		if err != nil {
			return nil, err
		}
		for k, v := range in {
			if v != "ASK" {
				continue
			}
			switch k {
			case "password":
				k = "ssh_password"
			case "vault_password":
				if vid, _ := in["vault_id"].(string); vid != "" {
					k += "." + vid
				}
			}
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out, nil
}

// prompts reads the answers of a launch. What the template does not ask for is ignored and told; what it needs and has not is refused.
func (q *request) prompts(r *domain.Resource, rec domain.Record, body map[string]any) (launch.Prompts, map[string]any, error) {
	p := launch.Prompts{Fields: domain.Record{}, ExtraVars: map[string]any{}, Passwords: map[string]string{}, CreatedBy: q.actor.ID}
	ignored := map[string]any{}
	w := wrong{}
	if v, given := body["inventory_id"]; given && body["inventory"] == nil {
		body["inventory"] = v
	}
	for _, a := range launch.Asked {
		f := r.Field(a.Field)
		v, given := body[a.Field]
		if !given || f == nil {
			continue
		}
		if r.Field(a.Flag) == nil || !rec.Bool(a.Flag) {
			if fmt.Sprint(v) != fmt.Sprint(rec[a.Field]) {
				ignored[a.Field] = v
			}
			continue
		}
		x, problem := q.value(r, f, v)
		if problem != "" {
			w.add(a.Field, "%s", problem)
			continue
		}
		p.Fields[a.Field] = x
	}
	survey, err := launch.Survey(rec)
	if err != nil {
		return p, nil, err
	}
	given := map[string]any{}
	switch v := body["extra_vars"].(type) {
	case nil:
	case map[string]any:
		given = v
	case string:
		if given, err = launch.ParseVars(v); err != nil {
			w.add("extra_vars", "%s", err)
		}
	default:
		w.add("extra_vars", "Input type `%s` is not a dictionary", domain.KindOf(v))
	}
	var problems []string
	inSurvey := map[string]bool{}
	for i := range survey {
		s := &survey[i]
		inSurvey[s.Variable] = true
		v, has := given[s.Variable]
		problems = append(problems, s.Check(v, has)...)
	}
	lost := map[string]any{}
	for k, v := range given {
		if inSurvey[k] || rec.Bool("ask_variables_on_launch") {
			p.ExtraVars[k] = v
		} else {
			lost[k] = v
		}
	}
	if len(lost) > 0 {
		ignored["extra_vars"] = lost
	}
	if len(problems) > 0 {
		w["variables_needed_to_start"] = problems
	}
	if len(w) > 0 {
		return p, nil, w
	}
	if r.Type == "workflow_job_template" {
		return p, ignored, nil
	}
	base, err := q.tx.Linked("job_template.credentials", rec.ID())
	if err != nil {
		return p, nil, err
	}
	if list, has := body["credentials"]; has {
		if !rec.Bool("ask_credential_on_launch") {
			ignored["credentials"] = list
		} else if base, err = q.chosen(base, list); err != nil {
			return p, nil, err
		} else {
			p.Credentials = base
		}
	}
	for name, dst := range map[string]*[]int64{"labels": &p.Labels, "instance_groups": &p.InstanceGroups} {
		list, has := body[name].([]any)
		if !has {
			continue
		}
		if !rec.Bool("ask_" + name + "_on_launch") {
			ignored[name] = list
			continue
		}
		*dst = []int64{}
		for _, x := range list {
			id, _ := integer(x)
			if _, err := q.get(domain.Type(strings.TrimSuffix(name, "s")), id); err != nil {
				return p, nil, fieldError(name, "Invalid pk \"%d\" - object does not exist.", id)
			}
			*dst = append(*dst, id)
		}
	}
	needed, err := q.asked(base)
	if err != nil {
		return p, nil, err
	}
	passwords, _ := body["credential_passwords"].(map[string]any)
	var missing []string
	for _, name := range needed {
		v, _ := passwords[name].(string)
		if v == "" {
			v, _ = body[name].(string)
		}
		if v == "" {
			missing = append(missing, name)
		}
		p.Passwords[name] = v
	}
	if len(missing) > 0 {
		return p, nil, wrong{"passwords_needed_to_start": missing}
	}
	if !rec.Has("project") {
		return p, nil, wrong{"resources_needed_to_start": {"Job Template project is missing or undefined."}}
	}
	if !rec.Has("inventory") && p.Fields["inventory"] == nil {
		return p, nil, wrong{"resources_needed_to_start": {"Job Template inventory is missing or undefined."}}
	}
	// What the template does not name itself must be the launcher's to use.
	for _, t := range []domain.Type{"inventory", "execution_environment"} {
		if id := p.Fields.Int(string(t)); id != 0 && id != rec.Int(string(t)) {
			if err := q.may(domain.Of(t), domain.Of(t).Access.Use, id); err != nil {
				return p, nil, err
			}
		}
	}
	return p, ignored, nil
}

// chosen are the credentials of a launch: they replace the template's by kind, and none of its kinds may be left out.
func (q *request) chosen(base []int64, given any) ([]int64, error) {
	list, is := given.([]any)
	if !is {
		return nil, fieldError("credentials", "Expected a list of items but got type \"%s\".", domain.KindOf(given))
	}
	var ids []int64
	for _, x := range list {
		id, isID := integer(x)
		if _, err := q.get("credential", id); !isID || err != nil {
			return nil, fieldError("credentials", "Invalid pk \"%v\" - object does not exist.", x)
		}
		if !slices.Contains(base, id) {
			if err := q.may(domain.Of("credential"), "use_role", id); err != nil {
				return nil, err
			}
		}
		ids = append(ids, id)
	}
	mine, err := q.oneOfEach(ids)
	if err != nil {
		return nil, fieldError("credentials", "Cannot assign multiple credentials of the same type.")
	}
	theirs, err := q.oneOfEach(base)
	if err != nil {
		return nil, err
	}
	for kind := range theirs {
		if _, has := mine[kind]; !has {
			return nil, fieldError("credentials", "Removing %s credential at launch time without replacement is not supported.", kind)
		}
	}
	return ids, nil
}

// launched makes the job and answers with it.
func (q *request) launched(r *domain.Resource, rec domain.Record, p launch.Prompts, ignored map[string]any) (*reply, error) {
	var job domain.Record
	var kind domain.Type
	err := q.write(func(tx *store.Tx) error {
		var err error
		if job, err = launch.Make(tx, q.Box, r.Type, rec, p); err != nil {
			return err
		}
		kind = job.Type() // a sliced job is a workflow job
		if err := q.record(tx, "create", domain.Of(kind), job.ID(), map[string]any{"id": job.ID(), "name": job.Str("name")}, nil, 0, ""); err != nil {
			return err
		}
		tx.After(q.Dispatcher.Wake)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if job, err = q.get(kind, job.ID()); err != nil {
		return nil, err
	}
	shown, err := q.show(domain.Of(kind), job, true)
	if err != nil {
		return nil, err
	}
	shown.drop("custom_virtualenv", "host_status_counts", "playbook_counts")
	o := newObject()
	o.set(string(kind), job.ID())
	if ignored != nil {
		o.set("ignored_fields", ignored)
	}
	for _, k := range shown.keys {
		if v, has := shown.values[k]; has {
			o.set(k, v)
		}
	}
	return &reply{status: http.StatusCreated, body: o, location: href(domain.Of(kind), job.ID())}, nil
}

// surveyAction is the survey of a template.
var surveyAction = &action{
	rules: map[string]string{"POST": ":change", "DELETE": ":change"},
	get: func(_ *request, _ *domain.Resource, rec domain.Record) (*reply, error) {
		raw, _ := rec["survey_spec"].(json.RawMessage)
		if len(raw) == 0 || string(raw) == "{}" {
			return ok(map[string]any{})
		}
		return ok(masked(raw))
	},
	post: func(q *request, r *domain.Resource, rec domain.Record, body map[string]any) (*reply, error) {
		if err := checkSurvey(body); err != nil {
			return nil, err
		}
		var old struct {
			Spec []launch.Question `json:"spec"`
		}
		if err := rec.Into("survey_spec", &old); err != nil {
			return nil, err
		}
		for _, x := range body["spec"].([]any) {
			s := x.(map[string]any)
			if d, isText := s["default"].(string); s["type"] == "password" && isText && d != "" {
				if d == secret.Mark {
					i := slices.IndexFunc(old.Spec, func(o launch.Question) bool { return o.Variable == s["variable"] })
					if i < 0 {
						return nil, badRequest(map[string]string{"error": "$encrypted$ is a reserved keyword for password question defaults, survey question is of new type."})
					}
					s["default"] = old.Spec[i].Default
				} else {
					s["default"] = q.Box.Seal(launch.Place, d)
				}
			}
		}
		err := q.write(func(tx *store.Tx) error {
			return tx.Update(r.Type, rec.ID(), domain.Record{"survey_spec": domain.Encode(body)})
		})
		return &reply{status: http.StatusOK}, err
	},
	del: func(q *request, r *domain.Resource, rec domain.Record) (*reply, error) {
		err := q.write(func(tx *store.Tx) error {
			return tx.Update(r.Type, rec.ID(), domain.Record{"survey_spec": domain.Encode(map[string]any{})})
		})
		return &reply{status: http.StatusOK}, err
	},
}

var surveyTypes = []string{"text", "textarea", "password", "multiplechoice", "multiselect", "integer", "float"}

func checkSurvey(body map[string]any) error {
	fail := func(format string, args ...any) error {
		return badRequest(map[string]string{"error": fmt.Sprintf(format, args...)})
	}
	for _, k := range []string{"spec", "name", "description"} {
		if _, has := body[k]; !has {
			return fail("Field '%s' is missing from survey spec.", k)
		}
	}
	spec, is := body["spec"].([]any)
	if !is {
		return fail("'spec' must be a list of items.")
	}
	if len(spec) == 0 {
		return fail("'spec' doesn't contain any items.")
	}
	seen := map[any]bool{}
	for i, x := range spec {
		s, is := x.(map[string]any)
		if !is {
			return fail("Survey question %d is not a json object.", i)
		}
		for _, k := range []string{"question_name", "variable", "required", "type"} {
			if _, has := s[k]; !has {
				return fail("'%s' missing from survey question %d.", k, i)
			}
		}
		kind, _ := s["type"].(string)
		if !slices.Contains(surveyTypes, kind) {
			quoted := make([]string, len(surveyTypes))
			for j, t := range surveyTypes {
				quoted[j] = "'" + t + "'"
			}
			return fail("'%s' in survey question %d is not one of '%s' allowed question types.", kind, i, strings.Join(surveyTypes, ", "))
		}
		if seen[s["variable"]] {
			return fail("'variable' '%v' duplicated in survey question %d.", s["variable"], i)
		}
		seen[s["variable"]] = true
	}
	return nil
}
