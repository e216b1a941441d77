package files

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// copyFile is also the target's half of template. The controller sends one file as Payload, with its name in
// _original_basename and, for the result and the diff's header, its path on the controller in src; of a directory it sends the
// files one by one, with their names below dest. Without a Payload, src is a path on the target (remote_src).
var copyFile = &module.Module{
	Name: "ansible.builtin.copy",
	Doc:  "Puts a file on the target.",
	Spec: module.Spec{
		Options: []module.Option{ // in Ansible's order, in which invocation shows them
			{Name: "src", Type: module.TypePath},
			{Name: "_original_basename"},
			{Name: "content", NoLog: true},
			{Name: "dest", Type: module.TypePath, Required: true},
			{Name: "backup", Type: module.TypeBool, Default: false},
			{Name: "force", Type: module.TypeBool, Default: true},
			{Name: "validate"},
			{Name: "directory_mode", Type: module.TypeRaw},
			{Name: "remote_src", Type: module.TypeBool},
			{Name: "local_follow", Type: module.TypeBool},
			{Name: "checksum"},
			{Name: "follow", Type: module.TypeBool, Default: false},
		},
		FileArgs:  true,
		CheckMode: true,
	},
	Returns: []string{"diff", "dest", "src", "md5sum", "checksum", "changed", "before", "after"},
	Run:     runCopy,
}

// maxDiff is the largest file that a diff shows, in bytes, and peeked how much of it tells whether it is text.
const (
	maxDiff = 104448
	peeked  = 8192
)

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

// contentDiff compares what is at path with a text of a size; the text itself matters when it is small enough to be shown.
func (c *copier) contentDiff(path string, text []byte, size int64) map[string]any {
	d := map[string]any{}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		d["before"] = ""
	case !info.Mode().IsRegular(): // has no text
	case binary(path):
		d["dst_binary"] = 1
	case info.Size() > maxDiff:
		d["dst_larger"] = maxDiff
	default:
		if old, err := os.ReadFile(path); err == nil {
			d["before_header"], d["before"] = path, string(old)
		}
	}
	switch {
	case size > maxDiff:
		d["src_larger"] = maxDiff
	case bytes.IndexByte(text, 0) >= 0:
		d["src_binary"] = 1
	default:
		d["after"] = string(text)
		d["after_header"] = path
		if c.src != "" {
			d["after_header"] = c.src
		}
	}
	return d
}

// binary says whether a diff should not show a file.
func binary(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, peeked)
	n, _ := io.ReadFull(f, head)
	return bytes.IndexByte(head[:n], 0) >= 0
}
