package oracle

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestFlags asks every command, and every action of one, for its help: all flags of ansible-core 2.18 are in it. Actions
// that docs/compat.md names as missing are passed over.
func TestFlags(t *testing.T) {
	bin := build(t)
	f, err := os.Open("../../testdata/surface/flags.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	gaps, err := os.ReadFile("../../docs/compat.md")
	if err != nil {
		t.Fatal(err)
	}
	flag := regexp.MustCompile(`(?:^|[\s,\[(])(--?[A-Za-z][\w-]*)`)
	helps := map[string][]string{}
	checked := 0
	for sc := bufio.NewScanner(f); sc.Scan(); checked++ {
		row := strings.Split(sc.Text(), "\t")
		words := append(strings.Fields(row[1]), "--help")
		key := row[0] + " " + strings.Join(words, " ")
		if _, known := helps[key]; !known {
			if strings.Contains(string(gaps), "`"+row[0]+" "+row[1]+"`") {
				continue
			}
			out, err := exec.CommandContext(t.Context(), filepath.Join(bin, row[0]), words...).Output()
			if err != nil {
				t.Errorf("%s: %v", key, err)
			}
			for _, m := range flag.FindAllStringSubmatch(string(out), -1) {
				helps[key] = append(helps[key], m[1])
			}
			helps[key] = append(helps[key], "--help")
		}
		for name := range strings.FieldsSeq(row[2]) {
			if name == "--list-hosts" && row[0] == "ansible-inventory" {
				continue // Ansible's own help hides it, and it does nothing there
			}
			if !slices.Contains(helps[key], name) {
				t.Errorf("%s has no %s", strings.TrimSuffix(key, " --help"), name)
			}
		}
	}
	if checked == 0 {
		t.Fatal("no flags")
	}
}
