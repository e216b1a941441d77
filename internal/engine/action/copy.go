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
	_, hasContent := c.Args.GetStr("content")
	if v, _ := c.Args.GetStr("content"); v == value.None {
		hasContent = false
	}
	src, dest := c.Text("src", ""), c.Text("dest", "")
	switch {
	case src == "" && !hasContent:
		return nil, failf("src (or content) is required")
	case src != "" && hasContent:
		return nil, failf("src and content are mutually exclusive")
	case dest == "":
		return nil, failf("dest is required")
	case hasContent && strings.HasSuffix(dest, "/"):
		return nil, failf("can not use content with a dir as dest")
	}
	if remote {
		return c.callModule(c.Name, c.Args, nil)
	}
	if hasContent {
		return copyContent(c)
	}
	path, err := c.Find("files", src)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(src, "/") && !strings.HasSuffix(path, "/") {
		path += "/"
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return copyTree(c, path, dest)
	}
	args := without(c.Args, "decrypt")
	args.SetStr("_original_basename", value.Str(filepath.Base(path)))
	preserve(args, st)
	payload, err := filePayload(c, path)
	if err != nil {
		return nil, err
	}
	return c.callModule(c.Name, args, payload)
}

// preserve turns mode=preserve into the mode of the file that is sent.
func preserve(args *value.Dict, st fs.FileInfo) {
	if m, _ := args.GetStr("mode"); m == value.Str("preserve") {
		args.SetStr("mode", value.Str(fmt.Sprintf("%04o", st.Mode().Perm())))
	}
}

func copyContent(c *Context) (*Outcome, error) {
	v, _ := c.Args.GetStr("content")
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
	return &session.Payload{Size: size + int64(n), SHA1: hex.EncodeToString(sum.Sum(nil)), Open: func() (io.ReadCloser, error) { return os.Open(path) }}, nil
}

const vaultMark = "$ANSIBLE_VAULT;"

// copyTree copies a directory: its contents when src ends with a slash, else the directory itself.
func copyTree(c *Context, src, dest string) (*Outcome, error) {
	root := strings.TrimRight(src, "/")
	prefix := ""
	if !strings.HasSuffix(src, "/") {
		prefix = filepath.Base(root)
	}
	follow, err := c.Flag("local_follow", true)
	if err != nil {
		return nil, err
	}
	var files, dirs, links []string
	err = walkTree(root, "", follow, &files, &dirs, &links)
	if err != nil {
		return nil, err
	}
	changed := false
	var last *value.Dict
	run := func(name string, args *value.Dict, payload *session.Payload) error {
		r, err := c.Remote.Module(c, ModuleCall{Name: name, Args: args, Payload: payload, Become: true})
		if err != nil {
			return err
		}
		if truth(r, "failed") {
			return &Failure{Msg: text(r, "msg"), Keys: r}
		}
		changed = changed || truth(r, "changed")
		last = r
		return nil
	}
	for _, d := range append([]string{""}, dirs...) {
		args := value.DictOf("path", value.Str(filepath.Join(dest, prefix, d)), "state", value.Str("directory"), "recurse", value.False)
		for _, k := range []string{"owner", "group"} {
			if v, ok := c.Args.GetStr(k); ok {
				args.SetStr(k, v)
			}
		}
		if v, ok := c.Args.GetStr("directory_mode"); ok {
			args.SetStr("mode", v)
		}
		if err := run("ansible.builtin.file", args, nil); err != nil {
			return nil, err
		}
	}
	for _, f := range files {
		args := without(c.Args, "decrypt", "directory_mode", "local_follow", "_raw_params")
		args.SetStr("dest", value.Str(filepath.Join(dest, prefix, f)))
		args.SetStr("_original_basename", value.Str(filepath.Base(f)))
		st, err := os.Stat(filepath.Join(root, f))
		if err != nil {
			return nil, err
		}
		preserve(args, st)
		payload, err := filePayload(c, filepath.Join(root, f))
		if err != nil {
			return nil, err
		}
		if err := run(c.Name, args, payload); err != nil {
			return nil, err
		}
	}
	for _, l := range links {
		to, err := os.Readlink(filepath.Join(root, l))
		if err != nil {
			return nil, err
		}
		args := value.DictOf("path", value.Str(filepath.Join(dest, prefix, l)), "src", value.Str(to), "state", value.Str("link"), "force", value.True, "follow", value.False)
		if err := run("ansible.builtin.file", args, nil); err != nil {
			return nil, err
		}
	}
	if len(files) == 1 && last != nil {
		last.SetStr("changed", value.Bool(changed))
		return &Outcome{Result: last}, nil
	}
	return outcome("changed", value.Bool(changed), "dest", value.Str(dest), "src", value.Str(src)), nil
}

// walkTree lists what is below root, relative to it. Symbolic links are followed or listed as links; those that lead nowhere, or
// to a directory that is being walked, are links in any case.
func walkTree(root, rel string, follow bool, files, dirs, links *[]string) error {
	return walkBelow(root, rel, follow, nil, files, dirs, links)
}

func walkBelow(root, rel string, follow bool, above []string, files, dirs, links *[]string) error {
	real, err := filepath.EvalSymlinks(filepath.Join(root, rel))
	if err != nil {
		return err
	}
	above = append(above[:len(above):len(above)], real)
	var below []string
	entries, err := os.ReadDir(real)
	if err != nil {
		return err
	}
	for _, e := range entries {
		p := filepath.Join(rel, e.Name())
		if e.Type()&fs.ModeSymlink != 0 {
			to, err := filepath.EvalSymlinks(filepath.Join(real, e.Name()))
			if !follow || err != nil || slices.Contains(above, to) {
				*links = append(*links, p)
				continue
			}
		}
		st, err := os.Stat(filepath.Join(root, p))
		if err != nil {
			return err
		}
		if !st.IsDir() {
			*files = append(*files, p)
			continue
		}
		*dirs = append(*dirs, p)
		below = append(below, p)
	}
	for _, p := range below { // the files of a directory come before those below it
		if err := walkBelow(root, p, follow, above, files, dirs, links); err != nil {
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
