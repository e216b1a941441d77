package server

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/troupe-automation/troupe/internal/server/api"
	"github.com/troupe-automation/troupe/internal/server/auth"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/rrule"
	"github.com/troupe-automation/troupe/internal/server/secret"
	"github.com/troupe-automation/troupe/internal/server/store"
)

//go:embed credential_types.json
var credentialTypes []byte

//go:embed role_definitions.json
var roleDefinitions []byte

// seed makes what every installation has, where it is not there yet. It returns the installation's id, and the first user's password if it was made up.
func seed(ctx context.Context, db *store.DB, box *secret.Box, c Config) (install, password string, err error) {
	err = db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Lock(store.LockSchema); err != nil {
			return err
		}
		if err := sameKey(tx, box); err != nil {
			return err
		}
		if err := tx.Value(&install, "SELECT value FROM setting WHERE name = 'INSTALL_UUID'"); err != nil {
			return err
		}
		if install == "" {
			install, _ = auth.Token(16)
			if _, err := tx.Exec("INSERT INTO setting (name, value) VALUES ('INSTALL_UUID', ?)", string(domain.Encode(install))); err != nil {
				return err
			}
		} else if err := json.Unmarshal([]byte(install), &install); err != nil {
			return err
		}
		if password, err = firstUser(tx, c); err != nil {
			return err
		}
		for _, f := range []func(*store.Tx, Config) error{seedTypes, seedRoles, seedObjects, seedInstance} {
			if err := f(tx, c); err != nil {
				return err
			}
		}
		return nil
	})
	return install, password, err
}

// sameKey makes sure that the key file is the one that this database's secrets were sealed with: several servers share both.
func sameKey(tx *store.Tx, box *secret.Box) error {
	const name, place, known = "KEY_CHECK", "setting.key_check", "opens"
	var sealed string
	if err := tx.Value(&sealed, "SELECT value FROM setting WHERE name = ?", name); err != nil {
		return err
	}
	if sealed == "" {
		_, err := tx.Exec("INSERT INTO setting (name, value) VALUES (?, ?)", name, string(domain.Encode(box.Seal(place, known))))
		return err
	}
	if err := json.Unmarshal([]byte(sealed), &sealed); err != nil {
		return err
	}
	if text, err := box.Open(place, sealed); err != nil || text != known {
		return errors.New("secrets in this database were sealed with another key: copy the file secret.keys from the data directory of a server that uses it")
	}
	return nil
}

func firstUser(tx *store.Tx, c Config) (string, error) {
	n, err := tx.Count(domain.Of("user"), store.Condition{})
	if err != nil || n > 0 {
		return "", err
	}
	password, made := c.Password, ""
	if password == "" {
		password, _ = auth.Token(12)
		made = password
	}
	hash, err := auth.Hash(password)
	if err != nil {
		return "", err
	}
	return made, tx.Insert("user", domain.Record{"username": c.Admin, "password": hash, "is_superuser": true})
}

func seedTypes(tx *store.Tx, _ Config) error {
	var list []struct {
		Name, Kind, Namespace string
		Inputs, Injectors     json.RawMessage
	}
	if err := json.Unmarshal(credentialTypes, &list); err != nil {
		return err
	}
	for _, t := range list {
		if err := once(tx, "credential_type", "namespace", t.Namespace, domain.Record{"name": t.Name, "kind": t.Kind, "namespace": t.Namespace, "inputs": t.Inputs, "injectors": t.Injectors, "managed": true}); err != nil {
			return err
		}
	}
	return nil
}

func seedRoles(tx *store.Tx, _ Config) error {
	var list []struct {
		Name        string
		ContentType *string `json:"content_type"`
		Permissions json.RawMessage
		Grants      string
	}
	if err := json.Unmarshal(roleDefinitions, &list); err != nil {
		return err
	}
	for _, d := range list {
		rec := domain.Record{"name": d.Name, "permissions": d.Permissions, "grants": d.Grants, "managed": true}
		if d.ContentType != nil {
			rec["content_type"] = *d.ContentType
		}
		if err := once(tx, "role_definition", "name", d.Name, rec); err != nil {
			return err
		}
	}
	return nil
}

func seedObjects(tx *store.Tx, _ Config) error {
	n, err := tx.Count(domain.Of("organization"), store.Condition{})
	if err != nil {
		return err
	}
	if n == 0 {
		if err := tx.Insert("organization", domain.Record{"name": "Default", "description": "The default organization"}); err != nil {
			return err
		}
	}
	if err := seedGalaxy(tx); err != nil {
		return err
	}
	if err := once(tx, "execution_environment", "name", "Built in", domain.Record{"name": "Built in", "image": "troupe", "managed": true, "description": "Runs on the server, as troupe itself"}); err != nil {
		return err
	}
	for _, t := range [][3]string{{"Cleanup Job Details", "cleanup_jobs", "Remove job history"}, {"Cleanup Activity Stream", "cleanup_activitystream", "Remove activity stream history"},
		{"Cleanup Expired Sessions", "cleanup_sessions", "Cleans out expired browser sessions"}, {"Cleanup Expired OAuth 2 Tokens", "cleanup_tokens", "Cleanup expired OAuth 2 access and refresh tokens"}} {
		if err := once(tx, "system_job_template", "job_type", t[1], domain.Record{"name": t[0], "job_type": t[1], "description": t[2], "status": "never updated"}); err != nil {
			return err
		}
	}
	if n > 0 {
		return nil
	}
	return seedCleanup(tx)
}

// seedGalaxy makes the credential by which projects find roles and collections; organizations have it until somebody takes it from them.
func seedGalaxy(tx *store.Tx) error {
	known, err := tx.Count(domain.Of("credential"), api.PublicGalaxy)
	if err != nil || known > 0 {
		return err
	}
	kind, err := tx.One("credential_type", store.Is("namespace", "galaxy_api_token"))
	if err != nil {
		return err
	}
	c := domain.Record{"name": "Ansible Galaxy", "credential_type": kind.ID(), "managed": true, "inputs": domain.J(`{"url": "https://galaxy.ansible.com/"}`)}
	if err := tx.Insert("credential", c); err != nil {
		return err
	}
	all, err := tx.IDList(domain.Of("organization"), store.Condition{})
	for _, o := range all {
		err = errors.Join(err, tx.Link("organization.galaxy_credentials", o, c.ID()))
	}
	return err
}

// seedCleanup makes the schedules by which a new installation forgets what is old; who wants other times or to keep all changes them.
func seedCleanup(tx *store.Tx) error {
	today := time.Now().UTC().Format("20060102T150405Z")
	for _, s := range []struct{ job, name, description, rule, data string }{
		{"cleanup_jobs", "Cleanup Job Schedule", "Automatically Generated Schedule", "BYDAY=SU", `{"days": 120}`},
		{"cleanup_activitystream", "Cleanup Activity Schedule", "Automatically Generated Schedule", "BYDAY=TU", `{"days": 355}`},
		{"cleanup_sessions", "Cleanup Expired Sessions", "Cleans out expired browser sessions", "", "{}"},
		{"cleanup_tokens", "Cleanup Expired OAuth 2 Tokens", "Removes expired OAuth 2 access and refresh tokens", "", "{}"},
	} {
		text := "DTSTART:" + today + " RRULE:FREQ=WEEKLY;INTERVAL=1"
		if s.rule != "" {
			text += ";" + s.rule
		}
		rule, err := rrule.Parse(text)
		if err != nil {
			return err
		}
		template, err := tx.One("system_job_template", store.Is("job_type", s.job))
		if err != nil {
			return err
		}
		next := rule.Next(time.Now())
		rec := domain.Record{"name": s.name, "description": s.description, "unified_job_template": template.ID(), "rrule": text, "extra_data": domain.J(s.data), "enabled": true,
			"dtstart": domain.Stamp(rule.Start), "next_run": next}
		if err := tx.Insert("schedule", rec); err != nil {
			return err
		}
		if err := tx.Update("system_job_template", template.ID(), domain.Record{"next_schedule": rec.ID(), "next_job_run": next, "status": "ok"}); err != nil {
			return err
		}
	}
	return nil
}

func seedInstance(tx *store.Tx, c Config) error {
	now := domain.Stamp(time.Now())
	rec, err := tx.One("instance", store.Is("hostname", c.Node))
	if errors.Is(err, store.ErrNotFound) {
		id, _ := auth.Token(16)
		capacity := int64(4 * runtime.NumCPU())
		rec = domain.Record{"hostname": c.Node, "uuid": id, "node_type": "hybrid", "node_state": "ready", "capacity": capacity, "cpu": fmt.Sprintf("%d.0", runtime.NumCPU()), "cpu_capacity": capacity, "mem_capacity": capacity}
		err = tx.Insert("instance", rec)
	}
	if err != nil {
		return err
	}
	if err := tx.Update("instance", rec.ID(), domain.Record{"last_seen": now, "version": api.Version, "node_state": "ready"}); err != nil {
		return err
	}
	for _, name := range []string{"controlplane", "default"} {
		if err := once(tx, "instance_group", "name", name, domain.Record{"name": name}); err != nil {
			return err
		}
		group, err := tx.One("instance_group", store.Is("name", name))
		if err != nil {
			return err
		}
		if err := tx.Link("instance_group.instances", group.ID(), rec.ID()); err != nil {
			return err
		}
	}
	return nil
}

// once inserts a row unless there is one with the same value.
func once(tx *store.Tx, t domain.Type, field, value string, rec domain.Record) error {
	n, err := tx.Count(domain.Of(t), store.Is(field, value))
	if err != nil || n > 0 {
		return err
	}
	return tx.Insert(t, rec)
}
