// Package doc is `troupe doc`, also known as ansible-doc: it shows what plugins, modules, roles and keywords are for and which
// options they have.
//
// Called by internal/cli.
package doc

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/cli/argparse"
	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/content/plugindoc"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/yamlout"
	"github.com/troupe-automation/troupe/value"
)

var types = []string{"become", "cache", "callback", "cliconf", "connection", "httpapi", "inventory", "lookup", "netconf", "shell", "vars", "module", "strategy", "test", "filter", "role", "keyword"}

func command(prog string) *argparse.Command {
	return &argparse.Command{
		Prog: prog, Summary: "Shows what plugins, modules, roles and keywords are for.", Args: []string{"plugin*"},
		Examples: "  " + prog + " copy\n  " + prog + " -t lookup -l\n  " + prog + " -t role -r roles web",
		Flags: slices.Concat(launch.Common(), []argparse.Flag{
			{Names: []string{"-M", "--module-path"}, Dest: "module_path", Kind: argparse.Prepend, Metavar: "PATH", Help: "more directories with modules"},
			{Names: []string{"--playbook-dir"}, Dest: "basedir", Metavar: "DIR", Help: "where library/, roles/, collections/ and plugins are"},
			{Names: []string{"-t", "--type"}, Dest: "type", Choices: types, Help: "the kind of plugin (module)"},
			{Names: []string{"-j", "--json"}, Dest: "json_format", Kind: argparse.True, Help: "as JSON"},
			{Names: []string{"-r", "--roles-path"}, Dest: "roles_path", Kind: argparse.Prepend, Metavar: "PATH", Help: "where roles are"},
			{Names: []string{"-e", "--entry-point"}, Dest: "entry_point", Mutex: "what", Help: "only this entry point of roles"},
			{Names: []string{"-s", "--snippet"}, Dest: "show_snippet", Mutex: "what", Kind: argparse.True, Help: "something to paste into a playbook (inventory, lookup, module)"},
			{Names: []string{"-F", "--list_files"}, Dest: "list_files", Mutex: "what", Kind: argparse.True, Help: "list plugins with their files"},
			{Names: []string{"-l", "--list"}, Dest: "list_dir", Mutex: "what", Kind: argparse.True, Help: "list plugins; arguments are collections"},
			{Names: []string{"--metadata-dump"}, Dest: "dump", Mutex: "what", Kind: argparse.True, Help: "everything about everything, as JSON"},
			{Names: []string{"--no-fail-on-errors"}, Dest: "no_fail_on_errors", Kind: argparse.True, Help: "put mistakes into the dump instead of stopping"},
		}),
	}
}

// session is one run of the command.
type session struct {
	*launch.Session
	kind  plugindoc.Kind
	lib   *plugindoc.Library
	roles []string // directories with roles
	r     *renderer
}

// Main runs the command.
func Main(_ context.Context, env *launch.Env, prog string, args []string) (int, error) {
	v, err := command(prog).Parse(args)
	if err != nil {
		return 0, err
	}
	base, err := launch.Start(env, v)
	if err != nil {
		return 0, err
	}
	base.ConfigNote()
	s := &session{Session: base, kind: plugindoc.Kind(v.Str("type"))}
	if s.kind == "" {
		s.kind = plugindoc.Module
	}
	s.setup()
	switch {
	case v.Bool("dump"):
		return 0, s.dump()
	case s.kind == plugindoc.Keywd:
		return 0, s.keywords()
	case v.Bool("list_dir") || v.Bool("list_files"):
		return 0, s.list()
	case len(v.Args) == 0:
		const msg = "Missing name(s), incorrect options passed for detailed documentation."
		return 0, &diag.Diagnostic{Code: diag.DocsBroken, Summary: msg, Classic: msg, Exit: diag.ExitOptions}
	case s.kind == plugindoc.Role:
		return 0, s.showRoles()
	}
	return 0, s.show()
}

func fail(msg string) error {
	return &diag.Diagnostic{Code: diag.DocsBroken, Summary: strings.SplitN(msg, "\n", 2)[0], Classic: msg, Exit: diag.ExitError}
}

// settings and directories of each kind of plugin.
var places = map[plugindoc.Kind]struct{ setting, dir string }{
	"module": {"DEFAULT_MODULE_PATH", "library"}, "action": {"DEFAULT_ACTION_PLUGIN_PATH", "action_plugins"}, "become": {"BECOME_PLUGIN_PATH", "become_plugins"},
	"cache": {"DEFAULT_CACHE_PLUGIN_PATH", "cache_plugins"}, "callback": {"DEFAULT_CALLBACK_PLUGIN_PATH", "callback_plugins"}, "cliconf": {"DEFAULT_CLICONF_PLUGIN_PATH", "cliconf_plugins"},
	"connection": {"DEFAULT_CONNECTION_PLUGIN_PATH", "connection_plugins"}, "httpapi": {"DEFAULT_HTTPAPI_PLUGIN_PATH", "httpapi_plugins"}, "inventory": {"DEFAULT_INVENTORY_PLUGIN_PATH", "inventory_plugins"},
	"lookup": {"DEFAULT_LOOKUP_PLUGIN_PATH", "lookup_plugins"}, "netconf": {"DEFAULT_NETCONF_PLUGIN_PATH", "netconf_plugins"}, "shell": {"", "shell_plugins"},
	"vars": {"DEFAULT_VARS_PLUGIN_PATH", "vars_plugins"}, "strategy": {"DEFAULT_STRATEGY_PLUGIN_PATH", "strategy_plugins"}, "test": {"DEFAULT_TEST_PLUGIN_PATH", "test_plugins"},
	"filter": {"DEFAULT_FILTER_PLUGIN_PATH", "filter_plugins"}, "doc_fragment": {"DOC_FRAGMENT_PLUGIN_PATH", "doc_fragments"},
}

func (s *session) setup() {
	v, c := s.Values, s.Config
	base := s.Basedir()
	finder := collection.Open(c)
	if base != "" {
		finder = collection.Open(c, filepath.Join(base, "collections"))
	}
	s.lib = &plugindoc.Library{Finder: finder, Warn: s.Display.Warning, Dirs: func(k plugindoc.Kind) []string {
		p, ok := places[k]
		if !ok {
			return nil
		}
		var out []string
		if k == plugindoc.Module {
			for _, d := range v.List("module_path") {
				out = append(out, c.Path(d))
			}
		}
		if base != "" {
			out = append(out, filepath.Join(base, p.dir))
		}
		if p.setting != "" {
			out = append(out, c.List(p.setting)...)
		}
		return out
	}}
	for _, d := range v.List("roles_path") {
		s.roles = append(s.roles, c.Path(d))
	}
	if base != "" {
		s.roles = append(s.roles, filepath.Join(base, "roles"))
	}
	s.roles = append(s.roles, c.List("DEFAULT_ROLES_PATH")...)
	if base != "" {
		s.roles = append(s.roles, base)
	}
	width := s.Display.Out.Width
	if width <= 0 {
		width = 79
	}
	s.r = &renderer{lib: s.lib, width: max(width-width/5, 70), verbose: s.Verbosity > 0, columns: width}
}

// read finds and reads one plugin.
func (s *session) read(name string) (*plugindoc.Doc, error) {
	p, err := s.lib.Find(s.kind, name)
	if err != nil {
		return nil, err
	}
	d, err := s.lib.Read(p)
	if err != nil {
		var none *plugindoc.NoDocs
		if errors.As(err, &none) {
			return nil, fail(none.Error())
		}
		return nil, err
	}
	if strings.HasPrefix(filepath.Base(p.File), "_") && s.kind != plugindoc.Module {
		s.Display.Deprecated(name + " is kept for backwards compatibility but usage is discouraged. The module documentation details page may explain more about this rationale. This feature will be removed in a future release.")
	}
	return d, nil
}

// show shows the documentation of the plugins that the arguments name.
func (s *session) show() error {
	doc := value.NewDict()
	var b strings.Builder
	for _, name := range s.Values.Args {
		d, err := s.read(name)
		if errors.Is(err, plugindoc.ErrNotFound) {
			s.Display.Warning(name + " was not found")
			continue
		}
		if err != nil {
			return err
		}
		switch {
		case s.Values.Bool("json_format"):
			doc.SetStr(d.FQCN, data(d))
		case s.Values.Bool("show_snippet"):
			text, err := s.r.snippet(d)
			if err != nil {
				s.Display.Warning(fmt.Sprintf("Unable to construct a snippet for '%s': %s", name, err))
				continue
			}
			b.WriteString(text)
		default:
			text, err := s.r.plugin(d)
			if err != nil {
				return fail(fmt.Sprintf("Unable to retrieve documentation from '%s'. %s", name, err))
			}
			b.WriteString(text)
		}
	}
	if s.Values.Bool("json_format") {
		return s.json(doc)
	}
	if b.Len() > 0 {
		s.Display.Print(b.String(), "")
	}
	return nil
}

func (s *session) json(v value.Value) error {
	text, err := value.JSON(v, value.JSONOptions{Pretty: true, Indent: "    ", SortKeys: true, ASCII: true, Default: func(v value.Value) (value.Value, error) {
		t, err := value.ToStr(v)
		return value.Str(t), err
	}})
	if err != nil {
		return err
	}
	s.Display.Print(text, "")
	return nil
}

// data is a plugin's documentation as data.
func data(d *plugindoc.Doc) *value.Dict {
	doc := d.Doc.Copy()
	doc.SetStr("collection", value.Str(d.Collection))
	file := d.File
	if file == "" {
		file = "(built in)"
	}
	doc.SetStr("filename", value.Str(file))
	doc.SetStr("plugin_name", value.Str(d.FQCN))
	out := value.NewDict()
	out.SetStr("doc", doc)
	out.SetStr("examples", orNone(d.Examples))
	out.SetStr("metadata", orNone(d.Metadata))
	if d.Return == nil {
		out.SetStr("return", value.None)
	} else {
		out.SetStr("return", d.Return)
	}
	return out
}

func orNone(v value.Value) value.Value {
	if v == nil {
		return value.None
	}
	return v
}

// list lists plugins or roles.
func (s *session) list() error {
	if s.kind == plugindoc.Role {
		return s.listRoles()
	}
	places, err := s.lib.List(s.kind, s.Values.Args)
	if err != nil {
		return err
	}
	files := s.Values.Bool("list_files")
	names, texts := []string{}, map[string]string{}
	for _, p := range places {
		name := p.FQCN()
		text := p.File
		if files {
			if text == "" {
				text = "(built in)"
			}
		} else {
			text = s.summary(p)
		}
		if _, ok := texts[name]; !ok {
			names = append(names, name)
		}
		texts[name] = text
	}
	if s.Values.Bool("json_format") {
		d := value.NewDict()
		for _, n := range names {
			d.SetStr(n, value.Str(texts[n]))
		}
		return s.json(d)
	}
	width := 0
	for _, n := range names {
		width = max(width, len(n))
	}
	limit := s.r.columns - width - 5
	var b strings.Builder
	for _, n := range names {
		text := texts[n]
		if r := []rune(text); !files && limit > 0 && len(r) > limit {
			text = string(r[:limit]) + "..."
		}
		fmt.Fprintf(&b, "%-*s %-*s\n", width, n, max(limit, 0), text)
	}
	if b.Len() > 0 {
		s.Display.Print(strings.TrimSuffix(b.String(), "\n"), "")
	}
	return nil
}

// summary is what a plugin is for, in a line.
func (s *session) summary(p plugindoc.Place) string {
	d, err := s.lib.Brief(p)
	if err != nil {
		return "UNDOCUMENTED"
	}
	v, ok := d.Doc.GetStr("short_description")
	if !ok {
		return "UNDOCUMENTED"
	}
	text, _ := value.ToStr(v)
	return s.r.markup(strings.TrimSpace(text))
}

// keywords lists or describes keywords of playbooks.
func (s *session) keywords() error {
	out := value.NewDict()
	if s.Values.Bool("list_dir") || s.Values.Bool("list_files") {
		for _, n := range plugindoc.Builtins(plugindoc.Keywd) {
			d, _ := plugindoc.Keyword(n)
			text, _ := d.GetStr("description")
			out.SetStr(n, text)
		}
	} else {
		if len(s.Values.Args) == 0 {
			return &diag.Diagnostic{Code: diag.DocsBroken, Summary: "no keyword is given", Classic: "Missing name(s), incorrect options passed for detailed documentation.", Exit: diag.ExitOptions}
		}
		for _, n := range s.Values.Args {
			d, ok := plugindoc.Keyword(n)
			if !ok {
				s.Display.Warning(fmt.Sprintf("Skipping Invalid keyword '%s' specified: '%s'", n, n))
				continue
			}
			out.SetStr(n, d)
		}
	}
	if s.Values.Bool("json_format") {
		return s.json(out)
	}
	text, err := yamlout.Dump(out, yamlout.Options{FlowStyle: yamlout.Block})
	if err != nil {
		return err
	}
	s.Display.Print(strings.TrimSuffix(text, "\n"), "")
	return nil
}

// dump writes everything that is known.
func (s *session) dump() error {
	lenient := s.Values.Bool("no_fail_on_errors")
	all := value.NewDict()
	for _, k := range plugindoc.Kinds {
		places, err := s.lib.List(k, s.Values.Args)
		if err != nil {
			return err
		}
		d := value.NewDict()
		for _, p := range places {
			one, err := s.lib.Read(p)
			switch {
			case err == nil:
				d.SetStr(p.FQCN(), data(one))
			case lenient:
				var none *plugindoc.NoDocs
				text := err.Error()
				if errors.As(err, &none) {
					text = "Missing documentation or could not parse documentation: " + none.Reason
				}
				d.SetStr(p.FQCN(), value.DictOf("error", value.Str(text)))
			default:
				var none *plugindoc.NoDocs
				if errors.As(err, &none) {
					return fail(fmt.Sprintf("%s %s missing documentation (or could not parse documentation): %s", k, p.FQCN(), none.Reason))
				}
				return err
			}
		}
		all.SetStr(string(k), d)
	}
	words := value.NewDict()
	for _, n := range plugindoc.Builtins(plugindoc.Keywd) {
		d, _ := plugindoc.Keyword(n)
		words.SetStr(n, d)
	}
	all.SetStr("keyword", words)
	roles := value.NewDict()
	for _, r := range s.lib.Roles(s.roles, s.Values.Args) {
		if r.Err != nil {
			if !lenient {
				return r.Err
			}
			roles.SetStr(r.Name, value.DictOf("error", value.Str("Error while loading role argument spec: "+r.Err.Error())))
			continue
		}
		if r.Entries.Len() > 0 {
			roles.SetStr(r.Name, roleData(r, ""))
		}
	}
	all.SetStr("role", roles)
	return s.json(value.DictOf("all", all))
}
