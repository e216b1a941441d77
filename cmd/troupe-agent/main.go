// Command troupe-agent is the program that runs on targets: the agent's loop and the native modules, nothing more. Modules
// that would double it are in troupe-agent-web and troupe-agent-data.
package main

import (
	"os"

	"github.com/troupe-automation/troupe/internal/target/agent"
	"github.com/troupe-automation/troupe/internal/target/modules/all/base"
)

func main() { os.Exit(agent.Main(os.Args[:1], os.Args[1:], base.Registry)) }
