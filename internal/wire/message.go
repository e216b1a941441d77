package wire

import "encoding/json"

// Hello introduces a node.
type Hello struct {
	Version int    `json:"v"`
	PID     int    `json:"pid"`
	OS      string `json:"os"`   // GOOS
	Arch    string `json:"arch"` // GOARCH
	UID     int    `json:"uid"`
	Home    string `json:"home"`
	Exe     string `json:"exe"` // the agent's own file
}

// Call asks for one module execution. Exactly one of Module and Foreign says what runs.
type Call struct {
	Module    string            `json:"module,omitempty"` // native module, fully qualified
	Foreign   *Foreign          `json:"foreign,omitempty"`
	Args      json.RawMessage   `json:"args,omitempty"` // an object
	Check     bool              `json:"check,omitempty"`
	Diff      bool              `json:"diff,omitempty"`
	Verbosity int               `json:"verbosity,omitempty"`
	Env       map[string]string `json:"env,omitempty"`
	Payload   *Payload          `json:"payload,omitempty"` // a file the controller offers
	Receive   bool              `json:"receive,omitempty"` // the controller wants the file the module sends
	Output    bool              `json:"output,omitempty"`  // the controller wants output while it is printed
	RemoteTmp string            `json:"remote_tmp,omitempty"`
	Tmp       string            `json:"tmp,omitempty"`    // name of the call's own directory below RemoteTmp; "" lets the agent choose
	Python    string            `json:"python,omitempty"` // the interpreter that the user named, for native modules that deal with Python
	Async     *Async            `json:"async,omitempty"`
}

// Payload describes a file that the agent can pull with an Open of What "payload".
type Payload struct {
	Size int64  `json:"size"`
	SHA1 string `json:"sha1,omitempty"`
}

// Async detaches a call into a job.
type Async struct {
	JID     string `json:"jid"`
	Seconds int    `json:"seconds"` // time limit
	Dir     string `json:"dir"`     // "~" is the user's home
}

// Style is how a foreign module takes its arguments and gives its result (BEHAVIOUR §8).
type Style string

// The styles of modules that are not native.
const (
	StylePython   Style = "python"   // imports ansible.module_utils; runs in the warm Python worker
	StyleReplaced Style = "replaced" // holds <<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>, which the agent fills in
	StyleWantJSON Style = "wantjson" // WANT_JSON: $1 is a file of JSON arguments
	StyleOld      Style = "old"      // $1 is a file of k=v words
	StyleBinary   Style = "binary"   // executable; $1 is a file of JSON arguments
)

// Foreign is a module that is not built into the agent. Blobs are named by their SHA-256 in hex and pulled once per node.
type Foreign struct {
	Name        string   `json:"name"`           // as the user wrote it, for messages
	Full        string   `json:"full,omitempty"` // dotted name of a Python module
	Style       Style    `json:"style"`
	Source      string   `json:"source"`                // blob: the module's text or binary
	Library     []string `json:"library,omitempty"`     // blobs: packages to import from, each a Library as JSON
	Interpreter []string `json:"interpreter,omitempty"` // command and arguments; for python the candidates' first choice, "" or auto means discover
	Probe       []string `json:"probe,omitempty"`       // interpreter candidates when discovering, best first
	KeepFiles   bool     `json:"keep,omitempty"`        // the files of the call stay (ANSIBLE_KEEP_REMOTE_FILES)
	File        string   `json:"file,omitempty"`        // a program on the host that holds the module and its arguments and runs instead of Source
	NoFile      int      `json:"nofile,omitempty"`      // open files that a Python module may have; 0: as many as the agent
}

// Library is a set of Python modules: dotted name to source. A name that ends in ".__init__" is a package.
type Library map[string]string

// Become asks node 0 to start another node: as another user, with another image, or both. A frame with a stream offers the
// node's program: when the starter asks for it, it is pulled by that stream, else node 0 sends its own.
type Become struct {
	Node    uint16   `json:"node"`
	Command []string `json:"command"`           // argv, whose last word is completed by a command line that starts the agent
	Method  string   `json:"method"`            // for messages; "" when the user stays the same
	Secret  string   `json:"secret,omitempty"`  // the password, written to the prompt
	Prompts []string `json:"prompts,omitempty"` // texts that ask for it, lower case
	Wrong   []string `json:"wrong,omitempty"`   // texts that refuse it
	Missing []string `json:"missing,omitempty"` // texts that say one is needed
	PTY     bool     `json:"pty,omitempty"`     // the method reads the password from a terminal only
	Seconds int      `json:"seconds"`           // time limit of the start
}

// Open opens a stream of an agent that belongs to a call.
type Open struct {
	Call uint32 `json:"call"` // the call's stream
	What string `json:"what"` // "payload", "receive", "blob:" and a hash, or "image:", what uname -sm prints, ":gz" or ":raw"
}

// FailureCode is the kind of a Failure.
type FailureCode string

// The failure codes.
const (
	FailInternal      FailureCode = "internal"       // a bug or a broken machine; Msg says more
	FailNoModule      FailureCode = "no-module"      // the agent has no such native module
	FailMissingPass   FailureCode = "missing-pass"   // become wants a password and none was given
	FailIncorrectPass FailureCode = "incorrect-pass" // become refused the password
	FailBecome        FailureCode = "become"         // become failed otherwise
	FailTimeout       FailureCode = "timeout"        // become did not answer in time
	FailCancelled     FailureCode = "cancelled"
	FailInterpreter   FailureCode = "interpreter" // no usable Python
)

// Failure ends a call that produced no module result.
type Failure struct {
	Code FailureCode `json:"code"`
	Msg  string      `json:"msg"`
}

func (f *Failure) Error() string { return f.Msg }

// Encode is json.Marshal for messages of this package, which cannot fail.
func Encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("wire: " + err.Error()) // only types of this package come here
	}
	return b
}
