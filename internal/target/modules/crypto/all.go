// Package crypto has the modules about keys and certificates, on Go's own library.
//
// Called by internal/target/modules/all/data.
package crypto

import "github.com/troupe-automation/troupe/module"

// All are the modules of this family.
var All = []*module.Module{
	opensslCSR,
	opensslPrivatekey,
	x509Certificate,
}
