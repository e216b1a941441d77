// Package hostos holds the verbs that modules use on the machine they run on: write a file in one step, bring its mode, owner and
// attributes to a wanted state, keep a backup, run a command, look up users and groups.
//
// Called by internal/target/modules and internal/target/facts.
package hostos

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// WriteFile makes data the content of path in one step: readers see the old content or the new, never a part. An existing
// file keeps its mode, owner and SELinux label; a new one gets 0666 less the umask. A symbolic link is replaced; resolve it first to
// write through it. With unsafe, a path that cannot be replaced (a mount point, a directory without write permission) is
// overwritten in place.
func WriteFile(path string, data []byte, unsafe bool) error {
	return WriteFrom(path, bytes.NewReader(data), unsafe)
}

// WriteFrom is WriteFile with the content of r. Nothing changes when reading r fails.
func WriteFrom(path string, r io.Reader, unsafe bool) error {
	tmp, err := TempFrom(path, r)
	if err != nil {
		if unsafe && inPlace(err) {
			return overwrite(path, r)
		}
		return err
	}
	return MoveFile(tmp, path, unsafe)
}

// TempFrom writes r to a new private file beside path, for a later MoveFile, and returns its name.
func TempFrom(path string, r io.Reader) (string, error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".ansible_tmp*"+filepath.Base(path))
	if errors.Is(err, syscall.ENAMETOOLONG) {
		f, err = os.CreateTemp(dir, ".ansible_tmp*")
	}
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, r)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// MoveFile puts the file tmp in the place of dest as WriteFile does, and removes tmp when that fails.
func MoveFile(tmp, dest string, unsafe bool) error {
	defer os.Remove(tmp) // nothing to remove after the rename
	old, err := os.Stat(dest)
	exists := err == nil
	if exists {
		st := old.Sys().(*syscall.Stat_t)
		if err := os.Chmod(tmp, old.Mode()); err != nil {
			return err
		}
		if err := os.Chown(tmp, int(st.Uid), int(st.Gid)); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
		if err := os.Chmod(tmp, old.Mode()); err != nil { // chown drops setuid and setgid
			return err
		}
		copyLabel(dest, tmp)
		copyACL(dest, tmp)
	} else if err := os.Chmod(tmp, fs.FileMode(0o666&^Umask())); err != nil {
		return err
	}
	err = os.Rename(tmp, dest)
	if err == nil {
		return nil
	}
	if errors.Is(err, syscall.EXDEV) { // tmp lies elsewhere: bring the bytes over first
		f, e := os.Open(tmp)
		if e != nil {
			return e
		}
		defer f.Close()
		return WriteFrom(dest, f, unsafe)
	}
	if unsafe && inPlace(err) {
		f, e := os.Open(tmp)
		if e != nil {
			return e
		}
		defer f.Close()
		return overwrite(dest, f)
	}
	return fmt.Errorf("Could not replace file: %s to %s: %w", tmp, dest, err)
}

// inPlace says whether err means that a file cannot be replaced but might be written to.
func inPlace(err error) bool {
	for _, e := range []error{syscall.EPERM, syscall.EXDEV, syscall.EACCES, syscall.ETXTBSY, syscall.EBUSY, syscall.EROFS} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func overwrite(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// CopyFile copies the content, mode, times and owner of src to the new file dest.
func CopyFile(src, dest string) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(dest, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if e := out.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(dest)
		return err
	}
	st := info.Sys().(*syscall.Stat_t)
	if err := os.Chown(dest, int(st.Uid), int(st.Gid)); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err := os.Chmod(dest, info.Mode()); err != nil {
		return err
	}
	copyLabel(src, dest)
	return os.Chtimes(dest, time.Unix(st.Atim.Unix()), info.ModTime())
}

// Backup keeps a copy of path beside it under Ansible's backup name and returns that name; "" when there is no such file.
func Backup(path string) (string, error) {
	if _, err := os.Stat(path); err != nil {
		return "", nil
	}
	name, at := "", time.Now().Format("2006-01-02@15:04:05")
	for n := os.Getpid(); name == "" || exists(name); n++ { // the process stays the same: a second backup in a second gets another number
		name = fmt.Sprintf("%s.%d.%s~", path, n, at)
	}
	if err := CopyFile(path, name); err != nil {
		return "", fmt.Errorf("Could not make backup of %s to %s: %w", path, name, err)
	}
	return name, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Umask is the file mode creation mask of this process.
func Umask() uint32 {
	data, err := os.ReadFile("/proc/self/status") // asking umask(2) would change it for a moment, for all threads
	if err == nil {
		for line := range strings.Lines(string(data)) {
			if v, ok := strings.CutPrefix(line, "Umask:"); ok {
				if n, err := strconv.ParseUint(strings.TrimSpace(v), 8, 32); err == nil {
					return uint32(n)
				}
			}
		}
	}
	return 0o022
}

// RealPath resolves symbolic links as Python's os.path.realpath does: a part that does not exist ends the resolving.
func RealPath(path string) string {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		if abs, err := filepath.Abs(p); err == nil {
			return abs
		}
		return p
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if target, err := os.Readlink(abs); err == nil { // a dangling link
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(abs), target)
		}
		if target != abs {
			return filepath.Join(RealPath(filepath.Dir(target)), filepath.Base(target))
		}
		return abs
	}
	dir := filepath.Dir(abs)
	if dir == abs {
		return abs
	}
	return filepath.Join(RealPath(dir), filepath.Base(abs))
}
