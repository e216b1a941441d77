// Command troupe-agent is the program that runs on targets: the agent's loop and the native modules, nothing more.
package main

import (
	"os"

	"github.com/troupe-automation/troupe/internal/target/agent"
	"github.com/troupe-automation/troupe/internal/target/modules/all"
)

func main() { os.Exit(agent.Main(os.Args[:1], os.Args[1:], all.Registry)) }
