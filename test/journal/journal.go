// Package journal is a log that a test reads while a server writes it.
//
// Called by the tests of internal/server and by test/platform.
package journal

import (
	"bytes"
	"sync"
)

// Journal holds what was written; many may write and read at once.
type Journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *Journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}
