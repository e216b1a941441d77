// Package launch makes jobs of templates: what the template says, what was asked for at launch, and what may not be left out.
//
// Called by internal/server/api when somebody launches, and by dispatch for schedules, workflows and updates that a job needs first.
package launch

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/secret"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Prompts are the answers that a launch gives. Fields holds the simple ones by the job's field name.
type Prompts struct {
	Fields         domain.Record
	ExtraVars      map[string]any
	Credentials    []int64 // nil: none asked for
	Labels         []int64
	InstanceGroups []int64
	Passwords      map[string]string // of credentials that ask at launch

	Type         string // launch_type
	CreatedBy    int64
	Schedule     int64
	WorkflowNode int64
	// Slice is the part of the hosts that the job of a node of a sliced job has; zero for all others.
	Slice, Slices int64
}

// Asked maps the fields of a launch to the flags that allow them.
var Asked = []struct{ Field, Flag string }{
	{"inventory", "ask_inventory_on_launch"}, {"limit", "ask_limit_on_launch"}, {"job_tags", "ask_tags_on_launch"}, {"skip_tags", "ask_skip_tags_on_launch"}, {"job_type", "ask_job_type_on_launch"},
	{"verbosity", "ask_verbosity_on_launch"}, {"diff_mode", "ask_diff_mode_on_launch"}, {"scm_branch", "ask_scm_branch_on_launch"}, {"execution_environment", "ask_execution_environment_on_launch"},
	{"forks", "ask_forks_on_launch"}, {"job_slice_count", "ask_job_slice_count_on_launch"}, {"timeout", "ask_timeout_on_launch"},
}

// Question is one question of a survey.
type Question struct {
	Name        string `json:"question_name"`
	Description string `json:"question_description"`
	Required    bool   `json:"required"`
	Type        string `json:"type"`
	Variable    string `json:"variable"`
	Min         any    `json:"min"`
	Max         any    `json:"max"`
	Default     any    `json:"default"`
	Choices     any    `json:"choices"`
}

// Survey reads the survey of a template; there is none when it is switched off.
func Survey(template domain.Record) ([]Question, error) {
	if !template.Bool("survey_enabled") {
		return nil, nil
	}
	var s struct {
		Spec []Question `json:"spec"`
	}
	return s.Spec, template.Into("survey_spec", &s)
}

// ChoiceList is the choices of a question, which may be a list or lines of a text.
func (s *Question) ChoiceList() []string {
	var out []string
	switch c := s.Choices.(type) {
	case string:
		for line := range strings.SplitSeq(c, "\n") {
			if line = strings.TrimSpace(line); line != "" {
				out = append(out, line)
			}
		}
	case []any:
		for _, x := range c {
			out = append(out, fmt.Sprint(x))
		}
	}
	return out
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// Check looks at an answer; problems are in the words that clients know.
func (s *Question) Check(answer any, given bool) []string {
	if !given || answer == nil || answer == "" && s.Required {
		if s.Required && (s.Default == nil || s.Default == "") {
			return []string{fmt.Sprintf("'%s' value missing", s.Variable)}
		}
		return nil
	}
	low, hasLow := number(s.Min)
	high, hasHigh := number(s.Max)
	switch s.Type {
	case "text", "textarea", "password":
		t, isText := answer.(string)
		if !isText {
			return []string{fmt.Sprintf("Value %v for '%s' expected to be a string.", answer, s.Variable)}
		}
		if t == secret.Mark {
			return nil
		}
		n := float64(utf8.RuneCountInString(t))
		if hasLow && low > 0 && n < low {
			return []string{fmt.Sprintf("'%s' value %s is too small (length is %.0f must be at least %.0f).", s.Variable, t, n, low)}
		}
		if hasHigh && high > 0 && n > high {
			return []string{fmt.Sprintf("'%s' value %s is too large (must be no more than %.0f).", s.Variable, t, high)}
		}
	case "integer", "float":
		n, isNumber := number(answer)
		if !isNumber || s.Type == "integer" && n != math.Trunc(n) {
			return []string{fmt.Sprintf("Value %v for '%s' expected to be %s.", answer, s.Variable, map[string]string{"integer": "an integer", "float": "a numeric type"}[s.Type])}
		}
		if hasLow && n < low {
			return []string{fmt.Sprintf("'%s' value %v is too small (must be at least %v).", s.Variable, answer, s.Min)}
		}
		if hasHigh && n > high {
			return []string{fmt.Sprintf("'%s' value %v is too large (must be no more than %v).", s.Variable, answer, s.Max)}
		}
	case "multiplechoice":
		if !slices.Contains(s.ChoiceList(), fmt.Sprint(answer)) {
			return []string{fmt.Sprintf("Value %v for '%s' expected to be one of %v.", answer, s.Variable, s.ChoiceList())}
		}
	case "multiselect":
		list, isList := answer.([]any)
		if !isList {
			return []string{fmt.Sprintf("'%s' value is expected to be a list.", s.Variable)}
		}
		for _, x := range list {
			if !slices.Contains(s.ChoiceList(), fmt.Sprint(x)) {
				return []string{fmt.Sprintf("Value %v for '%s' expected to be one of %v.", x, s.Variable, s.ChoiceList())}
			}
		}
	}
	return nil
}

// ParseVars reads a dictionary that is written as JSON or YAML. Whole numbers stay whole, however large.
func ParseVars(s string) (map[string]any, error) {
	if strings.TrimSpace(s) == "" {
		return map[string]any{}, nil
	}
	dictionary := func(v any) (map[string]any, error) {
		if v == nil {
			return map[string]any{}, nil
		}
		m, is := v.(map[string]any)
		if !is {
			return nil, fmt.Errorf("Input type `%s` is not a dictionary", domain.KindOf(v))
		}
		return m, nil
	}
	var v any
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	jsonErr := d.Decode(&v)
	if jsonErr == nil && !d.More() {
		m, err := dictionary(domain.Plain(v))
		if err != nil {
			err = fmt.Errorf("Cannot parse as JSON (error: %w) or YAML (error: %w).", err, err)
		}
		return m, err
	}
	v = nil
	yamlErr := yaml.Unmarshal([]byte(s), &v)
	if yamlErr == nil {
		var m map[string]any
		if m, yamlErr = dictionary(v); yamlErr == nil {
			return m, nil
		}
	}
	return nil, fmt.Errorf("Cannot parse as JSON (error: %s) or YAML (error: %w).", domain.JSONMistake([]byte(s), jsonErr), yamlErr)
}

// Inputs are a credential's values with its secrets open.
func Inputs(box *secret.Box, c domain.Record) (map[string]any, error) {
	in := map[string]any{}
	if err := c.Into("inputs", &in); err != nil {
		return nil, err
	}
	for k, v := range in {
		if s, isText := v.(string); isText && secret.Sealed(s) {
			text, err := box.Open("credential.inputs."+k, s)
			if err != nil {
				return nil, fmt.Errorf("credential %s, %s: %w", c.Str("name"), k, err)
			}
			in[k] = text
		}
	}
	return in, nil
}

// Place is what answers of surveys are encrypted for.
const Place = "unified_job.extra_vars"

// Vars puts the variables of a job together: the template's, the survey's defaults, the launch's. Passwords of the survey are sealed.
func Vars(box *secret.Box, template domain.Record, p Prompts) (string, map[string]any, error) {
	vars, err := ParseVars(template.Str("extra_vars"))
	if err != nil {
		return "", nil, err
	}
	survey, err := Survey(template)
	if err != nil {
		return "", nil, err
	}
	hidden := map[string]any{}
	for _, s := range survey {
		if _, given := p.ExtraVars[s.Variable]; !given && s.Default != nil && s.Default != "" {
			vars[s.Variable] = s.Default
		}
	}
	maps.Copy(vars, p.ExtraVars)
	for _, s := range survey {
		if s.Type != "password" {
			continue
		}
		t, isText := vars[s.Variable].(string)
		if isText && t == secret.Mark {
			t, _ = s.Default.(string)
			vars[s.Variable] = t
		}
		if isText && t != "" {
			if !secret.Sealed(t) {
				vars[s.Variable] = box.Seal(Place, t)
			}
			hidden[s.Variable] = secret.Mark
		}
	}
	b, err := json.Marshal(vars)
	return string(b), hidden, err
}

var sealed = regexp.MustCompile(`\$troupe\$\d+\$[A-Za-z0-9+/]+`)

// Mask replaces sealed values in a text.
func Mask(s string) string {
	if !strings.Contains(s, "$troupe$") {
		return s
	}
	return sealed.ReplaceAllString(s, secret.Mark)
}

// JobTypes names the kind of job that a template of a type makes, and the field that refers to the template.
var JobTypes = map[domain.Type]struct {
	Job   domain.Type
	Field string
}{
	"job_template": {"job", "job_template"}, "project": {"project_update", "project"}, "inventory_source": {"inventory_update", "inventory_source"},
	"system_job_template": {"system_job", "system_job_template"}, "workflow_job_template": {"workflow_job", "workflow_job_template"}, "workflow_approval_template": {"workflow_approval", ""},
}

// Make inserts a job of a template, ready for dispatch, with the updates that it needs first. A job template that is sliced makes a workflow job of slices.
func Make(tx *store.Tx, box *secret.Box, kind domain.Type, template domain.Record, p Prompts) (domain.Record, error) {
	if kind != "job_template" {
		return plain(tx, box, kind, template, p)
	}
	if p.Slices == 0 {
		n, err := parts(tx, template, p)
		if err != nil {
			return nil, err
		}
		if n > 1 {
			return sliced(tx, box, template, p, n)
		}
	}
	job, err := plain(tx, box, kind, template, p)
	if err != nil {
		return nil, err
	}
	return job, needs(tx, box, template, job, p)
}

// plain inserts one job.
func plain(tx *store.Tx, box *secret.Box, kind domain.Type, template domain.Record, p Prompts) (domain.Record, error) {
	made := JobTypes[kind]
	job, from := domain.Of(made.Job), domain.Of(kind)
	rec := domain.Record{}
	for i := range job.Fields {
		f := &job.Fields[i]
		if src := from.Field(f.Name); src == nil || !f.Column() || !src.Column() {
			continue
		}
		switch f.Name {
		case "id", "type", "created", "modified", "created_by", "modified_by", "status", "last_job", "current_job":
		default:
			rec[f.Name] = template[f.Name]
		}
	}
	for name, v := range p.Fields {
		if f := job.Field(name); f != nil && f.Column() {
			rec[name] = v
		}
	}
	if kind == "job_template" {
		rec["job_slice_number"], rec["job_slice_count"] = p.Slice, max(1, p.Slices)
	}
	rec["status"] = "pending"
	rec["launch_type"] = p.Type
	rec["unified_job_template"] = template.ID()
	if made.Field != "" {
		rec[made.Field] = template.ID()
	}
	if kind == "inventory_source" {
		inv, err := tx.Get("inventory", template.Int("inventory"))
		if err != nil {
			return nil, err
		}
		rec["name"] = inv.Str("name") + " - " + template.Str("name")
		rec["organization"] = inv["organization"]
	}
	if p.CreatedBy != 0 {
		rec["created_by"] = p.CreatedBy
	}
	if p.Schedule != 0 {
		rec["schedule"] = p.Schedule
	}
	if job.Field("extra_vars") != nil {
		vars, hidden, err := Vars(box, template, p)
		if err != nil {
			return nil, err
		}
		rec["extra_vars"], rec["survey_passwords"] = vars, domain.Encode(hidden)
	}
	if len(p.Passwords) > 0 {
		b, err := json.Marshal(p.Passwords)
		if err != nil {
			return nil, err
		}
		rec["start_args"] = box.Seal("unified_job.start_args", string(b))
	}
	rec["type"] = string(made.Job)
	env, err := Environment(tx, tx.Get, rec)
	if err != nil {
		return nil, err
	}
	rec["execution_environment"] = env
	if err := tx.Insert(made.Job, rec); err != nil {
		return nil, err
	}
	for _, list := range []struct {
		name  string
		given []int64
	}{{"credentials", p.Credentials}, {"labels", p.Labels}, {"instance_groups", p.InstanceGroups}} {
		ids := list.given
		if ids == nil {
			var err error
			if ids, err = tx.Linked(string(kind)+"."+list.name, template.ID()); err != nil {
				return nil, err
			}
		}
		for _, id := range ids {
			if err := tx.Link("unified_job."+list.name, rec.ID(), id); err != nil {
				return nil, err
			}
		}
	}
	if made.Job == "workflow_job" {
		if err := copyNodes(tx, template.ID(), rec.ID()); err != nil {
			return nil, err
		}
	}
	return rec, tx.Update(kind, template.ID(), domain.Record{"current_job": rec.ID(), "status": "pending"})
}

// copyNodes gives a workflow job nodes of its own, as the template has them now.
func copyNodes(tx *store.Tx, template, job int64) error {
	nodes, err := tx.List(domain.Of("workflow_job_template_node"), store.Is("workflow_job_template", template), store.Page{})
	if err != nil {
		return err
	}
	at := map[int64]int64{}
	for _, n := range nodes {
		rec := domain.Record{"workflow_job": job}
		target := domain.Of("workflow_job_node")
		for i := range target.Fields {
			if f := &target.Fields[i]; f.Column() && n[f.Name] != nil && f.Name != "id" && f.Name != "workflow_job" && f.Name != "created" && f.Name != "modified" {
				rec[f.Name] = n[f.Name]
			}
		}
		if err := tx.Insert("workflow_job_node", rec); err != nil {
			return err
		}
		at[n.ID()] = rec.ID()
		for _, list := range []string{"credentials", "labels", "instance_groups"} {
			ids, err := tx.Linked("workflow_job_template_node."+list, n.ID())
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := tx.Link("workflow_job_node."+list, rec.ID(), id); err != nil {
					return err
				}
			}
		}
	}
	for _, n := range nodes {
		for _, edge := range []string{"success_nodes", "failure_nodes", "always_nodes"} {
			next, err := tx.Linked("workflow_job_template_node."+edge, n.ID())
			if err != nil {
				return err
			}
			for _, id := range next {
				if err := tx.Link("workflow_job_node."+edge, at[n.ID()], at[id]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
