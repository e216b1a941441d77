package troupe

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/engine/lookup"
	"github.com/troupe-automation/troupe/internal/engine/pyhost"
	"github.com/troupe-automation/troupe/internal/remote/pymodule"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/module"
)

var noPos source.Pos

// actions knows which modules and actions exist: native ones, and files in library directories and collections.
type actions struct {
	natives *module.Registry
	finder  *collection.Finder
	plugins *pyhost.Search
	paths   []string // configured library directories
	roles   []string // those of roles, in the order in which the roles were loaded: what the first of them has is what all get
	utils   moduleUtils
	basedir string
	rejects map[string]bool // modules that PLUGIN_FILTERS_CFG forbids, by short name

	mu     sync.Mutex
	found  map[string]string          // library modules by name, "" for none, as they are asked for
	groups map[string]map[string]bool // members of action groups by their full names
	packed map[string]*pymodule.Module
	onces  map[string]bool // by file of the action
}

// special are the actions that the engine itself is.
var special = map[string]bool{
	"ansible.builtin.meta": true, "ansible.builtin.import_tasks": true, "ansible.builtin.import_role": true, "ansible.builtin.import_playbook": true,
}

// ResolveAction implements playbook.Actions: adjacent and configured libraries before builtin ones for short names,
// then the collections asked for.
func (a *actions) ResolveAction(name string, collections []string) (*collection.Resolved, error) {
	return a.resolve(a.finder.Plugin, name, collections)
}

// finding is how a plugin of a collection is found: (*collection.Finder).Plugin or Peek.
type finding func(kind collection.Kind, fqcn string) (*collection.Resolved, error)

func (a *actions) resolve(find finding, name string, collections []string) (*collection.Resolved, error) {
	if len(a.rejects) > 0 && a.rejects[strings.TrimPrefix(strings.TrimPrefix(name, "ansible.builtin."), "ansible.legacy.")] {
		return nil, nil
	}
	if strings.Contains(name, ".") {
		return a.full(find, name)
	}
	for _, c := range collections {
		if c == "ansible.builtin" || c == "ansible.legacy" {
			continue
		}
		r, err := a.full(find, c+"."+name)
		if r != nil || err != nil {
			return r, err
		}
	}
	if r := a.legacy(name); r != nil {
		return r, nil
	}
	return a.builtin(find, name)
}

// legacy finds a module of a library directory, or an action plugin in Python beside one; nil when there is neither.
func (a *actions) legacy(name string) *collection.Resolved {
	path := a.library(name)
	action := a.plugins.Adjacent("action", name)
	if path == "" && action == nil {
		return nil
	}
	r := &collection.Resolved{FQCN: "ansible.legacy." + name, Name: name, Path: path}
	if action != nil {
		r.ActionPath, r.Once = action.Path, a.once(action.Path)
	}
	return r
}

// full resolves a name with its collection.
func (a *actions) full(find finding, name string) (*collection.Resolved, error) {
	if short, ok := strings.CutPrefix(name, "ansible.builtin."); ok {
		return a.builtin(find, short)
	}
	if short, ok := strings.CutPrefix(name, "ansible.legacy."); ok {
		if r := a.legacy(short); r != nil {
			return r, nil
		}
		return a.builtin(find, short)
	}
	r, err := find(collection.Modules, name)
	if err != nil {
		return nil, err
	}
	if !a.native(name) {
		plugin, given := name, r != nil && r.ActionPlugin != ""
		if given {
			plugin = r.ActionPlugin
		}
		act, err := find(collection.Action, plugin)
		if err != nil {
			return nil, err
		}
		once := act != nil && a.once(act.Path)
		switch {
		case act == nil || !strings.HasSuffix(act.Path, ".py"):
		case r == nil:
			return &collection.Resolved{FQCN: act.FQCN, Collection: act.Collection, Name: act.Name, ActionPath: act.Path, Once: once}, nil
		case r.Path == "":
			return &collection.Resolved{FQCN: act.FQCN, Collection: act.Collection, Name: act.Name, ActionPath: act.Path, Once: once, Module: r.FQCN}, nil
		case given: // the module's own name counts
			r.ActionPath, r.Once = act.Path, once
		default:
			r.FQCN, r.ActionPath, r.Once = act.FQCN, act.Path, once
		}
	}
	if a.native(name) && (r == nil || r.Path == "") {
		return &collection.Resolved{FQCN: name, Collection: name[:strings.LastIndexByte(name, '.')], Name: name[strings.LastIndexByte(name, '.')+1:]}, nil
	}
	if r != nil && r.FQCN != name && strings.HasPrefix(r.FQCN, "ansible.builtin.") {
		return a.builtin(find, strings.TrimPrefix(r.FQCN, "ansible.builtin."))
	}
	return r, nil
}

var bypasses = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^\s+BYPASS_HOST_LOOP\s*=\s*True\b`) })

// once tells whether an action in Python wants to run for all hosts at once. It is read, not run: the answer is needed before any
// host is.
func (a *actions) once(path string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	once, known := a.onces[path]
	if !known {
		text, _ := os.ReadFile(path) // one that cannot be read fails when it is run
		once = bypasses().Match(text)
		if a.onces == nil {
			a.onces = map[string]bool{}
		}
		a.onces[path] = once
	}
	return once
}

func (a *actions) builtin(find finding, name string) (*collection.Resolved, error) {
	full := "ansible.builtin." + name
	if special[full] || action.Find(full) != nil {
		return &collection.Resolved{FQCN: full, Collection: "ansible.builtin", Name: name}, nil
	}
	if a.natives != nil {
		if m := a.natives.Lookup(full); m != nil {
			return &collection.Resolved{FQCN: m.Name, Collection: "ansible.builtin", Name: name}, nil
		}
	}
	r, err := find(collection.Modules, full)
	if err != nil || r == nil {
		if err == nil && missing[name] {
			return &collection.Resolved{FQCN: full, Collection: "ansible.builtin", Name: name}, nil
		}
		return nil, err
	}
	return a.full(find, r.FQCN)
}

// missing are the modules of ansible.builtin that may not be in this build. A playbook that names one loads; only a host
// that gets to the task fails (docs/compat.md).
var missing = func() map[string]bool {
	m := map[string]bool{}
	for n := range strings.FieldsSeq(`apt_key apt_repository async_status cron deb822_repository debconf dnf dnf5 dpkg_selections expect find get_url getent git
		group hostname iptables known_hosts mount_facts package_facts pip rpm_key service_facts slurp subversion systemd systemd_service sysvinit
		tempfile unarchive uri user wait_for yum yum_repository`) {
		m[n] = true
	}
	return m
}()

// shortName is a name without ansible.builtin and ansible.legacy.
func shortName(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, "ansible.builtin."), "ansible.legacy.")
}

func (a *actions) native(name string) bool { return a.natives != nil && a.natives.Lookup(name) != nil }

// isNative tells whether a module of that name is ours: one of a library directory comes before it.
func (a *actions) isNative(name string) bool {
	if short, legacy := strings.CutPrefix(name, "ansible.legacy."); legacy && a.library(short) != "" {
		return false
	}
	return a.native(name)
}

// fqcn is the full name of a module for module_defaults; a name that nobody has stays as it is.
func (a *actions) fqcn(name string) string {
	r, err := a.resolve(a.finder.Peek, name, nil)
	if err != nil || r == nil {
		return name
	}
	return r.FQCN
}

// inGroup tells whether an action group has a module. Names that nobody has are no members.
func (a *actions) inGroup(group, name string) bool {
	a.mu.Lock()
	members, ok := a.groups[group]
	a.mu.Unlock()
	if !ok {
		members = map[string]bool{}
		if g, ok := a.finder.ActionGroup(group); ok {
			for _, m := range g.Members {
				if r, err := a.resolve(a.finder.Peek, m, nil); err == nil && r != nil {
					members[r.FQCN] = true
				}
			}
		}
		a.mu.Lock()
		if a.groups == nil {
			a.groups = map[string]map[string]bool{}
		}
		a.groups[group] = members
		a.mu.Unlock()
	}
	return members[name]
}

// moduleExtensions are the endings of files that are no modules.
var ignored = map[string]bool{".pyc": true, ".pyo": true, ".swp": true, ".bak": true, "~": true, ".rpm": true, ".md": true, ".txt": true, ".rst": true, ".yaml": true, ".yml": true, ".ini": true, ".orig": true}

// library finds a module in library/ beside the playbook, in roles' library directories, and on the module path.
func (a *actions) library(name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p, ok := a.found[name]; ok {
		return p
	}
	var dirs []string
	if a.basedir != "" {
		dirs = append(dirs, filepath.Join(a.basedir, "library"))
	}
	dirs = append(append(dirs, a.roles...), a.paths...)
	found := ""
	for _, dir := range dirs {
		if found = moduleIn(dir, name); found != "" {
			break
		}
	}
	if a.found == nil {
		a.found = map[string]string{}
	}
	a.found[name] = found
	return found
}

// setBasedir says where the playbook's library/ and module_utils/ are.
func (a *actions) setBasedir(dir string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.basedir, a.found = dir, nil
}

// moduleIn finds a module file below a library directory.
func moduleIn(dir, name string) string {
	for _, stem := range []string{name, "_" + name} { // "_" marks modules that are deprecated
		for _, ext := range []string{".py", "", ".ps1", ".sh", ".rb", ".pl"} {
			p := filepath.Join(dir, stem+ext)
			if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() {
				return p
			}
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		full := filepath.Join(dir, e.Name())
		if st, err := os.Stat(full); err == nil && st.IsDir() {
			if p := moduleIn(full, name); p != "" {
				return p
			}
			continue
		}
		ext := filepath.Ext(e.Name())
		if strings.TrimSuffix(e.Name(), ext) == name && !ignored[ext] {
			return full
		}
	}
	return ""
}

// AddLibrary makes the modules of a role's library directory known, and the plugins beside it.
func (a *actions) AddLibrary(dir string) {
	a.plugins.Add(filepath.Dir(dir))
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Contains(a.roles, dir) {
		a.roles = append(a.roles, dir)
		a.found = nil
	}
}

// ActionNames lists names for suggestions.
func (a *actions) ActionNames() []string {
	var names []string
	for _, act := range action.All {
		names = append(names, act.Name, strings.TrimPrefix(act.Name, "ansible.builtin."))
	}
	for n := range special {
		names = append(names, strings.TrimPrefix(n, "ansible.builtin."))
	}
	if a.natives != nil {
		for _, n := range a.natives.Names() {
			names = append(names, n, n[strings.LastIndexByte(n, '.')+1:])
		}
	}
	return names
}

// HasLookup reports whether with_<name> can work.
func (a *actions) HasLookup(name string) bool {
	if lookup.Has(name) {
		return true
	}
	p, err := a.plugins.Find("lookup", name, nil)
	return p != nil && err == nil
}

// python makes a module that is not native ready to be sent. It is packed once.
func (a *actions) python(t *playbook.Task, name string) (*pymodule.Module, error) {
	path := t.Resolved.Path
	if t.Action != name || path == "" {
		r, err := a.ResolveAction(name, t.Collections)
		if err != nil {
			return nil, err
		}
		if r == nil || r.Path == "" {
			if short, builtin := strings.CutPrefix(name, "ansible.builtin."); builtin && missing[short] {
				return nil, fmt.Errorf("the module %s is not part of this version of Troupe", name)
			}
			return nil, fmt.Errorf("The module %s was not found in configured module paths", name) //nolint:staticcheck // Ansible's words
		}
		path = r.Path
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if m, ok := a.packed[path]; ok {
		return m, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	short := shortName(name) // modules of collections call themselves by their full name
	m := pymodule.Pack(short, a.pythonName(t, name), data, a.search(filepath.Dir(path), t))
	m.Path = path
	if a.packed == nil {
		a.packed = map[string]*pymodule.Module{}
	}
	if m.Missing != "" {
		return nil, errors.New(m.Missing)
	}
	a.packed[path] = m
	return m, nil
}

// pythonName is the dotted name that a module has in Python.
func (a *actions) pythonName(t *playbook.Task, name string) string {
	if c := t.Resolved.Collection; c != "" && !strings.HasPrefix(c, "ansible.") {
		return "ansible_collections." + c + ".plugins.modules." + t.Resolved.Name
	}
	return "ansible.modules." + name[strings.LastIndexByte(name, '.')+1:]
}

// HasParameter implements playbook.Parameters.
func (a *actions) HasParameter(name, parameter string) bool {
	r, err := a.ResolveAction(name, nil)
	if err != nil || r == nil || a.natives == nil {
		return false
	}
	m := a.natives.Lookup(r.FQCN)
	if m == nil {
		return false
	}
	for _, o := range m.Spec.AllOptions() {
		if o.Name == parameter {
			return true
		}
	}
	return false
}
