package plugindoc

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/value"
)

// RoleDoc is the argument specification of a role.
type RoleDoc struct {
	Name       string // "web" or "ns.col.web"
	Collection string
	Dir        string      // the role's; for roles of collections that of the collection
	Entries    *value.Dict // entry point → specification
	Err        error       // why it cannot be read
}

// specFiles are the files that may hold it, the first that is there counts.
var specFiles = []string{"argument_specs.yml", "argument_specs.yaml", "argument_specs.json", "main.yml", "main.yaml", "main.json"}

// readRole reads a role's specification; ok is false when it has no file that could hold one.
func readRole(dir string) (entries *value.Dict, ok bool, err error) {
	for _, n := range specFiles {
		path := filepath.Join(dir, "meta", n)
		data, rerr := os.ReadFile(path)
		if rerr != nil {
			continue
		}
		root, lerr := yamldoc.LoadYAML(data, yamldoc.Options{Data: true})
		if lerr != nil {
			return value.NewDict(), true, broken("Could not load argument spec from %s: %s", path, lerr)
		}
		top, _ := root.Value().(*value.Dict)
		if top == nil {
			return value.NewDict(), true, nil
		}
		return sub(top, "argument_specs"), true, nil
	}
	return nil, false, nil
}

// Roles lists roles with a meta directory that may describe them: those below the given paths, then those of collections.
// filter names collections; then only their roles are listed.
func (l *Library) Roles(paths, filter []string) []RoleDoc {
	var out []RoleDoc
	seen := map[string]bool{}
	if len(filter) == 0 {
		for _, p := range paths {
			entries, _ := os.ReadDir(p)
			for _, e := range entries {
				dir := filepath.Join(p, e.Name())
				spec, ok, err := readRole(dir)
				if !ok || seen[e.Name()] {
					continue
				}
				seen[e.Name()] = true
				out = append(out, RoleDoc{Name: e.Name(), Dir: dir, Entries: spec, Err: err})
			}
		}
	}
	cols := filter
	if len(cols) == 0 {
		cols = l.Collections()
	}
	for _, c := range cols {
		base, ok := l.Finder.Dir(c)
		if !ok {
			continue
		}
		entries, _ := os.ReadDir(filepath.Join(base, "roles"))
		for _, e := range entries {
			if spec, ok, err := readRole(filepath.Join(base, "roles", e.Name())); ok {
				out = append(out, RoleDoc{Name: c + "." + e.Name(), Collection: c, Dir: base, Entries: spec, Err: err})
			}
		}
	}
	slices.SortFunc(out, func(a, b RoleDoc) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Role finds a role by name; ok is false when there is none.
func (l *Library) Role(name string, paths []string) (RoleDoc, bool) {
	if parts := strings.Split(name, "."); len(parts) >= 3 {
		c := parts[0] + "." + parts[1]
		base, ok := l.Finder.Dir(c)
		if !ok {
			return RoleDoc{}, false
		}
		spec, ok, err := readRole(filepath.Join(base, "roles", strings.Join(parts[2:], ".")))
		return RoleDoc{Name: name, Collection: c, Dir: base, Entries: spec, Err: err}, ok
	}
	for _, p := range paths {
		dir := filepath.Join(p, name)
		if spec, ok, err := readRole(dir); ok && filepath.IsLocal(name) {
			return RoleDoc{Name: name, Dir: dir, Entries: spec, Err: err}, true
		}
	}
	return RoleDoc{}, false
}
