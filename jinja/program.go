package jinja

import (
	"github.com/troupe-automation/troupe/value"
)

// Program is a compiled template: immutable, safe for concurrent renders.
type Program struct {
	env  *Environment
	name string
	src  string

	mutates  bool
	volatile bool
}

// Name is the name given to Compile.
func (p *Program) Name() string { return p.name }

// Source is the text given to Compile.
func (p *Program) Source() string { return p.src }

// Mutates reports whether the template calls methods that may change a container in place (append, update, pop …), so
// that a Resolver should hand out copies.
func (p *Program) Mutates() bool { return p.mutates }

// Volatile reports whether the template uses a filter or test that is marked Volatile.
func (p *Program) Volatile() bool { return p.volatile }

// Compile parses and compiles src. Errors are *Error. name appears in errors and is what include and import know the
// template by.
func (e *Environment) Compile(name, src string) (*Program, error) {
	return nil, &Error{Template: name, Line: 1, Err: value.Errorf("TemplateSyntaxError", "the compiler is not built in")}
}

// CompileExpression compiles src as a bare expression (no delimiters). Its programs have one output node: Nodes and Value
// give the expression's value without Finalize and Concat.
func (e *Environment) CompileExpression(name, src string) (*Program, error) {
	return e.Compile(name, src)
}

// Nodes renders the template and returns its output nodes: literal text as value.Str and the finalized values of {{ }},
// before any conversion to text.
func (p *Program) Nodes(vars Resolver) ([]value.Value, error) { return nil, nil }

// Value renders the template and joins its nodes with the environment's Concat.
func (p *Program) Value(vars Resolver) (value.Value, error) { return nil, nil }

// Render renders the template as text.
func (p *Program) Render(vars Resolver) (string, error) { return "", nil }

// Context is the state of one render: what filters and globals that depend on context are given.
type Context struct {
	env  *Environment
	vars Resolver
}

// Environment is the environment of the program that runs.
func (c *Context) Environment() *Environment { return c.env }

// Vars is the Resolver given to the render.
func (c *Context) Vars() Resolver { return c.vars }

// Resolve finds a name as the template would at its top level: exported names, then the Resolver, then globals.
func (c *Context) Resolve(name string) (value.Value, bool, error) { return nil, false, nil }

// ApplyFilter runs the filter of that name on v. A name that does not exist is an *UnknownError.
func (c *Context) ApplyFilter(name string, v value.Value, args []value.Value, kw []value.Kwarg) (value.Value, error) {
	return nil, nil
}

// ApplyTest runs the test of that name on v.
func (c *Context) ApplyTest(name string, v value.Value, args []value.Value, kw []value.Kwarg) (bool, error) {
	return false, nil
}

// CallValue calls fn with access to the context: macros, globals and plain functions alike.
func (c *Context) CallValue(fn value.Value, args []value.Value, kw []value.Kwarg) (value.Value, error) {
	return value.Call(fn, args, kw)
}
