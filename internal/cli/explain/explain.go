// Package explain is `troupe explain CODE`: the page of an error code, with cause, example and fix.
//
// Called by internal/cli.
package explain

import (
	"context"
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/internal/cli/argparse"
	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/didyoumean"
)

// Main runs the command.
func Main(_ context.Context, env *launch.Env, prog string, args []string) (int, error) {
	cmd := &argparse.Command{Prog: prog, Summary: "Explains an error code, or lists all of them.", Args: []string{"code?"}, Examples: "  " + prog + " E0412"}
	v, err := cmd.Parse(args)
	if err != nil {
		return 0, err
	}
	if len(v.Args) == 0 {
		for _, c := range diag.Codes() {
			page, _ := diag.PageOf(c)
			fmt.Fprintf(env.Stdout, "%-10s %s\n", c, page.Title)
		}
		return 0, nil
	}
	code := strings.ToUpper(v.Args[0])
	if !strings.HasPrefix(code, "TRP-") {
		code = "TRP-" + code
	}
	page, ok := diag.PageOf(diag.Code(code))
	if !ok {
		var names []string
		for _, c := range diag.Codes() {
			names = append(names, string(c))
		}
		hint := ""
		if near := didyoumean.Nearest(code, names); near != "" {
			hint = "did you mean " + near + "?"
		}
		return 0, &argparse.UsageError{Prog: prog, Msg: "no error has the code " + v.Args[0], Hint: hint}
	}
	fmt.Fprintf(env.Stdout, "%s: %s\n\n%s\n", code, page.Title, page.Cause)
	if page.Example != "" {
		fmt.Fprintf(env.Stdout, "\nfor example:\n\n%s\n", page.Example)
	}
	if page.Fix != "" {
		fmt.Fprintf(env.Stdout, "\nput right:\n\n%s\n", page.Fix)
	}
	return 0, nil
}
