// Package adhoc is `troupe adhoc`, also known as ansible: one module on the hosts of a pattern.
//
// Called by internal/cli.
package adhoc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	troupe "github.com/troupe-automation/troupe"
	"github.com/troupe-automation/troupe/internal/cli/argparse"
	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/diag"
)

func command(prog string) *argparse.Command {
	flags := slices.Concat(launch.Common(), launch.Inventory(), []argparse.Flag{
		{Names: []string{"-m", "--module-name"}, Dest: "module_name", Metavar: "MODULE", Help: "the module to run (command)"},
		{Names: []string{"-a", "--args"}, Dest: "module_args", Metavar: "ARGS", Help: "its arguments: k=v, free text, or JSON"},
		{Names: []string{"-B", "--background"}, Dest: "seconds", Int: true, Metavar: "SECONDS", Help: "run in the background, at most this long"},
		{Names: []string{"-P", "--poll"}, Dest: "poll_interval", Int: true, Metavar: "SECONDS", Help: "how often to ask for a background job (15)"},
		{Names: []string{"-o", "--one-line"}, Dest: "one_line", Kind: argparse.True, Help: "one line for each host"},
		{Names: []string{"-t", "--tree"}, Dest: "tree", Metavar: "DIR", Help: "write each host's result to a file in this directory"},
		{Names: []string{"--playbook-dir"}, Dest: "basedir", Metavar: "DIR", Help: "where roles, group_vars and plugins are"},
		{Names: []string{"--task-timeout"}, Dest: "task_timeout", Int: true, Metavar: "SECONDS", Help: "stop the module after this long"},
	}, launch.Run(), launch.Events(), launch.Connect(), launch.Become(), launch.Vault())
	return &argparse.Command{
		Prog: prog, Summary: "Runs one module on the hosts that match a pattern.", Flags: flags, Args: []string{"pattern"},
		Examples: "  " + prog + " -i hosts.ini web -m ping\n  " + prog + " -i hosts.ini all -a 'uptime'\n  " + prog + " -i hosts.ini db -b -m apt -a 'name=postgresql state=present'",
	}
}

// Main runs the command.
func Main(ctx context.Context, env *launch.Env, prog string, args []string) (int, error) {
	v, err := command(prog).Parse(args)
	if err != nil {
		return 0, err
	}
	s, err := launch.Start(env, v)
	if err != nil {
		return 0, err
	}
	return run(ctx, s, prog)
}

func run(ctx context.Context, s *launch.Session, prog string) (int, error) {
	v := s.Values
	s.VersionNote(prog)
	s.ConfigNote()
	p, err := s.Standalone(ctx, ".")
	if err != nil {
		return 0, err
	}
	defer p.Close()
	pattern := v.Args[0]
	s.WarnNoHosts(p, pattern)
	hosts, err := p.Match([]string{pattern}, s.Limit())
	if err != nil {
		return 0, err
	}
	if len(hosts) == 0 && len(p.Inventory.Hosts()) > 0 {
		if s.Values.Has("subset") {
			return 0, troupe.NoHostsToTarget()
		}
		s.Display.Warning("No hosts matched, nothing to do")
	}
	if v.Bool("listhosts") {
		s.Display.Print(fmt.Sprintf("  hosts (%d):", len(hosts)), "")
		for _, h := range hosts {
			s.Display.Print("    "+h.Name, "")
		}
		return 0, nil
	}
	module := v.Str("module_name")
	if module == "" {
		module = s.Config.Str("DEFAULT_MODULE_NAME")
	}
	text := v.Str("module_args")
	if !v.Has("module_args") {
		text = s.Config.Str("DEFAULT_MODULE_ARGS")
	}
	if err := check(module, text, pattern); err != nil {
		return 0, err
	}
	if len(hosts) == 0 {
		return 0, nil
	}
	poll := 15
	if v.Has("poll_interval") {
		poll = v.Int("poll_interval")
	}
	pb, err := s.OneTask(p, launch.Task{Play: "Ansible Ad-Hoc", Pattern: pattern, Module: module, Args: text, Async: v.Int("seconds"), Poll: poll})
	if err != nil {
		return 0, err
	}
	cli, err := s.CLI()
	if err != nil {
		return 0, err
	}
	opt := s.CallbackOptions()
	opt.TreeDir = v.Str("tree")
	callback := "minimal"
	if v.Bool("one_line") {
		callback = "oneline"
	} else if s.Config.Bool("DEFAULT_LOAD_CALLBACK_PLUGINS") {
		callback = ""
	}
	callbacks, err := s.Callbacks(ctx, p, callback, opt)
	if err != nil {
		return 0, err
	}
	sink, done, err := s.Lines(callbacks)
	if err != nil {
		return 0, err
	}
	defer done()
	code, err := p.Run(ctx, troupe.RunOptions{
		Playbooks: []*playbook.Playbook{pb}, Sink: sink, Limit: s.Limit(), Forks: v.Int("forks"), Verbosity: s.Verbosity, CLI: cli, Prompt: s.Prompt,
		Tags: []string{"all"},
	})
	if ctx.Err() != nil {
		return 99, errors.New("User interrupted execution")
	}
	return code, err
}

// check refuses what an ad-hoc command cannot do.
func check(module, text, pattern string) error {
	short := module[strings.LastIndexByte(module, '.')+1:]
	fail := func(msg string) error {
		return &diag.Diagnostic{Code: diag.NoAction, Summary: msg, Classic: msg, Exit: diag.ExitOptions}
	}
	switch short {
	case "command", "shell", "script", "raw":
		if text == "" {
			msg := "No argument passed to " + module + " module"
			if strings.Contains(pattern, ".yml") {
				msg += ". Did you mean to run ansible-playbook?"
			}
			return fail(msg)
		}
	case "import_playbook", "include_playbook":
		return fail("'" + module + "' is not a valid action for ad-hoc commands")
	}
	return nil
}
