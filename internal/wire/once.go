package wire

import "encoding/json"

// OnceWord, with a file that holds a Once, makes the agent run one call and print a OnceReply: for ways to a host that carry
// single commands and files only.
const OnceWord = "once"

// ModuleWord, with the name of a native module, makes the agent run it with the arguments on standard input, a JSON object, and
// print its result: for people who look into what a run did. "--check" and "--diff" may follow the name; PythonEnv and TMPDIR
// stand for Call.Python and Call.RemoteTmp.
const ModuleWord = "module"

// PythonEnv is the environment variable that names the interpreter.
const PythonEnv = "ANSIBLE_PYTHON_INTERPRETER"

// Once is one call with all that it may ask for.
type Once struct {
	Call    Call              `json:"call"`
	Blobs   map[string][]byte `json:"blobs,omitempty"`
	Payload []byte            `json:"payload,omitempty"`
}

// OnceReply is how the call ended.
type OnceReply struct {
	Result  json.RawMessage `json:"troupe_result,omitempty"`
	Failure *Failure        `json:"troupe_failure,omitempty"`
	File    []byte          `json:"file,omitempty"` // what the module sent
}
