// Command troupe is the whole product in one binary: the commands, under Ansible's names too, and the agent.
package main

import (
	"os"

	"github.com/troupe-automation/troupe/internal/cli"
	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/target/agent"
	"github.com/troupe-automation/troupe/internal/target/modules/all"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "agent" {
		os.Exit(agent.Main(os.Args[:2], os.Args[2:], all.Registry))
	}
	os.Exit(cli.Main(launch.OSEnv()))
}
