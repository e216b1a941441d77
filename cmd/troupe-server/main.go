// Command troupe-server is what `troupe server` becomes: the server, without the engine; it runs jobs with the program that
// started it. Nobody calls it by hand.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/troupe-automation/troupe/internal/server/command"
	"github.com/troupe-automation/troupe/internal/server/runner"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == runner.Confine {
		err := runner.Close(os.Args[2:])
		fmt.Fprintln(os.Stderr, "isolating a run:", err)
		os.Exit(1)
	}
	if len(os.Args) > 1 && os.Args[1] == runner.Inside {
		err := runner.Enter(os.Args[2:])
		fmt.Fprintln(os.Stderr, "in the run's container:", err)
		os.Exit(1)
	}
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "this is a part of Troupe: call troupe server")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(command.Main(ctx, command.Env{Prog: os.Args[0], Program: os.Args[1], Version: os.Args[2], Args: os.Args[3:], Stdout: os.Stdout, Stderr: os.Stderr}))
}
