package module_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"github.com/troupe-automation/troupe/module"
)

// recorded is one line of testdata/argspec.jsonl: an argument_spec, parameters, and what ansible-core 2.18 made of them.
type recorded struct {
	Name      string
	Module    string
	Spec      json.RawMessage
	Rules     rulesJSON
	Args      map[string]any
	File      bool
	Supports  *bool
	Checkmode bool
	Want      map[string]any
}

type rulesJSON struct {
	MutuallyExclusive [][]string          `json:"mutually_exclusive"`
	RequiredTogether  [][]string          `json:"required_together"`
	RequiredOneOf     [][]string          `json:"required_one_of"`
	RequiredIf        [][]any             `json:"required_if"`
	RequiredBy        map[string][]string `json:"required_by"`
}

func (r rulesJSON) rules() module.Rules {
	out := module.Rules{MutuallyExclusive: r.MutuallyExclusive, RequiredTogether: r.RequiredTogether, RequiredOneOf: r.RequiredOneOf, RequiredBy: r.RequiredBy}
	for _, q := range r.RequiredIf {
		ri := module.RequiredIf{Key: q[0].(string), Value: q[1]}
		for _, n := range q[2].([]any) {
			ri.Needs = append(ri.Needs, n.(string))
		}
		ri.OneOf = len(q) > 3 && q[3].(bool)
		out.RequiredIf = append(out.RequiredIf, ri)
	}
	return out
}

type optionJSON struct {
	Type, Elements string
	Required       bool
	Default        any
	Choices        []any
	Aliases        []string
	NoLog          bool `json:"no_log"`
	Options        json.RawMessage
	ApplyDefaults  bool `json:"apply_defaults"`
	Deprecated     []struct {
		Name, Version string
		Collection    string `json:"collection_name"`
	} `json:"deprecated_aliases"`
	rulesJSON
}

// options reads an argument_spec in the order it is written in.
func options(t *testing.T, raw json.RawMessage) []module.Option {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	var out []module.Option
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		var j optionJSON
		if err := dec.Decode(&j); err != nil {
			t.Fatal(err)
		}
		o := module.Option{
			Name: key.(string), Type: module.Type(j.Type), Elements: module.Type(j.Elements), Required: j.Required, Default: ints(j.Default),
			Choices: ints(j.Choices).([]any), Aliases: j.Aliases, NoLog: j.NoLog, Rules: j.rules(), ApplyDefaults: j.ApplyDefaults,
		}
		for _, d := range j.Deprecated {
			o.DeprecatedAliases = append(o.DeprecatedAliases, module.DeprecatedAlias{Name: d.Name, Version: d.Version, Collection: d.Collection})
		}
		if j.Options != nil {
			o.Options = options(t, j.Options)
		}
		out = append(out, o)
	}
	return out
}

// ints makes int64 of whole float64s.
func ints(v any) any {
	switch x := v.(type) {
	case float64:
		if x == float64(int64(x)) {
			return int64(x)
		}
	case []any:
		for i := range x {
			x[i] = ints(x[i])
		}
		if x == nil {
			return []any{}
		}
		return x
	}
	return v
}

func TestExecuteChecksAsAnsibleDoes(t *testing.T) {
	f, err := os.Open("testdata/argspec.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	t.Setenv("HOME", "/root")
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	n := 0
	for lines.Scan() {
		dec := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		dec.UseNumber()
		var c recorded
		if err := dec.Decode(&c); err != nil {
			t.Fatal(err)
		}
		n++
		t.Run(c.Name, func(t *testing.T) {
			if c.Module == "" {
				c.Module = "demo"
			}
			m := &module.Module{
				Name: "ansible.builtin." + c.Module,
				Spec: module.Spec{Options: options(t, c.Spec), Rules: c.Rules.rules(), FileArgs: c.File, CheckMode: c.Supports == nil || *c.Supports},
				Run: func(context.Context, *module.Call) (module.Result, error) {
					return module.Result{"ran": true}, nil
				},
			}
			got := module.Execute(t.Context(), m, c.Args, module.Options{Name: "ansible.legacy." + c.Module, Check: c.Checkmode})
			if c.Want["failed"] == true { // the parameters of a failed check are shown half converted, which nobody relies on
				delete(got, "invocation")
				delete(c.Want, "invocation")
			}
			if g, w := canon(t, got), canon(t, c.Want); !reflect.DeepEqual(g, w) {
				t.Errorf("got  %s\nwant %s", g, w)
			}
		})
	}
	if n < 300 {
		t.Fatalf("only %d cases read", n)
	}
}

func canon(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPanicFailsTheTask(t *testing.T) {
	m := &module.Module{Name: "x.y.z", Run: func(context.Context, *module.Call) (module.Result, error) { panic("boom") }}
	got := module.Execute(t.Context(), m, nil, module.Options{})
	if got["failed"] != true || got["msg"] != "the module x.y.z crashed: boom" {
		t.Errorf("got %v", got)
	}
}

func TestRegistryLookup(t *testing.T) {
	a, b := &module.Module{Name: "ansible.builtin.stat"}, &module.Module{Name: "ansible.posix.mount", Aliases: []string{"posix.old.mount"}}
	r := module.NewRegistry([]*module.Module{a, b})
	for name, want := range map[string]*module.Module{
		"stat": a, "ansible.builtin.stat": a, "ansible.legacy.stat": a, "mount": nil, "ansible.posix.mount": b, "posix.old.mount": b, "a.b.stat": nil,
	} {
		if got := r.Lookup(name); got != want {
			t.Errorf("Lookup(%q) = %v", name, got)
		}
	}
}
