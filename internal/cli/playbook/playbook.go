// Package playbook is `troupe playbook`, also known as ansible-playbook: it runs playbooks or lists what they would do.
//
// Called by internal/cli.
package playbook

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	troupe "github.com/troupe-automation/troupe"
	"github.com/troupe-automation/troupe/internal/cli/argparse"
	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/diag"
)

func command(prog string) *argparse.Command {
	flags := slices.Concat(launch.Common(), launch.Inventory(), launch.Run(), launch.Events(), []argparse.Flag{
		{Names: []string{"-t", "--tags"}, Dest: "tags", Kind: argparse.Append, Help: "only tasks with these tags", Group: "tasks"},
		{Names: []string{"--skip-tags"}, Dest: "skip_tags", Kind: argparse.Append, Help: "no tasks with these tags", Group: "tasks"},
		{Names: []string{"--syntax-check"}, Dest: "syntax", Kind: argparse.True, Help: "read the playbook and do nothing else", Group: "tasks"},
		{Names: []string{"--list-tasks"}, Dest: "listtasks", Kind: argparse.True, Help: "list the tasks and do nothing else", Group: "tasks"},
		{Names: []string{"--list-tags"}, Dest: "listtags", Kind: argparse.True, Help: "list the tags and do nothing else", Group: "tasks"},
		{Names: []string{"--step"}, Dest: "step", Kind: argparse.True, Help: "ask before each task", Group: "tasks"},
		{Names: []string{"--start-at-task"}, Dest: "start_at_task", Metavar: "NAME", Help: "begin at the task of this name", Group: "tasks"},
		{Names: []string{"--force-handlers"}, Dest: "force_handlers", Kind: argparse.True, Help: "run handlers even when a task failed", Group: "tasks"},
		{Names: []string{"--flush-cache"}, Dest: "flush_cache", Kind: argparse.True, Help: "forget the facts of earlier runs", Group: "tasks"},
	}, launch.Connect(), launch.Become(), launch.Vault())
	return &argparse.Command{
		Prog: prog, Summary: "Runs playbooks on the hosts they name.", Flags: flags, Args: []string{"playbook+"},
		Examples: "  " + prog + " -i hosts.ini site.yml\n  " + prog + " -i hosts.ini site.yml --check --diff -l web1\n  " + prog + " -i hosts.ini site.yml -t config -e port=8080",
	}
}

// Main runs the command.
func Main(ctx context.Context, env *launch.Env, prog string, args []string) (int, error) {
	cmd := command(prog)
	v, err := cmd.Parse(args)
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
	for _, path := range v.Args {
		if err := exists(path); err != nil {
			return 0, err
		}
	}
	first, err := filepath.Abs(v.Args[0])
	if err != nil {
		return 0, err
	}
	p, err := s.Project(ctx, filepath.Dir(first))
	if err != nil {
		return 0, err
	}
	defer p.Close()
	s.WarnNoHosts(p, "all")
	if s.Values.Has("subset") {
		if err := p.CheckLimit(s.Limit()); err != nil {
			return 0, err
		}
	}
	only, skip := launch.Tags(v.List("tags")), launch.Tags(v.List("skip_tags"))
	if len(only) == 0 {
		only = s.Config.List("TAGS_RUN")
	}
	if len(skip) == 0 {
		skip = s.Config.List("TAGS_SKIP")
	}
	if len(only) == 0 {
		only = []string{"all"}
	}
	listing := v.Bool("listtasks") || v.Bool("listtags") || v.Bool("listhosts") || v.Bool("syntax")
	code := 0
	for _, path := range v.Args {
		if file, ok := p.Loader.Collections.Playbook(path); ok && !isFile(path) {
			path = file
		}
		p.Loader.DefaultCollections = nil
		if col, ok := p.Loader.Collections.Around(path); ok {
			s.Display.V(1, "", "running playbook inside collection "+col)
			p.Loader.DefaultCollections = []string{col}
		}
		p.SetBasedir(filepath.Dir(mustAbs(path)))
		pb, err := p.Loader.LoadPlaybook(path)
		if err != nil {
			return 0, err
		}
		if listing {
			if err := list(s, p, pb, only, skip); err != nil {
				return 0, err
			}
			continue
		}
		if code, err = execute(ctx, s, p, pb, only, skip); code != 0 || err != nil {
			return code, err
		}
	}
	return code, nil
}

func isFile(path string) bool { _, err := os.Stat(path); return err == nil }

func mustAbs(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	return abs
}

// exists checks a playbook's path before anything else is read.
func exists(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		if strings.Count(path, ".") >= 2 && !strings.Contains(path, "/") {
			return nil // a playbook of a collection
		}
		msg := fmt.Sprintf("the playbook: %s could not be found", path)
		return &diag.Diagnostic{Code: diag.FileNotFound, Summary: msg, Classic: msg, Exit: diag.ExitError}
	}
	if !st.Mode().IsRegular() && st.Mode()&os.ModeNamedPipe == 0 && st.Mode()&os.ModeCharDevice == 0 {
		msg := fmt.Sprintf("the playbook: %s does not appear to be a file", path)
		return &diag.Diagnostic{Code: diag.FileNotFound, Summary: msg, Classic: msg, Exit: diag.ExitError}
	}
	return nil
}

func execute(ctx context.Context, s *launch.Session, p *troupe.Project, pb *playbook.Playbook, only, skip []string) (int, error) {
	cli, err := s.CLI()
	if err != nil {
		return 0, err
	}
	callbacks, err := s.Callbacks(ctx, p, "", s.CallbackOptions())
	if err != nil {
		return 0, err
	}
	sink, done, err := s.Lines(callbacks)
	if err != nil {
		return 0, err
	}
	defer done()
	o := troupe.RunOptions{
		Playbooks: []*playbook.Playbook{pb}, Sink: sink, Tags: only, Skip: skip, StartAtTask: s.Values.Str("start_at_task"), Limit: s.Limit(),
		Forks: s.Values.Int("forks"), Verbosity: s.Verbosity, ForceHandlers: s.Values.Bool("force_handlers"), FlushCache: s.Values.Bool("flush_cache"),
		CLI: cli, Prompt: s.Prompt, Line: s.Env.Lines(func(string) []string { return nil }),
	}
	if s.Values.Bool("step") {
		o.Step = stepper(s)
	}
	code, err := p.Run(ctx, o)
	if ctx.Err() != nil {
		return 99, errors.New("User interrupted execution")
	}
	return code, err
}

// stepper asks before each task.
func stepper(s *launch.Session) func(string) (bool, bool) {
	read := s.Env.Lines(func(string) []string { return nil })
	return func(task string) (run, all bool) {
		msg := fmt.Sprintf("Perform task: %s (N)o/(y)es/(c)ontinue: ", task)
		line, err := read(msg)
		if err != nil && line == "" {
			return false, false
		}
		s.Display.Banner(msg, "")
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return true, false
		case "c", "continue":
			return true, true
		}
		return false, false
	}
}
