package module_test

import (
	"testing"

	"github.com/troupe-automation/troupe/module"
)

// TestUnknownOptions: a module of a collection hands calls with options of a later release on, ansible.builtin refuses them.
func TestUnknownOptions(t *testing.T) {
	for name, handsOn := range map[string]bool{"ansible.builtin.x": false, "community.general.x": true} {
		m := &module.Module{Name: name, Spec: module.Spec{Options: []module.Option{{Name: "a", Type: module.TypeInt}}}}
		r := module.Execute(t.Context(), m, map[string]any{"b": 1}, module.Options{})
		if got := r[module.NotNativeKey] == true; got != handsOn || r["failed"] != true {
			t.Errorf("%s with an unknown option: %v", name, r)
		}
		if r := module.Execute(t.Context(), m, map[string]any{"a": "x"}, module.Options{}); r[module.NotNativeKey] != nil || r["failed"] != true {
			t.Errorf("%s with a wrong value: %v", name, r)
		}
	}
}
