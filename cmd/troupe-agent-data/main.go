// Command troupe-agent-data is the agent's image "data": the agent's loop and the native modules that need the client library
// of a database. The others are in troupe-agent and troupe-agent-web.
package main

import (
	"os"

	"github.com/troupe-automation/troupe/internal/target/agent"
	"github.com/troupe-automation/troupe/internal/target/modules/all/data"
)

func main() { os.Exit(agent.Main(os.Args[:1], os.Args[1:], data.Registry)) }
