// Package all lists the kinds of connections. A new kind is one package and one line here.
//
// Called by internal/remote/session.
package all

import (
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/remote/connection"
	"github.com/troupe-automation/troupe/internal/remote/connection/chroot"
	"github.com/troupe-automation/troupe/internal/remote/connection/docker"
	"github.com/troupe-automation/troupe/internal/remote/connection/kubectl"
	"github.com/troupe-automation/troupe/internal/remote/connection/local"
	"github.com/troupe-automation/troupe/internal/remote/connection/podman"
	"github.com/troupe-automation/troupe/internal/remote/connection/ssh"
)

// Kinds are all kinds of connections.
var Kinds = []*connection.Kind{
	&ssh.Kind,
	&local.Kind,
	&docker.Kind,
	&podman.Kind,
	&chroot.Kind,
	&kubectl.Kind,
}

// Find returns the kind that ansible_connection calls name, or nil. "" and "smart" are ssh.
func Find(name string) *connection.Kind {
	if name == "" || name == "smart" {
		name = "ssh"
	}
	name = strings.TrimPrefix(name, "ansible.builtin.")
	for _, k := range Kinds {
		if k.Name == name || slices.Contains(k.Aliases, name) {
			return k
		}
	}
	return nil
}
