package inventory_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/content/inventory"
	"github.com/troupe-automation/troupe/internal/lang/yamlout"
	"github.com/troupe-automation/troupe/value"
)

// outputs.txt holds what ansible-inventory of ansible-core 2.18 prints for outputs.ini.
func TestOutput(t *testing.T) {
	file, err := filepath.Abs("testdata/outputs.ini")
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Load(context.Background(), []string{file}, inventory.Options{Plugins: []string{"ini"}})
	if err != nil {
		t.Fatal(err)
	}
	own := func(h *inventory.Host) (*value.Dict, error) { return h.Vars, nil }
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
	data, err := os.ReadFile("testdata/outputs.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(data), "## ")[1:] {
		args, want, _ := strings.Cut(part, "\n")
		t.Run(args, func(t *testing.T) {
			hosts := inv.Group("all").AllHosts()
			if strings.Contains(args, "--limit h2") {
				hosts = []*inventory.Host{inv.Host("h2")}
			}
			o := inventory.Output{
				Inventory: inv, Hosts: hosts, HostVars: merged, Export: strings.Contains(args, "--export"),
				GroupVars: func(g *inventory.Group) (*value.Dict, error) { return g.Vars, nil },
			}
			if o.Export {
				o.HostVars = own
			}
			got := ""
			var d *value.Dict
			var err error
			switch {
			case strings.Contains(args, "--graph"):
				group := inv.Group("all")
				if strings.HasSuffix(args, "web") {
					group = inv.Group("web")
				}
				got, err = o.Graph(group, strings.Contains(args, "--vars"))
				got += "\n"
			case strings.Contains(args, "--host"):
				d, err = o.Host(inv.Host("h2"))
			case strings.Contains(args, "--yaml"):
				d, err = o.Tree()
			default:
				d, err = o.List()
			}
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case d != nil && strings.Contains(args, "--yaml"):
				got, err = yamlout.Dump(d, yamlout.Options{FlowStyle: yamlout.Block, Unicode: true})
			case d != nil:
				got, err = value.JSON(d, value.JSONOptions{Pretty: true, Indent: "    ", SortKeys: true})
				got += "\n"
			}
			if err != nil {
				t.Fatal(err)
			}
			if strings.TrimSpace(got) != strings.TrimSpace(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}
