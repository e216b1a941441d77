// Package local is the connection to the machine Troupe runs on: commands are child processes.
//
// Registered in connection/all, used through internal/remote/session.
package local

import (
	"context"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// Kind is the registry entry. Hosts of one play share a connection: option cwd, the play's directory, is where commands run.
var Kind = connection.Kind{
	Name: "local", Here: true, Options: []string{"cwd"},
	Dial: func(_ context.Context, o connection.Options, _ connection.Log) (connection.Conn, error) {
		c := connection.NewCommand(func(command string, _ bool) []string { return []string{"/bin/sh", "-c", command} })
		c.Dir = o["cwd"]
		return c, nil
	},
}
