package collection

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/value"
)

// ActionGroup is a set of actions that module_defaults give arguments in common, as group/NAME.
type ActionGroup struct {
	Name     string   // with its collection
	Members  []string // actions with their collection, as written; those of groups that it extends too
	Problems []string // what is wrong with its metadata
}

// actionGroup is one entry of action_groups in meta/runtime.yml.
type actionGroup struct {
	members, extends []string
	problems         []string
}

// builtinGroups are the groups of ansible.builtin: names that were there before collections were.
var builtinGroups = map[string]actionGroup{
	"acme":       {extends: []string{"community.crypto.acme"}},
	"aws":        {extends: []string{"amazon.aws.aws", "community.aws.aws"}},
	"azure":      {extends: []string{"azure.azcollection.azure"}},
	"cpm":        {extends: []string{"wti.remote.cpm"}},
	"docker":     {extends: []string{"community.general.docker", "community.docker.docker"}},
	"gcp":        {extends: []string{"google.cloud.gcp"}},
	"k8s":        {extends: []string{"community.kubernetes.k8s", "community.general.k8s", "community.kubevirt.k8s", "community.okd.k8s", "kubernetes.core.k8s"}},
	"os":         {extends: []string{"openstack.cloud.os"}},
	"ovirt":      {extends: []string{"ovirt.ovirt.ovirt", "community.general.ovirt"}},
	"testgroup":  {members: []string{"ping", "legacy_ping", "formerly_core_ping"}, extends: []string{"testns.testcoll.testgroup", "testns.testcoll.anothergroup"}},
	"testlegacy": {members: []string{"ansible.legacy.legacy_ping"}},
	"vmware":     {extends: []string{"community.vmware.vmware"}},
}

// ActionGroup finds a group by its name; one without a collection is of ansible.builtin. Groups that extend each other are no
// mistake, nor is one that extends a group nobody has.
func (f *Finder) ActionGroup(name string) (*ActionGroup, bool) {
	col, short, qualified := Split(name)
	if !qualified {
		col, short = "ansible.builtin", name
	}
	g := &ActionGroup{Name: col + "." + short}
	own, ok := f.groupsOf(col)[short]
	if !ok {
		return g, false
	}
	g.Problems = own.problems
	seen := map[string]bool{}
	var add func(col, short string)
	add = func(col, short string) {
		if seen[col+"."+short] {
			return
		}
		seen[col+"."+short] = true
		own := f.groupsOf(col)[short]
		for _, m := range own.members {
			g.Members = append(g.Members, within(col, m))
		}
		for _, e := range own.extends {
			if c, s, ok := Split(within(col, e)); ok {
				add(c, s)
			}
		}
	}
	add(col, short)
	return g, true
}

// within gives a name without a collection the one where it was written.
func within(col, name string) string {
	if _, _, ok := Split(name); ok {
		return name
	}
	return col + "." + name
}

func (f *Finder) groupsOf(col string) map[string]actionGroup {
	if col == "ansible.builtin" || col == "ansible.legacy" {
		return builtinGroups
	}
	base, ok := f.Dir(col)
	if !ok {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if g, ok := f.groups[col]; ok {
		return g
	}
	groups := map[string]actionGroup{}
	if data, err := os.ReadFile(filepath.Join(base, "meta", "runtime.yml")); err == nil {
		if root, err := yamldoc.Load(data, yamldoc.Options{Data: true}); err == nil {
			for _, e := range root.Get("action_groups").Entries() {
				groups[strings.TrimPrefix(e.Name(), col+".")] = groupOf(e.Value)
			}
		}
	}
	if f.groups == nil {
		f.groups = map[string]map[string]actionGroup{}
	}
	f.groups[col] = groups
	return groups
}

// groupOf reads the list of a group: names of actions, and one mapping "metadata".
func groupOf(n *yamldoc.Node) actionGroup {
	var g actionGroup
	found := false
	for _, item := range n.Items {
		if item.Kind != yamldoc.Mapping {
			if name, ok := value.AsString(item.Value()); ok {
				g.members = append(g.members, name)
			}
			continue
		}
		meta := item.Get("metadata")
		if problem := metadataProblem(item, meta, found); problem != "" {
			g.problems = append(g.problems, problem)
		}
		if meta == nil || meta.Kind != yamldoc.Mapping {
			continue
		}
		found = true
		g.extends = nil // the last metadata counts
		switch extend := meta.Get("extend_group"); {
		case extend.IsNull():
		case extend.Kind == yamldoc.Sequence:
			for _, e := range extend.Items {
				if name, ok := value.AsString(e.Value()); ok {
					g.extends = append(g.extends, name)
				}
			}
		default:
			if name, ok := value.AsString(extend.Value()); ok {
				g.extends = []string{name}
			}
		}
	}
	return g
}

// metadataProblem says in Ansible's words what is wrong with a mapping in a group's list.
func metadataProblem(item, meta *yamldoc.Node, again bool) string {
	if meta == nil || len(item.Entries()) > 1 {
		var keys []string
		for _, e := range item.Entries() {
			keys = append(keys, e.Name())
		}
		slices.Sort(keys)
		return "The only expected key is metadata, but got keys: " + strings.Join(keys, ", ")
	}
	var words []string
	if again {
		words = append(words, "The group contains multiple metadata entries.")
	}
	if meta.Kind != yamldoc.Mapping {
		return strings.Join(append(words, "The metadata is not a dictionary. Got "+shown(meta)), " ")
	}
	var unexpected []string
	for _, e := range meta.Entries() {
		if e.Name() != "extend_group" {
			unexpected = append(unexpected, e.Name())
		}
	}
	if len(unexpected) > 0 {
		words = append(words, "The metadata contains unexpected keys: "+strings.Join(unexpected, ", "))
	}
	if extend := meta.Get("extend_group"); extend != nil && extend.Kind != yamldoc.Sequence {
		if _, text := value.AsString(extend.Value()); !text {
			words = append(words, fmt.Sprintf("The metadata contains unexpected key types: extend_group is %s (expected type list)", shown(extend)))
		}
	}
	return strings.Join(words, " ")
}

func shown(n *yamldoc.Node) string {
	s, _ := value.ToStr(n.Value())
	return s
}
