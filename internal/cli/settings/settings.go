// Package settings is `troupe config`, also known as ansible-config: it shows the settings in force and where each came
// from, the settings that exist, and the configuration file.
//
// Called by internal/cli.
package settings

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/cli/argparse"
	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/yamlout"
	"github.com/troupe-automation/troupe/value"
)

var (
	fileFlag   = argparse.Flag{Names: []string{"-c", "--config"}, Dest: "config_file", Metavar: "FILE", Help: "this configuration file instead of the one that is found"}
	formatFlag = argparse.Flag{Names: []string{"-f", "--format"}, Dest: "format", Help: "form of the output"}
	typeFlag   = argparse.Flag{Names: []string{"-t", "--type"}, Dest: "type", Choices: []string{"base", "all"}, Help: "base: the settings of the program itself"}
)

// Main runs the command.
func Main(_ context.Context, env *launch.Env, prog string, args []string) (int, error) {
	common := launch.Common()
	dumpFormat, listFormat := formatFlag, formatFlag
	dumpFormat.Choices, listFormat.Choices = []string{"json", "yaml", "display"}, []string{"json", "yaml"}
	subs := []*argparse.Command{
		{Prog: prog + " list", Summary: "Lists the settings that exist.", Flags: slices.Concat(common[1:], []argparse.Flag{fileFlag, typeFlag, listFormat}), Args: []string{"args*"}},
		{Prog: prog + " dump", Summary: "Shows the settings in force and where each came from.", Args: []string{"args*"}, Flags: slices.Concat(common[1:], []argparse.Flag{fileFlag, typeFlag, dumpFormat,
			{Names: []string{"--only-changed", "--changed-only"}, Dest: "only_changed", Kind: argparse.True, Help: "leave out what is at its default"}})},
		{Prog: prog + " view", Summary: "Shows the configuration file.", Flags: slices.Concat(common[1:], []argparse.Flag{fileFlag, typeFlag}), Args: []string{"args*"}},
	}
	root := &argparse.Command{Prog: prog, Summary: "Shows settings.", Flags: common, Sub: subs, Examples: "  " + prog + " dump --only-changed"}
	if slices.Contains(args, "--version") {
		s, err := launch.Start(env, &argparse.Values{})
		if err == nil {
			launch.WriteVersion(env, prog, s.Config)
		}
		return 0, err
	}
	at := slices.IndexFunc(args, func(a string) bool { return !strings.HasPrefix(a, "-") })
	names := []string{"list", "dump", "view"}
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
	text := ""
	switch names[which] {
	case "list":
		text, err = list(v.Str("format"))
	case "dump":
		text, err = dump(s.Config, v.Bool("only_changed"), v.Str("format"))
	case "view":
		text, err = view(s.Config)
	}
	if err != nil {
		return 0, err
	}
	s.Display.Print(strings.TrimSuffix(text, "\n"), "")
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

// row is one line of a dump.
type row struct {
	name, origin string
	val          value.Value
}

func rows(c *config.Config, changed bool) []row {
	file := value.None
	if c.File != "" {
		file = value.Str(c.File)
	}
	out := []row{{"CONFIG_FILE", "", file}}
	for _, s := range config.Settings() {
		v, origin := c.Value(s.Name)
		if changed && origin.Kind == config.FromDefault {
			continue
		}
		out = append(out, row{s.Name, origin.String(), v})
	}
	slices.SortFunc(out, func(a, b row) int { return strings.Compare(a.name, b.name) })
	return out
}

// galaxyKeys are the keys a [galaxy_server.NAME] section may have, in the order Ansible shows them.
var galaxyKeys = []string{"url", "username", "password", "token", "auth_url", "api_version", "validate_certs", "client_id", "timeout"}

// servers are the Galaxy servers that ansible.cfg describes.
func servers(c *config.Config) []string { return c.List("GALAXY_SERVER_LIST") }

func dump(c *config.Config, changed bool, format string) (string, error) {
	list := rows(c, changed)
	if format == "json" || format == "yaml" {
		doc := value.NewList()
		for _, r := range list {
			doc.Elems = append(doc.Elems, value.DictOf("name", value.Str(r.name), "origin", value.Str(r.origin), "value", r.val))
		}
		galaxy := value.NewDict()
		for _, name := range servers(c) {
			d := value.NewDict()
			for _, k := range galaxyKeys {
				if v, ok := c.Ini("galaxy_server."+name, k); ok {
					d.SetStr(k, value.DictOf("name", value.Str(k), "origin", value.Str(c.File), "value", value.Str(v)))
				}
			}
			galaxy.SetStr(name, d)
		}
		doc.Elems = append(doc.Elems, value.DictOf("GALAXY_SERVERS", galaxy))
		return encode(doc, format)
	}
	var b strings.Builder
	for _, r := range list {
		s, err := value.ToStr(r.val)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s(%s) = %s\n", r.name, r.origin, s)
	}
	b.WriteString("\nGALAXY_SERVERS:\n")
	if names := servers(c); len(names) > 0 {
		b.WriteString("\n")
		for _, name := range names {
			b.WriteString("\n" + name + "\n" + strings.Repeat("=", len(name)) + "\n")
			for _, k := range galaxyKeys {
				if v, ok := c.Ini("galaxy_server."+name, k); ok {
					fmt.Fprintf(&b, "%s(%s) = %s\n", k, c.File, v)
				}
			}
		}
	}
	return b.String(), nil
}

// list describes every setting as data.
func list(format string) (string, error) {
	doc := value.NewDict()
	for _, s := range config.Settings() {
		d := value.NewDict()
		d.SetStr("default", config.Default(&s))
		if len(s.Choices) > 0 {
			d.SetStr("choices", strs(s.Choices))
		}
		if len(s.Env) > 0 {
			l := value.NewList()
			for _, e := range s.Env {
				l.Elems = append(l.Elems, value.DictOf("name", value.Str(e)))
			}
			d.SetStr("env", l)
		}
		if len(s.Ini) > 0 {
			l := value.NewList()
			for _, k := range s.Ini {
				l.Elems = append(l.Elems, value.DictOf("key", value.Str(k.Key), "section", value.Str(k.Section)))
			}
			d.SetStr("ini", l)
		}
		if s.Type != "" {
			d.SetStr("type", value.Str(s.Type))
		}
		if len(s.Vars) > 0 {
			d.SetStr("vars", strs(s.Vars))
		}
		doc.SetStr(s.Name, d)
	}
	return encode(doc, format)
}

func strs(list []string) value.Value {
	l := value.NewList()
	for _, s := range list {
		l.Elems = append(l.Elems, value.Str(s))
	}
	return l
}

func encode(doc value.Value, format string) (string, error) {
	if format == "json" {
		return value.JSON(doc, value.JSONOptions{Pretty: true, Indent: "    ", SortKeys: true})
	}
	return yamlout.Dump(doc, yamlout.Options{FlowStyle: yamlout.Block, Unicode: true})
}
