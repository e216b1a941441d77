// Package collection finds plugins, modules and roles by name: collection search paths, fully qualified names,
// `collections:` lists, meta/runtime.yml routing and the builtin redirects.
//
// The playbook loader asks it for roles and playbooks, whoever resolves actions and plugins asks it for files.
package collection

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the redirects
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/value"
)

// Resolved is where a name led.
type Resolved struct {
	FQCN       string // "ansible.builtin.copy", "community.general.ufw", "ansible.legacy.mymod"
	Collection string // "community.general"; "" for ansible.legacy names
	Name       string // last part
	Path       string // file, when it is a file on the controller
	// ActionPlugin is the action that meta/runtime.yml gives a module, by its full name.
	ActionPlugin string
	ActionPath   string   // file of the action plugin of a module, when it is written in Python
	Way          []string // full names from the one asked for to this one
	Once         bool     // the action runs for all hosts at once
	Module       string   // that the action stands for, when it is another than the action's name says
}

// Kind is a kind of plugin by its directory's name: "modules", "action", "lookup", "filter", "test", "connection" …
type Kind string

const (
	Modules Kind = "modules"
	Action  Kind = "action"
	Filter  Kind = "filter"
	Test    Kind = "test"

	moduleUtils Kind = "module_utils"
)

// Finder knows the collections under its paths. It is safe for concurrent use.
type Finder struct {
	Paths []string // COLLECTIONS_PATHS, each holding an ansible_collections directory or being one
	// Further gives directories that are looked into for what Paths does not have (COLLECTIONS_SCAN_SYS_PATH); nil for none.
	Further func() []string
	// Deprecated and Log take what meta/runtime.yml says of a name that is asked for; nil drops it.
	Deprecated func(text string)
	Log        func(verbosity int, text string)

	mu      sync.Mutex
	further []string
	asked   bool              // for further
	dirs    map[string]string // "ns.col" → directory, "" when it is not installed
	routing map[string]routes
	groups  map[string]map[string]actionGroup // by collection and name
}

// routes is plugin_routing of a collection: kind → name → what becomes of it.
type routes map[Kind]map[string]route

type route struct {
	redirect    string
	action      string // action_plugin of a module
	tombstone   *removal
	deprecation *removal
}

type removal struct {
	Text    string `json:"warning_text"`
	Version string `json:"removal_version"`
	Date    string `json:"removal_date"`
}

// Dir is the directory of a collection "ns.col".
func (f *Finder) Dir(name string) (string, bool) {
	if f == nil {
		return "", false
	}
	ns, col, ok := strings.Cut(name, ".")
	if !ok || ns == "" || col == "" || strings.ContainsAny(name, "/\\") || strings.Contains(col, ".") {
		return "", false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if d, ok := f.dirs[name]; ok {
		return d, d != ""
	}
	found := installed(f.Paths, ns, col)
	if found == "" {
		found = installed(f.others(), ns, col)
	}
	if f.dirs == nil {
		f.dirs = map[string]string{}
	}
	f.dirs[name] = found
	return found, found != ""
}

// installed is where a collection lies, "" when it is in none of the directories.
func installed(paths []string, ns, col string) string {
	for _, p := range paths {
		if filepath.Base(p) != "ansible_collections" {
			p = filepath.Join(p, "ansible_collections")
		}
		d := filepath.Join(p, ns, col)
		if st, err := os.Stat(d); err == nil && st.IsDir() {
			return d
		}
	}
	return ""
}

// Has reports whether a collection is installed.
func (f *Finder) Has(name string) bool { _, ok := f.Dir(name); return ok }

// Around is the collection that a path lies in: one of the Finder's, not another copy.
func (f *Finder) Around(path string) (string, bool) {
	abs, err := filepath.Abs(path)
	if err != nil || f == nil {
		return "", false
	}
	root, rest, ok := strings.Cut(abs, "/ansible_collections/")
	parts := strings.SplitN(rest, "/", 3)
	if !ok || len(parts) < 2 || strings.Contains(rest, "/ansible_collections/") {
		return "", false
	}
	name := parts[0] + "." + parts[1]
	dir, ok := f.Dir(name)
	if abs, err = filepath.Abs(dir); err != nil {
		return "", false
	}
	return name, ok && abs == filepath.Join(root, "ansible_collections", parts[0], parts[1])
}

// Split takes "ns.col.name" apart; ok is false for names that are not fully qualified. The name may have dots itself.
func Split(fqcn string) (col, name string, ok bool) {
	parts := strings.SplitN(fqcn, ".", 3)
	if len(parts) < 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" || strings.ContainsAny(fqcn, " /{") {
		return "", fqcn, false
	}
	return parts[0] + "." + parts[1], parts[2], true
}

// Role finds a role by its fully qualified name, or by its bare name in the collections listed.
func (f *Finder) Role(name string, collections []string) (dir, col string, ok bool) {
	find := func(col, name string) bool {
		base, installed := f.Dir(col)
		if !installed {
			return false
		}
		dir = filepath.Join(base, "roles", filepath.FromSlash(strings.ReplaceAll(name, ".", "/")))
		st, err := os.Stat(dir)
		return err == nil && st.IsDir()
	}
	if c, n, qualified := Split(name); qualified {
		return dir, c, find(c, n) && dir != ""
	}
	for _, c := range collections {
		if find(c, name) {
			return dir, c, true
		}
	}
	return "", "", false
}

// Playbook finds "ns.col.name" among the playbooks of a collection.
func (f *Finder) Playbook(name string) (string, bool) {
	col, rest, ok := Split(name)
	if !ok {
		return "", false
	}
	base, ok := f.Dir(col)
	if !ok {
		return "", false
	}
	rest = strings.TrimSuffix(strings.TrimSuffix(rest, ".yml"), ".yaml")
	for _, ext := range []string{".yml", ".yaml"} {
		p := filepath.Join(base, "playbooks", filepath.FromSlash(strings.ReplaceAll(rest, ".", "/"))+ext)
		if _, err := os.Stat(p); err == nil {
			return p, true
		}
	}
	return "", false
}

// Plugin finds a plugin by its fully qualified name, following meta/runtime.yml. It returns nil when there is none, and a
// diagnostic for one that was removed.
func (f *Finder) Plugin(kind Kind, fqcn string) (*Resolved, error) {
	return f.plugin(kind, fqcn, true)
}

// Peek is Plugin for those who compare names: nothing is told.
func (f *Finder) Peek(kind Kind, fqcn string) (*Resolved, error) {
	return f.plugin(kind, fqcn, false)
}

func (f *Finder) plugin(kind Kind, fqcn string, tell bool) (*Resolved, error) {
	at, err := f.follow(kind, fqcn, tell)
	if err != nil {
		return nil, err
	}
	if at.col == "" {
		return nil, nil
	}
	r := &Resolved{FQCN: at.fqcn, Collection: at.col, Name: at.name, ActionPlugin: at.action, Way: at.way}
	if builtinCollection(at.col) { // a collection points back into the builtin set, which others hold
		if len(at.way) == 1 {
			return nil, nil
		}
		return r, nil
	}
	if at.dir == "" {
		return nil, nil
	}
	r.Path = pluginFile(filepath.Join(at.dir, "plugins", string(kind)), strings.ReplaceAll(at.name, ".", "/"))
	if r.Path == "" {
		return nil, nil
	}
	return r, nil
}

// Route follows the redirects of a plugin whose name may not be that of its file (filters and tests): the full name that it has
// in the end. A plugin that was removed gives a diagnostic.
func (f *Finder) Route(kind Kind, fqcn string) (string, error) {
	at, err := f.follow(kind, fqcn, true)
	return at.fqcn, err
}

// stop is where the redirects of a name end.
type stop struct {
	fqcn, col, name string   // col is "" for a name without a collection
	dir             string   // of the collection, "" when it is not installed or is ansible.builtin
	action          string   // that the module there is given
	way             []string // the names from the one asked for to fqcn
}

// follow goes where meta/runtime.yml sends a name, and tells what is said on the way.
func (f *Finder) follow(kind Kind, fqcn string, tell bool) (at stop, err error) {
	asked := fqcn
	for !slices.Contains(at.way, fqcn) {
		at = stop{fqcn: fqcn, way: append(at.way, fqcn)}
		col, name, ok := Split(fqcn)
		if !ok {
			return at, nil
		}
		at.col, at.name = col, name
		var rt route
		if builtinCollection(col) {
			col = "ansible.builtin"
			rt = builtin()[kind][name]
		} else if dir, installed := f.Dir(col); installed {
			at.dir = dir
			rt = f.routesOf(col, dir)[kind][name]
		}
		at.action = rt.action
		if rt.deprecation != nil && f.Deprecated != nil && tell {
			f.Deprecated(rt.deprecation.of(kind, col, name, "deprecated").Deprecated())
		}
		if rt.tombstone != nil {
			return at, &diag.Diagnostic{
				Code: diag.RemovedModule, Exit: diag.ExitError, Summary: fqcn + " was removed",
				Detail: rt.tombstone.Text, Classic: rt.tombstone.of(kind, col, name, "removed").Removed(),
			}
		}
		if rt.redirect == "" {
			return at, nil
		}
		if _, _, full := Split(rt.redirect); !full {
			return at, misdirected(fmt.Sprintf("Collection %s contains invalid redirect for %s.%s: %s. Redirects must use fully qualified collection names.", col, col, name, rt.redirect))
		}
		if f.Log != nil && tell {
			f.detour(kind, col, name, rt.redirect)
		}
		fqcn = rt.redirect
	}
	if kind == Filter || kind == Test {
		return at, misdirected("recursive collection redirect found for '" + asked + "'")
	}
	return at, misdirected("plugin redirect loop resolving " + asked + " (path: ['" + strings.Join(at.way, "', '") + "'])")
}

func misdirected(text string) error {
	return &diag.Diagnostic{Code: diag.BadRedirect, Exit: diag.ExitError, Summary: text, Classic: text}
}

func builtinCollection(name string) bool {
	return name == "ansible.builtin" || name == "ansible.legacy"
}

// detour logs a redirect.
func (f *Finder) detour(kind Kind, col, name, to string) {
	switch kind {
	case moduleUtils:
		f.Log(3, "redirecting module_util "+utilsName(col+"."+name)+" to "+utilsName(to))
	case Filter, Test:
		f.Log(3, fmt.Sprintf("redirecting (type: %s) %s.%s to %s", kind, col, name, to))
	default:
		f.Log(2, fmt.Sprintf("redirecting (type: %s) %s.%s to %s", kind, col, name, to))
	}
}

// Utils is where plugin_routing sends a module of module_utils, by dotted names; "" for nowhere else.
func (f *Finder) Utils(dotted string) (string, error) {
	name, builtin := strings.CutPrefix(dotted, "ansible.module_utils.")
	if builtin {
		name = "ansible.builtin." + name
	} else {
		parts := strings.SplitN(dotted, ".", 6)
		if len(parts) < 6 || parts[0] != "ansible_collections" || parts[3] != "plugins" || parts[4] != "module_utils" {
			return "", nil
		}
		name = parts[1] + "." + parts[2] + "." + parts[5]
	}
	at, err := f.follow(moduleUtils, name, true)
	if err != nil || len(at.way) < 2 {
		return "", err
	}
	return utilsName(at.fqcn), nil
}

// utilsName is the dotted Python name of a part of module_utils by its full name in routing, "" when it has no collection.
func utilsName(fqcn string) string {
	if strings.HasPrefix(fqcn, "ansible_collections.") {
		return fqcn
	}
	if rest, ok := strings.CutPrefix(fqcn, "ansible.builtin."); ok {
		return "ansible.module_utils." + rest
	}
	col, rest, ok := Split(fqcn)
	if !ok {
		return ""
	}
	return "ansible_collections." + col + ".plugins.module_utils." + rest
}

// pluginFile finds NAME.py, or for modules any file called NAME or NAME.ext, in a directory.
func pluginFile(dir, name string) string {
	base := filepath.Join(dir, filepath.FromSlash(name))
	for _, ext := range []string{".py", ".ps1", "", ".sh", ".rb", ".pl"} {
		if st, err := os.Stat(base + ext); err == nil && st.Mode().IsRegular() {
			return base + ext
		}
	}
	if matches, _ := filepath.Glob(base + ".*"); len(matches) > 0 {
		sort.Strings(matches)
		for _, m := range matches {
			switch filepath.Ext(m) {
			case ".pyc", ".yml", ".yaml", ".json", ".md", ".txt", ".orig":
			default:
				return m
			}
		}
	}
	return ""
}

// File finds a plugin file of an adjacent or configured directory (library/, filter_plugins/ …), sub-directories included.
func File(dir, name string) string {
	if p := pluginFile(dir, name); p != "" {
		return p
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "__pycache__" {
			if p := File(filepath.Join(dir, e.Name()), name); p != "" {
				return p
			}
		}
	}
	return ""
}

// List names the plugins of a kind in a collection, for suggestions and listings.
func (f *Finder) List(col string, kind Kind) []string {
	base, ok := f.Dir(col)
	if !ok {
		return nil
	}
	var out []string
	entries, _ := os.ReadDir(filepath.Join(base, "plugins", string(kind)))
	for _, e := range entries {
		name := e.Name()
		if ext := filepath.Ext(name); !e.IsDir() && ext != ".pyc" && !strings.HasPrefix(name, "_") {
			out = append(out, strings.TrimSuffix(name, ext))
		}
	}
	return out
}

func (f *Finder) routesOf(col, base string) routes {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r, ok := f.routing[col]; ok {
		return r
	}
	r := routes{}
	if data, err := os.ReadFile(filepath.Join(base, "meta", "runtime.yml")); err == nil {
		if root, err := yamldoc.Load(data, yamldoc.Options{Data: true}); err == nil {
			for _, k := range root.Get("plugin_routing").Entries() {
				m := map[string]route{}
				for _, p := range k.Value.Entries() {
					rt := route{tombstone: removalOf(p.Value.Get("tombstone")), deprecation: removalOf(p.Value.Get("deprecation"))}
					if to := p.Value.Get("redirect"); to != nil {
						rt.redirect = to.Text
					}
					if act := p.Value.Get("action_plugin"); act != nil {
						rt.action = within(col, act.Text)
					}
					m[p.Name()] = rt
				}
				r[Kind(k.Name())] = m
			}
		}
	}
	if f.routing == nil {
		f.routing = map[string]routes{}
	}
	f.routing[col] = r
	return r
}

func removalOf(n *yamldoc.Node) *removal {
	if n == nil || n.Kind != yamldoc.Mapping {
		return nil
	}
	text := func(key string) string {
		k := n.Get(key)
		if k.IsNull() {
			return ""
		}
		s, _ := value.ToStr(k.Value())
		return s
	}
	return &removal{text("warning_text"), text("removal_version"), text("removal_date")}
}

// of is the removal of a plugin in Ansible's words; fate is what has been done to it.
func (r *removal) of(kind Kind, col, name, fate string) diag.Removal {
	text := col + "." + name + " has been " + fate + "."
	switch {
	case kind == Filter:
		text = `Filter "` + col + "." + name + `" has been ` + fate + "."
	case kind == Test:
		text = `Test "` + col + "." + name + `" has been ` + fate + "."
	case kind == moduleUtils && r.Text != "":
		return diag.Removal{Text: "module_util " + utilsName(col+"."+name) + " has been removed (" + r.Text + ")", Version: r.Version, Date: r.Date, Collection: col}
	case kind == moduleUtils:
		text = "module_util " + utilsName(col+"."+name) + " has been removed."
	}
	return diag.Removal{Text: strings.TrimSpace(text + " " + r.Text), Version: r.Version, Date: r.Date, Collection: col}
}

//go:embed redirects.tsv.gz
var redirectData []byte

// builtin is the routing of ansible.builtin: about 4,500 names that moved to collections, unpacked on first use.
var builtin = sync.OnceValue(func() routes {
	out := routes{}
	zr, err := gzip.NewReader(bytes.NewReader(redirectData))
	if err != nil {
		return out
	}
	text, err := io.ReadAll(zr)
	if err != nil {
		return out
	}
	for _, line := range strings.Split(string(text), "\n") {
		f := strings.SplitN(line, "\t", 4)
		if len(f) != 4 {
			continue
		}
		kind := Kind(f[0])
		if out[kind] == nil {
			out[kind] = map[string]route{}
		}
		rt := out[kind][f[1]]
		switch f[2] {
		case "r":
			rt.redirect = f[3]
		case "t":
			rt.tombstone = &removal{}
			_ = json.Unmarshal([]byte(f[3]), rt.tombstone)
		case "d":
			rt.deprecation = &removal{}
			_ = json.Unmarshal([]byte(f[3]), rt.deprecation)
		}
		out[kind][f[1]] = rt
	}
	return out
})

// Redirect is where a bare builtin name of a kind moved to, "" when it did not.
func Redirect(kind Kind, name string) string { return builtin()[kind][name].redirect }
