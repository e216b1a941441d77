package config

import (
	"sort"

	"github.com/troupe-automation/troupe/value"
)

// Sources are the places that plugin options are looked for besides environment, ansible.cfg and defaults. Each may be nil.
type Sources struct {
	Direct  func(option string) (value.Value, bool)   // given in the call: lookup arguments, inventory file keys
	Vars    func(variable string) (value.Value, bool) // rendered variables of the host
	Keyword func(keyword string) (value.Value, bool)  // task keywords, inherited
	CLI     func(flag string) (value.Value, bool)     // flags that were given
}

// PluginOptions describes the options of a plugin: kind is "connection", "become", "shell", "callback", "cache", "inventory",
// "lookup" or "vars". An unknown plugin has none.
func PluginOptions(kind, plugin string) []Setting { return pluginOptions[kind][plugin] }

// Plugins lists the plugins of a kind whose options are known, sorted.
func Plugins(kind string) []string {
	names := make([]string, 0, len(pluginOptions[kind]))
	for n := range pluginOptions[kind] {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// PluginOption resolves one option: direct, then variables, keyword, flag, environment, ansible.cfg, default. Where a
// source lists several names, the last that is set wins (BEHAVIOUR §3.9). An unknown option gives None.
func (c *Config) PluginOption(kind, plugin, option string, src Sources) (value.Value, Origin, error) {
	for i := range pluginOptions[kind][plugin] {
		if s := &pluginOptions[kind][plugin][i]; s.Name == option {
			return c.Option(s, src)
		}
	}
	return value.None, Origin{}, nil
}

// Option is PluginOption for an option that the caller describes itself.
func (c *Config) Option(s *Setting, src Sources) (value.Value, Origin, error) {
	raw, origin, ok := src.find(s)
	if !ok {
		raw, origin, ok = c.outside(s)
	}
	if ok {
		v, err := c.convert(s, raw, origin)
		if err != nil {
			return nil, origin, err
		}
		c.told(s, origin)
		if v != nil {
			return v, origin, nil
		}
	}
	return c.fallback(s), Origin{}, nil
}

func (src Sources) find(s *Setting) (value.Value, Origin, bool) {
	if src.Direct != nil {
		if v, ok := src.Direct(s.Name); ok {
			return v, Origin{Kind: FromDirect, Name: s.Name}, true
		}
	}
	if src.Vars != nil {
		for i := len(s.Vars) - 1; i >= 0; i-- {
			if v, ok := src.Vars(s.Vars[i]); ok {
				return v, Origin{Kind: FromVars, Name: s.Vars[i]}, true
			}
		}
	}
	if src.Keyword != nil && s.Keyword != "" {
		if v, ok := src.Keyword(s.Keyword); ok {
			return v, Origin{Kind: FromKeyword, Name: s.Keyword}, true
		}
	}
	if src.CLI != nil && s.CLI != "" {
		if v, ok := src.CLI(s.CLI); ok {
			return v, Origin{Kind: FromCLI, Name: s.CLI}, true
		}
	}
	return nil, Origin{}, false
}
