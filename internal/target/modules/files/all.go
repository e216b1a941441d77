// Package files has the modules about files and their content.
//
// Called by internal/target/modules/all/base and web.
package files

import "github.com/troupe-automation/troupe/module"

// All are the modules of this family.
var All = []*module.Module{
	acl,
	assemble,
	blockinfile,
	copyFile,
	fetch,
	file,
	find,
	iniFile,
	lineinfile,
	patchFiles,
	replace,
	slurp,
	stat,
	tempfile,
}
