package vault

import (
	"os"
	"syscall"
)

// keepOwner gives a new file the owner of the one it replaces, as far as this user may.
func keepOwner(f *os.File, name string) {
	st, err := os.Stat(name)
	if err != nil {
		return
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(sys.Uid), int(sys.Gid))
	}
}
