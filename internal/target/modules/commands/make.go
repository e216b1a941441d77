package commands

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var makeTarget = &module.Module{
	Name: "community.general.make",
	Doc:  "Makes a target of a Makefile unless it is up to date.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "target"},
			{Name: "params", Type: module.TypeDict},
			{Name: "chdir", Type: module.TypePath, Required: true},
			{Name: "file", Type: module.TypePath},
			{Name: "make", Type: module.TypePath},
			{Name: "jobs", Type: module.TypeInt},
		},
		CheckMode: true,
	},
	Run: runMake,
}

func runMake(ctx context.Context, c *module.Call) (module.Result, error) {
	params, _ := c.Args["params"].(map[string]any)
	if len(params) > 1 {
		return nil, &module.NotNative{Reason: "make gets its parameters in the order of the playbook, which is not known here"}
	}
	run := hostos.RunnerOf(ctx, c)
	bin := c.Str("make")
	if !c.Has("make") {
		if bin = run.Find("gmake"); bin == "" { // what GNU's is called where make is another
			var err error
			if bin, err = run.Need("make"); err != nil {
				return nil, err
			}
		}
	}
	if info, err := os.Stat(c.Str("chdir")); err != nil || !info.IsDir() {
		return nil, module.Fail("chdir "+c.Str("chdir")+" is not a directory", nil)
	}
	words := []string{bin}
	if c.Has("jobs") {
		words = append(words, "-j", strconv.FormatInt(c.Int("jobs"), 10))
	}
	if c.Has("file") {
		words = append(words, "-f", c.Str("file"))
	}
	shown := slices.Clone(words)
	if c.Has("target") {
		words = append(words, c.Str("target"))
	}
	shown = append(shown, c.Str("target")) // an empty word when there is none
	for k, v := range params {
		words = append(words, k+"="+module.Text(v))
		shown = append(shown, k+"="+module.Text(v))
	}
	out, err := run.With(hostos.Cmd{Args: append(slices.Clone(words), "-q"), Dir: c.Str("chdir")})
	if err != nil {
		return nil, err
	}
	changed := out.RC != 0
	if changed && !c.Check {
		if out, err = run.MustWith(hostos.Cmd{Args: words, Dir: c.Str("chdir"), Output: c.Output}); err != nil {
			return nil, err
		}
	}
	r := module.Result{
		"changed": changed, "failed": false, "stdout": strings.TrimRight(out.Stdout, "\r\n"), "stderr": strings.TrimRight(out.Stderr, "\r\n"),
		"command": hostos.ShellWords(shown),
	}
	for _, k := range []string{"target", "params", "chdir", "file", "jobs"} {
		r[k] = c.Args[k]
	}
	return r, nil
}
