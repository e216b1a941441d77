package config

import "github.com/troupe-automation/troupe/internal/diag"

// Deprecation says why a setting, or one of its names, goes away.
type Deprecation struct{ Why, Version, Date, Alternatives string }

// deprecated are the settings of ansible-core that go away, and names of settings: variables of the environment, "[section]key"
// of ansible.cfg.
var deprecated = map[string]Deprecation{
	"ANSIBLE_CONNECTION_PATH":     {Why: "This setting has no effect.", Version: "2.22"},
	"ANSIBLE_COLLECTIONS_PATHS":   {Why: "does not fit var naming standard, use the singular form ANSIBLE_COLLECTIONS_PATH instead", Version: "2.19"},
	"[defaults]collections_paths": {Why: "does not fit var naming standard, use the singular form collections_path instead", Version: "2.19"},
	"PARAMIKO_HOST_KEY_AUTO_ADD":  {Why: "This option was moved to the plugin itself", Version: "2.20", Alternatives: "Use the option from the plugin itself."},
	"PARAMIKO_LOOK_FOR_KEYS":      {Why: "This option was moved to the plugin itself", Version: "2.20", Alternatives: "Use the option from the plugin itself."},
	"STRING_CONVERSION_ACTION": {
		Why: "This option is no longer used in the Ansible Core code base.", Version: "2.19",
		Alternatives: "There is no alternative at the moment. A different mechanism would have to be implemented in the current code base.",
	},
	"ANSIBLE_TEST_ENTRY_D": {Why: "for testing", Version: "3.30", Alternatives: "nothing"},
	"[testing]deprecated":  {Why: "for testing", Version: "3.30", Alternatives: "nothing"},
	"_Z_TEST_ENTRY_2":      {Why: "for testing", Version: "3.30", Alternatives: "nothing"},
}

// told notes that a setting which goes away is set, or by a name that goes away.
func (c *Config) told(s *Setting, origin Origin) {
	name := origin.Name
	if origin.Kind == FromFile {
		name = "[" + origin.section + "]" + origin.key
	}
	for _, name := range []string{name, s.Name} {
		d, old := s.Deprecated[name]
		if s.Deprecated == nil {
			d, old = deprecated[name]
		}
		if !old {
			continue
		}
		if d.Alternatives == "" {
			d.Alternatives = "none"
		}
		text := diag.Removal{Text: name + " option. Reason: " + d.Why + " Alternatives: " + d.Alternatives, Version: d.Version, Date: d.Date}.Deprecated()
		if c.tell == nil {
			c.old = append(c.old, text)
		} else {
			c.tell(text)
		}
		if name == s.Name {
			return
		}
	}
}

// TellDeprecated hands over what was met so far and from now on. It is called once, before others use the configuration.
func (c *Config) TellDeprecated(tell func(text string)) {
	c.tell = tell
	for _, text := range c.old {
		tell(text)
	}
}
