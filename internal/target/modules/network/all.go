// Package network has the modules that talk to other machines. It is the only one of target that links net/http.
//
// Called by internal/target/modules/all.
package network

import "github.com/troupe-automation/troupe/module"

// All are the modules of this family.
var All = []*module.Module{
	getURL,
	uri,
	waitFor,
}
