package pyhost

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/troupe-automation/troupe/internal/remote/pymodule"
	"github.com/troupe-automation/troupe/internal/source"
)

var noPos source.Pos

// base is the package `ansible` that plugins import, and the process itself. Its folders have the names that plugins import
// (ansible.utils.display, ansible.parsing.utils …); everything in them is ours.
//
//go:embed all:base
var base embed.FS

// Interpreter is the Python that runs plugins: the first python3 of PATH.
func Interpreter() (string, error) {
	p, err := exec.LookPath("python3")
	if err != nil {
		return "", errors.New("this playbook uses plugins written in Python, and there is no python3 on the controller")
	}
	return p, nil
}

// library is every file of the package by its path: our base over the module_utils that modules get.
var library = sync.OnceValue(func() map[string]string {
	files := map[string]string{}
	for dotted, text := range pymodule.Library() {
		files[strings.ReplaceAll(dotted, ".", "/")+".py"] = text
	}
	_ = fs.WalkDir(base, "base", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && path.Ext(name) == ".py" {
			text, err := base.ReadFile(name)
			if err != nil {
				return err
			}
			files[strings.TrimPrefix(name, "base/")] = string(text)
		}
		return err
	})
	return files
})

// unpack writes the package to a directory of the user's cache, once for each version, so that Python keeps it compiled.
var unpack = sync.OnceValues(func() (string, error) {
	files := library()
	names := make([]string, 0, len(files))
	for n := range files {
		names = append(names, n)
	}
	slices.Sort(names)
	sum := sha256.New()
	for _, n := range names {
		sum.Write([]byte(n + "\x00" + files[n] + "\x00"))
	}
	leaf := "plugins-" + hex.EncodeToString(sum.Sum(nil))[:16]
	var last error
	for _, root := range cacheDirs() {
		dir := filepath.Join(root, leaf)
		if owned(dir) {
			return dir, nil
		}
		if last = write(root, dir, files, names); last == nil {
			return dir, nil
		}
	}
	return "", last
})

// cacheDirs are the places for the package: the user's cache, or a directory of our own below the temporary one.
func cacheDirs() []string {
	var dirs []string
	if d, err := os.UserCacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(d, "troupe"))
	}
	return append(dirs, filepath.Join(os.TempDir(), "troupe-"+uid()))
}

// owned reports whether a directory is there and nobody else could have written it.
func owned(dir string) bool {
	st, err := os.Lstat(dir)
	if err != nil || !st.IsDir() || st.Mode().Perm()&0o022 != 0 {
		return false
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Getuid()
}

// write makes the directory appear whole.
func write(root, dir string, files map[string]string, names []string) error {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return err
	}
	if !owned(root) {
		return errors.New(root + " belongs to somebody else")
	}
	tmp, err := os.MkdirTemp(root, ".plugins-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	for _, n := range names {
		p := filepath.Join(tmp, filepath.FromSlash(n))
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(p, []byte(files[n]), 0o600); err != nil {
			return err
		}
	}
	if err := os.Rename(tmp, dir); err != nil && !owned(dir) { // somebody else may have been faster
		return err
	}
	return nil
}
