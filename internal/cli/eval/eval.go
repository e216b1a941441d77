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
	"github.com/troupe-automation/troupe/internal/content/inventory"
	"github.com/troupe-automation/troupe/internal/content/vars"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/jinja/syntax"
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
	load := s.Standalone
	if s.Basedir() == "" { // plugins of the directory are what one wants to try
		load = s.Project
	}
	p, err := load(ctx, ".")
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

// explain lists the variables that the text reads, with every layer that sets them, and the variables those read in turn.
func explain(env *launch.Env, p *troupe.Project, scope *vars.Scope, v *argparse.Values) {
	text := strings.Join(v.Args, " ")
	if file := v.Str("template"); file != "" {
		if b, err := os.ReadFile(file); err == nil {
			text = string(b)
		}
	} else if !template.IsTemplate(text) {
		text = "{{ " + text + " }}"
	}
	host := p.Inventory.Host(v.Str("host"))
	seen := map[string]bool{}
	var tell func(text string)
	tell = func(text string) {
		for _, name := range names(text) {
			layers := scope.Where(name)
			if seen[name] || len(layers) == 0 {
				continue
			}
			seen[name] = true
			for i, l := range layers {
				mark := "overridden"
				if i == 0 {
					mark = "in force"
				}
				raw, _ := l.Get(name)
				fmt.Fprintf(env.Stderr, "%s: %s from %s%s: %s\n", name, mark, l.Name, placeOf(host, l, name, raw), written(raw))
			}
			raw, _ := layers[0].Get(name)
			templates(raw, tell)
		}
	}
	tell(text)
}

// names are the names that a template reads, in order.
func names(text string) []string {
	cfg := syntax.DefaultConfig()
	cfg.Do, cfg.LoopControls = true, true
	tree, err := syntax.Parse(&cfg, text)
	if err != nil {
		return nil // the error itself was told
	}
	var out []string
	take := func(e syntax.Expr) {
		if n, ok := e.(*syntax.Name); ok {
			out = append(out, n.Name)
		}
	}
	syntax.WalkStmts(tree.Body, func(syntax.Stmt) bool { return true }, take)
	for _, b := range tree.Blocks {
		syntax.WalkStmts(b.Body, func(syntax.Stmt) bool { return true }, take)
	}
	return out
}

// templates calls f for the text of every template inside v.
func templates(v value.Value, f func(text string)) {
	switch v := v.(type) {
	case *value.Template:
		f(v.Text)
	case *value.List:
		for _, e := range v.Elems {
			templates(e, f)
		}
	case *value.Dict:
		for _, e := range v.All() {
			templates(e, f)
		}
	}
}

// placeOf is where a variable was written, as " (file:line)", or "" when that is not known.
func placeOf(host *inventory.Host, l *vars.Layer, name string, raw value.Value) string {
	var at source.Pos
	switch v := raw.(type) {
	case *value.Template:
		at = v.Pos
	case *value.Encrypted:
		at = v.Pos
	}
	if !at.IsValid() && host != nil && strings.HasPrefix(l.Name, "host ") {
		at = host.Origin(name)
	}
	if !at.IsValid() || at.File == "" {
		return ""
	}
	return fmt.Sprintf(" (%s:%d)", at.File, at.Line)
}

// maxShown bounds a value in the list of --explain.
const maxShown = 80

// written is a raw value on one line. What is encrypted is not opened.
func written(v value.Value) string {
	if _, ok := v.(*value.Encrypted); ok {
		return "(encrypted)"
	}
	s, err := value.JSON(v, value.JSONOptions{Default: func(v value.Value) (value.Value, error) {
		if _, ok := v.(*value.Encrypted); ok {
			return value.Str("(encrypted)"), nil
		}
		s, err := value.ToStr(v)
		return value.Str(s), err
	}})
	if err != nil {
		return v.TypeName()
	}
	if r := []rune(s); len(r) > maxShown {
		return string(r[:maxShown]) + " …"
	}
	return s
}
