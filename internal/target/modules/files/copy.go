package files

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// copyFile is also the target's half of template. The controller sends one file as Payload, with its name in
// _original_basename and, for the result and the diff's header, its path on the controller in src; of a directory it sends the
// files one by one. Without a Payload, src is a path on the target (remote_src). _diff_header replaces src as the diff's
// after_header.
var copyFile = &module.Module{
	Name: "ansible.builtin.copy",
	Doc:  "Puts a file on the target.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "_original_basename"},
			{Name: "backup", Type: module.TypeBool, Default: false},
			{Name: "checksum"},
			{Name: "content", NoLog: true},
			{Name: "dest", Type: module.TypePath, Required: true},
			{Name: "directory_mode", Type: module.TypeRaw},
			{Name: "follow", Type: module.TypeBool, Default: false},
			{Name: "force", Type: module.TypeBool, Default: true},
			{Name: "local_follow", Type: module.TypeBool},
			{Name: "remote_src", Type: module.TypeBool},
			{Name: "src", Type: module.TypePath},
			{Name: "validate"},
		},
		FileArgs:  true,
		CheckMode: true,
	},
	Run: runCopy,
}

// maxDiff is the largest file that a diff shows, in bytes.
const maxDiff = 104448

type copier struct {
	*module.Call
	ctx       context.Context
	src, dest string
	attrs     hostos.Attrs
}

func runCopy(ctx context.Context, c *module.Call) (module.Result, error) {
	cp := &copier{Call: c, ctx: ctx, src: c.Str("src"), dest: c.Str("dest"), attrs: hostos.AttrsOf(c)}
	if c.Payload == nil {
		if c.Has("content") {
			text := []byte(c.Str("content"))
			c.Payload = &module.Payload{Size: int64(len(text)), SHA1: hostos.SHA1(text), Open: func() (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(text)), nil
			}}
		} else {
			return cp.fromTarget()
		}
	}
	return cp.fromController()
}

// intoDir resolves a dest that is or will be a directory, and makes missing directories.
func (c *copier) intoDir(base string) error {
	if strings.HasSuffix(c.dest, "/") {
		if base != "" {
			dir := c.dest
			if err := c.makeDirs(dir); err != nil {
				return err
			}
			c.dest = filepath.Join(c.dest, base)
		}
		return nil
	}
	if info, err := os.Stat(c.dest); err == nil && info.IsDir() && base != "" {
		c.dest = filepath.Join(c.dest, base)
	}
	return nil
}

// makeDirs makes the missing directories of a path with directory_mode.
func (c *copier) makeDirs(dir string) error {
	var missing []string
	for p := filepath.Clean(dir); ; p = filepath.Dir(p) {
		if _, err := os.Stat(p); err == nil || p == filepath.Dir(p) {
			break
		}
		missing = append(missing, p)
	}
	if c.Check || len(missing) == 0 {
		return nil
	}
	attrs := c.attrs
	attrs.Mode = c.Args["directory_mode"]
	for i := len(missing) - 1; i >= 0; i-- {
		if err := os.Mkdir(missing[i], 0o777); err != nil {
			return module.Fail(hostos.Errno(err), nil)
		}
	}
	for i := len(missing) - 1; i >= 0; i-- {
		if _, err := attrs.Apply(c.ctx, missing[i], false, nil); err != nil {
			return err
		}
	}
	return nil
}

// fromController puts the payload in place.
func (c *copier) fromController() (module.Result, error) {
	base := c.Str("_original_basename")
	if base == "" && c.src != "" {
		base = filepath.Base(c.src)
	}
	if err := c.intoDir(base); err != nil {
		return nil, err
	}
	if info, err := os.Stat(c.dest); err == nil && info.IsDir() {
		return nil, module.Fail("can not use content with a dir as dest", module.Result{"diff": []any{}})
	}
	info, err := os.Lstat(c.dest)
	exists := err == nil
	if exists && info.Mode()&fs.ModeSymlink != 0 {
		if c.Bool("follow") {
			c.dest = hostos.RealPath(c.dest)
			_, err = os.Stat(c.dest)
			exists = err == nil
		} else if _, err := os.Stat(c.dest); err != nil {
			exists = false // a dangling link is replaced
		}
	}
	if exists && !c.Bool("force") {
		return module.Result{"changed": false, "dest": c.dest, "src": c.src}, nil
	}
	old := ""
	if exists && (info.Mode()&fs.ModeSymlink == 0 || c.Bool("follow")) {
		old, _ = hostos.Checksum(c.dest, "sha1")
	}
	if old != "" && old == c.Payload.SHA1 {
		return c.unchanged()
	}
	data, err := c.read()
	if err != nil {
		return nil, err
	}
	sum := hostos.SHA1(data)
	if old != "" && old == sum {
		return c.unchanged()
	}
	r := module.Result{"diff": []any{}}
	if c.Diff {
		r["diff"] = []any{c.contentDiff(exists, data)}
	}
	if c.Check { // a directory that an earlier task would have made is missing now: that is no failure
		r["changed"] = true
		return r, nil
	}
	fail := func(err error) (module.Result, error) {
		r["checksum"] = sum
		return r, wrap(err)
	}
	if want := c.Str("checksum"); want != "" && want != sum {
		r["expected_checksum"] = want
		return fail(module.Fail("Copied file does not match the expected checksum. Transfer failed.", nil))
	}
	dir := filepath.Dir(c.dest)
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return fail(module.Fail(fmt.Sprintf("Destination directory %s does not exist", dir), nil))
	}
	backup := ""
	if c.Bool("backup") && exists {
		if backup, err = hostos.Backup(c.dest); err != nil {
			return fail(err)
		}
	}
	if err := c.install(bytes.NewReader(data)); err != nil {
		return fail(err)
	}
	if _, err := c.attrs.Apply(c.ctx, c.dest, false, nil); err != nil {
		return fail(err)
	}
	h := hostos.NewHash("md5")
	h.Write(data)
	r["dest"], r["checksum"], r["md5sum"], r["changed"] = c.dest, sum, fmt.Sprintf("%x", h.Sum(nil)), true
	if c.src != "" {
		r["src"] = c.src
	}
	if backup != "" {
		r["backup_file"] = backup
	}
	hostos.AddPathInfo(r)
	return r, nil
}

// install writes r to dest after validation. A link at dest is replaced.
func (c *copier) install(r io.Reader) error {
	if !c.Has("validate") {
		if info, err := os.Lstat(c.dest); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			if err := os.Remove(c.dest); err != nil {
				return err
			}
		}
		return hostos.WriteFrom(c.dest, r, c.Bool("unsafe_writes"))
	}
	if v := c.Str("validate"); !strings.Contains(v, "%s") {
		return module.Fail("validate must contain %s: "+v, nil)
	}
	tmp, err := hostos.TempFrom(c.dest, r)
	if err != nil {
		return err
	}
	// The validating program may insist on the final mode and owner.
	if _, err := c.attrs.Apply(c.ctx, tmp, false, nil); err != nil {
		os.Remove(tmp)
		return err
	}
	if err := validate(c.ctx, c.Call, tmp, ""); err != nil {
		os.Remove(tmp)
		return err
	}
	return hostos.MoveFile(tmp, c.dest, c.Bool("unsafe_writes"))
}

// read takes the payload's bytes over. Files for modules are configuration: they fit in memory many times over.
func (c *copier) read() ([]byte, error) {
	r, err := c.Payload.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// unchanged brings mode and owner of a file with the right content to what is wanted.
func (c *copier) unchanged() (module.Result, error) {
	d := hostos.Diff{Before: map[string]any{"path": c.dest}, After: map[string]any{"path": c.dest}}
	changed, err := c.attrs.Apply(c.ctx, c.dest, c.Check, &d)
	if err != nil {
		return nil, err
	}
	sum, err := hostos.Checksum(c.dest, "sha1")
	if err != nil {
		return nil, wrap(err)
	}
	r := module.Result{"changed": changed, "path": c.dest, "dest": c.dest, "checksum": sum,
		"diff": map[string]any{"before": d.Before, "after": d.After}}
	hostos.AddPathInfo(r)
	return r, nil
}

// contentDiff compares what is at dest with data.
func (c *copier) contentDiff(exists bool, data []byte) map[string]any {
	d := map[string]any{}
	if exists {
		d["before_header"] = c.dest
		old, err := os.ReadFile(c.dest)
		switch {
		case err != nil:
			d["before"] = ""
		case len(old) > maxDiff:
			d["dst_larger"] = maxDiff
			delete(d, "before_header")
		case binary(old):
			d["dst_binary"] = 1
			delete(d, "before_header")
		default:
			d["before"] = string(old)
		}
	} else {
		d["before"] = ""
	}
	switch {
	case len(data) > maxDiff:
		d["src_larger"] = maxDiff
	case binary(data):
		d["src_binary"] = 1
	default:
		d["after"] = string(data)
		d["after_header"] = c.dest
		if c.src != "" {
			d["after_header"] = c.src
		}
	}
	return d
}
