// Package system has the modules about the machine as a whole: facts, host name, settings, waiting.
//
// Called by internal/target/modules/all/base.
package system

import "github.com/troupe-automation/troupe/module"

// All are the modules of this family.
var All = []*module.Module{
	hostname,
	iptables,
	modprobe,
	mount,
	mountFacts,
	ping,
	setup,
	sysctl,
	ufw,
	waitFor,
}
