package oracle

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCallbacks runs testdata/callbacks/play.yml with each callback and compares with what ansible-core 2.18 wrote with it (the
// callbacks of the collections as Debian's package ansible has them): NAME.stdout, its own path as DIR. Times differ and are
// taken out; lists sorted by time are sorted by name.
func TestCallbacks(t *testing.T) {
	bin := build(t)
	cases := []struct {
		name string
		env  []string
		same func(string) string // what is left to compare; nil: all but times
	}{
		{"default", nil, nil},
		{"result_format=yaml", []string{"ANSIBLE_CALLBACK_RESULT_FORMAT=yaml"}, nil},
		{"community.general.yaml", stdout("community.general.yaml"), nil},
		{"community.general.unixy", stdout("community.general.unixy"), nil},
		{"community.general.selective", stdout("community.general.selective"), nil},
		{"community.general.counter_enabled", stdout("community.general.counter_enabled"), nil},
		{"community.general.dense", stdout("community.general.dense"), nil},
		{"community.general.dense -v", append(stdout("community.general.dense"), "ANSIBLE_VERBOSITY=1"), sameResults},
		{"ansible.posix.debug", stdout("ansible.posix.debug"), nil},
		{"ansible.posix.skippy", stdout("skippy"), nil},
		{"ansible.builtin.minimal", stdout("minimal"), nil},
		{"ansible.builtin.oneline", stdout("ansible.builtin.oneline"), nil},
		{"ansible.posix.json", stdout("json"), sameDocument},
		{"ansible.posix.profile_tasks", []string{"ANSIBLE_CALLBACKS_ENABLED=profile_tasks"}, sameTimes},
		{"ansible.posix.profile_roles", []string{"ANSIBLE_CALLBACKS_ENABLED=ansible.posix.profile_roles"}, sameTimes},
		{"ansible.posix.timer", []string{"ANSIBLE_CALLBACKS_ENABLED=timer"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want, err := os.ReadFile("testdata/callbacks/" + c.name + ".stdout")
			if err != nil {
				t.Fatal(err)
			}
			got := runCallbacks(t, bin, c.env)
			same := c.same
			if same == nil {
				same = withoutTimes
			}
			if w, g := same(string(want)), same(got); w != g {
				t.Error(unified(t, w, g))
			}
		})
	}
}

func stdout(name string) []string { return []string{"ANSIBLE_STDOUT_CALLBACK=" + name} }

// runCallbacks runs the play and returns what it wrote.
func runCallbacks(t *testing.T, bin string, env []string) string {
	t.Helper()
	dir, err := filepath.Abs("testdata/callbacks")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "ansible-playbook"), "-i", "h1,h2,", "-c", "local", "-f", "1", "play.yml")
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "HOME="+t.TempDir(), "ANSIBLE_CONFIG=/dev/null"), env...)
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != 2 { // the play fails
		t.Fatalf("%v: %s", err, out)
	}
	return strings.ReplaceAll(string(out), dir, "DIR")
}

var (
	stampOf  = regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\.\d+|\d+:\d\d:\d\d\.\d+|\w+ \d\d \w+ \d{4}  \d\d:\d\d:\d\d [+-]\d{4}|\d+ (?:minutes|seconds)`)
	configOf = regexp.MustCompile(`(?m)^(Using .* as config file|No config file found; using defaults)\n`)
	tookOf   = regexp.MustCompile(`(?m)^(.*?) -+ \d+\.\d\ds$`)
	fillOf   = regexp.MustCompile(`(?m)^(TIME .*TIME) \*+ $`) // as long as the names of day and month are short
)

// sameResults leaves out what -v says of the configuration file, which is another.
func sameResults(s string) string { return configOf.ReplaceAllString(withoutTimes(s), "") }

func withoutTimes(s string) string { return stampOf.ReplaceAllString(s, "TIME") }

// sameTimes leaves the names in the list of times, sorted.
func sameTimes(s string) string {
	var names []string
	s = tookOf.ReplaceAllStringFunc(fillOf.ReplaceAllString(withoutTimes(s), "$1 *** "), func(line string) string {
		names = append(names, tookOf.FindStringSubmatch(line)[1])
		return ""
	})
	slices.Sort(names)
	return strings.TrimRight(s, "\n") + "\n" + strings.Join(names, "\n")
}

// sameDocument leaves out of a JSON document what differs from run to run, what the task executor adds for itself to the items
// of loops, and the arguments of copy, where Ansible has those of the action.
func sameDocument(s string) string {
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		return err.Error()
	}
	out, err := json.MarshalIndent(steady(v), "", " ")
	if err != nil {
		return err.Error()
	}
	return string(out)
}

func steady(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			switch k {
			case "duration", "id", "start", "end", "delta", "invocation":
			default:
				if _, item := v["_ansible_item_label"]; item && strings.HasPrefix(k, "_ansible_") {
					continue
				}
				out[k] = steady(e)
			}
		}
		return out
	case []any:
		for i, e := range v {
			v[i] = steady(e)
		}
	}
	return v
}

// TestJUnit compares the test cases of a report with those of ansible-core's: class, name and how they ended.
func TestJUnit(t *testing.T) {
	dir := t.TempDir()
	runCallbacks(t, build(t), []string{"ANSIBLE_CALLBACKS_ENABLED=junit", "JUNIT_OUTPUT_DIR=" + dir})
	files, err := filepath.Glob(filepath.Join(dir, "play-*.xml"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v: %v", files, err)
	}
	want, got := readReport(t, "testdata/callbacks/junit.xml"), readReport(t, files[0])
	if want != got {
		t.Error(unified(t, want, got))
	}
}

func readReport(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Failures string `xml:"failures,attr"`
		Tests    string `xml:"tests,attr"`
		Suites   []struct {
			Name    string `xml:"name,attr"`
			Skipped string `xml:"skipped,attr"`
			Cases   []struct {
				Class   string `xml:"classname,attr"`
				Name    string `xml:"name,attr"`
				Out     string `xml:"system-out"`
				Failure *struct {
					Message string `xml:"message,attr"`
					Text    string `xml:",chardata"`
				} `xml:"failure"`
				Skipped *string `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs("testdata/callbacks")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(doc.Tests + " tests, " + doc.Failures + " failed\n")
	for _, s := range doc.Suites {
		b.WriteString(s.Name + ", " + s.Skipped + " skipped\n")
		for _, c := range s.Cases {
			end := c.Out
			switch {
			case c.Failure != nil:
				end = "failed: " + c.Failure.Message + "\n" + c.Failure.Text
			case c.Skipped != nil:
				end = "skipped: " + *c.Skipped
			}
			if strings.Contains(end, "results") || strings.Contains(end, "invocation") {
				end = "" // items carry what the task executor adds for itself
			}
			b.WriteString(strings.ReplaceAll(c.Class+"\n"+c.Name+"\n"+withoutTimes(end)+"\n", here, "DIR"))
		}
	}
	return b.String()
}
