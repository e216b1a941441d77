package inventory

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/diag"
)

// Mismatch says what a pattern that matches nothing does (setting HOST_PATTERN_MISMATCH).
type Mismatch string

const (
	MismatchWarn   Mismatch = "warning"
	MismatchError  Mismatch = "error"
	MismatchIgnore Mismatch = "ignore"
)

// Query is a question for hosts.
type Query struct {
	Patterns []string // as in `hosts:`; each may be a list itself ("web:!db")
	Limit    []string // --limit, with "@file" terms; nil: none
	Order    string   // "", "inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle"
	Mismatch Mismatch // "" is MismatchWarn
	Python   string   // interpreter for an implicit localhost; "" is the template of Ansible
}

// Match answers a query: hosts by order of first appearance (BEHAVIOUR §2.5). Terms that match nothing add a warning.
func (inv *Inventory) Match(q Query) ([]*Host, error) {
	hosts, err := inv.evaluate(SplitPatterns(q.Patterns...), q)
	if err != nil {
		return nil, err
	}
	if len(q.Limit) > 0 {
		terms, err := limitTerms(q.Limit)
		if err != nil {
			return nil, err
		}
		allowed, err := inv.evaluate(terms, q)
		if err != nil {
			return nil, err
		}
		in := make(map[*Host]bool, len(allowed))
		for _, h := range allowed {
			in[h] = true
		}
		kept := make([]*Host, 0, len(hosts))
		for _, h := range hosts {
			if in[h] {
				kept = append(kept, h)
			}
		}
		hosts = kept
	}
	return ordered(hosts, q.Order)
}

func ordered(hosts []*Host, order string) ([]*Host, error) {
	switch order {
	case "", "inventory", "reverse_inventory":
	default:
		msg := fmt.Sprintf("Invalid 'order' specified for inventory hosts: %s", order)
		return nil, &diag.Diagnostic{Code: diag.WrongKeywordType, Summary: msg, Classic: msg, Exit: diag.ExitOptions}
	case "sorted", "reverse_sorted":
		sort.SliceStable(hosts, func(i, j int) bool { return hosts[i].Name < hosts[j].Name })
	case "shuffle":
		rand.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
	}
	if order == "reverse_sorted" || order == "reverse_inventory" {
		for i, j := 0, len(hosts)-1; i < j; i, j = i+1, j-1 {
			hosts[i], hosts[j] = hosts[j], hosts[i]
		}
	}
	return hosts, nil
}

// limitTerms splits --limit and reads the files it names; every line of a file is a term.
func limitTerms(limit []string) ([]string, error) {
	var terms []string
	for _, t := range SplitPatterns(limit...) {
		if !strings.HasPrefix(t, "@") {
			terms = append(terms, t)
			continue
		}
		name := t[1:]
		if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(name, "~/") {
			name = filepath.Join(home, name[2:])
		}
		if st, err := os.Stat(name); err == nil && st.IsDir() {
			return nil, &diag.Diagnostic{
				Code: diag.BadPattern, Summary: "the limit file " + name + " is a directory",
				Classic: "Limit starting with \"@\" must be a file, not a directory: " + pyBytes(name),
			}
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, &diag.Diagnostic{
				Code: diag.BadPattern, Summary: "the limit file " + name + " cannot be read", Cause: err,
				Classic: "Unable to find limit file " + pyBytes(name),
			}
		}
		for _, line := range strings.Split(string(data), "\n") {
			if line = strings.TrimSpace(line); line != "" {
				terms = append(terms, line)
			}
		}
	}
	return terms, nil
}

// pyBytes is how Python shows a file name that is bytes.
func pyBytes(name string) string {
	var b strings.Builder
	b.WriteString("b'")
	for i := range len(name) {
		if c := name[i]; c < ' ' || c > '~' {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String() + "'"
}

var patternParts = regexp.MustCompile(`(?:[^\s:\[\]]|\[[^\]]*\])+`)

// SplitPatterns splits host patterns into terms: at commas when there are any, else at colons outside brackets, unless the
// whole is an address with a port.
func SplitPatterns(patterns ...string) []string {
	var out []string
	for _, p := range patterns {
		p = strings.TrimSpace(p)
		switch {
		case p == "":
		case strings.Contains(p, ","):
			for _, part := range strings.Split(p, ",") {
				if part = strings.TrimSpace(part); part != "" {
					out = append(out, part)
				}
			}
		default:
			if host, port := SplitPort(p); port != 0 || isAddress(p) {
				out = append(out, host)
				continue
			}
			out = append(out, patternParts.FindAllString(p, -1)...)
		}
	}
	return out
}

var addressWithColons = regexp.MustCompile(`^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$`)

func isAddress(p string) bool {
	return addressWithColons.MatchString(p) || hostName.MatchString(p) && strings.Contains(p, "[")
}

// evaluate applies the terms: plain ones add hosts, "&" ones keep, "!" ones remove, whatever their order was.
func (inv *Inventory) evaluate(terms []string, q Query) ([]*Host, error) {
	var plain, keep, drop []string
	for _, t := range terms {
		switch t[0] {
		case '!':
			drop = append(drop, t[1:])
		case '&':
			keep = append(keep, t[1:])
		default:
			plain = append(plain, t)
		}
	}
	if len(plain) == 0 {
		plain = []string{"all"}
	}
	var out []*Host
	have := map[*Host]bool{}
	for _, t := range plain {
		hosts, err := inv.term(t, q)
		if err != nil {
			return nil, err
		}
		for _, h := range hosts {
			if !have[h] {
				have[h] = true
				out = append(out, h)
			}
		}
	}
	filter := func(terms []string, want bool) error {
		for _, t := range terms {
			hosts, err := inv.term(t, q)
			if err != nil {
				return err
			}
			in := make(map[*Host]bool, len(hosts))
			for _, h := range hosts {
				in[h] = true
			}
			kept := out[:0:0]
			for _, h := range out {
				if in[h] == want {
					kept = append(kept, h)
				}
			}
			out = kept
		}
		return nil
	}
	if err := filter(keep, true); err != nil {
		return nil, err
	}
	return out, filter(drop, false)
}

var (
	subscript = regexp.MustCompile(`^(.+)\[(?:(-?[0-9]+)|([0-9]+)([:-])([0-9]*))\]$`)
)

// term evaluates one term without its "!" or "&".
func (inv *Inventory) term(t string, q Query) ([]*Host, error) {
	if t == "" {
		return nil, nil
	}
	if h := inv.hosts[t]; h != nil {
		return []*Host{h}, nil
	}
	if h := inv.localhost; h != nil && h.Implicit && h.Name == t {
		return []*Host{h}, nil
	}
	base, pick := t, func(h []*Host) []*Host { return h }
	if t[0] != '~' {
		if m := subscript.FindStringSubmatch(t); m != nil {
			base = m[1]
			pick = func(hosts []*Host) []*Host { return slice(hosts, m[2], m[3], m[5]) }
		}
	}
	match, err := matcher(base)
	if err != nil {
		return nil, &diag.Diagnostic{
			Code: diag.BadPattern, Summary: fmt.Sprintf("the host pattern %q is no regular expression", base), Cause: err,
			Classic: "Invalid host list pattern: " + base,
		}
	}
	var out []*Host
	found := false
	seen := map[*Host]bool{}
	for _, g := range inv.gorder {
		if match(g.Name) {
			found = true
			for _, h := range g.AllHosts() {
				if !seen[h] {
					seen[h] = true
					out = append(out, h)
				}
			}
		}
	}
	if !found || base[0] == '~' || strings.ContainsAny(base, ".?*[") {
		for _, h := range inv.order {
			if match(h.Name) {
				found = true
				if !seen[h] {
					seen[h] = true
					out = append(out, h)
				}
			}
		}
	}
	if !found && isLocalhost(t) {
		return []*Host{inv.implicitLocalhost(t, q.Python)}, nil
	}
	if !found && base != "all" && base != "*" {
		text := "Could not match supplied host pattern, ignoring: " + t
		switch q.Mismatch {
		case MismatchIgnore:
		case MismatchError:
			return nil, &diag.Diagnostic{
				Code: diag.NoHostsMatched, Summary: fmt.Sprintf("no host matches %q", t),
				Classic: text,
			}
		default:
			inv.warn("%s", text)
		}
	}
	return pick(out), nil
}

// matcher compiles the language of a term: "~regex" matches from the start, all else is a shell pattern.
func matcher(t string) (func(string) bool, error) {
	if t[0] == '~' {
		re, err := regexp.Compile("^(?:" + t[1:] + ")")
		if err != nil {
			return nil, err
		}
		return re.MatchString, nil
	}
	if t == "all" || t == "*" {
		return func(string) bool { return true }, nil
	}
	if !strings.ContainsAny(t, "*?[") {
		return func(name string) bool { return name == t }, nil
	}
	// fnmatch's "[!x]" is path.Match's "[^x]"; a bracket that never closes is an ordinary character, and "/" is not special
	glob := strings.ReplaceAll(strings.ReplaceAll(t, `\`, `\\`), "[!", "[^")
	if _, err := path.Match(glob, ""); err != nil {
		glob = strings.ReplaceAll(glob, "[", `\[`)
	}
	glob = strings.ReplaceAll(glob, "/", "\x00")
	return func(name string) bool {
		ok, _ := path.Match(glob, strings.ReplaceAll(name, "/", "\x00"))
		return ok
	}, nil
}

// slice applies a subscript: [n] with n from either end, or [a:b] with b included, [a:] to the end.
func slice(hosts []*Host, at, from, to string) []*Host {
	if at != "" {
		n, err := strconv.Atoi(at)
		if n < 0 {
			n += len(hosts)
		}
		if err != nil || n < 0 || n >= len(hosts) {
			return nil
		}
		return hosts[n : n+1]
	}
	a, err := strconv.Atoi(from)
	if err != nil || a >= len(hosts) {
		return nil
	}
	b := len(hosts) - 1
	if to != "" {
		if b, err = strconv.Atoi(to); err != nil || b >= len(hosts) {
			b = len(hosts) - 1
		}
	}
	if b < a {
		return nil
	}
	return hosts[a : b+1]
}
