package system

import (
	"context"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var iptables = &module.Module{
	Name: "ansible.builtin.iptables",
	Doc:  "Adds and removes rules and chains of the packet filter.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "action", Default: "append", Choices: []any{"append", "insert"}},
			{Name: "chain"},
			{Name: "chain_management", Type: module.TypeBool, Default: false},
			{Name: "comment"},
			{Name: "ctstate", Type: module.TypeList, Elements: module.TypeStr, Default: []any{}},
			{Name: "destination"},
			{Name: "destination_port"},
			{Name: "destination_ports", Type: module.TypeList, Elements: module.TypeStr, Default: []any{}},
			{Name: "dst_range"},
			{Name: "flush", Type: module.TypeBool, Default: false},
			{Name: "fragment"},
			{Name: "gateway"},
			{Name: "gid_owner"},
			{Name: "goto"},
			{Name: "icmp_type"},
			{Name: "in_interface"},
			{Name: "ip_version", Default: "ipv4", Choices: []any{"ipv4", "ipv6"}},
			{Name: "jump"},
			{Name: "limit"},
			{Name: "limit_burst"},
			{Name: "log_level", Choices: []any{"0", "1", "2", "3", "4", "5", "6", "7", "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"}},
			{Name: "log_prefix"},
			{Name: "match", Type: module.TypeList, Elements: module.TypeStr, Default: []any{}},
			{Name: "match_set"},
			{Name: "match_set_flags", Choices: []any{"src", "dst", "src,dst", "dst,src", "src,src", "dst,dst"}},
			{Name: "numeric", Type: module.TypeBool, Default: false},
			{Name: "out_interface"},
			{Name: "policy", Choices: []any{"ACCEPT", "DROP", "QUEUE", "RETURN"}},
			{Name: "protocol"},
			{Name: "reject_with"},
			{Name: "rule_num"},
			{Name: "set_counters"},
			{Name: "set_dscp_mark"},
			{Name: "set_dscp_mark_class"},
			{Name: "source"},
			{Name: "source_port"},
			{Name: "src_range"},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			{Name: "syn", Default: "ignore", Choices: []any{"ignore", "match", "negate"}},
			{Name: "table", Default: "filter", Choices: []any{"filter", "nat", "mangle", "raw", "security"}},
			{Name: "tcp_flags", Type: module.TypeDict, Options: []module.Option{
				{Name: "flags", Type: module.TypeList, Elements: module.TypeStr},
				{Name: "flags_set", Type: module.TypeList, Elements: module.TypeStr},
			}},
			{Name: "to_destination"},
			{Name: "to_ports"},
			{Name: "to_source"},
			{Name: "uid_owner"},
			{Name: "wait"},
		},
		Rules: module.Rules{
			MutuallyExclusive: [][]string{{"set_dscp_mark", "set_dscp_mark_class"}, {"flush", "policy"}},
			RequiredBy:        map[string][]string{"set_dscp_mark": {"jump"}, "set_dscp_mark_class": {"jump"}},
			RequiredIf: []module.RequiredIf{
				{Key: "jump", Value: "TEE", Needs: []string{"gateway"}}, {Key: "jump", Value: "tee", Needs: []string{"gateway"}}, {Key: "flush", Value: false, Needs: []string{"chain"}},
			},
		},
		CheckMode: true,
	},
	Run: runIptables,
}

// packetFilter is one call of the module.
type packetFilter struct {
	c    *module.Call
	run  hostos.Runner
	bin  string
	rule []string
}

func runIptables(ctx context.Context, c *module.Call) (module.Result, error) {
	f := &packetFilter{c: c, run: hostos.RunnerOf(ctx, c), rule: iptablesRule(c)}
	if c.Has("log_prefix") || c.Has("log_level") {
		if !c.Has("jump") {
			c.Args["jump"] = "LOG"
		} else if c.Str("jump") != "LOG" {
			return nil, module.Fail("Logging options can only be used with the LOG jump target.", nil)
		}
	}
	said := f.rule
	f.rule = iptablesRule(c)
	var err error
	if f.bin, err = f.run.Need(map[string]string{"ipv4": "iptables", "ipv6": "ip6tables"}[c.Str("ip_version")]); err != nil {
		return nil, err
	}
	r := module.Result{
		"changed": false, "failed": false, "ip_version": c.Str("ip_version"), "table": c.Str("table"), "chain": c.Args["chain"], "flush": c.Bool("flush"),
		"rule": strings.Join(said, " "), "state": c.Str("state"), "chain_management": c.Bool("chain_management"),
	}
	changed := false
	switch {
	case c.Bool("flush"):
		changed = true
		if !c.Check {
			_, err = f.must("-F", nil)
		}
	case c.Has("policy"):
		changed, err = f.policy()
	case len(f.rule) == 0:
		changed, err = f.chain()
	default:
		changed, err = f.keepRule()
	}
	if err != nil {
		return nil, err
	}
	r["changed"] = changed
	return r, nil
}

// command is the program's line for an action such as -A.
func (f *packetFilter) command(action string, rule []string) []string {
	args := []string{f.bin, "-t", f.c.Str("table"), action}
	if chain := f.c.Str("chain"); chain != "" {
		args = append(args, chain)
	}
	if n := f.c.Str("rule_num"); action == "-I" && n != "" {
		args = append(args, n)
	}
	return append(args, rule...)
}

func (f *packetFilter) must(action string, rule []string) (hostos.Output, error) {
	args := f.command(action, rule)
	out, err := f.run.Run(args...)
	if err == nil && out.RC != 0 {
		quoted := make([]string, len(args))
		for i, a := range args {
			quoted[i] = hostos.ShellQuote(a)
		}
		err = module.Fail(strings.TrimRight(out.Err(), "\n"), module.Result{"rc": out.RC, "stdout": out.Stdout, "stderr": out.Stderr, "cmd": strings.Join(quoted, " ")})
	}
	return out, err
}

// holds reports whether the program confirms something.
func (f *packetFilter) holds(args ...string) (bool, error) {
	out, err := f.run.Run(args...)
	return err == nil && out.RC == 0, err
}

// listing are the words after -L and the chain.
func (f *packetFilter) listing() []string {
	if f.c.Bool("numeric") {
		return []string{"--numeric"}
	}
	return nil
}

// policy sets what happens to packets that no rule of the chain takes.
func (f *packetFilter) policy() (bool, error) {
	out, err := f.must("-L", f.listing())
	if err != nil {
		return false, err
	}
	want := f.c.Str("policy")
	first, _, _ := strings.Cut(out.Stdout, "\n")
	_, have, ok := strings.Cut(first, "(policy ")
	if have, _, _ = strings.Cut(have, ")"); !ok {
		return false, module.Fail("Can't detect current policy", nil)
	}
	if have, _, _ = strings.Cut(have, " "); have == want {
		return false, nil
	}
	if !f.c.Check {
		_, err = f.must("-P", []string{want})
	}
	return true, err
}

// chain makes or removes the chain itself.
func (f *packetFilter) chain() (bool, error) {
	there, err := f.holds(f.command("-L", f.listing())...)
	want := f.c.Str("state") == "present"
	if err != nil || there == want {
		return false, err
	}
	if f.c.Bool("chain_management") && !f.c.Check {
		_, err = f.must(map[bool]string{true: "-N", false: "-X"}[want], nil)
	}
	return true, err
}

// keepRule adds or removes the rule.
func (f *packetFilter) keepRule() (bool, error) {
	there, err := f.holds(f.command("-C", f.rule)...)
	want := f.c.Str("state") == "present"
	if err != nil || there == want {
		return false, err
	}
	if f.c.Check {
		return true, nil
	}
	action := "-D"
	if want {
		action = map[string]string{"append": "-A", "insert": "-I"}[f.c.Str("action")]
	}
	_, err = f.must(action, f.rule)
	return true, err
}

// iptablesRule is the rule in the program's words, in the order in which the real module writes it.
func iptablesRule(c *module.Call) []string {
	var rule []string
	loaded := c.Strings("match")
	add := func(option string, flags ...string) { // a value that begins with ! is meant to be another
		v := c.Str(option)
		if v == "" {
			return
		}
		if rest, not := strings.CutPrefix(v, "!"); not {
			rule, v = append(rule, "!"), rest
		}
		rule = append(append(rule, flags...), v)
	}
	match := func(name string) {
		for _, m := range loaded {
			if m == name {
				return
			}
		}
		rule = append(rule, "-m", name)
	}
	if w := c.Str("wait"); w != "" {
		rule = append(rule, "-w", w)
	}
	add("protocol", "-p")
	add("source", "-s")
	add("destination", "-d")
	for _, m := range loaded {
		rule = append(rule, "-m", m)
	}
	if flags, ok := c.Args["tcp_flags"].(map[string]any); ok && flags["flags"] != nil && flags["flags_set"] != nil {
		list := func(v any) string {
			elems, _ := v.([]any)
			words := make([]string, len(elems))
			for i, e := range elems {
				words[i] = module.Text(e)
			}
			return strings.Join(words, ",")
		}
		rule = append(rule, "--tcp-flags", list(flags["flags"]), list(flags["flags_set"]))
	}
	add("jump", "-j")
	if strings.EqualFold(c.Str("jump"), "tee") {
		add("gateway", "--gateway")
	}
	add("log_prefix", "--log-prefix")
	add("log_level", "--log-level")
	add("to_destination", "--to-destination")
	if ports := c.Strings("destination_ports"); len(ports) > 0 {
		rule = append(rule, "-m", "multiport", "--dports", strings.Join(ports, ","))
	}
	add("to_source", "--to-source")
	add("goto", "-g")
	add("in_interface", "-i")
	add("out_interface", "-o")
	add("fragment", "-f")
	add("set_counters", "-c")
	add("source_port", "--source-port")
	add("destination_port", "--destination-port")
	add("to_ports", "--to-ports")
	for option, flag := range map[string]string{"set_dscp_mark": "--set-dscp", "set_dscp_mark_class": "--set-dscp-class"} { // never both
		add(option, flag)
		if c.Str(option) != "" && !strings.EqualFold(c.Str("jump"), "dscp") {
			rule = append(rule, "-j", "DSCP")
		}
	}
	switch c.Str("syn") {
	case "match":
		rule = append(rule, "--syn")
	case "negate":
		rule = append(rule, "!", "--syn")
	}
	if states := strings.Join(c.Strings("ctstate"), ","); states != "" {
		flag := "--ctstate"
		if len(loaded) > 0 && loaded[0] == "state" {
			flag = "--state"
		} else {
			match("conntrack")
		}
		rule = append(rule, flag, states)
	}
	if c.Str("src_range") != "" || c.Str("dst_range") != "" {
		match("iprange")
		add("src_range", "--src-range")
		add("dst_range", "--dst-range")
	}
	if c.Str("match_set") != "" {
		match("set")
		add("match_set", "--match-set")
		rule = append(rule, c.Str("match_set_flags"))
	}
	if c.Str("limit") != "" || c.Str("limit_burst") != "" {
		rule = append(rule, "-m", "limit")
		add("limit", "--limit")
		add("limit_burst", "--limit-burst")
	}
	if c.Str("uid_owner") != "" {
		rule = append(rule, "-m", "owner")
		add("uid_owner", "--uid-owner")
	}
	if c.Str("gid_owner") != "" {
		rule = append(rule, "-m", "owner")
		add("gid_owner", "--gid-owner")
	}
	if c.Str("reject_with") != "" {
		if c.Str("jump") == "" {
			rule = append(rule, "-j", "REJECT")
		}
		add("reject_with", "--reject-with")
	}
	add("icmp_type", map[string]string{"ipv4": "--icmp-type", "ipv6": "--icmpv6-type"}[c.Str("ip_version")])
	if v := c.Str("comment"); v != "" {
		rule = append(rule, "-m", "comment")
		rule = append(rule, "--comment", v)
	}
	return rule
}
