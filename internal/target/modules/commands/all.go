// Package commands has the modules that run what the user wrote: command, shell, raw, script, expect, and the state of jobs.
//
// Called by internal/target/modules/all/base.
package commands

import "github.com/troupe-automation/troupe/module"

// All are the modules of this family.
var All = []*module.Module{
	command,
	shell,
	raw,
	script,
	asyncStatus,
	expect,
	makeTarget,
}
