package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/inventory"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// facts is the fact cache of a run: a directory with a file for each host, as Ansible's cache plugin jsonfile has it. It is filled from the
// database before the run, and what the run changed goes back.
type facts struct {
	dir   string
	hosts map[string]int64
	given map[string][sha256.Size]byte // what was written, by host
}

// mostFacts is the size of the facts of a host that are taken.
const mostFacts = 8 << 20

// provideFacts fills the directory of a job's run.
func (d *Dispatcher) provideFacts(tx *store.Tx, job domain.Record, dir string) (*facts, []string, error) {
	if job.Type() != "job" || !job.Bool("use_fact_cache") || !job.Has("inventory") {
		return nil, nil, nil
	}
	f := &facts{dir: filepath.Join(dir, "facts"), hosts: map[string]int64{}, given: map[string][sha256.Size]byte{}}
	if err := os.Mkdir(f.dir, 0o700); err != nil {
		return nil, nil, err
	}
	timeout := int64(0)
	if err := setting(tx, "ANSIBLE_FACT_CACHE_TIMEOUT", &timeout); err != nil {
		return nil, nil, err
	}
	inv, err := tx.Get("inventory", job.Int("inventory"))
	if err != nil {
		return nil, nil, err
	}
	mine, err := inventory.Hosts(d.DB, inv)
	if err != nil {
		return nil, nil, err
	}
	oldest := ""
	if timeout > 0 {
		oldest = domain.Stamp(time.Now().Add(-time.Duration(timeout) * time.Second))
	}
	err = tx.Query("SELECT t.id, t.name, CASE WHEN COALESCE(t.ansible_facts_modified, '') >= ? THEN t.ansible_facts ELSE '' END FROM host t WHERE t.enabled = 1 AND "+mine.SQL, append([]any{oldest}, mine.Args...), func(scan func(...any) error) error {
		var id int64
		var name, text string
		if err := scan(&id, &name, &text); err != nil {
			return err
		}
		if strings.ContainsAny(name, "/\x00") || name == "." || name == ".." {
			return nil // it cannot be a file; its facts are not kept
		}
		f.hosts[name] = id
		if text == "" || text == "{}" {
			return nil
		}
		f.given[name] = sha256.Sum256([]byte(text))
		return os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600)
	})
	return f, []string{"ANSIBLE_CACHE_PLUGIN=jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION=" + f.dir, fmt.Sprintf("ANSIBLE_CACHE_PLUGIN_TIMEOUT=%d", timeout)}, err
}

// keepFacts stores what a run has left. Nothing in the directory is to be trusted: it was the run's.
func (d *Dispatcher) keepFacts(ctx context.Context, f *facts) error {
	if f == nil {
		return nil
	}
	changed := map[int64]string{}
	for name, id := range f.hosts {
		text, err := readFacts(filepath.Join(f.dir, name))
		_, had := f.given[name]
		switch {
		case os.IsNotExist(err):
			if had { // the run cleared them
				changed[id] = "{}"
			}
		case err != nil:
			d.Log.Warn("facts of a host are not kept", "host", name, "error", err)
		case sha256.Sum256(text) != f.given[name]:
			changed[id] = string(text)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	now := domain.Stamp(time.Now())
	return d.DB.Persist(ctx, func(tx *store.Tx) error {
		for id, text := range changed {
			if _, err := tx.UpdateWhere("host", store.Is("id", id), domain.Record{"ansible_facts": json.RawMessage(text), "ansible_facts_modified": now}); err != nil {
				return err
			}
		}
		return nil
	})
}

// readFacts reads a file that must be a file, of a decent size, with a JSON object.
func readFacts(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("it is %v, no file", st.Mode().Type())
	}
	b, err := io.ReadAll(io.LimitReader(file, mostFacts+1))
	if err != nil {
		return nil, err
	}
	if len(b) > mostFacts {
		return nil, fmt.Errorf("they are larger than %d bytes", mostFacts)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(b, &object); err != nil {
		return nil, err
	}
	return json.Marshal(object) // without blanks
}
