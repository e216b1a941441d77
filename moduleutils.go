package troupe

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/engine/pyhost"
	"github.com/troupe-automation/troupe/internal/remote/pymodule"
)

// moduleUtils says where ansible.module_utils come from, besides Troupe's own library (MODULE_UTILS): "bundled" is that alone, "auto"
// takes from an installed ansible-core what it lacks, "installed" prefers the installed one.
type moduleUtils struct {
	paths  []string // DEFAULT_MODULE_UTILS_PATH
	source string
	core   func() string // directory of the installed module_utils, "" without one; asks Python once
}

func newModuleUtils(c *config.Config) moduleUtils {
	return moduleUtils{paths: c.List("DEFAULT_MODULE_UTILS_PATH"), source: c.Str("MODULE_UTILS"), core: sync.OnceValue(installedUtils)}
}

// installedUtils asks the controller's Python where ansible-core is.
func installedUtils() string {
	python, err := pyhost.Interpreter()
	if err != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, python, "-c", "import ansible.module_utils as m; print(m.__path__[0])").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// find gives a module of ansible.module_utils that is not beside the content. name lacks that prefix.
func (u *moduleUtils) find(name string) (source []byte, pkg, ok bool) {
	for _, root := range u.paths {
		if src, pkg, ok := pythonSource(filepath.Join(root, strings.ReplaceAll(name, ".", "/"))); ok {
			return src, pkg, true
		}
	}
	switch {
	case u.source == "bundled", name == "common.respawn": // which knows how our worker starts modules
		return nil, false, false
	case u.source != "installed" && pymodule.Has("ansible.module_utils."+name):
		return nil, false, false
	}
	if core := u.core(); core != "" {
		return pythonSource(filepath.Join(core, strings.ReplaceAll(name, ".", "/")))
	}
	return nil, false, false
}

// search finds what a module imports: module_utils beside library directories and in collections.
func (a *actions) search(libraryDir string, t *playbook.Task) pymodule.Search {
	var roots []string
	if a.basedir != "" {
		roots = append(roots, filepath.Join(a.basedir, "module_utils"))
	}
	if t.Role != nil {
		roots = append(roots, filepath.Join(t.Role.Path, "module_utils"))
	}
	if c := t.Resolved.Collection; c == "" || strings.HasPrefix(c, "ansible.") { // a collection's own have other names
		roots = append(roots, filepath.Join(filepath.Dir(libraryDir), "module_utils"))
	}
	return func(dotted string) ([]byte, bool, bool) {
		if rest, ok := strings.CutPrefix(dotted, "ansible.module_utils."); ok {
			for _, root := range roots {
				if src, pkg, ok := pythonSource(filepath.Join(root, strings.ReplaceAll(rest, ".", "/"))); ok {
					return src, pkg, true
				}
			}
			if src, pkg, ok := a.utils.find(rest); ok || pymodule.Has(dotted) {
				return src, pkg, ok
			}
		} else if strings.HasPrefix(dotted, "ansible_collections.") {
			for _, root := range a.finder.Roots() {
				if src, pkg, ok := pythonSource(filepath.Join(root, strings.ReplaceAll(dotted, ".", "/"))); ok {
					return src, pkg, true
				}
			}
		}
		if to, err := a.finder.Utils(dotted); err == nil && to != "" { // the old name is the new module
			return []byte("import " + to + "\nimport sys\nsys.modules[__name__] = sys.modules['" + to + "']\n"), false, true
		}
		return nil, false, false
	}
}

// pythonSource reads the Python module of a path without its ending: a package, a file, or a directory, which may be a package too.
func pythonSource(base string) (src []byte, pkg, ok bool) {
	if b, err := os.ReadFile(filepath.Join(base, "__init__.py")); err == nil {
		return b, true, true
	}
	if b, err := os.ReadFile(base + ".py"); err == nil {
		return b, false, true
	}
	st, err := os.Stat(base)
	return nil, true, err == nil && st.IsDir()
}
