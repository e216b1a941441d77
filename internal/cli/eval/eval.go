// Package eval is `troupe eval`: it evaluates an expression or a template file with the variables of a host, and shows
// where each variable comes from. It replaces throw-away debug plays.
//
// Called by internal/cli.
package eval

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
	"github.com/troupe-automation/troupe/internal/content/vars"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

func command(prog string) *argparse.Command {
	flags := slices.Concat(launch.Common(), []argparse.Flag{
		{Names: []string{"-i", "--inventory", "--inventory-file"}, Dest: "inventory", Kind: argparse.Append, Help: "inventory file, directory, script, or comma separated hosts"},
		{Names: []string{"--host"}, Dest: "host", Help: "whose variables are seen (localhost)"},
		{Names: []string{"--template"}, Dest: "template", Metavar: "FILE", Help: "render this file instead of an expression"},
		{Names: []string{"--explain"}, Dest: "explain", Kind: argparse.True, Help: "say where each variable comes from"},
		{Names: []string{"--playbook-dir"}, Dest: "basedir", Metavar: "DIR", Help: "where the playbooks' group_vars are"},
		{Names: []string{"-e", "--extra-vars"}, Dest: "extra_vars", Kind: argparse.Append, Help: "variables as key=value, YAML or JSON; @file reads a file"},
	}, launch.Vault())
	return &argparse.Command{Prog: prog, Summary: "Evaluates an expression with the variables of a host.", Flags: flags, Args: []string{"expression?"},
		Examples: "  " + prog + " -i hosts.ini --host web1 '{{ http_port + 1 }}'\n  " + prog + " -i hosts.ini --host web1 --explain http_port\n  " + prog + " -i hosts.ini --host web1 --template nginx.conf.j2"}
}

// Main runs the command.
func Main(ctx context.Context, env *launch.Env, prog string, args []string) (int, error) {
	cmd := command(prog)
	v, err := cmd.Parse(args)
	if err != nil {
		return 0, err
	}
	if len(v.Args) == 0 && !v.Has("template") {
		return 0, &argparse.UsageError{Prog: prog, Msg: "an expression or --template is needed"}
	}
	s, err := launch.Start(env, v)
	if err != nil {
		return 0, err
	}
	dir := v.Str("basedir")
	if dir == "" {
		dir = "."
	}
	p, err := s.Project(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer p.Close()
	name := v.Str("host")
	if name == "" {
		name = "localhost"
	}
	scope, err := p.HostScope(name)
	if err != nil {
		return 0, err
	}
	t := p.Templates.New(scope)
	t.SearchPath, t.Basedir = []string{p.Loader.Basedir}, p.Loader.Basedir
	result, err := evaluate(t, v)
	if err != nil {
		return 1, place(err)
	}
	text, err := show(result)
	if err != nil {
		return 1, err
	}
	fmt.Fprint(env.Stdout, text)
	if v.Bool("explain") {
		explain(env, p, scope, v)
	}
	return 0, nil
}

func evaluate(t *template.Templar, v *argparse.Values) (value.Value, error) {
	if file := v.Str("template"); file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		opt := template.DefaultFileOptions()
		opt.Path, opt.SearchPath = file, []string{filepath.Dir(file)}
		return t.RenderFile(string(b), opt)
	}
	text := v.Args[0]
	if !template.IsTemplate(text) {
		text = "{{ " + text + " }}"
	}
	return t.RenderText(text, source.Pos{})
}

// show prints text as it is and everything else as JSON.
func show(v value.Value) (string, error) {
	if s, ok := value.AsString(v); ok {
		return strings.TrimSuffix(s, "\n") + "\n", nil
	}
	s, err := value.JSON(v, value.JSONOptions{Indent: "    ", Pretty: true, Default: func(v value.Value) (value.Value, error) {
		s, err := value.ToStr(v)
		return value.Str(s), err
	}})
	return s + "\n", err
}

// place points at the token that an error is about.
func place(err error) error {
	var te *template.Error
	if !errors.As(err, &te) {
		return err
	}
	d := &diag.Diagnostic{Code: diag.TemplateError, Summary: te.Msg, Exit: diag.ExitError}
	if te.Pos.File != "" && te.Offset >= 0 && te.Offset <= len(te.Text) {
		before := te.Text[:te.Offset]
		line := te.Pos.Line + strings.Count(before, "\n")
		col := len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
		d.At(source.Pos{File: te.Pos.File, Line: line, Col: col}, 0, "")
	}
	return d
}

// explain lists the variables that the text names, with every layer that sets them.
func explain(env *launch.Env, p *troupe.Project, scope *vars.Scope, v *argparse.Values) {
	text := strings.Join(v.Args, " ")
	if file := v.Str("template"); file != "" {
		if b, err := os.ReadFile(file); err == nil {
			text = string(b)
		}
	}
	seen := map[string]bool{}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		layers := scope.Where(word)
		if seen[word] || len(layers) == 0 {
			continue
		}
		seen[word] = true
		for i, l := range layers {
			mark := "overridden"
			if i == 0 {
				mark = "in force"
			}
			fmt.Fprintf(env.Stderr, "%s: %s from %s\n", word, mark, l.Name)
		}
	}
}
