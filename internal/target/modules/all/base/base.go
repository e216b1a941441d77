// Package base lists the modules of the agent's first image: all but those that speak HTTP, which would double its size.
//
// Called by cmd/troupe-agent and modules/all.
package base

import (
	"slices"

	"github.com/troupe-automation/troupe/internal/target/modules/accounts"
	"github.com/troupe-automation/troupe/internal/target/modules/commands"
	"github.com/troupe-automation/troupe/internal/target/modules/files"
	"github.com/troupe-automation/troupe/internal/target/modules/packages"
	"github.com/troupe-automation/troupe/internal/target/modules/scm"
	"github.com/troupe-automation/troupe/internal/target/modules/services"
	"github.com/troupe-automation/troupe/internal/target/modules/system"
	"github.com/troupe-automation/troupe/module"
)

// All are the modules, by family.
var All = slices.Concat(
	accounts.All,
	commands.All,
	files.All,
	packages.All,
	scm.All,
	services.All,
	system.All,
)

// Registry finds them by name.
var Registry = module.NewRegistry(All)
