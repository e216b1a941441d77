// Package moduletest replays recorded module runs: case files that test/oracle/record_modules.py filled from a real
// ansible-playbook. Tests of the module families call Replay.
package moduletest

import (
	"bytes"
	"encoding/json"
	"fmt"
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
	"unicode/utf8"

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
	Random []string // files whose content is never the same; what results say of keys, too
	Words  []string // result keys whose words come in an order that is Python's secret

	Facts       bool              // compare ansible_facts, too
	Mounts      map[string]string // folders of the case that stand where the machine's are
	Prepare     string            // a shell script that runs in the directory before the first step
	Unwatched   []string          // what no tree shows
	Environment map[string]string // of all steps
	Steps       []Step
}

// Step is one module run with the recorded result and tree.
type Step struct {
	Module      string
	Args        map[string]any
	Check, Diff bool
	Untouched   bool // nothing may change, whatever Ansible does: it writes in check mode here
	Payload     *string
	Environment map[string]string
	Want        map[string]any
	Tree        map[string][]string
	Commands    []string // what programs of the case's own have written to the file "commands"
}

// volatile are the keys that differ from run to run.
var volatile = []string{
	"start", "end", "delta", "atime", "mtime", "ctime", "inode", "dev", "version", "invocation", "stdout_lines", "stderr_lines",
	"exception", "deprecations", "ansible_facts", "pid", "warnings",
}

// Replay runs every case of the file against the modules of list. places are pairs of words in the file and what they stand for.
func Replay(t *testing.T, list []*module.Module, file string, places ...string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data = []byte(strings.NewReplacer(places...).Replace(string(data)))
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
				t.Skip("not root on this machine, as it was when the case was recorded")
			}
			dir := hostos.RealPath(t.TempDir())
			setUp(t, dir, c)
			mount(t, dir, c.Mounts)
			prepare(t, dir, c.Prepare)
			for i, s := range c.Steps {
				runStep(t, reg, dir, i, s, c)
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

func runStep(t *testing.T, reg *module.Registry, dir string, i int, s Step, c Case) {
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
	if s.Module == "script" {
		cmd, _ := args["cmd"].(string)
		args["cmd"] = "script " + cmd
	}
	opts := module.Options{Name: s.Module, Check: s.Check, Diff: s.Diff, TmpDir: t.TempDir()}
	env := merged(s.Environment, nil)
	for k, v := range c.Environment {
		if _, own := env[k]; !own {
			env[k] = v
		}
	}
	for k, v := range env {
		opts.Env = append(opts.Env, k+"="+strings.ReplaceAll(v, "@DIR@", dir))
	}
	if s.Payload != nil {
		p := []byte(*s.Payload)
		opts.Payload = &module.Payload{Size: int64(len(p)), SHA1: hostos.SHA1(p), Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(p)), nil
		}}
	}
	if s.Untouched {
		s.Tree = snapshot(t, dir, c.Unwatched)
	}
	got, _ := replaceDir(replaceDir(plain(t, module.Execute(t.Context(), m, args, opts)), opts.TmpDir, "@TMP@"), dir, "@DIR@").(map[string]any)
	facts := got["ansible_facts"]
	drop(got)
	wantFacts := s.Want["ansible_facts"]
	want, _ := drop(s.Want).(map[string]any)
	if c.Facts {
		got["ansible_facts"], want["ansible_facts"] = facts, wantFacts
	}
	if _, ok := got["changed"]; !ok {
		got["changed"] = false
	}
	for _, r := range []map[string]any{got, want} { // Ansible does not always show it
		if r["failed"] == false {
			delete(r, "failed")
		}
	}
	if crash, ok := want["crashed"]; ok { // and so should ours fail, with a reason
		if got["failed"] != true || got["msg"] == "" {
			t.Errorf("step %d (%s): %v, but Ansible's module crashes: %v", i, s.Module, got, crash)
		}
		got, want = map[string]any{}, map[string]any{}
	}
	if c.Random != nil {
		got, want = mask(got).(map[string]any), mask(want).(map[string]any)
	}
	for _, k := range c.Words {
		got[k], want[k] = words(got[k]), words(want[k])
	}
	for _, k := range c.Ignore {
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
	if commands := takeCommands(t, dir); !slices.Equal(commands, s.Commands) {
		t.Errorf("step %d (%s): commands\n got %s\nwant %s", i, s.Module, strings.Join(commands, "\n     "), strings.Join(s.Commands, "\n     "))
	}
	if s.Tree == nil {
		return
	}
	tree := snapshot(t, dir, c.Unwatched)
	for n, v := range tree {
		if slices.Contains(c.Random, strings.TrimSuffix(n, ".@BACKUP@")) {
			v[len(v)-1] = "@RANDOM@"
		}
	}
	for _, n := range slices.Sorted(maps.Keys(merged(tree, s.Tree))) {
		if !reflect.DeepEqual(tree[n], s.Tree[n]) {
			t.Errorf("step %d (%s): file %s\n got %q\nwant %q", i, s.Module, n, tree[n], s.Tree[n])
		}
	}
}

var (
	pemText     = regexp.MustCompile(`(?s)-----BEGIN ([A-Z0-9 ]+)-----.*?-----END [A-Z0-9 ]+-----`)
	fingerprint = regexp.MustCompile(`([0-9a-f]{2}:){10,}[0-9a-f]{2}`)
	base64Key   = regexp.MustCompile(`^[A-Za-z0-9+/]{43}=$`)
)

// mask puts a word in the place of keys, fingerprints and long numbers.
func mask(v any) any {
	switch x := v.(type) {
	case []any:
		for i := range x {
			x[i] = mask(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = mask(x[k])
		}
	case string:
		return base64Key.ReplaceAllString(fingerprint.ReplaceAllString(pemText.ReplaceAllString(x, "@$1@"), "@FINGERPRINT@"), "@KEY@")
	case json.Number:
		if len(x) > 15 {
			return "@NUMBER@"
		}
	}
	return v
}

// words are all words of a value, sorted.
func words(v any) []string {
	text := strings.NewReplacer(",", " ", `"`, " ", "[", " ", "]", " ").Replace(fmt.Sprint(normal(v)))
	list := strings.Fields(text)
	slices.Sort(list)
	return list
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

// plain is the result as whoever reads its JSON has it.
func plain(t *testing.T, r module.Result) map[string]any {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var out map[string]any
	if err := dec.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

var (
	backupName = regexp.MustCompile(`\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~`)
	lockHolder = regexp.MustCompile(`held by process \d+`)
	tempName   = regexp.MustCompile(`(case-temp-|/ansible\.)[a-z0-9_]+`)
)

func replaceDir(v any, from, to string) any {
	switch x := v.(type) {
	case string:
		x = strings.ReplaceAll(x, from, to)
		if to == "@DIR@" {
			x = lockHolder.ReplaceAllString(x, "held by process @PID@")
			x = tempName.ReplaceAllString(backupName.ReplaceAllString(x, ".@BACKUP@"), "${1}@TEMP@")
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

// takeCommands reads and removes the file in which programs of the case's own say how they were called.
func takeCommands(t *testing.T, dir string) []string {
	t.Helper()
	file := filepath.Join(dir, "commands")
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return nil
	}
	if err == nil {
		err = os.Remove(file)
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(string(text), dir, "@DIR@"), "\n"), "\n")
}

// modeOf is the mode and, unless it is root's, the owner.
func modeOf(info fs.FileInfo) string {
	mode := hostos.ModeText(hostos.Perm(info))
	if s, ok := info.Sys().(*syscall.Stat_t); ok && (s.Uid != 0 || s.Gid != 0) {
		mode += fmt.Sprintf(" %d:%d", s.Uid, s.Gid)
	}
	return mode
}

func snapshot(t *testing.T, dir string, unwatched []string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		name, _ := filepath.Rel(dir, p)
		if slices.Contains(unwatched, name) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		name = tempName.ReplaceAllString(backupName.ReplaceAllString(name, ".@BACKUP@"), "${1}@TEMP@")
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
			out[name] = []string{"dir", modeOf(info)}
		case !d.Type().IsRegular():
			out[name] = []string{"other", modeOf(info)}
		default:
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			text := strings.ReplaceAll(strings.ReplaceAll(string(b), "\r\n", "\n"), dir, "@DIR@")
			if !utf8.Valid(b) {
				text = "sha1 " + hostos.SHA1(b)
			}
			out[name] = []string{"file", modeOf(info), text}
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
