// Package scm has the modules about working copies of version control systems.
//
// Called by internal/target/modules/all/base.
package scm

import "github.com/troupe-automation/troupe/module"

// All are the modules of this family.
var All = []*module.Module{
	git,
	subversion,
}
