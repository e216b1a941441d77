// Package services has the modules about services and the jobs that start by the clock.
//
// Called by internal/target/modules/all/base.
package services

import "github.com/troupe-automation/troupe/module"

// All are the modules of this family.
var All = []*module.Module{
	cron,
	service,
	serviceFacts,
	systemdService,
	sysvinit,
}
