package agent

import (
	"context"
	"encoding/json"

	"github.com/troupe-automation/troupe/internal/wire"
)

type pythons struct{}

func (pythons) close() {}

func (s *server) foreign(ctx context.Context, stream uint32, c *wire.Call) (json.RawMessage, *wire.Failure) {
	return nil, &wire.Failure{Code: wire.FailInternal, Msg: "modules that are not native are not available in this build"}
}
