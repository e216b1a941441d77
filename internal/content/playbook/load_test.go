package playbook_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/value"
)

// actions knows the modules that the cases use.
type actions struct{}

var builtins = strings.Fields("debug copy shell command raw script set_fact add_host meta fail validate_argument_spec ping group_by include_vars assert")

func (actions) ResolveAction(name string, _ []string) (*collection.Resolved, error) {
	short := playbook.Short(name)
	if name == "include" {
		return &collection.Resolved{FQCN: "ansible.builtin.include", Name: "include"}, nil
	}
	for _, b := range builtins {
		if b == short {
			return &collection.Resolved{FQCN: "ansible.builtin." + b, Collection: "ansible.builtin", Name: b}, nil
		}
	}
	return nil, nil
}
func (actions) ActionNames() []string { return builtins }
func (actions) HasLookup(name string) bool {
	return name == "items" || name == "dict" || name == "file"
}

// renderer replaces whole {{ names }}.
type renderer struct{}

func (renderer) Render(text string, vars *value.Dict) (value.Value, error) {
	for {
		before, rest, ok := strings.Cut(text, "{{")
		if !ok {
			return value.Str(text), nil
		}
		name, after, _ := strings.Cut(rest, "}}")
		v, ok := vars.GetStr(strings.TrimSpace(name))
		if !ok {
			return nil, errors.New("'" + strings.TrimSpace(name) + "' is undefined")
		}
		s, _ := value.ToStr(v)
		text = before + s + after
	}
}

func plain(v value.Value) any {
	switch v := v.(type) {
	case nil, value.NoneType:
		return nil
	case value.Bool:
		return bool(v)
	case value.Int:
		return float64(v)
	case value.Float:
		return float64(v)
	case *value.List:
		return plainList(v.Elems)
	case *value.Dict:
		out := map[string]any{}
		for k, e := range v.All() {
			s, _ := value.ToStr(k)
			out[s] = plain(e)
		}
		return out
	case *value.Template:
		return v.Text
	}
	s, _ := value.ToStr(v)
	return s
}

func plainList(list []value.Value) []any {
	out := []any{}
	for _, e := range list {
		out = append(out, plain(e))
	}
	return out
}

func taskOf(t *playbook.Task) map[string]any {
	vars := value.NewDict()
	for _, l := range t.VarLayers() {
		for k, v := range l.Vars.All() {
			_ = vars.Set(k, v)
		}
	}
	tags, _ := t.EffectiveTags(nil)
	all := map[string]bool{}
	for _, tag := range t.Extended("tags") {
		all[func() string { s, _ := value.ToStr(tag); return s }()] = true
	}
	_ = tags
	list := []any{}
	for _, s := range sortedKeys(all) {
		list = append(list, s)
	}
	role := any(nil)
	if t.Role != nil {
		role = t.Role.GetName()
	}
	m := map[string]any{
		"action": t.ActionAsWritten, "args": plain(t.Args), "when": plainList(t.Extended("when")), "tags": list, "vars": plain(vars),
		"loop": plain(t.Loop), "loop_with": t.LoopWith, "register": t.Register, "role": role,
		"environment": plainList(t.Extended("environment")), "changed_when": plainList(t.ChangedWhen), "failed_when": plainList(t.FailedWhen), "until": plainList(t.Until),
	}
	if t.Name != "" {
		m["name"] = t.Name
	}
	for _, k := range []string{"become", "become_user", "remote_user", "port", "delegate_to"} {
		if v := plain(t.Inherited(k)); v != nil && v != false {
			m[k] = v
		}
	}
	if t.IsHandler {
		m["listen"] = t.Listen
	}
	return m
}

func sortedKeys(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func blockOf(b *playbook.Block) map[string]any {
	section := func(items []playbook.Item) []any {
		out := []any{}
		for _, i := range items {
			switch i := i.(type) {
			case *playbook.Block:
				out = append(out, blockOf(i))
			case *playbook.Task:
				out = append(out, taskOf(i))
			}
		}
		return out
	}
	m := map[string]any{"block": section(b.Tasks)}
	if len(b.Rescue) > 0 {
		m["rescue"] = section(b.Rescue)
	}
	if len(b.Always) > 0 {
		m["always"] = section(b.Always)
	}
	if b.Name != "" {
		m["name"] = b.Name
	}
	return m
}

// normal brings a recorded or own tree into one shape: empty values out, tags without repetitions, Python's spelling of names.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			switch k {
			case "getname", "resolved", "include", "path", "type", "retries", "delay", "async_val", "poll", "loop_var", "connection", "notify", "become_method", "module_defaults", "delegate_facts", "ignore_errors", "no_log", "listen", "any_errors_fatal":
				continue
			}
			e = normal(e)
			switch x := e.(type) {
			case nil:
				continue
			case []any:
				if len(x) == 0 && k != "block" {
					continue
				}
				if k == "tags" {
					seen := map[string]bool{}
					for _, s := range x {
						seen[s.(string)] = true
					}
					e = sortedKeys(seen)
				}
			case map[string]any:
				if len(x) == 0 && k != "provided_arguments" {
					continue
				}
			case string:
				if k == "until" {
					e = []any{x}
				}
				if x == "" && k != "msg" {
					continue
				}
			case float64:
				if k == "name" {
					e = json.Number(strings.TrimSuffix(strings.TrimSuffix(jsonText(x), ".0"), ".0")).String()
				}
			}
			out[k] = e
		}
		return out
	case []any:
		out := []any{}
		for _, e := range v {
			out = append(out, normal(e))
		}
		return out
	}
	return v
}

// sortedModules sorts the list of free-form modules, which Ansible prints in the order of a set.
func sortedModules(text string) string {
	before, rest, ok := strings.Cut(text, "following modules: ")
	if !ok {
		return text
	}
	list, after, _ := strings.Cut(rest, "\n")
	names := strings.Split(list, ", ")
	sort.Strings(names)
	return before + strings.Join(names, ", ") + after
}

func jsonText(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// playbooks.json holds what ansible-core 2.18 makes of each playbook: its error, or its compiled plays. DIR is the directory.
func TestLoadPlaybook(t *testing.T) {
	data, err := os.ReadFile("testdata/playbooks.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name  string
		Files map[string]string
		Extra map[string]string
		Want  struct {
			Error    string
			Type     string
			Plays    []any
			Warnings []string
		}
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if strings.Contains(c.Want.Error, "EXC ") || c.Name == "library module" || c.Name == "play no hosts" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range c.Files {
				p := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			extra := value.NewDict()
			for k, v := range c.Extra {
				extra.SetStr(k, value.Str(v))
			}
			l := &playbook.Loader{
				Actions: actions{}, Renderer: renderer{}, ExtraVars: extra, Collections: &collection.Finder{},
				RolesPath: []string{"/root/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles"},
			}
			pb, err := l.LoadPlaybook(filepath.Join(dir, "p.yml"))
			if c.Want.Error != "" {
				d, ok := diag.As(err)
				if !ok {
					t.Fatalf("got %v, want error\n%s", err, c.Want.Error)
				}
				if got := strings.ReplaceAll(d.Classic, dir, "DIR"); sortedModules(got) != sortedModules(c.Want.Error) {
					t.Errorf("error:\n got %s\nwant %s", got, c.Want.Error)
				}
				wantExit := diag.ExitError
				if c.Want.Type == "AnsibleParserError" {
					wantExit = diag.ExitParse
				}
				if d.Exit != wantExit {
					t.Errorf("exit %d, want %d", d.Exit, wantExit)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(pb.Plays) != len(c.Want.Plays) {
				t.Fatalf("%d plays, want %d", len(pb.Plays), len(c.Want.Plays))
			}
			for i, p := range pb.Plays {
				want := c.Want.Plays[i].(map[string]any)
				blocks := []any{}
				for _, b := range p.Compile() {
					blocks = append(blocks, blockOf(b))
				}
				handlers := []any{}
				for _, b := range p.Handlers {
					handlers = append(handlers, blockOf(b))
				}
				for what, pair := range map[string][2]any{"blocks": {blocks, want["blocks"]}, "handlers": {handlers, want["handlers"]}, "vars": {plain(p.Vars), want["vars"]}, "name": {p.GetName(), want["name"]}} {
					got := strings.ReplaceAll(jsonText(normal(pair[0])), dir, "DIR")
					if w := jsonText(normal(pair[1])); got != w {
						t.Errorf("%s:\n got %s\nwant %s", what, got, w)
					}
				}
			}
		})
	}
}
