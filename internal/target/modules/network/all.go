// Package network has the modules that speak HTTP. Only the second image of the agent links it.
//
// Called by internal/target/modules/all/web.
package network

import "github.com/troupe-automation/troupe/module"

// All are the modules of this family.
var All = []*module.Module{
	getURL,
	uri,
}
