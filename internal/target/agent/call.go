package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/wire"
	"github.com/troupe-automation/troupe/module"
)

// call runs one call and answers it, whatever happens.
func (s *server) call(ctx context.Context, stream uint32, c *wire.Call) {
	defer func() {
		if p := recover(); p != nil {
			s.fail(0, stream, wire.FailInternal, fmt.Sprintf("the agent crashed: %v\n%s", p, debug.Stack()))
		}
		s.mu.Lock()
		cancel := s.calls[stream]
		delete(s.calls, stream)
		s.mu.Unlock()
		cancel()
	}()
	var result json.RawMessage
	var failure *wire.Failure
	switch {
	case c.Async != nil:
		result, failure = s.detach(ctx, stream, c)
	case c.Foreign != nil:
		result, failure = s.foreign(ctx, stream, c)
	default:
		result, failure = s.native(ctx, stream, c)
	}
	switch {
	case ctx.Err() != nil:
		s.fail(0, stream, wire.FailCancelled, "cancelled")
	case failure != nil:
		s.fail(0, stream, failure.Code, failure.Msg)
	case len(result) > wire.MaxMessage: // the controller would take it for hostile and hang up
		s.fail(0, stream, wire.FailInternal, fmt.Sprintf("the result has %d bytes, up to %d can be sent", len(result), wire.MaxMessage))
	default:
		s.out.Write(wire.Frame{Kind: wire.KindResult, Stream: stream, Data: result})
	}
}

func (s *server) native(ctx context.Context, stream uint32, c *wire.Call) (json.RawMessage, *wire.Failure) {
	opts := module.Options{}
	if c.Payload != nil {
		opts.Payload = &module.Payload{Size: c.Payload.Size, SHA1: c.Payload.SHA1, Open: func() (io.ReadCloser, error) {
			return s.pull(stream, "payload")
		}}
	}
	if c.Receive {
		opts.Send = func(r io.Reader) error { return s.send(stream, r) }
	}
	if c.Output {
		opts.Output = func(name string, chunk []byte) { s.output(stream, name, chunk) }
	}
	return runNative(ctx, s.cfg.Modules, &s.temp, c, opts)
}

// runNative runs a native module and returns its result as JSON.
func runNative(ctx context.Context, modules *module.Registry, temp *tempDir, c *wire.Call, opts module.Options) (json.RawMessage, *wire.Failure) {
	m := modules.Lookup(c.Module)
	if m == nil {
		return nil, &wire.Failure{Code: wire.FailNoModule, Msg: fmt.Sprintf("the agent has no module %s", c.Module)}
	}
	args, err := decodeArgs(c.Args)
	if err != nil {
		return nil, &wire.Failure{Code: wire.FailInternal, Msg: fmt.Sprintf("arguments of %s: %v", c.Module, err)}
	}
	dir, err := temp.make(c.RemoteTmp, c.Tmp)
	if err != nil {
		return nil, &wire.Failure{Code: wire.FailInternal, Msg: err.Error()}
	}
	defer dir.remove()
	opts.Check, opts.Diff, opts.Verbosity, opts.Env, opts.TmpDir = c.Check, c.Diff, c.Verbosity, environ(c.Env), dir.path
	opts.Python = c.Python
	opts.Name = shortName(c.Module)
	result, err := m.Encode(module.Execute(ctx, m, args, opts), c.Args)
	if err != nil {
		return nil, &wire.Failure{Code: wire.FailInternal, Msg: fmt.Sprintf("result of %s: %v", c.Module, err)}
	}
	return result, nil
}

// shortName is how builtin modules call themselves in messages.
func shortName(fqcn string) string {
	return strings.TrimPrefix(strings.TrimPrefix(fqcn, "ansible.builtin."), "ansible.legacy.")
}

// decodeArgs keeps whole numbers whole: int64 where they fit, float64 otherwise.
func decodeArgs(raw json.RawMessage) (map[string]any, error) {
	if len(raw) == 0 {
		return map[string]any{}, nil
	}
	v, err := module.DecodeJSON(raw)
	if err != nil {
		return nil, err
	}
	args, ok := v.(map[string]any)
	if !ok && v != nil {
		return nil, errors.New("the arguments are no object")
	}
	if args == nil {
		args = map[string]any{}
	}
	return args, nil
}

func environ(env map[string]string) []string {
	list := make([]string, 0, len(env))
	for k, v := range env {
		list = append(list, k+"="+v)
	}
	slices.Sort(list)
	return list
}

func (s *server) output(stream uint32, name string, chunk []byte) {
	which := byte(1)
	if name == "stderr" {
		which = 2
	}
	s.out.Write(wire.Frame{Kind: wire.KindOutput, Stream: stream, Data: append([]byte{which}, chunk...)})
}
