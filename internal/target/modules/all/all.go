// Package all lists every native module.
//
// Called by cmd/troupe when it is the agent, and by the controller, which reads their Specs.
package all

import (
	"slices"

	"github.com/troupe-automation/troupe/internal/target/modules/all/base"
	"github.com/troupe-automation/troupe/internal/target/modules/all/web"
	"github.com/troupe-automation/troupe/module"
)

// All are the native modules: those of both images of the agent.
var All = slices.Concat(base.All, web.All)

// Registry finds them by name.
var Registry = module.NewRegistry(All)

// Web reports whether a module lives in the second image.
func Web(name string) bool { return web.Registry.Lookup(name) != nil }
