package launch

import (
	"encoding/json"
	"errors"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Environment is the execution environment of a job or a template, nil for what has none: its own, or the first that its project, its organization,
// the organization of its inventory or the installation has. What is left runs in the one that is built in.
// get reads a record.
func Environment(tx *store.Tx, get func(domain.Type, int64) (domain.Record, error), rec domain.Record) (any, error) {
	switch rec.Type() {
	case "workflow_job", "workflow_job_template", "workflow_approval", "workflow_approval_template":
		return nil, nil
	case "project", "project_update", "system_job", "system_job_template": // the server's own work
		return builtIn(tx, rec)
	}
	if id := rec.Int("execution_environment"); id != 0 {
		return id, nil
	}
	organizations := []int64{rec.Int("organization")}
	if id := rec.Int("project"); id != 0 {
		p, err := get("project", id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		if id := p.Int("default_environment"); id != 0 {
			return id, nil
		}
	}
	if id := rec.Int("inventory"); id != 0 {
		inv, err := get("inventory", id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		organizations = append(organizations, inv.Int("organization"))
	}
	for _, id := range organizations {
		if id == 0 {
			continue
		}
		org, err := get("organization", id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		if id := org.Int("default_environment"); id != 0 {
			return id, nil
		}
	}
	var text string
	if err := tx.Value(&text, "SELECT value FROM setting WHERE name = 'DEFAULT_EXECUTION_ENVIRONMENT'"); err != nil {
		return nil, err
	}
	if id := int64(0); text != "" && json.Unmarshal([]byte(text), &id) == nil && id != 0 {
		if _, err := get("execution_environment", id); err == nil {
			return id, nil
		}
	}
	return builtIn(tx, nil)
}

// builtIn is the environment in which runs are the server's own program; a template of the server's own work may still name another.
func builtIn(tx *store.Tx, rec domain.Record) (any, error) {
	if id := rec.Int("execution_environment"); id != 0 {
		return id, nil
	}
	env, err := tx.One("execution_environment", store.Where("t.managed = 1"))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return env.ID(), nil
}
