package lookup

import (
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/value"
)

// configLookup gives settings, or options of plugins.
func configLookup(c *Call) ([]value.Value, error) {
	missing, err := c.textOption("on_missing", nil)
	if err != nil {
		return nil, err
	}
	kind, err := c.textOption("plugin_type", nil)
	if err != nil {
		return nil, err
	}
	plugin, err := c.textOption("plugin_name", nil)
	if err != nil {
		return nil, err
	}
	origin, err := c.boolOption("show_origin", nil)
	if err != nil {
		return nil, err
	}
	if (kind == "") != (plugin == "") {
		return nil, value.Errorf("AnsibleOptionsError", "Both plugin_type and plugin_name are required, cannot use one without the other")
	}
	var out []value.Value
	for _, t := range c.Terms {
		name, ok := value.AsString(t)
		if !ok {
			shown, _ := value.ToStr(t)
			return nil, value.Errorf("AnsibleOptionsError", "Invalid setting identifier, \"%s\" is not a string, its a %s", shown, pyClass(t))
		}
		var v value.Value
		var from value.Value = value.None
		problem := ""
		if kind != "" {
			v, from, problem = c.pluginSetting(kind, strings.TrimPrefix(plugin, "ansible.builtin."), name)
		} else if _, known := config.Find(name); known {
			v, _ = c.Config().Value(name)
		} else if notSettings[name] {
			return nil, lookupErrorf("Invalid setting \"%s\" attempted", name)
		} else {
			problem = fmt.Sprintf("module 'ansible.constants' has no attribute '%s'", name)
		}
		if problem != "" {
			text := fmt.Sprintf("Unable to find setting %s", name)
			switch missing {
			case "skip":
				continue
			case "warn":
				c.Warn("Skipping, did not find setting " + name)
				continue
			}
			return nil, lookupErrorf("%s. %s. %s", text, problem, problem)
		}
		if origin {
			v = value.NewTuple(v, from)
		}
		out = append(out, v)
	}
	return out, nil
}

// notSettings are names of Ansible's module of settings that are functions and classes.
var notSettings = map[string]bool{"ConfigManager": true, "Sequence": true, "to_text": true, "add_internal_fqcns": true, "set_constant": true, "handle_config_noise": true}

func (c *Call) pluginSetting(kind, plugin, option string) (v, from value.Value, problem string) {
	all := config.PluginOptions(kind, plugin)
	if all == nil {
		return nil, nil, fmt.Sprintf("Unable to load %s plugin \"%s\"", kind, plugin)
	}
	for i := range all {
		if all[i].Name != option {
			continue
		}
		v, origin, err := c.Config().Option(&all[i], config.Sources{Vars: func(name string) (value.Value, bool) {
			v, ok, err := c.Variable(name)
			return v, ok && err == nil
		}})
		if err != nil {
			return nil, nil, err.Error()
		}
		return v, value.Str(origin.String()), ""
	}
	return nil, nil, fmt.Sprintf("Requested entry (plugin_type: %s plugin: %s setting: %s ) was not defined in configuration.", kind, plugin, option)
}
