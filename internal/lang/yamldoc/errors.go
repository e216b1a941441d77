package yamldoc

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/source"
)

// SyntaxError is malformed YAML, in the words and with the marks of PyYAML on libyaml.
type SyntaxError struct {
	Context     string
	ContextMark source.Pos
	Problem     string
	Mark        source.Pos

	position   int // reader errors: character index, else 0
	reader     bool
	raw        bool // a Python exception without marks
	unhashable bool
	duplicate  bool
}

// Error is what str() of PyYAML's exception gives, several lines long.
func (e *SyntaxError) Error() string {
	if e.reader {
		return fmt.Sprintf("%s\n  in \"<unicode string>\", position %d", e.Problem, e.position)
	}
	if e.raw {
		return e.Problem
	}
	var lines []string
	mark := func(p source.Pos) string {
		return fmt.Sprintf("  in \"<unicode string>\", line %d, column %d", p.Line, p.Col)
	}
	if e.Context != "" {
		lines = append(lines, e.Context)
		if e.ContextMark.IsValid() && e.ContextMark != e.Mark {
			lines = append(lines, mark(e.ContextMark))
		}
	}
	lines = append(lines, e.Problem)
	if e.Mark.IsValid() {
		lines = append(lines, mark(e.Mark))
	}
	return strings.Join(lines, "\n")
}

func readerError(data []byte, at int) error {
	r, n := utf8.DecodeRune(data[at:])
	if r == utf8.RuneError && n == 1 {
		return &SyntaxError{Problem: fmt.Sprintf("the text is not UTF-8: byte 0x%02x", data[at]), reader: true, position: utf8.RuneCount(data[:at])}
	}
	return &SyntaxError{
		Problem: fmt.Sprintf("unacceptable character #x%04x: control characters are not allowed", r),
		reader:  true, position: utf8.RuneCount(data[:at]),
	}
}

// fromLibrary gives the library's error libyaml's words where they differ.
func fromLibrary(err error, file string) error {
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		return &SyntaxError{Problem: err.Error(), raw: true}
	}
	e := &SyntaxError{
		Context: le.ContextMsg, ContextMark: source.Pos{File: file, Line: le.ContextMark.Line, Col: le.ContextMark.Column},
		Problem: le.Message, Mark: source.Pos{File: file, Line: le.Mark.Line, Col: le.Mark.Column},
	}
	switch {
	case strings.HasPrefix(e.Problem, "unknown anchor"):
		e.Problem = "found undefined alias"
	case e.Problem == "did not find expected hexadecimal number":
		e.Problem, e.Context = "did not find expected hexdecimal number", "while parsing a quoted scalar"
	case e.Problem == "found unknown escape character":
		e.Context = "while parsing a quoted scalar"
	}
	return e
}

// diagnostic is the error as users see it. jsonErr is why the text is no JSON either.
func (e *SyntaxError) diagnostic(jsonErr string, data []byte, o *Options) *diag.Diagnostic {
	d := &diag.Diagnostic{Code: diag.YAMLSyntax, Exit: diag.ExitParse, Cause: e}
	d.Summary, d.Code = e.summary(lineOf(data, e.Mark.Line))
	pos := e.Mark
	if pos.IsValid() {
		d.At(pos, 1, e.Problem)
		if e.Context != "" && e.ContextMark.IsValid() && e.ContextMark != pos {
			d.Also(e.ContextMark, 0, e.Context)
		}
	} else if o.File != "" {
		d.At(source.Pos{File: o.File}, 0, "")
	}
	e.improve(d, lineOf(data, pos.Line))
	problem := e.Problem
	if e.reader {
		problem = ""
	}
	trailer := ""
	if pos.IsValid() && !e.raw {
		named := pos
		if named.File == "" {
			named.File = "<unicode string>"
		}
		trailer = diag.Trailer(named)
	}
	d.Classic = "We were unable to read either as JSON nor YAML, these are the errors we got from each:\nJSON: " + jsonErr +
		"\n\nSyntax Error while loading YAML.\n  " + problem + ". " + e.Error() + trailer
	return d
}

// improve points at the whole of an everyday mistake and shows the line put right.
func (e *SyntaxError) improve(d *diag.Diagnostic, line string) {
	switch {
	case d.Code == diag.UnquotedJinja:
		before, rest, ok := strings.Cut(line, "{{")
		if !ok || strings.Contains(before, `"`) || e.Mark.File == "" {
			return
		}
		at := e.Mark
		at.Col = utf8.RuneCountInString(before) + 1
		d.Spans = nil
		d.At(at, 2, "YAML reads this as the start of a mapping")
		if value := strings.TrimRight("{{"+rest, " \t\r"); !strings.Contains(value, `"`) {
			d.Hint("quote it: " + strings.TrimSpace(before) + ` "` + value + `"`)
		}
	case strings.HasPrefix(d.Summary, `a second ":"`):
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && !strings.ContainsAny(value, "\"'") {
			d.Hint("quote it: " + name + `: "` + value + `"`)
		}
	}
}

func lineOf(data []byte, n int) string {
	for i, l := range strings.Split(string(data), "\n") {
		if i+1 == n {
			return l
		}
	}
	return ""
}

// summary words the mistakes that are made every day; all others keep the parser's words.
func (e *SyntaxError) summary(line string) (string, diag.Code) {
	trimmed := strings.TrimSpace(line)
	switch {
	case e.unhashable && strings.Contains(line, "{{"):
		return "a value that starts with {{ must be quoted", diag.UnquotedJinja
	case strings.HasPrefix(e.Problem, "did not find expected key") && strings.Contains(line, ": {{"):
		return "a value that starts with {{ must be quoted", diag.UnquotedJinja
	case e.unhashable:
		return "a list or mapping cannot be a key", diag.UnhashableKey
	case e.Problem == "found a tab character that violates indentation",
		e.Problem == "found character that cannot start any token" && strings.HasPrefix(strings.TrimLeft(line, " "), "\t"):
		return "a tab character is used for indentation", diag.YAMLSyntax
	case e.Problem == "mapping values are not allowed in this context" && strings.Count(trimmed, ": ") > 1:
		return `a second ":" in an unquoted value`, diag.YAMLSyntax
	case e.Problem == "found character that cannot start any token" && strings.Contains(line, "{%"):
		return "a value that starts with {% must be quoted", diag.UnquotedJinja
	case e.Problem == "but found another document":
		return "the file holds more than one YAML document", diag.ManyDocuments
	case strings.HasPrefix(e.Problem, "could not determine a constructor"):
		return "the tag is not known", diag.UnknownTag
	case e.reader && strings.HasPrefix(e.Problem, "the text is not UTF-8"):
		return "the file is not UTF-8 text", diag.NotUTF8
	case e.duplicate:
		return "a key is given twice", diag.DuplicateKey
	}
	if e.Context != "" {
		return e.Problem + " " + e.Context, diag.YAMLSyntax
	}
	return e.Problem, diag.YAMLSyntax
}
