package inventory

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/internal/source"
)

var (
	iniSection = regexp.MustCompile(`^\[([^:\]\s]+)(?::([\p{L}\p{N}_]+))?\]\s*(?:#.*)?$`)
	iniGroup   = regexp.MustCompile(`^([^:\]\s]+)\s*(?:#.*)?$`)
)

// pendingGroup is a group that is used before it is declared.
type pendingGroup struct {
	line    int
	state   string
	parents []string
}

// parseINI reads an INI inventory (BEHAVIOUR §2.2).
func (inv *Inventory) parseINI(file string, data []byte) error {
	state, group := "hosts", "ungrouped"
	pending := map[string]*pendingGroup{}
	var order []string
	for i, raw := range strings.Split(string(data), "\n") {
		n := i + 1
		line := strings.TrimSpace(raw)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		at := source.Pos{File: file, Line: n, Col: 1 + strings.Index(raw, line)}
		fail := func(format string, args ...any) error {
			return wrong(at, utf8.RuneCountInString(line), fmt.Errorf("%s:%d: %s", file, n, fmt.Sprintf(format, args...)))
		}
		placed := func(err error) error { return wrong(at, utf8.RuneCountInString(line), err) }
		if m := iniSection.FindStringSubmatch(line); m != nil {
			group, state = inv.SafeName(m[1]), "hosts"
			if m[2] != "" {
				state = m[2]
			}
			if state != "hosts" && state != "children" && state != "vars" {
				return fail("Section [%s:%s] has unknown type: %s", m[1], m[2], state)
			}
			if inv.groups[group] == nil {
				p := pending[group]
				switch {
				case state == "vars":
					if p == nil {
						pending[group] = &pendingGroup{line: n, state: state}
						order = append(order, group)
					}
				case p != nil && p.state == "children":
					inv.group(group)
					if err := inv.addPending(p.parents, group); err != nil {
						return placed(err)
					}
					delete(pending, group)
				case p != nil:
					delete(pending, group)
				}
				inv.group(group)
			} else if p := pending[group]; p != nil && state != "vars" {
				if p.state == "children" {
					if err := inv.addPending(p.parents, group); err != nil {
						return placed(err)
					}
				}
				delete(pending, group)
			}
			continue
		}
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			return fail("Invalid section entry: '%s'. Please make sure that there are no spaces in the section entry, and that there are no other invalid characters", line)
		}
		switch state {
		case "hosts":
			if err := inv.iniHost(line, group, at, fail); err != nil {
				return placed(err)
			}
		case "vars":
			k, v, ok := strings.Cut(line, "=")
			if !ok {
				return fail("Expected key=value, got: %s", line)
			}
			if err := inv.groups[group].SetVar(strings.TrimSpace(k), typed(strings.TrimSpace(v), at), at); err != nil {
				return placed(err)
			}
		case "children":
			m := iniGroup.FindStringSubmatch(line)
			if m == nil {
				return fail("Expected group name, got: %s", line)
			}
			child := inv.SafeName(m[1])
			if inv.groups[child] != nil {
				if err := inv.AddChild(group, child); err != nil {
					return placed(err)
				}
				continue
			}
			p := pending[child]
			if p == nil {
				p = &pendingGroup{}
				pending[child] = p
				order = append(order, child)
			}
			if p.state != "children" {
				p.line, p.state = n, "children"
			}
			p.parents = append(p.parents, group)
		}
	}
	for _, name := range order {
		p := pending[name]
		switch {
		case p == nil:
		case p.state == "vars":
			return wrong(source.Pos{File: file, Line: p.line}, 0, fmt.Errorf("%s:%d: Section [%s:vars] not valid for undefined group: %s", file, p.line, name, name))
		default:
			return wrong(source.Pos{File: file, Line: p.line}, 0, fmt.Errorf("%s:%d: Section [%s:children] includes undefined group: %s", file, p.line, p.parents[len(p.parents)-1], name))
		}
	}
	return nil
}

func (inv *Inventory) addPending(parents []string, child string) error {
	for _, parent := range parents {
		if err := inv.AddChild(parent, child); err != nil {
			return err
		}
	}
	return nil
}

// iniHost reads a line "name[range]:port key=value …".
func (inv *Inventory) iniHost(line, group string, at source.Pos, fail func(string, ...any) error) error {
	words, err := shellWords(line)
	if err != nil {
		return fail("Error parsing host definition '%s': %v", line, err)
	}
	if len(words) == 0 {
		return nil
	}
	if strings.HasSuffix(words[0], ":") {
		return fmt.Errorf("Invalid host pattern '%s' supplied, ending in ':' is not allowed, this character is reserved to provide a port.", words[0])
	}
	if strings.TrimSpace(words[0]) == "---" {
		return fmt.Errorf("Invalid host pattern '%s' supplied, '---' is normally a sign this is a YAML file.", words[0])
	}
	names, port, err := expand(words[0])
	if err != nil {
		return err
	}
	for _, w := range words[1:] {
		if !strings.Contains(w, "=") {
			return fail("Expected key=value host variable assignment, got: %s", w)
		}
	}
	for _, name := range names {
		h, err := inv.AddHost(name, group, port)
		if err != nil {
			return err
		}
		for _, w := range words[1:] {
			k, v, _ := strings.Cut(w, "=")
			h.SetVar(k, typed(v, at), at)
		}
	}
	return nil
}
