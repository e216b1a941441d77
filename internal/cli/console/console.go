// Package console is `troupe console`, also known as ansible-console: a prompt that runs each line as a module on the hosts
// of a pattern.
//
// Called by internal/cli.
package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"slices"
	"strings"

	troupe "github.com/troupe-automation/troupe"
	"github.com/troupe-automation/troupe/internal/cli/argparse"
	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/content/inventory"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/content/plugindoc"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/engine/task"
	"github.com/troupe-automation/troupe/internal/term"
)

func command(prog string) *argparse.Command {
	return &argparse.Command{
		Prog: prog, Summary: "Runs modules on hosts from a prompt.", Args: []string{"pattern?"},
		Examples: "  " + prog + " -i hosts.ini web\n  " + prog + " -i hosts.ini -b all",
		Flags: slices.Concat(launch.Common(), launch.Inventory(), launch.Run(), launch.Connect(), launch.Become(), launch.Vault(), []argparse.Flag{
			{Names: []string{"--playbook-dir"}, Dest: "basedir", Metavar: "DIR", Help: "where roles, group_vars and plugins are"},
			{Names: []string{"--task-timeout"}, Dest: "task_timeout", Int: true, Metavar: "SECONDS", Help: "stop a module after this long"},
			{Names: []string{"--step"}, Dest: "step", Kind: argparse.True, Help: "accepted; each line is a step"},
		}),
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
	s.ConfigNote()
	p, err := s.Standalone(ctx, ".")
	if err != nil {
		return 0, err
	}
	defer p.Close()
	pattern := "all"
	if len(v.Args) > 0 {
		pattern = v.Args[0]
	}
	r := &repl{Session: s, env: env, p: p, pattern: pattern, forks: v.Int("forks")}
	if r.hosts, err = p.Match([]string{pattern}, s.Limit()); err != nil {
		return 0, err
	}
	if len(r.hosts) == 0 {
		const msg = "Specified inventory, host pattern and/or --limit leaves us with no hosts to target."
		return 0, &diag.Diagnostic{Code: diag.LimitNoHosts, Summary: msg, Classic: msg, Exit: diag.ExitError}
	}
	if r.cli, err = s.CLI(); err != nil {
		return 0, err
	}
	r.settings()
	return 0, r.loop(ctx)
}

// repl is the prompt with what was set at it.
type repl struct {
	*launch.Session
	env     *launch.Env
	p       *troupe.Project
	cli     task.CLI
	pattern string
	hosts   []*inventory.Host
	forks   int
	user    string
	lib     *plugindoc.Library
}

func (r *repl) settings() {
	if r.forks <= 0 {
		r.forks = r.Config.Int("DEFAULT_FORKS")
	}
	if r.cli.RemoteUser == "" {
		r.cli.RemoteUser = r.Config.Str("DEFAULT_REMOTE_USER")
	}
	r.cli.Become = r.cli.Become || r.Config.Bool("DEFAULT_BECOME")
	if r.cli.BecomeMethod == "" {
		r.cli.BecomeMethod = r.Config.Str("DEFAULT_BECOME_METHOD")
	}
	if u, err := user.Current(); err == nil {
		r.user = u.Username
	}
	r.lib = &plugindoc.Library{Finder: collection.Open(r.Config), Warn: r.Display.Warning, Dirs: func(k plugindoc.Kind) []string {
		if k != plugindoc.Module {
			return nil
		}
		return append(r.Values.List("module_path"), r.Config.List("DEFAULT_MODULE_PATH")...)
	}}
}

// prompt is "user@pattern (hosts)[f:forks]$ ", with # while becoming another user.
func (r *repl) prompt() string {
	who, mark := r.cli.RemoteUser, "$"
	if who == "" {
		who = r.user
	}
	if r.cli.Become {
		mark = "#"
		if r.cli.BecomeUser != "" {
			who = r.cli.BecomeUser
		}
	}
	return fmt.Sprintf("%s@%s (%d)[f:%d]%s ", who, r.pattern, len(r.hosts), r.forks, mark)
}

// loop reads lines until the end of input or an exit.
func (r *repl) loop(ctx context.Context) error {
	out := r.env.Stdout
	fmt.Fprint(out, "Welcome to the ansible console. Type help or ? to list commands.\n\n")
	next := r.env.Lines(r.complete)
	for {
		line, err := next(r.prompt())
		if err != nil && line == "" {
			if !errors.Is(err, io.EOF) {
				return err
			}
			break
		}
		stop, err := r.line(ctx, strings.TrimSpace(line))
		if err != nil {
			return err
		}
		if stop {
			break
		}
	}
	fmt.Fprint(out, "\nAnsible-console was exited.\n")
	return nil
}

// complete offers commands, modules, and hosts and groups behind cd.
func (r *repl) complete(line string) []string {
	word := line
	var all []string
	if rest, ok := strings.CutPrefix(line, "cd "); ok {
		word = rest
		all = append(all, r.groups()...)
		for _, h := range r.hosts {
			all = append(all, h.Name)
		}
	} else if !strings.Contains(line, " ") {
		for _, c := range commands {
			all = append(all, c.name)
		}
		all = append(all, plugindoc.Builtins(plugindoc.Module)...)
	}
	var out []string
	for _, a := range all {
		if strings.HasPrefix(a, word) {
			out = append(out, strings.TrimSuffix(line, word)+a)
		}
	}
	return out
}

// line runs one line; stop ends the console.
func (r *repl) line(ctx context.Context, line string) (stop bool, err error) {
	switch {
	case line == "" || strings.HasPrefix(line, "#"):
		return false, nil
	case strings.HasPrefix(line, "?"):
		line = "help " + line[1:]
	case strings.HasPrefix(line, "!"):
		line = "shell " + line[1:]
	}
	end := strings.IndexFunc(line, func(c rune) bool {
		return c != '_' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
	if end < 0 {
		end = len(line)
	}
	word, rest := line[:end], strings.TrimSpace(line[end:])
	if word == "help" {
		help(r, rest)
		return false, nil
	}
	for i := range commands {
		if commands[i].name == word && commands[i].run != nil {
			return commands[i].run(r, rest)
		}
	}
	module, args := word, rest
	if place, err := r.lib.Find(plugindoc.Module, word); err != nil || place.Name == "" {
		module, args = "shell", line
	}
	return false, r.task(ctx, module, args)
}

// task runs one module on the hosts.
func (r *repl) task(ctx context.Context, module, args string) error {
	pb, err := r.OneTask(r.p, launch.Task{Play: "Ansible Shell", Pattern: r.pattern, Module: module, Args: args})
	if err != nil {
		r.problem("Unable to build command: " + words(err))
		return nil
	}
	sink, err := r.Callbacks(ctx, r.p, "minimal", r.CallbackOptions())
	if err != nil {
		return err
	}
	_, err = r.p.Run(ctx, troupe.RunOptions{
		Playbooks: []*playbook.Playbook{pb}, Sink: sink, Limit: r.Limit(), Forks: r.forks, Verbosity: r.Verbosity, CLI: r.cli, Prompt: r.Prompt, Tags: []string{"all"},
	})
	if ctx.Err() != nil {
		return errors.New("User interrupted execution") //nolint:staticcheck // Ansible's words
	}
	if err != nil {
		r.problem(words(err))
	}
	return nil
}

func words(err error) string {
	var d *diag.Diagnostic
	if errors.As(err, &d) {
		return strings.SplitN(d.Classic, "\n\nThe error appears", 2)[0]
	}
	return err.Error()
}

// problem prints a mistake, and the prompt comes back.
func (r *repl) problem(text string) {
	r.Display.PrintErr(strings.Join(term.Wrap(" [ERROR]: "+text, r.Display.Err.Width, false), "\n"), "error")
}
