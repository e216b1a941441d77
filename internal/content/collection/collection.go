// Package collection finds plugins, modules and roles by name: collection search paths, fully qualified names,
// `collections:` lists, meta/runtime.yml routing and the builtin redirects.
package collection

// Resolved is where a name led.
type Resolved struct {
	FQCN       string // "ansible.builtin.copy", "community.general.ufw", "ansible.legacy.mymod"
	Collection string // "community.general"; "" for ansible.legacy names
	Name       string // last part
	Path       string // file, when it is a file on the controller
	Redirected []string
	Warnings   []string
}
