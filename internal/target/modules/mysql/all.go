// Package mysql has the modules about MySQL and MariaDB. They speak to the servers themselves: the host needs no Python and no
// library.
//
// Called by internal/target/modules/all/data.
package mysql

import "github.com/troupe-automation/troupe/module"

// All are the modules of this family.
var All = []*module.Module{
	mysqlDB,
	mysqlUser,
}
