package agent

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/troupe-automation/troupe/internal/wire"
	"github.com/troupe-automation/troupe/module"
)

// runByHand runs a native module as wire.ModuleWord says and returns the exit code.
func runByHand(ctx context.Context, args []string, modules *module.Registry) int {
	body, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "troupe agent: read the arguments:", err)
		return 1
	}
	c := wire.Call{
		Module: args[0], Args: body, Check: slices.Contains(args[1:], "--check"), Diff: slices.Contains(args[1:], "--diff"),
		Python: os.Getenv(wire.PythonEnv), RemoteTmp: os.Getenv("TMPDIR"),
	}
	var temp tempDir
	if _, err := os.Stat(c.RemoteTmp); c.RemoteTmp != "" && os.IsNotExist(err) {
		defer os.Remove(c.RemoteTmp) // what is made for this call goes with it
	}
	defer temp.remove()
	result, failure := runNative(ctx, modules, &temp, &c, module.Options{})
	if failure != nil {
		fmt.Fprintln(os.Stderr, "troupe agent:", failure.Msg)
		return 1
	}
	fmt.Printf("%s\n", result)
	return 0
}
