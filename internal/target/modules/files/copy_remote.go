package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// fromTarget copies src, a path on the target (remote_src).
func (c *copier) fromTarget() (module.Result, error) {
	if !c.Has("src") {
		return nil, module.Fail("Source None not found", nil)
	}
	info, err := os.Stat(c.src)
	if err != nil {
		return nil, module.Fail(fmt.Sprintf("Source %s not found", c.src), nil)
	}
	if s, ok := c.attrs.Mode.(string); ok && s == "preserve" {
		c.attrs.Mode = int64(hostos.Perm(info))
	}
	var sum, md5 any // null of directories
	switch {
	case info.Mode().IsRegular():
		if sum, err = hostos.Checksum(c.src, "sha1"); err != nil {
			return nil, module.Fail(fmt.Sprintf("Source %s not readable", c.src), nil)
		}
		if md5, err = hostos.Checksum(c.src, "md5"); err != nil {
			return nil, wrap(err)
		}
	case !info.IsDir(): // a device or a pipe might never end
		return nil, module.Fail(fmt.Sprintf("Cannot copy invalid source '%s': not a file", c.src), nil)
	}
	if want := c.Str("checksum"); want != "" && want != sum {
		return nil, module.Fail("Copied file does not match the expected checksum. Transfer failed.",
			module.Result{"checksum": sum, "expected_checksum": want})
	}
	r := module.Result{"src": c.src, "checksum": sum, "md5sum": md5}
	top, changed := c.dest, false // where a directory is copied to
	if strings.HasSuffix(c.dest, "/") {
		if _, err := os.Stat(c.dest); err != nil {
			if c.Check {
				return module.Result{"changed": true, "msg": "dest directory " + strings.TrimSuffix(c.dest, "/") + " would be created", "src": c.src}, nil
			}
			if err := c.makeDirs(c.dest); err != nil {
				return nil, err
			}
			changed = true
		}
	}
	if st, err := os.Stat(c.dest); err == nil && st.IsDir() {
		c.dest = inside(c.dest, c.src)
	}
	old, err := os.Stat(c.dest)
	if err == nil {
		if link(c.dest) && c.Bool("follow") {
			c.dest = hostos.RealPath(c.dest)
		}
		if !c.Bool("force") {
			r = module.Result{"msg": "file already exists", "src": c.src, "dest": c.dest, "changed": false}
			hostos.AddPathInfo(r)
			return r, nil
		}
	} else if _, err := os.Stat(filepath.Dir(strings.TrimSuffix(c.dest, "/"))); err != nil {
		return nil, module.Fail(fmt.Sprintf("Destination directory %s does not exist", filepath.Dir(c.dest)), nil)
	}
	var did bool
	switch {
	case info.IsDir() && (old != nil && !old.IsDir() || link(c.dest)):
		if did = true; c.Check {
			break
		}
		err = module.Fail(fmt.Sprintf("Could not replace file: b%s to %s: [Errno 20] Not a directory: b%[1]s -> b%[3]s", module.Quote(c.src), c.dest, module.Quote(c.dest)), nil)
	case info.IsDir():
		did, err = c.copyDir(c.src, top)
	default:
		did, err = c.copyOne(info, old, sum.(string), r)
	}
	if err != nil {
		return nil, wrap(err)
	}
	a, err := c.attrs.Apply(c.ctx, c.dest, c.Check, nil)
	if err != nil {
		return nil, err
	}
	r["dest"], r["changed"] = c.dest, changed || did || a
	hostos.AddPathInfo(r)
	return r, nil
}

// inside is the path that src gets in the directory dir: dir itself, with a slash, when src ends in one.
func inside(dir, src string) string {
	return strings.TrimSuffix(dir, "/") + "/" + src[strings.LastIndexByte(src, '/')+1:]
}

func link(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// copyOne makes dest a copy of the regular file src, with its time and, where it replaces another file, its mode. A link in its
// place is replaced.
func (c *copier) copyOne(info, old fs.FileInfo, sum string, r module.Result) (bool, error) {
	have := ""
	if old != nil && old.Mode().IsRegular() {
		have, _ = hostos.Checksum(c.dest, "sha1")
	}
	replaced := link(c.dest)
	if have == sum && !replaced {
		return false, nil
	}
	if c.Check {
		return true, nil
	}
	if c.Bool("backup") && old != nil {
		b, err := hostos.Backup(c.dest)
		if err != nil {
			return false, err
		}
		r["backup_file"] = b
	}
	f, err := os.Open(c.src)
	if err != nil {
		return false, err
	}
	defer f.Close()
	unsafe := c.Bool("unsafe_writes")
	tmp, err := hostos.TempFrom(c.dest, f)
	if err != nil {
		if unsafe { // the directory takes no new files
			if _, err := f.Seek(0, 0); err != nil {
				return false, err
			}
			if hostos.WriteFrom(c.dest, f, true) == nil {
				return true, nil
			}
		}
		return false, module.Fail(fmt.Sprintf("failed to copy: %s to %s", c.src, c.dest), nil)
	}
	defer os.Remove(tmp)
	if err := like(tmp, info); err != nil {
		return false, err
	}
	if c.Has("validate") {
		if _, err := c.attrs.Apply(c.ctx, tmp, false, nil); err != nil {
			return false, err
		}
		if err := validate(c.ctx, c.Call, tmp, ""); err != nil {
			return false, err
		}
		if err := os.Chmod(tmp, info.Mode()); err != nil {
			return false, err
		}
	}
	if old == nil && !replaced {
		if err := os.Chmod(tmp, fs.FileMode(0o666&^hostos.Umask())); err != nil {
			return false, err
		}
	}
	if err := os.Rename(tmp, c.dest); err != nil {
		if !unsafe {
			return false, fmt.Errorf("Could not replace file: %s to %s: %w", tmp, c.dest, err)
		}
		return true, hostos.MoveFile(tmp, c.dest, true)
	}
	return true, nil
}

// like gives path the mode and the times of another file.
func like(path string, info fs.FileInfo) error {
	if err := os.Chmod(path, info.Mode()); err != nil {
		return err
	}
	return os.Chtimes(path, time.Unix(info.Sys().(*syscall.Stat_t).Atim.Unix()), info.ModTime())
}

// copyDir copies a directory to dest: itself, or with a slash behind its name what is in it.
func (c *copier) copyDir(src, dest string) (bool, error) {
	contents := strings.HasSuffix(src, "/")
	_, err := os.Stat(dest)
	into := err == nil // dest is there already
	if !contents {
		dest = inside(dest, src)
	}
	if _, err := os.Stat(dest); err == nil {
		changed, err := c.merge(src, dest)
		if err != nil {
			return changed, err
		}
		owned, err := c.own(dest)
		return changed || owned, err
	}
	if c.Check {
		return true, nil
	}
	if into || contents {
		err = c.copyTree(src, dest)
	} else { // neither is the directory around it there: both are new, not copies
		if err = os.MkdirAll(dest, 0o777); err == nil {
			_, err = c.merge(src, dest)
		}
	}
	if err != nil {
		return true, err
	}
	_, err = c.own(dest)
	return true, err
}

// copyTree copies a directory to a new one, with modes and times. Links stay links unless local_follow asks for their targets.
func (c *copier) copyTree(src, dest string) error {
	info, err := os.Stat(src)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(src)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dest, 0o777); err != nil {
		return err
	}
	for _, e := range entries {
		from, to := filepath.Join(src, e.Name()), filepath.Join(dest, e.Name())
		if e.Type()&fs.ModeSymlink != 0 && !c.Bool("local_follow") {
			if err := copyLink(from, to); err != nil {
				return err
			}
			continue
		}
		st, err := os.Stat(from)
		switch {
		case err != nil:
			return err
		case st.IsDir():
			if same, err := filepath.EvalSymlinks(from); err == nil && strings.HasPrefix(hostos.RealPath(src)+"/", same+"/") {
				return module.Fail(fmt.Sprintf("%s is a link to a directory around it: with local_follow its copy would have no end", from), nil)
			}
			err = c.copyTree(from, to)
		case st.Mode().IsRegular():
			if err = fill(from, to); err == nil {
				err = like(to, st)
			}
		default:
			err = module.Fail(fmt.Sprintf("`%s` is a named pipe or device", from), nil)
		}
		if err != nil {
			return err
		}
	}
	return like(dest, info)
}

// fill makes the content of from that of to, a new file or one that stays what it is.
func fill(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(in)
	return errors.Join(err, out.Close())
}

func copyLink(from, to string) error {
	target, err := os.Readlink(from)
	if err != nil {
		return err
	}
	return os.Symlink(target, to)
}

// leftOut are names that a copy into an existing directory passes over, as Python's dircmp does.
var leftOut = []string{"RCS", "CVS", "tags", ".git", ".hg", ".bzr", "_darcs", "__pycache__"}

// merge copies what is new or different in src into the existing directory dest.
func (c *copier) merge(src, dest string) (bool, error) {
	entries, err := os.ReadDir(src)
	if err != nil {
		return false, err
	}
	changed := false
	for _, e := range entries {
		if slices.Contains(leftOut, e.Name()) {
			continue
		}
		did, err := c.mergeOne(filepath.Join(src, e.Name()), filepath.Join(dest, e.Name()), e.Type()&fs.ModeSymlink != 0)
		changed = changed || did
		if err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// mergeOne copies one entry. Things of different kinds do not replace each other.
func (c *copier) mergeOne(from, to string, isLink bool) (bool, error) {
	st, err := os.Stat(from)
	_, there := os.Lstat(to)
	if there == nil {
		old, oldErr := os.Stat(to)
		switch {
		case err != nil || oldErr != nil:
			return false, nil
		case st.IsDir() && old.IsDir():
			return c.merge(from, to)
		case !st.Mode().IsRegular() || !old.Mode().IsRegular():
			return false, nil
		}
		if same, err := sameText(from, to, st, old); same || err != nil || c.Check {
			return !same, err
		}
		if isLink && c.Has("local_follow") && !c.Bool("local_follow") {
			return true, copyLink(from, to)
		}
	} else {
		follow := c.Bool("local_follow")
		switch { // a new entry is a change even where nothing can be made of it
		case err != nil || c.Check || isLink && !c.Has("local_follow"):
			return true, nil
		case isLink && !follow && (st.IsDir() || st.Mode().IsRegular()):
			return true, copyLink(from, to)
		case st.IsDir():
			if err := c.copyTree(from, to); err != nil {
				return true, err
			}
			_, err := c.own(to)
			return true, err
		case !st.Mode().IsRegular():
			return true, nil
		}
	}
	if err := fill(from, to); err != nil {
		return true, err
	}
	if !isLink || there == nil { // of a link that is followed the mode is that of new files
		if err := os.Chmod(to, st.Mode()); err != nil {
			return true, err
		}
	}
	_, err = c.ownerOnly().Apply(c.ctx, to, false, nil)
	return true, err
}

// sameText compares as dircmp does: by size and time, and when they differ by content.
func sameText(a, b string, x, y fs.FileInfo) (bool, error) {
	if x.Size() != y.Size() {
		return false, nil
	}
	if x.ModTime().Equal(y.ModTime()) {
		return true, nil
	}
	p, err := hostos.Checksum(a, "sha1")
	if err != nil {
		return false, err
	}
	q, err := hostos.Checksum(b, "sha1")
	return p == q, err
}

// own brings owner and group of everything below dir to what is wanted.
func (c *copier) own(dir string) (bool, error) {
	attrs := c.ownerOnly()
	if attrs.Owner == nil && attrs.Group == nil {
		return false, nil
	}
	changed := false
	if link(dir) { // the walk starts at its target
		a, err := attrs.Apply(c.ctx, dir, c.Check, nil)
		if err != nil {
			return a, err
		}
		changed, dir = a, dir+"/"
	}
	err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		a, err := attrs.Apply(c.ctx, p, c.Check, nil)
		changed = changed || a
		return err
	})
	return changed, err
}

// ownerOnly is the wanted owner and group: option mode is about the top directory alone.
func (c *copier) ownerOnly() hostos.Attrs {
	return hostos.Attrs{Owner: c.attrs.Owner, Group: c.attrs.Group}
}
