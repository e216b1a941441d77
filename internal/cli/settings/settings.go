// Package settings is `troupe config`, also known as ansible-config: it shows the settings in force and where each came
// from, the settings that exist, and the configuration file.
//
// Called by internal/cli.
package settings

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/cli/argparse"
	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/term"
)

var (
	fileFlag   = argparse.Flag{Names: []string{"-c", "--config"}, Dest: "config_file", Metavar: "FILE", Help: "this configuration file instead of the one that is found"}
	formatFlag = argparse.Flag{Names: []string{"-f", "--format"}, Dest: "format", Help: "form of the output"}
	typeFlag   = argparse.Flag{Names: []string{"-t", "--type"}, Dest: "type", Choices: slices.Concat([]string{"all", "base"}, kinds), Help: "settings of plugins of this kind; base: of the program itself"}
)

// Main runs the command.
func Main(_ context.Context, env *launch.Env, prog string, args []string) (int, error) {
	common := launch.Common()
	format := func(choices ...string) argparse.Flag {
		f := formatFlag
		f.Choices = choices
		return f
	}
	subs := []*argparse.Command{
		{Prog: prog + " list", Summary: "Lists the settings that exist.", Flags: slices.Concat(common[1:], []argparse.Flag{fileFlag, typeFlag, format("json", "yaml")}), Args: []string{"args*"}},
		{Prog: prog + " dump", Summary: "Shows the settings in force and where each came from.", Args: []string{"args*"}, Flags: slices.Concat(common[1:], []argparse.Flag{fileFlag, typeFlag, format("json", "yaml", "display"),
			{Names: []string{"--only-changed", "--changed-only"}, Dest: "only_changed", Kind: argparse.True, Help: "leave out what is at its default"}})},
		{Prog: prog + " init", Summary: "Writes a configuration with everything at its default.", Args: []string{"args*"}, Flags: slices.Concat(common[1:], []argparse.Flag{fileFlag, typeFlag, format("ini", "env", "vars"),
			{Names: []string{"--disabled"}, Dest: "commented", Kind: argparse.True, Help: "every line a comment"}})},
		{Prog: prog + " validate", Summary: "Looks for settings that do not exist.", Args: []string{"args*"}, Flags: slices.Concat(common[1:], []argparse.Flag{fileFlag, typeFlag, format("ini", "env")})},
		{Prog: prog + " view", Summary: "Shows the configuration file.", Flags: slices.Concat(common[1:], []argparse.Flag{fileFlag, typeFlag}), Args: []string{"args*"}},
	}
	root := &argparse.Command{Prog: prog, Summary: "Shows settings.", Flags: common, Sub: subs, Examples: "  " + prog + " dump --only-changed"}
	at := slices.IndexFunc(args, func(a string) bool { return !strings.HasPrefix(a, "-") })
	names := []string{"list", "dump", "init", "validate", "view"}
	which := -1
	if at >= 0 {
		which = slices.Index(names, args[at])
	}
	if which < 0 {
		if _, err := root.Parse(args); err != nil {
			return 0, err
		}
		return 0, &argparse.UsageError{Prog: prog, Msg: "the following arguments are required: action"}
	}
	v, err := subs[which].Parse(slices.Concat(args[:at], args[at+1:]))
	if err != nil {
		return 0, err
	}
	s, err := launch.Start(env, v)
	if err != nil {
		return 0, err
	}
	s.ConfigNote()
	text, kind := "", v.Str("type")
	if kind == "" {
		kind = "base"
	}
	d := &dumper{c: s.Config, kind: kind, only: v.Args, changed: v.Bool("only_changed"), warn: s.Display.Warning}
	switch names[which] {
	case "list":
		text, err = d.list(v.Str("format"))
	case "dump":
		text, err = d.dump(v.Str("format"))
	case "init":
		text, err = d.init(v.Str("format"), v.Bool("commented"))
	case "validate":
		problems := d.validate(v.Str("format"))
		for _, p := range problems {
			s.Display.PrintErr(strings.Join(term.Wrap(" [ERROR]: "+p, s.Display.Err.Width, false), "\n"), "error")
		}
		if len(problems) > 0 {
			return 1, nil
		}
		text = "All configurations seem valid!"
	case "view":
		text, err = view(s.Config)
	}
	if err != nil {
		return 0, err
	}
	s.Display.Print(text, "")
	return 0, nil
}

func view(c *config.Config) (string, error) {
	const msg = "Invalid or no config file was supplied"
	if c.File == "" {
		return "", &diag.Diagnostic{Code: diag.ConfigSyntax, Summary: "there is no configuration file", Classic: msg, Exit: diag.ExitError}
	}
	data, err := os.ReadFile(c.File)
	if err != nil {
		return "", &diag.Diagnostic{Code: diag.ConfigSyntax, Summary: "the configuration file cannot be read", Classic: msg, Exit: diag.ExitError, Cause: err}
	}
	return string(data), nil
}
