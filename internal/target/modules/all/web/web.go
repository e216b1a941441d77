// Package web lists the modules of the agent's image "web": those that speak HTTP. It is sent to a host, beside the first,
// where one of them is used.
//
// Called by cmd/troupe-agent-web and modules/all.
package web

import (
	"slices"

	"github.com/troupe-automation/troupe/internal/target/modules/files"
	"github.com/troupe-automation/troupe/internal/target/modules/network"
	"github.com/troupe-automation/troupe/internal/target/modules/packages"
	"github.com/troupe-automation/troupe/module"
)

// All are the modules, by family.
var All = slices.Concat(
	files.Fetching(network.Fetch),
	network.All,
	packages.Fetching(network.Fetch),
)

// Registry finds them by name.
var Registry = module.NewRegistry(All)
