package agent

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/wire"
	"github.com/troupe-automation/troupe/module"
)

// One call from a file: its payload is read, the file it sends comes back, failures are told.
func TestOnce(t *testing.T) {
	echo := &module.Module{
		Name: "test.echo", Spec: module.Spec{Options: []module.Option{{Name: "text"}}},
		Run: func(_ context.Context, c *module.Call) (module.Result, error) {
			r, err := c.Payload.Open()
			if err != nil {
				return nil, err
			}
			data, err := io.ReadAll(r)
			if err != nil {
				return nil, err
			}
			if err := c.Send(strings.NewReader("sent " + string(data))); err != nil {
				return nil, err
			}
			return module.Result{"got": string(data), "text": c.Str("text")}, nil
		},
	}
	cfg := Config{Modules: module.NewRegistry([]*module.Module{echo})}
	large := strings.Repeat("x", 1<<20)
	for _, c := range []struct{ name, module, want, code string }{
		{"a payload and a file", "test.echo", large, ""},
		{"no such module", "test.none", "", string(wire.FailNoModule)},
	} {
		file := filepath.Join(t.TempDir(), "call")
		once := wire.Once{Call: wire.Call{Module: c.module, Args: json.RawMessage(`{"text":"t"}`), Payload: &wire.Payload{Size: int64(len(large))}, Receive: true}, Payload: []byte(large)}
		data, err := json.Marshal(once)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		reply, err := runOnce(t.Context(), file, cfg)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if c.code != "" {
			if reply.Failure == nil || string(reply.Failure.Code) != c.code {
				t.Errorf("%s: %+v", c.name, reply.Failure)
			}
			continue
		}
		var got struct{ Got, Text string }
		if err := json.Unmarshal(reply.Result, &got); err != nil || got.Got != c.want || got.Text != "t" || string(reply.File) != "sent "+c.want {
			t.Errorf("%s: %v %.80s", c.name, err, reply.Result)
		}
	}
}
