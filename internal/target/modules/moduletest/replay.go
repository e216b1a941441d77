// Package moduletest replays recorded module runs: case files that test/oracle/record_modules.py filled from a real
// ansible-playbook. Tests of the module families call Replay.
package moduletest

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// Case is one directory and the steps done in it.
type Case struct {
	Name   string
	Files  map[string]string
	Modes  map[string]string
	Dirs   []string
	Links  map[string]string
	Ignore []string // result keys that differ for a reason the name of the case gives
	Steps  []Step
}

// Step is one module run with the recorded result and tree.
type Step struct {
	Module      string
	Args        map[string]any
	Check, Diff bool
	Payload     *string
	Environment map[string]string
	Want        map[string]any
	Tree        map[string][]string
}

// volatile are the keys that differ from run to run.
var volatile = []string{
	"start", "end", "delta", "atime", "mtime", "ctime", "inode", "dev", "version", "invocation", "stdout_lines", "stderr_lines",
	"exception", "deprecations", "ansible_facts", "pid", "warnings",
}

// Replay runs every case of the file against the modules of list.
func Replay(t *testing.T, list []*module.Module, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var cases []Case
	if err := dec.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	reg := module.NewRegistry(list)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if os.Geteuid() != 0 {
				t.Skip("the recordings were made as root")
			}
			dir := hostos.RealPath(t.TempDir())
			setUp(t, dir, c)
			for i, s := range c.Steps {
				runStep(t, reg, dir, i, s, c.Ignore)
			}
		})
	}
}

func setUp(t *testing.T, dir string, c Case) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Chmod(dir, 0o755))
	for _, d := range c.Dirs {
		must(os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	for _, n := range slices.Sorted(maps.Keys(c.Files)) {
		p := filepath.Join(dir, n)
		must(os.MkdirAll(filepath.Dir(p), 0o755))
		must(os.WriteFile(p, []byte(strings.ReplaceAll(c.Files[n], "@DIR@", dir)), 0o644))
		if m := c.Modes[n]; m != "" {
			bits, err := strconv.ParseUint(m, 8, 32)
			must(err)
			must(syscall.Chmod(p, uint32(bits)))
		}
	}
	for n, target := range c.Links {
		must(os.Symlink(target, filepath.Join(dir, n)))
	}
}

func runStep(t *testing.T, reg *module.Registry, dir string, i int, s Step, ignore []string) {
	t.Helper()
	m := reg.Lookup(s.Module)
	if m == nil {
		t.Fatalf("step %d: no module %s", i, s.Module)
	}
	args, _ := replaceDir(s.Args, "@DIR@", dir).(map[string]any)
	if args == nil {
		args = map[string]any{}
	}
	if cmd, ok := args["cmd"]; ok && (s.Module == "command" || s.Module == "shell") { // as the controller does
		delete(args, "cmd")
		args["_raw_params"] = cmd
	}
	opts := module.Options{Name: s.Module, Check: s.Check, Diff: s.Diff, TmpDir: t.TempDir()}
	for k, v := range s.Environment {
		opts.Env = append(opts.Env, k+"="+strings.ReplaceAll(v, "@DIR@", dir))
	}
	if s.Payload != nil {
		p := []byte(*s.Payload)
		opts.Payload = &module.Payload{Size: int64(len(p)), SHA1: hostos.SHA1(p), Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(p)), nil
		}}
	}
	got := canon(t, map[string]any(module.Execute(t.Context(), m, args, opts)), dir)
	want, _ := drop(s.Want).(map[string]any)
	if _, ok := got["changed"]; !ok {
		got["changed"] = false
	}
	for _, k := range ignore {
		delete(got, k)
		delete(want, k)
	}
	for _, k := range slices.Sorted(maps.Keys(merged(got, want))) {
		g, gok := got[k]
		w, wok := want[k]
		if gok != wok || !reflect.DeepEqual(normal(g), normal(w)) {
			t.Errorf("step %d (%s): %s\n got %s\nwant %s", i, s.Module, k, show(g, gok), show(w, wok))
		}
	}
	if s.Tree == nil {
		return
	}
	tree := snapshot(t, dir)
	for _, n := range slices.Sorted(maps.Keys(merged(tree, s.Tree))) {
		if !reflect.DeepEqual(tree[n], s.Tree[n]) {
			t.Errorf("step %d (%s): file %s\n got %q\nwant %q", i, s.Module, n, tree[n], s.Tree[n])
		}
	}
}

func merged[V any](a, b map[string]V) map[string]V {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]V{}
	}
	maps.Copy(out, b)
	return out
}

func show(v any, ok bool) string {
	if !ok {
		return "(none)"
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// normal makes numbers comparable: 1 and json.Number("1").
func normal(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		return v
	}
	return string(b)
}

func canon(t *testing.T, v map[string]any, dir string) map[string]any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var out map[string]any
	if err := dec.Decode(&out); err != nil {
		t.Fatal(err)
	}
	r, _ := drop(replaceDir(out, dir, "@DIR@")).(map[string]any)
	return r
}

var (
	backupName = regexp.MustCompile(`\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~`)
)

func replaceDir(v any, from, to string) any {
	switch x := v.(type) {
	case string:
		x = strings.ReplaceAll(x, from, to)
		if to == "@DIR@" {
			x = backupName.ReplaceAllString(x, ".@BACKUP@")
		}
		return x
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = replaceDir(x[i], from, to)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range x {
			out[strings.ReplaceAll(k, from, to)] = replaceDir(e, from, to)
		}
		return out
	}
	return v
}

func drop(v any) any {
	switch x := v.(type) {
	case []any:
		for i := range x {
			x[i] = drop(x[i])
		}
	case map[string]any:
		for _, k := range volatile {
			delete(x, k)
		}
		for k := range x {
			x[k] = drop(x[k])
		}
	}
	return v
}

func snapshot(t *testing.T, dir string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		name, _ := filepath.Rel(dir, p)
		name = backupName.ReplaceAllString(name, ".@BACKUP@")
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			to, err := os.Readlink(p)
			out[name] = []string{"link", strings.ReplaceAll(to, dir, "@DIR@")}
			return err
		case d.IsDir():
			out[name] = []string{"dir", hostos.ModeText(hostos.Perm(info))}
		default:
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			text := strings.ReplaceAll(strings.ReplaceAll(string(b), "\r\n", "\n"), dir, "@DIR@")
			out[name] = []string{"file", hostos.ModeText(hostos.Perm(info)), text}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Same compares two values of results as JSON.
func Same(a, b any) bool { return reflect.DeepEqual(normal(a), normal(b)) }
