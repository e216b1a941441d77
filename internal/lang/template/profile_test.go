package template_test

import (
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

type variables map[string]value.Value

func (v variables) Lookup(name string) (value.Value, bool, bool) {
	x, ok := v[name]
	return x, false, ok
}

func (v variables) Names() []string { return nil }

func content(text string) value.Value { return template.Content(value.Str(text), source.Pos{}) }

func core219(broken bool) *template.Templar {
	e := template.New(template.Options{Profile: template.Core219})
	e.BrokenConditions = broken
	return e.New(variables{
		"inventory_hostname": value.Str("localhost"), "value": value.Int(1), "comparison": value.Str("=="), "cond": value.Str("1 == 1"),
		"nothing": value.None, "half": value.DictOf("ok", content("{{ value }}"), "bad", content("{{ nope }}")),
	})
}

// TestCore219 checks results of templates by the rules that the porting guide of ansible-core 2.19 gives, with its examples.
func TestCore219(t *testing.T) {
	for text, want := range map[string]string{
		"{{ ['test1', 'test2'] | replace('test', 'prod') }}":        `"['prod1', 'prod2']"`,
		"{{ ['test1', 'test2'] | map('replace', 'test', 'prod') }}": "['prod1', 'prod2']",
		"{{ '[1, 2]' }}": "'[1, 2]'",
		"{{ 1 }}":        "1", "{{ [1, '2'] }}": "[1, '2']", "{{ none }}": "None", "{{ 1 }}{{ none }}2": "'12'", "{{ '1' }}": "'1'", "{{ true }}": "True",
		"{{ value }}":                   "1",
		"{{ value }}{{ value }}":        "'11'",
		"{{ nothing }}":                 "None",
		"a{{ nothing }}b":               "'ab'",
		"{{ [1, omit, [omit]] }}":       "[1, []]",
		"{{ half.ok }}":                 "1",
		"{{ half.bad is defined }}":     "False",
		"{{ half.bad | default('d') }}": "'d'",
		"{{ half }}":                    "error: 'nope' is undefined",
	} {
		tpl := core219(false)
		v, err := tpl.Render(content(text))
		if err != nil {
			if msg, ok := strings.CutPrefix(want, "error: "); !ok || !strings.Contains(err.Error(), msg) {
				t.Errorf("%s: %v, want %s", text, err, want)
			}
			continue
		}
		if got, err := value.Repr(tpl.Engine.StripOmit(v)); err != nil || got != want {
			t.Errorf("%s gives %s, %v, want %s", text, got, err, want)
		}
	}
}

// TestConditions219 checks conditions and their errors, most from the porting guide.
func TestConditions219(t *testing.T) {
	const must = " Conditionals must have a boolean result."
	for _, c := range []struct {
		cond   value.Value
		want   bool
		err    string
		broken bool // what it is when broken conditions are allowed
	}{
		{cond: content("value == 1"), want: true},
		{cond: value.Str("value == 1"), want: true},
		{cond: value.False},
		{cond: content("{{ value == 1 }}"), want: true},
		{cond: content("{{ cond }}"), want: true},
		{cond: value.Str("inventory_hostname"), err: "Conditional result was 'localhost' of type 'str', which evaluates to True." + must, broken: true},
		{cond: value.Str("inventory_hostname is defined and 'inventory_hostname | length > 0'"), err: "Conditional result was 'inventory_hostname | length > 0' of type 'str', which evaluates to True." + must, broken: true},
		{cond: value.Str("1 == 2,"), err: "Syntax error in expression: chunk after expression"},
		{cond: value.Str(`inventory_hostname is contains "local" ~ "host"`), err: "Conditional result was 'Truehost' of type 'str', which evaluates to True." + must, broken: true},
		{cond: value.DictOf("a", value.Str("b")), err: "Conditional expressions must be strings.", broken: true},
		{cond: content("1 + {{ value }} == 2"), err: "Syntax error in expression. Template delimiters are not supported in expressions: expected token ':', got '}'"},
		{cond: content("inventory_hostname {{ comparison }} 'localhost'"), err: "Syntax error in expression. Template delimiters are not supported in expressions: chunk after expression"},
		{cond: value.Str("nope"), err: "Error while evaluating conditional: 'nope' is undefined"},
		{cond: value.Str("[]"), err: "Conditional result was [] of type 'list', which evaluates to False." + must},
		{cond: value.Str(""), err: "Empty conditional expressions are not allowed.", broken: true},
	} {
		got, err := core219(false).Condition(c.cond)
		if err == nil && (got != c.want || c.err != "") || err != nil && err.Error() != c.err {
			t.Errorf("%v gives %v, %v, want %v, %s", c.cond, got, err, c.want, c.err)
		}
		if c.err != "" && !strings.Contains(c.err, "Syntax") && !strings.Contains(c.err, "undefined") {
			if got, err := core219(true).Condition(c.cond); err != nil || got != c.broken {
				t.Errorf("%v allowed gives %v, %v, want %v", c.cond, got, err, c.broken)
			}
		}
	}
}
