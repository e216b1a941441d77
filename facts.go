package troupe

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/engine/pyhost"
	"github.com/troupe-automation/troupe/internal/engine/run"
	"github.com/troupe-automation/troupe/value"
)

// factCache returns the configured cache of facts; nil for memory, which ends with the run.
func factCache(c *config.Config, plugins *pyhost.Host) (run.FactCache, error) {
	switch name := c.Str("CACHE_PLUGIN"); name {
	case "", "memory", "ansible.builtin.memory":
		return nil, nil
	case "jsonfile", "ansible.builtin.jsonfile", "community.general.jsonfile":
		dir := c.Str("CACHE_PLUGIN_CONNECTION")
		if dir == "" {
			msg := "error, 'jsonfile' cache plugin requires the 'fact_caching_connection' config option to be set (to a writeable directory path)"
			return nil, &diag.Diagnostic{Code: diag.BadSetting, Summary: msg, Classic: msg, Exit: diag.ExitError}
		}
		prefix := ""
		if _, origin := c.Value("CACHE_PLUGIN_PREFIX"); origin.Kind != config.FromDefault { // the default is for other caches
			prefix = c.Str("CACHE_PLUGIN_PREFIX")
		}
		return &jsonFiles{dir: expand(dir), prefix: prefix, timeout: time.Duration(c.Int("CACHE_PLUGIN_TIMEOUT")) * time.Second}, nil
	default:
		cache, err := plugins.FactCache(name)
		if err != nil {
			return nil, &diag.Diagnostic{Code: diag.BadSetting, Summary: err.Error(), Classic: err.Error(), Exit: diag.ExitError, Cause: err}
		}
		if cache != nil {
			return cache, nil
		}
		msg := fmt.Sprintf("Unable to load the facts cache plugin (%s).", name)
		return nil, &diag.Diagnostic{Code: diag.BadSetting, Summary: msg, Classic: msg, Exit: diag.ExitError}
	}
}

// jsonFiles keeps one JSON file for each host (BEHAVIOUR §3.11).
type jsonFiles struct {
	dir, prefix string
	timeout     time.Duration // 0: never too old
}

func (j *jsonFiles) path(host string) string {
	return filepath.Join(j.dir, j.prefix+filepath.Base(host))
}

// Get returns the facts of a host unless they are too old.
func (j *jsonFiles) Get(host string) (*value.Dict, bool) {
	st, err := os.Stat(j.path(host))
	if err != nil || j.timeout > 0 && time.Since(st.ModTime()) > j.timeout {
		return nil, false
	}
	b, err := os.ReadFile(j.path(host))
	if err != nil {
		return nil, false
	}
	v, err := value.ParseJSON(string(b))
	if err != nil {
		return nil, false
	}
	d, ok := v.(*value.Dict)
	return d, ok
}

// Set writes the facts of a host; the file appears whole.
func (j *jsonFiles) Set(host string, facts *value.Dict) error {
	text, err := value.JSON(facts, value.JSONOptions{Indent: "    ", Pretty: true, SortKeys: true, ASCII: true})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(j.dir, ".facts-")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), j.path(host))
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// Clear forgets a host.
func (j *jsonFiles) Clear(host string) error {
	if err := os.Remove(j.path(host)); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
