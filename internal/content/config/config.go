// Package config is Ansible's configuration: about 200 settings with their environment names, ansible.cfg keys, types
// and defaults (settings.go), and where the value in force came from. The commands load it once; everybody
// else asks it by name.
package config

import (
	"os"
	"path/filepath"
	"sort"

	"github.com/troupe-automation/troupe/value"
)

// Setting describes one setting, or one option of a plugin.
type Setting struct {
	Name     string   // "DEFAULT_FORKS"; for plugin options the option's name
	Type     string   // "boolean" "integer" "float" "list" "path" "pathlist" "pathspec" "tmppath" "dict" "raw" "string"; "" is "string"
	Default  any      // nil, bool, int, float64, string, []string, map[string]any
	Env      []string // names, lowest priority first
	Ini      []IniKey // keys of ansible.cfg, lowest priority first
	Vars     []string // variables that set it, lowest priority first
	Keyword  string   // plugin options: the task keyword that sets it
	CLI      string   // plugin options: the name of the flag that sets it, "user" for -u
	Choices  []string
	Required bool
	// Deprecated are the names of a plugin's option that go away, the option's own among them. Those of settings are known.
	Deprecated map[string]Deprecation
	Own        bool // of Troupe, not among those of ansible-core 2.18
}

// IniKey is a key of ansible.cfg.
type IniKey struct{ Section, Key string }

// OriginKind says which layer a value came from.
type OriginKind uint8

const (
	FromDefault OriginKind = iota
	FromFile
	FromEnv
	FromCLI
	FromKeyword
	FromVars
	FromDirect
)

// Origin is where a value came from.
type Origin struct {
	Kind OriginKind
	Name string // environment variable, flag, keyword, variable, or "section.key"
	File string // FromFile: the ansible.cfg

	section, key string // FromFile
}

// String is the origin as `ansible-config dump` shows it: "default", "env: NAME", or the file.
func (o Origin) String() string {
	switch o.Kind {
	case FromFile:
		return o.File
	case FromEnv:
		return "env: " + o.Name
	case FromCLI:
		return "cli: " + o.Name
	case FromKeyword:
		return "keyword: " + o.Name
	case FromVars:
		return "var: " + o.Name
	case FromDirect:
		return "Direct"
	}
	return "default"
}

// Environ is the world that Load looks at.
type Environ struct {
	Lookup func(name string) (string, bool) // os.LookupEnv
	Cwd    string
	Home   string
}

// OSEnviron is the process's own environment.
func OSEnviron() Environ {
	cwd, _ := os.Getwd()
	home, _ := os.UserHomeDir()
	return Environ{Lookup: os.LookupEnv, Cwd: cwd, Home: home}
}

// Config is the configuration in force. It is read-only after Load and Set, and then safe for concurrent use.
type Config struct {
	File     string   // ansible.cfg in use, "" when none
	Warnings []string // Ansible's texts, for stderr

	old    []string // what goes away and is set, until somebody takes it
	tell   func(text string)
	env    Environ
	file   *iniFile
	values map[string]resolved
}

type resolved struct {
	val    value.Value
	origin Origin
}

// Environ is what the configuration was read from.
func (c *Config) Environ() Environ { return c.env }

// Load finds ansible.cfg, reads it, and resolves every setting. path names the file instead of the search when it is
// not empty (--config). Errors are diagnostics that end the command with ExitOptions.
func Load(env Environ, path string) (*Config, error) {
	c := &Config{env: env, values: make(map[string]resolved, len(settings))}
	if path == "" {
		c.File = c.search()
	} else {
		c.File = c.absolute(path, env.Cwd)
	}
	if c.File != "" {
		data, err := os.ReadFile(c.File)
		if err != nil {
			return nil, badFile(c.File, err.Error(), 0)
		}
		f, err := parseIni(string(data), c.File)
		if err != nil {
			return nil, err
		}
		c.file = f
	}
	// ANSIBLE_HOME comes first: the defaults of others are under it.
	home, _ := Find("ANSIBLE_HOME")
	r, err := c.resolve(home)
	if err != nil {
		return nil, err
	}
	c.values[home.Name] = r
	for i := range settings {
		s := &settings[i]
		if s == home {
			continue
		}
		if c.values[s.Name], err = c.resolve(s); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// search finds the ansible.cfg to use: $ANSIBLE_CONFIG (a file, or a directory that holds one), the working directory unless
// everybody may write to it, the home directory, /etc/ansible (BEHAVIOUR §7).
func (c *Config) search() string {
	readable := func(p string) bool {
		st, err := os.Stat(p)
		return err == nil && st.Mode().IsRegular()
	}
	if given, ok := c.env.Lookup("ANSIBLE_CONFIG"); ok {
		p := c.absolute(given, c.env.Cwd)
		if st, err := os.Stat(p); err == nil && st.IsDir() {
			p = filepath.Join(p, "ansible.cfg")
		}
		if readable(p) {
			return p
		}
	}
	here := filepath.Join(c.env.Cwd, "ansible.cfg")
	if st, err := os.Stat(c.env.Cwd); err == nil && st.Mode().Perm()&0o002 != 0 {
		if readable(here) {
			c.Warnings = append(c.Warnings, "Ansible is being run in a world writable directory ("+c.env.Cwd+"), ignoring it as an ansible.cfg source. "+
				"For more information see https://docs.ansible.com/ansible/devel/reference_appendices/config.html#cfg-in-world-writable-dir")
		}
	} else if readable(here) {
		return here
	}
	for _, p := range []string{filepath.Join(c.env.Home, ".ansible.cfg"), "/etc/ansible/ansible.cfg"} {
		if readable(p) {
			return p
		}
	}
	return ""
}

// Find returns the description of a setting.
func Find(name string) (*Setting, bool) {
	i := sort.Search(len(settings), func(i int) bool { return settings[i].Name >= name })
	if i < len(settings) && settings[i].Name == name {
		return &settings[i], true
	}
	return nil, false
}

// Settings lists every setting, sorted by name. The slice must not be changed.
func Settings() []Setting { return settings }

// resolve finds the raw value of a setting (environment over file over default) and gives it its type.
func (c *Config) resolve(s *Setting) (resolved, error) {
	raw, origin, ok := c.outside(s)
	if ok {
		v, err := c.convert(s, raw, origin)
		if err != nil {
			return resolved{}, err
		}
		c.told(s, origin)
		if v != nil {
			return resolved{v, origin}, nil
		}
	}
	return resolved{c.fallback(s), Origin{}}, nil
}

// outside looks for a setting in the environment, then in ansible.cfg. In each, the name listed last wins.
func (c *Config) outside(s *Setting) (value.Value, Origin, bool) {
	for i := len(s.Env) - 1; i >= 0; i-- {
		if v, ok := c.env.Lookup(s.Env[i]); ok {
			return value.Str(v), Origin{Kind: FromEnv, Name: s.Env[i]}, true
		}
	}
	for i := len(s.Ini) - 1; i >= 0; i-- {
		k := s.Ini[i]
		if v, ok := c.file.get(k.Section, k.Key); ok {
			return value.Str(v), Origin{Kind: FromFile, Name: k.Section + "." + k.Key, File: c.File, section: k.Section, key: k.Key}, true
		}
	}
	return nil, Origin{}, false
}

// Section is one section of ansible.cfg as it is written.
type Section struct {
	Name string
	Keys []string // sorted
}

// Sections lists what ansible.cfg has, in its order.
func (c *Config) Sections() []Section {
	if c.file == nil {
		return nil
	}
	var out []Section
	for _, name := range c.file.order {
		one := Section{Name: name}
		for k := range c.file.sections[name] {
			one.Keys = append(one.Keys, k)
		}
		sort.Strings(one.Keys)
		out = append(out, one)
	}
	return out
}

// Fallback is the value that a setting has when nothing sets it.
func (c *Config) Fallback(s *Setting) value.Value { return c.fallback(s) }

// Ini returns a key of ansible.cfg as written, for sections that no table describes (galaxy_server.NAME, mitogen …).
func (c *Config) Ini(section, key string) (string, bool) { return c.file.get(section, key) }

// Set puts a value over all others: what a flag gave.
func (c *Config) Set(name string, v value.Value, flag string) {
	c.values[name] = resolved{v, Origin{Kind: FromCLI, Name: flag}}
}

// Value returns a setting's value and where it came from. An unknown name gives None.
func (c *Config) Value(name string) (value.Value, Origin) {
	r, ok := c.values[name]
	if !ok {
		return value.None, Origin{}
	}
	return r.val, r.origin
}

// Origin returns where a setting's value came from.
func (c *Config) Origin(name string) Origin { return c.values[name].origin }

// Bool returns a boolean setting, or whether a setting without a type says yes.
func (c *Config) Bool(name string) bool {
	v, ok := c.values[name]
	return ok && Truth(v.val)
}

// Int returns an integer setting, 0 when it is not set.
func (c *Config) Int(name string) int {
	v, _ := c.values[name].val.(value.Int)
	return int(v)
}

// Float returns a number setting.
func (c *Config) Float(name string) float64 {
	switch v := c.values[name].val.(type) {
	case value.Float:
		return float64(v)
	case value.Int:
		return float64(v)
	}
	return 0
}

// Str returns a string or path setting, "" when it is not set.
func (c *Config) Str(name string) string {
	v, _ := c.values[name].val.(value.Str)
	return string(v)
}

// List returns a list or path list setting.
func (c *Config) List(name string) []string {
	var elems []value.Value
	switch v := c.values[name].val.(type) {
	case *value.List:
		elems = v.Elems
	case *value.Tuple:
		elems = v.Elems
	}
	out := make([]string, 0, len(elems))
	for _, e := range elems {
		if s, ok := e.(value.Str); ok {
			out = append(out, string(s))
		}
	}
	return out
}
