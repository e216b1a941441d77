package action

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/remote/session"
	"github.com/troupe-automation/troupe/value"
)

var copyAction = &Action{Name: "ansible.builtin.copy", Run: runCopy}

// runCopy sends a file, a directory or a text. The bytes travel only when the target differs: the module pulls them.
func runCopy(c *Context) (*Outcome, error) {
	remote, err := c.Flag("remote_src", false)
	if err != nil {
		return nil, err
	}
	content, hasContent := c.Args.GetStr("content")
	hasContent = hasContent && content != value.None
	src, dest := c.Text("src", ""), c.Text("dest", "")
	switch {
	case src == "" && !hasContent:
		return nil, failf("src (or content) is required")
	case dest == "":
		return nil, failf("dest is required")
	case src != "" && hasContent:
		return nil, failf("src and content are mutually exclusive")
	case hasContent && strings.HasSuffix(dest, "/"):
		return nil, failf("can not use content with a dir as dest")
	}
	if hasContent {
		return copyContent(c, content)
	}
	if remote {
		return c.callModule(c.Name, c.Args, nil)
	}
	path, err := c.Find("files", src)
	if err != nil {
		return nil, err
	}
	if st, err := os.Stat(path); err != nil {
		return nil, err
	} else if st.IsDir() {
		if strings.HasSuffix(src, "/") {
			path = strings.TrimSuffix(path, "/") + "/"
		}
		return copyTree(c, path, dest)
	}
	r, err := sendFile(c, without(c.Args, "decrypt"), path, filepath.Base(path))
	if err != nil {
		return nil, err
	}
	return FromModule(r), nil
}

// sendFile offers a file to the module under the name that it has where dest is a directory.
func sendFile(c *Context, args *value.Dict, path, name string) (*value.Dict, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	preserve(args, st)
	args.SetStr("src", value.Str(path))
	args.SetStr("_original_basename", value.Str(name))
	payload, err := filePayload(c, path)
	if err != nil {
		return nil, err
	}
	return c.Remote.Module(c, ModuleCall{Name: c.Name, Args: args, Payload: payload, Become: true})
}

// preserve turns mode=preserve into the mode of the file that is sent.
func preserve(args *value.Dict, st fs.FileInfo) {
	if m, _ := args.GetStr("mode"); m == value.Str("preserve") {
		args.SetStr("mode", value.Str(fmt.Sprintf("%04o", st.Mode().Perm())))
	}
}

func copyContent(c *Context, v value.Value) (*Outcome, error) {
	var text string
	switch v.(type) {
	case *value.Dict, *value.List:
		s, err := value.JSON(v, value.JSONOptions{})
		if err != nil {
			return nil, err
		}
		text = s
	default:
		s, err := value.ToStr(v)
		if err != nil {
			return nil, err
		}
		text = s
	}
	args := without(c.Args, "content", "decrypt")
	if m, _ := args.GetStr("mode"); m == value.Str("preserve") {
		args.SetStr("mode", value.Str("0600")) // Ansible sends a temporary file
	}
	return c.callModule(c.Name, args, BytesPayload([]byte(text)))
}

// BytesPayload offers bytes to a module.
func BytesPayload(b []byte) *session.Payload {
	sum := sha1.Sum(b)
	return &session.Payload{Size: int64(len(b)), SHA1: hex.EncodeToString(sum[:]), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}}
}

// filePayload offers a file of the controller, decrypted when it is a vault file and the task does not forbid it.
func filePayload(c *Context, path string) (*session.Payload, error) {
	decrypt, err := c.Flag("decrypt", true)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, len(vaultMark))
	n, _ := io.ReadFull(f, head)
	if decrypt && string(head[:n]) == vaultMark {
		b, err := c.Services.ReadFile(path, true)
		if err != nil {
			return nil, err
		}
		return BytesPayload(b), nil
	}
	sum := sha1.New()
	sum.Write(head[:n])
	size, err := io.Copy(sum, f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return &session.Payload{Size: size + int64(n), SHA1: hex.EncodeToString(sum.Sum(nil)), Path: path, Open: func() (io.ReadCloser, error) { return os.Open(path) }}, nil
}

const vaultMark = "$ANSIBLE_VAULT;"

// fileOptions are the options of copy that the module file has, too.
var fileOptions = []string{"owner", "group", "mode", "seuser", "serole", "setype", "selevel", "attributes", "unsafe_writes", "force"}

// copyTree copies a directory: its contents when src ends with a slash, else the directory itself. Its files make the directories
// they need; then come the directories, some of them empty, and links.
func copyTree(c *Context, src, dest string) (*Outcome, error) {
	dest = strings.TrimSuffix(dest, "/") + "/"
	follow, err := c.Flag("local_follow", true)
	if err != nil {
		return nil, err
	}
	t := &tree{root: strings.TrimRight(src, "/"), follow: follow}
	if !strings.HasSuffix(src, "/") {
		t.prefix = filepath.Base(t.root)
	}
	if err := t.walk(t.root, "", nil); err != nil {
		return nil, err
	}
	changed := false
	var last *value.Dict
	done := func(r *value.Dict, err error) error {
		if err != nil {
			return err
		}
		if truth(r, "failed") {
			return &Failure{Msg: text(r, "msg"), Keys: r}
		}
		changed = changed || truth(r, "changed")
		if _, looked := r.GetStr("diff"); looked { // not left alone because it is there
			last = r
		}
		return nil
	}
	for _, f := range t.files {
		args := without(c.Args, "decrypt")
		args.SetStr("dest", value.Str(dest))
		if len(t.dirs) > 0 {
			args.SetStr("follow", value.False)
		}
		if err := done(sendFile(c, args, f.path, filepath.Join(t.prefix, f.rel))); err != nil {
			return nil, err
		}
	}
	file := func(path string, mode value.Value, more ...any) error {
		args := value.DictOf("path", value.Str(dest+filepath.Join(t.prefix, path)))
		for _, k := range fileOptions {
			if v, ok := c.Args.GetStr(k); ok {
				args.SetStr(k, v)
			}
		}
		args.DeleteStr("mode")
		if mode != nil {
			args.SetStr("mode", mode)
		}
		for k, v := range value.DictOf(more...).All() {
			_ = args.Set(k, v) // a string
		}
		return done(c.Remote.Module(c, ModuleCall{Name: "ansible.builtin.file", Args: args, Become: true}))
	}
	mode, _ := c.Args.GetStr("directory_mode")
	for _, d := range t.dirs {
		if err := file(d, mode, "state", value.Str("directory"), "recurse", value.False); err != nil {
			return nil, err
		}
	}
	if mode, _ = c.Args.GetStr("mode"); mode == value.Str("preserve") {
		mode = nil // links have none
	}
	for _, l := range t.links {
		to, err := os.Readlink(filepath.Join(t.root, l))
		if err != nil {
			return nil, err
		}
		if err := file(l, mode, "src", value.Str(to), "state", value.Str("link"), "force", value.True, "follow", value.Bool(len(t.dirs) == 0)); err != nil {
			return nil, err
		}
	}
	if len(t.files) == 1 && last != nil {
		return &Outcome{Result: last}, nil
	}
	return outcome("changed", value.Bool(changed), "dest", value.Str(dest), "src", value.Str(src)), nil
}

// tree lists what is below a directory. Symbolic links are followed or listed as links; those that lead nowhere, or to a directory
// that is being walked, are links in any case.
type tree struct {
	root, prefix string // what is listed, and its name in the place it is copied to
	follow       bool
	files        []treeFile
	dirs, links  []string // relative to the root
}

type treeFile struct{ path, rel string } // where it is, past links, and relative to the root

func (t *tree) walk(dir, rel string, above []string) error {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	above = append(above[:len(above):len(above)], real)
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	entries, err := f.ReadDir(-1) // in the order of the disk, as Ansible: which file fails first depends on it
	f.Close()
	if err != nil {
		return err
	}
	type below struct{ path, rel string }
	var linked, plain []below
	for _, e := range entries {
		path, p := filepath.Join(dir, e.Name()), filepath.Join(rel, e.Name())
		isLink := e.Type()&fs.ModeSymlink != 0
		if isLink {
			to, err := filepath.EvalSymlinks(path)
			if !t.follow || err != nil || slices.Contains(above, to) {
				t.links = append(t.links, p)
				continue
			}
			path = to
		}
		st, err := os.Stat(path)
		switch {
		case err != nil:
			return err
		case !st.IsDir():
			t.files = append(t.files, treeFile{path, p})
			continue
		case isLink:
			linked = append(linked, below{path, p})
		default:
			plain = append(plain, below{path, p})
		}
		t.dirs = append(t.dirs, p)
	}
	for _, b := range append(linked, plain...) { // the files of a directory come before those below it
		if err := t.walk(b.path, b.rel, above); err != nil {
			return err
		}
	}
	return nil
}

// without returns a copy of the arguments less some names.
func without(args *value.Dict, names ...string) *value.Dict {
	out := args.Copy()
	for _, n := range names {
		out.DeleteStr(n)
	}
	return out
}

func truth(r *value.Dict, key string) bool {
	v, ok := r.GetStr(key)
	if !ok {
		return false
	}
	b, err := value.Truth(v)
	return err == nil && b
}

func text(r *value.Dict, key string) string {
	v, ok := r.GetStr(key)
	if !ok {
		return ""
	}
	s, err := value.ToStr(v)
	if err != nil {
		return ""
	}
	return s
}
