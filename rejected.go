package troupe

import (
	"fmt"
	"os"
	"strings"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/value"
)

// rejectedModules reads the file of the setting PLUGIN_FILTERS_CFG: the modules that must not be used. None when there is no file.
func (p *Project) rejectedModules() (map[string]bool, error) {
	path := p.Config.Str("PLUGIN_FILTERS_CFG")
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		p.opt.Warn(fmt.Sprintf("The plugin filter file, %s does not exist. Skipping.", path))
		return nil, nil
	}
	refused := func(text string) error {
		return &diag.Diagnostic{Code: diag.BadSetting, Summary: text, Classic: text, Exit: diag.ExitError}
	}
	root, err := yamldoc.Load(data, yamldoc.Options{File: path})
	if err != nil {
		p.opt.Warn(fmt.Sprintf("The plugin filter file, %s was not parsable: %s. Skipping.", path, err))
		return nil, nil
	}
	version := root.Get("filter_version")
	if version == nil {
		p.opt.Warn(fmt.Sprintf("The plugin filter file, %s did not have a valid version. Skipping.", path))
		return nil, nil
	}
	if s, _ := value.ToStr(version.Value()); s != "1.0" {
		p.opt.Warn(fmt.Sprintf("The plugin filter file, %s, was a version not recognized by this version of Ansible. Skipping.", path))
		return nil, nil
	}
	list := root.Get("module_rejectlist")
	if list == nil || list.IsNull() {
		return nil, nil
	}
	names := map[string]bool{}
	for _, n := range list.Items {
		name := strings.TrimPrefix(strings.TrimPrefix(n.Text, "ansible.builtin."), "ansible.legacy.")
		names[name] = true
	}
	if names["stat"] {
		return nil, refused(fmt.Sprintf("The stat module was specified in the module reject list file, %s, but Ansible will not function without the stat module.  Please remove stat from the reject list.", path))
	}
	return names, nil
}
