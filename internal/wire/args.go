package wire

import "encoding/json"

// ModuleArgs are the arguments of a foreign module with the internal parameters that every module gets (BEHAVIOUR §8), unless the
// controller set them. tmp is the module's directory.
func (c *Call) ModuleArgs(tmp string) (map[string]json.RawMessage, error) {
	args := map[string]json.RawMessage{}
	if len(c.Args) > 0 {
		if err := json.Unmarshal(c.Args, &args); err != nil {
			return nil, err
		}
	}
	remoteTmp := c.RemoteTmp
	if remoteTmp == "" {
		remoteTmp = "~/.ansible/tmp"
	}
	for name, v := range map[string]any{
		"_ansible_check_mode": c.Check, "_ansible_diff": c.Diff, "_ansible_verbosity": c.Verbosity, "_ansible_no_log": false, "_ansible_debug": false,
		"_ansible_version": "2.18.0", "_ansible_module_name": c.Foreign.Name, "_ansible_syslog_facility": "LOG_USER",
		"_ansible_selinux_special_fs":       []string{"fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"},
		"_ansible_string_conversion_action": "warn", "_ansible_socket": nil, "_ansible_shell_executable": "/bin/sh",
		"_ansible_keep_remote_files": c.Foreign.KeepFiles, "_ansible_tmpdir": tmp, "_ansible_remote_tmp": remoteTmp,
		"_ansible_ignore_unknown_opts": false, "_ansible_target_log_info": nil,
	} {
		if _, set := args[name]; !set {
			b, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			args[name] = b
		}
	}
	return args, nil
}
