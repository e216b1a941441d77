package hostos

import (
	"os"
	"syscall"
)

// WriteProgram writes a file that is about to be executed, readable by its owner alone. No process is started meanwhile: it would
// inherit the open file, and the kernel refuses to execute a file that anybody has open for writing.
func WriteProgram(path string, text []byte) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, text, 0o700)
}
