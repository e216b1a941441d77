package troupe_test

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/diag"
)

// rows reads a file of testdata/surface: names of ansible-core 2.18 with tabs between the columns.
func rows(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata/surface", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out [][]string
	for sc := bufio.NewScanner(f); sc.Scan(); {
		out = append(out, strings.Split(sc.Text(), "\t"))
	}
	if len(out) == 0 {
		t.Fatalf("%s is empty", name)
	}
	return out
}

// TestSettings holds docs/compat.md to which of Ansible's settings something reads: every other one is named there under
// "Accepted without effect". settings.tsv has the names with their variables of the environment, by which options of plugins
// that share them are found.
func TestSettings(t *testing.T) {
	page, err := os.ReadFile("docs/compat.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "\n## Accepted without effect\n")
	if !found {
		t.Fatal(`docs/compat.md has no "Accepted without effect"`)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var named []string
	for _, m := range regexp.MustCompile("`([A-Z0-9_]+)`").FindAllStringSubmatch(section, -1) {
		named = append(named, m[1])
	}
	read := settingsRead(t)
	for _, row := range rows(t, "settings.tsv") {
		name := row[0]
		honoured := strings.Contains(read, `"`+name+`"`) || strings.HasPrefix(name, "COLOR_")
		for env := range strings.FieldsSeq(row[1]) {
			honoured = honoured || strings.Contains(read, `"`+env+`"`)
		}
		switch i := slices.Index(named, name); {
		case i < 0 && !honoured:
			t.Errorf("nothing reads the setting %s, and docs/compat.md does not say so", name)
		case i >= 0 && honoured:
			t.Errorf("docs/compat.md says that the setting %s has no effect, but something reads it", name)
		case i >= 0:
			named = slices.Delete(named, i, i+1)
		}
	}
	if len(named) > 0 {
		t.Errorf("docs/compat.md names settings that there are not: %v", named)
	}
}

// settingsRead is the source that may read settings: all but the tables of settings and the command that lists them.
func settingsRead(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || path == "internal/cli/settings" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return filepath.SkipDir
		}
		if filepath.Dir(path) == "internal/content/config" && filepath.Base(path) != "pluginoptions.go" {
			return nil
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			b.Write(text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// anyAction knows every module.
type anyAction struct{}

func (anyAction) ResolveAction(name string, _ []string) (*collection.Resolved, error) {
	return &collection.Resolved{FQCN: "ansible.builtin." + name, Collection: "ansible.builtin", Name: name}, nil
}
func (anyAction) ActionNames() []string { return []string{"debug"} }
func (anyAction) HasLookup(string) bool { return true }

// TestKeywords writes every keyword of Ansible where it belongs: none is unknown.
func TestKeywords(t *testing.T) {
	where := map[string]string{
		"Play":        "- hosts: h\n  KEYWORD: null\n",
		"Block":       "- hosts: h\n  tasks:\n    - block: []\n      KEYWORD: null\n",
		"Task":        "- hosts: h\n  tasks:\n    - debug:\n      KEYWORD: null\n",
		"Handler":     "- hosts: h\n  handlers:\n    - debug:\n      name: h\n      KEYWORD: null\n",
		"RoleInclude": "- hosts: h\n  roles:\n    - role: r\n      KEYWORD: null\n",
		"LoopControl": "- hosts: h\n  tasks:\n    - debug:\n      loop: []\n      loop_control:\n        KEYWORD: null\n",
	}
	for _, row := range rows(t, "keywords.tsv") {
		t.Run(row[0]+"."+row[1], func(t *testing.T) {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, "roles/r/tasks"), 0o755); err != nil {
				t.Fatal(err)
			}
			text, ok := where[row[0]]
			if !ok {
				t.Fatalf("no place for keywords of %s", row[0])
			}
			if strings.Contains(text, "      name: h\n") && row[1] == "name" || row[1] == "block" {
				return // written already
			}
			file := filepath.Join(dir, "play.yml")
			if err := os.WriteFile(file, []byte(strings.Replace(text, "KEYWORD", row[1], 1)), 0o644); err != nil {
				t.Fatal(err)
			}
			l := &playbook.Loader{Actions: anyAction{}, Basedir: dir}
			_, err := l.LoadPlaybook(file)
			if d, isDiag := diag.As(err); isDiag && d.Code == diag.UnknownKeyword {
				t.Errorf("%s is no keyword of %s: %v", row[1], row[0], err)
			} else if err != nil && strings.Contains(err.Error(), "not a valid") {
				t.Error(err)
			}
		})
	}
}
