// Command modulediff runs modules with random options twice on the same start, as Ansible's Python module and as ours, and
// prints where the result, the result of a second run, or the files differ.
//
//	PYTHONPATH=/path/to/ansible/lib go run ./test/modulediff -n 2000 file lineinfile
//
// What is random for which module is in subjects.go.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/internal/target/modules/all"
	"github.com/troupe-automation/troupe/module"
	"github.com/troupe-automation/troupe/test/python"
)

//go:embed oracle.py
var oracle string

// request is one run of a module, or of an action of the controller.
type request struct {
	Module string         `json:"module"`
	Import string         `json:"import"` // the Python module; "" for an action
	Args   map[string]any `json:"args"`
	Vars   map[string]any `json:"vars"`
	Check  bool           `json:"check"`
	Diff   bool           `json:"diff"`
}

// trial is a request in a directory of its own.
type trial struct {
	request
	dir   string
	start []node
}

// theirs runs Ansible's modules and actions.
func theirs(p *python.Process) func([]trial) ([]map[string]any, error) {
	return func(list []trial) ([]map[string]any, error) {
		out := make([]map[string]any, len(list))
		for i, t := range list {
			if err := p.Ask(t.request, &out[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
}

// natives runs the native modules.
func natives(tmp string) func([]trial) ([]map[string]any, error) {
	return func(list []trial) ([]map[string]any, error) {
		out := make([]map[string]any, len(list))
		for i, t := range list {
			m := all.Registry.Lookup(t.Module)
			if m == nil {
				return nil, fmt.Errorf("no native module %s", t.Module)
			}
			b, err := json.Marshal(module.Execute(context.Background(), m, maps.Clone(t.Args), module.Options{Name: t.Module, Check: t.Check, Diff: t.Diff, TmpDir: tmp}))
			if err != nil {
				return nil, err
			}
			if err := json.Unmarshal(b, &out[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
}

// outcome is what one side did: the results of both runs and the files before, and after each.
type outcome struct {
	before  map[string][]string
	results [2]map[string]any
	trees   [2]map[string][]string
}

// play makes the starts anew and runs every trial twice.
func play(list []trial, run func([]trial) ([]map[string]any, error)) ([]outcome, error) {
	out := make([]outcome, len(list))
	for i, t := range list {
		if err := renew(t.dir); err != nil {
			return nil, err
		}
		for _, n := range t.start {
			if err := n.create(t.dir); err != nil {
				return nil, err
			}
		}
		var err error
		if out[i].before, err = snapshot(t.dir); err != nil {
			return nil, err
		}
	}
	for round := range 2 {
		results, err := run(list)
		if err != nil {
			return nil, err
		}
		for i, t := range list {
			out[i].results[round], _ = canon(results[i], "").(map[string]any)
			if out[i].trees[round], err = snapshot(t.dir); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// differences lists what is not equal, at most one line for each key or file.
func differences(want, got outcome) []string {
	var out []string
	for i := range want.results {
		w, g := want.results[i], got.results[i]
		if crash, ok := w["crashed"]; ok { // a traceback there is a message here
			if g["failed"] != true && !strings.HasPrefix(fmt.Sprint(crash), "RecursionError") && !strings.Contains(fmt.Sprint(crash), "(): name not found: '") {
				out = append(out, fmt.Sprintf("run %d: Ansible fails with %v, here it works", i+1, crash))
			}
			return out
		}
		if w["failed"] != g["failed"] {
			w, g = only(w, "failed", "msg"), only(g, "failed", "msg")
		}
		if sent(w["src"]) {
			delete(w, "src") // Ansible's name for what it sent; here it is that of the controller
			delete(g, "src")
		}
		if sent(w["path"]) {
			w, g = only(w, "failed", "msg"), only(g, "failed", "msg")
		}
		for _, k := range slices.Sorted(maps.Keys(merge(w, g))) {
			if text := fmt.Sprint(w[k]); k == "msg" && w["failed"] == true && (strings.Contains(text, "/ansible-moduletmp-") || strings.HasSuffix(text, ".tmp'")) {
				continue // says the name of a temporary file that there is none of here
			}
			if !reflect.DeepEqual(w[k], g[k]) {
				out = append(out, fmt.Sprintf("run %d, %s:\n    Ansible %s\n    here    %s", i+1, k, show(w, k), show(g, k)))
			}
		}
		if w["failed"] == true && reflect.DeepEqual(got.before, got.trees[i]) {
			return out // Ansible may leave things half done, we do not
		}
		if w["failed"] == true && g["failed"] == true {
			return out // nor is anything to be learnt from what follows
		}
		for _, k := range slices.Sorted(maps.Keys(merge(want.trees[i], got.trees[i]))) {
			if w, g := want.trees[i][k], got.trees[i][k]; !slices.Equal(w, g) {
				out = append(out, fmt.Sprintf("run %d, file %s:\n    Ansible %q\n    here    %q", i+1, k, w, g))
			}
		}
		if len(out) > 0 {
			break // what follows from a difference is none of its own
		}
	}
	return out
}

// sent says whether a result names a file that Ansible had in a directory of its own.
func sent(v any) bool {
	return strings.HasPrefix(fmt.Sprint(v), "@SENT@/") || strings.HasPrefix(fmt.Sprint(v), "@LOCAL@/")
}

func only(m map[string]any, keys ...string) map[string]any {
	out := map[string]any{}
	for _, k := range keys {
		if v, ok := m[k]; ok {
			out[k] = v
		}
	}
	return out
}

func merge[V any](a, b map[string]V) map[string]V {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]V{}
	}
	maps.Copy(out, b)
	return out
}

func show(m map[string]any, k string) string {
	v, ok := m[k]
	if !ok {
		return "(none)"
	}
	b, _ := json.Marshal(v)
	return string(b)
}

func main() {
	n := flag.Int("n", 200, "how many combinations of each module")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "where the random options start")
	interpreter := flag.String("python", "python3", "Python with ansible-core")
	troupe := flag.String("troupe", "bin/troupe", "executable for the subjects that are actions of the controller")
	most := flag.Int("most", 20, "stop a module after so many differences")
	flag.Parse()
	if os.Geteuid() != 0 {
		fmt.Println("skipped: owners of files can only be changed by root")
		return
	}
	p, version, err := python.Start(*interpreter, oracle, "LC_ALL=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1")
	if err != nil {
		fmt.Printf("skipped: %s with ansible-core is needed: %v\n", *interpreter, err)
		return
	}
	fmt.Printf("ansible-core %s, seed %d\n", version, *seed)
	syscall.Umask(0o022)
	names := flag.Args()
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(subjects))
	}
	failed := false
	for _, name := range names {
		found, err := judge(p, name, *n, *most, *troupe, rand.New(rand.NewPCG(*seed, 1)))
		if err != nil {
			fmt.Println(name+":", err)
			os.Exit(1)
		}
		failed = failed || found > 0
	}
	_ = p.Close() // all answers are there
	if failed {
		os.Exit(1)
	}
}

// batch is how many trials one run of troupe has.
const batch = 100

// judge compares n combinations of one module and returns how many differ.
func judge(p *python.Process, name string, n, most int, troupe string, r *rand.Rand) (int, error) {
	s, ok := subjects[name]
	if !ok {
		return 0, fmt.Errorf("nothing is known about it in subjects.go")
	}
	base, err := os.MkdirTemp("", "modulediff")
	if err != nil {
		return 0, err
	}
	ours := natives(base)
	if s.python == "" {
		ours = books(troupe, base)
	}
	dirs := make([]string, min(batch, n))
	for i := range dirs {
		dirs[i] = fmt.Sprintf("%s-%d", base, i) // the same for both sides: results have it in them
	}
	defer func() {
		for _, dir := range append(dirs, base) {
			_ = renew(dir)
			os.RemoveAll(dir)
		}
	}()
	found, done := 0, 0
	for done < n && found < most {
		list := make([]trial, 0, len(dirs))
		for _, dir := range dirs[:min(batch, n-done)] {
			g := &generator{r, dir}
			req := request{Module: s.module, Import: s.python, Args: g.args(s), Vars: s.vars, Check: g.one(6), Diff: g.one(2)}
			list = append(list, trial{req, dir, s.start(g)})
		}
		want, err := play(list, theirs(p))
		if err != nil {
			return found, err
		}
		got, err := play(list, ours)
		if err != nil {
			return found, err
		}
		done += len(list)
		for i, t := range list {
			if got[i].results[0][module.NotNativeKey] == true || s.known != nil && s.known(t.request) {
				continue // the controller runs Ansible's module in its place, or the difference is meant
			}
			diff := differences(want[i], got[i])
			if len(diff) == 0 {
				continue
			}
			found++
			b, _ := json.Marshal(t.Args)
			fmt.Printf("%s %s check=%v diff=%v\n  start %s\n", name, b, t.Check, t.Diff, startText(t.start))
			for _, l := range diff {
				fmt.Println("  " + l)
			}
		}
	}
	fmt.Printf("%s: %d combinations, %d differences\n", name, done, found)
	return found, nil
}
