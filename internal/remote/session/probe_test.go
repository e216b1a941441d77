package session_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strings"
	"syscall"

	"github.com/troupe-automation/troupe/module"
)

// probes are the native modules of the test agent.
var probes = []*module.Module{
	{
		Name: "test.probe",
		Spec: module.Spec{CheckMode: true, Options: []module.Option{{Name: "say"}}},
		Run: func(_ context.Context, c *module.Call) (module.Result, error) {
			u, err := user.Current()
			if err != nil {
				return nil, err
			}
			return module.Result{"said": c.Args["say"], "user": u.Username, "pid": os.Getpid(), "tmp": c.TmpDir, "env": toAny(c.Env)}, nil
		},
	},
	{
		Name: "test.payload",
		Run: func(_ context.Context, c *module.Call) (module.Result, error) {
			r, err := c.Payload.Open()
			if err != nil {
				return nil, err
			}
			defer r.Close()
			sum := sha256.New()
			n, err := io.Copy(sum, r)
			return module.Result{"size": n, "sha256": hex.EncodeToString(sum.Sum(nil))}, err
		},
	},
	{
		Name: "test.send",
		Spec: module.Spec{Options: []module.Option{{Name: "size", Type: module.TypeInt}}},
		Run: func(_ context.Context, c *module.Call) (module.Result, error) {
			return nil, c.Send(io.LimitReader(pattern{}, c.Args["size"].(int64)))
		},
	},
	{
		// Runs a command that ignores hints, writes its process id to a file, and waits.
		Name: "test.hang",
		Spec: module.Spec{Options: []module.Option{{Name: "pidfile"}}},
		Run: func(ctx context.Context, c *module.Call) (module.Result, error) {
			os.WriteFile(c.TmpDir+"/litter", nil, 0o600)
			cmd := exec.CommandContext(ctx, "/bin/sh", "-c", "trap '' TERM HUP INT; echo $$ >"+c.Args["pidfile"].(string)+"; while :; do sleep 1000; done")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
			c.Output("stdout", []byte(c.TmpDir))
			return nil, cmd.Run()
		},
	},
	{
		Name: "test.output",
		Run: func(_ context.Context, c *module.Call) (module.Result, error) {
			c.Output("stdout", []byte("one\n"))
			c.Output("stderr", []byte("two\n"))
			return nil, nil
		},
	},
	{
		Name: "test.panic",
		Run:  func(context.Context, *module.Call) (module.Result, error) { panic("ouch") },
	},
	{
		Name: "test.big",
		Run: func(context.Context, *module.Call) (module.Result, error) {
			return module.Result{"text": strings.Repeat("x", 5<<20)}, nil
		},
	},
}

// pattern is an endless stream of bytes that tells lost or swapped chunks.
type pattern struct{}

func (pattern) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i * 7)
	}
	return len(p), nil
}

func toAny(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
