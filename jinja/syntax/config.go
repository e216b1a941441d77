// Package syntax reads Jinja2 templates: lexer, parser and the tree they give. Every node knows the byte offset it came
// from, and every error has Jinja's own words. It knows nothing of values or evaluation.
//
// Called by jinja, and by whoever inspects templates without running them (undeclared variables, completion).
package syntax

import "fmt"

// Config is the surface of the language: delimiters, whitespace rules and extensions.
type Config struct {
	BlockStart, BlockEnd       string // "{%" "%}"
	VariableStart, VariableEnd string // "{{" "}}"
	CommentStart, CommentEnd   string // "{#" "#}"
	// LineStatement begins a line that is a block tag; LineComment a comment to the end of the line. "": there are none.
	LineStatement, LineComment string
	TrimBlocks                 bool   // the first newline after a block tag is dropped
	LstripBlocks               bool   // blanks before a block tag at the start of a line are dropped
	KeepTrailingNewline        bool   // one newline at the very end is kept
	NewlineSequence            string // what every newline of the text becomes: "\n" "\r\n" "\r"
	Do                         bool   // {% do %}
	LoopControls               bool   // {% break %} and {% continue %}
	// DoubleBackslashes doubles every backslash in string literals inside variable tags (not block tags) before escapes
	// are read, so that paths and patterns can be written as they are.
	DoubleBackslashes bool
}

// DefaultConfig is Jinja's.
func DefaultConfig() Config {
	return Config{
		BlockStart: "{%", BlockEnd: "%}", VariableStart: "{{", VariableEnd: "}}", CommentStart: "{#", CommentEnd: "#}",
		NewlineSequence: "\n",
	}
}

// Error is a template that cannot be read. Msg is Jinja's message.
type Error struct {
	Msg    string
	Offset int // byte offset into the source
	Line   int // from 1
}

func (e *Error) Error() string { return e.Msg }

func errorf(off, line int, format string, args ...any) *Error {
	return &Error{Msg: fmt.Sprintf(format, args...), Offset: off, Line: line}
}
