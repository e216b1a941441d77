package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// scriptGrace is how long a script that was told to stop may take before it is killed.
const scriptGrace = 2 * time.Second

// runScript runs an inventory script and returns its standard output. Its standard error goes to o.Stderr as well.
func (l *loader) runScript(ctx context.Context, path string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = scriptGrace
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if l.o.Stderr != nil && stderr.Len() > 0 {
		_, _ = l.o.Stderr.Write(stderr.Bytes())
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return nil, fmt.Errorf("Inventory script (%s) had an execution error: %s", path, strings.TrimSuffix(stderr.String(), "\n")+ifText(stderr.Len() > 0, "\n "))
	case err != nil:
		return nil, fmt.Errorf("problem running %s --list ([Errno %s)", path, osError(err, path))
	}
	return stdout.Bytes(), nil
}

func ifText(cond bool, text string) string {
	if cond {
		return text
	}
	return ""
}

func osError(err error, path string) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "exec format error"):
		return fmt.Sprintf("8] Exec format error: '%s'", path)
	case strings.Contains(text, "no such file"):
		return fmt.Sprintf("2] No such file or directory: '%s'", path)
	case strings.Contains(text, "permission denied"):
		return fmt.Sprintf("13] Permission denied: '%s'", path)
	}
	return text
}

// parseScript runs an inventory script with --list and, when it gives no _meta, with --host for every host (BEHAVIOUR §2.4).
// What it prints is data of the user's own program and may hold templates, as in Ansible.
func (inv *Inventory) parseScript(ctx context.Context, l *loader, path string, args []string) error {
	out, err := l.runScript(ctx, path, append(args, "--list")...)
	if err != nil {
		return err
	}
	root, err := yamldoc.LoadJSON(out, yamldoc.Options{File: "", Open: l.o.Open})
	if err != nil {
		return fmt.Errorf("failed to parse executable inventory script results from %s: %v. %v\n", path, err, err)
	}
	if root.Kind != yamldoc.Mapping {
		return fmt.Errorf("failed to parse executable inventory script results from %s: needs to be a json dict\n", path)
	}
	var meta map[string]*yamldoc.Node // by the host's name: there may be very many
	var named []*Host
	for _, p := range root.Pairs {
		if p.Name() == "_meta" {
			if all := p.Value.Get("hostvars"); all != nil {
				meta = make(map[string]*yamldoc.Node, len(all.Pairs))
				for _, p := range all.Pairs {
					meta[p.Name()] = p.Value
				}
			}
			continue
		}
		if err := inv.scriptGroup(p.Name(), p.Value, &named); err != nil {
			return err
		}
	}
	done := map[*Host]bool{}
	for _, h := range named {
		if done[h] {
			continue
		}
		done[h] = true
		if meta != nil {
			if vars := meta[h.Name]; vars != nil {
				if err := setHostVars(h, vars); err != nil {
					return err
				}
			}
			continue
		}
		out, err := l.runScript(ctx, path, append(args, "--host", h.Name)...)
		if err != nil {
			return err
		}
		if strings.TrimSpace(string(out)) == "" {
			return fmt.Errorf("Invalid data from file, expected dictionary and got:\n\nNone")
		}
		vars, err := yamldoc.Load(out, yamldoc.Options{Open: l.o.Open})
		if err != nil {
			return fmt.Errorf("could not parse post variable response: %s --host %s", path, h.Name)
		}
		if err := setHostVars(h, vars); err != nil {
			return err
		}
	}
	return nil
}

func setHostVars(h *Host, vars *yamldoc.Node) error {
	if vars.Kind != yamldoc.Mapping {
		shown, _ := value.ToStr(vars.Value())
		return fmt.Errorf("Invalid data from file, expected dictionary and got:\n\n%s", shown)
	}
	for _, p := range vars.Pairs {
		h.SetVar(p.Name(), p.Value.Value(), source.Pos{})
	}
	return nil
}

// scriptGroup takes one top-level entry of a script's output: {hosts, vars, children}, a list of hosts, or, for old
// scripts, a mapping of variables of a host and group of that name.
func (inv *Inventory) scriptGroup(key string, node *yamldoc.Node, named *[]*Host) error {
	name := inv.AddGroup(key)
	shownData := func(n *yamldoc.Node) string { s, _ := value.Repr(n.Value()); return s }
	switch node.Kind {
	case yamldoc.Mapping:
		if node.Get("hosts") == nil && node.Get("vars") == nil && node.Get("children") == nil {
			h, err := inv.AddHost(name, name, 0)
			if err != nil {
				return err
			}
			*named = append(*named, h)
			for _, p := range node.Pairs {
				if err := inv.groups[name].SetVar(p.Name(), p.Value.Value(), source.Pos{}); err != nil {
					return err
				}
			}
			return nil
		}
	case yamldoc.Sequence:
		return inv.scriptHosts(name, node, named)
	default:
		return fmt.Errorf("You defined a group '%s' with bad data for the host list:\n {'hosts': %s}", name, shownData(node))
	}
	if hosts := node.Get("hosts"); hosts != nil {
		if hosts.Kind != yamldoc.Sequence {
			return fmt.Errorf("You defined a group '%s' with bad data for the host list:\n %s", name, shownData(node))
		}
		if err := inv.scriptHosts(name, hosts, named); err != nil {
			return err
		}
	}
	if vars := node.Get("vars"); vars != nil {
		if vars.Kind != yamldoc.Mapping {
			return fmt.Errorf("You defined a group '%s' with bad data for variables:\n %s", name, shownData(node))
		}
		for _, p := range vars.Pairs {
			if err := inv.groups[name].SetVar(p.Name(), p.Value.Value(), source.Pos{}); err != nil {
				return err
			}
		}
	}
	if children := node.Get("children"); children != nil && children.Kind == yamldoc.Sequence {
		for _, c := range children.Items {
			if err := inv.AddChild(name, inv.AddGroup(c.Text)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (inv *Inventory) scriptHosts(group string, hosts *yamldoc.Node, named *[]*Host) error {
	for _, h := range hosts.Items {
		text, ok := value.AsString(h.Value())
		if !ok {
			text, _ = value.ToStr(h.Value())
		}
		added, err := inv.AddHost(text, group, 0)
		if err != nil {
			return err
		}
		*named = append(*named, added)
	}
	return nil
}
