package inventory

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

// Options say how sources are read. The zero value reads with Ansible's defaults.
type Options struct {
	Plugins        []string // order of plugins (INVENTORY_ENABLED); nil: host_list script auto yaml ini toml
	IgnoreExts     []string // file endings passed over in directories (INVENTORY_IGNORE_EXTS); nil: the default
	IgnorePatterns []string // regular expressions for names passed over (INVENTORY_IGNORE_PATTERNS)
	YAMLExts       []string // endings of YAML files; nil: .yaml .yml .json
	Names          NameRule // "" is NamesNever
	FailUnparsed   bool     // any source that cannot be read is an error (INVENTORY_ANY_UNPARSED_IS_FAILED)
	FailNone       bool     // an error when no source at all can be read (INVENTORY_UNPARSED_IS_FAILED)
	NoWarnUnparsed bool     // no "No inventory was parsed" (INVENTORY_UNPARSED_WARNING=false)
	Secrets        *vault.Secrets
	Open           func(cipher string) (string, error) // opens `!vault` values; nil takes Secrets.Open
	Stderr         io.Writer                           // what scripts write to standard error; nil drops it
	Templar        Templar                             // for constructed and generator; nil refuses those
	ExtraVars      *value.Dict                         // of -e, for constructed's use_extra_vars; may be nil
	External       External                            // inventory plugins that are not built in; nil: there are none
	Duplicates     yamldoc.Duplicates
	Default        string                                 // the source of a machine without any: when it is not there nobody is told
	Merge          func(old, new *value.Dict) *value.Dict // joins mappings that two sources give one variable; nil: the later one wins
	// HostVars gives, for an inventory as far as it is read, the variables of a host with those of the files beside the sources:
	// for constructed's use_vars_plugins. May be nil.
	HostVars func(inv *Inventory) func(h *Host) (*value.Dict, error)
}

// External runs inventory plugins that are not built in.
type External interface {
	// Has reports whether there is a plugin of that name.
	Has(name string) bool
	// Verify reports whether a source is for the plugin.
	Verify(ctx context.Context, name, source string) (bool, error)
	// Parse adds what the source holds. cache says that what was kept of it may be used.
	Parse(ctx context.Context, inv *Inventory, name, source string, cache bool) error
}

// Templar renders the templates of constructed and generator sources.
type Templar interface {
	// Render gives the value of a template against the variables, with Ansible's rules for result types.
	Render(template string, vars *value.Dict) (value.Value, error)
}

var (
	defaultPlugins = []string{"host_list", "script", "auto", "yaml", "ini", "toml"}
	defaultIgnored = []string{".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".ini", ".cfg", ".retry"}
	defaultYAML    = []string{".yaml", ".yml", ".json"}
)

type loader struct {
	o       Options
	ignored []*regexp.Regexp
	last    document
}

// document is a YAML source as it was read: the plugins auto and yaml both look at it.
type document struct {
	src  string
	root *yamldoc.Node
	err  error
}

// Load reads all sources in order; later ones override earlier ones. A source that no plugin can read gives warnings, not an
// error, unless FailUnparsed is set. Relative paths are taken from the working directory.
func Load(ctx context.Context, sources []string, o Options) (*Inventory, error) {
	inv := New()
	return inv, inv.Load(ctx, sources, o)
}

// Load adds sources to an inventory.
func (inv *Inventory) Load(ctx context.Context, sources []string, o Options) error {
	if o.Plugins == nil {
		o.Plugins = defaultPlugins
	}
	if o.IgnoreExts == nil {
		o.IgnoreExts = defaultIgnored
	}
	if o.YAMLExts == nil {
		o.YAMLExts = defaultYAML
	}
	if o.Open == nil {
		o.Open = o.Secrets.Open
	}
	if o.Names != "" {
		inv.invalid = o.Names
	}
	inv.merge = o.Merge
	for _, g := range inv.gorder {
		g.merge = o.Merge
	}
	l := &loader{o: o}
	for _, p := range o.IgnorePatterns {
		if re, err := regexp.Compile("^(?:" + p + ")"); err == nil {
			l.ignored = append(l.ignored, re)
		}
	}
	parsed := false
	for _, src := range sources {
		if src == "" {
			continue
		}
		if !IsList(src) {
			if abs, err := filepath.Abs(src); err == nil {
				src = abs
			}
		}
		inv.Sources = append(inv.Sources, src)
		ok, err := inv.loadSource(ctx, l, src)
		if err != nil {
			return err
		}
		parsed = parsed || ok
	}
	inv.source, inv.dir = "", ""
	if parsed {
		inv.Parsed = true
		return inv.Reconcile()
	}
	if o.FailNone && !inv.Parsed {
		msg := "No inventory was parsed, please check your configuration and options."
		return &diag.Diagnostic{Code: diag.InventorySource, Summary: msg, Classic: msg, Exit: diag.ExitError}
	}
	if !o.NoWarnUnparsed && !inv.Parsed {
		inv.warn("No inventory was parsed, only implicit localhost is available")
	}
	return nil
}

// Refresh reads the sources anew in place of what was read before. Hosts that no source named stay, with their groups. When the
// sources cannot be read nothing changes.
func (inv *Inventory) Refresh(ctx context.Context, sources []string, o Options) error {
	fresh, err := Load(ctx, sources, o)
	if err != nil {
		return err
	}
	if !fresh.Parsed {
		inv.Warnings = append(inv.Warnings, fresh.Warnings...)
		return nil
	}
	for _, h := range inv.order {
		if h.Source != "" || fresh.hosts[h.Name] != nil {
			continue
		}
		fresh.hosts[h.Name] = h
		fresh.order = append(fresh.order, h)
		h.groups = nil
	}
	for _, m := range inv.joined {
		g := fresh.group(m.group)
		if h := fresh.hosts[m.host]; h != nil {
			g.add(h)
		} else if m.child != "" {
			_ = g.adopt(fresh.group(m.child)) // it was adopted before
		}
	}
	fresh.joined = inv.joined
	fresh.Warnings = append(inv.Warnings, fresh.Warnings...)
	*inv = *fresh
	return inv.Reconcile()
}

// loadSource reads one file, directory or host list, and reports whether something could read it.
func (inv *Inventory) loadSource(ctx context.Context, l *loader, src string) (bool, error) {
	st, err := os.Stat(src)
	if err == nil && st.IsDir() {
		entries, err := os.ReadDir(src)
		if err != nil {
			inv.warn("Unable to parse %s as an inventory source", src)
			return false, nil
		}
		names := make([]string, 0, len(entries))
		for _, e := range entries {
			names = append(names, e.Name())
		}
		sort.Strings(names)
		parsed := false
		for _, name := range names {
			if l.passOver(name) {
				continue
			}
			ok, err := inv.loadSource(ctx, l, filepath.Join(src, name))
			if err != nil {
				return parsed, err
			}
			parsed = parsed || ok
		}
		if !parsed {
			return false, inv.unparsed(l, src, nil)
		}
		return true, nil
	}
	inv.source, inv.dir = src, ""
	if !IsList(src) {
		inv.dir = filepath.Dir(src)
	}
	var failures []string
	var cause error // the first that has a place, else the first
	for _, plugin := range l.o.Plugins {
		p, known := l.find(ctx, inv, plugin)
		if !known {
			inv.warn("Failed to load inventory plugin, skipping %s", plugin)
			continue
		}
		if !p.verify(l, src) {
			continue
		}
		err := p.parse(ctx, inv, l, src)
		if err == nil {
			return true, nil
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		text := err.Error()
		d, ok := diag.As(err)
		if ok {
			text = d.Message()
		}
		had, known := diag.As(cause)
		if cause == nil || ok && d.Pos().IsValid() && !(known && had.Pos().IsValid()) && !isScript(l, src) {
			cause = err
		}
		failures = append(failures, fmt.Sprintf("\n* Failed to parse %s with %s plugin: %s", src, plugin, text))
	}
	for _, f := range failures {
		inv.warn("%s", f)
	}
	return false, inv.unparsed(l, src, cause)
}

// unparsed says that nothing could read a source. A machine without the default one has done nothing wrong.
func (inv *Inventory) unparsed(l *loader, src string, cause error) error {
	if _, err := os.Stat(src); err != nil && src == l.o.Default {
		return nil
	}
	if !l.o.FailUnparsed {
		inv.warn("Unable to parse %s as an inventory source", src)
		return nil
	}
	d := &diag.Diagnostic{
		Code: diag.InventorySource, Summary: "the inventory source " + src + " cannot be read",
		Classic: "Completely failed to parse inventory source " + src, Cause: cause,
	}
	why, ok := diag.As(cause)
	switch {
	case ok:
		d.Summary, d.Spans, d.Hints = why.Summary, why.Spans, why.Hints
	case cause != nil:
		d.Summary = strings.TrimSpace(cause.Error())
	}
	return d
}

// wrong is a mistake at a place of a source. Ansible's words may begin with the place; ours stand beside it.
func wrong(pos source.Pos, length int, err error) error {
	if d, ok := diag.As(err); ok {
		if !d.Pos().IsValid() {
			d.At(pos, length, "")
		}
		return err
	}
	text := err.Error()
	summary := strings.TrimPrefix(text, fmt.Sprintf("%s:%d: ", pos.File, pos.Line))
	for _, w := range ownWords {
		if strings.HasPrefix(summary, w.classic) {
			summary = w.ours
		}
	}
	d := &diag.Diagnostic{Code: diag.InventorySource, Summary: summary, Classic: text, Cause: err}
	return d.At(pos, length, "")
}

// ownWords say what Python's words, which are Ansible's here, leave open.
var ownWords = []struct{ classic, ours string }{
	{"not enough values to unpack", "a range of hosts has no ] at its end"},
	{"too many values to unpack", "a range of hosts has more than one ["},
	{"invalid literal for int()", "a range of hosts goes from a number to a number, or from a letter to a letter"},
	{"YAML inventory has invalid structure", "an inventory in YAML is a mapping from groups to what they have"},
	{`Invalid "hosts" entry`, "the hosts of a group are a mapping: write a : behind each name, no - before it"},
	{`Invalid "children" entry`, "the children of a group are a mapping: write a : behind each name, no - before it"},
	{`Invalid "vars" entry`, "the variables of a group are a mapping: write name: value, no - before it"},
	{"Invalid data from file, expected dictionary", "the variables of a host are a mapping"},
}

// passOver reports whether a directory entry is no inventory source (BEHAVIOUR §2.1).
func (l *loader) passOver(name string) bool {
	switch name {
	case "group_vars", "host_vars", "vars_plugins":
		return true
	}
	if strings.HasPrefix(name, ".") {
		return true
	}
	for _, ext := range l.o.IgnoreExts {
		if ext != "" && strings.HasSuffix(name, ext) {
			return true
		}
	}
	for _, re := range l.ignored {
		if re.MatchString(name) {
			return true
		}
	}
	return false
}

// plugin is one way to read a source.
type plugin struct {
	verify func(l *loader, src string) bool
	parse  func(ctx context.Context, inv *Inventory, l *loader, src string) error
}

// find returns a plugin by name: a built-in one, or one that somebody wrote.
func (l *loader) find(ctx context.Context, inv *Inventory, name string) (p plugin, ok bool) {
	if p, ok = find(name); ok || l.o.External == nil || !l.o.External.Has(name) {
		return p, ok
	}
	return plugin{
		verify: func(_ *loader, src string) bool {
			ok, err := l.o.External.Verify(ctx, name, src)
			if err != nil {
				inv.warn("%s", err)
			}
			return ok && err == nil
		},
		parse: func(ctx context.Context, inv *Inventory, l *loader, src string) error {
			return l.o.External.Parse(ctx, inv, name, src, true)
		},
	}, true
}

// find returns a built-in plugin by its name, which may be the full one.
func find(asked string) (p plugin, ok bool) {
	switch strings.TrimPrefix(strings.TrimPrefix(asked, "ansible.builtin."), "ansible.legacy.") {
	case "host_list":
		p = plugin{isHostList, func(_ context.Context, inv *Inventory, _ *loader, src string) error { return inv.hostList(src, false) }}
	case "advanced_host_list":
		p = plugin{isHostList, func(_ context.Context, inv *Inventory, _ *loader, src string) error { return inv.hostList(src, true) }}
	case "script":
		p = plugin{isScript, parseScript}
	case "auto":
		p = plugin{hasExt(".yml", ".yaml"), parseAuto}
	case "yaml":
		p = plugin{isYAML, parseYAMLFile}
	case "ini":
		p = plugin{isFile, parseINIFile}
	case "toml":
		p = plugin{hasExt(".toml"), parseTOMLFile}
	case "constructed":
		p = plugin{hasExt(".yml", ".yaml", ".config"), func(_ context.Context, inv *Inventory, l *loader, src string) error {
			return parseConstructed(inv, l, src, asked)
		}}
	case "generator":
		p = plugin{hasExt(".yml", ".yaml", ".config"), func(_ context.Context, inv *Inventory, l *loader, src string) error {
			return parseGenerator(inv, l, src, asked)
		}}
	default:
		return p, false
	}
	return p, true
}

func isHostList(_ *loader, src string) bool { return IsList(src) }

// IsList reports whether a source is a list of hosts, not a file: it has a comma, and no file has that name.
func IsList(src string) bool {
	if !strings.Contains(src, ",") {
		return false
	}
	_, err := os.Stat(src)
	return err != nil
}

func isFile(_ *loader, src string) bool {
	st, err := os.Stat(src)
	return err == nil && !st.IsDir()
}

func hasExt(exts ...string) func(*loader, string) bool {
	return func(l *loader, src string) bool {
		if !isFile(l, src) {
			return false
		}
		for _, e := range exts {
			if strings.HasSuffix(src, e) {
				return true
			}
		}
		return false
	}
}

func isYAML(l *loader, src string) bool {
	if !isFile(l, src) {
		return false
	}
	ext := filepath.Ext(src)
	if ext == "" {
		return true
	}
	for _, e := range l.o.YAMLExts {
		if ext == e {
			return true
		}
	}
	return false
}

// isScript accepts an executable file, and, for the setting's form `inventory = script.py --flag value`, an executable
// file followed by arguments.
func isScript(_ *loader, src string) bool {
	path, _ := scriptArgs(src)
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && st.Mode().Perm()&0o111 != 0
}

func scriptArgs(src string) (path string, args []string) {
	if _, err := os.Stat(src); err == nil || !strings.Contains(src, " ") {
		return src, nil
	}
	words, err := shellWords(src)
	if err != nil || len(words) == 0 {
		return src, nil
	}
	return words[0], words[1:]
}

func parseScript(ctx context.Context, inv *Inventory, l *loader, src string) error {
	path, args := scriptArgs(src)
	return inv.parseScript(ctx, l, path, args)
}

// read returns a file's text, decrypted when it is a vault.
func (l *loader) read(src string) ([]byte, error) {
	data, err := os.ReadFile(src)
	if err != nil {
		return nil, err
	}
	if vault.IsEncrypted(data) {
		return l.o.Secrets.Decrypt(data, src)
	}
	return data, nil
}

func (inv *Inventory) document(l *loader, src string) (*yamldoc.Node, error) {
	if l.last.src == src {
		return l.last.root, l.last.err
	}
	data, err := l.read(src)
	if err != nil {
		return nil, err
	}
	root, err := yamldoc.Load(data, yamldoc.Options{
		File: src, Open: l.o.Open, Duplicates: l.o.Duplicates,
		Warn: func(d *diag.Diagnostic) { inv.warn("%s", d.Message()) },
	})
	l.last = document{src, root, err}
	return root, err
}

func parseYAMLFile(_ context.Context, inv *Inventory, l *loader, src string) error {
	root, err := inv.document(l, src)
	if err != nil {
		return err
	}
	return inv.parseYAML(root)
}

func parseINIFile(_ context.Context, inv *Inventory, l *loader, src string) error {
	data, err := l.read(src)
	if err != nil {
		return err
	}
	return inv.parseINI(src, data)
}

// parseAuto reads a YAML file whose `plugin` key names the plugin to use.
func parseAuto(ctx context.Context, inv *Inventory, l *loader, src string) error {
	root, err := inv.document(l, src)
	if err != nil {
		return err
	}
	name := root.Get("plugin")
	if name == nil || name.IsNull() || name.Text == "" {
		return fmt.Errorf("no root 'plugin' key found, '%s' is not a valid YAML inventory plugin config file", src)
	}
	p, ok := l.find(ctx, inv, name.Text)
	if !ok {
		return wrong(name.Pos, len(name.Text), fmt.Errorf("inventory config '%s' specifies unknown plugin '%s'", src, name.Text))
	}
	if !p.verify(l, src) {
		return fmt.Errorf("inventory source '%s' could not be verified by inventory plugin '%s'", src, name.Text)
	}
	return p.parse(ctx, inv, l, src)
}
