package session_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/remote/become"
	"github.com/troupe-automation/troupe/internal/remote/pymodule"
	"github.com/troupe-automation/troupe/internal/remote/session"
)

const simpleModule = `#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
import os

def main():
    module = AnsibleModule(argument_spec=dict(name=dict(required=True), secret=dict(no_log=True), command=dict(type='list', elements='str')), supports_check_mode=True)
    out = {}
    if module.params['command']:
        out['rc'], out['stdout'], out['stderr'] = module.run_command(module.params['command'], check_mode=False)
    module.exit_json(changed=module.check_mode, hello=module.params['name'], shown=module.params['secret'], uid=os.getuid(), env=os.environ.get('GREETING'), **out)

if __name__ == '__main__':
    main()
`

func python(t testing.TB) []string {
	t.Helper()
	for _, p := range []string{"/usr/bin/python3", "python3"} {
		if file, err := exec.LookPath(p); err == nil {
			return []string{file}
		}
	}
	t.Skip("no python3 on this machine")
	return nil
}

func TestPythonModule(t *testing.T) {
	interpreter := python(t)
	s := open(t, local)
	m := pymodule.Pack("hello", "", []byte(simpleModule), nil)
	m.Interpreter = interpreter
	args := json.RawMessage(`{"name": "world", "secret": "hunter2", "command": ["echo", "it is hunter2"]}`)
	for _, check := range []bool{false, true} {
		r := run(t, s, session.Call{Python: m, Args: args, Check: check, Env: map[string]string{"GREETING": "hi"}})
		if r["hello"] != "world" || r["env"] != "hi" || r["changed"] != check || r["stdout"] != "it is ********\n" || r["shown"] != "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" {
			t.Errorf("result %v", r)
		}
	}
	if os.Getuid() == 0 {
		r := run(t, s, session.Call{Python: m, Args: args, Become: &become.Spec{User: "nobody"}})
		if r["uid"] != 65534.0 {
			t.Errorf("as nobody: %v", r)
		}
	}
	if r := run(t, s, session.Call{Python: m, Args: json.RawMessage(`{}`)}); r["msg"] != "missing required arguments: name" || r["failed"] != true {
		t.Errorf("without arguments: %v", r)
	}
}

// Every Python from 3.6 on runs modules, with libraries of their own and Python's and ours imported before the fork; the environment
// of a task counts as if the interpreter had been started with it.
func TestPythonVersions(t *testing.T) {
	found, _ := filepath.Glob(filepath.Join(os.Getenv("HOME"), ".pyenv/versions/3.*/bin/python3"))
	found = append(found, python(t)...)
	source := strings.Replace(simpleModule, "import AnsibleModule\n", "import AnsibleModule\nimport ssl, time, urllib.request\nfrom ansible.module_utils.urls import fetch_url\nfrom ansible.module_utils.own import word\n"+
		"try:\n    from ansible.module_utils import nothing\nexcept ImportError:\n    nothing = None\n", 1)
	source = strings.Replace(source, "hello=", "zone=time.tzname[0], word=word(), path=__import__('sys').path[0], hello=", 1)
	search := func(dotted string) ([]byte, bool, bool) {
		return []byte("import decimal\ndef word(): return str(decimal.Decimal('1.50'))\n"), false, dotted == "ansible.module_utils.own"
	}
	for _, interpreter := range found {
		s := open(t, local)
		for n := range 3 { // the second and third have all sources there
			m := pymodule.Pack("hello", "", []byte(source), search)
			m.Interpreter = []string{interpreter}
			r := run(t, s, session.Call{Python: m, Args: json.RawMessage(`{"name": "world"}`), Env: map[string]string{"TZ": "XYZ5", "PYTHONPATH": "/some/where"}})
			if r["hello"] != "world" || r["word"] != "1.50" || r["zone"] != "XYZ" || r["path"] != "/some/where" {
				t.Errorf("%s, run %d: %v", interpreter, n, r)
			}
		}
	}
}

// What a secret parameter holds stays hidden also when another parameter is of the wrong kind, from invocation too.
func TestSecretsOfWrongArguments(t *testing.T) {
	s := open(t, local)
	m := pymodule.Pack("secretive", "", []byte(`from ansible.module_utils.basic import AnsibleModule
AnsibleModule(argument_spec=dict(
    nested=dict(type='dict', options=dict(inner=dict(no_log=True))), secret=dict(no_log=True),
    items=dict(type='list', elements='dict', options=dict(inner=dict(no_log=True))))).exit_json()
`), nil)
	m.Interpreter = python(t)
	for _, args := range []string{
		`{"nested": 9068.2, "secret": "hunter2", "items": [{"inner": "hunter2"}]}`,
		`{"nested": {"inner": "hunter2"}, "secret": "hunter2", "items": 5}`,
		`{"nested": "inner=hunter2", "secret": "hunter2", "unknown": 1}`,
	} {
		r := run(t, s, session.Call{Python: m, Args: json.RawMessage(args), Verbosity: 5})
		if text, _ := json.Marshal(r); r["failed"] != true || strings.Contains(string(text), "hunter2") {
			t.Errorf("%s gives %s", args, text)
		}
	}
}

// The expectations were recorded from ansible-core 2.18.
func TestForeignModules(t *testing.T) {
	interpreter := python(t)
	s := open(t, local)
	failure := "MODULE FAILURE: No start of json char found\nSee stdout/stderr for the exact error"
	for _, c := range []struct {
		name, source, args string
		want               map[string]any
	}{
		{"python that raises", "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\nprint('not json')\nraise RuntimeError('boom')\n", `{}`,
			map[string]any{"failed": true, "changed": false, "rc": 1.0, "module_stdout": "not json\n", "msg": failure}},
		{"python without exit_json", "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\nprint('nothing')\n", `{}`,
			map[string]any{"failed": true, "msg": "New-style module did not handle its own exit"}},
		{"shell without JSON", "#!/bin/sh\necho hello\necho oops >&2\nexit 3\n", `{}`,
			map[string]any{"failed": true, "changed": false, "rc": 3.0, "module_stdout": "hello\n", "module_stderr": "oops\n", "msg": failure}},
		{"WANT_JSON with junk", "#!/bin/sh\n# WANT_JSON\necho noise\nprintf '{\"changed\": false, \"x\": %s}\\n' \"$(wc -l <$1)\"\necho trailing\n", `{"a": 1}`,
			map[string]any{"changed": false, "x": 0.0, "warnings": []any{"Module invocation had junk after the JSON data: trailing"}}},
		{"old style", "#!/bin/sh\nprintf '{\"changed\": false, \"got\": \"%s\"}' \"$(cut -d_ -f1 $1)\"\n", `{"a": 1, "b": "x y", "c": [1, 2]}`,
			map[string]any{"changed": false, "got": "a=1 b='x y' c='[1, 2]' "}},
		{"arguments in the source", "#!/bin/sh\ncat <<'X'\n{\"changed\": false, \"got\": <<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>}\nX\n", `{"b": "x 'y"}`,
			map[string]any{"changed": false}},
		{"exit code of no interest", "#!/bin/sh\n# WANT_JSON\necho '{\"changed\": false, \"x\": 1}'\necho err >&2\nexit 5\n", `{}`,
			map[string]any{"changed": false, "x": 1.0}},
		{"cut off", "#!/bin/sh\n# WANT_JSON\necho '{\"changed\": false'\n", `{}`,
			map[string]any{"failed": true, "msg": "MODULE FAILURE: No end of json char found\nSee stdout/stderr for the exact error"}},
		{"python with WANT_JSON", "#!/usr/bin/python\n# WANT_JSON\nimport json, sys\nprint(json.dumps({'changed': True, 'got': json.load(open(sys.argv[1]))['a']}))\n", `{"a": [1]}`,
			map[string]any{"changed": true, "got": []any{1.0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := pymodule.Pack("mod", "", []byte(c.source), nil)
			if m.Interpreter != nil {
				m.Interpreter = interpreter
			}
			r := run(t, s, session.Call{Python: m, Args: json.RawMessage(c.args)})
			for k, v := range c.want {
				got, _ := json.Marshal(r[k])
				want, _ := json.Marshal(v)
				if string(got) != string(want) {
					t.Errorf("%s = %s, want %s", k, got, want)
				}
			}
		})
	}
	t.Run("no such interpreter", func(t *testing.T) {
		m := pymodule.Pack("hello", "", []byte(simpleModule), nil)
		m.Interpreter = []string{"/no/such/python"}
		r := run(t, s, session.Call{Python: m})
		if msg, _ := r["msg"].(string); r["rc"] != 127.0 || !strings.HasPrefix(msg, "The module failed to execute correctly, you probably need to set the interpreter.") {
			t.Errorf("result %v", r)
		}
	})
}

func TestModuleUtils(t *testing.T) {
	interpreter := python(t)
	dir := t.TempDir()
	files := map[string]string{
		"ansible/module_utils/mine.py":                                              "from ansible.module_utils.deep.er import WORD\n",
		"ansible/module_utils/deep/er.py":                                           "WORD = 'deep'\n",
		"ansible_collections/acme/tools/plugins/module_utils/a.py":                  "from .b import B\nfrom ansible_collections.acme.tools.plugins.module_utils import c\nA = B + c.C\n",
		"ansible_collections/acme/tools/plugins/module_utils/b.py":                  "B = 'b'\n",
		"ansible_collections/acme/tools/plugins/module_utils/c/__init__.py":         "C = 'c'\n",
		"ansible_collections/acme/tools/plugins/module_utils/unused_and_broken.py":  "raise Exception\n",
		"ansible_collections/acme/tools/plugins/module_utils/relative_to_module.py": "R = 'r'\n",
	}
	for name, text := range files {
		file := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(file), 0o755)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	search := func(dotted string) ([]byte, bool, bool) {
		p := filepath.Join(dir, filepath.FromSlash(strings.ReplaceAll(dotted, ".", "/")))
		if text, err := os.ReadFile(p + ".py"); err == nil {
			return text, false, true
		}
		if st, err := os.Stat(p); err == nil && st.IsDir() {
			text, _ := os.ReadFile(p + "/__init__.py")
			return text, true, true
		}
		return nil, false, false
	}
	source := `#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.mine import WORD
from ansible.module_utils.six.moves.urllib.parse import urlparse
from ansible_collections.acme.tools.plugins.module_utils.a import (
    A,  # a comment
)
from ..module_utils.relative_to_module import R
AnsibleModule(argument_spec={}).exit_json(all=WORD + A + R, host=urlparse('http://h/').netloc)
`
	m := pymodule.Pack("acme.tools.mod", "ansible_collections.acme.tools.plugins.modules.mod", []byte(source), search)
	m.Interpreter = interpreter
	if r := run(t, open(t, local), session.Call{Python: m}); r["all"] != "deepbcr" || r["host"] != "h" {
		t.Errorf("result %v", r)
	}
}

// testdata/exercise.json is what the same module returned under ansible-core 2.18.
func TestPythonLibrary(t *testing.T) {
	interpreter := python(t)
	if os.Getuid() != 0 {
		t.Skip("not root on this machine: the module changes owners")
	}
	source, err := os.ReadFile("../pymodule/testdata/exercise.py")
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := os.ReadFile("../pymodule/testdata/exercise.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(recorded, &want); err != nil {
		t.Fatal(err)
	}
	m := pymodule.Pack("exercise", "", source, nil)
	m.Interpreter = interpreter
	args, _ := json.Marshal(map[string]string{"dir": t.TempDir(), "token": "s3cr3t"})
	got := run(t, open(t, local), session.Call{Python: m, Args: args, Env: map[string]string{"EX_ENV": "from env"}})
	delete(got, "invocation")
	for k, v := range want {
		a, _ := json.Marshal(got[k])
		b, _ := json.Marshal(v)
		if string(a) != string(b) {
			t.Errorf("%s\n got %s\nwant %s", k, a, b)
		}
		delete(got, k)
	}
	if len(got) > 0 {
		t.Errorf("more than expected: %v", got)
	}
}

func TestFetch(t *testing.T) {
	interpreter := python(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/final", http.StatusFound)
		case "/final":
			user, pass, _ := r.BasicAuth()
			http.SetCookie(w, &http.Cookie{Name: "c", Value: "v"})
			fmt.Fprintf(w, "%s %s:%s %s", r.Method, user, pass, r.Header.Get("X-Test"))
		default:
			http.Error(w, "gone away", http.StatusTeapot)
		}
	}))
	defer server.Close()
	source := `#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import fetch_url, fetch_file, open_url, url_argument_spec
m = AnsibleModule(argument_spec=url_argument_spec())
u = m.params['url']
resp, info = fetch_url(m, u + '/moved', headers={'X-Test': 'x'})
bad, bad_info = fetch_url(m, u + '/nothing')
dead, dead_info = fetch_url(m, 'http://127.0.0.1:1/')
m.exit_json(body=resp.read().decode(), status=info['status'], url=info['url'], cookies=info['cookies'], bad=[bad_info['status'], bad_info['msg'], bad_info['body'].decode().strip()],
            dead=[dead, dead_info['status'], dead_info['msg']], file=open(fetch_file(m, u + '/final')).read(), post=open_url(u + '/final', data='d').read().decode())
`
	m := pymodule.Pack("fetch", "", []byte(source), nil)
	m.Interpreter = interpreter
	args, _ := json.Marshal(map[string]any{"url": server.URL, "url_username": "u", "url_password": "secret", "force_basic_auth": true})
	r := run(t, open(t, local), session.Call{Python: m, Args: args})
	delete(r, "invocation")
	got, _ := json.Marshal(r)
	want := `{"bad":[418,"HTTP Error 418: I'm a teapot","gone away"],"body":"GET u:******** x","cookies":{"c":"v"},` +
		`"dead":[null,-1,"Request failed: \u003curlopen error [Errno 111] Connection refused\u003e"],"file":"GET u:******** ","post":"POST : ","status":200,"url":"` + server.URL + `/final"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func BenchmarkPythonModule(b *testing.B) {
	interpreter := python(b)
	s, err := session.Open(b.Context(), local, session.Config{Self: self(), PreferSelf: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	m := pymodule.Pack("hello", "", []byte(simpleModule), nil)
	m.Interpreter = interpreter
	for b.Loop() {
		if _, err := s.Run(b.Context(), session.Call{Python: m, Args: json.RawMessage(`{"name": "x"}`)}); err != nil {
			b.Fatal(err)
		}
	}
}
