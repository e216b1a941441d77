// Package packages has the modules about software packages and where they come from.
//
// Called by internal/target/modules/all/base.
package packages

import "github.com/troupe-automation/troupe/module"

// managers are the modules that package can stand for, by the name of the package manager.
var managers = []*module.Module{
	apt,
	dnf,
}

// All are the modules of this family.
var All = append([]*module.Module{
	aptRepository,
	debconf,
	dpkgSelections,
	npm,
	packageFacts,
	packageModule,
	pip,
	yumRepository,
}, managers...)
