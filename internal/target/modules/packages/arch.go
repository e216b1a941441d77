package packages

import "runtime"

// nativeArch is the machine's architecture in Debian's words.
var nativeArch = map[string]string{
	"amd64": "amd64", "arm64": "arm64", "386": "i386", "arm": "armhf", "ppc64le": "ppc64el", "s390x": "s390x", "riscv64": "riscv64",
}[runtime.GOARCH]
