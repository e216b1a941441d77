package files

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/internal/target/regex"
	"github.com/troupe-automation/troupe/module"
)

var blockinfile = &module.Module{
	Name: "ansible.builtin.blockinfile",
	Doc:  "Keeps a block of lines between two marker lines in a file.",
	Spec: module.Spec{
		Options: []module.Option{ // in Ansible's order, in which invocation shows them
			{Name: "path", Type: module.TypePath, Required: true, Aliases: []string{"dest", "destfile", "name"}},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			{Name: "marker", Default: "# {mark} ANSIBLE MANAGED BLOCK"},
			{Name: "block", Default: "", Aliases: []string{"content"}},
			{Name: "insertafter"},
			{Name: "insertbefore"},
			{Name: "create", Type: module.TypeBool, Default: false},
			{Name: "backup", Type: module.TypeBool, Default: false},
			{Name: "validate"},
			{Name: "marker_begin", Default: "BEGIN"},
			{Name: "marker_end", Default: "END"},
			{Name: "append_newline", Type: module.TypeBool, Default: false},
			{Name: "prepend_newline", Type: module.TypeBool, Default: false},
		},
		Rules: module.Rules{
			MutuallyExclusive: [][]string{{"insertbefore", "insertafter"}},
		},
		FileArgs:  true,
		CheckMode: true,
	},
	Returns: []string{"changed", "msg", "backup_file", "diff"},
	Run:     runBlockinfile,
}

func runBlockinfile(ctx context.Context, c *module.Call) (module.Result, error) {
	e, err := openEdited(ctx, c, "Path %s does not exist !")
	if err != nil {
		return nil, err
	}
	present := c.Str("state") == "present"
	if e.new && !present {
		return module.Result{"changed": false, "msg": fmt.Sprintf("File %s not present", e.path)}, nil
	}
	block := c.Str("block")
	begin := strings.ReplaceAll(c.Str("marker"), "{mark}", c.Str("marker_begin")) + "\n"
	end := strings.ReplaceAll(c.Str("marker"), "{mark}", c.Str("marker_end")) + "\n"
	var insert []string
	if present && block != "" {
		if !strings.HasSuffix(block, "\n") {
			block += "\n"
		}
		insert = slices.Concat([]string{begin}, splitLines(block), []string{end})
	}
	lines := splitLines(e.data)

	from, to := -1, -1
	for i, l := range lines {
		switch l {
		case begin:
			from = i
		case end:
			to = i
		}
		if l == begin && begin == end {
			to = i
		}
	}
	at, err := blockPlace(c, lines)
	if err != nil {
		return nil, err
	}
	if from >= 0 && to >= 0 {
		at = min(from, to)
		lines = slices.Delete(lines, at, max(from, to)+1)
	}
	if at > 0 && !strings.HasSuffix(lines[at-1], "\n") { // even where nothing is inserted: Ansible's files end with a newline
		lines[at-1] += "\n"
	}
	if present && c.Bool("prepend_newline") && at > 0 && lines[at-1] != "\n" {
		lines = slices.Insert(lines, at, "\n")
		at++
	}
	lines = slices.Insert(lines, at, insert...)
	at += len(insert)
	if present && c.Bool("append_newline") && at < len(lines) && lines[at] != "\n" {
		lines = slices.Insert(lines, at, "\n")
	}
	after := strings.Join(lines, "")

	changed, msg := false, ""
	switch {
	case !e.new && after == e.data:
	case e.new:
		changed, msg = true, "File created"
	case len(insert) == 0:
		changed, msg = true, "Block removed"
	default:
		changed, msg = true, "Block inserted"
	}
	r := module.Result{}
	if changed && !c.Check {
		if c.Bool("backup") && !e.new {
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
	var d hostos.Diff
	if c.Check && e.new {
		r["changed"], r["msg"], r["diff"] = changed, msg, e.contentDiff(after)
		return r, nil
	}
	changed, msg, err = e.attributes(changed, msg, &d)
	if err != nil {
		return nil, err
	}
	r["changed"], r["msg"], r["diff"] = changed, msg, []any{e.contentDiff(after), e.attrDiff(d)}
	return r, nil
}

// blockPlace is the index to put a new block at.
func blockPlace(c *module.Call, lines []string) (int, error) {
	pattern, after := c.Str("insertafter"), true
	if c.Has("insertbefore") {
		pattern, after = c.Str("insertbefore"), false
	}
	switch {
	case !after && pattern == "BOF":
		return 0, nil
	case !after && pattern == "EOF": // a pattern like any other
	case !c.Has("insertafter") && after, pattern == "EOF":
		return len(lines), nil
	}
	re, err := regex.Compile(pattern, 0)
	if err != nil {
		return 0, module.Fail(err.Error(), nil)
	}
	if strings.Contains(pattern, "(?m)") || strings.Contains(pattern, "(?s)") {
		all := strings.Join(lines, "")
		found, err := re.All(all)
		if err != nil {
			return 0, module.Fail(fmt.Sprintf("%s", err), nil)
		}
		if len(found) == 0 {
			return len(lines), nil
		}
		m := found[len(found)-1].Groups[0]
		if after {
			return strings.Count(all[:m[1]], "\n") + 1, nil
		}
		return strings.Count(all[:m[0]], "\n"), nil
	}
	at := len(lines)
	for i, l := range lines {
		if re.MatchString(l) {
			at = i
			if after {
				at++
			}
		}
	}
	return at, nil
}
