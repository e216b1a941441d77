// Package render draws diagnostics: the full form with the lines of the file and a caret on the token, and the concise form
// of one line (design: cli-ux §3).
//
// Called by internal/cli and by the callbacks that show why a task failed.
package render

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/term"
)

// Full draws a diagnostic with excerpts. s decides about colour; nothing depends on it.
func Full(d *diag.Diagnostic, s *term.Stream) string {
	var b strings.Builder
	kind := d.Severity.String()
	head := kind
	if d.Code != "" {
		head += "[" + string(d.Code) + "]"
	}
	color := "red"
	if d.Severity != diag.Error {
		color = "bright purple"
	}
	fmt.Fprintf(&b, "%s: %s\n", s.Paint(color, head), d.Summary)
	for i, span := range d.Spans {
		if span.File == "" && !span.IsValid() {
			continue
		}
		arrow := "-->"
		if i > 0 {
			arrow = "::>"
		}
		fmt.Fprintf(&b, "  %s %s\n", s.Paint("blue", arrow), span.Pos)
		b.WriteString(excerpt(span, s))
	}
	if d.Detail != "" {
		for line := range strings.SplitSeq(strings.TrimRight(d.Detail, "\n"), "\n") {
			fmt.Fprintf(&b, " %s\n", line)
		}
	}
	for _, f := range d.Facts {
		fmt.Fprintf(&b, " %s = %s", f.Name, f.Value)
		if f.Pos.IsValid() {
			fmt.Fprintf(&b, "  (from %s)", f.Pos)
		}
		if f.Note != "" {
			fmt.Fprintf(&b, "  %s", f.Note)
		}
		b.WriteByte('\n')
	}
	for _, h := range d.Hints {
		fmt.Fprintf(&b, " %s %s\n", s.Paint("green", "hint:"), h)
	}
	if d.Code != "" {
		fmt.Fprintf(&b, " more: troupe explain %s\n", d.Code)
	}
	return b.String()
}

// excerpt shows the line of a span with one line before it and a caret below.
func excerpt(span diag.Span, s *term.Stream) string {
	if !span.IsValid() {
		return ""
	}
	lines, first := diag.Excerpt(span.Pos, 1, 0)
	if len(lines) == 0 {
		return ""
	}
	var b strings.Builder
	width := len(fmt.Sprint(span.Line))
	fmt.Fprintf(&b, " %*s %s\n", width, "", s.Paint("blue", "|"))
	for i, l := range lines {
		fmt.Fprintf(&b, " %*d %s %s\n", width, first+i, s.Paint("blue", "|"), strings.ReplaceAll(l, "\t", " "))
		if first+i != span.Line || span.Col <= 0 {
			continue
		}
		length := max(1, span.Len)
		if rest := utf8.RuneCountInString(l) - span.Col + 1; rest > 0 {
			length = min(length, rest)
		}
		caret := strings.Repeat("^", length)
		if span.Label != "" {
			caret += " " + span.Label
		}
		fmt.Fprintf(&b, " %*s %s %s%s\n", width, "", s.Paint("blue", "|"), strings.Repeat(" ", span.Col-1), s.Paint("red", caret))
	}
	return b.String()
}

// Concise is a diagnostic on one line.
func Concise(d *diag.Diagnostic) string { return d.Error() }
