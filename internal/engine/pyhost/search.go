package pyhost

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/content/config"
)

func uid() string { return strconv.Itoa(os.Getuid()) }

// settings are the search paths of plugins by kind.
var settings = map[string]string{
	"modules": "DEFAULT_MODULE_PATH",
	"action":  "DEFAULT_ACTION_PLUGIN_PATH", "become": "BECOME_PLUGIN_PATH", "cache": "DEFAULT_CACHE_PLUGIN_PATH", "callback": "DEFAULT_CALLBACK_PLUGIN_PATH",
	"cliconf": "DEFAULT_CLICONF_PLUGIN_PATH", "connection": "DEFAULT_CONNECTION_PLUGIN_PATH", "filter": "DEFAULT_FILTER_PLUGIN_PATH",
	"httpapi": "DEFAULT_HTTPAPI_PLUGIN_PATH", "inventory": "DEFAULT_INVENTORY_PLUGIN_PATH", "lookup": "DEFAULT_LOOKUP_PLUGIN_PATH",
	"netconf": "DEFAULT_NETCONF_PLUGIN_PATH", "strategy": "DEFAULT_STRATEGY_PLUGIN_PATH", "terminal": "DEFAULT_TERMINAL_PLUGIN_PATH",
	"test": "DEFAULT_TEST_PLUGIN_PATH", "vars": "DEFAULT_VARS_PLUGIN_PATH", "doc_fragments": "DOC_FRAGMENT_PLUGIN_PATH",
}

// Plugin is a plugin in a file.
type Plugin struct {
	Name       string // as it is known: short, or with its collection
	Path       string
	Collection string   // "" outside collections
	Way        []string // full names from the one asked for to this plugin, in collections
}

// Search knows where plugins are looked for: beside playbooks, in roles, in configured directories, in collections. It is safe
// for concurrent use.
type Search struct {
	Config *config.Config
	Finder *collection.Finder

	mu       sync.Mutex
	basedir  string
	adjacent []string
	dirs     map[string][]string
	files    map[string][]string
	found    map[string]*Plugin
}

// SetBasedir says which directory is the playbook's. Plugins beside it count once it is added.
func (s *Search) SetBasedir(dir string) {
	s.mu.Lock()
	s.basedir = dir
	s.mu.Unlock()
}

// Basedir is the directory of the playbook.
func (s *Search) Basedir() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.basedir
}

// Add adds a directory (of a playbook or role) that may hold filter_plugins, lookup_plugins …
func (s *Search) Add(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if dir == "" || slices.Contains(s.adjacent, dir) {
		return
	}
	s.adjacent = append(s.adjacent, dir)
	s.dirs, s.files, s.found = nil, nil, nil
}

// dirsOf are the existing directories of a kind outside collections, the first wins. The caller holds the lock.
func (s *Search) dirsOf(kind string) []string {
	if d, ok := s.dirs[kind]; ok {
		return d
	}
	sub := kind + "_plugins"
	switch kind {
	case "doc_fragments":
		sub = kind
	case "modules":
		sub = "library"
	}
	var candidates []string
	for _, a := range s.adjacent {
		candidates = append(candidates, filepath.Join(a, sub))
	}
	if name := settings[kind]; name != "" {
		candidates = append(candidates, s.Config.List(name)...)
	}
	dirs := []string{}
	for _, c := range candidates {
		if st, err := os.Stat(c); err == nil && st.IsDir() && !slices.Contains(dirs, c) {
			dirs = append(dirs, c)
		}
	}
	if s.dirs == nil {
		s.dirs = map[string][]string{}
	}
	s.dirs[kind] = dirs
	return dirs
}

// Files lists the plugin files of a kind outside collections, in the order they are asked.
func (s *Search) Files(kind string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.files[kind]; ok {
		return f
	}
	files := []string{}
	for _, d := range s.dirsOf(kind) {
		files = append(files, pythonFiles(d, 2)...)
	}
	if s.files == nil {
		s.files = map[string][]string{}
	}
	s.files[kind] = files
	return files
}

// pythonFiles lists the Python files of a directory and its sub-directories, sorted.
func pythonFiles(dir string, depth int) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var files, below []string
	for _, e := range entries {
		name := e.Name()
		p := filepath.Join(dir, name)
		st, err := os.Stat(p)
		switch {
		case err != nil || strings.HasPrefix(name, "."):
		case st.IsDir() && depth > 0 && name != "__pycache__":
			below = append(below, pythonFiles(p, depth-1)...)
		case !st.IsDir() && strings.HasSuffix(name, ".py") && name != "__init__.py":
			files = append(files, p)
		}
	}
	return append(files, below...)
}

// Adjacent finds a plugin outside collections by its short name; nil when there is none.
func (s *Search) Adjacent(kind, name string) *Plugin {
	for _, f := range s.Files(kind) {
		if strings.TrimSuffix(filepath.Base(f), ".py") == name {
			return &Plugin{Name: name, Path: f}
		}
	}
	return nil
}

// Find finds a plugin by any name. It returns nil when there is none, which is so for what Troupe itself is, and a diagnostic
// for a plugin that was removed.
func (s *Search) Find(kind, name string, collections []string) (*Plugin, error) {
	key := kind + "\x00" + name
	s.mu.Lock()
	p, known := s.found[key]
	s.mu.Unlock()
	if known {
		return p, nil
	}
	p, err := s.find(kind, name, collections)
	if err == nil && len(collections) == 0 {
		s.mu.Lock()
		if s.found == nil {
			s.found = map[string]*Plugin{}
		}
		s.found[key] = p
		s.mu.Unlock()
	}
	return p, err
}

// Builtin is the name in ansible.builtin that redirects lead to, the name itself when they lead elsewhere.
func (s *Search) Builtin(kind, name string) string {
	full := name
	if !strings.Contains(name, ".") {
		full = "ansible.builtin." + name
	}
	to, err := s.Finder.Route(collection.Kind(kind), full)
	if short, ok := strings.CutPrefix(to, "ansible.builtin."); ok && err == nil {
		return short
	}
	return name
}

func (s *Search) find(kind, name string, collections []string) (*Plugin, error) {
	if strings.ContainsAny(name, "/ {") {
		return nil, nil
	}
	full := name
	if short, ok := strings.CutPrefix(name, "ansible.legacy."); ok {
		if p := s.Adjacent(kind, short); p != nil {
			return p, nil
		}
		full = "ansible.builtin." + short
	} else if !strings.Contains(name, ".") {
		for _, c := range collections {
			if c == "ansible.builtin" || c == "ansible.legacy" {
				continue
			}
			if p, err := s.inCollection(kind, c+"."+name); p != nil || err != nil {
				return p, err
			}
		}
		if p := s.Adjacent(kind, name); p != nil {
			return p, nil
		}
		full = "ansible.builtin." + name
	}
	return s.inCollection(kind, full)
}

func (s *Search) inCollection(kind, name string) (*Plugin, error) {
	r, err := s.Finder.Plugin(collection.Kind(kind), name)
	if err != nil || r == nil || !strings.HasSuffix(r.Path, ".py") {
		return nil, err
	}
	return &Plugin{Name: r.FQCN, Path: r.Path, Collection: r.Collection, Way: r.Way}, nil
}
