package inventory_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/content/inventory"
	"github.com/troupe-automation/troupe/value"
)

// hosts.toml.json is what ansible-inventory --list of ansible-core 2.18 prints for hosts.toml with the toml plugin alone.
func TestTOML(t *testing.T) {
	file, err := filepath.Abs("testdata/hosts.toml")
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Load(t.Context(), []string{file}, inventory.Options{Plugins: []string{"toml"}})
	if err != nil {
		t.Fatal(err)
	}
	merged := func(h *inventory.Host) (*value.Dict, error) {
		d := value.NewDict()
		for _, g := range h.Groups() {
			for k, v := range g.Vars.All() {
				_ = d.Set(k, v)
			}
		}
		for k, v := range h.Vars.All() {
			_ = d.Set(k, v)
		}
		return d, nil
	}
	o := inventory.Output{Inventory: inv, Hosts: inv.Group("all").AllHosts(), HostVars: merged, GroupVars: func(g *inventory.Group) (*value.Dict, error) { return g.Vars, nil }}
	d, err := o.List()
	if err != nil {
		t.Fatal(err)
	}
	got, err := value.JSON(d, value.JSONOptions{Pretty: true, Indent: "    ", SortKeys: true})
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/hosts.toml.json")
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(got) != strings.TrimSpace(string(want)) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	warned := strings.Join(inv.Warnings, "\n")
	if !strings.Contains(warned, `Skipping unexpected key "bogus" in group "ungrouped"`) {
		t.Errorf("no word about a wrong key: %s", warned)
	}
}
