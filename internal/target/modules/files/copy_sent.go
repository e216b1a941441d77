package files

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// fromController puts the payload in place. Its bytes are asked for when dest has others, and go from the connection to the
// disk: they are never all in memory.
func (c *copier) fromController() (module.Result, error) {
	name := c.Str("_original_basename") // "" of a text that the task gives
	if name == "" && c.src != "" {
		name = filepath.Base(c.src)
	}
	path := c.dest
	if strings.HasSuffix(path, "/") {
		path += name
	}
	info, err := c.look(path)
	if err == nil && info != nil && info.IsDir() {
		if name == "" {
			return nil, intoDirectory()
		}
		path = strings.TrimSuffix(c.dest, "/") + "/" + name
		info, err = c.look(path)
	}
	switch {
	case err != nil:
		return nil, err
	case info != nil && !c.Bool("force"):
		return module.Result{"changed": false, "dest": c.dest, "src": c.src}, nil
	case info != nil && info.Mode().IsRegular():
		if old, err := hostos.Checksum(path, "sha1"); err == nil && old == c.Payload.SHA1 {
			return c.unchanged(path, name)
		}
	}
	in, err := c.Payload.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	r := module.Result{"diff": []any{}}
	var text io.Reader = in
	if c.Diff {
		var head []byte
		if c.Payload.Size <= maxDiff { // of a larger one nothing is shown
			if head, err = io.ReadAll(in); err != nil {
				return nil, err
			}
			text = bytes.NewReader(head)
		}
		r["diff"] = []any{c.contentDiff(path, head, c.Payload.Size)}
	}
	if c.Check { // a directory that an earlier task would have made is missing now: that is no failure
		r["changed"] = true
		return r, nil
	}
	r["checksum"] = c.Payload.SHA1 // also of what cannot be put in place
	if want := c.Str("checksum"); want != "" && want != c.Payload.SHA1 {
		r["expected_checksum"] = want
		return r, module.Fail("Copied file does not match the expected checksum. Transfer failed.", nil)
	}
	placed := module.Result{}
	changed, err := c.place(text, name, placed)
	if err != nil {
		return r, wrap(err)
	}
	attrs, err := c.attrs.Apply(c.ctx, c.dest, false, nil)
	if err != nil {
		return r, err
	}
	maps.Copy(r, placed)
	r["dest"], r["changed"] = c.dest, changed || attrs
	if c.src != "" {
		r["src"] = c.src
	}
	hostos.AddPathInfo(r)
	return r, nil
}

func intoDirectory() error {
	return module.Fail("can not use content with a dir as dest", module.Result{"diff": []any{}})
}

// look says what is at a path, nil when there is nothing.
func (c *copier) look(path string) (fs.FileInfo, error) {
	stat := os.Lstat
	if c.Bool("follow") {
		stat = os.Stat
	}
	info, err := stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		if n, ok := errors.AsType[syscall.Errno](err); ok {
			err = errors.New(hostos.ErrText(n))
		}
		return nil, module.Fail(fmt.Sprintf("Failed to get information on remote file (%s): %s", path, err), nil)
	}
	return info, nil
}

// place writes text to dest, or with its name into it where dest is a directory, and says in r what results say of it.
func (c *copier) place(text io.Reader, name string, r module.Result) (changed bool, err error) {
	if strings.HasSuffix(c.dest, "/") {
		c.dest += name
		dir := c.dest[:strings.LastIndexByte(c.dest, '/')] // the name of a file of a directory has directories in it
		if _, err := os.Stat(dir); err != nil {
			if err := c.makeDirs(dir); err != nil {
				return false, err
			}
			changed = true
		}
	}
	if info, err := os.Stat(c.dest); err == nil && info.IsDir() {
		if name == "" {
			return false, intoDirectory()
		}
		c.dest = strings.TrimSuffix(c.dest, "/") + "/" + name
	}
	if _, err := os.Stat(c.dest); err == nil {
		if c.Bool("follow") && link(c.dest) {
			c.dest = hostos.RealPath(c.dest)
		}
	} else if _, err := os.Stat(filepath.Dir(c.dest)); err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return false, module.Fail(fmt.Sprintf("Destination directory %s is not accessible", filepath.Dir(c.dest)), nil)
		}
		return false, module.Fail(fmt.Sprintf("Destination directory %s does not exist", filepath.Dir(c.dest)), nil)
	}
	if syscall.Access(filepath.Dir(c.dest), 2) != nil && !c.Bool("unsafe_writes") {
		return false, module.Fail(fmt.Sprintf("Destination %s not writable", filepath.Dir(c.dest)), nil)
	}
	old := ""
	if info, err := os.Stat(c.dest); err == nil && info.Mode().IsRegular() && !link(c.dest) {
		old, _ = hostos.Checksum(c.dest, "sha1")
	}
	if old != "" && old == c.Payload.SHA1 {
		r["md5sum"], err = hostos.Checksum(c.dest, "md5")
		return changed, err
	}
	if c.Bool("backup") {
		backup, err := hostos.Backup(c.dest)
		if err != nil {
			return changed, err
		}
		if backup != "" {
			r["backup_file"] = backup
		}
	}
	sums := &sums{sha1: sha1.New(), md5: md5.New(), from: text}
	if err := c.install(sums); err != nil {
		return changed, err
	}
	r["checksum"], r["md5sum"] = hex.EncodeToString(sums.sha1.Sum(nil)), hex.EncodeToString(sums.md5.Sum(nil))
	return true, nil
}

// sums reads on from another reader and keeps checksums of what came.
type sums struct {
	sha1, md5 hash.Hash
	from      io.Reader
}

func (s *sums) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	s.sha1.Write(p[:n])
	s.md5.Write(p[:n])
	return n, err
}

// install writes text to dest after validation. A link at dest is replaced.
func (c *copier) install(text io.Reader) error {
	unsafe := c.Bool("unsafe_writes")
	validated, replaced := c.Has("validate"), link(c.dest)
	if !validated && !replaced {
		return hostos.WriteFrom(c.dest, text, unsafe)
	}
	tmp, err := hostos.TempFrom(c.dest, text)
	if err != nil {
		return err
	}
	defer os.Remove(tmp) // nothing to remove after the rename
	if validated {
		// The validating program may insist on the final mode and owner.
		for _, a := range []hostos.Attrs{{Mode: c.attrs.Mode}, {Owner: c.attrs.Owner, Group: c.attrs.Group}} {
			if _, err := a.Apply(c.ctx, tmp, false, nil); err != nil {
				return err
			}
		}
		if err := validate(c.ctx, c.Call, tmp, ""); err != nil {
			return err
		}
	}
	if replaced {
		if err := os.Remove(c.dest); err != nil {
			return err
		}
	}
	return hostos.MoveFile(tmp, c.dest, unsafe)
}

// unchanged brings mode and owner of a file with the right content to what is wanted, as the module file does.
func (c *copier) unchanged(path, name string) (module.Result, error) {
	f := &fileCall{Call: c.Call, ctx: c.ctx, path: c.dest, follow: true, attrs: c.attrs, mtime: stamp{keep: true}, atime: stamp{keep: true}}
	if c.Bool("follow") && link(path) {
		f.path = hostos.RealPath(path)
	} else if isDir(c.dest) {
		f.path = filepath.Join(c.dest, name)
	}
	f.prev = stateAt(f.path)
	r, err := f.attributes()
	if err != nil {
		return module.Result{"checksum": c.Payload.SHA1, "diff": []any{}}, err
	}
	r["dest"], r["checksum"] = r["path"], c.Payload.SHA1
	hostos.AddPathInfo(r)
	return r, nil
}
