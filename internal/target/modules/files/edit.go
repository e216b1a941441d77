package files

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// edited is a text file that lineinfile, blockinfile or replace works on.
type edited struct {
	*module.Call
	ctx  context.Context
	path string
	data string // "" for a new file
	new  bool   // there was no file
}

// openEdited reads the file of option path. With create, a missing one is an empty one; otherwise its absence is err.
func openEdited(ctx context.Context, c *module.Call, missing string) (*edited, error) {
	e := &edited{Call: c, ctx: ctx, path: c.Str("path")}
	if err := noDirectory(e.path); err != nil {
		return nil, err
	}
	if _, err := os.Stat(e.path); err != nil { // also below a file, or where nobody may look
		if !c.Bool("create") {
			return nil, module.Fail(fmt.Sprintf(missing, e.path), module.Result{"rc": 257})
		}
		if dir := filepath.Dir(e.path); !c.Check {
			if _, err := os.Stat(dir); err != nil {
				if err := os.MkdirAll(dir, 0o777); err != nil {
					return nil, module.Fail(fmt.Sprintf("Error creating %s (%s)", dir, hostos.Errno(err)), nil)
				}
			}
		}
		e.new = true
		return e, nil
	}
	data, err := os.ReadFile(e.path)
	if err != nil {
		return nil, module.Fail(hostos.Errno(err), nil)
	}
	e.data = string(data)
	return e, nil
}

// noDirectory refuses a directory as the path.
func noDirectory(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return module.Fail(fmt.Sprintf("Path %s is a directory !", path), module.Result{"rc": 256})
	}
	return nil
}

// write puts text in place of the file, through links, after the validate command has agreed.
func (e *edited) write(text string) error {
	dest := hostos.RealPath(e.path)
	if !e.Has("validate") {
		return wrap(hostos.WriteFile(dest, []byte(text), e.Bool("unsafe_writes")))
	}
	tmp, err := hostos.TempFrom(filepath.Join(tempDir(e.Call), "edited"), strings.NewReader(text))
	if err != nil {
		return err
	}
	if err := validate(e.ctx, e.Call, tmp, "failed to validate: rc:%d error:%s"); err != nil {
		os.Remove(tmp)
		return err
	}
	return wrap(hostos.MoveFile(tmp, dest, e.Bool("unsafe_writes")))
}

// wrap words an error of the file system as modules do.
func wrap(err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*module.Failure](err); ok {
		return f
	}
	return module.Fail(hostos.Errno(err), nil)
}

func tempDir(c *module.Call) string {
	if c.TmpDir != "" {
		return c.TmpDir
	}
	return os.TempDir()
}

// validate runs the option validate on a file. format words a refusal, with exit code and stderr; "" gives copy's wording.
func validate(ctx context.Context, c *module.Call, path, format string) error {
	v := c.Str("validate")
	if v == "" {
		return nil
	}
	if !strings.Contains(v, "%s") {
		return module.Fail("validate must contain %s: "+v, nil)
	}
	words, err := hostos.SplitWords(strings.Replace(v, "%s", path, 1))
	if err != nil {
		return module.Fail(err.Error(), nil)
	}
	out, err := hostos.Run(ctx, hostos.Cmd{Args: words, Env: c.Env})
	if err != nil {
		return hostos.StartFailure(words, err)
	}
	if out.RC == 0 {
		return nil
	}
	if format == "" {
		return module.Fail("failed to validate", module.Result{"exit_status": out.RC, "stdout": out.Stdout, "stderr": out.Stderr})
	}
	return module.Fail(fmt.Sprintf(format, out.RC, out.Stderr), nil)
}

// attributes applies mode and owner after an edit and says so in msg.
func (e *edited) attributes(changed bool, msg string, d *hostos.Diff) (bool, string, error) {
	c, err := hostos.AttrsOf(e.Call).Apply(e.ctx, e.path, e.Check, d)
	if err != nil {
		return changed, msg, err
	}
	if !c {
		return changed, msg, nil
	}
	if changed {
		msg += " and "
	}
	return true, msg + "ownership, perms or SE linux context changed", nil
}

// contentDiff is the diff of an edit; the texts only in diff mode.
func (e *edited) contentDiff(after string) map[string]any {
	d := map[string]any{"before": "", "after": "", "before_header": e.path + " (content)", "after_header": e.path + " (content)"}
	if e.Diff {
		d["before"], d["after"] = e.data, after
	}
	return d
}

// attrDiff is the diff of mode and owner.
func (e *edited) attrDiff(d hostos.Diff) map[string]any {
	out := map[string]any{"before_header": e.path + " (file attributes)", "after_header": e.path + " (file attributes)"}
	if d.Before != nil {
		out["before"], out["after"] = d.Before, d.After
	}
	return out
}

// splitLines cuts text behind every newline.
func splitLines(text string) []string {
	if text == "" {
		return nil
	}
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

func chomp(s string) string { return strings.TrimRight(s, "\r\n") }
