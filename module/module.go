// Package module is the SDK for native modules: what a module declares (Spec) and what it is given (Call) and returns
// (Result). A module is one Go value that runs inside the agent on the target, needs no Python, and behaves as
// the Ansible module of the same name.
//
// Called by internal/target/modules (the implementations), internal/target/agent (which runs them), and by the
// controller, which reads the Specs to find mistakes before any host is touched. It imports the standard library alone,
// because it ships to targets.
package module

import (
	"context"
	"io"
)

// Module is one native module.
type Module struct {
	Name    string   // fully qualified, "ansible.builtin.copy"
	Aliases []string // other fully qualified names of the same module
	Doc     string   // one sentence: what it does
	Returns []string // the keys of results, and of the dicts in them, in the order of Ansible's; nil where nobody sees it
	Spec    Spec
	Run     func(ctx context.Context, c *Call) (Result, error)
}

// Type is the type of an option, with the names argument_spec uses.
type Type string

// The option types of argument_spec. The zero Type means TypeStr.
const (
	TypeStr   Type = "str"
	TypeBool  Type = "bool"
	TypeInt   Type = "int"
	TypeFloat Type = "float"
	TypeList  Type = "list"
	TypeDict  Type = "dict"
	TypePath  Type = "path"
	TypeRaw   Type = "raw"
	TypeJSON  Type = "json"
	TypeJArg  Type = "jsonarg"
	TypeBytes Type = "bytes"
	TypeBits  Type = "bits"
)

// Option is one parameter of a module.
type Option struct {
	Name     string
	Type     Type
	Elements Type // element type of a list
	Required bool
	Default  any // nil: none. In the Go type that checking gives: string, bool, int64, float64, []any, map[string]any
	Choices  []any
	Aliases  []string
	NoLog    bool
	Options  []Option // of a dict, or of the dicts of a list
	Rules    Rules    // between Options

	ApplyDefaults     bool              // a dict with Options that is not given becomes the dict of their defaults
	DeprecatedAliases []DeprecatedAlias // aliases whose use adds a deprecation to the result
}

// DeprecatedAlias is an alias that will go away.
type DeprecatedAlias struct {
	Name       string
	Version    string // the release without it
	Collection string // of which collection Version is
}

// Rules are the constraints between options.
type Rules struct {
	MutuallyExclusive [][]string
	RequiredTogether  [][]string
	RequiredOneOf     [][]string
	RequiredIf        []RequiredIf
	RequiredBy        map[string][]string
}

// RequiredIf says: when option Key has the value Value, all of (or, with OneOf, at least one of) Needs must be given.
type RequiredIf struct {
	Key   string
	Value any
	Needs []string
	OneOf bool
}

// Spec is a module's argument_spec.
type Spec struct {
	Options []Option
	Rules
	FileArgs  bool // adds the options every file module has: mode, owner, group, seuser …, attributes, unsafe_writes
	CheckMode bool // supports_check_mode. A module without it is skipped in check mode, before Run
	AnyArgs   bool // takes options that are not listed too, unchecked (package hands them on)
	FreeForm  bool // takes free text as _raw_params (command, shell, raw, script)
}

// Args are the checked and converted parameters: every option of the Spec is present, nil when not given and without default.
// Values are string, bool, int64, float64, []any, map[string]any.
type Args map[string]any

// Call is one execution of a module.
type Call struct {
	Args      Args
	Check     bool // check mode: say what would change, write nothing
	Diff      bool // fill Result["diff"]
	Verbosity int
	Env       []string // "K=V" additions for every process the module starts (keyword environment)
	Python    string   // the interpreter that ansible_python_interpreter names, "" when it names none
	TmpDir    string   // a private directory for this call, removed after it

	// Payload is a file that the controller sends along (copy, template, script, unarchive …), or nil.
	Payload *Payload
	// Send streams a file to the controller (fetch). nil when the controller does not want one.
	Send func(r io.Reader) error
	// Shell runs shell commands unless a task names another; "" means /bin/sh.
	Shell string
	// Output passes on what a running command prints, for live displays. Never nil.
	Output func(stream string, chunk []byte)

	Warnings     []string
	Deprecations []map[string]any
	NoLog        []string // texts to remove from the result: the values of NoLog options, and what the module adds
}

// Str is the option as a string, "" when not given.
func (c *Call) Str(name string) string { s, _ := c.Args[name].(string); return s }

// Bool is the option as a bool, false when not given.
func (c *Call) Bool(name string) bool { b, _ := c.Args[name].(bool); return b }

// Int is the option as a number, 0 when not given.
func (c *Call) Int(name string) int64 {
	switch v := c.Args[name].(type) {
	case int64:
		return v
	case bool:
		if v {
			return 1
		}
	}
	return 0
}

// Has says whether the option has a value, given or by default.
func (c *Call) Has(name string) bool { return c.Args[name] != nil }

// Strings is a list option as strings, nil when not given.
func (c *Call) Strings(name string) []string {
	list, ok := c.Args[name].([]any)
	if !ok {
		return nil
	}
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = pyStr(v)
	}
	return out
}

// Warn adds a warning to the result.
func (c *Call) Warn(msg string) { c.Warnings = append(c.Warnings, msg) }

// Payload is a file offered by the controller. Its bytes travel only when Open is called, so a module that finds
// the target already as wanted costs no transfer.
type Payload struct {
	Size int64
	SHA1 string // hex; "" when unknown
	Open func() (io.ReadCloser, error)
}

// Result is what a module returns, with Ansible's return keys ("changed", "msg", "diff", "rc" …). Values are what
// encoding/json can write.
type Result map[string]any

// Failure is an error with more return keys than the message. Any other error fails the task with its text as msg.
type Failure struct {
	Msg  string
	Keys Result
}

func (f *Failure) Error() string { return f.Msg }

// Fail returns a Failure. keys may be nil.
func Fail(msg string, keys Result) error { return &Failure{Msg: msg, Keys: keys} }

// NotNative is the error of a module that cannot do what this call asks for while the Python module of the same name
// can. Execute marks the result with the key NotNativeKey, and the controller runs the Python module instead. It must be
// returned before anything has changed.
type NotNative struct{ Reason string }

func (e *NotNative) Error() string { return e.Reason }

// NotNativeKey is true in the result of a call that needs the Python module.
const NotNativeKey = "_not_native"
