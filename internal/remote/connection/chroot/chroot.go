// Package chroot is the connection to a root directory of this machine.
//
// Registered in connection/all, used through internal/remote/session.
package chroot

import (
	"context"
	"os"
	"path/filepath"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// Kind is the registry entry. Its options are those of community.general.chroot.
var Kind = connection.Kind{
	Name: "community.general.chroot", Aliases: []string{"chroot"},
	Options: []string{"remote_addr", "chroot_exe", "disable_root_check"},
	Vars: map[string][]string{
		"remote_addr":        {"inventory_hostname", "ansible_host"},
		"chroot_exe":         {"ansible_chroot_exe"},
		"disable_root_check": {"ansible_chroot_disable_root_check"},
	},
	Dial: dial,
}

func dial(_ context.Context, o connection.Options, _ connection.Log) (connection.Conn, error) {
	dir := o["remote_addr"]
	fail := func(msg string) error { return &connection.UnreachableError{Phase: connection.PhaseConnect, Msg: msg} }
	if os.Getuid() != 0 && !o.Bool("disable_root_check", false) {
		return nil, fail("chroot connection requires running as root. You can override this check with the `disable_root_check` option.")
	}
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return nil, fail(dir + " is not a directory")
	}
	if _, err := os.Lstat(filepath.Join(dir, "bin/sh")); err != nil {
		return nil, fail(dir + " does not look like a chrootable dir (/bin/sh missing)")
	}
	exe := o.String("chroot_exe", "chroot")
	return connection.NewCommand(func(command string, _ bool) []string {
		return []string{exe, dir, "/bin/sh", "-c", command}
	}), nil
}
