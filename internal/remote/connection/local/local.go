// Package local is the connection to the machine Troupe runs on: commands are child processes.
//
// Registered in connection/all, used through internal/remote/session.
package local

import (
	"context"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// Kind is the registry entry.
var Kind = connection.Kind{
	Name: "local", Shared: true,
	Dial: func(context.Context, connection.Options, connection.Log) (connection.Conn, error) {
		return connection.NewCommand(func(command string, _ bool) []string { return []string{"/bin/sh", "-c", command} }), nil
	},
}
