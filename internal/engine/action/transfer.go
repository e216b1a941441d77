package action

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/internal/lang/filters"
	"github.com/troupe-automation/troupe/value"
)

var fetchAction = &Action{Name: "ansible.builtin.fetch", Run: runFetch}

// runFetch brings a file from the host. The module sends it only when the checksum of what is here differs; the file
// appears by rename.
func runFetch(c *Context) (*Outcome, error) {
	if c.Check {
		return outcome("skipped", value.True, "msg", value.Str("check mode not (yet) supported for this module")), nil
	}
	src, dest := c.Text("src", ""), c.Text("dest", "")
	for _, name := range []string{"src", "dest"} {
		if v, ok := c.Args.GetStr(name); ok && !value.IsString(v) {
			return nil, raisef("Invalid type supplied for %s option, it must be a string", map[string]string{"src": "source", "dest": "dest"}[name])
		}
	}
	if src == "" || dest == "" {
		return nil, raisef("src and dest are required")
	}
	flat, err := c.Flag("flat", false)
	if err != nil {
		return nil, err
	}
	failMissing := true
	if v, ok := c.Args.GetStr("fail_on_missing"); ok {
		failMissing, _ = Boolean(v) // what is no boolean is false here
	}
	target := filters.ExpandUser(dest)
	if !filepath.IsAbs(target) {
		target = filepath.Join(c.Basedir, target)
	}
	if flat {
		if st, err := os.Stat(target); err == nil && st.IsDir() && !strings.HasSuffix(dest, "/") {
			return nil, raisef("dest is an existing directory, use a trailing slash if you want to fetch src into that directory")
		}
		if strings.HasSuffix(dest, "/") {
			target = filepath.Join(target, filepath.Base(src))
			if st, err := os.Stat(target); err == nil && st.IsDir() {
				return nil, raisef("calculated dest '%s' is an existing directory, use another path that does not point to an existing directory",
					filters.ExpandUser(dest)+filepath.Base(src))
			}
		}
	} else {
		// The name may come from the host: it must not lead out of the folder that the play names.
		target = filepath.Join(target, c.Host, filepath.Clean("/"+src))
	}
	target = filepath.Clean(target)
	args := value.DictOf("src", value.Str(src), "_become", value.Bool(c.Remote.Becomes()))
	if sum, err := digest(target, sha1.New()); err == nil {
		args.SetStr("_checksum", value.Str(sum))
	}
	out := &download{target: target}
	r, err := c.Remote.Module(c, ModuleCall{Name: "ansible.builtin.fetch", Args: args, Receive: out, Become: true})
	if err != nil {
		out.drop()
		return nil, err
	}
	if truth(r, "failed") {
		out.drop()
		msg := text(r, "msg")
		switch {
		case !failMissing && strings.HasPrefix(msg, "file is not readable"):
			return outcome("changed", value.False, "file", value.Str(src)), nil
		case !failMissing && strings.HasPrefix(msg, "Failed to get information"):
			msg += ", ignored"
		case !failMissing, strings.HasSuffix(msg, "does not exist"): // which is said to be ignored even when it is not
			msg += ", not transferring, ignored"
		}
		if !failMissing {
			return outcome("changed", value.False, "msg", value.Str(msg), "file", value.Str(src)), nil
		}
		return outcome("changed", value.False, "failed", value.True, "msg", value.Str(msg)), nil
	}
	changed, err := out.commit()
	if err != nil {
		return nil, failf("failed to transfer file to %s: %v", target, err)
	}
	sum := text(r, "checksum")
	res := value.DictOf("changed", value.Bool(changed), "dest", value.Str(target), "checksum", value.Str(sum), "md5sum", value.None)
	if sum, err := digest(target, md5.New()); err == nil {
		res.SetStr("md5sum", value.Str(sum))
	}
	if changed {
		res.SetStr("remote_checksum", value.Str(sum))
		res.SetStr("remote_md5sum", value.None)
	} else {
		res.SetStr("file", value.Str(src))
	}
	return &Outcome{Result: res}, nil
}

// digest is the checksum of a file.
func digest(path string, h hash.Hash) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// download writes what a host sends beside its target and renames it when it is whole.
type download struct {
	target string
	f      *os.File
}

// Name is the file that is written.
func (d *download) Name() string { return d.target }

func (d *download) Write(p []byte) (int, error) {
	if d.f == nil {
		if err := os.MkdirAll(filepath.Dir(d.target), 0o755); err != nil {
			return 0, fmt.Errorf("create folder for %s: %w", d.target, err)
		}
		f, err := os.CreateTemp(filepath.Dir(d.target), ".fetch-")
		if err != nil {
			return 0, err
		}
		d.f = f
	}
	return d.f.Write(p)
}

func (d *download) commit() (changed bool, err error) {
	if d.f == nil {
		return false, nil
	}
	name := d.f.Name()
	if err := d.f.Chmod(0o644); err != nil {
		d.drop()
		return false, err
	}
	if err := d.f.Close(); err != nil {
		os.Remove(name)
		return false, err
	}
	if err := os.Rename(name, d.target); err != nil {
		os.Remove(name)
		return false, err
	}
	return true, nil
}

func (d *download) drop() {
	if d.f != nil {
		d.f.Close()
		os.Remove(d.f.Name())
	}
}

var scriptAction = &Action{Name: "ansible.builtin.script", Run: runScript}

// runScript sends a script of the controller and runs it there.
func runScript(c *Context) (*Outcome, error) {
	line := c.RawText
	if line == "" {
		line = c.Text("cmd", "")
	}
	if strings.TrimSpace(line) == "" {
		return nil, raisef("one of the following is required: _raw_params, cmd")
	}
	name, rest := scriptName(strings.TrimSpace(line))
	path, err := c.Find("files", name)
	if err != nil {
		return nil, err
	}
	payload, err := filePayload(c, path)
	if err != nil {
		return nil, err
	}
	args := without(c.Args, "_raw_params", "cmd", "decrypt")
	args.SetStr("_raw_params", value.Str(strings.TrimSpace(filepath.Base(path)+" "+rest)))
	return c.callModule("ansible.builtin.script", args, payload)
}

// scriptName cuts the script's name, which may be quoted, off its arguments.
func scriptName(line string) (name, rest string) {
	if q := line[0]; q == '\'' || q == '"' {
		if i := strings.IndexByte(line[1:], q); i >= 0 {
			return line[1 : i+1], strings.TrimSpace(line[i+2:])
		}
	}
	name, rest, _ = strings.Cut(line, " ")
	return name, strings.TrimSpace(rest)
}

var unarchiveAction = &Action{Name: "ansible.builtin.unarchive", Run: runUnarchive}

func runUnarchive(c *Context) (*Outcome, error) {
	remote, err := c.Flag("remote_src", false)
	if err != nil {
		return nil, err
	}
	src := c.Text("src", "")
	if src == "" || c.Text("dest", "") == "" {
		return nil, raisef("src (or content) and dest are required")
	}
	if remote || strings.Contains(src, "://") {
		args := c.Args.Copy()
		args.SetStr("remote_src", value.True)
		return c.callModule(c.Name, args, nil)
	}
	path, err := c.Find("files", src)
	if err != nil {
		return nil, err
	}
	payload, err := filePayload(c, path)
	if err != nil {
		return nil, err
	}
	args := without(c.Args, "decrypt")
	args.SetStr("src", value.Str(path))
	return c.callModule(c.Name, args, payload)
}

var assembleAction = &Action{Name: "ansible.builtin.assemble", Run: runAssemble}

// runAssemble joins fragments: of the host when remote_src, else of the controller.
func runAssemble(c *Context) (*Outcome, error) {
	remote, err := c.Flag("remote_src", true)
	if err != nil {
		return nil, err
	}
	src := c.Text("src", "")
	if src == "" || c.Text("dest", "") == "" {
		return nil, raisef("src and dest are required")
	}
	if remote {
		return c.callModule(c.Name, c.Args, nil)
	}
	dir, err := c.Find("files", src)
	if err != nil {
		return nil, err
	}
	joined, err := joinFragments(c, dir)
	if err != nil {
		return nil, err
	}
	args := without(c.Args, "src", "remote_src", "regexp", "delimiter", "ignore_hidden", "decrypt")
	args.SetStr("_original_basename", value.Str(filepath.Base(c.Text("dest", ""))))
	o, err := c.callModule("ansible.builtin.copy", args, BytesPayload(joined))
	if err != nil {
		return nil, err
	}
	if v, _ := o.Result.GetStr("diff"); c.Diff {
		assembled(c, o.Result, joined)
	} else if _, texts := v.(*value.List); texts {
		o.Result.DeleteStr("diff")
	}
	return o, err
}

// assembled makes a difference of the texts out of what copy says about its file; what is there already differs by nothing.
func assembled(c *Context, r *value.Dict, joined []byte) {
	headTemplate(c, r, "assembled")
	v, ok := r.GetStr("diff")
	if l, isList := v.(*value.List); isList && len(l.Elems) > 0 {
		r.SetStr("diff", l.Elems[0])
		return
	}
	dest, _ := r.GetStr("dest")
	if _, attributes := v.(*value.Dict); !ok || !attributes || dest == nil || bytes.IndexByte(joined, 0) >= 0 {
		return
	}
	d := value.DictOf("before_header", dest, "before", value.Str(joined), "after_header", value.Str(""), "after", value.Str(joined))
	r.SetStr("diff", value.NewList(d))
	headTemplate(c, r, "assembled")
	r.SetStr("diff", d)
}

func joinFragments(c *Context, dir string) ([]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, failf("Source (%s) is not a directory", dir)
	}
	hidden, err := c.Flag("ignore_hidden", false)
	if err != nil {
		return nil, err
	}
	match, err := compilePattern(c.Text("regexp", ""))
	if err != nil {
		return nil, err
	}
	delimiter := strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\r`, "\r").Replace(c.Text("delimiter", ""))
	var out []byte
	needDelimiter, addNewline := false, false
	for _, e := range entries {
		if e.IsDir() || match != nil && !match.MatchString(e.Name()) || hidden && strings.HasPrefix(e.Name(), ".") {
			continue
		}
		b, err := c.Services.ReadFile(filepath.Join(dir, e.Name()), true)
		if err != nil {
			return nil, err
		}
		if addNewline {
			out = append(out, '\n')
		}
		if needDelimiter && delimiter != "" {
			out = append(out, delimiter...)
			if !strings.HasSuffix(delimiter, "\n") {
				out = append(out, '\n')
			}
		}
		out = append(out, b...)
		needDelimiter = true
		addNewline = len(b) > 0 && b[len(b)-1] != '\n'
	}
	return out, nil
}
