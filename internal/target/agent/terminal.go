package agent

import (
	"os"

	"golang.org/x/term"
)

// rawTerminal stops a terminal from changing the bytes of frames. It does nothing when f is none.
func rawTerminal(f *os.File) error {
	if fd := int(f.Fd()); term.IsTerminal(fd) {
		_, err := term.MakeRaw(fd)
		return err
	}
	return nil
}
