// Package accounts has the modules about users, groups and their keys.
//
// Called by internal/target/modules/all/base.
package accounts

import "github.com/troupe-automation/troupe/module"

// All are the modules of this family.
var All = []*module.Module{
	authorizedKey,
	getent,
	group,
	knownHosts,
	user,
}
