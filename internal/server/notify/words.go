package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/launch"
	"github.com/troupe-automation/troupe/internal/server/store"
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/builtins"
	"github.com/troupe-automation/troupe/value"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// about is what messages can be made of.
type about map[string]any

// words are the defaults of messages and bodies.
const (
	message  = "{{ job_friendly_name }} #{{ job.id }} '{{ job.name }}' {{ job.status }}: {{ url }}"
	mailBody = "{{ job_friendly_name }} #{{ job.id }} had status {{ job.status }}, view details at {{ url }}\n\n{{ job_metadata }}"
	metadata = "{{ job_metadata }}"
)

var decisions = map[string]string{
	"running":   `The approval node "{{ approval_node_name }}" needs review. This node can be viewed at: {{ workflow_url }}`,
	"approved":  `The approval node "{{ approval_node_name }}" was approved. {{ workflow_url }}`,
	"denied":    `The approval node "{{ approval_node_name }}" was denied. {{ workflow_url }}`,
	"timed_out": `The approval node "{{ approval_node_name }}" has timed out. {{ workflow_url }}`,
}

// defaults are the words of a kind of notification when its template has none.
func defaults(kind, decision string) (subject, body string) {
	subject, body = message, ""
	if decision != "" {
		subject = decisions[decision]
	}
	switch form := channels[kind].body; {
	case form == noBody:
	case form == mailed && decision != "":
		body = strings.Replace(subject, "This node", "This approval node", 1) + "\n\n" + metadata
	case form == mailed:
		body = mailBody
	case decision != "" && kind != "pagerduty" && kind != "grafana":
		body = `{"body": ` + strconv.Quote(subject) + `}`
	case decision != "":
		body = strings.Replace(subject, "This node", "This approval node", 1) + "\n\n" + metadata
	default:
		body = metadata
	}
	if channels[kind].bodyOnly {
		subject = ""
	}
	return subject, body
}

// say puts an event into the words of a template. A template that fails says why.
func (a about) say(template domain.Record, event, decision string) (subject, body string) {
	type words struct{ Message, Body string }
	var own struct {
		Started, Success, Error *words
		Approval                map[string]*words `json:"workflow_approval"`
	}
	_ = template.Into("messages", &own) // a form that cannot be read is none
	chosen := map[string]*words{"started": own.Started, "success": own.Success, "error": own.Error, "workflow_approval": own.Approval[decision]}[event]
	subject, body = defaults(template.Str("notification_type"), decision)
	if chosen != nil && chosen.Message != "" {
		subject = chosen.Message
	}
	if chosen != nil && chosen.Body != "" {
		body = chosen.Body
	}
	return a.render(subject), a.render(body)
}

// engine has bounds that keep a template from eating the server: their authors are no administrators.
var engine = sync.OnceValue(func() *jinja.Environment {
	e := builtins.New()
	e.Undefined = value.Lenient
	e.Limits = jinja.Limits{Depth: 20, OutputBytes: 256 << 10, Steps: 100_000}
	return e
})

func (a about) render(text string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	vars := jinja.Vars{}
	for k, v := range a {
		x, err := value.FromGo(v)
		if err != nil {
			return err.Error()
		}
		vars[k] = x
	}
	p, err := engine().Compile("message", text)
	if err != nil {
		return err.Error()
	}
	out, err := p.Render(vars)
	if err != nil {
		return err.Error()
	}
	return out
}

// said are the fields of a job that messages may have: no variables, no environment.
var said = []string{"id", "type", "created", "modified", "name", "description", "job_type", "playbook", "forks", "limit", "verbosity", "job_tags", "force_handlers", "skip_tags", "start_at_task", "timeout",
	"use_fact_cache", "launch_type", "status", "failed", "started", "finished", "elapsed", "job_explanation", "execution_node", "controller_node", "allow_simultaneous", "scm_revision", "diff_mode",
	"job_slice_number", "job_slice_count", "scm_branch", "artifacts", "host_status_counts"}

// told are the objects of a job that messages may have, with their fields.
var told = []struct {
	field  string
	fields []string
}{
	{"inventory", []string{"id", "name", "description", "has_active_failures", "total_hosts", "hosts_with_active_failures", "total_groups", "has_inventory_sources", "total_inventory_sources", "inventory_sources_with_failures", "kind"}},
	{"project", []string{"id", "name", "description", "status", "scm_type"}}, {"job_template", []string{"id", "name", "description"}}, {"unified_job_template", []string{"id", "name", "description"}},
	{"instance_group", []string{"id", "name"}}, {"created_by", []string{"id", "username", "first_name", "last_name"}}, {"schedule", []string{"id", "name", "description", "next_run"}},
}

// kinds are the names of jobs, and where a page shows them.
var kinds = map[domain.Type][2]string{"job": {"Job", "playbook"}, "project_update": {"Project Update", "project"}, "inventory_update": {"Inventory Update", "inventory"}, "ad_hoc_command": {"AdHoc Command", "command"},
	"workflow_job": {"Workflow Job", "workflow"}, "system_job": {"System Job", "system"}}

func aboutJob(tx *store.Tx, job domain.Record, status string) (about, error) {
	base, err := siteURL(tx)
	if err != nil {
		return nil, err
	}
	one := map[string]any{}
	for _, name := range said {
		if v, has := job[name]; has {
			one[name] = plain(v)
		}
	}
	one["status"] = status
	r := domain.Of(job.Type())
	one["url"] = "/api/v2/" + r.Path + "/" + itoa(job.ID()) + "/"
	summary := map[string]any{}
	for _, t := range told {
		f := r.Field(t.field)
		if f == nil || job.Int(t.field) == 0 {
			continue
		}
		to := f.To
		if to == "unified_job_template" {
			if to, err = tx.TypeOf(to, job.Int(t.field)); err != nil {
				continue
			}
		}
		rec, err := tx.Get(to, job.Int(t.field))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s := map[string]any{}
		for _, name := range t.fields {
			s[name] = plain(rec[name])
		}
		summary[t.field] = s
	}
	one["summary_fields"] = summary
	url := base + "/#/jobs/" + kinds[job.Type()][1] + "/" + itoa(job.ID())
	meta, err := metadataOf(tx, job, status, url, summary)
	return about{"job": one, "job_friendly_name": kinds[job.Type()][0], "url": url, "job_metadata": meta}, err
}

func aboutApproval(tx *store.Tx, approval domain.Record, d Decision) (about, error) {
	base, err := siteURL(tx)
	if err != nil {
		return nil, err
	}
	node, err := tx.One("workflow_job_node", store.Is("job", approval.ID()))
	if err != nil {
		return nil, err
	}
	url := base + "/#/jobs/workflow/" + itoa(node.Int("workflow_job"))
	workflow, err := tx.Get("workflow_job", node.Int("workflow_job"))
	if err != nil {
		return nil, err
	}
	by := ""
	if user, err := tx.Get("user", approval.Int("created_by")); err == nil {
		by = user.Str("username")
	}
	pairs := append(common(approval, approval.Str("status"), url, by), pair{"extra_vars", launch.Mask(workflow.Str("extra_vars"))})
	return about{"approval_status": string(d), "approval_node_name": approval.Str("name"), "workflow_url": url, "job_metadata": ordered(pairs)}, nil
}

// siteURL is the address that people reach this installation at.
func siteURL(tx *store.Tx) (string, error) {
	text, out := "", ""
	if err := tx.Value(&text, "SELECT value FROM setting WHERE name = 'TOWER_URL_BASE'"); err != nil {
		return "", err
	}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &out); err != nil {
			return "", err
		}
	}
	if out == "" {
		out = "https://towerhost"
	}
	return strings.TrimRight(out, "/"), nil
}

func plain(v any) any {
	if raw, is := v.(json.RawMessage); is {
		x, err := value.ParseJSON(string(raw))
		if err != nil {
			return nil
		}
		return x
	}
	return v
}

// pair is an entry of an object whose entries have an order.
type pair struct {
	key   string
	value any
}

func ordered(pairs []pair) string {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(domain.Encode(p.key))
		b.WriteByte(':')
		b.Write(domain.Encode(p.value))
	}
	b.WriteByte('}')
	var out bytes.Buffer
	if err := json.Indent(&out, b.Bytes(), "", "    "); err != nil {
		panic(err) // our own JSON
	}
	return out.String()
}

// moment is a time in the form that these messages have.
func moment(rec domain.Record, field string) any {
	if !rec.Has(field) {
		return nil
	}
	return rec.Time(field).Format("2006-01-02T15:04:05.000000+00:00")
}

func common(job domain.Record, status, url, by string) []pair {
	return []pair{{"id", job.ID()}, {"name", job.Str("name")}, {"url", url}, {"created_by", by}, {"started", moment(job, "started")}, {"finished", moment(job, "finished")}, {"status", status}, {"traceback", job.Str("result_traceback")}}
}

// metadataOf is what is known of a job, as other programs read it.
func metadataOf(tx *store.Tx, job domain.Record, status, url string, summary map[string]any) (string, error) {
	name := func(field string) any {
		s, _ := summary[field].(map[string]any)
		return s["name"]
	}
	by, _ := summary["created_by"].(map[string]any)
	user, _ := by["username"].(string)
	pairs := common(job, status, url, user)
	switch job.Type() {
	case "job":
		hosts := map[string]any{}
		rows, err := tx.List(domain.Of("job_host_summary"), store.Is("job", job.ID()), store.Page{Limit: maxHosts})
		if err != nil {
			return "", err
		}
		for _, s := range rows {
			one := map[string]any{}
			for _, f := range []string{"failed", "changed", "dark", "failures", "ok", "processed", "skipped", "rescued", "ignored"} {
				one[f] = s[f]
			}
			hosts[s.Str("host_name")] = one
		}
		machine, err := machineCredential(tx, job.ID())
		if err != nil {
			return "", err
		}
		pairs = append(pairs, pair{"inventory", name("inventory")}, pair{"project", name("project")}, pair{"playbook", job.Str("playbook")}, pair{"credential", machine}, pair{"limit", job.Str("limit")},
			pair{"extra_vars", launch.Mask(job.Str("extra_vars"))}, pair{"hosts", hosts})
	case "workflow_job":
		lines := []string{"Workflow job summary:", ""}
		nodes, err := tx.List(domain.Of("workflow_job_node"), store.Is("workflow_job", job.ID()), store.Page{Limit: maxHosts})
		if err != nil {
			return "", err
		}
		for _, n := range nodes {
			line := "no job."
			if id := n.Int("job"); id != 0 {
				kind, err := tx.TypeOf("unified_job", id)
				if err != nil {
					continue
				}
				of, err := tx.Get(kind, id)
				if err != nil {
					return "", err
				}
				line = fmt.Sprintf("job #%d, %q, which finished with status %s.", id, of.Str("name"), of.Str("status"))
			}
			lines = append(lines, fmt.Sprintf("- node #%d spawns %s", n.ID(), line))
		}
		pairs = append(pairs, pair{"body", strings.Join(lines, "\n")}, pair{"inventory", name("inventory")}, pair{"limit", job["limit"]}, pair{"extra_vars", launch.Mask(job.Str("extra_vars"))})
	}
	return ordered(pairs), nil
}

// maxHosts is how many hosts or nodes a message tells of.
const maxHosts = 1000

func machineCredential(tx *store.Tx, job int64) (any, error) {
	ids, err := tx.Linked("unified_job.credentials", job)
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	for _, id := range ids {
		c, err := tx.Get("credential", id)
		if err != nil {
			return nil, err
		}
		kind, err := tx.Get("credential_type", c.Int("credential_type"))
		if err == nil && kind.Str("namespace") == "ssh" {
			return c.Str("name"), nil
		}
	}
	return nil, nil
}
