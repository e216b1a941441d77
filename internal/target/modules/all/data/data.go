// Package data lists the modules of the agent's image "data": those that need the client library of a database, or
// certificates.
//
// Called by cmd/troupe-agent-data and modules/all.
package data

import (
	"slices"

	"github.com/troupe-automation/troupe/internal/target/modules/crypto"
	"github.com/troupe-automation/troupe/internal/target/modules/mysql"
	"github.com/troupe-automation/troupe/internal/target/modules/postgresql"
	"github.com/troupe-automation/troupe/module"
)

// All are the modules, by family.
var All = slices.Concat(
	crypto.All,
	mysql.All,
	postgresql.All,
)

// Registry finds them by name.
var Registry = module.NewRegistry(All)
