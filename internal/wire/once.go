package wire

import "encoding/json"

// OnceWord, with a file that holds a Once, makes the agent run one call and print a OnceReply: for ways to a host that carry
// single commands and files only.
const OnceWord = "once"

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
