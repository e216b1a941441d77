// Package all lists every native module, and which image of the agent each lives in.
//
// Called by cmd/troupe when it is the agent, and by the controller, which reads their Specs.
package all

import (
	"slices"

	"github.com/troupe-automation/troupe/internal/target/modules/all/base"
	"github.com/troupe-automation/troupe/internal/target/modules/all/data"
	"github.com/troupe-automation/troupe/internal/target/modules/all/web"
	"github.com/troupe-automation/troupe/module"
)

// An image is a program that runs on targets. Its package is cmd/troupe-agent-NAME, without a name cmd/troupe-agent.
type image struct {
	name    string
	modules *module.Registry
}

// images are all; a host has those whose modules it was asked for, and the first.
var images = []image{
	{"", base.Registry},
	{"web", web.Registry},
	{"data", data.Registry},
}

// All are the native modules: those of all images of the agent.
var All = slices.Concat(base.All, web.All, data.All)

// Registry finds them by name.
var Registry = module.NewRegistry(All)

// Image names the image that a module lives in, "" the first.
func Image(name string) string {
	for _, i := range images[1:] {
		if i.modules.Lookup(name) != nil {
			return i.name
		}
	}
	return ""
}

// Images are the names of all images, the first's is "".
func Images() []string {
	names := make([]string, len(images))
	for n, i := range images {
		names[n] = i.name
	}
	return names
}
