package run

import (
	"errors"
	"fmt"

	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/engine/task"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

// services is what actions may ask of the run. It implements action.Services.
type services Run

func (s *services) run() *Run { return (*Run)(s) }

// HostNames lists the hosts of the inventory.
func (s *services) HostNames() []string {
	var names []string
	for _, h := range s.Inventory.Hosts() {
		names = append(names, h.Name)
	}
	return names
}

// Groups returns the variable groups.
func (s *services) Groups() *value.Dict { return s.run().groups() }

// LoadVars reads a file of variables.
func (s *services) LoadVars(path string) (*value.Dict, error) { return s.Vars.Files.Load(path) }

// ReadFile reads a file of the content.
func (s *services) ReadFile(path string, _ bool) ([]byte, error) {
	data, err := s.Vars.Files.Read(path)
	if errors.Is(err, vault.ErrNoSecrets) {
		return nil, fmt.Errorf("A vault password or secret must be specified to decrypt %s", path) //nolint:staticcheck // Ansible's words
	}
	return data, err
}

// Prompt asks on the terminal.
func (s *services) Prompt(text string, echo bool, seconds int) (string, bool, error) {
	if s.Options.Prompt == nil {
		return "", false, nil
	}
	return s.Options.Prompt(text, echo, seconds)
}

// ModuleDefaults returns the entries of module_defaults for a module, the outermost first.
func (s *services) ModuleDefaults(t *playbook.Task, name string) []value.Value {
	list := t.Extended("module_defaults")
	if len(list) == 0 {
		return nil
	}
	return task.ModuleDefaults(list, name, s.ResolveAction, s.InActionGroup)
}

// IsNative reports whether the agent has a module.
func (s *services) IsNative(name string) bool { return s.Options.IsNative(name) }

// AddHost implements action.Services.
func (s *services) AddHost(h *action.NewHost) bool { return s.run().addHost(h) }

// GroupBy implements action.Services.
func (s *services) GroupBy(host string, g *action.NewGroup) bool { return s.run().groupBy(host, g) }

// Resolve implements action.Services.
func (s *services) Resolve(name string, collections []string) (*collection.Resolved, error) {
	return s.Loader.Actions.ResolveAction(name, collections)
}
