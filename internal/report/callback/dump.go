package callback

import (
	"fmt"
	"strings"

	"github.com/pmezard/go-difflib/difflib"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/value"
)

// str is Python's str() of a value, or its type when that fails.
func str(v value.Value) string {
	s, err := value.ToStr(v)
	if err != nil {
		return v.TypeName()
	}
	return s
}

// toJSON prints a value as Ansible's callbacks do: sorted keys, no ASCII escapes. indent 0 is one line.
func toJSON(v value.Value, indent int) string {
	s, err := value.JSON(v, value.JSONOptions{Indent: strings.Repeat(" ", indent), Pretty: indent > 0, SortKeys: true, Default: func(v value.Value) (value.Value, error) {
		switch v := v.(type) {
		case *value.Set:
			return value.NewList(v.Elems()...), nil
		case *value.Undefined:
			return value.Str(v.Message()), nil
		}
		s, err := value.ToStr(v)
		return value.Str(s), err
	}})
	if err != nil {
		return fmt.Sprintf("%q", err.Error())
	}
	return s
}

// hidden are the keys of a result that lines on the terminal leave out.
func visible(r *value.Dict, verbosity int, debug bool) *value.Dict {
	out := value.NewDict()
	for k, v := range r.All() {
		name, _ := value.AsString(k)
		switch {
		case strings.HasPrefix(name, "_ansible_"), name == "failed", name == "skipped", name == "exception", name == "warnings", name == "deprecations":
			continue
		case name == "invocation" && verbosity < 3, name == "diff" && verbosity < 3:
			continue
		}
		_ = out.Set(k, v) // the key was hashable before
	}
	if debug {
		for _, k := range []string{"changed", "results", "skip_reason", "failed_when_result", "attempts"} {
			out.DeleteStr(k)
		}
		if _, ok := out.GetStr("msg"); !ok {
			return out
		}
		for _, k := range []string{"item", "ansible_loop_var", "ansible_loop", "ansible_index_var"} {
			out.DeleteStr(k)
		}
		if v, ok := r.GetStr("ansible_index_var"); ok {
			out.DeleteStr(str(v))
		}
		if v, ok := r.GetStr("ansible_loop_var"); ok {
			out.DeleteStr(str(v))
		}
	}
	return out
}

// dump is the result as it stands behind " => ".
func (s *standard) dump(r *value.Dict, verbose, debug bool) string {
	if r == nil {
		return "{}"
	}
	v := visible(r, s.Verbosity, debug)
	if s.format != nil {
		return s.format(v, verbose)
	}
	pretty := verbose || s.Verbosity > 2
	if s.opt.Pretty != nil {
		pretty = *s.opt.Pretty || verbose
	}
	if pretty {
		return toJSON(v, 4)
	}
	return toJSON(v, 0)
}

// diff prints the differences of a result when the task shows them.
func (s *standard) diff(t *event.Task, r *value.Dict) {
	if text := s.diffOf(t, r); text != "" {
		s.Print(text, "")
	}
}

func (s *standard) diffOf(t *event.Task, r *value.Dict) string {
	if r == nil || !t.Diff {
		return ""
	}
	v, ok := r.GetStr("diff")
	if !ok {
		return ""
	}
	diffs := []value.Value{v}
	if l, ok := v.(*value.List); ok {
		diffs = l.Elems
	}
	text := ""
	for _, d := range diffs {
		if dict, ok := d.(*value.Dict); ok && dict.Len() > 0 {
			text += s.diffText(dict)
		}
	}
	return text
}

// diffText is one difference as a unified diff.
func (s *standard) diffText(d *value.Dict) string {
	get := func(k string) (value.Value, bool) { return d.GetStr(k) }
	has := func(k string) bool { v, ok := get(k); b, _ := value.Truth(orNone(v)); return ok && b }
	var b strings.Builder
	if has("dst_binary") {
		b.WriteString("diff skipped: destination file appears to be binary\n")
	}
	if has("src_binary") {
		b.WriteString("diff skipped: source file appears to be binary\n")
	}
	if v, ok := get("dst_larger"); ok {
		fmt.Fprintf(&b, "diff skipped: destination file size is greater than %s\n", str(v))
	}
	if v, ok := get("src_larger"); ok {
		fmt.Fprintf(&b, "diff skipped: source file size is greater than %s\n", str(v))
	}
	before, hasBefore := get("before")
	after, hasAfter := get("after")
	if hasBefore && hasAfter {
		b.WriteString(s.unified(d, diffSide(before), diffSide(after)))
	}
	if v, ok := get("prepared"); ok {
		b.WriteString(str(v))
	}
	return b.String()
}

func orNone(v value.Value) value.Value {
	if v == nil {
		return value.None
	}
	return v
}

// diffSide is one side of a difference as text: dicts become JSON.
func diffSide(v value.Value) string {
	switch v.(type) {
	case *value.Dict:
		return toJSON(v, 4) + "\n"
	case value.NoneType:
		return ""
	}
	return str(v)
}

func (s *standard) unified(d *value.Dict, before, after string) string {
	header := func(key, side string) string {
		if v, ok := d.GetStr(key); ok {
			if t, _ := value.Truth(v); t {
				return side + ": " + str(v)
			}
		}
		return side
	}
	u := difflib.UnifiedDiff{
		A: diffLines(before), B: diffLines(after), FromFile: header("before_header", "before"), ToFile: header("after_header", "after"),
		Context: s.opt.DiffContext, Eol: "\n",
	}
	text, err := difflib.GetUnifiedDiffString(u)
	if err != nil || text == "" {
		return ""
	}
	var b strings.Builder
	for line := range strings.SplitAfterSeq(text, "\n") {
		switch {
		case line == "":
			continue
		case line[0] == '+':
			line = s.Out.Paint(s.Color("diff_add"), line)
		case line[0] == '-':
			line = s.Out.Paint(s.Color("diff_remove"), line)
		case strings.HasPrefix(line, "@@"):
			line = s.Out.Paint(s.Color("diff_lines"), line)
		}
		b.WriteString(line)
	}
	b.WriteByte('\n')
	return b.String()
}

// diffLines cuts text into lines that keep their ends; a last line without one is marked.
func diffLines(text string) []string {
	if text == "" {
		return nil
	}
	lines := strings.SplitAfter(text, "\n")
	if last := lines[len(lines)-1]; last == "" {
		lines = lines[:len(lines)-1]
	} else {
		lines[len(lines)-1] = last + "\n\\ No newline at end of file\n"
	}
	return lines
}
