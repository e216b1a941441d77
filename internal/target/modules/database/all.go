// Package database has the modules about databases and their users. They speak to servers themselves: the host needs no Python
// and no library.
//
// Called by internal/target/modules/all/data.
package database

import "github.com/troupe-automation/troupe/module"

// All are the modules of this family.
var All = []*module.Module{
	postgresqlDB,
	postgresqlQuery,
	postgresqlUser,
}
