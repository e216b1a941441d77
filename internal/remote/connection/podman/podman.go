// Package podman is the connection to containers through the podman command.
//
// Registered in connection/all, used through internal/remote/session.
package podman

import (
	"context"
	"os/exec"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// Kind is the registry entry. Its options are those of containers.podman.podman.
var Kind = connection.Kind{
	Name: "containers.podman.podman", Aliases: []string{"podman"},
	Options: []string{"remote_addr", "remote_user", "podman_executable", "podman_extra_args"},
	Vars: map[string][]string{
		"remote_addr":       {"inventory_hostname", "ansible_host", "ansible_podman_host"},
		"remote_user":       {"ansible_user"},
		"podman_executable": {"ansible_podman_executable"},
		"podman_extra_args": {"ansible_podman_extra_args"},
	},
	Dial: dial,
}

func dial(_ context.Context, o connection.Options, _ connection.Log) (connection.Conn, error) {
	extra, err := connection.Split(o["podman_extra_args"])
	if err != nil {
		return nil, &connection.UnreachableError{Phase: connection.PhaseConnect, Msg: "podman_extra_args: " + err.Error(), Err: err}
	}
	exe := o.String("podman_executable", "podman")
	if _, err := exec.LookPath(exe); err != nil {
		return nil, &connection.UnreachableError{Phase: connection.PhaseConnect, Msg: "podman command not found in PATH", Err: err}
	}
	return connection.NewCommand(func(command string, pty bool) []string {
		argv := append([]string{exe}, extra...)
		argv = append(argv, "exec", "-i")
		if pty {
			argv = append(argv, "-t")
		}
		if u := o["remote_user"]; u != "" {
			argv = append(argv, "--user", u)
		}
		return append(argv, o["remote_addr"], "/bin/sh", "-c", command)
	}), nil
}
