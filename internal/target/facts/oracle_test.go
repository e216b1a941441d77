package facts

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// gathered is what Gather finds with Debian's interpreter, as JSON gives it.
func gathered(t *testing.T) map[string]any {
	t.Helper()
	got, _, err := Gather(t.Context(), Query{Python: "/usr/bin/python3"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// recorded are facts of ansible-core 2.18's setup on Debian 12 that every machine has, each with the type of its value. Those that
// the roles of 71 public repositories use are among them.
//
//go:embed testdata/setup.keys
var recorded string

func TestRecordedKeys(t *testing.T) {
	if _, err := os.Stat("/usr/bin/python3"); err != nil {
		t.Skip("no /usr/bin/python3 that facts could describe")
	}
	got := gathered(t)
	for line := range strings.Lines(recorded) {
		name, kind, _ := strings.Cut(strings.TrimSpace(line), " ")
		var v any = got
		for part := range strings.SplitSeq(name, ".") {
			m, _ := v.(map[string]any)
			if v = m[part]; v == nil && m != nil {
				if _, there := m[part]; !there {
					t.Errorf("%s is missing", name)
				}
			}
		}
		if have := kindOf(v); have != kind && kind != "null" && have != "null" {
			t.Errorf("%s: %s, want %s", name, have, kind)
		}
	}
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case float64:
		return "number"
	case string:
		return "text"
	case []any:
		return "list"
	}
	return "dict"
}

// changing are facts that two processes or two moments do not share.
var changing = []string{
	"ansible_date_time.*", "ansible_env*", "ansible_memfree_mb", "ansible_memory_mb.*", "ansible_swapfree_mb", "ansible_uptime_seconds", "ansible_loadavg*",
	"ansible_mounts*", "gather_subset", "module_setup", "ansible_proc_cmdline", "ansible_python.*", "discovered_interpreter_python",
}

// TestBesideAnsible compares every fact with those of the setup module of an ansible-core 2.18 that Python finds.
func TestBesideAnsible(t *testing.T) {
	cmd := exec.Command("/usr/bin/python3", "-c", "import ansible.release as r; print(r.__version__)")
	if out, err := cmd.Output(); err != nil || !bytes.HasPrefix(out, []byte("2.18.")) {
		t.Skipf("/usr/bin/python3 finds no ansible-core 2.18 but %q: TestRecordedKeys must do", bytes.TrimSpace(out))
	}
	cmd = exec.Command("/usr/bin/python3", "-m", "ansible.modules.setup")
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	cmd.Stdin = strings.NewReader(`{"ANSIBLE_MODULE_ARGS": {}}`)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Facts map[string]any `json:"ansible_facts"`
	}
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	compare(t, "", want.Facts, gathered(t))
}

func compare(t *testing.T, name string, want, got any) {
	t.Helper()
	if slices.ContainsFunc(changing, func(p string) bool { ok, err := path.Match(p, name); return ok && err == nil }) {
		return
	}
	w, isDict := want.(map[string]any)
	g, both := got.(map[string]any)
	if isDict && both {
		for k := range w {
			if _, ok := g[k]; !ok {
				t.Errorf("%s.%s is missing: %v", name, k, w[k])
			}
		}
		for k := range g {
			if _, ok := w[k]; !ok {
				t.Errorf("%s.%s is not in Ansible's: %v", name, k, g[k])
				continue
			}
			compare(t, strings.TrimPrefix(name+"."+k, "."), w[k], g[k])
		}
		return
	}
	if a, ok := want.([]any); ok { // in an order of Python's hashes
		if b, ok := got.([]any); ok && len(a) == len(b) {
			want, got = sorted(a), sorted(b)
		}
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("%s: %v, want %v", name, got, want)
	}
}

func sorted(list []any) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = fmt.Sprint(v)
	}
	slices.Sort(out)
	return out
}
