// Package all lists every native module.
//
// Called by cmd/troupe-agent, which runs them, and by the controller, which reads their Specs.
package all

import (
	"slices"

	"github.com/troupe-automation/troupe/internal/target/modules/accounts"
	"github.com/troupe-automation/troupe/internal/target/modules/commands"
	"github.com/troupe-automation/troupe/internal/target/modules/files"
	"github.com/troupe-automation/troupe/internal/target/modules/network"
	"github.com/troupe-automation/troupe/internal/target/modules/packages"
	"github.com/troupe-automation/troupe/internal/target/modules/scm"
	"github.com/troupe-automation/troupe/internal/target/modules/services"
	"github.com/troupe-automation/troupe/internal/target/modules/system"
	"github.com/troupe-automation/troupe/module"
)

// All are the native modules, by family.
var All = slices.Concat(
	accounts.All,
	commands.All,
	files.All,
	files.Fetching(network.Fetch),
	network.All,
	packages.All,
	scm.All,
	services.All,
	system.All,
)

// Registry finds them by name.
var Registry = module.NewRegistry(All)
