// Package docker is the connection to containers through the docker command.
//
// Registered in connection/all, used through internal/remote/session.
package docker

import (
	"context"
	"os/exec"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// Kind is the registry entry. Its options are those of community.docker.docker.
var Kind = connection.Kind{
	Name: "community.docker.docker", Aliases: []string{"docker", "community.docker.docker_api"},
	Options: []string{"remote_addr", "remote_user", "docker_command", "docker_extra_args", "working_dir", "privileged"},
	Vars: map[string][]string{
		"remote_addr":       {"inventory_hostname", "ansible_host", "ansible_docker_host"},
		"remote_user":       {"ansible_user", "ansible_docker_user"},
		"docker_extra_args": {"ansible_docker_extra_args"},
		"working_dir":       {"ansible_docker_working_dir"},
		"privileged":        {"ansible_docker_privileged"},
	},
	Dial: dial,
}

func dial(_ context.Context, o connection.Options, _ connection.Log) (connection.Conn, error) {
	extra, err := connection.Split(o["docker_extra_args"])
	if err != nil {
		return nil, &connection.UnreachableError{Phase: connection.PhaseConnect, Msg: "docker_extra_args: " + err.Error(), Err: err}
	}
	exe := o.String("docker_command", "docker")
	if _, err := exec.LookPath(exe); err != nil {
		return nil, &connection.UnreachableError{Phase: connection.PhaseConnect, Msg: "docker command not found in PATH", Err: err}
	}
	return connection.NewCommand(func(command string, pty bool) []string {
		argv := append([]string{exe}, extra...)
		argv = append(argv, "exec", "-i")
		if pty {
			argv = append(argv, "-t")
		}
		if u := o["remote_user"]; u != "" {
			argv = append(argv, "-u", u)
		}
		if d := o["working_dir"]; d != "" {
			argv = append(argv, "--workdir", d)
		}
		if o.Bool("privileged", false) {
			argv = append(argv, "--privileged")
		}
		return append(argv, o["remote_addr"], "/bin/sh", "-c", command)
	}), nil
}
