// Package facts finds out what the setup module reports: one collector per subset, reading /proc, /sys and /etc directly.
//
// Called by internal/target/modules/system (setup) and by modules that need to know the distribution.
package facts

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// Query says which facts to gather.
type Query struct {
	Subset   []string // gather_subset: names of subsets or facts, "all", "min", each maybe with "!"
	Filter   []string // shell patterns of fact names, with or without ansible_; empty keeps all
	Timeout  time.Duration
	FactPath string   // directory of local facts
	Python   string   // the interpreter that facts about Python describe; "" finds one
	Env      []string // additions to the environment facts
}

// host is what collectors get: the query and where to leave facts and warnings.
type host struct {
	Query
	ctx      context.Context
	mu       sync.Mutex
	facts    map[string]any
	warnings []string

	discovered string // the interpreter that was found because the query names none

	distro func() map[string]any // the distribution's facts, read once
}

func (h *host) set(key string, v any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.facts[key] = v
}

func (h *host) warn(msg string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.warnings = append(h.warnings, msg)
}

// collector gathers one subset.
type collector struct {
	name     string
	min      bool     // part of the subset min
	facts    []string // names of facts that stand for the subset
	requires []string // subsets that come with it
	collect  func(h *host)
}

// collectors are the subsets, in alphabetical order.
var collectors = []collector{
	{name: "apparmor", min: true, collect: apparmor},
	{name: "caps", min: true, facts: []string{"system_capabilities", "system_capabilities_enforced"}, collect: caps},
	{name: "chroot", facts: []string{"is_chroot"}, collect: chroot},
	{name: "cmdline", min: true, collect: cmdline},
	{name: "date_time", min: true, collect: dateTime},
	{name: "distribution", min: true, facts: []string{"distribution_major_version", "distribution_release", "distribution_version", "os_family"},
		collect: distribution},
	{name: "dns", min: true, collect: dns},
	{name: "env", min: true, collect: env},
	{name: "facter", facts: []string{"facter"}, collect: facter},
	{name: "fibre_channel_wwn", collect: fibreChannel},
	{name: "fips", min: true, collect: fips},
	{name: "hardware", facts: []string{"devices", "mounts", "processor", "processor_cores", "processor_count"}, requires: []string{"platform"},
		collect: hardware},
	{name: "iscsi", collect: iscsi},
	{name: "loadavg", collect: loadavg},
	{name: "local", min: true, collect: local},
	{name: "lsb", min: true, collect: lsb},
	{name: "network", facts: []string{"all_ipv4_addresses", "all_ipv6_addresses", "default_ipv4", "default_ipv6", "interfaces"},
		requires: []string{"distribution", "platform"}, collect: network},
	{name: "nvme", collect: nvme},
	{name: "ohai", collect: ohai},
	{name: "pkg_mgr", min: true, requires: []string{"distribution"}, collect: pkgMgr},
	{name: "platform", min: true, facts: []string{"architecture", "kernel", "kernel_version", "machine", "machine_id", "python_version", "system"},
		collect: platform},
	{name: "python", min: true, collect: python},
	{name: "selinux", min: true, collect: selinux},
	{name: "service_mgr", min: true, requires: []string{"distribution", "platform"}, collect: serviceMgr},
	{name: "ssh_pub_keys", min: true, facts: []string{"ssh_host_key_dsa_public", "ssh_host_key_ecdsa_public", "ssh_host_key_ed25519_public",
		"ssh_host_key_rsa_public", "ssh_host_pub_keys"}, collect: sshKeys},
	{name: "systemd", collect: systemd},
	{name: "user", min: true, facts: []string{"effective_group_ids", "effective_user_id", "real_user_id", "user_dir", "user_gecos", "user_gid",
		"user_id", "user_shell", "user_uid"}, collect: user},
	{name: "virtual", facts: []string{"virtualization_role", "virtualization_tech_guest", "virtualization_tech_host", "virtualization_type"},
		collect: virtual},
}

// choose picks the collectors of a gather_subset.
func choose(subset []string) ([]collector, error) {
	index := map[string][]int{}
	for i, c := range collectors {
		index[c.name] = append(index[c.name], i)
		for _, f := range c.facts {
			index[f] = append(index[f], i)
		}
	}
	want, drop, asked := map[int]bool{}, map[int]bool{}, map[int]bool{}
	all, min := len(subset) == 0, true // a list of exclusions alone leaves min
	for _, s := range subset {
		name, not := strings.CutPrefix(s, "!")
		switch {
		case name == "all" && not:
		case name == "all":
			all = true
		case name == "min":
			min = !not
		case not:
			for _, i := range index[name] {
				drop[i] = true
			}
		default:
			list, ok := index[name]
			if !ok {
				names := slices.Sorted(maps.Keys(index))
				return nil, fmt.Errorf("Bad subset '%s' given to Ansible. gather_subset options allowed: all, %s", s, strings.Join(names, ", "))
			}
			for _, i := range list {
				asked[i] = true
			}
		}
	}
	for i, c := range collectors {
		if all || min && c.min || asked[i] {
			want[i] = true
		}
		if drop[i] && !asked[i] || !min && c.min && !asked[i] {
			delete(want, i)
		}
	}
	var out []collector
	for more := true; more; {
		more = false
		for i := range collectors {
			if want[i] {
				for _, r := range collectors[i].requires {
					for _, j := range index[r] {
						if !want[j] {
							want[j], more = true, true
						}
					}
				}
			}
		}
	}
	for i, c := range collectors {
		if want[i] {
			out = append(out, c)
		}
	}
	return out, nil
}

// Gather collects facts, their names with the prefix ansible_. An unknown subset is an error. A collector that does not end
// in time leaves its facts out and a warning.
func Gather(ctx context.Context, q Query) (map[string]any, []string, error) {
	list, err := choose(q.Subset)
	if err != nil {
		return nil, nil, err
	}
	if q.Timeout <= 0 {
		q.Timeout = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, q.Timeout)
	defer cancel()
	h := &host{Query: q, ctx: ctx, facts: map[string]any{}}
	h.distro = sync.OnceValue(func() map[string]any { return readDistribution("/") })
	var wg sync.WaitGroup
	for _, c := range list {
		wg.Go(func() { c.collect(h) })
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		// Collectors that hang in the kernel (a dead network mount) end when they can; what the others found is used.
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make(map[string]any, len(h.facts)+2)
	for k, v := range h.facts {
		out["ansible_"+k] = v
	}
	subset := q.Subset
	if len(subset) == 0 {
		subset = []string{"all"}
	}
	out["gather_subset"], out["module_setup"] = subset, true
	filter(out, q.Filter)
	if h.discovered != "" { // as of every task that had to look for an interpreter, not a fact that can be filtered
		out["discovered_interpreter_python"] = h.discovered
	}
	return out, slices.Clone(h.warnings), nil
}

// filter removes the facts that no pattern matches.
func filter(facts map[string]any, patterns []string) {
	if len(patterns) == 0 || slices.Contains(patterns, "*") {
		return
	}
	for k := range facts {
		keep := false
		for _, p := range patterns {
			if p == "" {
				keep = true
			}
			for _, form := range []string{p, "ansible_" + p} {
				if ok, err := path.Match(strings.ReplaceAll(form, "[!", "[^"), k); ok && err == nil {
					keep = true
				}
			}
		}
		if !keep {
			delete(facts, k)
		}
	}
}

// readLine is the content of a file without space around it; "" when it cannot be read.
func readLine(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// lines are the lines of a file, none when it cannot be read.
func lines(name string) []string {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimRight(string(b), "\n"), "\n")
}
