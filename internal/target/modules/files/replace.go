package files

import (
	"context"
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/internal/target/regex"
	"github.com/troupe-automation/troupe/module"
)

var replace = &module.Module{
	Name: "ansible.builtin.replace",
	Doc:  "Replaces what a regular expression finds in a file.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "after"},
			{Name: "backup", Type: module.TypeBool, Default: false},
			{Name: "before"},
			{Name: "encoding", Default: "utf-8"},
			{Name: "path", Type: module.TypePath, Required: true, Aliases: []string{"dest", "destfile", "name"}},
			{Name: "regexp", Required: true},
			{Name: "replace", Default: ""},
			{Name: "validate"},
		},
		FileArgs:  true,
		CheckMode: true,
	},
	Run: runReplace,
}

func runReplace(ctx context.Context, c *module.Call) (module.Result, error) {
	if enc := strings.ReplaceAll(strings.ToLower(c.Str("encoding")), "_", "-"); enc != "utf-8" && enc != "utf8" {
		return nil, &module.NotNative{Reason: "encoding " + enc}
	}
	e, err := openEdited(ctx, c, "Path %s does not exist !")
	if err != nil {
		return nil, err
	}
	section, start := e.data, 0
	if c.Has("after") || c.Has("before") {
		pattern := "(?P<subsection>.*)"
		switch {
		case c.Has("after") && c.Has("before"):
			pattern = c.Str("after") + "(?P<subsection>.*?)" + c.Str("before")
		case c.Has("after"):
			pattern = c.Str("after") + pattern
		default:
			pattern += c.Str("before")
		}
		re, err := regex.Compile(pattern, regex.DotAll)
		if err != nil {
			return nil, module.Fail(err.Error(), nil)
		}
		m, err := re.Find(e.data, 0)
		if err != nil {
			return nil, module.Fail(err.Error(), nil)
		}
		if m == nil {
			return module.Result{"changed": false, "rc": 0, "msg": "Pattern for before/after params did not match the given file: " + pattern}, nil
		}
		g := m.Groups[m.Names["subsection"]]
		start, section = g[0], e.data[g[0]:g[1]]
	}
	re, err := regex.Compile(c.Str("regexp"), regex.Multiline)
	if err != nil {
		return nil, module.Fail(err.Error(), nil)
	}
	text, n, err := re.Sub(c.Str("replace"), section)
	if err != nil {
		return nil, module.Fail("Unable to process replace due to error: "+err.Error(), nil)
	}
	after := e.data[:start] + text + e.data[start+len(section):]
	r := module.Result{"rc": 0}
	changed, msg := false, ""
	if n > 0 && after != e.data {
		changed, msg = true, fmt.Sprintf("%d replacements made", n)
		if c.Diff {
			r["diff"] = map[string]any{"before_header": e.path, "before": e.data, "after_header": e.path, "after": after}
		}
	}
	if changed && !c.Check {
		if c.Bool("backup") {
			b, err := hostos.Backup(e.path)
			if err != nil {
				return nil, wrap(err)
			}
			r["backup_file"] = b
		}
		if err := e.write(after); err != nil {
			return nil, err
		}
	}
	r["changed"], r["msg"], err = e.attributes(changed, msg, nil)
	if err != nil {
		return nil, err
	}
	return r, nil
}
