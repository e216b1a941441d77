// Package system has the modules about the machine as a whole: facts, host name, settings, waiting.
//
// Called by internal/target/modules/all/base.
package system

import "github.com/troupe-automation/troupe/module"

// All are the modules of this family.
var All = []*module.Module{
	alternatives,
	hostname,
	iptables,
	localeGen,
	modprobe,
	mount,
	mountFacts,
	pamLimits,
	ping,
	setup,
	sysctl,
	timezone,
	ufw,
	waitFor,
}
