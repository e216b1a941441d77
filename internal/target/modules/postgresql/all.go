// Package postgresql has the modules about PostgreSQL. They speak to its servers themselves: the host needs no Python and no library.
//
// Called by internal/target/modules/all/data.
package postgresql

import "github.com/troupe-automation/troupe/module"

// All are the modules of this family.
var All = []*module.Module{
	postgresqlDB,
	postgresqlQuery,
	postgresqlUser,
}
