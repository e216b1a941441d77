package crypto

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// checkDirectory refuses a path in a directory that is none.
func checkDirectory(path string) error {
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return module.Fail("The directory "+dir+" does not exist or the file is not a directory", module.Result{"name": dir})
	}
	return nil
}

// load reads a file; nil when there is none.
func load(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, module.Fail("Error while loading "+path+" - "+strings.Replace(hostos.Errno(err), ": b'", ": '", 1), nil)
	}
	if data == nil {
		data = []byte{}
	}
	return data, nil
}

// store writes a file that nobody but its owner reads before it has the mode of the call.
func store(ctx context.Context, c *module.Call, path string, data []byte) error {
	if _, err := os.Stat(path); err == nil {
		if _, err := hostos.AttrsOf(c).Apply(ctx, path, false, nil); err != nil {
			return err
		}
		return hostos.WriteFile(path, data, c.Bool("unsafe_writes"))
	}
	tmp, err := hostos.TempFrom(path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	if !c.Has("mode") || strings.ContainsAny(c.Str("mode"), "+-=") { // the mode that a new file would have, which these change
		err = os.Chmod(tmp, fs.FileMode(0o666&^hostos.Umask()))
	}
	if err == nil {
		_, err = hostos.AttrsOf(c).Apply(ctx, tmp, false, nil)
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
	}
	return err
}

// backup keeps a copy where the call wants one.
func backup(c *module.Call, path string, r module.Result) error {
	if !c.Bool("backup") {
		return nil
	}
	name, err := hostos.Backup(path)
	if name != "" {
		r["backup_file"] = name
	}
	return err
}

// remove takes a file away and reports whether there was one.
func remove(c *module.Call, path string) (bool, error) {
	if c.Check {
		_, err := os.Stat(path)
		return err == nil, nil
	}
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// attributes brings the file's metadata to the wanted state and reports whether it, or the file, is not as it was.
func attributes(ctx context.Context, c *module.Call, path string, changed bool) (bool, error) {
	if _, err := os.Stat(path); err != nil && c.Check {
		return true, nil
	}
	more, err := hostos.AttrsOf(c).Apply(ctx, path, c.Check, nil)
	return changed || more, err
}

// tell adds to a result how a file has changed, and with return_content, under key, what is in it now. info is what a diff says about a file.
func tell(c *module.Call, r module.Result, key string, before map[string]any, data []byte, info func([]byte) (map[string]any, error)) error {
	after, err := info(data)
	if err != nil {
		return err
	}
	r["diff"] = map[string]any{"before": before, "after": after}
	if c.Bool("return_content") {
		r[key] = nil
		if len(data) > 0 {
			r[key] = string(data)
		}
	}
	return nil
}
