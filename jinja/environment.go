// Package jinja is Jinja2 3.1 in Go: templates compile once to immutable programs that many goroutines may render.
//
// The package knows nothing of Ansible. What Ansible does differently is plugged in through Environment: Undefined
// (strict and chained), Finalize and Concat (native types, text-to-type conversion), Syntax.DoubleBackslashes, a Resolver
// that renders variables as they are read, and MissingFilter for filters that live elsewhere.
//
// Called by internal/lang/template and by programs that embed the engine. The filters, tests and globals of Jinja itself
// are in jinja/builtins.
package jinja

import (
	"fmt"
	"maps"

	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/value"
)

// Environment is the set-up that templates are compiled under. Fill it, then treat it as read-only: programs share it.
// To change a setting for some templates, change a Copy.
type Environment struct {
	// Syntax holds delimiters, whitespace control and extensions.
	Syntax syntax.Config
	// Undefined is the kind of value that missing names, attributes and items give.
	Undefined value.UndefinedKind
	// Finalize is applied to the value of every {{ }} before it becomes an output node. nil: none.
	Finalize func(v value.Value) (value.Value, error)
	// Concat joins the output nodes of a body whose result is a value: macros, set blocks, call and filter blocks, and
	// Program.Value. nodes is only valid during the call. nil: the nodes' str() joined, a value.Str.
	Concat func(nodes []value.Value) (value.Value, error)
	// TypedConstants lets Concat see constants as they are. Jinja turns them into text when it compiles.
	TypedConstants bool
	// Globals are found when neither template nor resolver know a name.
	Globals map[string]value.Value
	// Loader finds templates for include, import and extends. nil: there are none.
	Loader Loader
	// MissingFilter and MissingTest are asked at compile time for names that were not added. They return nil, nil for a name
	// that does not exist, which is a compile error; they must be safe for concurrent use.
	MissingFilter func(name string) (*Filter, error)
	MissingTest   func(name string) (*Filter, error)
	// Override is asked for another "filter" or "test" (kind) in place of one that was added. nil: there is none.
	Override func(kind, name string) (*Filter, error)
	// Limits bound what one render may use.
	Limits Limits

	filters map[string]*Filter
	tests   map[string]*Filter
}

// Limits bound one render, so that a template can fail but never hang or exhaust the machine. Zero fields take the default.
type Limits struct {
	Depth       int // nested macros, includes and recursive loops; default 200
	OutputBytes int // text of the result; default 256 MiB
	Steps       int // iterations of all loops together; default 20 million
}

func (l Limits) withDefaults() Limits {
	if l.Depth == 0 {
		l.Depth = 200
	}
	if l.OutputBytes == 0 {
		l.OutputBytes = 256 << 20
	}
	if l.Steps == 0 {
		l.Steps = 20_000_000
	}
	return l
}

// New returns an environment with Jinja's default syntax and nothing else; builtins.New has Jinja's own filters.
func New() *Environment {
	return &Environment{
		Syntax: syntax.DefaultConfig(), Globals: map[string]value.Value{}, filters: map[string]*Filter{}, tests: map[string]*Filter{},
	}
}

// Copy returns an environment that can be changed without changing e.
func (e *Environment) Copy() *Environment {
	c := *e
	c.Globals = maps.Clone(e.Globals)
	c.filters = maps.Clone(e.filters)
	c.tests = maps.Clone(e.tests)
	return &c
}

// AddFilters adds filters; a later one replaces an earlier of the same name.
func (e *Environment) AddFilters(fs ...Filter) { add(e.filters, fs) }

// AddTests adds tests. A test is a Filter whose result's truth is the answer.
func (e *Environment) AddTests(fs ...Filter) { add(e.tests, fs) }

func add(to map[string]*Filter, fs []Filter) {
	for _, f := range fs {
		to[f.Name] = &f
	}
}

// Filter returns the filter of that name, or nil, nil when there is none.
func (e *Environment) Filter(name string) (*Filter, error) {
	return e.find("filter", name, e.filters[name], e.MissingFilter)
}

// Test returns the test of that name, or nil, nil when there is none.
func (e *Environment) Test(name string) (*Filter, error) {
	return e.find("test", name, e.tests[name], e.MissingTest)
}

func (e *Environment) find(kind, name string, known *Filter, missing func(string) (*Filter, error)) (*Filter, error) {
	if known != nil && e.Override != nil {
		if f, err := e.Override(kind, name); f != nil || err != nil {
			return f, err
		}
	}
	if known == nil && missing != nil {
		return missing(name)
	}
	return known, nil
}

// Resolver gives a render its variables. Resolve is called at the first use of a name in a frame, and the answer is kept
// for the rest of the frame. ok false: no such variable (the name is then looked up in Globals, else undefined).
// An error ends the render. To make a name undefined with a reason of its own, return a *value.Undefined.
type Resolver interface {
	Resolve(name string) (v value.Value, ok bool, err error)
}

// Vars is a Resolver over a plain map.
type Vars map[string]value.Value

// Resolve looks name up in the map.
func (m Vars) Resolve(name string) (value.Value, bool, error) {
	v, ok := m[name]
	return v, ok, nil
}

// Loader finds templates by name.
type Loader interface {
	// Load returns the program of that name. parent is the name of the template that asks ("" for text without one). A
	// template that does not exist gives an *value.Error of class TemplateNotFound whose Msg is the name. Load is called at
	// render time, often with the same name, so it should cache.
	Load(name, parent string) (*Program, error)
}

// Func is the Go side of a filter, test or context-aware global.
type Func func(c *Call) (value.Value, error)

// Filter describes one filter or test.
type Filter struct {
	Name string
	// Signature is the Python signature, whose name and parameters appear in errors of arity:
	// "do_round(value, precision=0, method='common')". Args are bound to it: Call.Args has one value for each parameter, in
	// order; *args is a *value.Tuple and **kwargs a *value.Dict. Defaults are Python literals.
	// An empty Signature passes positional arguments in Call.Args and keyword arguments in Call.Kw as they were written.
	Signature string
	Run       Func
	// Volatile filters give another answer each time, or depend on the render context; they are never evaluated at compile
	// time and mark the program as volatile.
	Volatile bool
	// HTML filters give text that is escaped already where autoescape is on.
	HTML bool
	// Classed filters are given the expression of their first argument, to ask for the class of its text.
	Classed bool
}

// Call is one call of a filter, test or context-aware global.
type Call struct {
	Name string        // name it was called by
	Ctx  *Context      // the render; never nil
	Args []value.Value // for filters and tests Args[0] is the value it is applied to
	Kw   []value.Kwarg // only without Signature
	Env  *Environment  // the environment of the program
	Expr syntax.Expr   // the expression that gave Args[0], for Classed filters; nil when it is not known
}

// Global is a callable global that needs the render context (lookup, query, now). It is a value.Value.
type Global struct {
	Name      string
	Signature string // as of Filter
	Run       Func
}

// TypeName is "function".
func (*Global) TypeName() string { return "function" }

// Error is a failure at a place in a template's source: what is wrong (Err) and where (Offset).
type Error struct {
	Template string // name given to Compile
	Offset   int    // byte offset into the source of the expression or statement that failed
	Line     int    // from 1
	Err      error  // *value.Error, *syntax.Error, *UnknownError or what a Resolver returned
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// UnknownError is the use of a filter or test that does not exist.
type UnknownError struct {
	Kind string // "filter" or "test"
	Name string
	Late bool // found while rendering: map('x'), select('x')
}

func (e *UnknownError) Error() string {
	if e.Late {
		return fmt.Sprintf("No %s named %s.", e.Kind, mustRepr(value.Str(e.Name)))
	}
	return fmt.Sprintf("No %s named '%s'.", e.Kind, e.Name)
}
