package pyhost_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/content/inventory"
	"github.com/troupe-automation/troupe/internal/content/vars"
	"github.com/troupe-automation/troupe/internal/engine/pyhost"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

// said keeps what plugins say.
type said struct {
	mu  sync.Mutex
	all strings.Builder
}

func (s *said) add(parts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.WriteString(strings.Join(parts, ""))
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

func (s *said) Show(text, _ string, _, newline bool) {
	if newline {
		text += "\n"
	}
	s.add(text)
}
func (s *said) Raw(text string, _ bool)    { s.add(text) }
func (s *said) Banner(text, _ string)      { s.add("== ", text, "\n") }
func (s *said) V(_ int, host, text string) { s.add(host, ": ", text, "\n") }
func (s *said) Warning(text string)        { s.add("[WARNING]: ", text, "\n") }
func (s *said) Deprecated(text string)     { s.add("[DEPRECATED]: ", text, "\n") }
func (s *said) Error(text string)          { s.add("ERROR! ", text, "\n") }

type project struct {
	*pyhost.Host
	dir string
	out *said
}

// newProject writes files (name → text) and returns a host whose playbooks lie there.
func newProject(t testing.TB, files map[string]string) *project {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3 on this machine")
	}
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	env := config.Environ{Cwd: dir, Home: dir, Lookup: func(name string) (string, bool) {
		switch name {
		case "FROM_ENV":
			return "by the environment", true
		case "ANSIBLE_HOME":
			return dir, true
		}
		return "", false
	}}
	c, err := config.Load(env, "")
	if err != nil {
		t.Fatal(err)
	}
	p := &project{dir: dir, out: &said{}}
	p.Host = &pyhost.Host{
		Config: c, Secrets: &vault.Secrets{}, Templates: template.New(template.Options{}), Output: p.out,
		Search: &pyhost.Search{Config: c, Finder: &collection.Finder{Paths: []string{filepath.Join(dir, "collections")}}},
	}
	p.Templates.PythonFilter, p.Templates.Overrides = p.Function, p.Overrides
	p.Templates.Lookup = func(t *template.Templar, name string, terms []value.Value, options []value.Kwarg) (value.Value, error) {
		got, found, err := p.Lookup(context.Background(), t, name, terms, options)
		if !found && err == nil {
			err = value.Errorf("AnsibleError", "lookup plugin (%s) not found", name)
		}
		return got, err
	}
	p.Search.SetBasedir(dir)
	p.Search.Add(dir)
	t.Cleanup(p.Close)
	return p
}

// render renders a template of content with some variables.
func (p *project) render(text string, variables *value.Dict) (string, error) {
	tpl := p.Templates.New(&vars.Scope{Layers: []vars.Layer{{Name: "test", Vars: variables}}})
	tpl.Basedir = p.dir
	v, err := tpl.Render(value.NewTemplate(text, source.Pos{}))
	if err != nil {
		return "", err
	}
	return value.ToStr(v)
}

const filters = `
import datetime
from ansible.errors import AnsibleFilterError
from ansible.plugins.filter.core import regex_replace

def fail(x, how):
    if how == 'filter':
        raise AnsibleFilterError('no %s' % x)
    raise ValueError('bad %s' % x)

class FilterModule:
    def filters(self):
        return {
            'same': lambda x: x, 'kind': lambda x: type(x).__name__, 'gen': lambda x: (i * 2 for i in x), 'fail': fail,
            'wrap': lambda x, c='*', end=None: c + str(x) + (end or c), 'bytes': lambda x: x.encode(), 'when': lambda x: datetime.date(2024, 2, 29),
            'native': lambda x: regex_replace(x, 'b+', '-'), 'say': say, 'exit': lambda x: __import__('os')._exit(3), 'obj': lambda x: Thing(x),
            'many': lambda x: 'x' * x, 'named': lambda x: __name__, 'flatten': lambda x: 'mine',
        }

class Thing:
    def __init__(self, n): self.n = n
    def __str__(self): return 'thing %s' % self.n
    def twice(self): return self.n * 2

def say(x):
    print('printed', x)
    return x
`

// What Python gives is what the same plugin gives under ansible-core 2.18.
func TestFunctions(t *testing.T) {
	p := newProject(t, map[string]string{
		"filter_plugins/f.py":      filters,
		"filter_plugins/broken.py": "import no_such_module\n",
		"test_plugins/t.py":        "class TestModule:\n    def tests(self): return {'big': lambda x, than=100: x > than}\n",
		"collections/ansible_collections/my/col/plugins/filter/f.py":          "from ..module_utils.u import twice\nclass FilterModule:\n    def filters(self): return {'twice': twice}\n",
		"collections/ansible_collections/my/col/plugins/filter/sub/g.py":      "class FilterModule:\n    def filters(self): return {'deep': lambda x: 'deep ' + x}\n",
		"collections/ansible_collections/my/col/plugins/module_utils/u.py":    "def twice(x): return x * 2\n",
		"collections/ansible_collections/my/col/plugins/module_utils/none.py": "",
		"collections/ansible_collections/my/col/meta/runtime.yml":             "plugin_routing:\n  filter:\n    old: {redirect: my.col.twice}\n    gone: {tombstone: {removal_version: 1.0.0, warning_text: Use twice.}}\n",
	})
	vars := value.DictOf("n", value.Int(5), "data", value.Str("{{ n }}"), "big", value.NewList(value.Int(1), value.Str("a"), value.None))
	for _, c := range []struct{ name, text, want, fails string }{
		{"argument", "{{ n | wrap }} {{ n | wrap('<', end='>') }}", "*5* <5>", ""},
		{"types", "{{ 1 | kind }} {{ 1.0 | kind }} {{ none | kind }} {{ true | kind }} {{ [1] | kind }} {{ {1: 2} | kind }} {{ (1,) | kind }}", "int float NoneType bool list dict tuple", ""},
		{"keys that are no text stay", "{{ {1: 'a', none: 2} | same }}", "{1: 'a', None: 2}", ""},
		{"large numbers", "{{ 123456789012345678901234567890 | same }}", "123456789012345678901234567890", ""},
		{"data is no template", "{{ data | same }} {{ data | kind }}", "{{ n }} AnsibleUnsafeText", ""},
		{"generators become lists", "{{ [1, 2] | gen }}", "[2, 4]", ""},
		{"bytes and dates", "{{ 'ä' | bytes }} {{ 1 | when }}", "ä 2024-02-29", ""},
		{"objects stay in Python", "{{ 4 | obj }} {{ (4 | obj).n }} {{ (4 | obj).twice() }}", "thing 4 4 8", ""},
		{"our filters from Python", "{{ 'abbc' | native }}", "a-c", ""},
		{"in place of one of ours", "{{ [1] | flatten }} {{ [1] | first }}", "mine 1", ""},
		{"undefined", "{{ nosuch | wrap }}", "", "'nosuch' is undefined"},
		{"AnsibleFilterError", "{{ 1 | fail('filter') }}", "", "no 1"},
		{"other errors", "{{ 1 | fail('x') }}", "", "bad 1"},
		{"unknown", "{{ 1 | nosuchfilter }}", "", "Could not load \"nosuchfilter\": 'nosuchfilter'"},
		{"test", "{{ 200 is big }} {{ 200 is big(300) }} {{ 1 is not big }}", "True False True", ""},
		{"collection", "{{ 'ab' | my.col.twice }} {{ 'x' | my.col.sub.deep }} {{ 'ab' | my.col.old }}", "abab deep x abab", ""},
		{"removed", "{{ 1 | my.col.gone }}", "", `"my.col.gone" has been removed`},
		{"the end of the process", "{{ 1 | exit }}", "", "A worker was found in a dead state"},
		{"after the end", "{{ n | wrap }}", "*5*", ""},
		{"their module's name", "{{ 1 | named is match('ansible[.]plugins[.]filter[.][0-9]+_f$') }}", "True", ""},
		{"a large result", "{{ 3000000 | many | length }}", "3000000", ""},
	} {
		got, err := p.render(c.text, vars)
		switch {
		case c.fails == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)):
			t.Errorf("%s: error %v, want %q", c.name, err, c.fails)
		case got != c.want:
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if _, err := p.render("{{ 7 | say }}", vars); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"printed 7\n", "Skipping filter plugin " + filepath.Join(p.dir, "filter_plugins/broken.py") + ", cannot load: No module named 'no_such_module'"} {
		if !strings.Contains(p.out.String(), want) {
			t.Errorf("the user was not told %q but %q", want, p.out)
		}
	}
}

const lookupPlugin = `
DOCUMENTATION = '''
name: opts
options:
  _terms: {description: terms, required: true}
  color: {type: str, default: red, choices: [red, blue]}
  count: {type: int, default: 3, vars: [{name: opts_count}]}
  names: {type: list, choices: [a, b]}
  env: {env: [{name: FROM_ENV}]}
  flags: {type: list, ini: [{section: opts, key: flags}], default: [a, b]}
  need: {required: true}
extends_documentation_fragment: [my.col.more]
'''
from ansible.plugins.lookup import LookupBase

class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        return [self.get_option(t) for t in terms]
`

func TestLookup(t *testing.T) {
	p := newProject(t, map[string]string{
		"lookup_plugins/opts.py":   lookupPlugin,
		"lookup_plugins/direct.py": "from ansible.plugins.lookup import LookupBase\nclass LookupModule(LookupBase):\n    def run(self, terms, variables=None, **kw):\n        self.set_options(direct=kw)\n        return [self._options.get(t) for t in terms]\n",
		"lookup_plugins/v.py":      "from ansible.plugins.lookup import LookupBase\nclass LookupModule(LookupBase):\n    def run(self, terms, variables=None, **kw):\n        return [variables[t] for t in terms] + [self._templar.template('{{ y }}'), 'x' in variables, 'q' in variables, sorted(variables)[0]]\n",
		"lookup_plugins/name.py":   "from ansible.plugins.lookup import LookupBase\nclass LookupModule(LookupBase):\n    def run(self, terms, **kw):\n        return [__name__]\n",
		"lookup_plugins/set.py":    strings.Replace(lookupPlugin, "        self.set_options(var_options=variables, direct=kwargs)\n        return [self.get_option(t) for t in terms]", "        self.set_option(*terms)\n        return [self.get_option(terms[0])]", 1),
		"lookup_plugins/as.py":     "from ansible.plugins.lookup import LookupBase\nclass LookupModule(LookupBase):\n    def run(self, terms, **kw):\n        return {'text': 'abc', 'dict': {'k': 1}, 'nothing': None, 'number': 5}[terms[0]]\n",
		"lookup_plugins/err.py":    "from ansible.plugins.lookup import LookupBase\nfrom ansible.errors import AnsibleLookupError\nclass LookupModule(LookupBase):\n    def run(self, terms, **kw):\n        if terms[0] == 'lookup': raise AnsibleLookupError('not found')\n        raise KeyError('k')\n",
		"collections/ansible_collections/my/col/plugins/doc_fragments/more.py": "class ModuleDocFragment:\n    DOCUMENTATION = '''\noptions:\n  shared: {default: from the fragment}\n'''\n",
	})
	vars := value.DictOf("opts_count", value.Int(7), "x", value.NewTemplate("{{ y }}", source.Pos{}), "y", value.Int(1))
	for _, c := range []struct{ name, text, want, fails string }{
		{"defaults and types", "{{ query('opts', 'color', 'flags', 'shared', need=1) }}", "['red', ['a', 'b'], 'from the fragment']", ""},
		{"given, variable, environment", "{{ query('opts', 'color', 'count', 'env', color='blue', need=1) }}", "['blue', 7, 'by the environment']", ""},
		{"required", "{{ query('opts', 'color') }}", "", "No setting was provided for required configuration plugin_type: lookup plugin: opts setting: need "},
		{"choices", "{{ query('opts', 'color', color='pink', need=1) }}", "", `Invalid value "pink" for configuration option "plugin_type: lookup plugin: opts setting: color ", valid values are: red, blue`},
		{"choices of a list", "{{ query('opts', 'names', names=['b', 'a'], need=1) }} {{ query('opts', 'names', names='a,b', need=1) }}", "[['b', 'a']] [['a', 'b']]", ""},
		{"no choice in a list", "{{ query('opts', 'names', names='b, c', need=1) }}", "", `Invalid value "['b', 'c']" for configuration option "plugin_type: lookup plugin: opts setting: names ", valid values are: a, b`},
		{"one option", "{{ query('set', 'count', '5') }} {{ query('set', 'flags', 'x,y') }} {{ query('set', 'nosuch', 1) }}", "[5] [['x', 'y']] [1]", ""},
		{"its module's name", "{{ lookup('name') }}", "ansible.plugins.lookup.name", ""},
		{"not documented at all", "{{ query('direct', 'url', url='http://h') }}", "['http://h']", ""},
		{"variables are not rendered, templar is", "{{ query('v', 'x') }}", "['{{ y }}', 1, True, False, 'opts_count']", ""},
		{"AnsibleLookupError", "{{ lookup('err', 'lookup') }}", "", "not found"},
		{"other errors", "{{ lookup('err', 'x') }}", "", "An unhandled exception occurred while running the lookup plugin 'err'. Error was a <class 'KeyError'>, original message: 'k'. 'k'"},
		{"a text, as up to 2.17", "{{ query('as', 'text') }} {{ lookup('as', 'text') }} {{ query('as', 'dict') }} {{ lookup('as', 'dict') }} {{ query('as', 'nothing') }} {{ query('as', 'number') }}", "abc a,b,c {'k': 1} k  5", ""},
		{"no list at all", "{{ lookup('as', 'number') }}", "", "The lookup plugin 'as' did not return a list."},
		{"unknown", "{{ lookup('nosuch') }}", "", "lookup plugin (nosuch) not found"},
	} {
		got, err := p.render(c.text, vars)
		switch {
		case c.fails == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)):
			t.Errorf("%s: error %v, want %q", c.name, err, c.fails)
		case got != c.want:
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

const callbackPlugin = `
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_TYPE = 'notification'
    CALLBACK_NAME = 'cb'
    def v2_playbook_on_start(self, playbook): self._display.display('start ' + playbook.get_name())
    def v2_playbook_on_play_start(self, play): self._display.display('play ' + play.get_name())
    def v2_playbook_on_task_start(self, task, is_conditional): self._display.display('task %s %s' % (task.get_name(), task.action))
    def v2_runner_on_ok(self, result): self._display.display('ok %s %s %s' % (result._host.get_name(), result._task.get_name(), sorted(result._result)))
    def runner_on_failed(self, host, res, ignore_errors=False): self._display.display('old failed %s %s' % (host, ignore_errors))
    def v2_runner_on_unreachable(self, result): raise RuntimeError('oops')
    def v2_playbook_on_stats(self, stats): self._display.display('stats %s %s' % (stats.get_stats()['h'].ok, stats.summarize('h')['failures']))
`

func TestCallbacks(t *testing.T) {
	p := newProject(t, map[string]string{
		"callback_plugins/cb.py":  callbackPlugin,
		"callback_plugins/off.py": strings.ReplaceAll(callbackPlugin, "CALLBACK_NAME = 'cb'", "CALLBACK_NEEDS_ENABLED = True"),
		"callback_plugins/out.py": strings.ReplaceAll(callbackPlugin, "'notification'", "'stdout'"),
	})
	c, stdout, err := p.LoadCallbacks(t.Context(), pyhost.CallbackOptions{Adjacent: true})
	if err != nil || c == nil || stdout {
		t.Fatal(c, stdout, err)
	}
	task := &event.Task{ID: "1", Name: "web : install", Role: "web", Written: "copy", Action: "ansible.builtin.copy"}
	for _, e := range []event.Event{
		&event.PlaybookStart{File: "/x/site.yml"}, &event.PlayStart{Name: "all", ID: "p"}, &event.TaskStart{Task: task}, &event.HostStart{Task: task},
		&event.Result{Task: task, Host: event.Host{Name: "h"}, Status: event.Changed, Result: value.DictOf("changed", value.True, "failed", value.False, "_ansible_x", value.True)},
		&event.Result{Task: task, Host: event.Host{Name: "h"}, Status: event.Failed, Ignored: true, Result: value.DictOf("failed", value.True)},
		&event.Result{Task: task, Host: event.Host{Name: "h"}, Status: event.Unreachable, Result: value.NewDict()},
		&event.Stats{Hosts: []string{"h"}, ByHost: map[string]event.Summary{"h": {OK: 2, Failed: 1}}},
	} {
		c.Emit(e)
	}
	got := p.out.String()
	want := "start site.yml\nplay all\ntask web : install copy\nok h web : install ['changed']\nold failed h True\n"
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "stats 2 1\n") || !strings.Contains(got, "[WARNING]: Failure using method (v2_runner_on_unreachable) in callback plugin (<") {
		t.Errorf("callbacks said\n%s", got)
	}
}

const inventoryPlugin = `
DOCUMENTATION = '''
name: mine
options:
  plugin: {required: true}
  names: {type: list, default: []}
extends_documentation_fragment: [constructed, inventory_cache]
'''
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable, Cacheable

class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = 'mine'
    def verify_file(self, path):
        return super().verify_file(path) and path.endswith('mine.yml')
    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        for n in self.get_option('names'):
            inventory.add_host(n, group=inventory.add_group('named'))
            inventory.set_variable(n, 'site', n[:2])
            inventory.set_variable(n, 'greeting', '{{ site }}!')
            strict = self.get_option('strict')
            self._set_composite_vars(self.get_option('compose'), inventory.get_host(n).get_vars(), n, strict)
            self._add_host_to_composed_groups(self.get_option('groups'), {}, n, strict)
            self._add_host_to_keyed_groups(self.get_option('keyed_groups'), {}, n, strict)
`

func TestInventory(t *testing.T) {
	p := newProject(t, map[string]string{
		"inventory_plugins/mine.py": inventoryPlugin,
		"mine.yml":                  "plugin: mine\nnames: [fr1, de1]\ncompose: {twice: site * 2}\ngroups: {french: site == 'fr'}\nkeyed_groups: [{key: site, prefix: in}]\n",
		"vars_plugins/v.py":         "from ansible.plugins.vars import BaseVarsPlugin\nclass VarsModule(BaseVarsPlugin):\n    def get_vars(self, loader, path, entities):\n        return {'from_plugin': entities[0].name}\n",
	})
	inv, err := inventory.Load(t.Context(), []string{filepath.Join(p.dir, "mine.yml")}, inventory.Options{External: p.Inventories(func() *value.Dict { return nil }), Plugins: []string{"auto"}})
	if err != nil || len(inv.Warnings) > 0 {
		t.Fatal(err, inv.Warnings)
	}
	h := inv.Host("fr1")
	if h == nil || strings.Join(h.GroupNames(), " ") != "french in_fr named" {
		t.Fatalf("groups of %v", h)
	}
	if v, _ := h.Vars.GetStr("twice"); v != value.Str("frfr") {
		t.Errorf("twice is %v", v)
	}
	if v, _ := h.Vars.GetStr("greeting"); v.(*value.Template).Text != "{{ site }}!" {
		t.Errorf("greeting is %v", v)
	}
	layers, err := p.VarsPlugins().Layers(p.dir, true, "fr1")
	if err != nil || len(layers) != 1 {
		t.Fatal(layers, err)
	}
	if v, _ := layers[0].Vars.GetStr("from_plugin"); v != value.Str("fr1") {
		t.Errorf("from_plugin is %v", v)
	}
}

// A plugin that blocks holds up nobody else, and is left behind when its time is over; one that leaves a process behind does
// not keep the run from ending.
func TestHostile(t *testing.T) {
	p := newProject(t, map[string]string{
		"lookup_plugins/hang.py": "import threading\nfrom ansible.plugins.lookup import LookupBase\nclass LookupModule(LookupBase):\n    def run(self, terms, **kw): threading.Event().wait()\n",
		"filter_plugins/f.py":    "import subprocess\nclass FilterModule:\n    def filters(self): return {'quick': lambda x: x, 'daemon': lambda x: subprocess.Popen(['sleep', '600'], close_fds=False, start_new_session=True).pid}\n",
	})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	tpl := p.Templates.New(&vars.Scope{})
	done := make(chan error, 1)
	go func() {
		_, _, err := p.Lookup(ctx, tpl, "hang", nil, nil)
		done <- err
	}()
	for range 50 {
		if got, err := p.render("{{ 1 | quick }}", value.NewDict()); got != "1" || err != nil {
			t.Fatal(got, err)
		}
	}
	if err := <-done; err != context.DeadlineExceeded {
		t.Errorf("the lookup that hangs gave %v", err)
	}
	pid, err := p.render("{{ 1 | daemon }}", value.NewDict())
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Command("kill", pid).Run()
	start := time.Now()
	p.Close()
	if d := time.Since(start); d > 4*time.Second {
		t.Errorf("the end took %v", d)
	}
}

// Plugins that end their process, answer with too much or print without measure fail by themselves; the next call has a process again.
func TestHostilePlugins(t *testing.T) {
	p := newProject(t, map[string]string{
		"filter_plugins/f.py": "import os, sys, threading\n" +
			"def prints(x):\n    for _ in range(100): print('y' * 65536)\n    return x\n" +
			"def deep(x):\n    for _ in range(100000): x = [x]\n    return x\n" +
			"class FilterModule:\n    def filters(self): return {'fine': lambda x: x, 'leaves': lambda x: os._exit(3), 'raises': lambda x: sys.exit(3), 'prints': prints, 'deep': deep,\n" +
			"        'big': lambda x: 'x' * (500 << 20), 'closes': lambda x: os.closerange(3, 10), 'kills': lambda x: os.kill(os.getpid(), 9)}\n",
	})
	for _, c := range []struct{ filter, fails string }{
		{"leaves", "A worker was found in a dead state"},
		{"raises", "3"},
		{"deep", "recursion"},
		{"big", ""},
		{"closes", ""},
		{"kills", "A worker was found in a dead state"},
	} {
		_, err := p.render("{{ 1 | "+c.filter+" }}", value.NewDict())
		if err == nil || !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: error %v, want %q", c.filter, err, c.fails)
		}
		if got, err := p.render("{{ 1 | fine }}", value.NewDict()); got != "1" || err != nil {
			t.Errorf("after %s: %q, %v", c.filter, got, err)
		}
	}
	if got, err := p.render("{{ 1 | prints }}", value.NewDict()); got != "1" || err != nil {
		t.Error(got, err)
	}
	if n := len(p.out.String()); n < 6<<20 {
		t.Errorf("%d bytes were shown", n)
	}
}

// Every file of the package can be imported.
func TestBaseImports(t *testing.T) {
	names, err := filepath.Glob("base/ansible/*/*.py")
	if err != nil {
		t.Fatal(err)
	}
	more, _ := filepath.Glob("base/ansible/*/*/*.py")
	text := "class FilterModule:\n    def filters(self):\n        import importlib\n        problems = []\n        for n in NAMES:\n            try: importlib.import_module(n)\n            except ModuleNotFoundError as e:\n                if e.name not in ('yaml',): problems.append('%s: %s' % (n, e))\n            except Exception as e: problems.append('%s: %s' % (n, e))\n        return {'problems': lambda x: problems}\nNAMES = ["
	for _, f := range append(names, more...) {
		n := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(f, "base/"), ".py"), "/__init__")
		text += "'" + strings.ReplaceAll(n, "/", ".") + "', "
	}
	p := newProject(t, map[string]string{"filter_plugins/f.py": text + "]\n"})
	if got, err := p.render("{{ 1 | problems }}", value.NewDict()); got != "[]" || err != nil {
		t.Error(got, err)
	}
}

func BenchmarkFilter(b *testing.B) {
	p := newProject(b, map[string]string{"filter_plugins/f.py": "class FilterModule:\n    def filters(self): return {'same': lambda x: x}\n"})
	for b.Loop() {
		if _, err := p.render("{{ 1 | same }}", value.NewDict()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		p := newProject(b, map[string]string{"filter_plugins/f.py": "class FilterModule:\n    def filters(self): return {'same': lambda x: x}\n"})
		if _, err := p.render("{{ 1 | same }}", value.NewDict()); err != nil {
			b.Fatal(err)
		}
		p.Close()
	}
}
