package files

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/internal/target/regex"
	"github.com/troupe-automation/troupe/module"
)

var lineinfile = &module.Module{
	Name: "ansible.builtin.lineinfile",
	Doc:  "Makes sure that a line is in a file, or is not.",
	Spec: module.Spec{
		Options: []module.Option{ // in Ansible's order, in which invocation shows them
			{Name: "path", Type: module.TypePath, Required: true, Aliases: []string{"dest", "destfile", "name"}},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			{Name: "regexp", Aliases: []string{"regex"}},
			{Name: "search_string"},
			{Name: "line", Aliases: []string{"value"}},
			{Name: "insertafter"},
			{Name: "insertbefore"},
			{Name: "backrefs", Type: module.TypeBool, Default: false},
			{Name: "create", Type: module.TypeBool, Default: false},
			{Name: "backup", Type: module.TypeBool, Default: false},
			{Name: "firstmatch", Type: module.TypeBool, Default: false},
			{Name: "validate"},
		},
		Rules: module.Rules{
			MutuallyExclusive: [][]string{{"insertbefore", "insertafter"}, {"regexp", "search_string"}, {"backrefs", "search_string"}},
		},
		FileArgs:  true,
		CheckMode: true,
	},
	Returns: []string{"changed", "msg", "backup", "diff", "before", "after", "before_header", "after_header"},
	Run: func(ctx context.Context, c *module.Call) (module.Result, error) {
		for _, o := range []string{"regexp", "search_string"} {
			if c.Has(o) && c.Str(o) == "" {
				kind, more := "search string", ""
				if o == "regexp" {
					kind, more = "regular expression", " If this is desired, use '^' to match every line in the file and avoid this warning."
				}
				c.Warn(fmt.Sprintf("The %s is an empty string, which will match every line in the file. This may have unintended consequences, "+
					"such as replacing the last line in the file rather than appending.%s", kind, more))
			}
		}
		if err := noDirectory(c.Str("path")); err != nil {
			return nil, err
		}
		if c.Str("state") == "absent" {
			return lineAbsent(ctx, c)
		}
		return linePresent(ctx, c)
	},
}

// lineTest tells lines that regexp or search_string, or else line itself, are about.
func lineTest(c *module.Call) (test func(string) (*regex.Match, bool), err error) {
	switch {
	case c.Has("regexp"):
		re, err := regex.Compile(c.Str("regexp"), 0)
		if err != nil {
			return nil, module.Fail(err.Error(), nil)
		}
		return func(s string) (*regex.Match, bool) {
			m, err := re.Find(s, 0)
			return m, err == nil && m != nil
		}, nil
	case c.Has("search_string"):
		want := c.Str("search_string")
		return func(s string) (*regex.Match, bool) { return nil, strings.Contains(s, want) }, nil
	}
	want := c.Str("line")
	return func(s string) (*regex.Match, bool) { return nil, chomp(s) == want }, nil
}

func linePresent(ctx context.Context, c *module.Call) (module.Result, error) {
	if c.Bool("backrefs") && !c.Has("regexp") {
		return nil, module.Fail("regexp is required with backrefs=true", nil)
	}
	if !c.Has("line") {
		return nil, module.Fail("line is required with state=present", nil)
	}
	e, err := openEdited(ctx, c, "Destination %s does not exist !")
	if err != nil {
		return nil, err
	}
	test, err := lineTest(c)
	if err != nil {
		return nil, err
	}
	lines := splitLines(e.data)
	at, match := -1, (*regex.Match)(nil)
	searched := c.Has("regexp") || c.Has("search_string")
	first := c.Bool("firstmatch")
	if searched {
		for i, l := range lines {
			if m, ok := test(l); ok {
				at, match = i, m
				if first {
					break
				}
			}
		}
	}
	matched := at >= 0
	line := c.Str("line")
	anchor, after := "", true // where to add: behind or before the line that matches anchor
	switch {
	case c.Has("insertbefore"):
		anchor, after = c.Str("insertbefore"), false
	case c.Has("insertafter"):
		anchor = c.Str("insertafter")
	default:
		anchor = "EOF"
	}
	place := -1
	var re *regex.Regex
	if anchor != "EOF" && anchor != "BOF" {
		if re, err = regex.Compile(anchor, 0); err != nil {
			return nil, module.Fail(err.Error(), nil)
		}
	}
	if !matched {
		for i, l := range lines {
			if chomp(l) == line {
				at = i
			} else if re != nil && re.MatchString(l) {
				place = i
				if after {
					place++
				}
				if first {
					break
				}
			}
		}
	}

	changed, msg := false, ""
	add := func(i int) {
		lines = slices.Insert(lines, i, line+"\n")
		changed, msg = true, "line added"
	}
	switch {
	case at >= 0:
		text := line
		if matched && match != nil && c.Bool("backrefs") {
			if text, err = match.Expand(line, lines[at]); err != nil {
				return nil, module.Fail(err.Error(), nil)
			}
		}
		if !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		if lines[at] != text {
			lines[at] = text
			changed, msg = true, "line replaced"
		}
	case c.Bool("backrefs"):
		// nothing matched, so there is nothing to refer back to
	case anchor == "BOF":
		add(0)
	case anchor == "EOF" || place < 0:
		if n := len(lines); n > 0 && !strings.HasSuffix(lines[n-1], "\n") && !strings.HasSuffix(lines[n-1], "\r") {
			lines[n-1] += "\n"
		}
		add(len(lines))
	case after && place == len(lines):
		if !strings.HasSuffix(lines[place-1], "\n") {
			lines[place-1] += "\n"
		}
		if chomp(lines[place-1]) != line {
			add(place)
		}
	case after:
		if chomp(lines[place]) != line {
			add(place)
		}
	default:
		if place == 0 || chomp(lines[place-1]) != line {
			add(place)
		}
	}
	return lineDone(e, lines, changed, msg, nil)
}

func lineDone(e *edited, lines []string, changed bool, msg string, more module.Result) (module.Result, error) {
	text := strings.Join(lines, "")
	backup := ""
	if changed && !e.Check {
		var err error
		if e.Bool("backup") && !e.new {
			if backup, err = hostos.Backup(e.path); err != nil {
				return nil, wrap(err)
			}
		}
		if err := e.write(text); err != nil {
			return nil, err
		}
	}
	r := module.Result{"backup": backup}
	if e.Check && e.new {
		r["changed"], r["msg"], r["diff"] = changed, msg, e.contentDiff(text)
		return r, nil
	}
	var d hostos.Diff
	changed, msg, err := e.attributes(changed, msg, &d)
	if err != nil {
		return nil, err
	}
	r["changed"], r["msg"], r["diff"] = changed, msg, []any{e.contentDiff(text), e.attrDiff(d)}
	for k, v := range more {
		r[k] = v
	}
	return r, nil
}

func lineAbsent(ctx context.Context, c *module.Call) (module.Result, error) {
	if !c.Has("regexp") && !c.Has("search_string") && !c.Has("line") {
		return nil, module.Fail("one of line, search_string, or regexp is required with state=absent", nil)
	}
	if _, err := os.Stat(c.Str("path")); err != nil {
		return module.Result{"changed": false, "msg": "file not present"}, nil
	}
	e, err := openEdited(ctx, c, "Destination %s does not exist !")
	if err != nil {
		return nil, err
	}
	test, err := lineTest(c)
	if err != nil {
		return nil, err
	}
	var keep []string
	found := 0
	for _, l := range splitLines(e.data) {
		if _, ok := test(l); ok {
			found++
		} else {
			keep = append(keep, l)
		}
	}
	msg := ""
	if found > 0 {
		msg = fmt.Sprintf("%d line(s) removed", found)
	}
	return lineDone(e, keep, found > 0, msg, module.Result{"found": found})
}
