package corpus

import (
	"github.com/troupe-automation/troupe/internal/content/inventory"
	"github.com/troupe-automation/troupe/value"
)

// Password opens what the fixtures and cases have encrypted.
const Password = "corpus"

// Inventory makes the inventory of a case from its variable `groups`.
func Inventory(vars *value.Dict) *inventory.Inventory {
	inv := inventory.New()
	g, _ := vars.GetStr("groups")
	groups, ok := g.(*value.Dict)
	if !ok {
		return inv
	}
	for k, v := range groups.All() {
		name, _ := value.AsString(k)
		if name == "all" || name == "ungrouped" {
			continue
		}
		inv.AddGroup(name)
		for _, h := range v.(*value.List).Elems {
			host, _ := value.AsString(h)
			_, _ = inv.AddHost(host, name, 0)
		}
	}
	_ = inv.Reconcile()
	return inv
}

// Matcher evaluates host patterns against the inventory of a case.
func Matcher(vars *value.Dict) func(patterns []string) ([]string, error) {
	inv := Inventory(vars)
	return func(patterns []string) ([]string, error) {
		hosts, err := inv.Match(inventory.Query{Patterns: patterns})
		var out []string
		for _, h := range hosts {
			out = append(out, h.Name)
		}
		return out, err
	}
}
