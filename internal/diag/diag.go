// Package diag is what a mistake looks like to a user: a code, one summary line, the places in files that matter, the
// facts involved and hints that were checked. Loaders and the engine return Diagnostics as errors; report/render
// draws them; the compat commands print Classic, Ansible's own words, on stderr.
package diag

import (
	"errors"
	"strings"

	"github.com/troupe-automation/troupe/internal/source"
)

// Severity says how bad it is. The zero value is Error.
type Severity uint8

const (
	Error Severity = iota
	Warning
	Deprecation
	Note
)

func (s Severity) String() string {
	return [...]string{"error", "warning", "deprecation", "note"}[min(s, Note)]
}

// Exit is the exit status that the compat commands end with because of a diagnostic (BEHAVIOUR §5). The zero value means
// the general one, ExitError.
type Exit int

const (
	ExitError       Exit = 1   // anything Ansible calls AnsibleError
	ExitFailed      Exit = 2   // a task failed on a host
	ExitParse       Exit = 4   // content that does not parse, unknown modules; also unreachable hosts
	ExitOptions     Exit = 5   // options that contradict each other
	ExitUnicode     Exit = 6   // arguments that are not UTF-8
	ExitInterrupted Exit = 99  // Ctrl-C
	ExitUnexpected  Exit = 250 // a fault of ours
)

// Diagnostic is one finding. It is an error; find it in a chain with As.
type Diagnostic struct {
	Code     Code
	Severity Severity
	Summary  string // one line that stands alone, lower case, no full stop
	Detail   string // more, possibly several lines; may be empty
	Spans    []Span // the primary span first
	Facts    []Fact // values and origins of the names involved
	Hints    []string

	// Classic is Ansible's message for the same mistake, without the "ERROR! " or "[WARNING]: " in front and with the
	// "The error appears to be in …" trailer where Ansible prints one.
	Classic string
	Exit    Exit
	Cause   error // the error below, or nil
}

// Span is a place with a word about it.
type Span struct {
	source.Span
	Label string
}

// Fact is a name that takes part in the mistake, what it is, and where that comes from.
type Fact struct {
	Name  string
	Value string // as a user would write it; "(hidden)" for secrets
	Pos   source.Pos
	Note  string // for example "play vars"
}

// Error is the concise form: "file:line:col: error[TRP-E0101]: summary".
func (d *Diagnostic) Error() string {
	var b strings.Builder
	if len(d.Spans) > 0 && (d.Spans[0].File != "" || d.Spans[0].IsValid()) {
		b.WriteString(d.Spans[0].Pos.String())
		b.WriteString(": ")
	}
	b.WriteString(d.Severity.String())
	if d.Code != "" {
		b.WriteString("[" + string(d.Code) + "]")
	}
	b.WriteString(": ")
	b.WriteString(d.Summary)
	return b.String()
}

func (d *Diagnostic) Unwrap() error { return d.Cause }

// Pos is the primary place, or the zero Pos.
func (d *Diagnostic) Pos() source.Pos {
	if len(d.Spans) == 0 {
		return source.Pos{}
	}
	return d.Spans[0].Pos
}

// At returns d with a primary span put in front.
func (d *Diagnostic) At(pos source.Pos, length int, label string) *Diagnostic {
	d.Spans = append([]Span{{Span: source.Span{Pos: pos, Len: length}, Label: label}}, d.Spans...)
	return d
}

// Also returns d with a secondary span appended: where the other half of the mistake is.
func (d *Diagnostic) Also(pos source.Pos, length int, label string) *Diagnostic {
	d.Spans = append(d.Spans, Span{Span: source.Span{Pos: pos, Len: length}, Label: label})
	return d
}

// Fact returns d with a fact appended.
func (d *Diagnostic) Fact(name, val string, pos source.Pos, note string) *Diagnostic {
	d.Facts = append(d.Facts, Fact{name, val, pos, note})
	return d
}

// Hint returns d with a hint appended. Give only hints that were checked.
func (d *Diagnostic) Hint(text string) *Diagnostic {
	if text != "" {
		d.Hints = append(d.Hints, text)
	}
	return d
}

// Message is what the compat commands print after "ERROR! ": Classic when there is one, else the summary and detail.
func (d *Diagnostic) Message() string {
	if d.Classic != "" {
		return d.Classic
	}
	if d.Detail != "" {
		return d.Summary + "\n" + d.Detail
	}
	return d.Summary
}

// List is several diagnostics as one error, in the order they were found.
type List []*Diagnostic

func (l List) Error() string {
	lines := make([]string, len(l))
	for i, d := range l {
		lines[i] = d.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As and errors.Is look at every member.
func (l List) Unwrap() []error {
	errs := make([]error, len(l))
	for i, d := range l {
		errs[i] = d
	}
	return errs
}

// Err is nil for an empty list, the diagnostic alone for one, else the list.
func (l List) Err() error {
	switch len(l) {
	case 0:
		return nil
	case 1:
		return l[0]
	}
	return l
}

// As finds the first Diagnostic in err's chain.
func As(err error) (*Diagnostic, bool) {
	var d *Diagnostic
	ok := errors.As(err, &d)
	return d, ok
}

// All returns every diagnostic in err's chain; an error without any becomes one with its text as summary.
func All(err error) List {
	if err == nil {
		return nil
	}
	var l List
	if errors.As(err, &l) {
		return l
	}
	if d, ok := As(err); ok {
		return List{d}
	}
	return List{{Summary: err.Error(), Cause: err}}
}

// ExitOf is the exit status for err: that of its first diagnostic, else ExitError; 0 for nil.
func ExitOf(err error) Exit {
	if err == nil {
		return 0
	}
	if d, ok := As(err); ok && d.Exit != 0 {
		return d.Exit
	}
	return ExitError
}
