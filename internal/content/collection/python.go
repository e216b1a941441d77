package collection

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"

	"github.com/troupe-automation/troupe/internal/content/config"
)

// Open is the Finder of a configuration; first are directories before those it names.
func Open(c *config.Config, first ...string) *Finder {
	f := &Finder{Paths: append(first, c.List("COLLECTIONS_PATHS")...)}
	if c.Bool("COLLECTIONS_SCAN_SYS_PATH") {
		env := c.Environ()
		f.Further = func() []string {
			return PythonPaths(func(name string) string { v, _ := env.Lookup(name); return v }, env.Home)
		}
	}
	return f
}

// Roots are all directories that hold a directory ansible_collections.
func (f *Finder) Roots() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, p := range append(slices.Clone(f.Paths), f.others()...) {
		if filepath.Base(p) == "ansible_collections" {
			p = filepath.Dir(p)
		}
		out = append(out, p)
	}
	return out
}

// others are the directories of Further, looked for once. The caller has the lock.
func (f *Finder) others() []string {
	if f.Further != nil && !f.asked {
		f.further, f.asked = f.Further(), true
	}
	return f.further
}

// PythonPaths are the directories where a Python of this machine would look for the package ansible_collections: where pip, pipx and distributions
// put the collections that come with Ansible's own package. No Python is asked: starting one takes longer than to look everywhere.
func PythonPaths(getenv func(string) string, home string) []string {
	var out []string
	add := func(patterns ...string) {
		for _, p := range patterns {
			found, _ := filepath.Glob(filepath.Join(p, "ansible_collections")) // patterns of ours are well made
			// Of several versions the newest first: 3.13 before 3.9.
			slices.SortFunc(found, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(b, a)) })
			for _, dir := range found {
				if parent := filepath.Dir(dir); !slices.Contains(out, parent) {
					out = append(out, parent)
				}
			}
		}
	}
	packages := func(prefix string) {
		add(filepath.Join(prefix, "lib/python3*/site-packages"), filepath.Join(prefix, "lib64/python3*/site-packages"), filepath.Join(prefix, "lib/python3*/dist-packages"))
	}
	for _, dir := range filepath.SplitList(getenv("PYTHONPATH")) {
		if dir != "" {
			add(dir)
		}
	}
	if venv := getenv("VIRTUAL_ENV"); venv != "" {
		packages(venv)
	}
	for _, dir := range filepath.SplitList(getenv("PATH")) { // a virtual environment that was not activated, or a Python of its own
		if _, err := os.Stat(filepath.Join(dir, "python3")); err == nil {
			packages(filepath.Dir(dir))
		}
	}
	if home != "" {
		packages(filepath.Join(home, ".local"))
		for _, base := range []string{".local/share/pipx", ".local/pipx"} {
			for _, name := range []string{"ansible", "ansible-core"} {
				packages(filepath.Join(home, base, "venvs", name))
			}
		}
	}
	packages("/usr/local")
	add("/usr/lib/python3/dist-packages")
	packages("/usr")
	return out
}
