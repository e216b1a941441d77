package lookup

import (
	"os"
	"path/filepath"

	"github.com/troupe-automation/troupe/internal/lang/filters"
	"github.com/troupe-automation/troupe/value"
)

// fileglob gives the files that match patterns, of the first directory that has any.
func fileglob(c *Call) ([]value.Value, error) {
	var out []value.Value
	for _, t := range c.Terms {
		pattern, err := text(t)
		if err != nil {
			return nil, err
		}
		dir, name := filepath.Split(filters.ExpandUser(pattern))
		var dirs []string
		if dir != "" {
			if d := c.find("files", filepath.Clean(dir)); d != "" {
				dirs = []string{d}
			}
		} else {
			for _, p := range append(append([]string(nil), c.SearchPath()...), c.Basedir()) {
				if filepath.Base(p) == "tasks" {
					dirs = append(dirs, filepath.Join(filepath.Dir(p), "files"))
				}
				dirs = append(dirs, filepath.Join(p, "files"), p)
			}
		}
		for _, d := range dirs {
			matches, err := filepath.Glob(filepath.Join(d, name))
			if err != nil {
				break
			}
			found := false
			for _, m := range matches {
				if st, err := os.Stat(m); err == nil && st.Mode().IsRegular() {
					out, found = append(out, value.Str(m)), true
				}
			}
			if found {
				break
			}
		}
	}
	return out, nil
}
