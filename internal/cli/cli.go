// Package cli is the way in from the command line. Main looks at the program's name and first word, finds the command,
// and turns errors into Ansible's messages and exit codes (or Troupe's own form; see docs/compat.md).
//
// Called by cmd/troupe, and by tests that run commands in-process.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/troupe-automation/troupe/internal/cli/adhoc"
	"github.com/troupe-automation/troupe/internal/cli/argparse"
	"github.com/troupe-automation/troupe/internal/cli/console"
	"github.com/troupe-automation/troupe/internal/cli/doc"
	"github.com/troupe-automation/troupe/internal/cli/eval"
	"github.com/troupe-automation/troupe/internal/cli/explain"
	"github.com/troupe-automation/troupe/internal/cli/galaxy"
	"github.com/troupe-automation/troupe/internal/cli/hosts"
	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/cli/links"
	"github.com/troupe-automation/troupe/internal/cli/playbook"
	"github.com/troupe-automation/troupe/internal/cli/pull"
	"github.com/troupe-automation/troupe/internal/cli/server"
	"github.com/troupe-automation/troupe/internal/cli/settings"
	"github.com/troupe-automation/troupe/internal/cli/vault"
)

// command is one row of the table of commands: adding one is a package and a row.
type command struct {
	name    string // as the first word: "playbook"
	dropIn  string // as the program's own name: "ansible-playbook"
	summary string
	run     func(ctx context.Context, env *launch.Env, prog string, args []string) (int, error)
}

var commands = []command{
	{"playbook", "ansible-playbook", "run playbooks", playbook.Main},
	{"adhoc", "ansible", "run one module on hosts", adhoc.Main},
	{"inventory", "ansible-inventory", "show hosts, groups and their variables", hosts.Main},
	{"config", "ansible-config", "show settings and where they came from", settings.Main},
	{"vault", "ansible-vault", "encrypt and decrypt files and texts", vault.Main},
	{"doc", "ansible-doc", "show what plugins, modules, roles and keywords are for", doc.Main},
	{"galaxy", "ansible-galaxy", "install and make collections and roles", galaxy.Main},
	{"console", "ansible-console", "run modules on hosts from a prompt", console.Main},
	{"pull", "ansible-pull", "fetch playbooks from a repository and run them here", pull.Main},
	{"server", "", "serve the platform: the API of AWX, and the jobs behind it", server.Main},
	{"install-links", "", "make links under Ansible's names", links.Main},
	{"eval", "", "evaluate a template with a host's variables", eval.Main},
	{"explain", "", "explain an error code", explain.Main},
}

// Main runs the command that argv asks for and returns the exit code.
func Main(env *launch.Env) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	env.Run = dispatch
	for _, c := range commands {
		if c.dropIn != "" {
			env.Names = append(env.Names, c.dropIn)
		}
	}
	return dispatch(ctx, env)
}

// dispatch finds the command by the program's name or first word.
func dispatch(ctx context.Context, env *launch.Env) int {
	name := filepath.Base(env.Args[0])
	for i := range commands {
		if commands[i].dropIn != "" && name == commands[i].dropIn {
			env.Classic = true
			if err := checkLocale(ctx, env.Getenv); err != nil {
				fmt.Fprintln(env.Stderr, err)
				return 1
			}
			return finish(env, name, func() (int, error) { return commands[i].start(ctx, env, name, env.Args[1:]) })
		}
	}
	if len(env.Args) < 2 || env.Args[1] == "-h" || env.Args[1] == "--help" || env.Args[1] == "help" {
		usage(env.Stdout)
		return 0
	}
	if env.Args[1] == "--version" {
		fmt.Fprintln(env.Stdout, launch.VersionLine("troupe"))
		return 0
	}
	for i := range commands {
		if env.Args[1] == commands[i].name {
			prog := "troupe " + commands[i].name
			return finish(env, prog, func() (int, error) { return commands[i].start(ctx, env, prog, env.Args[2:]) })
		}
	}
	fmt.Fprintf(env.Stderr, "troupe: error: no command %q\nsee troupe --help\n", env.Args[1])
	return 2
}

// start runs the command. Those that have a name of Ansible's answer --version wherever it stands, whatever else is wrong.
func (c *command) start(ctx context.Context, env *launch.Env, prog string, args []string) (int, error) {
	if c.dropIn != "" && slices.Contains(args, "--version") {
		return 0, launch.WriteVersion(env, prog)
	}
	return c.run(ctx, env, prog, args)
}

// finish turns the outcome of a command into messages and an exit code.
func finish(env *launch.Env, prog string, run func() (int, error)) int {
	code, err := run()
	if err == nil {
		return code
	}
	var help *argparse.HelpRequested
	if errors.As(err, &help) {
		fmt.Fprint(env.Stdout, help.Command.Help())
		return 0
	}
	var usage *argparse.UsageError
	if errors.As(err, &usage) {
		fmt.Fprintln(env.Stderr, usage)
		return 2
	}
	return env.Report(err, code)
}

func usage(w io.Writer) {
	var b strings.Builder
	b.WriteString("usage: troupe COMMAND [options]\n\nRuns Ansible content through a small agent, and more.\n\ncommands:\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "  %-12s %s", c.name, c.summary)
		if c.dropIn != "" {
			fmt.Fprintf(&b, " (also as %s)", c.dropIn)
		}
		b.WriteByte('\n')
	}
	b.WriteString("\nsee troupe COMMAND --help\n")
	io.WriteString(w, b.String())
}
