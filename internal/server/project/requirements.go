package project

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Requirement is a file of a project that lists roles or collections from elsewhere.
type Requirement struct {
	Kind string // "role" or "collection"
	File string // relative to the project
}

// Requirements finds the lists of a project where AWX looks for them. A file at the top may list both.
func Requirements(dir string) []Requirement {
	var out []Requirement
	for _, place := range []struct {
		folder string
		kinds  []string
	}{{"roles", []string{"role"}}, {"collections", []string{"collection"}}, {".", []string{"role", "collection"}}} {
		for _, name := range []string{"requirements.yml", "requirements.yaml"} {
			file := filepath.Join(place.folder, name)
			if st, err := os.Lstat(filepath.Join(dir, file)); err != nil || !st.Mode().IsRegular() {
				continue
			}
			for _, kind := range place.kinds {
				out = append(out, Requirement{kind, file})
			}
		}
	}
	return out
}

// forgotten is after how long something installed that nobody used is removed.
const forgotten = 30 * 24 * time.Hour

// Installed copies to dir what was installed under a key. install is called to bring it into a new directory when there is nothing yet, and when fresh is set;
// what runs before have copied, or are copying, stays as it is.
func (s *Store) Installed(ctx context.Context, key string, fresh bool, dir string, install func(into string) error) error {
	all := filepath.Join(s.Dir, ".requirements")
	mine := filepath.Join(all, key)
	from, err := func() (string, error) {
		defer s.lock(mine)()
		if err := os.MkdirAll(mine, 0o700); err != nil {
			return "", err
		}
		now := time.Now()
		if last := newest(mine); last != "" && !fresh {
			return last, os.Chtimes(last, now, now)
		}
		if err := forget(all, now.Add(-forgotten)); err != nil {
			return "", err
		}
		if err := os.MkdirAll(mine, 0o700); err != nil {
			return "", err
		}
		if err := prune(mine); err != nil {
			return "", err
		}
		making, err := os.MkdirTemp(mine, ".making-")
		if err != nil {
			return "", err
		}
		defer os.RemoveAll(making)
		files := filepath.Join(making, "files")
		if err := install(files); err != nil {
			return "", err
		}
		made := filepath.Join(mine, fmt.Sprintf("%020d", now.UnixNano()))
		return made, os.Rename(files, made)
	}()
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return os.CopyFS(dir, os.DirFS(from))
}

// newest is the last directory that was finished, "" when there is none.
func newest(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if e.Name()[0] != '.' {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return ""
	}
	return filepath.Join(dir, slices.Max(names))
}

// forget removes the keys under which nothing was used for so long.
func forget(all string, before time.Time) error {
	entries, err := os.ReadDir(all)
	if err != nil {
		return err
	}
	for _, e := range entries {
		key := filepath.Join(all, e.Name())
		if st, err := os.Stat(newest(key)); err == nil && st.ModTime().Before(before) {
			if err := os.RemoveAll(key); err != nil {
				return err
			}
		}
	}
	return nil
}
