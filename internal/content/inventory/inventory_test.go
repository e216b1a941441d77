package inventory_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/internal/content/inventory"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/value"
)

// plain turns a value into what encoding/json would give for it.
func plain(v value.Value) any {
	switch v := v.(type) {
	case value.NoneType:
		return nil
	case value.Bool:
		return bool(v)
	case value.Int:
		return json.Number(fmt.Sprint(int64(v)))
	case *value.BigInt:
		return json.Number(v.Num.String())
	case value.Float:
		return json.Number(big.NewFloat(float64(v)).Text('f', 1))
	case *value.List:
		out := []any{}
		for _, e := range v.Elems {
			out = append(out, plain(e))
		}
		return out
	case *value.Tuple:
		return plain(&value.List{Elems: v.Elems})
	case *value.Dict:
		out := map[string]any{}
		for k, e := range v.All() {
			s, _ := value.ToStr(k)
			out[s] = plain(e)
		}
		return out
	}
	s, _ := value.AsString(v)
	return s
}

type wantGroup struct {
	Name            string
	Vars            map[string]any
	Hosts, Children []string
	Depth, Priority int
}

type wantHost struct {
	Name   string
	Vars   map[string]any
	Groups []string
	Dir    *string
	File   *string
}

// Scripts of very many hosts with their variables in _meta: twice the hosts take about twice as long, not four times.
func TestScriptOfManyHosts(t *testing.T) {
	script := func(hosts int) time.Duration {
		var meta, all strings.Builder
		for i := range hosts {
			fmt.Fprintf(&meta, ",\"h%d\":{\"x\":%d}", i, i)
			fmt.Fprintf(&all, ",\"h%d\"", i)
		}
		file := filepath.Join(t.TempDir(), "hosts.sh")
		text := "#!/bin/sh\ncat <<END\n{\"_meta\":{\"hostvars\":{" + meta.String()[1:] + "}},\"all\":{\"hosts\":[" + all.String()[1:] + "]}}\nEND\n"
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		best := time.Hour
		for range 3 {
			begin := time.Now()
			inv, err := inventory.Load(t.Context(), []string{file}, inventory.Options{})
			if best = min(best, time.Since(begin)); err != nil || len(inv.Hosts()) != hosts || inv.Host(fmt.Sprintf("h%d", hosts-1)).Vars.Len() != 1 {
				t.Fatal(err, len(inv.Hosts()))
			}
		}
		return best
	}
	if few, many := script(2500), script(40000); many > 80*few { // 16 times the hosts; a walk for each takes 256 times as long
		t.Errorf("2,500 hosts take %v, 40,000 %v", few, many)
	}
}

func asJSON(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// inventories.json holds what ansible-core 2.18 makes of each set of files, DIR standing for their directory.
func TestLoad(t *testing.T) {
	f, err := os.Open("testdata/inventories.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []struct {
		Name    string
		Files   map[string]string
		Sources []string
		Want    struct {
			Groups   []wantGroup
			Hosts    []wantHost
			All      []string
			Warnings []string
			Error    string
		}
	}
	dec := json.NewDecoder(f)
	dec.UseNumber()
	if err := dec.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range c.Files {
				p := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
					t.Fatal(err)
				}
				mode := os.FileMode(0o600)
				if strings.HasPrefix(text, "#!") {
					mode = 0o700
				}
				if err := os.WriteFile(p, []byte(text), mode); err != nil {
					t.Fatal(err)
				}
			}
			var sources []string
			for _, s := range c.Sources {
				if !strings.Contains(s, ",") {
					s = filepath.Join(dir, s)
				}
				sources = append(sources, s)
			}
			inv, err := inventory.Load(context.Background(), sources, inventory.Options{})
			if c.Want.Error != "" {
				d, ok := diag.As(err)
				if !ok || d.Classic != c.Want.Error {
					t.Fatalf("error: got %v, want %s", err, c.Want.Error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			compare(t, inv, dir, c.Want.Groups, c.Want.Hosts, c.Want.All, c.Want.Warnings)
		})
	}
}

func names[T any](list []T, name func(T) string) []string {
	out := []string{}
	for _, e := range list {
		out = append(out, name(e))
	}
	return out
}

func compare(t *testing.T, inv *inventory.Inventory, dir string, groups []wantGroup, hosts []wantHost, all, warnings []string) {
	t.Helper()
	hostName := func(h *inventory.Host) string { return h.Name }
	groupName := func(g *inventory.Group) string { return g.Name }
	if got, want := names(inv.Groups(), groupName), names(groups, func(g wantGroup) string { return g.Name }); asJSON(got) != asJSON(want) {
		t.Fatalf("groups: got %v, want %v\n%s", got, want, inv.Warnings)
	}
	for _, w := range groups {
		g := inv.Group(w.Name)
		delete(w.Vars, "inventory_file")
		delete(w.Vars, "inventory_dir")
		got := wantGroup{w.Name, plain(g.Vars).(map[string]any), names(g.Hosts, hostName), names(g.Children, groupName), g.Depth, g.Priority}
		if asJSON(got) != asJSON(w) {
			t.Errorf("group:\n got %s\nwant %s", asJSON(got), asJSON(w))
		}
	}
	if got, want := names(inv.Hosts(), hostName), names(hosts, func(h wantHost) string { return h.Name }); asJSON(got) != asJSON(want) {
		t.Fatalf("hosts: got %v, want %v", got, want)
	}
	for _, w := range hosts {
		h := inv.Host(w.Name)
		gs := names(h.Groups(), groupName)
		sort.Strings(gs)
		sort.Strings(w.Groups)
		got := wantHost{Name: w.Name, Vars: plain(h.Vars).(map[string]any), Groups: gs}
		if w.File != nil {
			file := strings.ReplaceAll(h.Source, dir, "DIR")
			got.File = &file
		}
		w.Dir = nil
		if asJSON(got) != asJSON(w) {
			t.Errorf("host:\n got %s\nwant %s", asJSON(got), asJSON(w))
		}
	}
	if got := names(inv.Group("all").AllHosts(), hostName); asJSON(got) != asJSON(all) {
		t.Errorf("all: got %v, want %v", got, all)
	}
	seen := map[string]bool{}
	want := []string{}
	for _, w := range warnings {
		if !seen[w] {
			seen[w] = true
			want = append(want, w)
		}
	}
	got := []string{}
	for _, w := range inv.Warnings {
		got = append(got, strings.ReplaceAll(w, dir, "DIR"))
	}
	sort.Strings(got)
	sort.Strings(want)
	if asJSON(got) != asJSON(want) {
		t.Errorf("warnings:\n got %s\nwant %s", asJSON(got), asJSON(want))
	}
}
