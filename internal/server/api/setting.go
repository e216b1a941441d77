package api

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/secret"
	"github.com/troupe-automation/troupe/internal/server/store"
)

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// setting is one row of the table of settings.
type setting struct {
	Name     string `json:"name"`
	Category string `json:"category"`
	Kind     string `json:"kind"`
	Default  any    `json:"default"`
	ReadOnly bool   `json:"read_only,omitempty"`
	Secret   bool   `json:"secret,omitempty"`
}

// defaultEnvironment is the one setting that is a reference.
const defaultEnvironment = "DEFAULT_EXECUTION_ENVIRONMENT"

//go:embed settings.json
var settingsTable []byte

// settings are what installations may set: names, categories, types and defaults.
var settings = sync.OnceValue(func() []setting {
	var out []setting
	if err := json.Unmarshal(settingsTable, &out); err != nil {
		panic(err)
	}
	return out
})

func (q *request) settingCategories() (*reply, error) {
	if !q.actor.Superuser && !q.actor.Auditor {
		return q.plainList(nil)
	}
	seen := map[string]bool{"all": true, "changed": true}
	for _, s := range settings() {
		seen[s.Category] = true
	}
	var list []*object
	for _, slug := range sortedKeys(seen) {
		o := newObject()
		o.set("url", "/api/v2/settings/"+slug+"/")
		o.set("slug", slug)
		o.set("name", fieldTitle(slug))
		list = append(list, o)
	}
	return q.plainList(list)
}

func (q *request) category() (string, []setting, error) {
	parts := strings.Split(strings.Trim(q.r.URL.Path, "/"), "/")
	slug := parts[len(parts)-1]
	var out []setting
	for _, s := range settings() {
		if slug == "all" || slug == "changed" || s.Category == slug {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return "", nil, detail(http.StatusNotFound, "Not found.")
	}
	return slug, out, nil
}

func (q *request) storedSettings() (map[string]any, error) {
	out := map[string]any{}
	err := q.tx.Query("SELECT name, value FROM setting", nil, func(scan func(...any) error) error {
		var name, value string
		if err := scan(&name, &value); err != nil {
			return err
		}
		if secret.Sealed(value) {
			out[name] = secret.Mark
			return nil
		}
		var v any
		if err := json.Unmarshal([]byte(value), &v); err != nil {
			return err
		}
		out[name] = v
		return nil
	})
	return out, err
}

// readSetting reads a setting that somebody has made; dst is left alone when nobody has.
func (q *request) readSetting(name string, dst any) error {
	var value string
	if err := q.tx.Value(&value, "SELECT value FROM setting WHERE name = ?", name); err != nil || value == "" {
		return err
	}
	return json.Unmarshal([]byte(value), dst)
}

func (q *request) settingsGet() (*reply, error) {
	slug, list, err := q.category()
	if err != nil {
		return nil, err
	}
	stored, err := q.storedSettings()
	if err != nil {
		return nil, err
	}
	o := newObject()
	for _, s := range list {
		v, changed := stored[s.Name]
		if !changed {
			if slug == "changed" {
				continue
			}
			v = s.Default
		}
		o.set(s.Name, v)
	}
	return ok(o)
}

func (q *request) settingsPut() (*reply, error) {
	if !q.actor.Superuser {
		return nil, errForbidden
	}
	_, list, err := q.category()
	if err != nil {
		return nil, err
	}
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	w := wrong{}
	err = q.write(func(tx *store.Tx) error {
		for _, s := range list {
			v, given := body[s.Name]
			if !given || s.ReadOnly || s.Secret && v == secret.Mark {
				continue
			}
			good := true
			switch v.(type) {
			case bool:
				good = s.Kind == "boolean"
			case int64:
				good = s.Kind == "integer" || s.Kind == "float"
			case float64:
				good = s.Kind == "float"
			case string:
				good = s.Kind != "boolean" && s.Kind != "integer" && s.Kind != "list" && s.Kind != "nested object"
			}
			if s.Name == defaultEnvironment && v != nil {
				id, isID := v.(int64)
				_, err := q.get("execution_environment", id)
				good = isID && err == nil
			}
			if !good {
				w.add(s.Name, "Not a valid %s.", s.Kind)
				continue
			}
			text := string(domain.Encode(v))
			if str, isText := v.(string); s.Secret && isText && str != "" {
				text = q.Box.Seal("setting."+s.Name, str)
			}
			if _, err := tx.Exec("INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", s.Name, text); err != nil {
				return err
			}
		}
		return w.err()
	})
	if err != nil {
		return nil, err
	}
	return q.settingsGet()
}

func (q *request) settingsReset() (*reply, error) {
	if !q.actor.Superuser {
		return nil, errForbidden
	}
	_, list, err := q.category()
	if err != nil {
		return nil, err
	}
	err = q.write(func(tx *store.Tx) error {
		for _, s := range list {
			if _, err := tx.Exec("DELETE FROM setting WHERE name = ?", s.Name); err != nil {
				return err
			}
		}
		return nil
	})
	return noContent, err
}

func settingsOptions(q *request) (*object, error) {
	_, list, err := q.category()
	if err != nil {
		return nil, err
	}
	get, put := newObject(), newObject()
	for _, s := range list {
		d := map[string]any{"type": s.Kind, "label": fieldTitle(strings.ToLower(s.Name)), "help_text": "", "category": s.Category, "category_slug": s.Category}
		get.set(s.Name, d)
		if !s.ReadOnly {
			put.set(s.Name, map[string]any{"type": s.Kind, "required": false, "label": d["label"], "help_text": "", "default": s.Default, "category": s.Category, "category_slug": s.Category})
		}
	}
	actions := newObject()
	actions.set("GET", get)
	if q.actor.Superuser {
		actions.set("PUT", put)
	}
	return describe("Setting Detail", "", actions), nil
}
