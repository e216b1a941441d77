package dispatch

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/launch"
)

// plugins are the inventory plugins behind the sources that have a name of their own. They are Python, of collections that the server's machine has or that
// ANSIBLE_COLLECTIONS_PATH in the setting AWX_TASK_ENV names.
var plugins = map[string]string{
	"azure_rm": "azure.azcollection.azure_rm", "controller": "awx.awx.controller", "ec2": "amazon.aws.aws_ec2", "gce": "google.cloud.gcp_compute", "insights": "redhatinsights.insights.insights",
	"openshift_virtualization": "kubevirt.core.kubevirt", "openstack": "openstack.cloud.openstack", "rhv": "ovirt.ovirt.ovirt", "satellite6": "theforeman.foreman.foreman",
	"terraform": "cloud.terraform.terraform_state", "vmware": "community.vmware.vmware_vm_inventory",
}

// pluginSource writes down the settings of a source's plugin, in a file that has the name which the plugin wants.
func pluginSource(job domain.Record, plugin, dir string) ([]string, error) {
	vars, err := launch.ParseVars(job.Str("source_vars"))
	if err != nil {
		return nil, fmt.Errorf("source_vars: %w", err)
	}
	vars["plugin"] = plugin // not what a user says: other plugins run programs
	file := filepath.Join(dir, plugin[strings.LastIndexByte(plugin, '.')+1:]+".yml")
	return []string{dir, file}, os.WriteFile(file, domain.Encode(vars), 0o600)
}
