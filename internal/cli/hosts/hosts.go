// Package hosts is `troupe inventory`, also known as ansible-inventory: it shows hosts, groups and their variables.
//
// Called by internal/cli.
package hosts

import (
	"context"
	"os"
	"slices"
	"strings"

	troupe "github.com/troupe-automation/troupe"
	"github.com/troupe-automation/troupe/internal/cli/argparse"
	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/content/inventory"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/value"
)

func command(prog string) *argparse.Command {
	flags := slices.Concat(launch.Common(), []argparse.Flag{
		{Names: []string{"-i", "--inventory", "--inventory-file"}, Dest: "inventory", Kind: argparse.Append, Help: "inventory file, directory, script, or comma separated hosts"},
		{Names: []string{"-l", "--limit"}, Dest: "subset", Metavar: "PATTERN", Help: "only hosts that match this"},
		{Names: []string{"--list"}, Dest: "list", Kind: argparse.True, Help: "show everything, as an inventory script would", Group: "actions"},
		{Names: []string{"--host"}, Dest: "host", Help: "show the variables of one host", Group: "actions"},
		{Names: []string{"--graph"}, Dest: "graph", Kind: argparse.True, Help: "draw the groups", Group: "actions"},
		{Names: []string{"-y", "--yaml"}, Dest: "yaml", Kind: argparse.True, Help: "as YAML", Group: "form"},
		{Names: []string{"--toml"}, Dest: "toml", Kind: argparse.True, Help: "as TOML", Group: "form"},
		{Names: []string{"--vars"}, Dest: "show_vars", Kind: argparse.True, Help: "with variables (--graph)", Group: "form"},
		{Names: []string{"--export"}, Dest: "export", Kind: argparse.True, Help: "keep group variables with the groups (--list)", Group: "form"},
		{Names: []string{"--output"}, Dest: "output_file", Metavar: "FILE", Help: "write to this file (--list)", Group: "form"},
		{Names: []string{"--playbook-dir"}, Dest: "basedir", Metavar: "DIR", Help: "where the playbooks' group_vars are"},
		{Names: []string{"-e", "--extra-vars"}, Dest: "extra_vars", Kind: argparse.Append, Help: "variables as key=value, YAML or JSON; @file reads a file"},
	}, launch.Vault())
	return &argparse.Command{Prog: prog, Summary: "Shows hosts, groups and their variables.", Flags: flags, Args: []string{"group?"},
		Examples: "  " + prog + " -i hosts.ini --graph\n  " + prog + " -i hosts.ini --host web1\n  " + prog + " -i hosts.ini --list --yaml"}
}

// Main runs the command.
func Main(ctx context.Context, env *launch.Env, prog string, args []string) (int, error) {
	v, err := command(prog).Parse(args)
	if err != nil {
		return 0, err
	}
	chosen := 0
	for _, on := range []bool{v.Bool("list"), v.Has("host"), v.Bool("graph")} {
		if on {
			chosen++
		}
	}
	switch {
	case chosen == 0:
		return 0, options("No action selected, at least one of --host, --graph or --list needs to be specified.")
	case chosen > 1:
		return 0, options("Conflicting options used, only one of --host, --graph or --list can be used at the same time.")
	}
	s, err := launch.Start(env, v)
	if err != nil {
		return 0, err
	}
	return show(ctx, s)
}

func options(msg string) error {
	return &diag.Diagnostic{Code: diag.BadSetting, Summary: msg, Classic: msg, Exit: diag.ExitOptions}
}

func show(ctx context.Context, s *launch.Session) (int, error) {
	v := s.Values
	p, err := s.Standalone(ctx, "")
	if err != nil {
		return 0, err
	}
	defer p.Close()
	o := &out{s: s, p: p, export: v.Bool("export") || s.Config.Bool("INVENTORY_EXPORT")}
	if err := o.choose(); err != nil {
		return 0, err
	}
	var text string
	switch {
	case v.Has("host"):
		text, err = o.host(v.Str("host"))
	case v.Bool("graph"):
		text, err = o.graph()
	default:
		text, err = o.list()
	}
	if err != nil {
		return 0, err
	}
	if file := v.Str("output_file"); file != "" && v.Bool("list") {
		return 0, os.WriteFile(file, []byte(text), 0o644)
	}
	s.Display.Print(text, "")
	return 0, nil
}

// out builds what the command prints (BEHAVIOUR §2.6).
type out struct {
	s      *launch.Session
	p      *troupe.Project
	export bool
	chosen map[*inventory.Host]bool // nil: all
}

// choose applies --limit.
func (o *out) choose() error {
	limit := o.s.Limit()
	if limit == nil {
		return nil
	}
	hosts, err := o.p.Match([]string{"all"}, limit)
	if err != nil {
		return err
	}
	o.chosen = map[*inventory.Host]bool{}
	for _, h := range hosts {
		o.chosen[h] = true
	}
	return nil
}

// hostVars are the variables of a host, all of them or only its own.
func (o *out) hostVars(h *inventory.Host) (*value.Dict, error) {
	l, err := o.p.Vars.Host(h, o.p.Loader.Basedir)
	if err != nil {
		return nil, err
	}
	d := value.NewDict()
	if !o.export {
		for k, v := range l.Groups.Vars.All() {
			_ = d.Set(k, v) // the key was hashable before
		}
	}
	for k, v := range l.Host.Vars.All() {
		_ = d.Set(k, v) // the key was hashable before
	}
	return d, nil
}

func (o *out) host(name string) (string, error) {
	hosts, err := o.p.Match([]string{name}, nil)
	if err != nil {
		return "", err
	}
	if len(hosts) != 1 {
		return "", options("You must pass a single valid host to --host parameter")
	}
	d, err := o.output().Host(hosts[0])
	if err != nil {
		return "", err
	}
	return o.dump(d)
}

func (o *out) dump(d *value.Dict) (string, error) {
	if o.s.Values.Bool("yaml") {
		return o.yaml(d)
	}
	if o.s.Values.Bool("toml") {
		return tomlText(d)
	}
	style := value.JSONOptions{Indent: "    ", Pretty: true, SortKeys: true, Default: jsonDefault}
	text, err := value.JSON(d, style)
	if value.ErrorClass(err) == "TypeError" { // keys of several types, which have no order
		o.s.Display.Warning("Could not sort JSON output due to issues while sorting keys: " + strings.ReplaceAll(err.Error(), "'str'", "'AnsibleUnicode'"))
		style.SortKeys = false
		text, err = value.JSON(d, style)
	}
	return text, err
}

// jsonDefault writes what JSON does not know: encrypted values as they are, everything else as text.
func jsonDefault(v value.Value) (value.Value, error) {
	if e, ok := v.(*value.Encrypted); ok {
		return value.DictOf("__ansible_vault", value.Str(e.Cipher)), nil
	}
	s, err := value.ToStr(v)
	return value.Str(s), err
}

// graph draws groups and hosts.
func (o *out) graph() (string, error) {
	start := "all"
	if args := o.s.Values.Args; len(args) > 0 {
		start = args[0]
	}
	g := o.p.Inventory.Group(start)
	if g == nil {
		return "", options("Pattern must be valid group name when using --graph")
	}
	return o.output().Graph(g, o.s.Values.Bool("show_vars"))
}
