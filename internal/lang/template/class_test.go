package template

import (
	"testing"

	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// kinds are variables with the kinds of their texts.
type kinds struct {
	d    *value.Dict
	kind map[string]TextKind
}

func (k *kinds) Lookup(name string) (value.Value, bool, bool) {
	v, ok := k.d.GetStr(name)
	return v, k.kind[name] == UnsafeText, ok
}

func (k *kinds) Names() []string               { return nil }
func (k *kinds) TextKind(name string) TextKind { return k.kind[name] }

// The expectations are what ansible-core 2.18 printed for a play with such variables.
func TestClassNames(t *testing.T) {
	content := func(s string) value.Value { return value.NewTemplate(s, source.Pos{}) }
	vars := &kinds{value.DictOf(
		"pv", value.Str("text"), "pd", value.DictOf("k", value.Str("v"), "l", value.Strs([]string{"x", "y"}), "t", content("{{ pv }}x")),
		"pt", content("{{ pv }}"), "pt2", content("{{ pv }}-x"), "pt3", content("{{ pd }}"), "pun", value.Str("{{ no }}"),
		"r", value.DictOf("stdout", value.Str("hi"), "stdout_lines", value.Strs([]string{"hi"}), "rc", value.Int(0)), "ek", value.Str("val"),
	), map[string]TextKind{"r": UnsafeText, "ek": PlainText}}
	for text, want := range map[string]string{
		"{{ pv | type_debug }}":                         "AnsibleUnicode",
		"{{ pd.k | type_debug }}":                       "AnsibleUnicode",
		"{{ pd['l'][0] | type_debug }}":                 "AnsibleUnicode",
		"{{ pd.t | type_debug }}":                       "str",
		"{{ pd.l | type_debug }}":                       "list",
		"{{ pt | type_debug }}":                         "AnsibleUnicode",
		"{{ pt2 | type_debug }}":                        "str",
		"{{ pt3.k | type_debug }}":                      "str",
		"{{ pun | type_debug }}":                        "AnsibleUnsafeText",
		"{{ 'x' | type_debug }}":                        "str",
		"{{ (pv ~ 'x') | type_debug }}":                 "str",
		"{{ r.stdout | type_debug }}":                   "AnsibleUnsafeText",
		"{{ r.stdout_lines[0] | type_debug }}":          "AnsibleUnsafeText",
		"{{ r.stdout_lines | type_debug }}":             "list",
		"{{ r.rc | type_debug }}":                       "int",
		"{{ ek | type_debug }}":                         "str",
		"{{ pv | upper | type_debug }}":                 "str",
		"{{ pv | string | type_debug }}":                "NativeJinjaText",
		"{{ r.stdout | upper | type_debug }}":           "AnsibleUnsafeText",
		"{{ r.stdout.strip() | type_debug }}":           "AnsibleUnsafeText",
		"{{ r.stdout[0] | type_debug }}":                "AnsibleUnsafeText",
		"{{ pv[0] | type_debug }}":                      "str",
		"{{ pv | default('x') | type_debug }}":          "AnsibleUnicode",
		"{{ nope | default(pv) | type_debug }}":         "AnsibleUnicode",
		"{{ pd.l | first | type_debug }}":               "AnsibleUnicode",
		"{{ pd.l | join(',') | type_debug }}":           "str",
		"{{ r.stdout.split('x')[0] | type_debug }}":     "AnsibleUnsafeText",
		"{{ [pv, pt2, ek] | map('type_debug') | list}}": "['AnsibleUnicode', 'str', 'str']",
	} {
		t.Run(text, func(t *testing.T) {
			e := New(Options{})
			v, err := e.New(vars).RenderText(text, source.Pos{})
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := value.ToStr(v); got != want {
				t.Errorf("%s, Ansible says %s", got, want)
			}
		})
	}
	for text, want := range map[string]string{
		"{{ pv.nope }}":             "'ansible.parsing.yaml.objects.AnsibleUnicode object' has no attribute 'nope'",
		"{{ r.stdout.nope }}":       "'ansible.utils.unsafe_proxy.AnsibleUnsafeText object' has no attribute 'nope'",
		"{{ ek.nope }}":             "'str object' has no attribute 'nope'",
		"{{ pd.nope }}":             "'dict object' has no attribute 'nope'",
		"{{ r.stdout_lines.nope }}": "'list object' has no attribute 'nope'",
		"{{ pv | dict2items }}": "Unexpected templating type error occurred on ({{ pv | dict2items }}): dict2items requires a dictionary, got <class 'ansible.parsing.yaml.objects.AnsibleUnicode'> instead.. " +
			"dict2items requires a dictionary, got <class 'ansible.parsing.yaml.objects.AnsibleUnicode'> instead.",
		"{{ pv + 1 }}":         `Unexpected templating type error occurred on ({{ pv + 1 }}): can only concatenate str (not "int") to str. can only concatenate str (not "int") to str`,
		"{{ r.stdout | abs }}": "Unexpected templating type error occurred on ({{ r.stdout | abs }}): bad operand type for abs(): 'AnsibleUnsafeText'. bad operand type for abs(): 'AnsibleUnsafeText'",
		"{{ [1] + r.stdout }}": `Unexpected templating type error occurred on ({{ [1] + r.stdout }}): can only concatenate list (not "AnsibleUnsafeText") to list. can only concatenate list (not "AnsibleUnsafeText") to list`,
		"{{ r.stdout < 1 }}":   "Unexpected templating type error occurred on ({{ r.stdout < 1 }}): '<' not supported between instances of 'AnsibleUnsafeText' and 'int'. '<' not supported between instances of 'AnsibleUnsafeText' and 'int'",
		"{{ pv() }}":           "Unexpected templating type error occurred on ({{ pv() }}): 'AnsibleUnicode' object is not callable. 'AnsibleUnicode' object is not callable",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := New(Options{}).New(vars).RenderText(text, source.Pos{})
			if err == nil || err.Error() != want {
				t.Errorf("%v, Ansible says %s", err, want)
			}
		})
	}
}
