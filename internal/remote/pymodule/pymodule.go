// Package pymodule prepares modules that are not native for their way to a host: it tells how a module takes its
// arguments, finds the Python modules it imports, and bundles both by content hash.
//
// Called by internal/engine, which finds the files; consumed by internal/remote/session.
package pymodule

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/troupe-automation/troupe/internal/wire"
)

// Module is a module ready to be sent. It may be used for many calls and hosts at once.
type Module struct {
	Name        string // as the user wrote it
	Style       wire.Style
	Source      Blob
	Libraries   []Blob   // each a wire.Library as JSON
	Interpreter []string // command and arguments, nil for what the agent discovers or the file executes itself
	Probe       []string // interpreter candidates, best first
}

// Blob is content that hosts keep by its hash.
type Blob struct {
	Hash string // SHA-256, hex
	Data []byte
}

// NewBlob returns data with its hash. It keeps data: do not change it afterwards.
func NewBlob(data []byte) Blob {
	sum := sha256.Sum256(data)
	return Blob{Hash: hex.EncodeToString(sum[:]), Data: data}
}
