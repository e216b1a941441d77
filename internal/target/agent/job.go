package agent

import (
	"context"
	"encoding/json"

	"github.com/troupe-automation/troupe/internal/wire"
	"github.com/troupe-automation/troupe/module"
)

// jobWord is the argument that makes the agent run one detached job.
const jobWord = "job"

func runJob(*module.Registry) int { return 1 }

func (s *server) detach(ctx context.Context, stream uint32, c *wire.Call) (json.RawMessage, *wire.Failure) {
	return nil, &wire.Failure{Code: wire.FailInternal, Msg: "async is not available in this build"}
}
