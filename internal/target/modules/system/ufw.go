package system

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var ufw = &module.Module{
	Name: "community.general.ufw",
	Doc:  "Keeps rules, policies and the state of the firewall ufw.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "state", Choices: []any{"enabled", "disabled", "reloaded", "reset"}},
			{Name: "default", Aliases: []string{"policy"}, Choices: []any{"allow", "deny", "reject"}},
			{Name: "logging", Choices: []any{"full", "high", "low", "medium", "off", "on"}},
			{Name: "direction", Choices: []any{"in", "incoming", "out", "outgoing", "routed"}},
			{Name: "delete", Type: module.TypeBool, Default: false},
			{Name: "route", Type: module.TypeBool, Default: false},
			{Name: "insert", Type: module.TypeInt},
			{Name: "insert_relative_to", Default: "zero", Choices: []any{"zero", "first-ipv4", "last-ipv4", "first-ipv6", "last-ipv6"}},
			{Name: "rule", Choices: []any{"allow", "deny", "limit", "reject"}},
			{Name: "interface", Aliases: []string{"if"}},
			{Name: "interface_in", Aliases: []string{"if_in"}},
			{Name: "interface_out", Aliases: []string{"if_out"}},
			{Name: "log", Type: module.TypeBool, Default: false},
			{Name: "from_ip", Default: "any", Aliases: []string{"from", "src"}},
			{Name: "from_port"},
			{Name: "to_ip", Default: "any", Aliases: []string{"dest", "to"}},
			{Name: "to_port", Aliases: []string{"port"}},
			{Name: "proto", Aliases: []string{"protocol"}, Choices: []any{"ah", "any", "esp", "ipv6", "tcp", "udp", "gre", "igmp"}},
			{Name: "name", Aliases: []string{"app"}},
			{Name: "comment"},
		},
		Rules: module.Rules{
			MutuallyExclusive: [][]string{{"name", "proto", "logging"}, {"direction", "interface_in"}, {"direction", "interface_out"}},
			RequiredOneOf:     [][]string{{"state", "default", "rule", "logging"}},
			RequiredBy:        map[string][]string{"interface": {"direction"}},
		},
		CheckMode: true,
	},
	Run: runUfw,
}

type ufwCall struct {
	*module.Call
	run       hostos.Runner
	bin, grep string
	commands  []string
	status    string // before
	rules     string // before
	changed   bool
}

func runUfw(ctx context.Context, c *module.Call) (module.Result, error) {
	u := &ufwCall{Call: c, run: hostos.RunnerOf(ctx, c)}
	var err error
	if u.bin, err = u.run.Need("ufw"); err != nil {
		return nil, err
	}
	if u.grep, err = u.run.Need("grep"); err != nil {
		return nil, err
	}
	if u.status, err = u.exec("status verbose"); err != nil {
		return nil, err
	}
	if u.rules, err = u.currentRules(); err != nil {
		return nil, err
	}
	for _, part := range []struct {
		option string
		apply  func(value string) error
	}{{"state", u.state}, {"default", u.policy}, {"rule", u.rule}, {"logging", u.logging}} {
		if v := u.Str(part.option); v != "" {
			if err := part.apply(v); err != nil {
				return nil, err
			}
		}
	}
	if u.Check {
		return module.Result{"changed": u.changed, "commands": u.commands}, nil
	}
	status, err := u.exec("status verbose")
	if err != nil {
		return nil, err
	}
	if !u.changed {
		rules, err := u.currentRules()
		if err != nil {
			return nil, err
		}
		u.changed = status != u.status || rules != u.rules
	}
	return module.Result{"changed": u.changed, "commands": u.commands, "msg": strings.TrimRight(status, " \t\r\n\v\f")}, nil
}

// exec runs ufw with words that sh(1) would split so.
func (u *ufwCall) exec(words ...string) (string, error) {
	out, err := u.shell(append([]string{u.bin}, words...))
	if err == nil && out.RC != 0 {
		msg := out.Stderr
		if msg == "" {
			msg = out.Stdout
		}
		err = module.Fail(msg, module.Result{"commands": u.commands})
	}
	return out.Stdout, err
}

func (u *ufwCall) shell(words []string) (hostos.Output, error) {
	line := strings.Join(words, " ")
	u.commands = append(u.commands, line)
	args, err := hostos.SplitWords(line)
	if err != nil {
		return hostos.Output{}, module.Fail(err.Error(), module.Result{"commands": u.commands})
	}
	return u.run.With(hostos.Cmd{Args: args, Env: []string{"LANG=C"}})
}

// currentRules are the lines of ufw's own files that describe the rules. Where they lie depends on the system.
func (u *ufwCall) currentRules() (string, error) {
	words := []string{u.grep, "-h", "'^### tuple'"}
	for _, dir := range []string{"/lib/ufw", "/etc/ufw", "/var/lib/ufw"} {
		words = append(words, dir+"/user.rules", dir+"/user6.rules")
	}
	out, err := u.shell(words)
	return out.Stdout, err
}

func (u *ufwCall) state(v string) error {
	if v == "reloaded" || v == "reset" {
		u.changed = true
	}
	if u.Check {
		if active := strings.Contains(u.status, " active"); v == "disabled" && active || v == "enabled" && !active {
			u.changed = true
		}
		return nil
	}
	_, err := u.exec("-f", map[string]string{"enabled": "enable", "disabled": "disable", "reloaded": "reload", "reset": "reset"}[v])
	return err
}

var ufwLogging = regexp.MustCompile(`Logging: (on|off)(?: \(([a-z]+)\))?`)

func (u *ufwCall) logging(v string) error {
	have := ufwLogging.FindStringSubmatch(u.status)
	switch {
	case have == nil, (v == "off") != (have[1] == "off"), v != "off" && v != "on" && v != have[2]:
		u.changed = true
	}
	if u.Check {
		return nil
	}
	_, err := u.exec("logging", v)
	return err
}

var ufwPolicies = regexp.MustCompile(`Default: (deny|allow|reject) \(incoming\), (deny|allow|reject) \(outgoing\), (deny|allow|reject|disabled) \(routed\)`)

func (u *ufwCall) policy(v string) error {
	direction := u.Str("direction")
	at := map[string]int{"": 1, "incoming": 1, "outgoing": 2, "routed": 3}[direction]
	if at == 0 {
		return module.Fail(`For default, direction must be one of "outgoing", "incoming" and "routed", or direction must not be specified.`, nil)
	}
	if u.Check {
		if have := ufwPolicies.FindStringSubmatch(u.status); have == nil || have[at] != v && have[at] != "disabled" {
			u.changed = true
		}
		return nil
	}
	words := []string{"default", v}
	if direction != "" {
		words = append(words, direction)
	}
	_, err := u.exec(words...)
	return err
}

func (u *ufwCall) rule(v string) error {
	switch u.Str("direction") {
	case "", "in", "out":
	default:
		return module.Fail(`For rules, direction must be one of "in" and "out", or direction must not be specified.`, nil)
	}
	if !u.Bool("route") && u.Str("interface_in") != "" && u.Str("interface_out") != "" {
		return module.Fail("Only route rules can combine interface_in and interface_out", nil)
	}
	var words []string
	for _, w := range []struct {
		wanted bool
		word   string
	}{{u.Check, "--dry-run"}, {u.Bool("route"), "route"}, {u.Bool("delete"), "delete"}} {
		if w.wanted {
			words = append(words, w.word)
		}
	}
	if u.Has("insert") && !u.Bool("delete") {
		at, err := u.place()
		if err != nil {
			return err
		}
		words = append(words, at...)
	}
	words = append(words, v)
	option := func(name, before, after string) {
		if v := u.Str(name); v != "" {
			words = append(words, before+v+after)
		}
	}
	option("direction", "", "")
	option("interface", "on ", "")
	option("interface_in", "in on ", "")
	option("interface_out", "out on ", "")
	if u.Bool("log") {
		words = append(words, "log")
	}
	option("from_ip", "from ", "")
	option("from_port", "port ", "")
	option("to_ip", "to ", "")
	option("to_port", "port ", "")
	option("proto", "proto ", "")
	option("name", "app '", "'")
	comments, err := u.comments()
	if err != nil {
		return err
	}
	if comments {
		option("comment", "comment '", "'")
	}
	said, err := u.exec(words...)
	if err == nil && u.Check && u.differs(said) {
		u.changed = true
	}
	return err
}

var numberedRule = regexp.MustCompile(`^\[ *([0-9]+)\] `)

// place is where a rule is inserted: a number of its own, or one counted from the first or last rule of a kind. Behind the last rule
// nothing is inserted but added.
func (u *ufwCall) place() ([]string, error) {
	at := int(u.Int("insert"))
	if u.Str("insert_relative_to") == "zero" {
		return []string{"insert " + strconv.Itoa(at)}, nil
	}
	out, err := u.run.Run(u.bin, "status", "numbered")
	if err != nil {
		return nil, err
	}
	last, last4, any6 := 0, 0, false
	for line := range strings.Lines(out.Stdout) {
		m := numberedRule.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		n, err := strconv.Atoi(m[1])
		if err != nil {
			continue
		}
		last = max(last, n)
		if strings.Contains(line, "(v6)") {
			any6 = true
		} else {
			last4 = max(last4, n)
		}
	}
	switch u.Str("insert_relative_to") {
	case "first-ipv4":
		at++
	case "last-ipv4":
		at += max(last4, 1)
	case "first-ipv6":
		at += last4 + 1
	case "last-ipv6":
		at += last
		if !any6 {
			at++
		}
	}
	if at > last {
		return nil, nil
	}
	return []string{"insert " + strconv.Itoa(at)}, nil
}

var ufwVersion = regexp.MustCompile(`^ufw.+(\d+)\.(\d+)`)

// comments says whether this ufw knows comments: since 0.35.
func (u *ufwCall) comments() (bool, error) {
	said, err := u.exec("--version")
	if err != nil {
		return false, err
	}
	var first string
	for line := range strings.Lines(said) {
		if first == "" {
			first = strings.TrimSpace(line)
		}
	}
	m := ufwVersion.FindStringSubmatch(first)
	if m == nil {
		return false, module.Fail("Failed to get ufw version.", module.Result{"rc": 0, "out": said})
	}
	minor, err := strconv.Atoi(m[2])
	return m[1] != "0" || err == nil && minor >= 35, nil
}

// An address of one kind at the start of an option, and anywhere in a rule.
var (
	startsIPv4 = regexp.MustCompile(`^(?:` + octet + `\.){3}[0-9]`)
	hasIPv4    = regexp.MustCompile(`[0-9]\.(?:` + octet + `\.){2}[0-9]`)
	startsIPv6 = regexp.MustCompile(`^(?:(?:[0-9a-fA-F]{1,4}:){1,7}:|::|(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]|fe80:%[0-9a-zA-Z])`)
	hasIPv6    = regexp.MustCompile(`::|(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]|fe80:%[0-9a-zA-Z]`)
)

const octet = `(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[0-9]{1,2})`

// differs says whether the rules that a dry run announces are others than the present ones. It announces those of one kind of
// addresses only, when the rule names one.
func (u *ufwCall) differs(announced string) bool {
	skipping, all := 0, 0
	for line := range strings.Lines(announced) {
		if all++; strings.Contains(line, "Skipping") {
			skipping++
		}
	}
	if skipping > 0 && skipping == all {
		return false
	}
	keep := func(string) bool { return true }
	switch from, to := u.Str("from_ip"), u.Str("to_ip"); {
	case startsIPv4.MatchString(from) || startsIPv4.MatchString(to):
		keep = hasIPv4.MatchString
	case startsIPv6.MatchString(from) || startsIPv6.MatchString(to):
		keep = hasIPv6.MatchString
	}
	only := func(text string) string {
		var b strings.Builder
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "### tuple") && keep(line) {
				b.WriteString(line)
			}
		}
		return b.String()
	}
	return only(announced) != only(u.rules)
}
