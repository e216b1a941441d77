package commands

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// script gets the script's bytes as Payload and the words behind the script's name as _raw_params after the name, which
// only names the file here.
var script = &module.Module{
	Name: "ansible.builtin.script",
	Doc:  "Runs a script of the controller on the target.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "_raw_params"},
			{Name: "cmd"},
			{Name: "chdir"},
			{Name: "creates"},
			{Name: "removes"},
			{Name: "executable"},
		},
		Rules:     module.Rules{RequiredOneOf: [][]string{{"_raw_params", "cmd"}}},
		FreeForm:  true,
		CheckMode: true,
	},
	Run: runScript,
}

func runScript(ctx context.Context, c *module.Call) (module.Result, error) {
	line := c.Str("_raw_params")
	if line == "" {
		line = c.Str("cmd")
	}
	if p := c.Str("creates"); p != "" && there(p) {
		return module.Result{"skipped": true, "msg": fmt.Sprintf("%s exists, matching creates option", p)}, nil
	}
	if p := c.Str("removes"); p != "" && !there(p) {
		return module.Result{"skipped": true, "msg": fmt.Sprintf("%s does not exist, matching removes option", p)}, nil
	}
	if c.Check {
		if c.Has("creates") || c.Has("removes") {
			return module.Result{"changed": true}, nil
		}
		return module.Result{"skipped": true, "msg": "Check mode is not supported for this task."}, nil
	}
	words, err := hostos.SplitWords(line)
	if err != nil || len(words) == 0 {
		return nil, module.Fail(fmt.Sprintf("unable to read the script's name from %s", module.Quote(line)), nil)
	}
	if c.Payload == nil {
		return nil, module.Fail("the script "+words[0]+" was not sent", nil)
	}
	dir, err := os.MkdirTemp(c.TmpDir, "script")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, filepath.Base(words[0]))
	if err := writePayload(path, c.Payload); err != nil {
		return nil, err
	}
	// The rest of the line goes through a shell, as it would behind the script's name.
	rest := ""
	if i := strings.Index(line, words[0]); i >= 0 {
		rest = strings.TrimLeft(line[i+len(words[0]):], `'"`)
	} else if len(words) > 1 {
		for _, w := range words[1:] {
			rest += " " + hostos.ShellQuote(w)
		}
	}
	cmd := hostos.ShellQuote(path) + rest
	if e := c.Str("executable"); e != "" {
		cmd = e + " " + cmd
	}
	if d := c.Str("chdir"); d != "" {
		cmd = "cd " + hostos.ShellQuote(module.ExpandPath(d)) + " && " + cmd
	}
	sh := c.Shell
	if sh == "" {
		sh = "/bin/sh"
	}
	args := []string{sh, "-c", cmd}
	out, err := hostos.Run(ctx, hostos.Cmd{Args: args, Env: c.Env, Output: c.Output})
	if err != nil {
		return nil, hostos.StartFailure(args, err)
	}
	return ran(out)
}

// there says whether a path exists; unlike the other commands', it is no pattern.
func there(path string) bool {
	_, err := os.Stat(module.ExpandPath(path))
	return err == nil
}

func writePayload(path string, p *module.Payload) error {
	r, err := p.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return hostos.WriteProgram(path, text)
}
