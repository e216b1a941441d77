// Package inventory is the hosts and groups of a run: it reads the sources, answers patterns, and takes the hosts and
// groups that tasks add. It knows nothing of playbooks.
package inventory

import (
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// Host is one managed host.
type Host struct {
	Name     string
	Vars     *value.Dict // set by inventory sources and add_host; never nil
	Implicit bool        // localhost that no source names
	Groups   []*Group    // direct groups, then their ancestors, without `all`

	origin map[string]source.Pos
	index  int
}

// Group is a named set of hosts and groups.
type Group struct {
	Name     string
	Vars     *value.Dict // never nil
	Hosts    []*Host     // direct members in order
	Children []*Group
	Parents  []*Group
	Depth    int // longest way from `all`
	Priority int // ansible_group_priority, default 1

	origin map[string]source.Pos
}

// Inventory holds all hosts and groups. Reading is safe for concurrent use while nobody changes it; the engine makes
// changes (AddHost, GroupBy, Refresh) between tasks only.
type Inventory struct {
	Sources  []string // as given, paths absolute
	Warnings []string // for stderr, Ansible's texts

	hosts  map[string]*Host
	order  []*Host
	groups map[string]*Group
	gorder []*Group

	implicit *Host
}
