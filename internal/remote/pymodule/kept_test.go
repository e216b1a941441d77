package pymodule_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/remote/pymodule"
)

const keptModule = `#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.respawn import has_respawned, respawn_module
from ..module_utils.greet import greet
import os, sys

def main():
    m = AnsibleModule(argument_spec=dict(name=dict(type='str', required=True), secret=dict(no_log=True), again=dict(type='bool', default=False)))
    if m.params['again'] and not has_respawned():
        respawn_module(sys.executable)
    m.exit_json(greeting=greet(m.params['name']), secret=m.params['secret'], respawned=has_respawned(), argv=sys.argv[1:])

if __name__ == '__main__':
    main()
`

// keep writes the kept file of a module and returns its path.
func keep(t *testing.T, source string, args map[string]any) string {
	t.Helper()
	search := func(dotted string) ([]byte, bool, bool) {
		if dotted == "ansible_collections.my.own.plugins.module_utils.greet" {
			return []byte("def greet(name):\n    return 'hello ' + name\n"), false, true
		}
		return nil, false, false
	}
	m := pymodule.Pack("my.own.hello", "ansible_collections.my.own.plugins.modules.hello", []byte(source), search)
	raw := map[string]json.RawMessage{}
	for k, v := range args {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		raw[k] = b
	}
	text, err := m.Kept(raw)
	if err != nil {
		t.Fatal(err)
	}
	if m.KeptName() != "AnsiballZ_hello.py" {
		t.Errorf("name %s", m.KeptName())
	}
	file := filepath.Join(t.TempDir(), m.KeptName())
	if err := os.WriteFile(file, text, 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestKept(t *testing.T) {
	for _, python := range interpreters(t) {
		file := keep(t, keptModule, map[string]any{"name": "it's \"Jürgen\" \u2028", "secret": "hunter2"})
		run := func(file string, words ...string) string {
			out, err := exec.Command(python, append([]string{file}, words...)...).CombinedOutput()
			if err != nil {
				t.Fatalf("%s %v: %v\n%s", python, words, err, out)
			}
			return string(out)
		}
		result := func(out string) map[string]any {
			var r map[string]any
			if err := json.Unmarshal([]byte(out), &r); err != nil {
				t.Fatalf("%s: %v in %q", python, err, out)
			}
			return r
		}
		want := result(run(file))
		if want["greeting"] != "hello it's \"Jürgen\" \u2028" || want["secret"] != "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" {
			t.Errorf("%s: %v", python, want)
		}
		debug := filepath.Join(filepath.Dir(file), "debug_dir")
		if got := run(file, "explode"); got != "Module expanded into:\n"+debug+"\n" {
			t.Errorf("explode says %q", got)
		}
		if got := result(run(file, "execute")); !maps.EqualFunc(got, want, func(a, b any) bool { x, _ := json.Marshal(a); y, _ := json.Marshal(b); return string(x) == string(y) }) {
			t.Errorf("execute gives %v, not %v", got, want)
		}
		args := filepath.Join(debug, "args")
		text, err := os.ReadFile(args)
		if err != nil {
			t.Fatal(err)
		}
		utils := filepath.Join(debug, "ansible_collections/my/own/plugins/module_utils/greet.py")
		for name, text := range map[string]string{
			args: strings.Replace(string(text), "Jürgen", "Jana", 1), utils: "def greet(name):\n    return 'bye ' + name\n",
		} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := result(run(file, "execute")); got["greeting"] != "bye it's \"Jana\" \u2028" {
			t.Errorf("what was changed does not run: %v", got)
		}
		if got := run(file, "explain"); got != "WARNING: Unknown debug command.  Doing nothing.\n" {
			t.Errorf("another word: %q", got)
		}
		if got := result(run(keep(t, keptModule, map[string]any{"name": "again", "again": true}))); got["respawned"] != true {
			t.Errorf("%s: run anew under another interpreter: %v", python, got)
		}
	}
}
