// Command troupe-agent-web is the agent's image "web": the agent's loop and the native modules that speak HTTP. The first
// starts it on a host where one of them is used.
package main

import (
	"os"

	"github.com/troupe-automation/troupe/internal/target/agent"
	"github.com/troupe-automation/troupe/internal/target/modules/all/web"
)

func main() { os.Exit(agent.Main(os.Args[:1], os.Args[1:], web.Registry)) }
