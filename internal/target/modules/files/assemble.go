package files

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/internal/target/regex"
	"github.com/troupe-automation/troupe/module"
)

var assemble = &module.Module{
	Name: "ansible.builtin.assemble",
	Doc:  "Joins the files of a directory to one file.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "backup", Type: module.TypeBool, Default: false},
			{Name: "decrypt", Type: module.TypeBool, Default: true},
			{Name: "delimiter"},
			{Name: "dest", Type: module.TypePath, Required: true},
			{Name: "ignore_hidden", Type: module.TypeBool, Default: false},
			{Name: "regexp"},
			{Name: "remote_src", Type: module.TypeBool, Default: true},
			{Name: "src", Type: module.TypePath, Required: true},
			{Name: "validate"},
		},
		FileArgs:  true,
		CheckMode: true, // to word the refusal as the action does
	},
	Run: runAssemble,
}

func runAssemble(ctx context.Context, c *module.Call) (module.Result, error) {
	if c.Check {
		return module.Result{"skipped": true, "msg": "This action (assemble) does not support check mode."}, nil
	}
	src, dest := c.Str("src"), c.Str("dest")
	info, err := os.Stat(src)
	if err != nil {
		return nil, module.Fail(fmt.Sprintf("Source (%s) does not exist", src), nil)
	}
	if !info.IsDir() {
		return nil, module.Fail(fmt.Sprintf("Source (%s) is not a directory", src), nil)
	}
	var re *regex.Regex
	if c.Has("regexp") {
		if re, err = regex.Compile(c.Str("regexp"), 0); err != nil {
			return nil, module.Fail(fmt.Sprintf("Invalid Regexp (%s) in \"%s\"", err, c.Str("regexp")), nil)
		}
	}
	list, err := os.ReadDir(src)
	if err != nil {
		return nil, module.Fail(hostos.Errno(err), nil)
	}
	delimiter, hasDelimiter := c.Str("delimiter"), c.Has("delimiter")
	delimiter = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\\`, `\`).Replace(delimiter)
	var b strings.Builder
	newline, delimit := false, false
	for _, entry := range list {
		name := entry.Name()
		if re != nil && !re.MatchString(name) {
			continue
		}
		p := filepath.Join(src, name)
		if st, err := os.Stat(p); err != nil || !st.Mode().IsRegular() || c.Bool("ignore_hidden") && strings.HasPrefix(name, ".") {
			continue
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return nil, module.Fail(hostos.Errno(err), nil)
		}
		if newline {
			b.WriteByte('\n')
		}
		if delimit && hasDelimiter {
			b.WriteString(delimiter)
			if !strings.HasSuffix(delimiter, "\n") {
				b.WriteByte('\n')
			}
		}
		b.Write(data)
		delimit = true
		newline = len(data) > 0 && data[len(data)-1] != '\n' || len(data) == 0 && newline
	}
	text := b.String()
	sum := hostos.SHA1([]byte(text))
	r := module.Result{"src": src, "dest": dest, "checksum": sum, "changed": false}
	h := hostos.NewHash("md5")
	h.Write([]byte(text))
	r["md5sum"] = fmt.Sprintf("%x", h.Sum(nil))
	old, _ := hostos.Checksum(dest, "sha1")
	if c.Diff && !c.Bool("remote_src") {
		cp := &copier{Call: c, ctx: ctx, dest: dest}
		r["diff"] = cp.contentDiff(dest, []byte(text), int64(len(text)))
	}
	if old != sum {
		if err := validateText(ctx, c, text); err != nil {
			return nil, err
		}
		if c.Bool("backup") && old != "" {
			if r["backup_file"], err = hostos.Backup(dest); err != nil {
				return nil, wrap(err)
			}
		}
		if err := wrap(hostos.WriteFile(dest, []byte(text), c.Bool("unsafe_writes"))); err != nil {
			return nil, err
		}
		r["changed"] = true
	}
	changed, err := hostos.AttrsOf(c).Apply(ctx, dest, false, nil)
	if err != nil {
		return nil, err
	}
	if changed {
		r["changed"] = true
	}
	r["msg"] = "OK"
	hostos.AddPathInfo(r)
	return r, nil
}

// validateText runs the option validate on a text.
func validateText(ctx context.Context, c *module.Call, text string) error {
	if !c.Has("validate") {
		return nil
	}
	tmp, err := hostos.TempFrom(filepath.Join(tempDir(c), "assembled"), strings.NewReader(text))
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	return validate(ctx, c, tmp, "failed to validate: rc:%d error:%s")
}
