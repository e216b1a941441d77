package all

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/module"
)

// covered is the number of options with a recorded run of Ansible's module, of all that native modules have. It may only rise.
const covered = 958

// rare are builtin modules that public playbooks hardly use.
var rare = []string{"ansible.builtin.expect", "ansible.builtin.subversion"}

// TestCoverage counts the options that the recordings of the families use, and with -v lists those that none does.
func TestCoverage(t *testing.T) {
	files, err := filepath.Glob("../*/testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	used := map[*module.Module]map[string]bool{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var cases []struct {
			Steps []struct {
				Module  string
				Args    map[string]any
				Payload *string
			}
		}
		if err := json.Unmarshal(data, &cases); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for _, c := range cases {
			for _, s := range c.Steps {
				m := Registry.Lookup(s.Module)
				if m == nil {
					t.Errorf("%s: no module %s", f, s.Module)
					continue
				}
				if used[m] == nil {
					used[m] = map[string]bool{}
				}
				for k := range s.Args {
					used[m][k] = true
				}
				if s.Payload != nil {
					used[m]["content"] = true
				}
			}
		}
	}
	have, all := 0, 0
	everyday, everydayAll := 0, 0 // of the modules that nearly every playbook uses
	var rows []string
	for _, m := range slices.SortedFunc(slices.Values(All), func(a, b *module.Module) int { return strings.Compare(a.Name, b.Name) }) {
		n, missing := 0, []string{}
		options := slices.DeleteFunc(slices.Clone(m.Spec.AllOptions()), func(o module.Option) bool { return o.Name[0] == '_' }) // not for users
		for _, o := range options {
			if used[m][o.Name] || slices.ContainsFunc(o.Aliases, func(a string) bool { return used[m][a] }) {
				n++
			} else {
				missing = append(missing, o.Name)
			}
		}
		have, all = have+n, all+len(options)
		if strings.HasPrefix(m.Name, "ansible.builtin.") && !slices.Contains(rare, m.Name) {
			everyday, everydayAll = everyday+n, everydayAll+len(options)
		}
		rows = append(rows, fmt.Sprintf("%-40s %2d of %2d  %s", m.Name, n, len(options), strings.Join(missing, " ")))
	}
	t.Logf("options with a recorded run: %d of %d; of everyday modules %d of %d\n%s", have, all, everyday, everydayAll, strings.Join(rows, "\n"))
	if everyday*100 < everydayAll*95 {
		t.Errorf("%d of the %d options of everyday modules have a recorded run, which is under 95 %%", everyday, everydayAll)
	}
	switch {
	case have < covered:
		t.Errorf("%d options have a recorded run, there were %d", have, covered)
	case have > covered:
		t.Errorf("%d options have a recorded run: raise covered from %d", have, covered)
	}
}
