// Package config is Ansible's configuration: about 200 settings with their environment names, ansible.cfg keys, types
// and defaults (settings_gen.go), and where the value in force came from. The commands load it once; everybody
// else asks it by name.
package config

import (
	"github.com/troupe-automation/troupe/value"
)

// Setting describes one setting, or one option of a plugin.
type Setting struct {
	Name    string   // "DEFAULT_FORKS"; for plugin options the option's name
	Type    string   // Ansible's type name: "boolean" "integer" "float" "list" "path" "pathlist" "pathspec" "tmppath" "dict" "none" "raw" "string"
	Default any      // as in the table: nil, bool, int, float64, string, []string, map[string]string
	Env     []string // names, lowest priority first
	Ini     []IniKey
	Vars    []string // plugin options only: variables that set it
	Choices []string
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
	FromVars
)

// Origin is where a value came from. Name is the environment variable, the flag, or the variable; File is the ansible.cfg.
type Origin struct {
	Kind OriginKind
	Name string
	File string
}

// Config is the configuration in force. It is read-only after Load and safe for concurrent use.
type Config struct {
	File     string // ansible.cfg in use, "" when none
	Warnings []string

	values map[string]resolved
}

type resolved struct {
	val    value.Value
	origin Origin
}
