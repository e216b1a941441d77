package lookup_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/engine/lookup"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

// task is the context of the tests: a few variables, and testdata as the playbook's directory.
type task struct {
	dir string
	cfg *config.Config
}

func (t task) Context() context.Context { return context.Background() }
func (t task) Variable(name string) (value.Value, bool, error) {
	switch name {
	case "s":
		return value.Str("hello"), true, nil
	case "pre_two":
		return value.Int(2), true, nil
	case "vbad":
		return nil, true, value.Errorf("AnsibleUndefinedVariable", "'nope' is undefined")
	}
	return nil, false, nil
}
func (t task) VariableNames() []string                        { return []string{"s", "pre_two", "pre_hello"} }
func (t task) Render(v value.Value) (value.Value, error)      { return v, nil }
func (t task) SearchPath() []string                           { return nil }
func (t task) Basedir() string                                { return t.dir }
func (t task) Subdir() string                                 { return "" }
func (t task) Config() *config.Config                         { return t.cfg }
func (t task) Secrets() *vault.Secrets                        { return nil }
func (t task) Hosts(patterns []string) ([]string, error)      { return patterns, nil }
func (t task) HashPassword(p, m, s, i string) (string, error) { return m + ":" + s + ":" + p, nil }
func (t task) Warn(string)                                    {}
func (t task) RenderFile(text string, o lookup.FileOptions) (value.Value, error) {
	return value.Str(text), nil
}

func newTask(t *testing.T) task {
	t.Helper()
	dir, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Environ{Lookup: func(string) (string, bool) { return "", false }, Cwd: dir, Home: dir}, "")
	if err != nil {
		t.Fatal(err)
	}
	return task{dir, cfg}
}

// values reads a flow sequence of YAML as terms.
func values(t *testing.T, text string) []value.Value {
	t.Helper()
	n, err := yamldoc.LoadYAML([]byte("["+text+"]"), yamldoc.Options{Data: true})
	if err != nil {
		t.Fatal(err)
	}
	return n.Value().(*value.List).Elems
}

func options(t *testing.T, text string) []value.Kwarg {
	t.Helper()
	n, err := yamldoc.LoadYAML([]byte("{"+text+"}"), yamldoc.Options{Data: true})
	if err != nil {
		t.Fatal(err)
	}
	var out []value.Kwarg
	for _, p := range n.Pairs {
		out = append(out, value.Kwarg{Name: p.Name(), Val: p.Value.Value()})
	}
	return out
}

// The expectations are ansible-core 2.18's: Python's repr of the result, or the error's class and text.
func TestLookups(t *testing.T) {
	ctx := newTask(t)
	t.Setenv("TESTVAR", "testval")
	for _, c := range []struct{ name, terms, options, want string }{
		{"nope", "1", "", "AnsibleError: lookup plugin (nope) not found"},
		{"items", "[1, 2], a", "", "[1, 2, 'a']"},
		{"items", "a, [1, [2]]", "", "['a', 1, [2]]"},
		{"items", "{a: 1}", "", "[{'a': 1}]"},
		{"list", "[1, [2]]", "", "[[1, [2]]]"},
		{"indexed_items", "[b, a]", "", "[(0, 'b'), (1, 'a')]"},
		{"nested", "[1, 2], [a, b]", "", "[[1, 'a'], [1, 'b'], [2, 'a'], [2, 'b']]"},
		{"nested", "[[1, 2], [5]], [b, a]", "", "[[1, 2, 'b'], [1, 2, 'a'], [5, 'b'], [5, 'a']]"},
		{"nested", "[1], [2], [3, 4]", "", "[[1, 2, 3], [1, 2, 4]]"},
		{"nested", "[1, 2]", "", "TypeError: 'int' object is not iterable"},
		{"nested", "", "", "AnsibleError: with_nested requires at least one element in the nested list"},
		{"together", "[1, 2], [a]", "", "[[1, 'a'], [2, None]]"},
		{"together", "", "", "AnsibleError: with_together requires at least one element in each list"},
		{"dict", "{a: 1, b: 2}", "", "[{'key': 'a', 'value': 1}, {'key': 'b', 'value': 2}]"},
		{"dict", "[1]", "", "AnsibleError: with_dict expects a dict"},
		{"subelements", "[{name: a, keys: [k1, k2]}, {name: b, keys: [k3]}], keys", "", "[({'name': 'a'}, 'k1'), ({'name': 'a'}, 'k2'), ({'name': 'b'}, 'k3')]"},
		{"subelements", "[{name: a}], nope, {skip_missing: true}", "", "[]"},
		{"subelements", "[{name: a}], nope", "", "AnsibleError: could not find 'nope' key in iterated item '{'name': 'a'}'"},
		{"subelements", "[{addr: {city: Oslo}}], addr.city", "", "AnsibleError: the key city should point to a list, got 'Oslo'"},
		{"subelements", "{a: 1}, x", "", "AnsibleError: subelements lookup expects a dictionary, got '1'"},
		{"sequence", "'5-8'", "", "['5', '6', '7', '8']"},
		{"sequence", "'4:host%02d'", "", "['host01', 'host02', 'host03', 'host04']"},
		{"sequence", "start=0 count=5 stride=2", "", "['0', '2', '4', '6', '8']"},
		{"sequence", "start=10 end=0 stride=-2", "", "['10', '8', '6', '4', '2', '0']"},
		{"sequence", "'1-12/3:web%03d.example.com'", "", "['web001.example.com', 'web004.example.com', 'web007.example.com', 'web010.example.com']"},
		{"sequence", "'1-3:1:host%02d'", "", "['1:host01', '1:host02', '1:host03']"},
		{"sequence", "'5-1'", "", "AnsibleError: to count backwards make stride negative"},
		{"sequence", "'1-3:x'", "", "AnsibleError: bad formatting string: x"},
		{"sequence", "start=1", "", "AnsibleError: must specify count or end in with_sequence"},
		{"sequence", "count=3 end=3", "", "AnsibleError: can't specify both count and end in with_sequence"},
		{"sequence", "x", "", "AnsibleError: unrecognized arguments to with_sequence: ['_raw_params']"},
		{"sequence", "start=x end=2", "", "AnsibleOptionsError: Invalid type for configuration option plugin_type: lookup plugin: sequence setting: start (from Direct): "},
		{"sequence", "'0x0a-0x0f'", "", "AnsibleOptionsError: Invalid type for configuration option plugin_type: lookup plugin: sequence setting: end (from Direct): "},
		{"sequence", "start=-2 end=2", "", "['-2', '-1', '0', '1', '2']"},
		{"sequence", "''", "", "AnsibleError: must specify count or end in with_sequence"},
		{"sequence", "", "count: 3", "[]"},
		{"env", "TESTVAR, NOPE_VAR", "", "['testval', '']"},
		{"env", "TESTVAR extra", "", "['testval']"},
		{"env", "NOPE_VAR", "default: x", "['x']"},
		{"env", "''", "", "IndexError: list index out of range"},
		{"file", "hello.txt, sub/two.txt", "", "['Hello file', 'two']"},
		{"file", "spaces.txt", "", "['  spaced']"},
		{"file", "spaces.txt", "rstrip: false", "['  spaced  \\n\\n']"},
		{"file", "spaces.txt", "lstrip: true", "['spaced']"},
		{"file", "nofile", "", "AnsibleLookupError: The 'file' lookup had an issue accessing the file 'nofile'. file not found, use -vvvvv to see paths searched"},
		{"file", "sub", "", "AnsibleLookupError: The 'file' lookup had an issue accessing the file 'sub'. an error occurred while trying to read the file 'DIR/sub': [Errno 21] Is a directory: b'DIR/sub'. [Errno 21] Is a directory: b'DIR/sub'"},
		{"fileglob", "hello.txt, sub/two.txt", "", "['DIR/hello.txt', 'DIR/sub/two.txt']"},
		{"fileglob", "'nodir/*'", "", "[]"},
		{"first_found", "nope.txt, hello.txt", "", "['DIR/hello.txt']"},
		{"first_found", "nope.txt", "", "AnsibleLookupError: No file was found when using first_found."},
		{"first_found", "", "files: [two.txt], paths: [nodir, sub]", "['DIR/sub/two.txt']"},
		{"first_found", "{files: 'nope.txt,two.txt', paths: sub}", "", "['DIR/sub/two.txt']"},
		{"first_found", "{files: [nope], skip: true}", "", "[]"},
		{"first_found", "sub", "", "['DIR/sub']"},
		{"first_found", "5", "", "AnsibleLookupError: Invalid term supplied, can handle string, mapping or list of strings but got: <class 'int'> for 5"},
		{"pipe", "echo hi", "", "['hi']"},
		{"pipe", "cat hello.txt", "", "['Hello file']"},
		{"pipe", "exit 2", "", "AnsibleError: lookup_plugin.pipe(exit 2) returned 2"},
		{"lines", "echo 1; echo 2", "", "['1', '2']"},
		{"vars", "s, pre_two", "", "['hello', 2]"},
		{"vars", "nope", "", "AnsibleUndefinedVariable: No variable found with this name: nope"},
		{"vars", "nope", "default: x", "['x']"},
		{"vars", "vbad", "default: x", "['x']"},
		{"varnames", "^pre_.*", "", "['pre_two', 'pre_hello']"},
		{"varnames", "'('", "", "AnsibleError: Unable to use \"(\" as a search parameter: missing ), unterminated subpattern at position 0"},
		{"config", "DEFAULT_FORKS, DEFAULT_TIMEOUT", "", "[5, 10]"},
		{"config", "NOPE", "", "AnsibleLookupError: Unable to find setting NOPE. module 'ansible.constants' has no attribute 'NOPE'. module 'ansible.constants' has no attribute 'NOPE'"},
		{"config", "NOPE", "on_missing: skip", "[]"},
		{"config", "DEFAULT_FORKS", "show_origin: true", "[(5, None)]"},
		{"config", "remote_tmp", "plugin_type: shell, plugin_name: sh", "['~/.ansible/tmp']"},
		{"config", "port", "plugin_type: connection", "AnsibleOptionsError: Both plugin_type and plugin_name are required, cannot use one without the other"},
		{"csvfile", "Li", "file: elements.csv, delimiter: ','", "['3']"},
		{"csvfile", "'Li file=elements.csv delimiter=, col=2'", "", "['6.94']"},
		{"csvfile", "Li", "file: elements.csv, delimiter: ',', col: 9", "AnsibleError: csvfile: list index out of range"},
		{"csvfile", "'3'", "file: elements.csv, delimiter: ',', col: 0, keycol: 1", "['Li']"},
		{"csvfile", "Li", "file: nofile.csv, delimiter: ','", "AnsibleError: csvfile: [Errno 2] No such file or directory: b'None'"},
		{"csvfile", "k1", "file: tab.csv", "['v1']"},
		{"csvfile", "quoted", "file: elements.csv, delimiter: ','", "['a, b']"},
		{"csvfile", "''", "file: elements.csv, delimiter: ','", "AnsibleError: Search key is required but was not found"},
		{"csvfile", "Li nope=1", "file: elements.csv, delimiter: ','", "AnsibleError: nope is not a valid option"},
		{"csvfile", "'\"two words\"'", "file: elements.csv, delimiter: ','", "[]"},
		{"ini", "user", "section: integration, file: users.ini", "['robert']"},
		{"ini", "nope", "section: production, file: users.ini, default: x", "['x']"},
		{"ini", "nope", "section: production, file: users.ini", "['']"},
		{"ini", "user", "section: nope, file: users.ini", "AnsibleLookupError: No section 'nope' in users.ini"},
		{"ini", "user", "file: nofile.ini", "AnsibleParserError: Invalid filename: 'None'"},
		{"ini", "user, pass", "section: production, file: users.ini", "['robert_p', 'p%w']"},
		{"ini", "'.*'", "section: section1, file: users.ini, re: true", "['1', 'two', '1-x', 'line1\\nline2']"},
		{"ini", "user.name type=properties file=user.properties", "", "['java_u']"},
		{"ini", "interp", "section: section1, file: users.ini, interpolation: false", "['%(a)s-x']"},
		{"ini", "MixedCase", "section: case, file: users.ini, case_sensitive: true", "['mc']"},
		{"password", "/dev/null", "seed: host1, length: 10", "['.FxC8RS71B']"},
		{"password", "/dev/null", "seed: host1, length: 10, chars: [digits]", "['7323755763']"},
		{"password", "'/dev/null seed=x length=16 chars=ascii_letters,digits'", "", "['OuMMEeW6yLDQCyky']"},
		{"password", "/dev/null", "seed: s, length: 8, chars: [ascii_letters, digits, '!-']", "['96RaapZT']"},
		{"password", "passwd.txt", "", "['fixedpass']"},
		{"password", "/dev/null nope=1", "", "AnsibleError: Unrecognized parameter(s) given to password lookup: nope"},
		{"password", "/dev/null length=x", "", "AnsibleOptionsError: Invalid type for configuration option plugin_type: lookup plugin: password setting: length (from Direct): "},
	} {
		t.Run(c.name+" "+c.terms+" "+c.options, func(t *testing.T) {
			out, err := lookup.Run(ctx, c.name, values(t, c.terms), options(t, c.options))
			got := ""
			if err != nil {
				var e *value.Error
				if !errors.As(err, &e) {
					t.Fatalf("%T: %v", err, err)
				}
				got = e.Class + ": " + e.Msg
			} else {
				got, _ = value.Repr(value.NewList(out...))
			}
			if got = strings.ReplaceAll(got, ctx.dir, "DIR"); got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestPasswordIsKept(t *testing.T) {
	ctx := newTask(t)
	path := filepath.Join(t.TempDir(), "a", "pw")
	terms := []value.Value{value.Str(path + " length=7 chars=digits")}
	first, err := lookup.Run(ctx, "password", terms, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := lookup.Run(ctx, "password", terms, nil)
	if err != nil || first[0] != again[0] || len(first[0].(value.Str)) != 7 {
		t.Errorf("%v: %v, then %v", err, first, again)
	}
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", st, err)
	}
}

func TestAllIsSorted(t *testing.T) {
	if !sort.SliceIsSorted(lookup.All, func(i, j int) bool { return lookup.All[i].Name < lookup.All[j].Name }) {
		b, _ := json.Marshal(lookup.All)
		t.Error(string(b))
	}
}
