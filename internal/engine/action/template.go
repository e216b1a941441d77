package action

import (
	"cmp"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
)

var templateAction = &Action{Name: "ansible.builtin.template", Run: runTemplate}

// templateOptions are the parameters that stay on the controller.
var templateOptions = []string{
	"newline_sequence", "block_start_string", "block_end_string", "variable_start_string", "variable_end_string",
	"comment_start_string", "comment_end_string", "trim_blocks", "lstrip_blocks", "output_encoding",
}

func runTemplate(c *Context) (*Outcome, error) {
	src, dest := c.Text("src", ""), c.Text("dest", "")
	if s := c.Text("state", ""); s != "" {
		return nil, failf("'state' cannot be specified on a template")
	}
	switch {
	case src == "" || dest == "":
		return nil, raisef("src and dest are required")
	case newlines[c.Text("newline_sequence", "\n")] == "":
		return nil, failf("newline_sequence needs to be one of: \n, \r or \r\n")
	}
	path, err := c.Find("templates", src)
	if err != nil {
		return nil, err
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return nil, failf("could not find src=%s, %v", path, notFound(path, nil))
	}
	raw, err := c.Services.ReadFile(path, true)
	if err != nil {
		return nil, err
	}
	opt := template.DefaultFileOptions()
	opt.Path = path
	opt.NewlineSequence = newlines[c.Text("newline_sequence", "\n")]
	if opt.TrimBlocks, err = c.Flag("trim_blocks", true); err != nil {
		return nil, err
	}
	if opt.LstripBlocks, err = c.Flag("lstrip_blocks", false); err != nil {
		return nil, err
	}
	opt.VariableStart, opt.VariableEnd = c.Text("variable_start_string", ""), c.Text("variable_end_string", "")
	opt.BlockStart, opt.BlockEnd = c.Text("block_start_string", ""), c.Text("block_end_string", "")
	opt.CommentStart, opt.CommentEnd = c.Text("comment_start_string", ""), c.Text("comment_end_string", "")
	opt.SearchPath = append([]string{filepath.Dir(path)}, append(append([]string(nil), c.SearchPath...), c.Basedir)...)
	t := c.Templar.With(templateVars(path, src, dest))
	v, err := t.RenderFile(string(raw), opt)
	if err != nil {
		var te *template.Error
		if errors.As(err, &te) {
			return nil, &Failure{Msg: te.Class + ": " + te.Msg, Exception: "ansible.errors." + te.Class + ": " + te.Msg, Cause: te}
		}
		return nil, err
	}
	rendered, err := value.ToStr(v)
	if err != nil {
		return nil, err
	}
	encoded, err := value.Encode(rendered, cmp.Or(c.Text("output_encoding", ""), "utf-8"))
	if err != nil {
		return nil, err
	}
	args := without(c.Args, append(templateOptions, "src")...)
	args.SetStr("src", value.Str(path))
	args.SetStr("_original_basename", value.Str(filepath.Base(path)))
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	preserve(args, st)
	if _, given := args.GetStr("follow"); !given {
		args.SetStr("follow", value.False)
	}
	o, err := c.callModule("ansible.builtin.copy", args, BytesPayload(encoded))
	if err == nil && c.Diff {
		headTemplate(c, o.Result, filepath.Base(path))
	}
	return o, err
}

// headTemplate names the rendered text in differences as Ansible does: by a file below local_tmp (BEHAVIOUR §4).
func headTemplate(c *Context, r *value.Dict, name string) {
	v, _ := r.GetStr("diff")
	for _, e := range list(v) {
		if d, ok := e.(*value.Dict); ok {
			if _, has := d.GetStr("after_header"); has {
				d.SetStr("after_header", value.Str(filepath.Join(c.Config.Str("DEFAULT_LOCAL_TMP"), "ansible-local-rendered", name)))
			}
		}
	}
}

// newlines are the accepted spellings of newline_sequence.
var newlines = map[string]string{"\n": "\n", "\r": "\r", "\r\n": "\r\n", `\n`: "\n", `\r`: "\r", `\r\n`: "\r\n"}

// templateVars are the extra variables of a template file (template-semantics §10).
func templateVars(path, src, dest string) *value.Dict {
	host, _ := os.Hostname()
	uid, mtime := "root", time.Now()
	if st, err := os.Stat(path); err == nil {
		mtime = st.ModTime()
		if s, ok := st.Sys().(*syscall.Stat_t); ok {
			uid = strconv.Itoa(int(s.Uid))
			if u, err := user.LookupId(uid); err == nil {
				uid = u.Username
			}
		}
	}
	full, err := filepath.Abs(path)
	if err != nil {
		full = path
	}
	stamp := value.NewDatetime(mtime)
	return value.DictOf(
		"template_host", value.Str(host), "template_path", value.Str(src), "template_mtime", stamp, "template_uid", value.Str(uid),
		"template_fullpath", value.Str(full), "template_destpath", value.Str(dest),
		"template_run_date", value.NewDatetime(time.Now()),
		"ansible_managed", value.Str("Ansible managed"))
}
