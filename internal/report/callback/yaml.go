package callback

import (
	"strings"
	"unicode"

	"github.com/troupe-automation/troupe/internal/lang/yamlout"
	"github.com/troupe-automation/troupe/value"
)

// newYAML is community.general.yaml: the default callback with results as YAML, indented by two.
func newYAML(d *Display, opt Options) Callback {
	s := &standard{Display: d, opt: opt}
	s.format = func(v *value.Dict, _ bool) string {
		head := ""
		for _, k := range []string{"changed", "skipped"} {
			if b, ok := v.GetStr(k); ok {
				head += k + "=" + strings.ToLower(str(b)) + " "
				v.DeleteStr(k)
			}
		}
		if v.Len() == 0 {
			return strings.TrimRight(head, " ")
		}
		body := yamlText(v, 2, -1, true)
		return strings.TrimRightFunc(head+"\n  "+strings.ReplaceAll(strings.TrimRight(body, "\n"), "\n", "\n  "), unicode.IsSpace)
	}
	return s
}

// resultYAML is a result under result_format=yaml: indented by four, and made readable unless callback_format_pretty says no.
func resultYAML(v *value.Dict, pretty bool) string {
	indent := 2
	if pretty {
		indent = 4
	}
	lines := strings.Split(strings.TrimRight(yamlText(v, indent, 0, pretty), "\n"), "\n")
	for i, l := range lines {
		if strings.TrimSpace(l) != "" {
			lines[i] = "    " + l
		}
	}
	return "\n" + strings.Join(lines, "\n")
}

func yamlText(v *value.Dict, indent, width int, lossy bool) string {
	var shown value.Value = v
	if lossy {
		for _, k := range []string{"stdout", "stderr"} {
			if _, ok := v.GetStr(k); ok {
				if _, ok := v.GetStr(k + "_lines"); ok {
					v.SetStr(k+"_lines", value.Str("<omitted>"))
				}
			}
		}
		shown = readable(v)
	}
	text, err := yamlout.Dump(shown, yamlout.Options{Indent: indent, Width: width, FlowStyle: yamlout.Block, Unicode: true, Literal: true})
	if err != nil {
		return toJSON(v, 4)
	}
	return text
}

// readable changes text of several lines so that YAML can show it as lines: no blanks at their ends, tabs as blanks, nothing
// that cannot be printed.
func readable(v value.Value) value.Value {
	return value.MapLeaves(v, func(e value.Value) value.Value {
		text, ok := e.(value.Str)
		if !ok || !strings.ContainsAny(string(text), "\n\r\u0085\u2028\u2029") {
			return e
		}
		shown := strings.Map(func(r rune) rune {
			if r == '\n' || r == '\t' || unicode.IsPrint(r) {
				return r
			}
			return -1
		}, strings.TrimRightFunc(string(text), unicode.IsSpace))
		lines := strings.Split(shown, "\n")
		for i, l := range lines {
			lines[i] = strings.TrimRight(expandTabs(l), " ")
		}
		return value.Str(strings.Join(lines, "\n"))
	})
}

func expandTabs(line string) string {
	var b strings.Builder
	col := 0
	for _, r := range line {
		if r != '\t' {
			b.WriteRune(r)
			col++
			continue
		}
		n := 8 - col%8
		b.WriteString(strings.Repeat(" ", n))
		col += n
	}
	return b.String()
}
