package collection_test

import (
	"slices"
	"testing"

	"github.com/troupe-automation/troupe/internal/content/collection"
)

func TestActionGroup(t *testing.T) {
	f := &collection.Finder{Paths: []string{tree(t, map[string]string{"ns/col/meta/runtime.yml": `action_groups:
  one: [a, other.col.b, {metadata: {extend_group: [two, gone.col.group]}}]
  ns.col.two: [c, {metadata: {extend_group: one}}]
  format: [{metadata: {}, more: 1}]
  twice: [{metadata: {}}, {metadata: {extend_group: two}}]
  type: [{metadata: [one]}]
  options: [{metadata: {extend_group: {name: one}, more: 1}}]
`})}}
	for _, c := range []struct {
		name, full string
		members    []string
		problem    string
	}{
		{"ns.col.one", "ns.col.one", []string{"ns.col.a", "other.col.b", "ns.col.c"}, ""},
		{"ns.col.two", "ns.col.two", []string{"ns.col.c", "ns.col.a", "other.col.b"}, ""},
		{"ns.col.twice", "ns.col.twice", []string{"ns.col.c", "ns.col.a", "other.col.b"}, "The group contains multiple metadata entries."},
		{"ns.col.format", "ns.col.format", nil, "The only expected key is metadata, but got keys: metadata, more"},
		{"ns.col.type", "ns.col.type", nil, "The metadata is not a dictionary. Got ['one']"},
		{"ns.col.options", "ns.col.options", nil, "The metadata contains unexpected keys: more The metadata contains unexpected key types: extend_group is {'name': 'one'} (expected type list)"},
		{"aws", "ansible.builtin.aws", nil, ""}, // extends collections that are not there
	} {
		g, ok := f.ActionGroup(c.name)
		var problem string
		if len(g.Problems) > 0 {
			problem = g.Problems[0]
		}
		if !ok || g.Name != c.full || !slices.Equal(g.Members, c.members) || problem != c.problem {
			t.Errorf("ActionGroup(%s) = %+v, %v, want %s with %v and %q", c.name, g, ok, c.full, c.members, c.problem)
		}
	}
	for _, name := range []string{"nonesuch", "ns.col.nonesuch", "gone.col.group"} {
		if g, ok := f.ActionGroup(name); ok {
			t.Errorf("ActionGroup(%s) = %+v", name, g)
		}
	}
}
