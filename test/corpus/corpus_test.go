package corpus

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/engine/lookup"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

var raise = flag.Bool("raise", false, "write the numbers reached to testdata/floors.txt, where they are higher")

// TestCorpus runs every recorded case, with and without native types, and compares the number that pass in each area with
// testdata/floors.txt. The numbers may only rise: after an improvement run with -raise.
func TestCorpus(t *testing.T) {
	setup(t)
	floors := readFloors(t)
	files, err := Files("testdata")
	if err != nil || len(files) == 0 {
		t.Fatalf("no case files: %v", err)
	}
	for i, f := range files {
		files[i], _ = filepath.Abs(f)
	}
	floorsPath, _ := filepath.Abs("testdata/floors.txt")
	fixtures, _ := filepath.Abs("testdata/fixtures")
	t.Chdir(fixtures)
	cfg, err := config.Load(config.Environ{Lookup: func(string) (string, bool) { return "", false }, Cwd: fixtures, Home: "/root"}, "")
	if err != nil {
		t.Fatal(err)
	}
	reached := map[string]int{}
	for _, native := range []bool{false, true} {
		mode := "text"
		if native {
			mode = "native"
		}
		lookups := &lookup.Set{Config: cfg, Secrets: &vault.Secrets{List: []vault.Secret{{Label: "default", Password: []byte(Password)}}}}
		r := &Runner{Native: native, Fixtures: fixtures, Setup: func(e *template.Engine) { e.Lookup = lookups.Lookup }}
		for _, f := range files {
			cases, err := Read(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range cases {
				lookups.Hosts = Matcher(c.Vars)
				res := r.Run(c)
				if res.Kind == "panic" {
					t.Errorf("%s: %v", c.ID, res.Err)
				}
				if ok, _ := Judge(c, res, native); ok {
					reached[mode+" "+c.Area]++
				}
			}
		}
	}
	for area, floor := range floors {
		if reached[area] < floor {
			t.Errorf("%s: %d cases pass, it were %d", area, reached[area], floor)
		}
	}
	if *raise {
		var lines []string
		for area, n := range reached {
			lines = append(lines, fmt.Sprintf("%s %d\n", area, max(n, floors[area])))
		}
		sort.Strings(lines)
		if err := os.WriteFile(floorsPath, []byte(strings.Join(lines, "")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func readFloors(t *testing.T) map[string]int {
	f, err := os.Open("testdata/floors.txt")
	if err != nil {
		if *raise {
			return map[string]int{}
		}
		t.Fatal(err)
	}
	defer f.Close()
	floors := map[string]int{}
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		var mode, area string
		var n int
		if _, err := fmt.Sscan(sc.Text(), &mode, &area, &n); err != nil {
			t.Fatalf("floors.txt: %q: %v", sc.Text(), err)
		}
		floors[mode+" "+area] = n
	}
	return floors
}

func setup(t *testing.T) {
	b, err := os.ReadFile("testdata/env.json")
	if err != nil {
		t.Fatal(err)
	}
	env, err := value.ParseJSON(string(b))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range env.(*value.Dict).All() {
		ks, _ := value.AsString(k)
		vs, _ := value.AsString(v)
		t.Setenv(ks, vs)
	}
}
