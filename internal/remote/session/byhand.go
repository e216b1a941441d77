package session

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/remote/become"
	"github.com/troupe-automation/troupe/internal/remote/connection"
	"github.com/troupe-automation/troupe/internal/wire"
)

// First reports, once in the life of a session, that nobody has asked yet: whoever asks first tells that the connection was made.
func (s *Session) First() bool { return !s.asked.Swap(true) }

// ByHand is the command line that does on the host, in a process of its own, what a call asks of the agent that runs there. It
// holds no arguments, which a module of the agent takes from standard input, and no values of the environment. The agent is started
// if need be; the errors are those of Run.
func (s *Session) ByHand(ctx context.Context, c Call) (string, error) {
	l, err := s.agent(ctx)
	if err != nil {
		return "", err
	}
	var words []string
	if c.Python == nil && c.Interpreter != "" && c.File == "" {
		words = append(words, wire.PythonEnv+"="+connection.Quote(c.Interpreter))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		words = append(words, name+`="$`+name+`"`)
	}
	switch p := c.Python; {
	case p == nil && c.File != "":
		words = append(words, connection.Quote(c.File))
	case p == nil:
		if c.Tmp != "" {
			words = append(words, "TMPDIR="+Place(c.TmpDir()))
		}
		further, err := l.further(s.image(c))
		if err != nil {
			return "", err
		}
		words = append(words, l.agentWords(c.Become, further)...)
		words = append(words, c.moduleWords()...)
	default:
		for _, w := range p.Interpreter {
			if w == "auto" {
				w = "python3" // which one is the agent's to find out
			}
			words = append(words, connection.Quote(w))
		}
		if c.File != "" {
			words = append(words, connection.Quote(c.File))
		} else if p.Style != wire.StylePython && c.Tmp != "" { // a file of its own, with a file of arguments
			words = append(words, Place(path.Join(c.TmpDir(), path.Base(p.Name))))
			if p.Style != wire.StyleReplaced {
				words = append(words, Place(path.Join(c.TmpDir(), "args")))
			}
		}
	}
	line := strings.Join(words, " ")
	if c.Become != nil {
		cmd, err := become.Build(*c.Become, line)
		if err != nil {
			return "", &TaskError{Code: wire.FailBecome, Msg: err.Error()}
		}
		line = quoteAll(cmd.Argv)
	}
	return "/bin/sh -c " + connection.Quote(line), nil
}

// moduleWords make the agent run a module of its own.
func (c *Call) moduleWords() []string {
	words := []string{wire.ModuleWord, connection.Quote(c.Module)}
	if c.Check {
		words = append(words, "--check")
	}
	if c.Diff {
		words = append(words, "--diff")
	}
	return words
}

// KeptName is the name of the file that Script is kept under.
func (c *Call) KeptName() string {
	return "Troupe_" + c.Module[strings.LastIndexByte(c.Module, '.')+1:] + ".sh"
}

// Script is a program for the host that runs a module of the agent again, with its arguments: what pymodule.Module.Kept is for
// modules in Python. It takes the same words, explode and execute.
func (s *Session) Script(ctx context.Context, c Call) ([]byte, error) {
	l, err := s.agent(ctx)
	if err != nil {
		return nil, err
	}
	further, err := l.further(s.image(c))
	if err != nil {
		return nil, err
	}
	var places []string
	for _, as := range []*become.Spec{c.Become, nil, {}, {User: "nobody"}} { // whoever runs it has a copy of the agent somewhere, or may read ours
		if place := l.agentWords(as, further)[0]; !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	var b strings.Builder
	b.WriteString("#!/bin/sh\n# Module " + c.Module + " of Troupe's agent, with the arguments that it was run with here.\n")
	b.WriteString("# Without a word this file runs it again. \"explode\" writes the arguments to debug_dir/args beside this file, \"execute\" runs the\n# module with what stands there.\n")
	if c.Interpreter != "" {
		b.WriteString("export " + wire.PythonEnv + "=" + connection.Quote(c.Interpreter) + "\n")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		b.WriteString("export " + name + "=" + connection.Quote(c.Env[name]) + "\n")
	}
	words := append(l.agentWords(nil, further)[1:], c.moduleWords()...)
	b.WriteString("run() {\n\tfor agent in " + strings.Join(places, " ") + "; do\n\t\tif [ -x \"$agent\" ]; then \"$agent\" " + strings.Join(words, " ") + "; return; fi\n\tdone\n")
	b.WriteString("\techo 'the agent is not here any more' >&2\n\treturn 1\n}\n")
	b.WriteString("arguments() {\n\tcat <<'ARGUMENTS'\n" + string(c.Args) + "\nARGUMENTS\n}\n")
	b.WriteString(`debug=$(cd "$(dirname "$0")" && pwd)/debug_dir
case "${1-}" in
'') arguments | run ;;
explode) mkdir -p "$debug" && arguments >"$debug/args" && printf 'Module expanded into:\n%s\n' "$debug" ;;
execute) run <"$debug/args" ;;
*) echo 'WARNING: Unknown debug command.  Doing nothing.' ;;
esac
`)
	return []byte(b.String()), nil
}

// Base is where the directories of calls are made.
func (c *Call) Base() string {
	if c.RemoteTmp == "" {
		return "~/.ansible/tmp"
	}
	return c.RemoteTmp
}

// TmpDir is the directory that Tmp names.
func (c *Call) TmpDir() string { return path.Join(c.Base(), c.Tmp) }

// Place quotes a path for a shell, which still puts in what ~ and variables at its beginning stand for.
func Place(p string) string {
	if rest, ok := strings.CutPrefix(p, "~/"); ok {
		return "~/" + connection.Quote(rest)
	}
	if strings.Contains(p, "$") {
		return strings.ReplaceAll(dquote(p), `\$`, "$")
	}
	return connection.Quote(p)
}

// agentWords are the words, quoted, that make a user's own copy of the agent, or of a further image of it.
func (l *link) agentWords(as *become.Spec, further *images) []string {
	imgs := l.imgs
	if further != nil {
		imgs = further
	}
	var words []string
	switch machine := l.hello.Exe[strings.LastIndexByte(l.hello.Exe, '-')+1:]; {
	case l.here && imgs.file != "":
		words = []string{connection.Quote(imgs.file)}
	case as != nil && as.Guest():
		words = []string{`"/var/tmp/troupe-$(id -u)/` + imgs.name + "-" + machine + `"`}
	case as != nil && further != nil:
		words = []string{"~/.cache/troupe/" + imgs.name + "-" + machine}
	case further != nil:
		words = []string{connection.Quote(path.Join(path.Dir(l.hello.Exe), imgs.name+"-"+machine))}
	default:
		words = []string{connection.Quote(l.hello.Exe)}
	}
	for _, a := range imgs.args {
		words = append(words, connection.Quote(a))
	}
	return words
}
